export default {
  "files": {
    "add": "Añadir archivos",
    "camera": "Hacer una foto"
  },

  "page": {
    "archive": "Archivo",
    "description": "Un chat en directo que nunca pierde, repite ni cobra dos veces un token.",
    "skip": "Ir al cuadro de la pregunta",
    "conversations": "Conversaciones",
    "conversation": "Conversación",
    "messages": "Mensajes",
    "new": "Nueva conversación",
    "newest": "Ir al texto más reciente",
    "back": "Volver al chat"
  },

  "plain": {
    "whole": "Toda la conversación",
    "running": "Se está escribiendo la respuesta. Esta página se vuelve a cargar cada dos segundos.",
    "now": "Cargarla ahora",
    "older": "Conversaciones anteriores",
    "stopped": "Esta respuesta se detuvo.",
    "error": "Esta respuesta terminó con un error.",
    "cut_off": "Esta respuesta quedó cortada.",
    "interrupted": "Esta respuesta se interrumpió."
  },

  "welcome": {
    "title": "¿Qué desea saber?",
    "what": "Las respuestas aparecen aquí mientras se escriben. Puede detener una respuesta en cualquier momento. Si se corta la conexión, la respuesta continúa después en el mismo punto.",
    "starters": "Preguntas para empezar",
    "starter1": "¿Por qué el cielo es azul?",
    "starter2": "¿Por qué soñamos?",
    "starter3": "Explica a un niño de diez años qué hace un servidor web.",
    "presets": "Plantillas y prompts…",
    "temporary": "Chat temporal"
  },

  "refused": {
    "missing": "No hay nada en esta dirección.",
    "foreign": "Esta solicitud procede de otro sitio web y se rechazó.",
    "method": "Esta dirección no admite este tipo de solicitud.",
    "host": "El servidor no responde con este nombre. Ábralo como http://localhost o indíquele el nombre con --allowed-hosts.",
    "user": "Ha iniciado sesión, pero ningún usuario de este servidor tiene su nombre. Diríjase al administrador.",
    "server": "Se produjo un error en el servidor; su registro indica el motivo.",
    "other": "El servidor no aceptó esta solicitud."
  },

  "usage": {
    "title": "Uso",
    "everybody": "Uso de todos",
    "show": "Mostrar",
    "by": "Por",
    "day": "Día",
    "model": "Modelo",
    "upstream": "Proveedor",
    "user": "Usuario",
    "amount": "Coste",
    "requests": "Respuestas",
    "prompt": "Tokens de entrada",
    "cached": "de ellos, en caché",
    "completion": "Tokens de salida",
    "unknown": "Coste desconocido",
    "none": "No hay respuestas en este periodo.",
    "noCost": "Ninguna respuesta de este periodo tiene precio.",
    "plot": "Coste por día",
    "plotTokens": "Tokens por día",
    "table": "Tabla de uso",
    "note": "Los días son los de UTC. ≈ indica cifras que son en parte estimaciones.",
    "more": "La tabla está acortada; el archivo tiene todas las filas.",
    "file": "Como archivo para hojas de cálculo (CSV)",
    "from": "Desde",
    "to": "Hasta"
  },

  "login": {
    "name": "Nombre",
    "password": "Contraseña",
    "leave": "Cerrar sesión",
    "shared": "Acceso compartido",
    "noscript": "Para iniciar sesión se necesita JavaScript."
  },

  "setup": {
    "key": "Con su propia clave de API",
    "keyCopy": "Copiar la línea para su propia clave de API",
    "ollama": "Con Ollama en este equipo",
    "ollamaCopy": "Copiar la línea para Ollama"
  },

  "composer": {
    "form": "Haga una pregunta",
    "label": "Su pregunta",
    "placeholder": "Pregunte lo que quiera…",
    "stop": "Detener"
  },

  "place": {
    "new": "Empezar una conversación nueva"
  },

  "list": {
    "search": "Buscar conversaciones",
    "searchShort": "Buscar",
    "close": "Cerrar la lista"
  },

  "model": {
    "label": "Modelo:",
    "own": "Usar su propio modelo",
    "another": "Para usar los modelos de otro servidor, inicie este servidor con una de estas líneas:"
  },

  "panel": {
    "open": "Instrucciones del sistema y parámetros",
    "set": "(definidos)"
  },

  "shared": {
    "note": "Alguien ha compartido esta conversación con usted. Puede leerla aquí, pero no escribir en ella.",
    "running": "La respuesta se está escribiendo. Vuelva a cargar esta página para ver más.",
    "reload": "Volver a cargar",
    "more": "Esta página muestra solo el principio.",
    "markdown": "Como Markdown",
    "text": "Como texto sin formato"
  }
};
