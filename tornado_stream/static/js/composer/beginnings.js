// @ts-check
/**
 * What a new conversation can begin with, loaded when the user first asks for it: a preset, a prompt, or a temporary chat.
 *
 * @typedef {"presets" | "temporary" | "gone" | "prompts"} What
 */
import { loadStyleSheet } from "../page/style_sheets.js";
import { NewChat } from "./new_chat.js";
import { PresetDialog } from "./preset_dialog.js";
import { PromptList } from "./prompt_list.js";

await Promise.all([loadStyleSheet("menus"), loadStyleSheet("beginnings")]).catch(() => {}); // it works without its style, too

/** @param {import("./new_chat.js").Page} page */
export function beginnings(page) {
  const newChat = new NewChat(page);
  const dialog = new PresetDialog(page, (preset) => newChat.begin(preset), (prompt) => prompts.insert(prompt));
  const prompts = new PromptList(page, () => void dialog.open());
  const callbacks = {
    presets: (/** @type {object | undefined} */ draft) => void dialog.open(draft), // the list, or the form for a new preset
    temporary: () => newChat.toggleTemporary(),
    gone: () => newChat.sayGone(), // a temporary chat
    prompts: () => void prompts.show(), // if the question begins like the name of one
  };
  return { open: (/** @type {{what: What, more?: any}} */ { what, more }) => callbacks[what](more) };
}
