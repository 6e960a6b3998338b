export default {
  "title": "Tornado Stream",
  "seconds": "{n} s",
  "copied": "Kopiert",
  "selected": "Markiert",
  "notCopied": "Konnte nicht kopiert werden",

  "tab": {
    "quiet": "{subject} – Tornado Stream",
    "generating": "⏳ {subject} – antwortet",
    "done": "✓ {subject} – beantwortet",
    "bad": "! {subject} – bitte ansehen"
  },

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
    "starter2": "Warum träumen wir?",
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

  "login": {
    "name": "Name",
    "password": "Passwort",
    "enter": "Anmelden",
    "enterIn": "Anmelden ({seconds})",
    "wrong": "Das ist nicht das Passwort.",
    "wrongEither": "Der Name oder das Passwort stimmt nicht.",
    "tooMany": "Das war zu oft. Bitte warten Sie einen Augenblick.",
    "unreachable": "Der Server ist nicht zu erreichen.",
    "failed": "Das ging nicht: Der Server antwortete mit dem Status {status}.",
    "leave": "Abmelden",
    "noscript": "Zum Anmelden wird JavaScript gebraucht."
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
    "hint": "Eingabe sendet, Umschalt+Eingabe beginnt eine neue Zeile",
    "pasted": "Eingefügt, {n} Zeichen: „{text} …“",
    "removePasted": "Eingefügten Text entfernen",
    "tooLong": "Das ist etwa {n} KB zu lang zum Senden: Eine Nachricht darf 1 MB haben.",
    "noPart": "Dieser Teil der Seite konnte nicht geladen werden. Ist der Server da?"
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
    "optionRefused": "Dieses Modell kennt {names} nicht: Es wurde ohne gefragt.",
    "unsaved": "Diese Antwort ist nicht gesichert: Der Server konnte sie nicht auf seine Platte schreiben.",
    "thinkingFor": "Denkt seit {seconds} nach",
    "thoughtFor": "Hat {seconds} nachgedacht",
    "elsewhere": "Auf einem anderen Zweig dieser Unterhaltung wird eine Antwort geschrieben. „Anhalten“ beendet sie.",
    "goThere": "Dorthin gehen",
    "continue": "Bitte mach genau dort weiter, wo du aufgehört hast."
  },

  "busy": {
    "stopping": "Wird angehalten …",
    "reconnecting": "Verbindung wird wiederhergestellt …",
    "unreachable": "Der Server ist nicht zu erreichen. Neuer Versuch …",
    "loading": "Das Modell wird geladen …",
    "waiting": "Neuer Versuch in {seconds}: {reason} (Versuch {attempt}) …",
    "thinking": "Denkt nach …",
    "first": "Liest Ihre Frage …",
    "writing": "Schreibt …"
  },

  "wait": {
    "model": "Wartet seit {seconds} auf das Modell …",
    "silent": "Das Modell schweigt seit {seconds} …",
    "network": "Ihr Netz: seit {seconds} nichts vom Server gehört …",
    "offline": "Dieses Gerät ist offline. Die Antwort läuft auf dem Server weiter.",
    "proxy": "Ein Proxy hält diesen Datenstrom zurück. Der Text wird stückweise geholt …"
  },

  "proxyHint": {
    "title": "Was den Proxy richtigstellt",
    "why": "{proxy} hält die Antwort zurück, bis sie zu Ende ist.",
    "unknown": "Ein Proxy",
    "nginx": "nginx: Diese Zeile gehört in die location, die zum Server führt; oder entfernen Sie dort proxy_ignore_headers X-Accel-Buffering.",
    "nginxCopy": "Die Zeile für nginx kopieren",
    "caddy": "Caddy: Diese Zeile gehört in den Block reverse_proxy.",
    "caddyCopy": "Die Zeile für Caddy kopieren"
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
    "retryAfter": "Versuchen Sie es in {seconds} wieder.",
    "retryNow": "Sie können es jetzt noch einmal versuchen.",
    "closed": "Die Verbindung zum Modell wurde nach {ms} ms geschlossen.",
    "pieces": { "one": "{n} Stück war angekommen.", "other": "{n} Stücke waren angekommen." }
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
    "continue": "Fortsetzen",
    "fresh": "Neue Unterhaltung",
    "shorter": "Ohne die ältesten Wechsel senden",
    "askToContinue": "Um Fortsetzung bitten",
    "editQuestion": "Frage bearbeiten",
    "model": "Anderes Modell wählen",
    "copy": "Kopieren",
    "edit": "Bearbeiten",
    "details": "Einzelheiten",
    "previous": "Vorige Fassung",
    "next": "Nächste Fassung",
    "version": "Fassung {n} von {of}",
    "count": "{n}/{of}",
    "notCopied": "Der Browser ließ das Kopieren nicht zu."
  },

  "next": {
    "reach": "Läuft der Server des Modells, und stimmt seine Adresse?",
    "url": "Prüfen Sie OPENAI_BASE_URL dort, wo der Server gestartet wurde.",
    "slow": "Vielleicht ist das Modell beschäftigt oder lädt noch.",
    "quota": "Laden Sie beim Anbieter Guthaben auf, oder nehmen Sie einen anderen Schlüssel.",
    "wait": "Warten Sie einen Augenblick, dann noch einmal.",
    "model": "Der Server des Modells hat dieses nicht.",
    "change": "Vielleicht helfen andere Worte oder andere Einstellungen.",
    "theirs": "Die Störung liegt beim Server des Modells. Oft ist sie bald vorbei.",
    "log": "Warum, steht im Protokoll des Servers."
  },

  "edit": {
    "label": "Ihre Frage bearbeiten",
    "save": "Speichern",
    "cancel": "Abbrechen",
    "hint": "Die alte Fassung bleibt als Zweig erhalten.",
    "busy": "Gerade wird eine Antwort geschrieben. Speichern Sie, wenn sie fertig ist."
  },

  "details": {
    "ms": "{n} ms",
    "model": "Modell",
    "upstream": "Beantwortet von",
    "cost": "Kosten",
    "whole": "Ganze Unterhaltung",
    "tokens": "{n} Token",
    "first": "Erstes Token nach",
    "total": "Gesamtzeit",
    "rate": "Token pro Sekunde",
    "output": "Geschriebene Token",
    "reasoning": "Davon zum Nachdenken",
    "input": "Gelesene Token",
    "unknown": "nicht gemeldet",
    "finish": "Ende",
    "written": "Geschrieben",
    "about": "≈ ist aus dem Text geschätzt: vier Zeichen sind ein Token, chinesische, japanische und koreanische je eines. Der Server des Modells hat nicht gezählt."
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
    "asMarkdown": "Als Markdown speichern",
    "asJson": "Als JSON speichern",
    "asText": "Als Text speichern",
    "deleteItem": "Löschen",
    "untitled": "Ohne Titel",
    "generating": "antwortet",
    "unread": "ungelesen",
    "more": "Mehr zu „{title}“",
    "rename": "Neuer Titel von „{title}“",
    "loading": "Wird geladen …",
    "empty": "Hier stehen später Ihre Unterhaltungen.",
    "nothing": "Nichts gefunden für „{query}“.",
    "unreachable": "Die Liste kann gerade nicht geladen werden.",
    "found": { "one": "{n} Unterhaltung gefunden", "other": "{n} Unterhaltungen gefunden" },
    "foundMore": { "one": "{n} oder mehr Unterhaltungen gefunden", "other": "{n} oder mehr Unterhaltungen gefunden" },
    "renamed": "Umbenannt",
    "failed": "Das ging nicht. Der Server meldet: {why}",
    "noServer": "Das ging nicht: Der Server war nicht zu erreichen."
  },

  "when": {
    "today": "Heute",
    "yesterday": "Gestern",
    "week": "Vorherige 7 Tage",
    "month": "Vorherige 30 Tage"
  },

  "trash": {
    "region": "Gelöschte Unterhaltungen",
    "deleted": "„{title}“ gelöscht",
    "undo": "Rückgängig",
    "undoOf": "Rückgängig: „{title}“ zurückholen",
    "close": "Schließen",
    "said": "„{title}“ gelöscht. {keys} macht es rückgängig.",
    "keys": "Strg+Z",
    "restored": "„{title}“ ist wieder da",
    "failed": "„{title}“ wurde nicht gelöscht."
  },

  "markdown": {
    "code": "Code",
    "copy": "Kopieren",
    "wrap": "Umbrechen",
    "table": "Tabelle",
    "image": "Bild:",
    "done": "Erledigt",
    "open": "Offen"
  },

  "say": {
    "generating": "Die Antwort wird geschrieben",
    "complete": "Die Antwort ist fertig",
    "fresh": "Neue Unterhaltung"
  },

  "model": {
    "label": "Modell:",
    "title": "Modelle",
    "pick": "Ein Modell wählen",
    "filter": "Suchen oder den Namen eines Modells eingeben",
    "other": "„{name}“ benutzen",
    "default": "Standard",
    "missing": "„{name}“ wird nicht mehr angeboten; es antwortet das Standardmodell.",
    "runs": "Hier antwortet {name}.",
    "about": "Ein eigenes Modell …",
    "own": "Ein eigenes Modell",
    "close": "Schließen",
    "another": "Von welchem Server die Modelle kommen, wird beim Start dieses Servers gesagt:",
    "loading": "wird geladen …",
    "failed": "nicht verfügbar",
    "unreachable": "Server nicht erreicht",
    "none": "Kein Modell",
    "demo": "Dies ist ein kleines Vorführmodell, das auf diesem Rechner läuft. Es ist schnell und privat, und bei Tatsachen oft im Irrtum. Für ein größeres starten Sie den Server mit:",
    "context": "{n}k Token",
    "canSee": "Bilder",
    "canCall": "Werkzeuge",
    "canThink": "Denken",
    "demoShort": "Ein kleines Vorführmodell auf diesem Rechner. Bei Tatsachen irrt es oft.",
    "failedTitle": "Das Modell kann nicht benutzt werden",
    "failedNext": "Starten Sie den Server mit einer dieser Zeilen:"
  },

  "panel": {
    "open": "Systemprompt und Parameter",
    "set": "(gesetzt)",
    "title": "Wie Antworten entstehen",
    "system": "Systemprompt",
    "systemHint": "Wird dem Modell vor allem anderen gesagt. Er gehört zu dieser Unterhaltung.",
    "parameters": "Parameter",
    "parametersHint": "Sie gelten für alle Unterhaltungen in diesem Browser. Was leer bleibt, wird nicht gesendet: Dann gilt der Wert des Modells. Manche Modelle lehnen manche davon ab.",
    "temperatureHint": "Zufall bei der Wortwahl: 0 am wenigsten, 2 am meisten.",
    "topPHint": "Nur die wahrscheinlichsten Wörter, die diesen Anteil ausmachen: 0 bis 1.",
    "maxTokensHint": "Die längste Antwort, in Token.",
    "effortHint": "Wie viel ein Modell nachdenkt, das das kann.",
    "unset": "nicht gesetzt",
    "notNumber": "Das ist keine Zahl.",
    "notWhole": "Hier steht eine ganze Zahl.",
    "outOfRange": "Hier steht eine Zahl von {least} bis {most}.",
    "systemTooLong": "Der Systemprompt ist zu lang: Er darf 1 MB haben.",
    "beginning": "Die erste Frage ist noch unterwegs. Speichern Sie gleich noch einmal.",
    "save": "Speichern",
    "cancel": "Abbrechen",
    "reset": "Parameter zurücksetzen"
  },

  "shortcuts": {
    "title": "Tastenkürzel",
    "send": "Die Frage senden",
    "newline": "Eine neue Zeile beginnen",
    "edit": "Die letzte Frage bearbeiten, wenn nichts geschrieben ist",
    "stop": "Die Antwort anhalten",
    "search": "Unterhaltungen durchsuchen",
    "fresh": "Neue Unterhaltung",
    "side": "Unterhaltungen ein- oder ausblenden",
    "model": "Ein Modell wählen",
    "panel": "Systemprompt und Parameter",
    "copy": "Die neueste Antwort kopieren",
    "list": "Diese Liste",
    "or": "oder",
    "single": "Tasten ohne Strg und Alt gelten (/ und ?)",
    "ctrl": "Strg",
    "shift": "Umschalt",
    "enter": "Eingabe"
  }
};
