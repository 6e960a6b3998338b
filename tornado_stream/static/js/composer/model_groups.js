// @ts-check
/**
 * Filters the models by the typed text, and groups them. Pure.
 *
 * @typedef {import("../page/api.js").Model} Model
 * @typedef {{name: string, detail: string, models: Model[]}} Group `detail`: what this upstream is, or why it fails
 */

/** The maker, if the model's name contains it (`maker/model`), otherwise the provider. @param {Model} model */
const makerOf = ({ id, provider }) => (id.includes("/") ? id.slice(0, id.indexOf("/")) : provider);

/**
 * The models whose name or provider contains every word of `query`, in the server's order. They are
 * grouped by provider if there are several, otherwise by maker. If `query` is empty and there are several
 * providers, there is also a group for each provider without models.
 * @param {Model[]} models @param {string} query @returns {Group[]}
 */
export function groupModels(models, query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const several = new Set(models.map(({ provider }) => provider)).size > 1;
  /** @type {Map<string, Group>} */
  const groups = new Map();
  for (const model of models) {
    const searched = `${model.id} ${model.provider}`.toLowerCase();
    if (model.id ? !words.every((word) => searched.includes(word)) : words.length || !several) continue;
    const name = several ? model.provider : makerOf(model);
    const group = groups.get(name) ?? { name, detail: several ? model.detail : "", models: [] };
    if (model.id) group.models.push(model);
    groups.set(name, group);
  }
  return [...groups.values()];
}
