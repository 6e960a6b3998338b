export default {
  "title": "Tornado Stream",
  "titled": "{subject} – Tornado Stream",
  "generatingTitle": "{subject} – generating",
  "seconds": "{n} s",
  "copied": "Copied",
  "selected": "Selected",

  "page": {
    "description": "A streaming chat that never loses, repeats or double-bills a token.",
    "skip": "Skip to the question box",
    "conversations": "Conversations",
    "conversation": "Conversation",
    "messages": "Messages",
    "new": "New conversation",
    "newest": "To the newest text",
    "noscript": "This page needs JavaScript to show an answer while it is written. Without it:",
    "back": "Back to the chat"
  },

  "welcome": {
    "title": "What would you like to know?",
    "what": "Answers appear here while they are written. You can stop one at any time, and a broken connection is picked up where it broke.",
    "starters": "Questions to start with",
    "starter1": "Why is the sky blue?",
    "starter2": "Write a short poem about rain.",
    "starter3": "Explain what a web server does, to a ten-year-old."
  },

  "refused": {
    "missing": "There is nothing at this address.",
    "foreign": "This request came from another site and was refused.",
    "method": "This address cannot be used in this way.",
    "host": "This server does not answer to that host name. Open it as http://localhost, or name the host with --allowed-hosts.",
    "server": "This server failed; its log says why.",
    "other": "The server did not take this request."
  },

  "setup": {
    "key": "With a key of your own",
    "keyCopy": "Copy the line for a key of your own",
    "ollama": "With Ollama on this machine",
    "ollamaCopy": "Copy the line for Ollama",
    "copy": "Copy"
  },

  "composer": {
    "form": "Ask a question",
    "label": "Your question",
    "placeholder": "Ask something…",
    "send": "Send",
    "stop": "Stop",
    "hint": "Enter sends, Shift+Enter begins a new line"
  },

  "message": {
    "you": "You",
    "answer": "Answer",
    "thinking": "Thinking",
    "thoughts": "Thoughts",
    "refused": "The model refused",
    "toolCall": "The model asks for a tool",
    "trimmed": {
      "one": "The oldest turn was left out: the conversation is longer than this model's context.",
      "other": "The {n} oldest turns were left out: the conversation is longer than this model's context."
    },
    "unsaved": "This answer is not saved: the server could not write it to its disk."
  },

  "busy": {
    "stopping": "Stopping…",
    "reconnecting": "Reconnecting…",
    "unreachable": "The server cannot be reached. Trying again…",
    "loading": "Loading the model…",
    "waiting": "Waiting {seconds} before trying again: {reason} (attempt {attempt})…",
    "thinking": "Thinking…",
    "first": "Waiting for the first word…",
    "writing": "Writing…"
  },

  "end": {
    "length": "Cut at the length limit",
    "lengthHint": "The model reached the longest answer it may give. Ask it to go on for the rest.",
    "filter": "Cut by the content filter",
    "filterHint": "The provider withheld the rest.",
    "empty": "The model gave no text",
    "emptyLength": "It used up the length limit while thinking. Raise the limit, or ask for less thought.",
    "emptyFilter": "The provider's content filter withheld it.",
    "tool": "The model waits for a tool",
    "toolHint": "This page shows what it asks for and runs nothing.",
    "stopped": "Stopped",
    "error": "No answer",
    "errorLate": "The answer ended with an error",
    "cutOff": "The answer was cut off",
    "interrupted": "The answer was interrupted",
    "interruptedWhy": "The server went away before it was finished.",
    "gone": "The server no longer knows this answer.",
    "other": "The answer ended: {state}",
    "notSent": "Not sent",
    "unanswered": "There is no answer to this question.",
    "auth": "Check the key: OPENAI_API_KEY, where the server was started.",
    "context": "The conversation is longer than this model can read.",
    "retryAfter": "Try again in {seconds}."
  },

  "failure": {
    "notSaved": "The server cannot write to its disk. Nothing was sent to the model.",
    "notSent": "Stopped before it reached the server.",
    "notAStream": "What answered is not this server. Is there a login page or a proxy in between?",
    "page": "This page failed. Reload it. {message}",
    "other": "The server answered with status {status}."
  },

  "action": {
    "retry": "Retry",
    "again": "Regenerate",
    "goOn": "Continue",
    "fresh": "New conversation",
    "shorter": "Send without the oldest turns"
  },

  "place": {
    "loading": "Opening the conversation…",
    "unreachable": "The server cannot be reached. Trying again…",
    "missing": "There is no such conversation",
    "missingWhy": "It may have been deleted, or the address is not whole.",
    "deleted": "This conversation was deleted",
    "deletedWhy": "You deleted it in another tab.",
    "new": "Begin a new one"
  },

  "list": {
    "search": "Search conversations",
    "searchShort": "Search",
    "close": "Close the list",
    "menu": "This conversation",
    "renameItem": "Rename",
    "deleteItem": "Delete…",
    "deleteTitle": "Delete this conversation?",
    "cancel": "Cancel",
    "delete": "Delete",
    "untitled": "Untitled",
    "generating": "generating",
    "more": "More for “{title}”",
    "rename": "New title of “{title}”",
    "remove": "“{title}” and all its messages are removed from the server. This cannot be undone.",
    "loading": "Loading…",
    "empty": "Your conversations will be listed here.",
    "nothing": "Nothing found for “{query}”.",
    "unreachable": "The list cannot be loaded now.",
    "found": { "one": "{n} conversation found", "other": "{n} conversations found" },
    "foundMore": { "one": "{n} or more conversations found", "other": "{n} or more conversations found" },
    "renamed": "Renamed",
    "removed": "Deleted",
    "failed": "That did not work. The server said: {why}",
    "noServer": "That did not work: the server was not reached."
  },

  "say": {
    "generating": "Generating",
    "complete": "Answer complete",
    "fresh": "New conversation"
  },

  "model": {
    "label": "Model:",
    "title": "The model",
    "close": "Close",
    "another": "To use another one, start the server with",
    "loading": "loading…",
    "failed": "not available",
    "unreachable": "server not reached",
    "none": "No model",
    "demo": "This is a small demo model that runs on this machine. It is quick and private, and often wrong about facts. To talk to a larger one, start the server with:",
    "demoShort": "A small demo model that runs on this machine. It is often wrong about facts.",
    "failedTitle": "The model cannot be used",
    "failedNext": "Start the server with one of these lines:",
    "provider": "Provider {name}, {state}."
  }
};
