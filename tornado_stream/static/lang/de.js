export default {
  "title": "Tornado Stream",
  "seconds": "{n} s",
  "copied": "Kopiert",
  "selected": "Markiert",
  "notCopied": "Der Text konnte nicht kopiert werden",

  "tab": {
    "quiet": "{subject} – Tornado Stream",
    "generating": "⏳ {subject} – antwortet",
    "done": "✓ {subject} – beantwortet",
    "bad": "! {subject} – bitte ansehen"
  },

  "composer": {
    "tooLong": "Diese Nachricht ist etwa {n} KB zu lang. Eine Nachricht darf höchstens 1 MB haben.",
    "noPart": "Dieser Teil der Seite konnte nicht geladen werden. Prüfen Sie, ob der Server zu erreichen ist, und versuchen Sie es noch einmal."
  },

  "message": {
    "you": "Sie",
    "answer": "Antwort",
    "sentByProgram": "Von einem Programm gesendet",
    "notSentAgain": "Diese Frage hat keine Antwort bekommen. Sie wird mit der nächsten Frage nicht gesendet.",
    "continue": "Bitte mach genau dort weiter, wo du aufgehört hast."
  },

  "busy": {
    "stopping": "Wird angehalten …",
    "reconnecting": "Verbindung wird wiederhergestellt …",
    "unreachable": "Der Server ist nicht zu erreichen. Neuer Versuch …",
    "loading": "Das Modell wird geladen …",
    "waiting": "Neuer Versuch in {seconds} (Versuch {attempt}) …",
    "thinking": "Denkt nach …",
    "first": "Liest Ihre Frage …",
    "writing": "Schreibt …",
    "tool": "Ein Werkzeug läuft …"
  },

  "end": {
    "stopped": "Angehalten",
    "interrupted": "Die Antwort wurde unterbrochen",
    "notSent": "Nicht gesendet",
    "unanswered": "Auf diese Frage gibt es keine Antwort.",
    "kept": "Was geschrieben war, bleibt erhalten."
  },

  "failure": {
    "notSent": "Angehalten, bevor die Frage den Server erreichte."
  },

  "action": {
    "withoutPictures": "Ohne die Bilder fragen",
    "retry": "Wiederholen",
    "again": "Neu erzeugen",
    "continue": "Fortsetzen",
    "fresh": "Neue Unterhaltung",
    "shorter": "Ohne die ältesten Nachrichten senden",
    "askToContinue": "Um den Rest bitten",
    "editQuestion": "Frage bearbeiten",
    "model": "Anderes Modell wählen",
    "copy": "Kopieren",
    "edit": "Bearbeiten",
    "details": "Einzelheiten",
    "previous": "Vorige Fassung",
    "next": "Nächste Fassung",
    "notCopied": "Der Browser hat das Kopieren nicht erlaubt.",
    "with": "Mit anderem Modell neu erzeugen"
  },

  "place": {
    "loading": "Die Unterhaltung wird geöffnet …",
    "unreachable": "Der Server ist nicht zu erreichen. Neuer Versuch …",
    "missing": "Diese Unterhaltung gibt es nicht",
    "missingWhy": "Vielleicht wurde sie gelöscht, oder die Adresse ist unvollständig.",
    "deleted": "Diese Unterhaltung wurde gelöscht",
    "deletedWhy": "Sie haben sie in einem anderen Tab gelöscht."
  },

  "list": {
    "untitled": "Ohne Titel",
    "generating": "antwortet",
    "unread": "ungelesen",
    "more": "Mehr zu „{title}“",
    "loading": "Wird geladen …",
    "empty": "Hier stehen später Ihre Unterhaltungen.",
    "nothing": "Nichts gefunden für „{query}“.",
    "unreachable": "Die Liste kann gerade nicht geladen werden.",
    "found": { "one": "{n} Unterhaltung gefunden", "other": "{n} Unterhaltungen gefunden" },
    "foundMore": { "one": "{n} oder mehr Unterhaltungen gefunden", "other": "{n} oder mehr Unterhaltungen gefunden" },
    "noServer": "Das ging nicht, weil der Server nicht zu erreichen war.",
    "decide": "wartet auf Sie"
  },

  "when": {
    "today": "Heute",
    "yesterday": "Gestern",
    "week": "Vorherige 7 Tage",
    "month": "Vorherige 30 Tage"
  },

  "markdown": {
    "code": "Code",
    "copy": "Kopieren",
    "wrap": "Umbrechen",
    "table": "Tabelle",
    "image": "Bild:",
    "done": "Erledigt",
    "open": "Offen",
    "details": "Einzelheiten",
    "note": "Hinweis",
    "tip": "Tipp",
    "important": "Wichtig",
    "warning": "Warnung",
    "caution": "Vorsicht",
    "footnote": "Fußnote {n}",
    "back": "Zurück zu Fußnote {n}"
  },

  "say": {
    "generating": "Die Antwort wird geschrieben",
    "complete": "Die Antwort ist fertig",
    "fresh": "Neue Unterhaltung"
  },

  "model": {
    "runs": "Das Modell hier ist {name}.",
    "loading": "wird geladen …",
    "failed": "nicht verfügbar",
    "unreachable": "Server nicht zu erreichen",
    "none": "Kein Modell"
  }
};
