// @ts-check
/** Shows the pages that an answer refers to as numbered links. The rule: nothing is loaded from them, and only http and https become links. */
import { element } from "../page/dom.js";
import { t } from "../page/words.js";

/** The most sources that are shown, and the most characters of a title. */
const MOST = 100;
const LONGEST = 200;

export class SourcesView {
  element = element("nav", "sources");
  #list = element("ol");
  #shown = 0;

  constructor() {
    this.element.setAttribute("aria-label", t("message.sources"));
    this.element.append(element("p", "", t("message.sources")), this.#list);
    this.element.hidden = true;
  }

  /** Show the sources as they are now: the list only grows, or begins anew. @param {import("../answers/answer.js").Source[]} sources */
  show(sources) {
    if (sources.length < this.#shown) this.#list.replaceChildren();
    this.#shown = sources.length;
    for (const source of sources.slice(this.#list.children.length, MOST)) {
      const item = element("li");
      item.append(link(source));
      this.#list.append(item);
    }
    this.element.hidden = !sources.length;
  }
}

/** @param {import("../answers/answer.js").Source} source */
function link(source) {
  const { href, label } = linkOf(source);
  if (!href) return element("bdi", "", label);
  const made = element("a");
  made.append(element("bdi", "", label));
  Object.assign(made, { href, title: href.slice(0, 500), target: "_blank", rel: "noopener noreferrer nofollow" });
  return made;
}

/** Where a source leads and what it is called: its title, else its host. @param {import("../answers/answer.js").Source} source @returns {{href: string, label: string}} `href` "": no link */
export function linkOf({ url, title }) {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  const web = parsed && ["http:", "https:"].includes(parsed.protocol);
  const label = String(title ?? "").trim() || (web ? parsed.host : String(url));
  return { href: web ? parsed.href : "", label: label.length > LONGEST ? `${label.slice(0, LONGEST)}…` : label };
}
