export default {
  "title": "Tornado Stream",
  "titled": "{subject} – Tornado Stream",
  "generatingTitle": "{subject} – antwortet",
  "seconds": "{n} s",
  "copied": "Kopiert",
  "selected": "Markiert",

  "page": {
    "description": "Ein Chat, der kein Wort verliert, wiederholt oder doppelt abrechnet.",
    "skip": "Zum Eingabefeld springen",
    "conversations": "Unterhaltungen",
    "conversation": "Unterhaltung",
    "messages": "Nachrichten",
    "new": "Neue Unterhaltung",
    "newest": "Zum neuesten Text",
    "noscript": "Diese Seite braucht JavaScript, um eine Antwort zu zeigen, während sie geschrieben wird. Ohne geht es so:",
    "back": "Zurück zum Chat"
  },

  "welcome": {
    "title": "Was möchten Sie wissen?",
    "what": "Antworten erscheinen hier, während sie geschrieben werden. Sie können jede jederzeit anhalten, und nach einer Unterbrechung geht es dort weiter, wo sie war.",
    "starters": "Fragen für den Anfang",
    "starter1": "Warum ist der Himmel blau?",
    "starter2": "Schreibe ein kurzes Gedicht über den Regen.",
    "starter3": "Erkläre einem zehnjährigen Kind, was ein Webserver tut."
  },

  "refused": {
    "missing": "Unter dieser Adresse gibt es nichts.",
    "foreign": "Diese Anfrage kam von einer anderen Website und wurde abgelehnt.",
    "method": "So lässt sich diese Adresse nicht verwenden.",
    "host": "Unter diesem Namen antwortet der Server nicht. Öffnen Sie ihn als http://localhost oder nennen Sie ihm den Namen mit --allowed-hosts.",
    "server": "Auf dem Server ist ein Fehler aufgetreten; sein Protokoll nennt die Ursache.",
    "other": "Der Server hat diese Anfrage nicht angenommen."
  },

  "setup": {
    "key": "Mit einem eigenen Schlüssel",
    "keyCopy": "Die Zeile für einen eigenen Schlüssel kopieren",
    "ollama": "Mit Ollama auf diesem Rechner",
    "ollamaCopy": "Die Zeile für Ollama kopieren",
    "copy": "Kopieren"
  },

  "composer": {
    "form": "Eine Frage stellen",
    "label": "Ihre Frage",
    "placeholder": "Fragen Sie etwas …",
    "send": "Senden",
    "stop": "Anhalten",
    "hint": "Eingabe sendet, Umschalt+Eingabe beginnt eine neue Zeile"
  },

  "message": {
    "you": "Sie",
    "answer": "Antwort",
    "thinking": "Denkt nach",
    "thoughts": "Gedanken",
    "refused": "Das Modell hat abgelehnt",
    "toolCall": "Das Modell verlangt ein Werkzeug",
    "trimmed": {
      "one": "Der älteste Wechsel wurde weggelassen: Die Unterhaltung ist länger als der Kontext dieses Modells.",
      "other": "Die {n} ältesten Wechsel wurden weggelassen: Die Unterhaltung ist länger als der Kontext dieses Modells."
    },
    "unsaved": "Diese Antwort ist nicht gesichert: Der Server konnte sie nicht auf seine Platte schreiben."
  },

  "busy": {
    "stopping": "Wird angehalten …",
    "reconnecting": "Verbindung wird wiederhergestellt …",
    "unreachable": "Der Server ist nicht zu erreichen. Neuer Versuch …",
    "loading": "Das Modell wird geladen …",
    "waiting": "Neuer Versuch in {seconds}: {reason} (Versuch {attempt}) …",
    "thinking": "Denkt nach …",
    "first": "Wartet auf das erste Wort …",
    "writing": "Schreibt …"
  },

  "end": {
    "length": "An der Längengrenze abgeschnitten",
    "lengthHint": "Das Modell hat die längste erlaubte Antwort erreicht. Bitten Sie es, weiterzumachen.",
    "filter": "Vom Inhaltsfilter abgeschnitten",
    "filterHint": "Der Anbieter hat den Rest zurückgehalten.",
    "empty": "Das Modell gab keinen Text aus",
    "emptyLength": "Es hat die Längengrenze mit Nachdenken verbraucht. Erhöhen Sie die Grenze, oder verlangen Sie weniger Nachdenken.",
    "emptyFilter": "Der Inhaltsfilter des Anbieters hat ihn zurückgehalten.",
    "tool": "Das Modell wartet auf ein Werkzeug",
    "toolHint": "Diese Seite zeigt, was es verlangt, und führt nichts aus.",
    "stopped": "Angehalten",
    "error": "Keine Antwort",
    "errorLate": "Die Antwort endete mit einem Fehler",
    "cutOff": "Die Antwort wurde abgeschnitten",
    "interrupted": "Die Antwort wurde unterbrochen",
    "interruptedWhy": "Der Server war weg, bevor sie fertig war.",
    "gone": "Der Server kennt diese Antwort nicht mehr.",
    "other": "Die Antwort endete: {state}",
    "notSent": "Nicht gesendet",
    "unanswered": "Auf diese Frage gibt es keine Antwort.",
    "auth": "Prüfen Sie den Schlüssel: OPENAI_API_KEY, dort, wo der Server gestartet wurde.",
    "context": "Die Unterhaltung ist länger, als dieses Modell lesen kann.",
    "retryAfter": "Versuchen Sie es in {seconds} wieder."
  },

  "failure": {
    "notSaved": "Der Server kann nicht auf seine Platte schreiben. An das Modell wurde nichts gesendet.",
    "notSent": "Angehalten, bevor sie den Server erreichte.",
    "notAStream": "Geantwortet hat nicht dieser Server. Ist eine Anmeldeseite oder ein Proxy dazwischen?",
    "page": "Diese Seite ist gescheitert. Laden Sie sie neu. {message}",
    "other": "Der Server antwortete mit dem Status {status}."
  },

  "action": {
    "retry": "Wiederholen",
    "again": "Neu erzeugen",
    "goOn": "Fortsetzen",
    "fresh": "Neue Unterhaltung",
    "shorter": "Ohne die ältesten Wechsel senden"
  },

  "place": {
    "loading": "Die Unterhaltung wird geöffnet …",
    "unreachable": "Der Server ist nicht zu erreichen. Neuer Versuch …",
    "missing": "Diese Unterhaltung gibt es nicht",
    "missingWhy": "Vielleicht wurde sie gelöscht, oder die Adresse ist unvollständig.",
    "deleted": "Diese Unterhaltung wurde gelöscht",
    "deletedWhy": "Sie haben sie in einem anderen Tab gelöscht.",
    "new": "Eine neue beginnen"
  },

  "list": {
    "search": "Unterhaltungen durchsuchen",
    "searchShort": "Suchen",
    "close": "Die Liste schließen",
    "menu": "Diese Unterhaltung",
    "renameItem": "Umbenennen",
    "deleteItem": "Löschen …",
    "deleteTitle": "Diese Unterhaltung löschen?",
    "cancel": "Abbrechen",
    "delete": "Löschen",
    "untitled": "Ohne Titel",
    "generating": "antwortet",
    "more": "Mehr zu „{title}“",
    "rename": "Neuer Titel von „{title}“",
    "remove": "„{title}“ und alle Nachrichten darin werden vom Server entfernt. Das lässt sich nicht rückgängig machen.",
    "loading": "Wird geladen …",
    "empty": "Hier stehen später Ihre Unterhaltungen.",
    "nothing": "Nichts gefunden für „{query}“.",
    "unreachable": "Die Liste kann gerade nicht geladen werden.",
    "found": { "one": "{n} Unterhaltung gefunden", "other": "{n} Unterhaltungen gefunden" },
    "foundMore": { "one": "{n} oder mehr Unterhaltungen gefunden", "other": "{n} oder mehr Unterhaltungen gefunden" },
    "renamed": "Umbenannt",
    "removed": "Gelöscht",
    "failed": "Das ging nicht. Der Server meldet: {why}",
    "noServer": "Das ging nicht: Der Server war nicht zu erreichen."
  },

  "say": {
    "generating": "Die Antwort wird geschrieben",
    "complete": "Die Antwort ist fertig",
    "fresh": "Neue Unterhaltung"
  },

  "model": {
    "label": "Modell:",
    "title": "Das Modell",
    "close": "Schließen",
    "another": "Um ein anderes zu benutzen, starten Sie den Server mit",
    "loading": "wird geladen …",
    "failed": "nicht verfügbar",
    "unreachable": "Server nicht erreicht",
    "none": "Kein Modell",
    "demo": "Dies ist ein kleines Vorführmodell, das auf diesem Rechner läuft. Es ist schnell und privat, und bei Tatsachen oft im Irrtum. Für ein größeres starten Sie den Server mit:",
    "demoShort": "Ein kleines Vorführmodell auf diesem Rechner. Bei Tatsachen irrt es oft.",
    "failedTitle": "Das Modell kann nicht benutzt werden",
    "failedNext": "Starten Sie den Server mit einer dieser Zeilen:",
    "provider": "Anbieter {name}, {state}."
  }
};
