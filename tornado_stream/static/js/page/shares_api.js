// @ts-check
/**
 * The URLs of shared links. A method rejects like those of api.js.
 *
 * @typedef {{id: string, conversation_id: string, title: string, leaf_id: string, live: boolean, files: boolean, created_at: number, expires_at: number | null}} Share
 */
import { conversationPath } from "./api.js";

/** The links of the user that have not expired. @param {import("./api.js").Api} api @returns {Promise<Share[]>} */
export const readShares = async (api) => (await api.request("GET", "/api/shares")).shares;

/** Share a branch. Only this response tells the link. @param {import("./api.js").Api} api @param {string} id of the conversation @param {{leaf_id: string, live: boolean, files: boolean, days: number | null}} what @returns {Promise<{id: string, url: string, expires_at: number | null}>} */
export const addShare = (api, id, what) => api.request("POST", `${conversationPath(id)}/shares`, what);

/** Take a link back. @param {import("./api.js").Api} api @param {string} id */
export const revokeShare = (api, id) => api.request("DELETE", `/api/shares/${id}`, {});
