// @ts-check
/**
 * Which answers of the open conversation are shown beside each other, and the requests for them. Fires `change`.
 *
 * The rule: the question is sent once, with the first model. When the server has it, each further model is asked to
 * answer it again, one after the other, so that all tabs and a reload show them in one order. Which models are still to
 * be asked is stored in this tab before the question is sent, so that a reload loses none of them.
 *
 * @typedef {import("../answers/answer.js").Answer} Answer
 * @typedef {{columns: string[], rest: string[]}} Compared `columns`: the request ids of the answers; `rest`: the models that are still to be asked, each when the answer before it has begun
 */
import { newAnswer } from "../answers/answer.js";
import { readJson, writeJson } from "../page/storage.js";
import { regenerateRequest } from "./requests.js";

/** The names under which a tab stores what it compares, and the models that are ticked. */
export const COMPARED = "tornado-stream:compared";
export const TICKED = "tornado-stream:comparing";
/** How many questions are remembered. */
const MOST = 20;

export class Comparison extends EventTarget {
  /** The models that are asked with each question; fewer than two: only the chosen one is. @type {string[]} */
  models = [];
  /** @type {Compared[]} */
  #all;

  /**
   * @param {import("./conversation.js").Conversation} conversation @param {import("./commands.js").Commands} commands
   * @param {import("../page/storage.js").Storage} storage of this tab
   */
  constructor(conversation, commands, storage) {
    super();
    this.conversation = conversation;
    this.commands = commands;
    this.storage = storage;
    const [all, models] = [readJson(storage, COMPARED), readJson(storage, TICKED)];
    this.#all = Array.isArray(all) ? all.filter((one) => Array.isArray(one?.columns) && Array.isArray(one.rest)) : [];
    this.models = Array.isArray(models) ? models.map(String) : [];
    conversation.comparison = this;
    conversation.addEventListener("path", () => this.#catchUp());
    conversation.addEventListener("answer", (event) => this.#received(/** @type {CustomEvent} */ (event).detail));
    this.#catchUp();
  }

  /** The answers that are shown beside each other, in the order in which their models were ticked. @returns {Answer[]} */
  get columns() {
    const { newest, branches } = this.conversation;
    const compared = newest && this.#of(newest);
    if (!compared) return [];
    const siblings = /** @type {Answer[]} */ (branches.siblings(newest));
    const found = compared.columns.map((id) => siblings.find(({ request }) => request.request_id === id));
    return found.length > 1 ? found.filter((answer) => answer !== undefined) : [];
  }

  /** Whether the next question goes to several models. */
  get isReady() {
    return this.models.length > 1 && !this.conversation.temporary;
  }

  /** Whether questions are compared now: it says what happens to their answers. */
  get isActive() {
    return this.isReady || this.columns.length > 0;
  }

  /** Whether an answer is one of those that are compared. @param {Answer} answer */
  has(answer) {
    return this.#all.some(({ columns }) => columns.includes(answer.request.request_id));
  }

  /** Whether another answer can be asked for in the column of this one. @param {import("./branches.js").Message} message */
  freeFor(message) {
    const { columns } = this;
    const { state, runner } = this.conversation;
    const isColumn = columns.some((one) => one === message);
    return isColumn && state === "ready" && /** @type {Answer} */ (message).state !== "running" && runner.answers.every((answer) => columns.includes(answer));
  }

  /** @param {string[]} models */
  choose(models) {
    this.models = models;
    writeJson(this.storage, TICKED, models.length ? models : null);
    this.dispatchEvent(new Event("change"));
  }

  /** Ask a question with all models. Returns false if there are not several. @param {string} text @param {import("../answers/answer.js").AttachedFile[]} files */
  send(text, files) {
    const { conversation, models } = this;
    if (!this.isReady || !conversation.free) return false;
    const [model, ...rest] = models;
    const before = conversation.newest;
    this.#pending = rest;
    this.commands.askAfter(before, text, files, { model });
    this.#pending = [];
    return true;
  }

  /** The models for the next answer that is asked for. @type {string[]} */
  #pending = [];

  /** An answer in the place of this one, by the same model unless `otherwise` says so. @param {Answer} answer @param {{model?: string, pictures?: boolean}} otherwise */
  retry(answer, otherwise) {
    const { id, leaveOut } = this.conversation;
    const { preferences } = this.commands;
    const chosen = { ...preferences.chosen, model: modelOf(answer), ...otherwise };
    this.conversation.ask(newAnswer(answer.parent, this.inColumn(answer, regenerateRequest(id, answer.parent, leaveOut, chosen), otherwise.model)));
  }

  /** The request for an answer in the place of this one; null if it is in no column. @template {import("../page/api.js").AnswerRequest} R @param {Answer} answer @param {R} request @param {string} [model] of another model */
  inColumn(answer, request, model = modelOf(answer)) {
    const compared = this.#of(answer);
    if (!compared) return /** @type {any} */ (null);
    compared.columns = compared.columns.map((id) => (id === answer.request.request_id ? request.request_id : id));
    if (answer === this.conversation.newest) this.#moves = request.request_id;
    this.#save();
    return { ...request, model, beside: true };
  }

  /** The request id of an answer that takes the place of the one with which the conversation goes on. */
  #moves = "";

  /** Go on with one of the answers. The others stay as its versions. @param {Answer} answer */
  goOn(answer) {
    this.#all = this.#all.filter(({ columns }) => !columns.includes(answer.request.request_id));
    this.#save();
    this.#makeCurrent(answer);
    this.choose([]);
  }

  /** @param {Answer} answer */
  #makeCurrent(answer) {
    const { conversation } = this;
    conversation.choose(answer);
    void conversation.api.change(String(conversation.id), { current_id: answer.id }).catch(() => {}); // this tab goes on with it all the same
  }

  /** @param {Answer} answer */
  #of(answer) {
    return this.#all.find(({ columns }) => columns.includes(answer.request.request_id));
  }

