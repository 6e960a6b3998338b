// @ts-check
import { t } from "./words.js";

/** Make every `data-copy` button below `root` copy the `code` beside it. @param {ParentNode} root @param {(text: string) => void} say */
export function armCopyButtons(root, say) {
  for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (root.querySelectorAll("[data-copy]"))) {
    const code = /** @type {HTMLElement} */ (button.parentElement?.querySelector("code"));
    const label = button.textContent;
    button.addEventListener("click", async () => {
      const done = (await copy(code)) ? t("copied") : t("selected");
      button.textContent = done;
      say(done);
      setTimeout(() => (button.textContent = label), 2000);
    });
  }
}

/** Copy an element's text; where the page may not, it is left selected for the reader. @param {HTMLElement} element */
export async function copy(element) {
  try {
    await navigator.clipboard.writeText(element.textContent ?? ""); // absent on plain http from another machine
    return true;
  } catch {
    getSelection()?.selectAllChildren(element);
    try {
      return document.execCommand("copy");
    } catch {
      return false;
    }
  }
}

/** Copy a text that stands nowhere on the page as it is. @param {string} text */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

/** @param {string} text */
function copyBySelection(text) {
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
