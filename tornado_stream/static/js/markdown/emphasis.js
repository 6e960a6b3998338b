// @ts-check
/**
 * Finds emphasis, strong emphasis and strikethrough: CommonMark's algorithm for delimiter runs (spec 0.31.2, "process
 * emphasis"), with the amendment for Chinese, Japanese and Korean that github.com/tats-u/markdown-cjk-friendly
 * specifies. Pure. The rule: the cost of a text is proportional to its length.
 *
 * @typedef {{mark: string, at: number, from: number, count: number, length: number, opens: boolean, closes: boolean}} Run
 * `at`: where it begins; `from`, `count`: what is left of it; `length`: how long it was
 * @typedef {{type: "em" | "strong" | "del", width: number, end: number}} Pair `width`: of each mark; `end`: where the second mark begins
 */

const SPACE = /[\s\p{Zs}]/u;
const PUNCTUATION = /[\p{P}\p{S}]/u;
/** Wide, fullwidth and halfwidth characters that are no emoji, and Hangul. */
const CJK =
  /(?!\p{Emoji_Presentation})[\u1100-\u11ff\u20a9\u2329\u232a\u2630-\u2637\u268a-\u268f\u2e80-\u303e\u3041-\u3247\u3250-\ua4c6\ua960-\ua97c\uac00-\ud7fb\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6b\uff01-\uffdc\uffe0-\uffee\u{16fe0}-\u{18df2}\u{1aff0}-\u{1b2fb}\u{1d300}-\u{1d376}\u{1f200}-\u{1f265}\u{20000}-\u{3fffd}]/u;
/** Selects how the character before it is drawn: as a letter or sign, not as an emoji; and a form of an ideograph. */
const SELECTOR = /[\ufe00-\ufe0e]/;
const IDEOGRAPHIC_SELECTOR = /[\u{e0100}-\u{e01ef}]/u;
/** Quotes that are wide with the selector U+FE01, and narrow without it. */
const WIDE_QUOTE = /[‘’“”]\ufe01$/;
/** Runs of `~` other than `~~` mean nothing, because `~` means "about" in many languages. */
const RUNS = /\*+|_+|~+/g;

/** The character that ends before `at`, which may have a selector. @param {string} text @param {number} at */
function before(text, at) {
  const [last = "", first = ""] = [...text.slice(Math.max(0, at - 4), at)].reverse();
  return SELECTOR.test(last) ? first + last : last;
}

/** @param {string} mark @param {string} text with code, links and escapes masked @param {number} at @returns {Run} */
function runAt(mark, text, at) {
  const { length } = mark;
  const previous = before(text, at);
  const next = String.fromCodePoint(text.codePointAt(at + length) ?? 32);
  const cjkBefore = CJK.test(previous) || IDEOGRAPHIC_SELECTOR.test(previous) || WIDE_QUOTE.test(previous);
  const [spaceBefore, spaceAfter] = [!previous || SPACE.test(previous), SPACE.test(next)];
  const [markBefore, markAfter] = [PUNCTUATION.test(previous), PUNCTUATION.test(next)];
  const [narrowBefore, narrowAfter] = [markBefore && !cjkBefore, markAfter && !CJK.test(next)];
  const left = !spaceAfter && (!narrowAfter || spaceBefore || narrowBefore || cjkBefore);
  const right = !spaceBefore && (!narrowBefore || spaceAfter || narrowAfter || CJK.test(next));
  const within = mark[0] === "_"; // within a word it means nothing
  return { mark: mark[0], at, from: at, count: length, length, opens: left && (!within || !right || markBefore), closes: right && (!within || !left || markAfter) };
}

/** Whether these runs form a pair. @param {Run} opener @param {Run} closer */
function match(opener, closer) {
  if (opener.mark !== closer.mark) return false;
  if (opener.mark === "~" || !(opener.closes || closer.opens)) return true;
  return (opener.length + closer.length) % 3 !== 0 || (opener.length % 3 === 0 && closer.length % 3 === 0);
}

/** All pairs of a text, by the place of their first mark. @param {string} text with code, links and escapes masked @returns {Map<number, Pair>} */
export function pairsOf(text) {
  /** @type {Map<number, Pair>} */
  const pairs = new Map();
  /** @type {Run[]} */
  const openers = [];
  /** Where the search for an opener ends, for each kind of closer. @type {Record<string, number>} */
  const bottoms = {};
  for (const { 0: mark, index } of text.matchAll(RUNS)) {
    if (mark[0] === "~" && mark.length !== 2) continue;
    const run = runAt(mark, text, index);
    if (run.closes) close(run, openers, bottoms, pairs);
    if (run.count && run.opens) openers.push(run);
  }
  return pairs;
}

/** @param {Run} closer @param {Run[]} openers @param {Record<string, number>} bottoms @param {Map<number, Pair>} pairs */
function close(closer, openers, bottoms, pairs) {
  const kind = `${closer.mark}${closer.opens}${closer.length % 3}`;
  while (closer.count) {
    const bottom = bottoms[kind] ?? -1;
    let n = openers.length - 1;
    while (n >= 0 && openers[n].at > bottom && !match(openers[n], closer)) n--;
    if (n < 0 || openers[n].at <= bottom) {
      bottoms[kind] = openers.at(-1)?.at ?? bottom;
      return;
    }
    const opener = openers[n];
    const width = Math.min(2, opener.count, closer.count);
    opener.count -= width;
    pairs.set(opener.from + opener.count, { type: opener.mark === "~" ? "del" : width === 2 ? "strong" : "em", width, end: closer.from });
    closer.from += width;
    closer.count -= width;
    openers.length = opener.count ? n + 1 : n;
  }
}
