export default {
  "files": {
    "add": "Dateien hinzufügen",
    "camera": "Foto aufnehmen"
  },

  "page": {
    "archive": "Archiv",
    "description": "Ein Chat, der kein Wort verliert, wiederholt oder doppelt abrechnet.",
    "skip": "Zum Eingabefeld springen",
    "conversations": "Unterhaltungen",
    "conversation": "Unterhaltung",
    "messages": "Nachrichten",
    "new": "Neue Unterhaltung",
    "newest": "Zum neuesten Text",
    "back": "Zurück zum Chat"
  },

  "plain": {
    "whole": "Die ganze Unterhaltung",
    "running": "Die Antwort wird gerade geschrieben. Diese Seite wird alle zwei Sekunden neu geladen.",
    "now": "Jetzt laden",
    "older": "Ältere Unterhaltungen",
    "stopped": "Diese Antwort wurde gestoppt.",
    "error": "Diese Antwort endete mit einem Fehler.",
    "cut_off": "Diese Antwort wurde abgeschnitten.",
    "interrupted": "Diese Antwort wurde unterbrochen."
  },

  "welcome": {
    "title": "Was möchten Sie wissen?",
    "what": "Antworten erscheinen hier, während sie geschrieben werden. Sie können eine Antwort jederzeit anhalten. Bricht die Verbindung ab, geht die Antwort danach an derselben Stelle weiter.",
    "starters": "Fragen für den Anfang",
    "starter1": "Warum ist der Himmel blau?",
    "starter2": "Warum träumen wir?",
    "starter3": "Erkläre einem zehnjährigen Kind, was ein Webserver tut.",
    "presets": "Vorlagen und Prompts …",
    "temporary": "Temporärer Chat"
  },

  "refused": {
    "missing": "Unter dieser Adresse gibt es nichts.",
    "foreign": "Diese Anfrage kam von einer anderen Website und wurde abgelehnt.",
    "method": "Diese Adresse unterstützt diese Art von Anfrage nicht.",
    "host": "Unter diesem Namen antwortet der Server nicht. Öffnen Sie ihn als http://localhost oder nennen Sie ihm den Namen mit --allowed-hosts.",
    "user": "Sie sind angemeldet, aber kein Benutzer dieses Servers hat Ihren Namen. Wenden Sie sich an den Betreiber.",
    "server": "Auf dem Server ist ein Fehler aufgetreten; sein Protokoll nennt die Ursache.",
    "other": "Der Server hat diese Anfrage nicht angenommen."
  },

  "usage": {
    "title": "Verbrauch",
    "everybody": "Verbrauch von allen",
    "show": "Anzeigen",
    "by": "Nach",
    "day": "Tag",
    "model": "Modell",
    "upstream": "Anbieter",
    "user": "Benutzer",
    "amount": "Kosten",
    "requests": "Antworten",
    "prompt": "Token hinein",
    "cached": "davon im Cache",
    "completion": "Token heraus",
    "unknown": "Kosten unbekannt",
    "none": "In dieser Zeit gibt es keine Antworten.",
    "noCost": "Keine Antwort dieser Zeit hat einen Preis.",
    "plot": "Kosten pro Tag",
    "plotTokens": "Token pro Tag",
    "table": "Tabelle des Verbrauchs",
    "note": "Die Tage sind die von UTC. ≈ bezeichnet Zahlen, die zum Teil geschätzt sind.",
    "more": "Die Tabelle ist gekürzt; die Datei hat alle Zeilen.",
    "file": "Als Datei für Tabellenprogramme (CSV)",
    "from": "Von",
    "to": "Bis"
  },

  "login": {
    "name": "Name",
    "password": "Passwort",
    "leave": "Abmelden",
    "shared": "Gemeinsamer Zugang",
    "noscript": "Zum Anmelden wird JavaScript gebraucht."
  },

  "setup": {
    "key": "Mit Ihrem eigenen API-Schlüssel",
    "keyCopy": "Die Zeile für Ihren eigenen API-Schlüssel kopieren",
    "ollama": "Mit Ollama auf diesem Rechner",
    "ollamaCopy": "Die Zeile für Ollama kopieren"
  },

  "composer": {
    "form": "Eine Frage stellen",
    "label": "Ihre Frage",
    "placeholder": "Fragen Sie etwas …",
    "stop": "Anhalten"
  },

  "place": {
    "new": "Eine neue Unterhaltung beginnen"
  },

  "list": {
    "search": "Unterhaltungen durchsuchen",
    "searchShort": "Suchen",
    "close": "Die Liste schließen"
  },

  "model": {
    "label": "Modell:",
    "own": "Ein eigenes Modell benutzen",
    "another": "Um die Modelle eines anderen Servers zu benutzen, starten Sie diesen Server mit einer dieser Zeilen:"
  },

  "panel": {
    "open": "Systemprompt und Parameter",
    "set": "(gesetzt)"
  },

  "shared": {
    "note": "Jemand hat diese Unterhaltung mit Ihnen geteilt. Sie können sie hier lesen, aber nichts hineinschreiben.",
    "running": "Die Antwort wird gerade geschrieben. Laden Sie diese Seite neu, um mehr zu sehen.",
    "reload": "Neu laden",
    "more": "Diese Seite zeigt nur den Anfang.",
    "markdown": "Als Markdown",
    "text": "Als reiner Text"
  }
};