  /** Note what was asked for, and what an earlier page or another tab has asked for. */
  #catchUp() {
    const { newest, runner, state } = this.conversation;
    if (!newest || state !== "ready") return;
    const moved = runner.answers.find(({ request }) => request.request_id === this.#moves);
    if (moved && moved !== newest) return this.conversation.choose(moved); // which brings it here again
    const id = newest.request.request_id;
    if (this.#pending.length) this.#add({ columns: [id], rest: this.#pending.splice(0) });
    const together = runner.answers.filter(({ parent }) => parent === newest.parent);
    if (together.length > 1 && !together.some((answer) => this.has(answer))) this.#add({ columns: together.map(({ request }) => request.request_id), rest: [] });
    this.#askNext(newest);
  }

  /** @param {import("./conversation.js").AnswerDetail} detail */
  #received({ answer, what }) {
    if (what === "stopping") this.#leaveRest(answer);
    if (what !== "start" && what !== "failed") return;
    if (what === "start" && answer.request.request_id === this.#moves) {
      this.#moves = "";
      this.#makeCurrent(answer);
    }
    this.#askNext(answer);
  }

  /** The user has stopped all that was asked so far: nothing more is asked. @param {Answer} answer one of those that are compared */
  #leaveRest(answer) {
    const compared = this.#of(answer);
    const asked = this.conversation.runner.answers.filter(({ request }) => compared?.columns.includes(request.request_id));
    if (!compared || asked.some(({ state, stopping }) => state === "running" && !stopping)) return;
    compared.rest = [];
    this.#save();
  }

  /** Ask the next model, once the server has the question and what was asked before. @param {Answer} answer one of those that are compared */
  #askNext(answer) {
    const { conversation } = this;
    const compared = this.#of(answer);
    if (!compared?.rest.length || !answer.parent.id) return;
    if (conversation.runner.answers.some((one) => !one.id && one.state !== "failed" && compared.columns.includes(one.request.request_id))) return;
    const model = String(compared.rest.shift());
    const { options, pictures, leave_out: leaveOut } = answer.request;
    const chosen = /** @type {any} */ ({ ...this.commands.preferences.chosen, ...(options ? { options } : {}), ...(pictures === undefined ? {} : { pictures }) });
    const request = { ...regenerateRequest(conversation.id, answer.parent, Number(leaveOut) || 0, { ...chosen, model }), beside: true };
    compared.columns.push(request.request_id);
    conversation.ask(newAnswer(answer.parent, request));
    this.#save();
  }

  /** @param {Compared} compared */
  #add(compared) {
    this.#all = [...this.#all, compared].slice(-MOST);
    this.#save();
  }

  #save() {
    writeJson(this.storage, COMPARED, this.#all.length ? this.#all : null);
  }
}

/** @param {Answer} answer */
const modelOf = (answer) => String(answer.request.model ?? answer.model);
