// @ts-check
/** Says how to repair a proxy that buffers: the line for the proxy that was found, or the lines for all. Loaded when one was found. */
import { armCopyButtons } from "../page/clipboard.js";
import { byId, element } from "../page/dom.js";
import { loadStyleSheet } from "../page/style_sheets.js";
import { t } from "../page/words.js";

const LINES = [
  { names: /nginx|openresty|tengine/i, line: "proxy_buffering off;", where: "proxyHint.nginx", label: "proxyHint.nginxCopy" },
  { names: /caddy/i, line: "flush_interval -1", where: "proxyHint.caddy", label: "proxyHint.caddyCopy" },
];

/** Show the hint. @param {HTMLElement} place @param {string} proxy the name that the proxy gives itself, or empty */
export function showProxyHint(place, proxy) {
  for (const name of ["parts", "setup"]) void loadStyleSheet(name).catch(() => {}); // it can be read without its style, too
  const named = LINES.filter(({ names }) => names.test(proxy));
  const box = element("details", "proxy-hint");
  box.append(element("summary", "", t("proxyHint.title")), element("p", "", t("proxyHint.why", { proxy: proxy || t("proxyHint.unknown") })));
  box.append(...(named.length ? named : LINES).map(setup));
  armCopyButtons(box, (text) => (byId("announcer").textContent = text));
  place.replaceChildren(box);
}

/** @param {typeof LINES[number]} what */
function setup({ line, where, label }) {
  const box = element("div", "setup-line");
  const command = element("div", "command");
  const copy = element("button", "button small", t("setup.copy"));
  copy.type = "button";
  copy.dataset.copy = "";
  copy.setAttribute("aria-label", t(label));
  command.append(element("code", "", line), copy);
  box.append(element("p", "", t(where)), command);
  return box;
}
