// @ts-check
/**
 * Asks what becomes of the tool calls for which an answer waits. Loaded with the first of them. The rule: nothing runs
 * without a click on a button that stands below the whole arguments, and all calls of an answer are decided together.
 *
 * @typedef {import("../answers/answer.js").ToolCall} ToolCall
 * @typedef {(decisions: Record<string, string>) => void} Decide is given a decision for each call, by its id
 * @typedef {{call: ToolCall, box: HTMLElement}} Asked a call that is to be decided, and the element that shows it
 */
import { element, smallButton } from "../page/dom.js";
import { t } from "../page/words.js";

/** What a person can decide about a call, and the key of each button's label. @type {Record<string, [decision: string, label: string][]>} */
const CHOICES = {
  waiting: [["run", "tools.run"], ["refuse", "tools.refuse"], ["always", "tools.always"]],
  unknown: [["run", "tools.runAgain"], ["tell", "tools.tell"]],
};

/** Why a call asks, besides that its tool does. @type {Record<string, string>} */
const REASONS = { changed: "tools.changed", repeated: "tools.repeated", steps: "tools.steps" };

export class Approval {
  #bar = element("div", "approval-bar");
  #count = element("p");
  #send = smallButton(t("tools.decide"), () => this.#decide());
  /** @type {Asked[]} */
  #asked = [];
  /** By the ids of the calls. @type {Map<string, HTMLElement>} */
  #rows = new Map();
  /** @type {Record<string, string>} */
  #chosen = {};
  /** @type {Decide} */
  #decided = () => {};

  /** @param {HTMLElement} calls the element with all calls */
  constructor(calls) {
    this.#count.setAttribute("role", "status");
    this.#send.classList.add("primary");
    this.#bar.append(this.#count, smallButton(t("tools.runAll"), () => this.#choose("run")), smallButton(t("tools.refuseAll"), () => this.#choose("refuse")), this.#send);
    this.calls = calls;
  }

  /** @param {Asked[]} asked @param {Decide} decide */
  show(asked, decide) {
    this.#decided = decide;
    const ids = asked.map(({ call }) => String(call.id));
    if (ids.join() === this.#asked.map(({ call }) => call.id).join() && this.#rows.size) return;
    this.hide();
    this.#asked = asked;
    for (const one of asked) this.#addRow(one);
    if (asked.length > 1) this.calls.append(this.#bar);
    this.#update();
  }

  /** There is nothing to decide now. */
  hide() {
    const had = [this.#bar, ...this.#rows.values()].some((row) => row.contains(document.activeElement));
    for (const row of this.#rows.values()) row.remove();
    if (had) this.#asked[0]?.box.querySelector("summary")?.focus({ preventScroll: true });
    this.#bar.remove();
    this.#rows.clear();
    this.#asked = [];
    this.#chosen = {};
  }

  /** @param {Asked} asked */
  #addRow({ call, box }) {
    const name = call.name.join("");
    const row = element("div", "approval");
    row.setAttribute("role", "group");
    row.ariaLabel = t(call.state === "waiting" ? "tools.question" : "tools.unknownWhy", { name, server: call.server ?? "" });
    const buttons = element("div", "approval-buttons");
    for (const [decision, label] of CHOICES[String(call.state)]) {
      const one = smallButton(t(label), () => this.#press(String(call.id), decision));
      one.dataset.decision = decision;
      buttons.append(one);
    }
    row.append(...questionOfCall(call), buttons);
    this.#rows.set(String(call.id), row);
    box.append(row);
  }

  /** @param {string} id @param {string} decision */
  #press(id, decision) {
    this.#chosen[id] = decision;
    if (this.#asked.length === 1) this.#decide();
    else this.#update();
  }

  /** Choose the same for all calls. Those that may have run are not run again. @param {"run" | "refuse"} decision */
  #choose(decision) {
    for (const { call } of this.#asked) this.#chosen[String(call.id)] = call.state === "unknown" ? "tell" : decision;
    this.#update();
    this.#send.focus();
  }

  #update() {
    const decided = Object.keys(this.#chosen).length;
    this.#count.textContent = t("tools.decided", { n: decided, all: this.#asked.length });
    this.#send.disabled = decided < this.#asked.length;
    for (const [id, row] of this.#rows) {
      for (const one of /** @type {NodeListOf<HTMLElement>} */ (row.querySelectorAll("[data-decision]"))) {
        if (this.#asked.length > 1) one.setAttribute("aria-pressed", String(one.dataset.decision === this.#chosen[id]));
        else one.classList.toggle("primary", one.dataset.decision === "run");
      }
    }
  }

  #decide() {
    if (Object.keys(this.#chosen).length === this.#asked.length) this.#decided({ ...this.#chosen });
  }
}

/** What is asked about a call, and why. @param {ToolCall} call */
function questionOfCall({ state, name, server, why }) {
  const values = { name: name.join(""), server: server ?? "" };
  if (state === "waiting") {
    const reason = why && REASONS[why] ? t(REASONS[why], values) : "";
    return [element("p", "", t("tools.question", values)), ...(reason ? [element("p", "tool-note", reason)] : [])];
  }
  const said = element("p", "tool-note", why ?? "");
  said.dir = "auto"; // the server's text is English
  return [element("p", "", t("tools.unknownWhy", values)), ...(why ? [said] : [])];
}
