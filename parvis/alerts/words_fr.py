"""What a town says at first, in French: the clerk changes what is not so.

Each is a title, a short text of at most 160 characters that every telephone shows, the text of
the page, then the steps: first sentence the gesture, the rest how.
"""

from __future__ import annotations

from collections.abc import Mapping

Said = tuple[str, ...]

FRENCH: Mapping[str, Mapping[str, Said]] = {
    "boil": {
        "alert": (
            "Faites bouillir l’eau 1 minute avant de la boire",
            "{ville}\u00a0: faites bouillir l’eau à gros bouillons 1 minute avant de la boire.",
            "L’eau du robinet peut rendre malade. Faites-la bouillir avant de la boire, de "
            "cuisiner ou de vous brosser les dents. La douche, le bain et la lessive ne posent "
            "pas de problème si personne n’avale d’eau.",
            "Portez l’eau à gros bouillons. Laissez bouillir une minute complète, puis laissez "
            "refroidir.",
            "Jetez les glaçons et l’eau déjà versée. Videz le pichet, la cafetière et la machine "
            "à glaçons.",
            "Prévenez une voisine, un voisin. Surtout une personne âgée ou qui n’a pas de "
            "cellulaire.",
        ),
        "lift": (
            "L’eau est de nouveau bonne à boire",
            "{ville}\u00a0: fin de l’avis d’ébullition. Laissez couler l’eau froide 5 minutes, "
            "puis "
            "elle est bonne à boire.",
            "Les analyses le confirment\u00a0: l’eau est bonne. Vous pouvez la boire sans la faire "
            "bouillir.",
            "Laissez couler l’eau froide. Cinq minutes à chaque robinet.",
            "Jetez les glaçons. Videz aussi le réservoir de la machine à glaçons et du "
            "réfrigérateur.",
        ),
    },
    "no_consumption": {
        "alert": (
            "Ne buvez pas l’eau du robinet",
            "{ville}\u00a0: ne buvez pas l’eau du robinet. La faire bouillir ne suffit "
            "pas. Prenez de l’eau en bouteille.",
            "L’eau du robinet est dangereuse, même bouillie. Ne la buvez pas. Ne l’utilisez pas "
            "pour cuisiner ni pour les biberons. Prenez de l’eau en bouteille.",
            "Ne buvez pas l’eau. La faire bouillir ne suffit pas.",
            "Prenez de l’eau en bouteille. Pour boire, cuisiner, laver les aliments et vous "
            "brosser les dents.",
            "Donnez aussi de l’eau en bouteille aux animaux. Et prévenez vos voisins.",
        ),
        "lift": (
            "L’eau est de nouveau bonne à boire",
            "{ville}\u00a0: fin de l’avis. L’eau du robinet est bonne à boire. Laissez couler "
            "l’eau "
            "froide 5 minutes.",
            "Les analyses le confirment\u00a0: l’eau est bonne. Vous pouvez de nouveau la boire.",
            "Laissez couler l’eau froide. Cinq minutes à chaque robinet.",
            "Jetez ce qui contient de l’eau d’avant. Glaçons, pichets, aliments préparés.",
        ),
    },
    "preventive_boil": {
        "alert": (
            "Par précaution, faites bouillir l’eau 1 minute",
            "{ville}\u00a0: par précaution, faites bouillir l’eau 1 minute avant de la boire.",
            "Des travaux ou un bris ont touché la conduite d’eau. Rien n’indique que l’eau est "
            "mauvaise, mais faites-la bouillir jusqu’aux résultats d’analyse.",
            "Portez l’eau à gros bouillons. Une minute complète avant de la boire.",
            "Attendez notre message. Nous vous dirons quand l’eau sera sûre.",
        ),
        "lift": (
            "L’eau est bonne à boire",
            "{ville}\u00a0: fin de l’avis préventif. L’eau est bonne à boire sans la faire "
            "bouillir.",
            "Les analyses sont bonnes. Il n’est plus nécessaire de faire bouillir l’eau.",
            "Laissez couler l’eau froide. Deux minutes à chaque robinet.",
        ),
    },
    "evacuation": {
        "alert": (
            "Quittez votre maison maintenant",
            "{ville}, URGENCE\u00a0: quittez votre maison maintenant. Suivez les consignes des "
            "pompiers.",
            "Votre secteur est dangereux. Partez tout de suite. Suivez les consignes des pompiers "
            "et des policiers. Ne revenez pas avant notre message.",
            "Partez maintenant. Prenez vos médicaments, vos papiers, vos lunettes et des vêtements "
            "chauds.",
            "Emmenez tout le monde. Les enfants, les aînés et les animaux.",
            "Fermez les portes à clé. Ne coupez l’électricité que si on vous le demande.",
            "Besoin d’aide pour partir\u00a0: appelez le 911.",
        ),
        "lift": (
            "Vous pouvez rentrer chez vous",
            "{ville}\u00a0: fin de l’évacuation. Vous pouvez rentrer chez vous.",
            "Le danger est passé. Vous pouvez rentrer chez vous par les rues ouvertes.",
            "Regardez avant d’entrer. Si vous sentez le gaz ou voyez un dommage, ressortez et "
            "appelez le 911.",
        ),
    },
    "shelter": {
        "alert": (
            "Restez à l’intérieur et fermez les fenêtres",
            "{ville}, URGENCE\u00a0: restez à l’intérieur. Fermez tout. Attendez notre message.",
            "Il est dangereux de sortir. Restez à l’intérieur, fermez tout et attendez notre "
            "message.",
            "Entrez et restez à l’intérieur. Faites entrer aussi les animaux.",
            "Fermez les portes et les fenêtres. Arrêtez la ventilation, la hotte et le foyer.",
            "Laissez les enfants à l’école. L’école s’occupe d’eux.",
            "Gardez la ligne libre. N’appelez le 911 que pour une urgence.",
        ),
        "lift": (
            "Vous pouvez sortir",
            "{ville}\u00a0: fin du confinement. Vous pouvez sortir. Aérez votre maison.",
            "Le danger est passé. Vous pouvez sortir de chez vous.",
            "Aérez votre maison. Ouvrez les fenêtres et remettez la ventilation.",
        ),
    },
    "flood": {
        "alert": (
            "L’eau monte\u00a0: préparez-vous à partir",
            "{ville}\u00a0: l’eau monte. Videz le sous-sol, préparez-vous à partir. "
            "Danger\u00a0: appelez "
            "le 911.",
            "Le niveau de l’eau monte et peut entrer dans les maisons. Mettez-vous en sécurité "
            "avant vos biens.",
            "Montez vos biens. Videz le sous-sol, surtout les produits dangereux.",
            "Préparez-vous à partir. Médicaments, papiers, vêtements et nourriture pour trois "
            "jours.",
            "Ne marchez pas et ne conduisez pas dans l’eau. Trente centimètres emportent une auto.",
        ),
        "lift": (
            "L’eau se retire",
            "{ville}\u00a0: fin de l’alerte d’inondation. Ne rebranchez rien dans un sous-sol "
            "mouillé.",
            "Le niveau de l’eau baisse. Le danger est passé.",
            "Ne rebranchez rien seul. Faites vérifier l’électricité avant de la remettre.",
            "Photographiez les dommages. Avant de nettoyer, pour l’aide financière.",
        ),
    },
    "outage": {
        "alert": (
            "Panne dans votre secteur\u00a0: gardez la chaleur, évitez les feux à l’intérieur",
            "{ville}\u00a0: panne dans votre secteur. Jamais de barbecue ni de génératrice à "
            "l’intérieur.",
            "Le service est interrompu dans votre secteur. Les équipes y travaillent.",
            "N’utilisez ni barbecue ni génératrice à l’intérieur. Le gaz qu’ils dégagent tue.",
            "Gardez le réfrigérateur fermé. La nourriture y reste froide quatre heures.",
            "Allez voir une personne seule. Surtout si elle a un appareil médical.",
        ),
        "lift": (
            "Le service est rétabli",
            "{ville}\u00a0: le service est rétabli. En cas de doute sur un aliment, jetez-le.",
            "Le service est rétabli dans tout le secteur.",
            "Jetez les aliments douteux. Ceux qui sont restés chauds plus de deux heures.",
        ),
    },
    "ice": {
        "alert": (
            "Verglas\u00a0: restez chez vous",
            "{ville}\u00a0: verglas. Restez chez vous si vous le pouvez. Ne touchez aucun fil au "
            "sol.",
            "Le verglas rend les rues et les trottoirs très glissants. Des branches et des fils "
            "peuvent tomber.",
            "Restez chez vous. Ne sortez que s’il le faut.",
            "Ne touchez aucun fil au sol. Éloignez-vous de dix mètres et appelez le 911.",
            "Préparez-vous à une panne. Lampe, piles, couvertures, nourriture.",
        ),
        "lift": (
            "Le verglas est terminé",
            "{ville}\u00a0: fin de l’alerte de verglas. Restez prudents sur les trottoirs.",
            "Les rues principales sont dégagées. L’alerte est terminée.",
            "Restez prudents. Les petites rues et les trottoirs peuvent être encore glissants.",
        ),
    },
    "cold": {
        "alert": (
            "Froid extrême\u00a0: restez au chaud",
            "{ville}\u00a0: grand froid. Restez au chaud. Une halte chaude est ouverte, voir "
            "la page.",
            "Il fait assez froid pour geler la peau en quelques minutes.",
            "Restez au chaud. Si votre chauffage manque, venez à la halte chaude.",
            "Couvrez-vous bien. Tête, mains et visage, même pour quelques minutes.",
            "Prenez des nouvelles des autres. Personnes seules, aînés, voisins sans chauffage.",
        ),
        "lift": (
            "Le froid extrême est terminé",
            "{ville}\u00a0: fin de l’alerte de grand froid.",
            "La température remonte. L’alerte est terminée.",
        ),
    },
    "smoke": {
        "alert": (
            "Fumée\u00a0: fermez les fenêtres et restez à l’intérieur",
            "{ville}\u00a0: fumée dangereuse. Restez à l’intérieur, fermez tout et coupez la "
            "ventilation.",
            "La fumée dans l’air est mauvaise pour la santé, surtout pour les enfants, les aînés "
            "et les personnes malades.",
            "Restez à l’intérieur. Fermez les portes, les fenêtres et la ventilation.",
            "Reposez-vous. Évitez l’effort, même à l’intérieur.",
            "Vous respirez mal\u00a0: appelez Info-Santé au 811, ou le 911 si c’est grave.",
        ),
        "lift": (
            "L’air est redevenu bon",
            "{ville}\u00a0: fin de l’alerte de fumée. L’air est redevenu bon. Aérez votre maison.",
            "La fumée s’est dissipée. L’air est redevenu bon.",
            "Aérez votre maison. Et changez le filtre de la ventilation.",
        ),
    },
    "missing_person": {
        "alert": (
            "Aidez-nous à trouver une personne disparue",
            "{ville}\u00a0: personne disparue. Voyez sa description sur la page. Vous l’avez "
            "vue\u202f? "
            "Appelez le 911.",
            "Nous cherchons une personne disparue. Écrivez ici son prénom, son âge, ses vêtements, "
            "le lieu et l’heure où elle a été vue.",
            "Regardez autour de vous. Cour, cabanon, auto, bord de l’eau.",
            "Vous la voyez\u00a0: appelez le 911. Restez près d’elle sans l’effrayer.",
        ),
        "lift": (
            "La personne disparue a été retrouvée",
            "{ville}\u00a0: la personne disparue a été retrouvée. Merci de votre aide.",
            "La personne a été retrouvée. Merci à toutes celles et à tous ceux qui ont aidé.",
        ),
    },
    "night_parking": {
        "alert": (
            "Ne stationnez pas dans la rue cette nuit",
            "{ville}\u00a0: stationnement interdit dans les rues cette nuit, de minuit à 7 h, "
            "pour le "
            "déneigement.",
            "Les équipes déneigent cette nuit. Le stationnement dans la rue est interdit de "
            "minuit à 7 h.",
            "Déplacez votre auto avant minuit. Une auto laissée dans la rue peut être remorquée.",
        ),
        "lift": (
            "Le stationnement dans la rue est permis",
            "{ville}\u00a0: le stationnement dans les rues est de nouveau permis cette nuit.",
            "Le déneigement est terminé. Vous pouvez stationner dans la rue.",
        ),
    },
}
