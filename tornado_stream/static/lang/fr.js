export default {
  "title": "Tornado Stream",
  "seconds": "{n} s",
  "copied": "Copié",
  "selected": "Sélectionné",
  "notCopied": "Le texte n’a pas pu être copié",

  "tab": {
    "quiet": "{subject} – Tornado Stream",
    "generating": "⏳ {subject} – en cours",
    "done": "✓ {subject} – réponse prête",
    "bad": "! {subject} – à vérifier"
  },

  "composer": {
    "tooLong": "Ce message dépasse la limite d’environ {n} Ko. Un message peut faire au plus 1 Mo.",
    "noPart": "Cette partie de la page n’a pas pu être chargée. Vérifiez que le serveur est joignable, puis réessayez."
  },

  "message": {
    "you": "Vous",
    "answer": "Réponse",
    "sentByProgram": "Envoyé par un programme",
    "notSentAgain": "Cette question n’a pas reçu de réponse. Elle n’est pas envoyée avec la question suivante.",
    "continue": "Veuillez continuer exactement là où vous vous êtes arrêté."
  },

  "busy": {
    "stopping": "Arrêt…",
    "reconnecting": "Reconnexion…",
    "unreachable": "Le serveur est injoignable. Nouvelle tentative…",
    "loading": "Chargement du modèle…",
    "waiting": "Nouvelle tentative dans {seconds} (tentative {attempt})…",
    "thinking": "Réflexion…",
    "first": "Lecture de votre question…",
    "writing": "Rédaction…",
    "tool": "Un outil est en cours…"
  },

  "end": {
    "stopped": "Arrêtée",
    "interrupted": "La réponse a été interrompue",
    "notSent": "Non envoyée",
    "unanswered": "Cette question n’a pas de réponse.",
    "kept": "Ce qui avait été écrit est conservé."
  },

  "failure": {
    "notSent": "Arrêtée avant que la question ait atteint le serveur."
  },

  "action": {
    "withoutPictures": "Demander sans les images",
    "retry": "Réessayer",
    "again": "Régénérer",
    "continue": "Continuer",
    "fresh": "Nouvelle conversation",
    "shorter": "Envoyer sans les messages les plus anciens",
    "askToContinue": "Demander la suite",
    "editQuestion": "Modifier la question",
    "model": "Choisir un autre modèle",
    "copy": "Copier",
    "edit": "Modifier",
    "details": "Détails",
    "previous": "Version précédente",
    "next": "Version suivante",
    "notCopied": "Le navigateur n’a pas permis de copier.",
    "with": "Régénérer avec un autre modèle"
  },

  "place": {
    "loading": "Ouverture de la conversation…",
    "unreachable": "Le serveur est injoignable. Nouvelle tentative…",
    "missing": "Cette conversation n’existe pas",
    "missingWhy": "Elle a peut-être été supprimée, ou l’adresse est incomplète.",
    "deleted": "Cette conversation a été supprimée",
    "deletedWhy": "Vous l’avez supprimée dans un autre onglet."
  },

  "list": {
    "untitled": "Sans titre",
    "generating": "en cours",
    "unread": "non lue",
    "more": "Plus d’options pour « {title} »",
    "loading": "Chargement…",
    "empty": "Vos conversations apparaîtront ici.",
    "nothing": "Aucun résultat pour « {query} ».",
    "unreachable": "La liste ne peut pas être chargée pour le moment.",
    "found": { "one": "{n} conversation trouvée", "other": "{n} conversations trouvées" },
    "foundMore": { "one": "{n} conversation ou plus trouvée", "other": "{n} conversations ou plus trouvées" },
    "noServer": "Cela n’a pas fonctionné, car le serveur est injoignable.",
    "decide": "attend votre décision"
  },

  "when": {
    "today": "Aujourd’hui",
    "yesterday": "Hier",
    "week": "7 derniers jours",
    "month": "30 derniers jours"
  },

  "markdown": {
    "code": "Code",
    "copy": "Copier",
    "wrap": "Retour à la ligne",
    "table": "Tableau",
    "image": "Image :",
    "done": "Fait",
    "open": "À faire",
    "details": "Détails",
    "note": "Remarque",
    "tip": "Astuce",
    "important": "Important",
    "warning": "Avertissement",
    "caution": "Attention",
    "footnote": "Note {n}",
    "back": "Retour à la note {n}"
  },

  "say": {
    "generating": "Réponse en cours",
    "complete": "Réponse complète",
    "fresh": "Nouvelle conversation"
  },

  "model": {
    "runs": "Le modèle ici est {name}.",
    "loading": "chargement…",
    "failed": "indisponible",
    "unreachable": "serveur injoignable",
    "none": "Aucun modèle"
  }
};
