// @ts-check
/**
 * The URLs of the settings dialog (the user's defaults, sessions, password and conversations) and of the panel. A
 * function rejects like those of api.js.
 *
 * @typedef {import("./api.js").Api} Api
 * @typedef {{id: string, name: string, state: "reading" | "done" | "failed" | "stopped", why: string, imported: number, known: number, presets: number, left_out: number, skipped_count: number, skipped: {title: string, why: string}[]}} Import
 * @typedef {{id: string, created_at: number | null, last_used_at: number | null, address: string, agent: string, current: boolean}} Session times in milliseconds
 */
import { refusal } from "./api.js";

const DEFAULTS = "/api/defaults";
const SESSIONS = "/api/sessions";
const IMPORTS = "/api/imports";
/** Deleting all conversations may take long: milliseconds. */
const PATIENCE = 600_000;

/** What the conversations of the user begin with. @param {Api} api */
export const readDefaults = (api) => api.request("GET", DEFAULTS);

/** Refused with 409 `changed_meanwhile` if the defaults have another version by now. @param {Api} api @param {object} defaults with their `version` */
export const writeDefaults = (api, defaults) => api.request("PUT", DEFAULTS, defaults);

/** @param {Api} api @returns {Promise<Session[]>} */
export const readSessions = async (api) => (await api.request("GET", SESSIONS)).sessions;

/** @param {Api} api @param {string} id */
export const endSession = (api, id) => api.request("DELETE", `${SESSIONS}/${encodeURIComponent(id)}`, {});

/** End all sessions but this one. @param {Api} api */
export const endOtherSessions = (api) => api.request("DELETE", SESSIONS, { others: true });

/** @param {Api} api @param {string} old @param {string} fresh the new password */
export const changePassword = (api, old, fresh) => api.request("POST", "/api/password", { old, new: fresh });

/** @param {Api} api */
export const deleteConversations = (api) => api.request("DELETE", "/api/conversations", { all: true }, undefined, PATIENCE);

/** The imports of the last day, the newest first. @param {Api} api @returns {Promise<Import[]>} */
export const readImports = async (api) => (await api.request("GET", IMPORTS)).imports;

/** @param {Api} api @param {string} id @returns {Promise<Import>} */
export const readImport = (api, id) => api.request("GET", `${IMPORTS}/${encodeURIComponent(id)}`);

/** What is imported by then stays. @param {Api} api @param {string} id */
export const stopImport = (api, id) => api.request("DELETE", `${IMPORTS}/${encodeURIComponent(id)}`, {});

/**
 * Upload an export, and begin to import it. `fetch` does not tell how far an upload is.
 * @param {Api} api @param {File} file @param {AbortSignal} signal @param {(part: number) => void} progress from 0 to 1 @returns {Promise<Import>}
 */
export function uploadImport(api, file, signal, progress) {
  const request = new XMLHttpRequest();
  signal.addEventListener("abort", () => request.abort());
  request.upload.addEventListener("progress", ({ loaded, total }) => progress(total ? loaded / total : 0));
  request.open("POST", `${api.root}${IMPORTS}?name=${encodeURIComponent(file.name)}`);
  request.setRequestHeader("Content-Type", "application/octet-stream");
  return new Promise((resolve, reject) => {
    for (const type of ["error", "abort"]) request.addEventListener(type, () => reject(new TypeError(type)));
    request.addEventListener("load", async () => {
      const response = new Response(request.responseText, { status: request.status });
      if (response.ok) resolve(await response.json());
      else reject(await refusal(response));
    });
    request.send(file);
  });
}

/** A new conversation, without a question. @param {Api} api @param {object} body @returns {Promise<{id: string}>} */
export const createConversation = (api, body) => api.request("POST", "/api/conversations", body);
