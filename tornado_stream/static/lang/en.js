export default {
  "title": "Tornado Stream",
  "seconds": "{n} s",
  "copied": "Copied",
  "selected": "Selected",
  "notCopied": "Could not be copied",

  "tab": {
    "quiet": "{subject} – Tornado Stream",
    "generating": "⏳ {subject} – generating",
    "done": "✓ {subject} – answered",
    "bad": "! {subject} – needs attention"
  },

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
    "starter2": "Why do we dream?",
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

  "login": {
    "name": "Name",
    "password": "Password",
    "enter": "Log in",
    "enterIn": "Log in ({seconds})",
    "wrong": "That is not the password.",
    "wrongEither": "The name or the password is wrong.",
    "tooMany": "That was too often. Please wait a moment.",
    "unreachable": "The server cannot be reached.",
    "failed": "That did not work: the server answered with status {status}.",
    "leave": "Log out",
    "noscript": "Logging in needs JavaScript."
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
    "hint": "Enter sends, Shift+Enter begins a new line",
    "pasted": "Pasted, {n} characters: “{text}…”",
    "removePasted": "Remove the pasted text",
    "tooLong": "This is about {n} KB too long to be sent: a message may have 1 MB.",
    "noPart": "This part of the page could not be loaded. Is the server there?"
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
    "optionRefused": "This model does not take {names}: it was asked without.",
    "unsaved": "This answer is not saved: the server could not write it to its disk.",
    "thinkingFor": "Thinking for {seconds}",
    "thoughtFor": "Thought for {seconds}",
    "elsewhere": "An answer is being written on another branch of this conversation. Stop ends it.",
    "goThere": "Go there",
    "continue": "Please go on exactly where you stopped."
  },

  "busy": {
    "stopping": "Stopping…",
    "reconnecting": "Reconnecting…",
    "unreachable": "The server cannot be reached. Trying again…",
    "loading": "Loading the model…",
    "waiting": "Waiting {seconds} before trying again: {reason} (attempt {attempt})…",
    "thinking": "Thinking…",
    "first": "Reading your question…",
    "writing": "Writing…"
  },

  "wait": {
    "model": "Waiting for the model for {seconds}…",
    "silent": "The model has been silent for {seconds}…",
    "network": "Your network: nothing heard from the server for {seconds}…",
    "offline": "This device is offline. The answer goes on at the server.",
    "proxy": "A proxy is buffering this stream. Its text is fetched bit by bit…"
  },

  "proxyHint": {
    "title": "What mends the proxy",
    "why": "{proxy} holds the answer back until it ends.",
    "unknown": "A proxy",
    "nginx": "nginx: put this line into the location that leads to the server, or remove proxy_ignore_headers X-Accel-Buffering there.",
    "nginxCopy": "Copy the line for nginx",
    "caddy": "Caddy: put this line into the reverse_proxy block.",
    "caddyCopy": "Copy the line for Caddy"
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
    "retryAfter": "Try again in {seconds}.",
    "retryNow": "You can try again now.",
    "closed": "The connection to the model was closed after {ms} ms.",
    "pieces": { "one": "{n} piece had come.", "other": "{n} pieces had come." }
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
    "continue": "Continue",
    "fresh": "New conversation",
    "shorter": "Send without the oldest turns",
    "askToContinue": "Ask to go on",
    "editQuestion": "Edit the question",
    "model": "Choose another model",
    "copy": "Copy",
    "edit": "Edit",
    "details": "Details",
    "previous": "Previous version",
    "next": "Next version",
    "version": "Version {n} of {of}",
    "count": "{n}/{of}",
    "notCopied": "The browser did not let it be copied."
  },

  "next": {
    "reach": "Is the model's server running, and its address right?",
    "url": "Check OPENAI_BASE_URL, where the server was started.",
    "slow": "The model may be busy or still loading.",
    "quota": "Add credit at the provider, or use another key.",
    "wait": "Wait a moment, then retry.",
    "model": "The model's server does not have this one.",
    "change": "Another wording or other settings may help.",
    "theirs": "The trouble is at the model's server. It often passes.",
    "log": "The server's log says why."
  },

  "edit": {
    "label": "Edit your question",
    "save": "Save",
    "cancel": "Cancel",
    "hint": "The old version stays, as a branch.",
    "busy": "An answer is being written. Save when it is complete."
  },

  "details": {
    "ms": "{n} ms",
    "model": "Model",
    "upstream": "Answered by",
    "cost": "Cost",
    "whole": "Whole conversation",
    "tokens": "{n} tokens",
    "first": "First token after",
    "total": "Total time",
    "rate": "Tokens per second",
    "output": "Tokens written",
    "reasoning": "Of these for reasoning",
    "input": "Tokens read",
    "unknown": "not reported",
    "finish": "Ended",
    "written": "Written",
    "about": "≈ is estimated from the text: four characters make a token, or one Chinese, Japanese or Korean one. The model's server counted none."
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
    "asMarkdown": "Save as Markdown",
    "asJson": "Save as JSON",
    "asText": "Save as text",
    "deleteItem": "Delete",
    "untitled": "Untitled",
    "generating": "generating",
    "unread": "unread",
    "more": "More for “{title}”",
    "rename": "New title of “{title}”",
    "loading": "Loading…",
    "empty": "Your conversations will be listed here.",
    "nothing": "Nothing found for “{query}”.",
    "unreachable": "The list cannot be loaded now.",
    "found": { "one": "{n} conversation found", "other": "{n} conversations found" },
    "foundMore": { "one": "{n} or more conversations found", "other": "{n} or more conversations found" },
    "renamed": "Renamed",
    "failed": "That did not work. The server said: {why}",
    "noServer": "That did not work: the server was not reached."
  },

  "when": {
    "today": "Today",
    "yesterday": "Yesterday",
    "week": "Previous 7 days",
    "month": "Previous 30 days"
  },

  "trash": {
    "region": "Deleted conversations",
    "deleted": "Deleted “{title}”",
    "undo": "Undo",
    "undoOf": "Undo: bring “{title}” back",
    "close": "Close",
    "said": "Deleted “{title}”. {keys} undoes it.",
    "keys": "Ctrl+Z",
    "restored": "“{title}” is back",
    "failed": "“{title}” was not deleted."
  },

  "markdown": {
    "code": "Code",
    "copy": "Copy",
    "wrap": "Wrap",
    "table": "Table",
    "image": "Image:",
    "done": "Done",
    "open": "Not done"
  },

  "say": {
    "generating": "Generating",
    "complete": "Answer complete",
    "fresh": "New conversation"
  },

  "model": {
    "label": "Model:",
    "title": "Models",
    "pick": "Choose a model",
    "filter": "Search, or type a model’s name",
    "other": "Use “{name}”",
    "default": "default",
    "missing": "“{name}” is not offered any more; the default answers.",
    "runs": "{name} answers here.",
    "about": "A model of your own…",
    "own": "A model of your own",
    "close": "Close",
    "another": "Which server the models come from is said where this server is started:",
    "loading": "loading…",
    "failed": "not available",
    "unreachable": "server not reached",
    "none": "No model",
    "demo": "This is a small demo model that runs on this machine. It is quick and private, and often wrong about facts. To talk to a larger one, start the server with:",
    "context": "{n}k tokens",
    "canSee": "vision",
    "canCall": "tools",
    "canThink": "reasoning",
    "demoShort": "A small demo model that runs on this machine. It is often wrong about facts.",
    "failedTitle": "The model cannot be used",
    "failedNext": "Start the server with one of these lines:"
  },

  "panel": {
    "open": "System prompt and parameters",
    "set": "(set)",
    "title": "How answers are made",
    "system": "System prompt",
    "systemHint": "Told to the model before everything else. It belongs to this conversation.",
    "parameters": "Parameters",
    "parametersHint": "They hold for every conversation in this browser. What is left empty is not sent: the model’s own value holds. Some models refuse some of them.",
    "temperatureHint": "Chance in the choice of words: 0 least, 2 most.",
    "topPHint": "Only the likeliest words that make up this share: 0 to 1.",
    "maxTokensHint": "The longest answer, in tokens.",
    "effortHint": "How much a reasoning model thinks.",
    "unset": "not set",
    "notNumber": "This is not a number.",
    "notWhole": "This takes a whole number.",
    "outOfRange": "This takes a number from {least} to {most}.",
    "systemTooLong": "The system prompt is too long: it may have 1 MB.",
    "beginning": "The first question is still on its way. Save again in a moment.",
    "save": "Save",
    "cancel": "Cancel",
    "reset": "Reset parameters"
  },

  "shortcuts": {
    "title": "Keyboard shortcuts",
    "send": "Send the question",
    "newline": "Begin a new line",
    "edit": "Edit your last question, where nothing is written",
    "stop": "Stop the answer",
    "search": "Search conversations",
    "fresh": "New conversation",
    "side": "Show or hide the conversations",
    "model": "Choose a model",
    "panel": "System prompt and parameters",
    "copy": "Copy the newest answer",
    "list": "This list",
    "or": "or",
    "single": "Keys without Ctrl or Alt work (/ and ?)",
    "ctrl": "Ctrl",
    "shift": "Shift",
    "enter": "Enter"
  }
};
