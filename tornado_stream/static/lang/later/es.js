export default {
  "setup": {
    "copy": "Copiar"
  },

  "composer": {
    "send": "Enviar"
  },

  "waiting": {
    "label": "Pregunta en espera",
    "waits": "Espera a que termine la respuesta.",
    "held": "Esta pregunta espera su decisión.",
    "edit": "Editar",
    "back": "Retirar"
  },

  "message": {
    "showAll": "Mostrar todo ({n} caracteres)",
    "showLess": "Mostrar menos",
    "picture": "Imagen",
    "part": "Parte: {what}",
    "fromSystem": "Instrucciones del sistema",
    "fromDeveloper": "Mensaje del desarrollador",
    "fromAssistant": "Asistente",
    "fromTool": "Resultado de una herramienta"
  },

  "wait": {
    "model": "Esperando al modelo desde hace {seconds}…",
    "silent": "El modelo no envía nada desde hace {seconds}…",
    "network": "Compruebe su red: no llega nada del servidor desde hace {seconds}…",
    "offline": "Este dispositivo no tiene conexión. El servidor continúa la respuesta.",
    "offlineUnsent": "Este dispositivo no tiene conexión. Su pregunta se guarda aquí y se enviará cuando vuelva a haber red.",
    "proxy": "Un proxy retiene esta respuesta. La página obtiene el texto por partes…"
  },

  "proxyHint": {
    "title": "Cómo corregir el proxy",
    "why": "{proxy} retiene la respuesta hasta que está completa.",
    "unknown": "Un proxy",
    "nginx": "nginx: ponga esta línea en el bloque location que lleva a este servidor, o quite de ahí proxy_ignore_headers X-Accel-Buffering.",
    "nginxCopy": "Copiar la línea para nginx",
    "caddy": "Caddy: ponga esta línea en el bloque reverse_proxy.",
    "caddyCopy": "Copiar la línea para Caddy"
  },

  "edit": {
    "label": "Edite su pregunta",
    "save": "Guardar",
    "cancel": "Cancelar",
    "busy": "Se está escribiendo una respuesta. Podrá guardar cuando esté completa.",
    "hint": "La versión anterior se conserva como otra rama.",
    "textOnly": "Solo se envía este texto, sin las imágenes ni las demás partes. La versión anterior se conserva como otra rama."
  },

  "details": {
    "replay": "Reproducir como se escribió",
    "ms": "{n} ms",
    "model": "Modelo",
    "upstream": "Respondida por",
    "cost": "Coste",
    "whole": "Toda la conversación",
    "tokens": "{n} tokens",
    "first": "Primer token tras",
    "total": "Tiempo total",
    "rate": "Tokens por segundo",
    "output": "Tokens escritos",
    "reasoning": "De ellos, razonamiento",
    "input": "Tokens leídos",
    "unknown": "no indicado",
    "finish": "Final",
    "written": "Escrita",
    "about": "Los valores con ≈ son estimaciones a partir del texto, porque el servidor del modelo no contó los tokens. Cuatro caracteres cuentan como un token, igual que un carácter chino, japonés o coreano.",
    "closed": "Conexión con el modelo cerrada tras",
    "pieces": "Fragmentos recibidos antes de detener"
  },

  "list": {
    "failed": "No funcionó. {why}",
    "said": "El servidor respondió: {why}",
    "rename": "Nuevo título de «{title}»",
    "renamed": "Nombre cambiado",
    "menu": "Esta conversación",
    "renameItem": "Cambiar nombre",
    "asMarkdown": "Guardar como Markdown",
    "asJson": "Guardar como JSON",
    "asText": "Guardar como texto",
    "deleteItem": "Eliminar"
  },

  "trash": {
    "region": "Conversaciones eliminadas",
    "deleted": "«{title}» se ha eliminado",
    "undo": "Deshacer",
    "undoOf": "Deshacer: restaurar «{title}»",
    "close": "Cerrar",
    "said": "«{title}» se ha eliminado. {keys} lo deshace.",
    "keys": "Ctrl+Z",
    "restored": "«{title}» se ha restaurado",
    "failed": "«{title}» no se ha eliminado."
  },

  "markdown": {
    "preview": "Vista previa",
    "refused": "Sin vista previa: {reason}"
  },

  "model": {
    "title": "Modelos",
    "pick": "Elegir un modelo",
    "filter": "Busque o escriba el nombre de un modelo",
    "other": "Usar «{name}»",
    "default": "predeterminado",
    "missing": "«{name}» ya no está disponible. En su lugar se usa el modelo predeterminado.",
    "about": "Usar su propio modelo…",
    "close": "Cerrar",
    "context": "{n}k tokens",
    "canSee": "visión",
    "canCall": "herramientas",
    "canThink": "razonamiento",
    "demoShort": "Un pequeño modelo de demostración que se ejecuta en este equipo. A menudo se equivoca en los hechos.",
    "favourites": "Favoritos",
    "recent": "Usados últimamente",
    "price": "{input} de entrada, {output} de salida por 1 M de tokens",
    "free": "gratis",
    "awayReach": "no se puede conectar por ahora",
    "awayKey": "rechazó la clave del servidor",
    "awayQuota": "ya no tiene saldo",
    "isFavourite": "favorito",
    "starred": "«{name}» es ahora un favorito",
    "unstarred": "«{name}» ya no es un favorito",
    "starHint": "Mayús+Intro marca el modelo como favorito o lo desmarca.",
    "star": "Favorito",
    "contextMillions": "{n} M de tokens"
  },

  "panel": {
    "title": "Ajustes de las respuestas",
    "system": "Instrucciones del sistema",
    "systemHint": "El modelo las lee antes que todo lo demás. Pertenecen a esta conversación.",
    "parameters": "Parámetros",
    "parametersHint": "Se aplican a todas las conversaciones de este navegador. Un campo vacío no se envía, y el modelo usa su propio valor. Algunos modelos no los aceptan todos.",
    "temperatureHint": "Lo aleatoria que es la elección de palabras: de 0 (mínimo) a 2 (máximo).",
    "topPHint": "El modelo solo elige entre las palabras más probables que juntas tienen esta probabilidad: de 0 a 1.",
    "maxTokensHint": "La longitud máxima de una respuesta, en tokens.",
    "effortHint": "Cuánto piensa un modelo de razonamiento.",
    "unset": "sin definir",
    "notNumber": "Esto no es un número.",
    "notWhole": "Escriba un número entero.",
    "outOfRange": "Escriba un número de {least} a {most}.",
    "systemTooLong": "Las instrucciones del sistema son demasiado largas. Pueden tener 1 MB como máximo.",
    "beginning": "La primera pregunta todavía se está enviando. Vuelva a guardar dentro de un momento.",
    "save": "Guardar",
    "cancel": "Cancelar",
    "reset": "Restablecer los parámetros"
  },

  "shortcuts": {
    "title": "Atajos de teclado",
    "or": "o",
    "single": "Usar las teclas sin Ctrl ni Alt (/ y ?)",
    "ctrl": "Ctrl",
    "shift": "Mayús",
    "enter": "Intro"
  },

  "held": {
    "stopped": "La respuesta anterior se detuvo; esta pregunta espera su decisión.",
    "error": "La respuesta anterior falló; esta pregunta espera su decisión.",
    "cut_off": "La respuesta anterior quedó cortada; esta pregunta espera su decisión.",
    "interrupted": "La respuesta anterior se interrumpió; esta pregunta espera su decisión.",
    "unanswered": "La pregunta anterior no tiene respuesta; esta pregunta espera su decisión.",
    "restarted": "El servidor se reinició; esta pregunta espera su decisión."
  },

  "error": {
    "connect_failed": "No se puede conectar con el servidor del modelo.",
    "connect_timeout": "El servidor del modelo no aceptó la conexión a tiempo.",
    "tls_failed": "La conexión con el servidor del modelo no es segura, así que no se usó.",
    "first_byte_timeout": "El servidor del modelo no empezó a responder a tiempo.",
    "idle_timeout": "El servidor del modelo guardó silencio demasiado tiempo en mitad de la respuesta.",
    "answer_timeout": "La respuesta tardó más de lo que permite este servidor.",
    "connection_closed": "El servidor del modelo cerró la conexión antes de que la respuesta estuviera completa.",
    "connection_reset": "Se cortó la conexión con el servidor del modelo.",
    "malformed_response": "El servidor del modelo envió una respuesta dañada.",
    "upstream_cut_off": "El servidor del modelo cortó la respuesta.",
    "line_too_long": "El servidor del modelo envió una línea demasiado larga.",
    "answer_too_long": "La respuesta es más larga de lo que guarda este servidor.",
    "not_an_api": "En la dirección del servidor del modelo no hay ninguna API de modelos.",
    "auth": "El servidor del modelo rechazó la clave.",
    "quota": "La cuenta del proveedor no tiene saldo.",
    "rate_limit": "El servidor del modelo recibe demasiadas solicitudes en este momento.",
    "model_not_found": "El servidor del modelo no tiene este modelo.",
    "context_length": "La conversación es más larga de lo que este modelo puede leer.",
    "bad_request": "El servidor del modelo rechazó la solicitud.",
    "upstream_5xx": "Falló el servidor del modelo.",
    "upstream_error": "El servidor del modelo comunicó un error.",
    "local_model_failed": "El modelo local no puede ejecutarse.",
    "server_error": "Falló este servidor.",
    "no_models": "No se puede listar ningún modelo.",
    "invalid_request": "El servidor no pudo entender la solicitud.",
    "invalid_json": "El servidor no pudo leer la solicitud.",
    "not_json": "El servidor no pudo leer la solicitud.",
    "unsupported_encoding": "El servidor no pudo leer la solicitud.",
    "unsupported_parameter": "El servidor no admite un dato de la solicitud.",
    "unsupported_value": "El servidor no admite un valor de la solicitud.",
    "login_required": "Debe iniciar sesión.",
    "wrong_token": "El token no es válido.",
    "wrong_password": "La contraseña no es correcta.",
    "too_many_tries": "Ha habido demasiados intentos fallidos. Espere un momento.",
    "needs_session": "Para esto debe iniciar sesión con la contraseña.",
    "password_is_a_setting": "Solo el administrador del servidor puede cambiar esta contraseña.",
    "not_a_user": "Ha iniciado sesión, pero ningún usuario de este servidor tiene su nombre.",
    "ambiguous_user": "El proxy no indicó con claridad quién es usted.",
    "forbidden": "Esto no está permitido.",
    "not_found": "Esto ya no existe.",
    "item_not_found": "La solicitud menciona algo que no existe.",
    "unknown_host": "El servidor no responde con este nombre.",
    "method_not_allowed": "Esta dirección no admite este tipo de solicitud.",
    "request_timeout": "La solicitud tardó demasiado en llegar.",
    "conflict": "Esto no es posible en este momento.",
    "conversation_busy": "Ya se está escribiendo una respuesta en esta conversación.",
    "changed_meanwhile": "Mientras tanto, esto se cambió en otro lugar.",
    "already_sent": "Esta pregunta ya se ha enviado.",
    "request_id_reused": "Esta pregunta se envió con un identificador que ya está en uso.",
    "idempotency_key_reused": "Con esta clave ya se envió otra solicitud.",
    "name_in_use": "Este nombre ya está en uso.",
    "preset_is_shared": "Este preajuste es de todos. Solo el administrador del servidor puede cambiarlo.",
    "too_large": "La solicitud es demasiado grande.",
    "message_too_large": "Este mensaje es demasiado largo.",
    "conversation_too_large": "Esta conversación es demasiado larga para el servidor.",
    "conversation_full": "Esta conversación ya tiene el máximo de mensajes.",
    "too_many": "Hay demasiadas solicitudes en este momento.",
    "too_many_answers": "Tiene demasiadas respuestas en curso. Espere a que termine una.",
    "too_many_bodies": "En este momento llegan demasiadas solicitudes grandes.",
    "too_many_connections": "Hay demasiadas conexiones en este momento.",
    "too_many_readers": "En este momento se leen demasiadas conversaciones grandes.",
    "too_many_presets": "Ya tiene el máximo de preajustes.",
    "budget_reached": "Su presupuesto está agotado.",
    "export_running": "Ya hay otra exportación de sus conversaciones en curso.",
    "search_too_slow": "La búsqueda tardó demasiado. Busque un texto más largo o menos frecuente.",
    "not_saved": "El servidor no puede escribir en su disco. No se guardó nada ni se envió nada al modelo.",
    "draining": "El servidor se está reiniciando. Vuelva a intentarlo dentro de un momento.",
    "unavailable": "El servidor no puede hacer esto en este momento."
  }
};
