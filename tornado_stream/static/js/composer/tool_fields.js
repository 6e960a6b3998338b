// @ts-check
/**
 * The fields in which a user chooses servers of tools. What each server offers is asked when they are shown, which may take
 * some seconds; the choice does not wait for it.
 *
 * @typedef {import("../page/tools_api.js").Tool} Tool
 * @typedef {import("../page/tools_api.js").Server} Server
 */
import { element, smallButton } from "../page/dom.js";
import { failureText } from "../page/errors.js";
import { loadStyleSheet } from "../page/style_sheets.js";
import { readServers } from "../page/tools_api.js";
import { inRow, t } from "../page/words.js";

await loadStyleSheet("tools").catch(() => {}); // the fields work without their style, too

/** Milliseconds until a server that is starting is asked about again. */
const AGAIN = 1000;

export class ToolFields {
  element = element("fieldset", "panel-parameters tool-fields");
  #list = element("ul");
  #always = element("ul", "tools-always");
  #note = element("p", "panel-wrong");
  /** @type {Map<string, HTMLInputElement>} */
  #boxes = new Map();
  /** What is shown of each server. @type {Map<string, HTMLElement>} */
  #about = new Map();

  /** @param {string} prefix of the ids @param {string} hint @param {import("./tool_choice.js").ToolChoice} choice */
  constructor(prefix, hint, choice) {
    this.choice = choice;
    const help = element("p", "panel-hint", hint);
    this.#note.setAttribute("role", "status");
    for (const name of choice.servers) this.#list.append(this.#row(`${prefix}-tools-${name}`, name));
    this.element.append(element("legend", "", t("tools.title")), help, this.#list, this.#always, this.#note);
  }

  /** @param {string[]} names of the servers that are chosen */
  show(names) {
    for (const [name, box] of this.#boxes) box.checked = names.includes(name);
    this.#note.textContent = "";
    for (const about of this.#about.values()) if (!about.firstChild) about.append(saidBy(t("tools.serverStarts"), "panel-hint"));
    void this.#read();
  }

  /** The names of the servers that are chosen. */
  read() {
    return [...this.#boxes].filter(([, box]) => box.checked).map(([name]) => name);
  }

  /** Show what runs unasked in this conversation: what is known of it, and then what the server says. */
  async showAlways() {
    const known = this.choice.always;
    this.#listAlways();
    await this.choice.readAlways().catch(() => {});
    if (JSON.stringify(known) !== JSON.stringify(this.choice.always)) this.#listAlways();
  }

  #listAlways() {
    this.#always.replaceChildren(...this.choice.always.map((tool, place) => {
      const item = element("li");
      const says = element("span", "", t("tools.runsUnasked", tool));
      const ask = smallButton(t("tools.askAgain"), () => void this.#askAgain(tool));
      says.id = `tools-always-${place}`;
      ask.setAttribute("aria-describedby", says.id);
      item.append(says, ask);
      return item;
    }));
  }

  /** @param {{server: string, name: string}} tool */
  async #askAgain(tool) {
    try {
      await this.choice.ask(tool);
      this.#note.textContent = "";
    } catch (error) {
      this.#note.textContent = failureText(error);
    }
    this.#listAlways();
    (this.#always.querySelector("button") ?? [...this.#boxes.values()][0])?.focus();
  }

  /** @param {string} id @param {string} name of a server */
  #row(id, name) {
    const row = element("li");
    const label = element("label");
    const box = Object.assign(element("input"), { type: "checkbox", id });
    const about = element("div", "tool-about");
    label.htmlFor = id;
    label.append(box, element("bdi", "", name));
    row.append(label, about);
    this.#boxes.set(name, box);
    this.#about.set(name, about);
    return row;
  }

  async #read() {
    const servers = await readServers(this.choice.conversation.api).catch((error) => {
      for (const about of this.#about.values()) about.replaceChildren();
      this.#note.textContent = failureText(error);
      return /** @type {Server[]} */ ([]);
    });
    for (const server of servers) this.#about.get(server.name)?.replaceChildren(...aboutServer(server));
    if (servers.some(({ state }) => state === "starting")) setTimeout(() => this.element.checkVisibility() && void this.#read(), AGAIN);
  }
}

/** @param {Server} server */
function aboutServer({ state, detail, tools }) {
  if (state === "failed") return [saidBy(t("tools.serverFailed"), "panel-wrong"), saidBy(detail, "panel-hint")];
  if (state !== "ready") return [saidBy(t("tools.serverStarts"), "panel-hint")];
  const fold = element("details");
  const list = element("ul");
  fold.append(element("summary", "panel-hint", t("tools.count", { n: tools.length })), list);
  list.append(...tools.map(aboutTool));
  return [fold];
}

/** @param {Tool} tool */
function aboutTool({ name, title, description, asks, read_only: reads }) {
  const item = element("li");
  const facts = inRow([t(asks ? "tools.asks" : "tools.runs"), reads && t("tools.readsOnly")]);
  item.append(element("code", "", name), ...(title && title !== name ? [" ", element("bdi", "", title)] : []), saidBy(facts, "panel-hint"), saidBy(description.slice(0, 500), "panel-hint"));
  return item;
}

/** @param {string} text @param {string} className */
function saidBy(text, className) {
  const line = element("p", className, text);
  line.dir = "auto"; // the text may be in another language
  return line;
}
