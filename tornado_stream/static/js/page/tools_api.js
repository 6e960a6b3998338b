// @ts-check
/**
 * The URL of the servers of tools. A method rejects like those of api.js.
 *
 * @typedef {{name: string, title: string, description: string, asks: boolean, read_only: boolean | null}} Tool
 * @typedef {{name: string, state: "idle" | "starting" | "ready" | "failed", detail: string, tools: Tool[]}} Server
 */

/** The servers that this user may use, with what each offers. @param {import("./api.js").Api} api @returns {Promise<Server[]>} */
export const readServers = async (api) => (await api.request("GET", "/api/tools")).servers;
