// @ts-check
/** Stores the system prompt and the parameters of a conversation. Loaded with the panel in which they are written. */
import { createConversation } from "../page/settings_api.js";

/** Store them at the server, which creates the conversation if it is new; those of a temporary chat stay in the page. Throws `Refused`. @param {import("./instructions.js").Instructions} instructions @param {string} text @param {Record<string, any>} options */
export async function saveInstructions(instructions, text, options) {
  const { conversation, defaults } = instructions;
  const { api, id, temporary } = conversation;
  instructions.isEdited = !!temporary;
  if (temporary) return instructions.set(text, options);
  if (id) await api.change(id, { system: text, options });
  const made = id ?? (await createConversation(api, created(defaults, text, options))).id;
  if (conversation.id !== id || conversation.temporary) return; // the user has opened another conversation meanwhile
  if (!id) conversation.adopt(made);
  instructions.set(text, options);
  conversation.fireNews({ type: "changed", conversation_id: made });
}

/** The body that creates a conversation. An option of its preset that was removed is null. @param {import("./instructions.js").Instructions["defaults"]} defaults @param {string} system @param {Record<string, any>} options */
function created({ begins, ownModel, toolChoice }, system, options) {
  const removed = Object.fromEntries(Object.keys(begins?.options ?? {}).map((name) => [name, null]));
  return { system, options: { ...removed, ...options }, ...toolChoice?.members, ...(begins && { preset: begins.id, ...(ownModel && { model: ownModel }) }) };
}
