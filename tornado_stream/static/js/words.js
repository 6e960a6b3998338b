// @ts-check
/** Every sentence that scripts put into the page. */

/** @param {number} ms */
export const seconds = (ms) => `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;

export const words = {
  title: "Tornado Stream",
  generatingTitle: (/** @type {string} */ subject) => `${subject} – generating`,

  you: "You",
  answer: "Answer",
  thinking: "Thinking",
  thoughts: "Thoughts",
  refused: "The model refused",
  toolCall: "The model asks for a tool",
  copied: "Copied",
  selected: "Selected",

  busy: {
    stopping: "Stopping…",
    reconnecting: "Reconnecting…",
    unreachable: "The server cannot be reached. Trying again…",
    loading: "Loading the model…",
    waiting: (/** @type {any} */ notice) =>
      `Waiting ${Math.max(1, Math.round(Number(notice.seconds) || 0))} s before trying again` +
      (notice.reason ? `: ${String(notice.reason).replaceAll("_", " ")}` : "") +
      (notice.attempt ? ` (attempt ${notice.attempt})` : "") +
      "…",
    thinking: "Thinking…",
    first: "Waiting for the first word…",
    writing: "Writing…",
  },

  trimmed: (/** @type {number} */ n) =>
    `${n === 1 ? "The oldest turn was" : `The ${n} oldest turns were`} left out: the conversation is longer than this model's context.`,
  unsaved: "This answer is not saved: the server could not write it to its disk.",

  end: {
    length: "Cut at the length limit",
    lengthHint: "The model reached the longest answer it may give. Ask it to go on for the rest.",
    filter: "Cut by the content filter",
    filterHint: "The provider withheld the rest.",
    empty: "The model gave no text",
    emptyLength: "It used up the length limit while thinking. Raise the limit, or ask for less thought.",
    emptyFilter: "The provider's content filter withheld it.",
    tool: "The model waits for a tool",
    toolHint: "This page shows what it asks for and runs nothing.",
    stopped: "Stopped",
    error: "No answer",
    errorLate: "The answer ended with an error",
    cutOff: "The answer was cut off",
    interrupted: "The answer was interrupted",
    interruptedWhy: "The server went away before it was finished.",
    gone: "The server no longer knows this answer.",
    other: "The answer ended",
    notSent: "Not sent",
    unanswered: "There is no answer to this question.",
    auth: "Check the key: OPENAI_API_KEY, where the server was started.",
    context: "The conversation is longer than this model can read.",
    retryAfter: (/** @type {number} */ s) => `Try again in ${Math.ceil(s)} s.`,
  },

  failure: {
    notSaved: "The server cannot write to its disk. Nothing was sent to the model.",
    notSent: "Stopped before it reached the server.",
    notAStream: "What answered is not this server. Is there a login page or a proxy in between?",
    page: "This page failed. Reload it.",
    other: (/** @type {number} */ status) => `The server answered with status ${status}.`,
  },

  action: { retry: "Retry", again: "Regenerate", goOn: "Continue", fresh: "New conversation", shorter: "Send without the oldest turns" },

  place: {
    loading: "Opening the conversation…",
    unreachable: "The server cannot be reached. Trying again…",
    missing: "There is no such conversation",
    missingWhy: "It may have been deleted, or the address is not whole.",
    deleted: "This conversation was deleted",
    deletedWhy: "You deleted it in another tab.",
  },

  list: {
    untitled: "Untitled",
    generating: "generating",
    more: (/** @type {string} */ title) => `More for “${title}”`,
    rename: (/** @type {string} */ title) => `New title of “${title}”`,
    remove: (/** @type {string} */ title) => `“${title}” and all its messages are removed from the server. This cannot be undone.`,
    loading: "Loading…",
    empty: "Your conversations will be listed here.",
    nothing: (/** @type {string} */ query) => `Nothing found for “${query}”.`,
    unreachable: "The list cannot be loaded now.",
    found: (/** @type {number} */ n, /** @type {boolean} */ more) => `${n}${more ? " or more" : ""} ${n === 1 ? "conversation" : "conversations"} found`,
    renamed: "Renamed",
    removed: "Deleted",
    failed: "That did not work. The server said: ",
    noServer: "That did not work: the server was not reached.",
  },

  say: {
    generating: "Generating",
    complete: "Answer complete",
    fresh: "New conversation",
  },

  model: {
    loading: "loading…",
    failed: "not available",
    unreachable: "server not reached",
    none: "No model",
    demo: "This is a small demo model that runs on this machine. It is quick and private, and often wrong about facts. To talk to a larger one, start the server with:",
    demoShort: "A small demo model that runs on this machine. It is often wrong about facts.",
    failedTitle: "The model cannot be used",
    failedNext: "Start the server with one of these lines:",
    provider: (/** @type {string} */ name, /** @type {string} */ state) => `Provider ${name}, ${state}.`,
  },
};
