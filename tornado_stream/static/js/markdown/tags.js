// @ts-check
/**
 * The HTML that is markup: tags of a line that only change how its text looks, and `<details>`. Pure. The rule: a tag has no
 * attributes, except `open`, and it counts only if its element ends where it began: in the same paragraph and emphasis.
 */

const NAMES = "b|bdi|cite|code|del|dfn|em|i|ins|kbd|mark|q|rp|rt|ruby|s|samp|small|strong|sub|sup|u|var";
const TAG = new RegExp(`^<(/?)(${NAMES})\\s*>$`, "i");
const VOID = /^<(br|wbr)\s*\/?>$/i;
/** A line that begins with such a tag is text, even if CommonMark takes it for a block of HTML. */
export const TEXT_START = new RegExp(`^ {0,3}</?(?:${NAMES})\\s*>`, "i");
/** The tags of a line that is not complete. */
export const TAGS = new RegExp(`<(/?)(${NAMES}|summary)\\s*>`, "gi");

const DETAILS = /^ {0,3}<details(\s+open(?:="")?)?\s*>/i;
const SUMMARY = /^\s*<summary>([^]{0,2000}?)<\/summary>/i;
/** What can end `<details>`, and the code in which nothing does. */
const MARKS = /^ {0,3}(`{3,}|~{3,})|`[^`\n]+`|<(\/?)details(?:\s+open(?:="")?)?\s*>/gim;

/** Set the member `html` of the tags that have a counterpart among the tokens. All others are text. @param {any[]} tokens */
export function pairTags(tokens) {
  /** @type {{name: string, token: any}[]} */
  const open = [];
  /** @type {Record<string, number>} */
  const counts = Object.create(null);
  for (const token of tokens) {
    if (token.type !== "html") continue;
    const single = VOID.exec(token.text);
    if (single) token.html = `<${single[1].toLowerCase()}>`;
    const [, slash, written] = TAG.exec(token.text) ?? [];
    if (!written) continue;
    const name = written.toLowerCase();
    if (!slash) {
      open.push({ name, token });
      counts[name] = (counts[name] ?? 0) + 1;
    } else if (counts[name]) {
      let begun;
      do counts[(begun = /** @type {{name: string, token: any}} */ (open.pop())).name]--;
      while (begun.name !== name);
      begun.token.html = `<${name}>`;
      token.html = `</${name}>`;
    }
  }
}

/** `<details>` with its summary and what it hides, to its end tag or to the end of the text. @this {{lexer: any}} @param {string} src */
function details(src) {
  const begin = DETAILS.exec(src);
  if (!begin) return;
  const end = endOf(src);
  if (!end && this.lexer.isFollowed) return;
  const inner = src.slice(begin[0].length, end?.from);
  const [head = "", label = ""] = SUMMARY.exec(inner) ?? [];
  const { state } = this.lexer;
  const { top } = state;
  state.top = true;
  const summary = this.lexer.inline(label.trim());
  const tokens = this.lexer.blockTokens(inner.slice(head.length).replace(/^[ \t]*\n/, ""), []);
  state.top = top;
  return { type: "details", raw: src.slice(0, end?.to), shown: Boolean(begin[1]), summary, tokens, open: !end };
}

/** Where the end tag of the first `<details>` is. @param {string} src */
function endOf(src) {
  let depth = 0;
  let fence = "";
  for (const { 0: mark, 1: ticks, 2: slash, index } of src.matchAll(MARKS)) {
    if (fence) fence = ticks?.startsWith(fence) ? "" : fence;
    else if (ticks) fence = ticks;
    else if (slash !== undefined) depth += slash ? -1 : 1;
    if (!fence && slash && !depth) {
      const after = index + mark.length;
      return { from: index, to: after + (/^[ \t]*(?:\n+|$)/.exec(src.slice(after, after + 1000))?.[0].length ?? 0) };
    }
  }
}

/** The extension of marked. */
export const detailsExtension = { name: "details", level: "block", tokenizer: details, childTokens: ["summary", "tokens"] };
