// @ts-check
/**
 * The `{{fields}}` of a prompt, as places in its text. Pure. The rule: a field is found once, when the prompt is inserted;
 * what the user writes in its place is never looked into.
 *
 * @typedef {{start: number, end: number}} Field
 */
const FIELD = /\{\{[^{}\n]{1,64}\}\}/g;

/** @param {string} text @returns {Field[]} */
export const fieldsOf = (text) => Array.from(text.matchAll(FIELD), ({ index, 0: { length } }) => ({ start: index, end: index + length }));

/**
 * The places of the fields after a change of the text. A field that was deleted together with text beside it is gone.
 * @param {Field[]} fields @param {string} before @param {string} after @param {number} caret behind what was written @returns {Field[]}
 */
export function moved(fields, before, after, caret) {
  const grown = after.length - before.length;
  const most = Math.min(before.length, after.length);
  const same = Math.min(most, caret - Math.max(0, grown));
  let from = 0; // the old text from here …
  while (from < same && before[from] === after[from]) from++;
  let to = before.length; // … to here was replaced
  while (to > from && to + grown > from && before[to - 1] === after[to - 1 + grown]) to--;
  const inside = fields.find(({ start, end }) => start <= from && to <= end);
  return fields.flatMap((field) => {
    const { start, end } = field;
    if (field === inside) return [{ start, end: end + grown }];
    if (end <= from) return [field];
    return start >= to ? [{ start: start + grown, end: end + grown }] : [];
  });
}

/** The field behind the selected text, or before it. @param {Field[]} fields @param {number} from @param {number} to @param {boolean} back @returns {Field | undefined} */
export function nextField(fields, from, to, back) {
  const at = fields.findIndex(({ start, end }) => start <= from && to <= end);
  if (at >= 0) return fields[at + (back ? -1 : 1)];
  return back ? fields.findLast(({ end }) => end <= from) : fields.find(({ start }) => start >= to);
}
