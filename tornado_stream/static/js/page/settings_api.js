// @ts-check
/**
 * The URLs of the settings dialog (the user's defaults, sessions, password and conversations) and of the panel. A
 * function rejects like those of api.js.
 *
 * @typedef {import("./api.js").Api} Api
 * @typedef {{id: string, created_at: number | null, last_used_at: number | null, address: string, agent: string, current: boolean}} Session times in milliseconds
 */

const DEFAULTS = "/api/defaults";
const SESSIONS = "/api/sessions";
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

/** A new conversation, without a question. @param {Api} api @param {object} body @returns {Promise<{id: string}>} */
export const createConversation = (api, body) => api.request("POST", "/api/conversations", body);
