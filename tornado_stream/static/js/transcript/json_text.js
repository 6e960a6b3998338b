// @ts-check
/**
 * JSON as a person reads it: indented, every value as it was sent. Pure. The rule: what is shown is all that there is.
 * A character that one cannot see, or that changes the order of letters, is written as its escape.
 */

/** A part of JSON: a string, white space, an empty object or array, an opening or closing bracket, a comma, a colon. */
const TOKEN = /("(?:\\.|[^"\\])*")|\s+|([{[]\s*[}\]])|([{[])|([}\]])|(,)|(:)/g;
/** Escapes in a string: of characters, or any other. */
const ESCAPES = /((?:\\u[0-9a-fA-F]{4})+)|\\./g;
/** Characters without a picture of their own, but for a space and a line break, and those that reorder others. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0]|(?! )\p{Zs}/gu;

/** JSON with line breaks and indentation, and every number as it was written. A text that is not JSON is returned unchanged. @param {string} text */
export function pretty(text) {
  return indented(text, (string) => string);
}

/** The same with the strings readable: letters that were sent as escapes, and a line break after each `\n`. @param {string} text */
export function readable(text) {
  return indented(text, (string) => seen(string.replace(ESCAPES, (escape, letters) => (letters ? lettersOf(letters) : escape === "\\n" ? "\\n\n" : escape))));
}

/** A text whose characters can all be seen. @param {string} text */
export const seen = (text) => text.replace(UNSEEN, (character) => ("\n\t".includes(character) ? character : Array.from({ length: character.length }, (_, at) => escapeOf(character.charCodeAt(at))).join("")));

/** @param {number} code of a UTF-16 unit */
const escapeOf = (code) => `\\u${code.toString(16).padStart(4, "0")}`;

/** The letters that escapes mean; a control character, a quote or a backslash stays an escape. @param {string} escapes */
const lettersOf = (escapes) => JSON.parse(`"${escapes}"`).replace(/[\0-\x1f"\\]/g, (/** @type {string} */ one) => escapeOf(one.charCodeAt(0)));

/** @param {string} text @param {(string: string) => string} shown of a string with its quotes */
function indented(text, shown) {
  try {
    JSON.parse(text);
  } catch {
    return text;
  }
  let depth = 0;
  const line = (/** @type {number} */ step) => `\n${"  ".repeat((depth += step))}`;
  return text.replace(TOKEN, (token, string, empty, opens, closes, comma, colon) => {
    if (string) return shown(string);
    if (empty) return empty[0] + empty.at(-1);
    if (opens) return opens + line(1);
    if (closes) return line(-1) + closes;
    if (comma) return comma + line(0);
    return colon ? ": " : "";
  });
}
