// @ts-check
/** Copying, also without the clipboard API, which a page has only over https or from localhost. */
import { t } from "./words.js";

/** Make every `data-copy` button below `root` copy the text of the `code` element beside it. @param {ParentNode} root @param {(text: string) => void} say */
export function armCopyButtons(root, say) {
  for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (root.querySelectorAll("[data-copy]"))) {
    const code = /** @type {HTMLElement} */ (button.parentElement?.querySelector("code"));
    const label = button.textContent ?? "";
    button.addEventListener("click", async () => say(await copyBy(button, label, code)));
  }
}

/** Copy an element's text. For two seconds, the button says that the text is copied, or only selected. Returns what it says. @param {HTMLElement} button @param {string} label of the button @param {HTMLElement} element */
export async function copyBy(button, label, element) {
  let copied = await write(element.textContent ?? "");
  if (!copied) {
    getSelection()?.selectAllChildren(element);
    copied = document.execCommand("copy");
  }
  setTimeout(() => (button.textContent = label), 2000);
  return (button.textContent = copied ? t("copied") : t("selected"));
}

/** Copy a text that is not on the page in this form. Returns whether it is copied. @param {string} text */
export async function copyText(text) {
  if (await write(text)) return true;
  const focused = /** @type {HTMLElement | null} */ (document.activeElement);
  const field = document.createElement("textarea");
  field.className = "visually-hidden";
  field.value = text;
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  focused?.focus({ preventScroll: true });
  return done;
}

/** @param {string} text */
async function write(text) {
  try {
    await navigator.clipboard.writeText(text); // `clipboard` is undefined over http from another machine
    return true;
  } catch {
    return false;
  }
}
