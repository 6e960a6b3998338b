export default {
  "setup": {
    "copy": "Copy"
  },

  "composer": {
    "send": "Send"
  },

  "waiting": {
    "label": "Waiting question",
    "waits": "Waits for the end of the answer.",
    "held": "The answer before it did not finish, so this question waits for you.",
    "edit": "Edit",
    "back": "Take back"
  },

  "message": {
    "showAll": "Show all ({n} characters)",
    "showLess": "Show less",
    "picture": "Picture",
    "part": "Part: {what}",
    "fromSystem": "System prompt",
    "fromDeveloper": "Developer’s message",
    "fromAssistant": "Assistant",
    "fromTool": "Result of a tool"
  },

  "wait": {
    "model": "Waiting for the model for {seconds}…",
    "silent": "The model has been silent for {seconds}…",
    "network": "Check your network: nothing has arrived from the server for {seconds}…",
    "offline": "This device is offline. The server continues the answer.",
    "offlineUnsent": "This device is offline. Your question is kept here, and is sent when there is a network again.",
    "proxy": "A proxy is buffering this answer. The page fetches the text piece by piece…"
  },

  "proxyHint": {
    "title": "How to repair the proxy",
    "why": "{proxy} holds the answer back until it is complete.",
    "unknown": "A proxy",
    "nginx": "nginx: put this line into the location that leads to this server, or remove proxy_ignore_headers X-Accel-Buffering there.",
    "nginxCopy": "Copy the line for nginx",
    "caddy": "Caddy: put this line into the reverse_proxy block.",
    "caddyCopy": "Copy the line for Caddy"
  },

  "edit": {
    "label": "Edit your question",
    "save": "Save",
    "cancel": "Cancel"
  },

  "details": {
    "replay": "Replay as it was written",
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
    "reasoning": "Of these, reasoning",
    "input": "Tokens read",
    "unknown": "not reported",
    "finish": "Ended",
    "written": "Written",
    "about": "Values with ≈ are estimated from the text, because the model's server did not count the tokens. Four characters count as one token, and so does one Chinese, Japanese or Korean character."
  },

  "list": {
    "rename": "New title of “{title}”",
    "renamed": "Renamed"
  },

  "trash": {
    "region": "Deleted conversations",
    "deleted": "Deleted “{title}”",
    "undo": "Undo",
    "undoOf": "Undo: restore “{title}”",
    "close": "Close",
    "said": "Deleted “{title}”. {keys} undoes it.",
    "keys": "Ctrl+Z",
    "restored": "“{title}” is restored",
    "failed": "“{title}” was not deleted."
  },

  "markdown": {
    "preview": "Preview",
    "refused": "No preview: {reason}"
  },

  "model": {
    "title": "Models",
    "pick": "Choose a model",
    "filter": "Search, or type a model’s name",
    "other": "Use “{name}”",
    "default": "default",
    "missing": "“{name}” is no longer available. The default model is used instead.",
    "about": "Use your own model…",
    "close": "Close",
    "context": "{n}k tokens",
    "canSee": "vision",
    "canCall": "tools",
    "canThink": "reasoning",
    "demoShort": "A small demo model that runs on this machine. It is often wrong about facts."
  },

  "panel": {
    "title": "Settings for answers",
    "system": "System prompt",
    "systemHint": "The model reads this before everything else. It belongs to this conversation.",
    "parameters": "Parameters",
    "parametersHint": "They apply to every conversation in this browser. An empty field is not sent, and the model uses its own value. Some models do not accept all of them.",
    "temperatureHint": "How random the choice of words is: from 0 (least) to 2 (most).",
    "topPHint": "The model chooses only among the most likely words that together have this probability: from 0 to 1.",
    "maxTokensHint": "The greatest length of an answer, in tokens.",
    "effortHint": "How much a reasoning model thinks.",
    "unset": "not set",
    "notNumber": "This is not a number.",
    "notWhole": "Enter a whole number.",
    "outOfRange": "Enter a number from {least} to {most}.",
    "systemTooLong": "The system prompt is too long. It can have at most 1 MB.",
    "beginning": "The first question is still being sent. Save again in a moment.",
    "save": "Save",
    "cancel": "Cancel",
    "reset": "Reset parameters"
  },

  "shortcuts": {
    "title": "Keyboard shortcuts",
    "or": "or",
    "single": "Use the keys without Ctrl or Alt (/ and ?)",
    "ctrl": "Ctrl",
    "shift": "Shift",
    "enter": "Enter"
  }
};
