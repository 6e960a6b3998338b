// @ts-check
/**
 * Where a question is written anew, in its own place. Enter sends it, as in the composer, and
 * Escape gives it up; neither while an input method composes. Loaded when first needed.
 */
import { element, growToText } from "../page/dom.js";
import { isComposing } from "../page/shortcuts.js";
import { t } from "../page/words.js";

/**
 * @param {HTMLElement} text what is edited; the editor stands in its place until it is over
 * @param {(text: string) => boolean} save false: it cannot be sent now
 * @param {(saved: boolean) => void} closed
 */
export function edit(text, save, closed) {
  const form = element("form", "editor");
  const field = element("textarea");
  field.value = text.textContent ?? "";
  field.setAttribute("aria-label", t("edit.label"));
  field.rows = 1;
  const end = (/** @type {boolean} */ saved) => {
    form.replaceWith(text);
    closed(saved);
  };
  const submit = () => {
    const changed = field.value !== text.textContent;
    if (!field.value.trim()) field.focus();
    else if (!changed || save(field.value)) end(changed);
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  field.addEventListener("input", () => growToText(field));
  field.addEventListener("keydown", (event) => {
    if (isComposing(event)) return;
    if (event.key === "Escape") end(false);
    else if (event.key !== "Enter" || event.shiftKey || event.altKey) return;
    else submit();
    event.preventDefault();
    event.stopPropagation(); // Escape ends the editing, and nothing else
  });
  form.append(field, buttons(() => end(false)));
  text.replaceWith(form);
  growToText(field);
  field.focus();
  field.setSelectionRange(field.value.length, field.value.length);
}

/** @param {() => void} cancel */
function buttons(cancel) {
  const row = element("div", "editor-buttons");
  const save = element("button", "button small primary", t("edit.save"));
  const no = element("button", "button small", t("edit.cancel"));
  save.type = "submit";
  no.type = "button";
  no.addEventListener("click", cancel);
  row.append(element("p", "editor-hint", t("edit.hint")), no, save);
  return row;
}
