// @ts-check
/** Sends files to the server. The rule: nothing here retries or keeps state. */
import { base } from "./base.js";
import { Refused } from "./api.js";

/**
 * Send a file. `done` resolves with what the server tells of it, and whether it did not have these bytes before; rejected with `Refused`, or another error if the connection was lost.
 * @param {Blob} bytes @param {string} name @param {(part: number) => void} progress from 0 to 1
 * @returns {{done: Promise<{file: any, isNew: boolean}>, stop: () => void}}
 */
export function sendFile(bytes, name, progress) {
  const request = new XMLHttpRequest(); // `fetch` does not tell how much was sent
  const done = new Promise((resolve, reject) => {
    request.open("POST", `${base}/api/files?name=${encodeURIComponent(name)}`);
    request.setRequestHeader("Accept", "application/json");
    request.responseType = "json";
    request.upload.onprogress = ({ loaded, total }) => progress(total ? loaded / total : 0);
    request.onerror = request.onabort = request.ontimeout = () => reject(new Error("not sent"));
    request.onload = () => {
      const { status, response } = request;
      if (status === 200 || status === 201) return resolve({ file: response, isNew: status === 201 });
      if (status === 401) globalThis.location.reload(); // the session has ended: this shows the login
      reject(new Refused(status, response?.error?.code ?? `http_${status}`, response?.error?.message ?? ""));
    };
    request.send(bytes);
  });
  return { done, stop: () => request.abort() };
}

/** Where a file is. @param {string} id */
export const fileAddress = (id) => `${base}/api/files/${encodeURIComponent(id)}`;

/** Delete a file, also if the page ends now. @param {import("./api.js").Api} api @param {string} id */
export const deleteFile = (api, id) => api.request("DELETE", `/api/files/${encodeURIComponent(id)}`, undefined, true);

/** The files that no message has. @param {import("./api.js").Api} api @returns {Promise<any[]>} */
export const unusedFiles = async (api) => {
  const response = await api.plain("/api/files", { headers: { Accept: "application/json" } });
  if (!response.ok) throw new Error("not read");
  return (await response.json()).files;
};
