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
    "held": "Diese Frage wartet auf Sie.",
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
    "cancel": "Abbrechen",
    "busy": "Gerade wird eine Antwort geschrieben. Sie können speichern, wenn sie fertig ist.",
    "hint": "Die alte Fassung bleibt als anderer Zweig erhalten.",
    "textOnly": "Nur dieser Text wird gesendet, ohne die Bilder und anderen Teile. Die alte Fassung bleibt als anderer Zweig erhalten."
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
    "about": "Werte mit ≈ sind aus dem Text geschätzt, weil der Server des Modells die Token nicht gezählt hat. Vier Zeichen gelten als ein Token, ebenso ein chinesisches, japanisches oder koreanisches Zeichen.",
    "closed": "Verbindung zum Modell geschlossen nach",
    "pieces": "Empfangene Teile vor dem Anhalten"
  },

  "list": {
    "failed": "Das hat nicht funktioniert. {why}",
    "said": "Der Server meldete: {why}",
    "rename": "Neuer Titel von „{title}“",
    "renamed": "Umbenannt",
    "menu": "Diese Unterhaltung",
    "renameItem": "Umbenennen",
    "asMarkdown": "Als Markdown speichern",
    "asJson": "Als JSON speichern",
    "asText": "Als Text speichern",
    "deleteItem": "Löschen"
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
    "demoShort": "Ein kleines Vorführmodell auf diesem Rechner. Bei Tatsachen irrt es oft.",
    "favourites": "Favoriten",
    "recent": "Zuletzt verwendet",
    "price": "{input} ein, {output} aus je 1 Mio. Token",
    "free": "kostenlos",
    "awayReach": "zurzeit nicht erreichbar",
    "awayKey": "hat den Schlüssel des Servers abgelehnt",
    "awayQuota": "hat kein Guthaben mehr",
    "isFavourite": "Favorit",
    "starred": "„{name}“ ist jetzt ein Favorit",
    "unstarred": "„{name}“ ist kein Favorit mehr",
    "starHint": "Umschalt+Enter macht das Modell zum Favoriten oder hebt das auf.",
    "star": "Favorit",
    "contextMillions": "{n} Mio. Token"
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
  },

  "held": {
    "stopped": "Die Antwort davor wurde angehalten. Diese Frage wartet auf Sie.",
    "error": "Die Antwort davor ist fehlgeschlagen. Diese Frage wartet auf Sie.",
    "cut_off": "Die Antwort davor wurde abgeschnitten. Diese Frage wartet auf Sie.",
    "interrupted": "Die Antwort davor wurde unterbrochen. Diese Frage wartet auf Sie.",
    "unanswered": "Die Frage davor hat keine Antwort. Diese Frage wartet auf Sie.",
    "restarted": "Der Server wurde neu gestartet. Diese Frage wartet auf Sie."
  },

  "error": {
    "connect_failed": "Der Server des Modells ist nicht erreichbar.",
    "connect_timeout": "Der Server des Modells hat die Verbindung nicht rechtzeitig angenommen.",
    "tls_failed": "Die Verbindung zum Server des Modells ist nicht sicher und wurde nicht benutzt.",
    "first_byte_timeout": "Der Server des Modells hat nicht rechtzeitig zu antworten begonnen.",
    "idle_timeout": "Der Server des Modells hat mitten in der Antwort zu lange geschwiegen.",
    "answer_timeout": "Die Antwort dauerte länger, als dieser Server erlaubt.",
    "connection_closed": "Der Server des Modells hat die Verbindung geschlossen, bevor die Antwort fertig war.",
    "connection_reset": "Die Verbindung zum Server des Modells ist abgebrochen.",
    "malformed_response": "Der Server des Modells hat eine beschädigte Antwort gesendet.",
    "upstream_cut_off": "Der Server des Modells hat die Antwort abgebrochen.",
    "line_too_long": "Der Server des Modells hat eine zu lange Zeile gesendet.",
    "answer_too_long": "Die Antwort ist länger, als dieser Server aufbewahrt.",
    "not_an_api": "Unter der Adresse des Modellservers gibt es keine Schnittstelle für Modelle.",
    "auth": "Der Server des Modells hat den Schlüssel abgelehnt.",
    "quota": "Das Konto beim Anbieter hat kein Guthaben mehr.",
    "rate_limit": "Der Server des Modells bekommt gerade zu viele Anfragen.",
    "model_not_found": "Der Server des Modells hat dieses Modell nicht.",
    "context_length": "Die Unterhaltung ist länger, als dieses Modell lesen kann.",
    "bad_request": "Der Server des Modells hat die Anfrage abgelehnt.",
    "upstream_5xx": "Auf dem Server des Modells ist ein Fehler aufgetreten.",
    "upstream_error": "Der Server des Modells hat einen Fehler gemeldet.",
    "local_model_failed": "Das lokale Modell kann nicht laufen.",
    "server_error": "Auf diesem Server ist ein Fehler aufgetreten.",
    "no_models": "Es kann kein Modell aufgelistet werden.",
    "invalid_request": "Der Server konnte die Anfrage nicht verstehen.",
    "invalid_json": "Der Server konnte die Anfrage nicht lesen.",
    "not_json": "Der Server konnte die Anfrage nicht lesen.",
    "unsupported_encoding": "Der Server konnte die Anfrage nicht lesen.",
    "unsupported_parameter": "Der Server unterstützt eine Angabe der Anfrage nicht.",
    "unsupported_value": "Der Server unterstützt einen Wert der Anfrage nicht.",
    "login_required": "Sie müssen sich anmelden.",
    "wrong_token": "Das Token ist nicht gültig.",
    "wrong_password": "Das Passwort ist falsch.",
    "too_many_tries": "Es gab zu viele falsche Versuche. Bitte warten Sie einen Moment.",
    "needs_session": "Dafür müssen Sie mit dem Passwort angemeldet sein.",
    "password_is_a_setting": "Dieses Passwort kann nur der Betreiber des Servers ändern.",
    "not_a_user": "Sie sind angemeldet, aber kein Benutzer dieses Servers hat Ihren Namen.",
    "ambiguous_user": "Der Proxy hat nicht eindeutig gesagt, wer Sie sind.",
    "forbidden": "Das ist nicht erlaubt.",
    "not_found": "Das gibt es nicht mehr.",
    "item_not_found": "Die Anfrage nennt etwas, das es nicht gibt.",
    "unknown_host": "Der Server antwortet nicht unter diesem Namen.",
    "method_not_allowed": "Diese Adresse unterstützt diese Art von Anfrage nicht.",
    "request_timeout": "Die Anfrage kam zu langsam an.",
    "conflict": "Das ist im Moment nicht möglich.",
    "conversation_busy": "In dieser Unterhaltung wird schon eine Antwort geschrieben.",
    "changed_meanwhile": "Das wurde inzwischen an anderer Stelle geändert.",
    "already_sent": "Diese Frage wurde schon gesendet.",
    "request_id_reused": "Diese Frage wurde mit einer Kennung gesendet, die schon benutzt ist.",
    "idempotency_key_reused": "Mit diesem Schlüssel wurde schon eine andere Anfrage gesendet.",
    "name_in_use": "Dieser Name ist schon vergeben.",
    "preset_is_shared": "Diese Vorlage gehört allen. Nur der Betreiber des Servers kann sie ändern.",
    "too_large": "Die Anfrage ist zu groß.",
    "message_too_large": "Diese Nachricht ist zu lang.",
    "conversation_too_large": "Diese Unterhaltung ist zu lang für den Server.",
    "conversation_full": "Diese Unterhaltung hat so viele Nachrichten, wie sie haben kann.",
    "too_many": "Es gibt gerade zu viele Anfragen.",
    "too_many_answers": "Bei Ihnen laufen zu viele Antworten. Warten Sie, bis eine fertig ist.",
    "too_many_bodies": "Es kommen gerade zu viele große Anfragen an.",
    "too_many_connections": "Es gibt gerade zu viele Verbindungen.",
    "too_many_readers": "Es werden gerade zu viele große Unterhaltungen gelesen.",
    "too_many_presets": "Sie haben so viele Vorlagen, wie Sie haben können.",
    "budget_reached": "Ihr Budget ist aufgebraucht.",
    "export_running": "Ein anderer Export Ihrer Unterhaltungen läuft.",
    "search_too_slow": "Die Suche dauerte zu lange. Suchen Sie nach einem längeren oder selteneren Text.",
    "not_saved": "Der Server kann nicht auf seine Festplatte schreiben. Es wurde nichts gespeichert und nichts an das Modell gesendet.",
    "draining": "Der Server wird neu gestartet. Versuchen Sie es gleich noch einmal.",
    "unavailable": "Der Server kann das im Moment nicht."
  }
};
