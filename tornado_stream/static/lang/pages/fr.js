export default {
  "files": {
    "add": "Ajouter des fichiers",
    "camera": "Prendre une photo"
  },

  "page": {
    "archive": "Archives",
    "description": "Un chat en direct qui ne perd, ne répète et ne facture jamais deux fois un token.",
    "skip": "Aller à la zone de saisie",
    "conversations": "Conversations",
    "conversation": "Conversation",
    "messages": "Messages",
    "new": "Nouvelle conversation",
    "newest": "Aller au texte le plus récent",
    "back": "Retour au chat"
  },

  "plain": {
    "whole": "Toute la conversation",
    "running": "La réponse est en cours de rédaction. Cette page est rechargée toutes les deux secondes.",
    "now": "La recharger maintenant",
    "older": "Conversations plus anciennes",
    "stopped": "Cette réponse a été arrêtée.",
    "error": "Cette réponse s’est terminée par une erreur.",
    "cut_off": "Cette réponse a été coupée.",
    "interrupted": "Cette réponse a été interrompue."
  },

  "welcome": {
    "title": "Que souhaitez-vous savoir ?",
    "what": "Les réponses apparaissent ici pendant leur rédaction. Vous pouvez arrêter une réponse à tout moment. Si la connexion est coupée, la réponse reprend ensuite au même endroit.",
    "starters": "Questions pour commencer",
    "starter1": "Pourquoi le ciel est-il bleu ?",
    "starter2": "Pourquoi rêvons-nous ?",
    "starter3": "Explique à un enfant de dix ans ce que fait un serveur web.",
    "presets": "Préréglages et prompts…",
    "temporary": "Discussion temporaire"
  },

  "refused": {
    "missing": "Il n’y a rien à cette adresse.",
    "foreign": "Cette requête venait d’un autre site web et a été refusée.",
    "method": "Cette adresse n’accepte pas ce type de requête.",
    "host": "Le serveur ne répond pas sous ce nom. Ouvrez-le comme http://localhost, ou indiquez-lui le nom avec --allowed-hosts.",
    "user": "Vous êtes connecté, mais aucun utilisateur de ce serveur ne porte votre nom. Adressez-vous à l’administrateur.",
    "server": "Une erreur s’est produite sur le serveur ; son journal indique la cause.",
    "other": "Le serveur n’a pas accepté cette requête."
  },

  "usage": {
    "title": "Consommation",
    "everybody": "Consommation de tous",
    "show": "Afficher",
    "by": "Par",
    "day": "Jour",
    "model": "Modèle",
    "upstream": "Fournisseur",
    "user": "Utilisateur",
    "amount": "Coût",
    "requests": "Réponses",
    "prompt": "Tokens en entrée",
    "cached": "dont en cache",
    "completion": "Tokens en sortie",
    "unknown": "Coût inconnu",
    "none": "Il n’y a pas de réponses sur cette période.",
    "noCost": "Aucune réponse de cette période n’a de prix.",
    "plot": "Coût par jour",
    "plotTokens": "Tokens par jour",
    "table": "Tableau de la consommation",
    "note": "Les jours sont ceux de l’UTC. ≈ indique des chiffres en partie estimés.",
    "more": "Le tableau est abrégé ; le fichier contient toutes les lignes.",
    "file": "Comme fichier pour tableur (CSV)",
    "from": "Du",
    "to": "Au"
  },

  "login": {
    "name": "Nom",
    "password": "Mot de passe",
    "leave": "Se déconnecter",
    "shared": "Accès partagé",
    "noscript": "La connexion nécessite JavaScript."
  },

  "setup": {
    "key": "Avec votre propre clé d’API",
    "keyCopy": "Copier la ligne pour votre propre clé d’API",
    "ollama": "Avec Ollama sur cette machine",
    "ollamaCopy": "Copier la ligne pour Ollama"
  },

  "composer": {
    "form": "Poser une question",
    "label": "Votre question",
    "placeholder": "Posez une question…",
    "stop": "Arrêter"
  },

  "place": {
    "new": "Commencer une nouvelle conversation"
  },

  "list": {
    "search": "Rechercher dans les conversations",
    "searchShort": "Rechercher",
    "close": "Fermer la liste"
  },

  "model": {
    "label": "Modèle :",
    "own": "Utiliser votre propre modèle",
    "another": "Pour utiliser les modèles d’un autre serveur, démarrez ce serveur avec l’une de ces lignes :"
  },

  "panel": {
    "open": "Prompt système et paramètres",
    "set": "(définis)"
  },

  "shared": {
    "note": "Quelqu’un a partagé cette conversation avec vous. Vous pouvez la lire ici, mais pas y écrire.",
    "running": "La réponse est en cours d’écriture. Rechargez cette page pour en voir davantage.",
    "reload": "Recharger",
    "more": "Cette page ne montre que le début.",
    "markdown": "En Markdown",
    "text": "En texte brut"
  }
};
