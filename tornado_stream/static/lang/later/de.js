export default {
  "setup": {
    "copy": "Kopieren"
  },

  "composer": {
    "send": "Senden"
  },

  "waiting": {
    "label": "Wartende Frage",
    "waits": "Wartet auf das Ende der Antwort.",
    "held": "Die Antwort davor wurde nicht fertig. Diese Frage wartet auf Sie.",
    "edit": "Bearbeiten",
    "back": "Zurücknehmen"
  },

  "message": {
    "showAll": "Alles zeigen ({n} Zeichen)",
    "showLess": "Weniger zeigen",
    "picture": "Bild",
    "part": "Teil: {what}",
    "fromSystem": "Systemanweisung",
    "fromDeveloper": "Nachricht des Entwicklers",
    "fromAssistant": "Assistent",
    "fromTool": "Ergebnis eines Werkzeugs"
  },

  "wait": {
    "model": "Wartet seit {seconds} auf das Modell …",
    "silent": "Das Modell schweigt seit {seconds} …",
    "network": "Prüfen Sie Ihr Netz: seit {seconds} ist nichts vom Server angekommen …",
    "offline": "Dieses Gerät ist offline. Der Server setzt die Antwort fort.",
    "offlineUnsent": "Dieses Gerät ist offline. Deine Frage bleibt hier und wird gesendet, sobald es wieder ein Netz gibt.",
    "proxy": "Ein Proxy hält diese Antwort zurück. Die Seite holt den Text stückweise …"
  },

  "proxyHint": {
    "title": "So wird der Proxy repariert",
    "why": "{proxy} hält die Antwort zurück, bis sie vollständig ist.",
    "unknown": "Ein Proxy",
    "nginx": "nginx: Diese Zeile gehört in die location, die zum Server führt; oder entfernen Sie dort proxy_ignore_headers X-Accel-Buffering.",
    "nginxCopy": "Die Zeile für nginx kopieren",
    "caddy": "Caddy: Diese Zeile gehört in den Block reverse_proxy.",
    "caddyCopy": "Die Zeile für Caddy kopieren"
  },

  "edit": {
    "label": "Ihre Frage bearbeiten",
    "save": "Speichern",
    "cancel": "Abbrechen"
  },

  "details": {
    "replay": "Abspielen, wie sie geschrieben wurde",
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
    "about": "Werte mit ≈ sind aus dem Text geschätzt, weil der Server des Modells die Token nicht gezählt hat. Vier Zeichen gelten als ein Token, ebenso ein chinesisches, japanisches oder koreanisches Zeichen."
  },

  "list": {
    "rename": "Neuer Titel von „{title}“",
    "renamed": "Umbenannt"
  },

  "trash": {
    "region": "Gelöschte Unterhaltungen",
    "deleted": "„{title}“ gelöscht",
    "undo": "Rückgängig",
    "undoOf": "Rückgängig: „{title}“ wiederherstellen",
    "close": "Schließen",
    "said": "„{title}“ gelöscht. {keys} macht es rückgängig.",
    "keys": "Strg+Z",
    "restored": "„{title}“ ist wiederhergestellt",
    "failed": "„{title}“ wurde nicht gelöscht."
  },

  "markdown": {
    "preview": "Vorschau",
    "refused": "Keine Vorschau: {reason}"
  },

  "model": {
    "title": "Modelle",
    "pick": "Ein Modell wählen",
    "filter": "Suchen oder den Namen eines Modells eingeben",
    "other": "„{name}“ benutzen",
    "default": "Standard",
    "missing": "„{name}“ ist nicht mehr verfügbar. Stattdessen wird das Standardmodell benutzt.",
    "about": "Ein eigenes Modell benutzen …",
    "close": "Schließen",
    "context": "{n}k Token",
    "canSee": "Bilder",
    "canCall": "Werkzeuge",
    "canThink": "Denken",
    "demoShort": "Ein kleines Vorführmodell auf diesem Rechner. Bei Tatsachen irrt es oft."
  },

  "panel": {
    "title": "Einstellungen für Antworten",
    "system": "Systemprompt",
    "systemHint": "Das Modell liest dies vor allem anderen. Der Systemprompt gehört zu dieser Unterhaltung.",
    "parameters": "Parameter",
    "parametersHint": "Sie gelten für alle Unterhaltungen in diesem Browser. Ein leeres Feld wird nicht gesendet, und das Modell benutzt seinen eigenen Wert. Manche Modelle nehmen nicht alle Parameter an.",
    "temperatureHint": "Wie zufällig die Wortwahl ist: von 0 (am wenigsten) bis 2 (am meisten).",
    "topPHint": "Das Modell wählt nur unter den wahrscheinlichsten Wörtern, die zusammen diese Wahrscheinlichkeit haben: von 0 bis 1.",
    "maxTokensHint": "Die größte Länge einer Antwort, in Token.",
    "effortHint": "Wie viel ein Modell nachdenkt, wenn es nachdenken kann.",
    "unset": "nicht gesetzt",
    "notNumber": "Das ist keine Zahl.",
    "notWhole": "Geben Sie eine ganze Zahl ein.",
    "outOfRange": "Geben Sie eine Zahl von {least} bis {most} ein.",
    "systemTooLong": "Der Systemprompt ist zu lang. Er darf höchstens 1 MB haben.",
    "beginning": "Die erste Frage wird noch gesendet. Speichern Sie gleich noch einmal.",
    "save": "Speichern",
    "cancel": "Abbrechen",
    "reset": "Parameter zurücksetzen"
  },

  "shortcuts": {
    "title": "Tastenkürzel",
    "or": "oder",
    "single": "Tasten ohne Strg und Alt benutzen (/ und ?)",
    "ctrl": "Strg",
    "shift": "Umschalt",
    "enter": "Eingabe"
  }
};
