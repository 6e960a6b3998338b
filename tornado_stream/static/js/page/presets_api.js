// @ts-check
/**
 * The URLs of presets and prompts. A method rejects like those of api.js.
 *
 * @typedef {{id: string, name: string, kind: "preset" | "prompt", text: string, system: string | null, model: string | null, options: Record<string, any>, tools?: string[], shared: boolean, version: number}} Preset
 */
const PATH = "/api/presets";

/** The user's own presets and prompts, then everybody's. @param {import("./api.js").Api} api @returns {Promise<Preset[]>} */
export const readPresets = async (api) => (await api.request("GET", PATH)).presets;

/** @param {import("./api.js").Api} api @param {object} preset @returns {Promise<Preset>} */
export const createPreset = (api, preset) => api.request("POST", PATH, preset);

/** Change a preset that has this version. Refused with 409 `changed_meanwhile` if it has another one by now. @param {import("./api.js").Api} api @param {string} id @param {number} version @param {object} changes @returns {Promise<Preset>} */
export const changePreset = (api, id, version, changes) => api.request("PATCH", `${PATH}/${id}`, { ...changes, version });

/** @param {import("./api.js").Api} api @param {string} id */
export const deletePreset = (api, id) => api.request("DELETE", `${PATH}/${id}`, {});
