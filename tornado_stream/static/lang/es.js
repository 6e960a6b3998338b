export default {
  "title": "Tornado Stream",
  "seconds": "{n} s",
  "copied": "Copiado",
  "selected": "Seleccionado",
  "notCopied": "No se pudo copiar el texto",

  "tab": {
    "quiet": "{subject} – Tornado Stream",
    "generating": "⏳ {subject} – generando",
    "done": "✓ {subject} – respondida",
    "bad": "! {subject} – requiere atención"
  },

  "composer": {
    "tooLong": "Este mensaje es unos {n} KB demasiado largo. Un mensaje puede tener 1 MB como máximo.",
    "noPart": "No se pudo cargar esta parte de la página. Compruebe la conexión con el servidor y vuelva a intentarlo."
  },

  "message": {
    "you": "Usted",
    "answer": "Respuesta",
    "sentByProgram": "Enviado por un programa",
    "notSentAgain": "Esta pregunta no obtuvo respuesta. No se envía con la siguiente pregunta.",
    "continue": "Por favor, continúe exactamente donde lo dejó."
  },

  "busy": {
    "stopping": "Deteniendo…",
    "reconnecting": "Reconectando…",
    "unreachable": "No se puede conectar con el servidor. Nuevo intento…",
    "loading": "Cargando el modelo…",
    "waiting": "Nuevo intento en {seconds} (intento {attempt})…",
    "thinking": "Pensando…",
    "first": "Leyendo su pregunta…",
    "writing": "Escribiendo…",
    "tool": "Una herramienta está en marcha…"
  },

  "end": {
    "stopped": "Detenida",
    "interrupted": "La respuesta se interrumpió",
    "notSent": "No enviada",
    "unanswered": "Esta pregunta no tiene respuesta.",
    "kept": "Lo que se había escrito se conserva."
  },

  "failure": {
    "notSent": "Se detuvo antes de que la pregunta llegara al servidor."
  },

  "action": {
    "withoutPictures": "Preguntar sin las imágenes",
    "retry": "Reintentar",
    "again": "Regenerar",
    "continue": "Continuar",
    "fresh": "Nueva conversación",
    "shorter": "Enviar sin los mensajes más antiguos",
    "askToContinue": "Pedir el resto",
    "editQuestion": "Editar la pregunta",
    "model": "Elegir otro modelo",
    "copy": "Copiar",
    "edit": "Editar",
    "details": "Detalles",
    "previous": "Versión anterior",
    "next": "Versión siguiente",
    "notCopied": "El navegador no permitió copiar.",
    "with": "Regenerar con otro modelo"
  },

  "place": {
    "loading": "Abriendo la conversación…",
    "unreachable": "No se puede conectar con el servidor. Nuevo intento…",
    "missing": "Esta conversación no existe",
    "missingWhy": "Puede que se haya eliminado o que la dirección esté incompleta.",
    "deleted": "Esta conversación se ha eliminado",
    "deletedWhy": "La eliminó en otra pestaña."
  },

  "list": {
    "untitled": "Sin título",
    "generating": "generando",
    "unread": "no leída",
    "more": "Más opciones para «{title}»",
    "loading": "Cargando…",
    "empty": "Sus conversaciones aparecerán aquí.",
    "nothing": "No se encontró nada para «{query}».",
    "unreachable": "La lista no se puede cargar en este momento.",
    "found": { "one": "Se encontró {n} conversación", "other": "Se encontraron {n} conversaciones" },
    "foundMore": { "one": "Se encontró {n} conversación o más", "other": "Se encontraron {n} conversaciones o más" },
    "noServer": "No funcionó, porque no se pudo conectar con el servidor.",
    "decide": "espera su decisión"
  },

  "when": {
    "today": "Hoy",
    "yesterday": "Ayer",
    "week": "Últimos 7 días",
    "month": "Últimos 30 días"
  },

  "markdown": {
    "code": "Código",
    "copy": "Copiar",
    "wrap": "Ajustar líneas",
    "table": "Tabla",
    "image": "Imagen:",
    "done": "Hecho",
    "open": "Pendiente",
    "details": "Detalles",
    "note": "Nota",
    "tip": "Consejo",
    "important": "Importante",
    "warning": "Advertencia",
    "caution": "Precaución",
    "footnote": "Nota al pie {n}",
    "back": "Volver a la nota al pie {n}"
  },

  "say": {
    "generating": "Generando",
    "complete": "Respuesta completa",
    "fresh": "Nueva conversación"
  },

  "model": {
    "runs": "El modelo aquí es {name}.",
    "loading": "cargando…",
    "failed": "no disponible",
    "unreachable": "sin conexión con el servidor",
    "none": "Ningún modelo"
  }
};
