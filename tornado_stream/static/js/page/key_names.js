// @ts-check
/** What is written on the keys of this kind of computer. */
import { isMac, isSingle } from "./shortcuts.js";
import { t } from "./words.js";

/** @returns {Record<string, string>} */
const names = () => isMac
  ? { mod: "⌘", shift: "⇧", alt: "⌥", enter: "↩", escape: "esc", arrowup: "↑" }
  : { mod: t("shortcuts.ctrl"), shift: t("shortcuts.shift"), alt: "Alt", enter: t("shortcuts.enter"), escape: "Esc", arrowup: "↑" };

/** The keys that are pressed together. @param {string} combination as in `SHORTCUTS` */
export const keysOf = (combination) => (isSingle(combination) ? [combination] : combination.split("+")).map((key) => names()[key] ?? key.toUpperCase());
