// @ts-check
/**
 * Which models can be picked, for what was typed. Pure.
 *
 * @typedef {import("./api.js").Model} Model
 * @typedef {{name: string, models: Model[]}} Group
 */

/** Who makes a model, where its name says so (`maker/model`), else who offers it. @param {Model} model */
const makerOf = ({ id, provider }) => (id.includes("/") ? id.slice(0, id.indexOf("/")) : provider);

/** The models that have every word of `query` in their name, by maker, each in the server's order. @param {Model[]} models @param {string} query @returns {Group[]} */
export function grouped(models, query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  /** @type {Map<string, Model[]>} */
  const groups = new Map();
  for (const model of models) {
    const searched = `${model.id} ${model.provider}`.toLowerCase();
    if (!model.id || !words.every((word) => searched.includes(word))) continue;
    const group = groups.get(makerOf(model));
    if (group) group.push(model);
    else groups.set(makerOf(model), [model]);
  }
  return Array.from(groups, ([name, found]) => ({ name, models: found }));
}
