// @ts-check
/** Stores a system prompt and parameters at the server. Loaded with the panel in which they are written. */
/** They are for the open conversation, and create one if it is new. Throws `Refused`. @param {import("./instructions.js").Instructions} instructions @param {string} text @param {Record<string, any>} options */
export async function saveInstructions(instructions, text, options) {
  const { conversation } = instructions;
  const { api, id } = conversation;
  if (id) await api.change(id, { system: text, options });
  const made = id ?? (await api.create({ system: text, options })).id;
  if (conversation.id !== id) return; // the user has opened another conversation meanwhile
  if (!id) conversation.adopt(made);
  instructions.set(text, options);
  conversation.fireNews({ type: "changed", conversation_id: made });
}
