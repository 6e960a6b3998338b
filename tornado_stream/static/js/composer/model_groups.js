// @ts-check
/**
 * Filters the models by the typed text, and groups them. Pure.
 *
 * @typedef {import("../page/api.js").Model} Model
 * @typedef {{kind: "favourites" | "recent" | "upstream" | "maker", name: string, failed: Model | null, models: Model[]}} Group
 *   `failed`: a model of an upstream none of whose models can be used
 */

/** The maker, if the model's name contains it (`maker/model`), otherwise the provider. @param {Model} model */
const makerOf = ({ id, provider }) => (id.includes("/") ? id.slice(0, id.indexOf("/")) : provider);

/**
 * The models whose name, maker or provider contains every word of `query`. First come the favourites and those that
 * were used last, then all others in the server's order, grouped by provider if there are several, otherwise by maker.
 * If `query` is empty and there are several providers, there is also a group for each provider without models.
 * @param {Model[]} models @param {string} query @param {{favourites?: string[], recent?: string[]}} [first] ids @returns {Group[]}
 */
export function groupModels(models, query, { favourites = [], recent = [] } = {}) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const several = new Set(models.map(({ provider }) => provider)).size > 1;
  const isFound = (/** @type {Model} */ { id, provider, maker = "" }) => {
    const searched = `${id} ${maker} ${provider}`.toLowerCase();
    return id ? words.every((word) => searched.includes(word)) : several && !words.length;
  };
  const found = models.filter(isFound);
  const byId = new Map(found.map((model) => [model.id, model]));
  const pick = (/** @type {string[]} */ ids) => ids.flatMap((id) => byId.get(id) ?? []);
  const liked = pick(favourites);
  const used = pick(recent.filter((id) => !favourites.includes(id)));
  /** @type {Map<string, Group>} */
  const groups = new Map();
  for (const model of found) {
    if (liked.includes(model) || used.includes(model)) continue;
    const name = several ? model.provider : makerOf(model);
    const group = groups.get(name) ?? { kind: several ? "upstream" : "maker", name, failed: several ? model : null, models: [] };
    if (model.state !== "failed") group.failed = null;
    if (model.id) group.models.push(model);
    groups.set(name, group);
  }
  /** @type {Group[]} */
  const first = [{ kind: "favourites", name: "", failed: null, models: liked }, { kind: "recent", name: "", failed: null, models: used }];
  return [...first.filter((group) => group.models.length), ...groups.values()];
}
