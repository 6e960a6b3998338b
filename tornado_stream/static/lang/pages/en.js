export default {
  "files": {
    "add": "Add files",
    "camera": "Take a photo"
  },

  "page": {
    "archive": "Archive",
    "description": "A streaming chat that never loses, repeats or double-bills a token.",
    "skip": "Skip to the question box",
    "conversations": "Conversations",
    "conversation": "Conversation",
    "messages": "Messages",
    "new": "New conversation",
    "newest": "To the newest text",
    "back": "Back to the chat"
  },

  "plain": {
    "whole": "The whole conversation",
    "running": "The answer is being written. This page is loaded again every two seconds.",
    "now": "Load it now",
    "older": "Older conversations",
    "stopped": "This answer was stopped.",
    "error": "This answer ended with an error.",
    "cut_off": "This answer was cut off.",
    "interrupted": "This answer was interrupted."
  },

  "welcome": {
    "title": "What would you like to know?",
    "what": "Answers appear here while they are being written. You can stop an answer at any time. If the connection breaks, the answer continues where it was.",
    "starters": "Questions to start with",
    "starter1": "Why is the sky blue?",
    "starter2": "Why do we dream?",
    "starter3": "Explain what a web server does, to a ten-year-old.",
    "presets": "Presets and prompts…",
    "temporary": "Temporary chat"
  },

  "refused": {
    "missing": "There is nothing at this address.",
    "foreign": "This request came from another site and was refused.",
    "method": "This address does not support this kind of request.",
    "host": "This server does not answer to that host name. Open it as http://localhost, or name the host with --allowed-hosts.",
    "user": "You have logged in, but no user of this server has your name. Ask its operator.",
    "server": "The server had an error. Its log says why.",
    "other": "The server did not accept this request."
  },

  "usage": {
    "title": "Usage",
    "everybody": "Usage of everybody",
    "show": "Show",
    "by": "By",
    "day": "Day",
    "model": "Model",
    "upstream": "Upstream",
    "user": "User",
    "amount": "Cost",
    "requests": "Answers",
    "prompt": "Tokens in",
    "cached": "of these cached",
    "completion": "Tokens out",
    "unknown": "Cost unknown",
    "none": "There are no answers in this time.",
    "noCost": "No answer in this time has a price.",
    "plot": "Cost of each day",
    "plotTokens": "Tokens of each day",
    "table": "Table of the usage",
    "note": "Days are those of UTC. ≈ marks numbers that are partly estimated.",
    "more": "The table is cut; the file has all rows.",
    "file": "As a file for spreadsheets (CSV)",
    "from": "From",
    "to": "To"
  },

  "login": {
    "name": "Name",
    "password": "Password",
    "leave": "Log out",
    "shared": "Shared login",
    "noscript": "Logging in needs JavaScript."
  },

  "setup": {
    "key": "With your own API key",
    "keyCopy": "Copy the line for your own API key",
    "ollama": "With Ollama on this machine",
    "ollamaCopy": "Copy the line for Ollama"
  },

  "composer": {
    "form": "Ask a question",
    "label": "Your question",
    "placeholder": "Ask something…",
    "stop": "Stop"
  },

  "place": {
    "new": "Start a new conversation"
  },

  "list": {
    "search": "Search conversations",
    "searchShort": "Search",
    "close": "Close the list"
  },

  "model": {
    "label": "Model:",
    "own": "Use your own model",
    "another": "To use the models of another server, start this server with one of these lines:"
  },

  "panel": {
    "open": "System prompt and parameters",
    "set": "(set)"
  },

  "shared": {
    "note": "Somebody has shared this conversation with you. You can read it here, but not write in it.",
    "running": "The answer is being written. Load this page again to see more.",
    "reload": "Load it again",
    "more": "This page shows only the beginning.",
    "markdown": "As Markdown",
    "text": "As plain text"
  }
};
