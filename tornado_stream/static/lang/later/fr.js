export default {
  "setup": {
    "copy": "Copier"
  },

  "composer": {
    "send": "Envoyer"
  },

  "waiting": {
    "label": "Question en attente",
    "waits": "Attend la fin de la réponse.",
    "held": "Cette question attend votre décision.",
    "edit": "Modifier",
    "back": "Retirer"
  },

  "message": {
    "showAll": "Tout afficher ({n} caractères)",
    "showLess": "Afficher moins",
    "picture": "Image",
    "part": "Partie : {what}",
    "fromSystem": "Prompt système",
    "fromDeveloper": "Message du développeur",
    "fromAssistant": "Assistant",
    "fromTool": "Résultat d’un outil"
  },

  "wait": {
    "model": "En attente du modèle depuis {seconds}…",
    "silent": "Le modèle n’envoie rien depuis {seconds}…",
    "network": "Vérifiez votre réseau : rien n’est arrivé du serveur depuis {seconds}…",
    "offline": "Cet appareil est hors ligne. Le serveur poursuit la réponse.",
    "offlineUnsent": "Cet appareil est hors ligne. Votre question est gardée ici et sera envoyée au retour du réseau.",
    "proxy": "Un proxy retient cette réponse. La page récupère le texte morceau par morceau…"
  },

  "proxyHint": {
    "title": "Comment corriger le proxy",
    "why": "{proxy} retient la réponse jusqu’à ce qu’elle soit complète.",
    "unknown": "Un proxy",
    "nginx": "nginx : mettez cette ligne dans le bloc location qui mène à ce serveur, ou retirez-y proxy_ignore_headers X-Accel-Buffering.",
    "nginxCopy": "Copier la ligne pour nginx",
    "caddy": "Caddy : mettez cette ligne dans le bloc reverse_proxy.",
    "caddyCopy": "Copier la ligne pour Caddy"
  },

  "edit": {
    "label": "Modifiez votre question",
    "save": "Enregistrer",
    "cancel": "Annuler",
    "busy": "Une réponse est en cours de rédaction. Vous pourrez enregistrer quand elle sera complète.",
    "hint": "L’ancienne version est conservée comme autre branche.",
    "textOnly": "Seul ce texte est envoyé, sans les images ni les autres parties. L’ancienne version est conservée comme autre branche."
  },

  "details": {
    "replay": "Rejouer au rythme de l’écriture",
    "ms": "{n} ms",
    "model": "Modèle",
    "upstream": "Réponse de",
    "cost": "Coût",
    "whole": "Toute la conversation",
    "tokens": "{n} tokens",
    "first": "Premier token après",
    "total": "Durée totale",
    "rate": "Tokens par seconde",
    "output": "Tokens écrits",
    "reasoning": "Dont raisonnement",
    "input": "Tokens lus",
    "unknown": "non indiqué",
    "finish": "Fin",
    "written": "Écrite",
    "about": "Les valeurs avec ≈ sont estimées d’après le texte, car le serveur du modèle n’a pas compté les tokens. Quatre caractères comptent pour un token, de même qu’un caractère chinois, japonais ou coréen.",
    "closed": "Connexion au modèle fermée après",
    "pieces": "Morceaux reçus avant l’arrêt"
  },

  "list": {
    "failed": "Cela n’a pas fonctionné. {why}",
    "said": "Le serveur a répondu : {why}",
    "rename": "Nouveau titre de « {title} »",
    "renamed": "Renommée",
    "menu": "Cette conversation",
    "renameItem": "Renommer",
    "asMarkdown": "Enregistrer en Markdown",
    "asJson": "Enregistrer en JSON",
    "asText": "Enregistrer en texte",
    "deleteItem": "Supprimer"
  },

  "trash": {
    "region": "Conversations supprimées",
    "deleted": "« {title} » supprimée",
    "undo": "Annuler",
    "undoOf": "Annuler : restaurer « {title} »",
    "close": "Fermer",
    "said": "« {title} » supprimée. {keys} pour annuler.",
    "keys": "Ctrl+Z",
    "restored": "« {title} » restaurée",
    "failed": "« {title} » n’a pas été supprimée."
  },

  "markdown": {
    "preview": "Aperçu",
    "refused": "Pas d’aperçu : {reason}"
  },

  "model": {
    "title": "Modèles",
    "pick": "Choisir un modèle",
    "filter": "Recherchez ou saisissez le nom d’un modèle",
    "other": "Utiliser « {name} »",
    "default": "par défaut",
    "missing": "« {name} » n’est plus disponible. Le modèle par défaut est utilisé à la place.",
    "about": "Utiliser votre propre modèle…",
    "close": "Fermer",
    "context": "{n}k tokens",
    "canSee": "vision",
    "canCall": "outils",
    "canThink": "raisonnement",
    "demoShort": "Un petit modèle de démonstration qui fonctionne sur cette machine. Il se trompe souvent sur les faits.",
    "favourites": "Favoris",
    "recent": "Derniers utilisés",
    "price": "{input} en entrée, {output} en sortie par million de tokens",
    "free": "gratuit",
    "awayReach": "injoignable pour le moment",
    "awayKey": "a refusé la clé du serveur",
    "awayQuota": "n’a plus de crédit",
    "isFavourite": "favori",
    "starred": "« {name} » est maintenant un favori",
    "unstarred": "« {name} » n’est plus un favori",
    "starHint": "Maj+Entrée ajoute le modèle aux favoris ou l’en retire.",
    "star": "Favori",
    "contextMillions": "{n} M tokens"
  },

  "panel": {
    "title": "Réglages des réponses",
    "system": "Prompt système",
    "systemHint": "Le modèle le lit avant tout le reste. Il appartient à cette conversation.",
    "parameters": "Paramètres",
    "parametersHint": "Ils s’appliquent à toutes les conversations de ce navigateur. Un champ vide n’est pas envoyé, et le modèle utilise sa propre valeur. Certains modèles ne les acceptent pas tous.",
    "temperatureHint": "La part de hasard dans le choix des mots : de 0 (minimum) à 2 (maximum).",
    "topPHint": "Le modèle choisit seulement parmi les mots les plus probables qui ont ensemble cette probabilité : de 0 à 1.",
    "maxTokensHint": "La longueur maximale d’une réponse, en tokens.",
    "effortHint": "L’effort de réflexion d’un modèle de raisonnement.",
    "unset": "non défini",
    "notNumber": "Ce n’est pas un nombre.",
    "notWhole": "Saisissez un nombre entier.",
    "outOfRange": "Saisissez un nombre de {least} à {most}.",
    "systemTooLong": "Le prompt système est trop long. Il peut faire au plus 1 Mo.",
    "beginning": "La première question est encore en cours d’envoi. Enregistrez de nouveau dans un instant.",
    "save": "Enregistrer",
    "cancel": "Annuler",
    "reset": "Réinitialiser les paramètres"
  },

  "shortcuts": {
    "title": "Raccourcis clavier",
    "or": "ou",
    "single": "Utiliser les touches sans Ctrl ni Alt (/ et ?)",
    "ctrl": "Ctrl",
    "shift": "Maj",
    "enter": "Entrée"
  },

  "held": {
    "stopped": "La réponse précédente a été arrêtée : cette question attend votre décision.",
    "error": "La réponse précédente a échoué : cette question attend votre décision.",
    "cut_off": "La réponse précédente a été coupée : cette question attend votre décision.",
    "interrupted": "La réponse précédente a été interrompue : cette question attend votre décision.",
    "unanswered": "La question précédente n’a pas de réponse : cette question attend votre décision.",
    "restarted": "Le serveur a redémarré : cette question attend votre décision."
  },

  "error": {
    "connect_failed": "Le serveur du modèle est injoignable.",
    "connect_timeout": "Le serveur du modèle n’a pas accepté la connexion à temps.",
    "tls_failed": "La connexion au serveur du modèle n’est pas sûre et n’a donc pas été utilisée.",
    "first_byte_timeout": "Le serveur du modèle n’a pas commencé à répondre à temps.",
    "idle_timeout": "Le serveur du modèle est resté silencieux trop longtemps au milieu de la réponse.",
    "answer_timeout": "La réponse a pris plus de temps que ce serveur ne le permet.",
    "connection_closed": "Le serveur du modèle a fermé la connexion avant que la réponse soit complète.",
    "connection_reset": "La connexion au serveur du modèle a été rompue.",
    "malformed_response": "Le serveur du modèle a envoyé une réponse endommagée.",
    "upstream_cut_off": "Le serveur du modèle a interrompu la réponse.",
    "line_too_long": "Le serveur du modèle a envoyé une ligne trop longue.",
    "answer_too_long": "La réponse est plus longue que ce que ce serveur conserve.",
    "not_an_api": "Il n’y a pas d’API de modèles à l’adresse du serveur du modèle.",
    "auth": "Le serveur du modèle a refusé la clé.",
    "quota": "Le compte chez le fournisseur n’a plus de crédit.",
    "rate_limit": "Le serveur du modèle reçoit trop de requêtes en ce moment.",
    "model_not_found": "Le serveur du modèle n’a pas ce modèle.",
    "context_length": "La conversation est plus longue que ce que ce modèle peut lire.",
    "bad_request": "Le serveur du modèle a refusé la requête.",
    "upstream_5xx": "Le serveur du modèle est en panne.",
    "upstream_error": "Le serveur du modèle a signalé une erreur.",
    "local_model_failed": "Le modèle local ne peut pas fonctionner.",
    "server_error": "Une erreur s’est produite sur ce serveur.",
    "no_models": "Aucun modèle ne peut être listé.",
    "invalid_request": "Le serveur n’a pas pu comprendre la requête.",
    "invalid_json": "Le serveur n’a pas pu lire la requête.",
    "not_json": "Le serveur n’a pas pu lire la requête.",
    "unsupported_encoding": "Le serveur n’a pas pu lire la requête.",
    "unsupported_parameter": "Le serveur n’accepte pas un élément de la requête.",
    "unsupported_value": "Le serveur n’accepte pas une valeur de la requête.",
    "login_required": "Vous devez vous connecter.",
    "wrong_token": "Le jeton n’est pas valide.",
    "wrong_password": "Le mot de passe est incorrect.",
    "too_many_tries": "Il y a eu trop de tentatives erronées. Veuillez patienter un instant.",
    "needs_session": "Pour cela, vous devez être connecté avec le mot de passe.",
    "password_is_a_setting": "Seul l’administrateur du serveur peut changer ce mot de passe.",
    "not_a_user": "Vous êtes connecté, mais aucun utilisateur de ce serveur ne porte votre nom.",
    "ambiguous_user": "Le proxy n’a pas indiqué clairement qui vous êtes.",
    "forbidden": "Cela n’est pas autorisé.",
    "not_found": "Cela n’existe plus.",
    "item_not_found": "La requête mentionne quelque chose qui n’existe pas.",
    "unknown_host": "Le serveur ne répond pas sous ce nom.",
    "method_not_allowed": "Cette adresse n’accepte pas ce type de requête.",
    "request_timeout": "La requête a mis trop de temps à arriver.",
    "conflict": "Cela n’est pas possible pour le moment.",
    "conversation_busy": "Une réponse est déjà en cours de rédaction dans cette conversation.",
    "changed_meanwhile": "Cela a été modifié ailleurs entre-temps.",
    "already_sent": "Cette question a déjà été envoyée.",
    "request_id_reused": "Cette question a été envoyée avec un identifiant déjà utilisé.",
    "idempotency_key_reused": "Une autre requête a déjà été envoyée avec cette clé.",
    "name_in_use": "Ce nom est déjà utilisé.",
    "preset_is_shared": "Ce préréglage est à tout le monde. Seul l’administrateur du serveur peut le modifier.",
    "too_large": "La requête est trop grande.",
    "message_too_large": "Ce message est trop long.",
    "conversation_too_large": "Cette conversation est trop longue pour le serveur.",
    "conversation_full": "Cette conversation a atteint le nombre maximal de messages.",
    "too_many": "Il y a trop de requêtes en ce moment.",
    "too_many_answers": "Vous avez trop de réponses en cours. Attendez que l’une d’elles soit complète.",
    "too_many_bodies": "Trop de grandes requêtes arrivent en ce moment.",
    "too_many_connections": "Il y a trop de connexions en ce moment.",
    "too_many_readers": "Trop de grandes conversations sont lues en ce moment.",
    "too_many_presets": "Vous avez atteint le nombre maximal de préréglages.",
    "budget_reached": "Votre budget est épuisé.",
    "export_running": "Un autre export de vos conversations est en cours.",
    "search_too_slow": "La recherche a pris trop de temps. Cherchez un texte plus long ou plus rare.",
    "not_saved": "Le serveur ne peut pas écrire sur son disque. Rien n’a été enregistré, et rien n’a été envoyé au modèle.",
    "draining": "Le serveur redémarre. Réessayez dans un instant.",
    "unavailable": "Le serveur ne peut pas faire cela pour le moment."
  }
};
