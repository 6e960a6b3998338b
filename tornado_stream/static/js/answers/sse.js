// @ts-check
/**
 * A decoder for server-sent events. Pure: no I/O, no timers. It follows the WHATWG standard:
 * https://html.spec.whatwg.org/multipage/server-sent-events.html
 *
 * @typedef {{id: string, type: string, data: string}} ServerSentEvent
 */

const LINE_END = /\r\n|\n|\r/g;

/** Turns chunks of bytes into events, wherever the bytes were split. */
export class SseDecoder {
  #utf8 = new TextDecoder(); // it removes one byte order mark at the beginning
  #begun = false;
  #skipLineFeed = false;
  #line = ""; // the line that has not ended yet
  /** @type {string[]} */
  #data = [];
  #type = "";
  #id = "";
  /** The value of the last `retry` field, in milliseconds. @type {number | null} */
  retry = null;

  /** The events that this chunk completes. @param {Uint8Array | string} chunk @returns {ServerSentEvent[]} */
  feed(chunk) {
    const text = typeof chunk === "string" ? this.#withoutMark(chunk) : this.#utf8.decode(chunk, { stream: true });
    return text ? this.#lines(text) : [];
  }

  /** @param {string} text */
  #withoutMark(text) {
    if (this.#begun || !text) return text;
    this.#begun = true;
    return text.startsWith("\ufeff") ? text.slice(1) : text;
  }

  /** @param {string} text */
  #lines(text) {
    /** @type {ServerSentEvent[]} */
    const events = [];
    let from = this.#skipLineFeed && text[0] === "\n" ? 1 : 0;
    this.#skipLineFeed = text.endsWith("\r"); // it ends its line already; a line feed that follows is part of it
    LINE_END.lastIndex = from;
    for (let end; (end = LINE_END.exec(text)); from = LINE_END.lastIndex) {
      const line = this.#line + text.slice(from, end.index);
      this.#line = "";
      if (line) this.#field(line);
      else this.#dispatch(events);
    }
    this.#line += text.slice(from);
    return events;
  }

  /** @param {string} line */
  #field(line) {
    const colon = line.indexOf(":");
    if (colon === 0) return; // a comment
    const name = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (name === "data") this.#data.push(value);
    else if (name === "event") this.#type = value;
    else if (name === "id" && !value.includes("\0")) this.#id = value;
    else if (name === "retry" && /^[0-9]{1,15}$/.test(value)) this.retry = Number(value);
  }

  /** @param {ServerSentEvent[]} events */
  #dispatch(events) {
    // Only an event without any `data` line is dropped. A single empty `data` line makes an event with empty data.
    if (this.#data.length) {
      events.push({ id: this.#id, type: this.#type || "message", data: this.#data.join("\n") });
    }
    this.#data = [];
    this.#type = "";
  }
}
