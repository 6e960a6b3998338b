// @ts-check
/**
 * Which models can be picked, for what was typed. Pure.
 *
 * @typedef {import("../page/api.js").Model} Model
 * @typedef {{name: string, detail: string, models: Model[]}} Group `detail`: what this upstream is, or what is wrong with it
 */

/** Who makes a model, where its name says so (`maker/model`), else who offers it. @param {Model} model */
const makerOf = ({ id, provider }) => (id.includes("/") ? id.slice(0, id.indexOf("/")) : provider);

/**
 * The models that have every word of `query` in their name, each in the server's order: by upstream
 * where there are several, else by maker. Upstreams that list none are there while nothing is typed.
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
