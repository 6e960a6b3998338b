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
    "writing": "Escribiendo…"
  },

  "end": {
    "length": "Cortada en el límite de longitud",
    "lengthHint": "El modelo alcanzó el límite de longitud de una respuesta. Puede pedirle el resto.",
    "filter": "Cortada por el filtro de contenido",
    "filterHint": "El proveedor no envió el resto.",
    "odd": "La respuesta terminó por un motivo desconocido",
    "oddReason": "El servidor del modelo dio el motivo «{reason}», que este servidor no conoce.",
    "oddHint": "Si no está completa, puede pedir el resto.",
    "empty": "El modelo no envió texto",
    "emptyLength": "El modelo alcanzó el límite de longitud mientras pensaba. Aumente max_tokens o elija un reasoning_effort menor.",
    "emptyFilter": "El filtro de contenido del proveedor bloqueó la respuesta.",
    "tool": "El modelo espera el resultado de una herramienta",
    "toolHint": "Esta página muestra las llamadas a herramientas, pero no las ejecuta.",
    "stopped": "Detenida",
    "error": "Sin respuesta",
    "errorLate": "La respuesta terminó con un error",
    "cutOff": "La respuesta quedó cortada",
    "interrupted": "La respuesta se interrumpió",
    "interruptedWhy": "El servidor se detuvo antes de que la respuesta estuviera completa.",
    "gone": "El servidor ya no conoce esta respuesta.",
    "other": "La respuesta terminó: {state}",
    "notSent": "No enviada",
    "unanswered": "Esta pregunta no tiene respuesta.",
    "context": "La conversación es más larga de lo que este modelo puede leer.",
    "retryAfter": "Vuelva a intentarlo dentro de {seconds}.",
    "retryNow": "Ya puede volver a intentarlo.",
    "kept": "Lo que se había escrito se conserva."
  },

  "failure": {
    "notSent": "Se detuvo antes de que la pregunta llegara al servidor.",
    "notAStream": "La respuesta no procede de este servidor. Puede haber una página de inicio de sesión o un proxy de por medio.",
    "page": "Se produjo un error en esta página. Vuelva a cargarla. {message}",
    "other": "El servidor respondió con el estado {status}."
  },

  "action": {
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
    "noServer": "No funcionó, porque no se pudo conectar con el servidor."
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
