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
    "held": "This question waits for you.",
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
    "cancel": "Cancel",
    "busy": "An answer is being written. You can save when it is complete.",
    "hint": "The old version is kept as another branch.",
    "textOnly": "Only this text is sent, without the pictures and other parts. The old version is kept as another branch."
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
    "about": "Values with ≈ are estimated from the text, because the model's server did not count the tokens. Four characters count as one token, and so does one Chinese, Japanese or Korean character.",
    "closed": "Connection to the model closed after",
    "pieces": "Pieces received before the stop"
  },

  "list": {
    "failed": "That did not work. {why}",
    "said": "The server said: {why}",
    "rename": "New title of “{title}”",
    "renamed": "Renamed",
    "menu": "This conversation",
    "renameItem": "Rename",
    "asMarkdown": "Save as Markdown",
    "asJson": "Save as JSON",
    "asText": "Save as text",
    "deleteItem": "Delete"
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
    "demoShort": "A small demo model that runs on this machine. It is often wrong about facts.",
    "favourites": "Favourites",
    "recent": "Last used",
    "price": "{input} in, {output} out per 1M tokens",
    "free": "free of charge",
    "awayReach": "cannot be reached at the moment",
    "awayKey": "refused the server’s key",
    "awayQuota": "has no credit left",
    "isFavourite": "favourite",
    "starred": "“{name}” is now a favourite",
    "unstarred": "“{name}” is no longer a favourite",
    "starHint": "Shift+Enter makes the model a favourite, or undoes it.",
    "star": "Favourite",
    "contextMillions": "{n}M tokens"
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
  },

  "held": {
    "stopped": "The answer before it was stopped, so this question waits for you.",
    "error": "The answer before it failed, so this question waits for you.",
    "cut_off": "The answer before it was cut off, so this question waits for you.",
    "interrupted": "The answer before it was interrupted, so this question waits for you.",
    "unanswered": "The question before it has no answer, so this question waits for you.",
    "restarted": "The server was restarted, so this question waits for you."
  },

  "error": {
    "connect_failed": "The model’s server cannot be reached.",
    "connect_timeout": "The model’s server did not accept the connection in time.",
    "tls_failed": "The connection to the model’s server is not secure, so it was not used.",
    "first_byte_timeout": "The model’s server did not begin to answer in time.",
    "idle_timeout": "The model’s server was silent for too long in the middle of the answer.",
    "answer_timeout": "The answer took longer than this server allows.",
    "connection_closed": "The model’s server closed the connection before the answer was complete.",
    "connection_reset": "The connection to the model’s server broke off.",
    "malformed_response": "The model’s server sent a damaged answer.",
    "upstream_cut_off": "The model’s server broke the answer off.",
    "line_too_long": "The model’s server sent a line that is too long.",
    "answer_too_long": "The answer is longer than this server keeps.",
    "not_an_api": "There is no API for models at the address of the model’s server.",
    "auth": "The model’s server refused the key.",
    "quota": "The account at the provider has no credit left.",
    "rate_limit": "The model’s server gets too many requests at the moment.",
    "model_not_found": "The model’s server does not have this model.",
    "context_length": "The conversation is longer than this model can read.",
    "bad_request": "The model’s server refused the request.",
    "upstream_5xx": "The model’s server failed.",
    "upstream_error": "The model’s server reported an error.",
    "local_model_failed": "The local model cannot run.",
    "server_error": "This server failed.",
    "no_models": "No model can be listed.",
    "invalid_request": "The server could not understand the request.",
    "invalid_json": "The server could not read the request.",
    "not_json": "The server could not read the request.",
    "unsupported_encoding": "The server could not read the request.",
    "unsupported_parameter": "The server does not support a member of the request.",
    "unsupported_value": "The server does not support a value in the request.",
    "login_required": "You have to log in.",
    "wrong_token": "The token is not valid.",
    "wrong_password": "The password is wrong.",
    "too_many_tries": "There were too many wrong tries. Please wait a moment.",
    "needs_session": "This needs a login with the password.",
    "password_is_a_setting": "Only the operator of the server can change this password.",
    "not_a_user": "You are logged in, but no user of this server has your name.",
    "ambiguous_user": "The proxy did not say clearly who you are.",
    "forbidden": "This is not allowed.",
    "not_found": "This no longer exists.",
    "item_not_found": "The request names something that does not exist.",
    "unknown_host": "The server does not answer to this host name.",
    "method_not_allowed": "This address does not support this kind of request.",
    "request_timeout": "The request took too long to arrive.",
    "conflict": "This is not possible at the moment.",
    "conversation_busy": "An answer is already being written in this conversation.",
    "changed_meanwhile": "This was changed in another place in the meantime.",
    "already_sent": "This question has been sent already.",
    "request_id_reused": "This question was sent with an identifier that is in use.",
    "idempotency_key_reused": "Another request was sent with this key.",
    "name_in_use": "This name is in use already.",
    "preset_is_shared": "This preset belongs to everybody. Only the operator of the server can change it.",
    "too_large": "The request is too large.",
    "message_too_large": "This message is too long.",
    "conversation_too_large": "This conversation is too long for the server.",
    "conversation_full": "This conversation has as many messages as it can have.",
    "too_many": "There are too many requests at the moment.",
    "too_many_answers": "You have too many running answers. Wait until one is complete.",
    "too_many_bodies": "Too many large requests arrive at the moment.",
    "too_many_connections": "There are too many connections at the moment.",
    "too_many_readers": "Too many large conversations are being read at the moment.",
    "too_many_presets": "You have as many presets as you can have.",
    "budget_reached": "Your budget is used up.",
    "export_running": "Another export of your conversations is running.",
    "search_too_slow": "The search took too long. Search for a longer or a rarer text.",
    "not_saved": "The server cannot write to its disk. Nothing was saved, and nothing was sent to the model.",
    "draining": "The server is being restarted. Try again in a moment.",
    "unavailable": "The server cannot do this at the moment."
  }
};
