export default {
  "title": "Tornado Stream",
  "seconds": "{n} s",
  "copied": "Copied",
  "selected": "Selected",
  "notCopied": "The text could not be copied",

  "tab": {
    "quiet": "{subject} – Tornado Stream",
    "generating": "⏳ {subject} – generating",
    "done": "✓ {subject} – answered",
    "bad": "! {subject} – needs attention"
  },

  "composer": {
    "tooLong": "This message is about {n} KB too long. A message can have at most 1 MB.",
    "noPart": "This part of the page could not be loaded. Check that the server can be reached, and try again."
  },

  "message": {
    "you": "You",
    "answer": "Answer",
    "sentByProgram": "Sent by a program",
    "notSentAgain": "This question got no answer. It is not sent with the next question.",
    "continue": "Please continue exactly where you stopped."
  },

  "busy": {
    "stopping": "Stopping…",
    "reconnecting": "Reconnecting…",
    "unreachable": "The server cannot be reached. Trying again…",
    "loading": "Loading the model…",
    "waiting": "Trying again in {seconds} (attempt {attempt})…",
    "thinking": "Thinking…",
    "first": "Reading your question…",
    "writing": "Writing…",
    "tool": "A tool is running…"
  },

  "end": {
    "stopped": "Stopped",
    "interrupted": "The answer was interrupted",
    "notSent": "Not sent",
    "unanswered": "There is no answer to this question.",
    "kept": "What had been written is kept."
  },

  "failure": {
    "notSent": "Stopped before the question reached the server."
  },

  "action": {
    "withoutPictures": "Ask without the pictures",
    "retry": "Retry",
    "again": "Regenerate",
    "continue": "Continue",
    "fresh": "New conversation",
    "shorter": "Send without the oldest messages",
    "askToContinue": "Ask for the rest",
    "editQuestion": "Edit the question",
    "model": "Choose another model",
    "copy": "Copy",
    "edit": "Edit",
    "details": "Details",
    "previous": "Previous version",
    "next": "Next version",
    "notCopied": "The browser did not allow copying.",
    "with": "Regenerate with another model"
  },

  "place": {
    "loading": "Opening the conversation…",
    "unreachable": "The server cannot be reached. Trying again…",
    "missing": "There is no such conversation",
    "missingWhy": "It may have been deleted, or the address is incomplete.",
    "deleted": "This conversation was deleted",
    "deletedWhy": "You deleted it in another tab."
  },

  "list": {
    "untitled": "Untitled",
    "generating": "generating",
    "unread": "unread",
    "more": "More for “{title}”",
    "loading": "Loading…",
    "empty": "Your conversations will be listed here.",
    "nothing": "Nothing found for “{query}”.",
    "unreachable": "The list cannot be loaded at the moment.",
    "found": { "one": "{n} conversation found", "other": "{n} conversations found" },
    "foundMore": { "one": "{n} or more conversations found", "other": "{n} or more conversations found" },
    "noServer": "That did not work, because the server could not be reached.",
    "decide": "waiting for you"
  },

  "when": {
    "today": "Today",
    "yesterday": "Yesterday",
    "week": "Previous 7 days",
    "month": "Previous 30 days"
  },

  "markdown": {
    "code": "Code",
    "copy": "Copy",
    "wrap": "Wrap",
    "table": "Table",
    "image": "Image:",
    "done": "Done",
    "open": "Not done",
    "details": "Details",
    "note": "Note",
    "tip": "Tip",
    "important": "Important",
    "warning": "Warning",
    "caution": "Caution",
    "footnote": "Footnote {n}",
    "back": "Back to footnote {n}"
  },

  "say": {
    "generating": "Generating",
    "complete": "Answer complete",
    "fresh": "New conversation"
  },

  "model": {
    "runs": "The model here is {name}.",
    "loading": "loading…",
    "failed": "not available",
    "unreachable": "server cannot be reached",
    "none": "No model"
  }
};
