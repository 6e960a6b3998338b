// @ts-check
/**
 * The open conversation's messages, and which of its branches this tab shows. Pure but for the
 * tab's storage. The rule: a branch that the reader has chosen stays, also over a reload, until
 * the reader asks for something; without a choice it is the one that was written to last.
 *
 * @typedef {import("../answers/answer.js").Answer} Answer
 * @typedef {import("../answers/answer.js").Question} Question
 * @typedef {Question | Answer} Message
 */
import { readJson, Storage, writeJson } from "../page/storage.js";
import { isBelow, nearestStored, unansweredPlaceholder } from "./tree.js";

const PREFIX = "tornado-stream:branch:";
/** So many leaves that were looked at are remembered. */
const MOST_LEAVES = 50;

export class Branches {
  /** Of the conversation; null: a new one. @type {string | null} */
  id = null;
  /** What the server knows, in the order it was written. @type {import("./tree.js").Messages} */
  messages = new Map();
  /** The end of what is shown. @type {Answer | null} */
  newest = null;
  /** The leaf that was written to last, in whatever tab. @type {string | null} */
  #current = null;
  /** @type {string | null} */
  #chosen = null;
  /** Ends of branches that this tab has left, the latest last. @type {string[]} */
  #leftLeaves = [];
  /** What was asked for last. @type {Answer | null} */
  #asked = null;
  /** Whether that question goes where the conversation goes, and did not begin a branch. */
  #followsCurrent = false;
  /** The messages below each, made when first needed. @type {Map<Message | null, Message[]> | null} */
  #children = null;

  /** @param {Storage} [storage] the tab's */
  constructor(storage = new Storage(() => /** @type {any} */ (null))) {
    this.storage = storage;
  }

  /** Another conversation is open. @param {string | null} id */
  enter(id) {
    const { chosen = null, seen = [] } = (id && readJson(this.storage, PREFIX + id)) || {};
    Object.assign(this, { id, messages: new Map(), newest: null });
    this.#chosen = chosen;
    this.#leftLeaves = Array.isArray(seen) ? seen : [];
    this.#current = this.#asked = this.#children = null;
  }

  /** These are its messages now. @param {import("./tree.js").Messages} messages @param {string | null} current */
  replace(messages, current) {
    this.messages = messages;
    this.#current = current;
    this.#reattachUnsent();
    this.#children = null;
    this.newest = (!this.#chosen && this.#unsent) || this.#leafAt(this.#chosen) || this.#leafAt(current);
  }

  /** This is asked for, and shown. @param {Answer} answer */
  ask(answer) {
    const again = this.#asked?.parent === answer.parent && this.#followsCurrent;
    this.#followsCurrent = again || (!answer.parent.id && answer.parent.parent === this.newest);
    this.#showLeaf(answer);
    this.#asked = answer;
    this.#children = this.#chosen = null;
    this.#save();
  }

  /** The server has begun it. @param {Answer} answer @param {string} id of its conversation */
  started(answer, id) {
    this.id = id;
    this.messages.set(String(answer.parent.id), answer.parent).set(String(answer.id), answer);
    this.#current = answer.id;
    this.#children = null;
    this.#save();
  }

  /** Show the branch that a message is on. @param {Message} message */
  choose(message) {
    const leaf = this.#leafBelow(message);
    const unchosen = this.#unsent ?? this.messages.get(this.#current ?? "");
    this.#chosen = leaf === unchosen ? null : (leaf.id ?? leaf.parent.id);
    this.#showLeaf(leaf);
    this.#save();
  }

  /** The versions of a message, itself among them, oldest first. @param {Message} message */
  siblings(message) {
    this.#children ??= this.#childrenOfAll();
    const versions = this.#children.get(message.parent) ?? [];
    return versions.includes(message) ? versions : [message];
  }

  /** Asked for, and not known to the server. @returns {Answer | null} */
  get #unsent() {
    return this.#asked?.id ? null : this.#asked;
  }

  /** @param {string | null} id */
  #leafAt(id) {
    const message = this.messages.get(id ?? "");
    if (!message) return null;
    return message.role === "assistant" && id === this.#current ? message : this.#leafBelow(message);
  }

  /** The end of the branch that goes through a message: one that this tab has left, else the newest. @param {Message} message @returns {Answer} */
  #leafBelow(message) {
    if (this.#unsent && isBelow(this.#unsent, message)) return this.#unsent;
    const known = [...this.messages.values()];
    const seen = this.#leftLeaves.map((id) => this.messages.get(id)).findLast((one) => one && isBelow(one, message));
    const leaf = known.findLast((one) => isBelow(one, seen ?? message)) ?? message;
    return leaf.role === "assistant" ? leaf : unansweredPlaceholder(leaf, this.id);
  }

  /** A question that was not sent stays where it was asked, or goes along to where the conversation went. */
  #reattachUnsent() {
    const asked = this.#asked;
    this.#asked = null;
    if (asked?.state !== "failed" || asked.parent.id) return;
    const before = this.#followsCurrent ? this.#leafAt(this.#current) : this.messages.get(nearestStored(asked.parent.parent)?.id ?? "");
    asked.parent.parent = /** @type {Answer | null} */ (before ?? null);
    this.#asked = asked;
  }

  #childrenOfAll() {
    /** @type {Map<Message | null, Message[]>} */
    const below = new Map();
    const add = (/** @type {Message} */ message) => void (below.get(message.parent)?.push(message) ?? below.set(message.parent, [message]));
    this.messages.forEach(add);
    if (this.#asked && !this.#asked.parent.id) add(this.#asked.parent);
    if (this.#asked && !this.#asked.id) add(this.#asked);
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
