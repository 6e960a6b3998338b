// @ts-check
/**
 * The open conversation's messages, and which of its branches this tab shows. Pure, except for the tab's storage.
 * The rule: a branch that the user has chosen stays, also over a reload, until the user asks something. Without a
 * choice the tab shows the branch that was written to last.
 *
 * @typedef {import("../answers/answer.js").Answer} Answer
 * @typedef {import("../answers/answer.js").Question} Question
 * @typedef {Question | Answer} Message
 */
import { readJson, Storage, writeJson } from "../page/storage.js";
import { hasArrived, isBelow, nearestStored, unansweredPlaceholder } from "./tree.js";

const PREFIX = "tornado-stream:branch:";
/** How many leaves are remembered. */
const MOST_LEAVES = 50;

export class Branches {
  /** The conversation's id; null: a new one. @type {string | null} */
  id = null;
  /** The messages that the server knows, in the order in which they were written. @type {import("./tree.js").Messages} */
  messages = new Map();
  /** The leaf of the branch that is shown. @type {Answer | null} */
  newest = null;
  /** Id of the leaf that was written last, by any tab. @type {string | null} */
  #current = null;
  /** Id of the leaf that the user has chosen. @type {string | null} */
  #chosen = null;
  /** Ids of the leaves that this tab showed before, the newest last. @type {string[]} */
  #leftLeaves = [];
  /** The answer that this tab asked for last. @type {Answer | null} */
  #asked = null;
  /** Those that it asked for beside other answers. @type {Answer[]} */
  #beside = [];
  /** Whether its question continued the conversation, and did not begin a branch. If so, it moves on while it is unsent. */
  #followsCurrent = false;
  /** The messages that follow each message; null: not computed yet. @type {Map<Message | null, Message[]> | null} */
  #children = null;

  /** @param {Storage} [storage] of this tab */
  constructor(storage = new Storage(() => /** @type {any} */ (null))) {
    this.storage = storage;
  }

  /** Another conversation was opened: forget the old one. @param {string | null} id null: a new one */
  enter(id) {
    const { chosen = null, seen = [] } = (id && readJson(this.storage, PREFIX + id)) || {};
    Object.assign(this, { id, messages: new Map(), newest: null });
    this.#chosen = chosen;
    this.#leftLeaves = Array.isArray(seen) ? seen : [];
    this.#current = this.#asked = this.#children = null;
    this.#beside = [];
  }

  /** Take the messages as the server has them now. @param {import("./tree.js").Messages} messages @param {string | null} current id of the leaf that was written last */
  replace(messages, current) {
    this.messages = messages;
    this.#current = current;
    this.#reattachUnsent();
    this.#beside = this.#beside.filter(({ id, request }) => !id && !hasArrived(messages, request));
    for (const one of this.#beside) one.parent = /** @type {any} */ (messages.get(String(one.parent.id)) ?? one.parent);
    this.#children = null;
    this.newest = (!this.#chosen && this.#unsent) || this.#leafAt(this.#chosen) || this.#leafAt(current);
  }

  /** Show an answer that is asked for now. @param {Answer} answer */
  ask(answer) {
    if (answer.request.beside) {
      this.#beside.push(answer);
      this.#children = null;
      return;
    }
    const again = this.#asked?.parent === answer.parent && this.#followsCurrent;
    this.#followsCurrent = again || (!answer.parent.id && answer.parent.parent === this.newest);
    this.#showLeaf(answer);
    this.#asked = answer;
    this.#children = this.#chosen = null;
    this.#save();
  }

  /** The server has begun an answer. @param {Answer} answer @param {string | null} id its conversation's id; null: it is not stored */
  started(answer, id) {
    this.id = id;
    this.messages.set(String(answer.parent.id), answer.parent).set(String(answer.id), answer);
    if (!answer.request.beside) this.#current = answer.id;
    this.#children = null;
    this.#save();
  }

  /** The user has chosen a message: show its branch. @param {Message} message */
  choose(message) {
    const leaf = this.#leafBelow(message);
    const unchosen = this.#unsent ?? this.messages.get(this.#current ?? "");
    this.#chosen = leaf === unchosen ? null : (leaf.id ?? leaf.parent.id);
    this.#showLeaf(leaf);
    this.#save();
  }

  /** All versions of a message, with itself, oldest first. @param {Message} message */
  siblings(message) {
    this.#children ??= this.#childrenOfAll();
    const versions = this.#children.get(message.parent) ?? [];
    return versions.includes(message) ? versions : [message];
  }

  /** The answer that was asked for and that the server has not begun. @returns {Answer | null} */
  get #unsent() {
    return this.#asked?.id ? null : this.#asked;
  }

  /** The leaf of a message's branch. @param {string | null} id of the message */
  #leafAt(id) {
    const message = this.messages.get(id ?? "");
    if (!message) return null;
    return message.role === "assistant" && id === this.#current ? message : this.#leafBelow(message);
  }

  /** The leaf below a message: the one that this tab showed last, otherwise the newest. @param {Message} message @returns {Answer} */
  #leafBelow(message) {
    if (this.#unsent && isBelow(this.#unsent, message)) return this.#unsent;
    const known = [...this.messages.values()];
    const seen = this.#leftLeaves.map((id) => this.messages.get(id)).findLast((one) => one && isBelow(one, message));
    const leaf = known.findLast((one) => isBelow(one, seen ?? message)) ?? message;
    return leaf.role === "assistant" ? leaf : unansweredPlaceholder(leaf, this.id);
  }

  /** After new messages: attach an unsent question to the answer that it followed, or to the end of the conversation if it continued that. */
  #reattachUnsent() {
    const asked = this.#asked;
    this.#asked = null;
    if (asked?.state !== "failed" || asked.parent.id || hasArrived(this.messages, asked.request)) return;
    const before = this.#followsCurrent ? this.#leafAt(this.#current) : this.messages.get(nearestStored(asked.parent.parent)?.id ?? "");
    asked.parent.parent = before ?? null;
    this.#asked = asked;
  }

  #childrenOfAll() {
    /** @type {Map<Message | null, Message[]>} */
    const below = new Map();
    const add = (/** @type {Message} */ message) => void (below.get(message.parent)?.push(message) ?? below.set(message.parent, [message]));
    this.messages.forEach(add);
    if (this.#asked && !this.#asked.parent.id) add(this.#asked.parent);
    if (this.#asked && !this.#asked.id) add(this.#asked);
    for (const one of this.#beside) if (!one.id) add(one);
    return below;
  }

  /** Show another leaf, and remember the one that was shown. @param {Answer} leaf */
  #showLeaf(leaf) {
    const left = this.newest;
    this.newest = leaf;
    if (left?.id && !isBelow(leaf, left)) this.#leftLeaves = [...this.#leftLeaves.filter((id) => id !== left.id), left.id].slice(-MOST_LEAVES);
  }

  #save() {
    const worth = this.id && (this.#chosen || this.#leftLeaves.length);
    writeJson(this.storage, PREFIX + this.id, worth ? { chosen: this.#chosen, seen: this.#leftLeaves } : null);
  }
}
