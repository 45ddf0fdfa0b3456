"""What the invented towns said: announcements in every state, in the words of a town.

A number counts hours from the start of the demonstration; negative is past. What names a day or an
hour is dated by them (`moments`). Ordinary spaces and apostrophes here: `typography.french` sets
them when the words are written down. `{jour}` is the day of the date that it concerns, or else of
its planned end; `{Jour}` begins a sentence.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from parvis.demo.moments import (
    FRIDAY,
    MONDAY,
    SATURDAY,
    THURSDAY,
    WEDNESDAY,
    Ago,
    Later,
    Moment,
    Next,
    Tomorrow,
)


@dataclass(frozen=True)
class Text:
    subject: str
    title: str
    summary: str
    text: str
    state: str = "published"
    """draft, scheduled, published, lifted, expired or archived."""
    at: Moment = -24
    """Publication, or for a draft its writing."""
    severity: str = "avis"
    signed_by: str = "Communications"
    sectors: tuple[str, ...] = ()
    takes_force: bool = True
    begins: Moment | None = None
    until: Moment | None = None
    ended: Moment | None = None
    note: str = ""
    concerns: Moment | None = None
    reminder_hours: int = 0
    notify: bool = False
    pinned: bool = False
    english: tuple[str, str] | None = None
    """Title and text, where health or safety requires it."""
    notice: tuple[str, str, str] | None = None
    """Kind, by-law and legal basis of a public notice."""
    revised: tuple[float, str, str] | None = None
    """When, what changed, and what is added to the text."""
    facts: dict[str, object] = field(default_factory=dict)


BOIL = """\
**Portez l'eau à gros bouillons pendant 1 minute** avant de :

- la boire, ou préparer du café, du jus, des glaçons ;
- laver les fruits et les légumes ;
- préparer les biberons ;
- vous brosser les dents.

Vous pouvez prendre une douche et laver la vaisselle à l'eau chaude. Ne donnez pas le bain aux bébés : utilisez une serviette humide.

## Pourquoi ?

Une conduite s'est brisée, boulevard des Cascades. De l'eau non traitée a pu entrer dans le réseau.

## Jusqu'à quand ?

Jusqu'à nouvel ordre. Nous avons besoin de deux analyses conformes, à 24 heures d'intervalle. Vous recevrez un message dès que l'eau sera bonne à boire.

Besoin d'aide pour vous déplacer ou pour obtenir de l'eau embouteillée ? Appelez le [418 555-0110](tel:+14185550110), jour et nuit.
"""
BOIL_ENGLISH = """\
**Bring water to a rolling boil for 1 minute** before drinking it, preparing food or baby bottles, making ice, or brushing your teeth.

You may shower and wash dishes in hot water. Sponge-bathe infants.

A water main broke. This notice stands until further notice. Need help? Call [418 555-0110](tel:+14185550110), day or night.
"""

ALMA = (
    Text(
        "Urgences",
        "Faites bouillir l'eau 1 minute avant de la boire",
        "Naudville, Centre-ville nord et Riverbend : l'eau du robinet n'est pas bonne à boire sans la faire bouillir.",
        BOIL,
        at=-7.4,
        signed_by="Sécurité civile",
        sectors=("Naudville", "Centre-ville nord", "Riverbend"),
        notify=True,
        pinned=True,
        english=("Boil your water for 1 minute before drinking it", BOIL_ENGLISH),
    ),
    Text(
        "Eau",
        "L'eau peut être brune jusqu'à {jour}",
        "Elle reste bonne à boire. Inutile de la faire bouillir.",
        "Elle **reste bonne à boire**. Inutile de la faire bouillir.\n\n"
        "- Laissez couler l'eau froide 5 minutes.\n"
        "- Attendez avant de laver du blanc : l'eau brune peut tacher.\n\n"
        "Encore brune après deux heures ? Appelez-nous au [418 555-0110](tel:+14185550110).\n\n"
        "## Pourquoi ?\n\nNous ouvrons les bornes d'incendie pour nettoyer les conduites. Le "
        "courant décolle un dépôt de fer. Il colore l'eau, sans danger pour la santé.\n",
        at=-30,
        severity="info",
        signed_by="Travaux publics",
        sectors=("Isle-Maligne", "Les Chutes"),
        until=Later(4, 16),
        notify=True,
        revised=(
            -5,
            "Les Chutes s'ajoutent",
            "\nLe rinçage se fait aussi aux Chutes, jusqu'à {jour}.\n",
        ),
    ),
    Text(
        "Rues et travaux",
        "Boulevard des Cascades : une seule voie",
        "Entre la rue Naud et l'avenue du Collège, pour réparer la conduite.",
        "Une seule voie est ouverte, en alternance, **entre la rue Naud et l'avenue du Collège**. "
        "Des signaleurs dirigent la circulation.\n\n- Prévoyez 10 minutes de plus.\n- Les "
        "autobus 2 et 5 passent par la rue des Érables.\n- Le trottoir du côté sud reste ouvert.\n",
        at=-6.8,
        signed_by="Travaux publics",
        sectors=("Naudville",),
        until=40,
    ),
    Text(
        "Rues et travaux",
        "Pont fermé trois nuits, de 22 h à 5 h",
        "Détour par le pont des Chutes. Les véhicules d'urgence passent.",
        "Le pont de l'avenue du Pont est **fermé de 22 h à 5 h**, trois nuits de suite dès {jour}, pour "
        "refaire les joints du tablier.\n\n- Détour par le pont des Chutes : 8 minutes de plus.\n"
        "- À pied et à vélo : passage par la passerelle du quai.\n",
        at=-80,
        signed_by="Travaux publics",
        sectors=("Isle-Maligne", "Centre-ville nord"),
        begins=Next(MONDAY, 22, hours=40),
        until=Later(3, 5),
        concerns=Next(MONDAY, 22, hours=40),
        reminder_hours=12,
    ),
    Text(
        "Rues et travaux",
        "Stationnement gratuit au centre-ville le samedi",
        "Dans les rues et les stationnements de la Ville, de 8 h à 17 h.",
        "Le stationnement est **gratuit le samedi**, dans les rues du centre-ville et dans les "
        "stationnements de la Ville. La durée maximale de deux heures s'applique toujours.\n",
        at=-900,
        severity="info",
        sectors=("Centre-ville nord", "Centre-ville sud"),
        until=1500,
    ),
    Text(
        "Collectes",
        "Bac brun : les sacs compostables sont refusés",
        "Utilisez un sac de papier ou du papier journal.",
        "Les sacs dits compostables ne se décomposent pas assez vite à l'usine. **Utilisez un sac "
        "de papier**, du papier journal, ou déposez tout en vrac.\n\nUn bac qui contient des sacs "
        "de plastique sera laissé sur place, avec une note.\n",
        at=-190,
        severity="info",
        signed_by="Environnement",
        takes_force=False,
    ),
    Text(
        "Collectes",
        "Jour férié : la collecte passe {jour}",
        "Sortez le bac bleu {jour} avant 7 h, dans toute la ville.",
        "À cause du congé, la collecte du **bac bleu** est remise à **{jour}**. Sortez "
        "votre bac {jour} avant 7 h, les roues vers la maison.\n",
        at=-50,
        severity="info",
        signed_by="Environnement",
        concerns=Next(FRIDAY, 7, hours=14),
        reminder_hours=12,
    ),
    Text(
        "Loisirs et culture",
        "Inscriptions aux activités : en ligne dès {jour}, 9 h",
        "Natation, patinage, théâtre, camps : 64 activités, tarif familial dès le deuxième enfant.",
        "Les inscriptions ouvrent **{jour} à 9 h**, en ligne, et à 13 h au comptoir de l'aréna.\n\n"
        "- 64 activités, dont 12 nouvelles.\n- Tarif familial : 25 % de rabais dès le deuxième "
        "enfant.\n- Accompagnement gratuit pour une personne handicapée.\n\nBesoin d'aide pour vous "
        "inscrire ? Appelez le [418 555-0110](tel:+14185550110).\n",
        at=-28,
        severity="info",
        signed_by="Loisirs",
        takes_force=False,
        concerns=Next(WEDNESDAY, 9, hours=26),
        reminder_hours=24,
        notify=True,
    ),
    Text(
        "Loisirs et culture",
        "La bibliothèque ouvre aussi le dimanche",
        "De 10 h à 16 h, toute l'année. L'heure du conte est à 10 h 30.",
        "La bibliothèque ouvre maintenant **le dimanche, de 10 h à 16 h**. L'heure du conte est à "
        "10 h 30 pour les 3 à 6 ans, sans inscription.\n\nL'abonnement est gratuit pour toutes les "
        "personnes qui habitent la ville.\n",
        at=-320,
        severity="info",
        signed_by="Bibliothèque",
        takes_force=False,
    ),
    Text(
        "Vie municipale",
        "Séance du conseil {jour} à 19 h",
        "À l'hôtel de ville et en direct. Période de questions à 19 h 10.",
        "La séance ordinaire du conseil a lieu **{jour} à 19 h**, à l'hôtel de ville. Elle est "
        "diffusée en direct, avec sous-titres.\n\n## À l'ordre du jour\n\n1. Terrain de l'ancienne "
        "caserne : dépôt du rapport de consultation.\n2. Règlement 2026-418 sur le bruit.\n"
        "3. Achat de deux autobus électriques.\n\nLa période de questions commence à 19 h 10. "
        "Vous pouvez envoyer votre question par courriel jusqu'à midi, le jour même.\n",
        at=-46,
        severity="info",
        signed_by="Greffe",
        concerns=Next(MONDAY, 19),
        reminder_hours=4,
        takes_force=False,
    ),
    Text(
        "Vie municipale",
        "Règlement 2026-412 concernant l'eau potable : entrée en vigueur",
        "Le règlement adopté par le conseil est en vigueur. Il peut être consulté au greffe.",
        "AVIS PUBLIC est donné que le conseil a adopté, à sa séance ordinaire, le **règlement "
        "2026-412 concernant l'utilisation de l'eau potable**.\n\nCe règlement entre en vigueur le "
        "jour de la publication du présent avis. Toute personne peut en prendre connaissance au "
        "bureau de la greffière, aux heures d'ouverture, ou sur le site de la Ville.\n",
        at=-150,
        severity="info",
        signed_by="Greffe",
        takes_force=False,
        notice=(
            "bylaw",
            "Règlement 2026-412 concernant l'utilisation de l'eau potable",
            "Loi sur les cités et villes, art. 362",
        ),
    ),
    Text(
        "Vie municipale",
        "Demande de dérogation mineure : 26, rue Scott",
        "Toute personne intéressée peut se faire entendre par le conseil.",
        "AVIS PUBLIC est donné que le conseil statuera sur une demande de dérogation mineure "
        "visant l'immeuble du **26, rue Scott**.\n\nNature et effet : permettre une marge latérale "
        "de 1,2 m plutôt que de 1,5 m.\n\nToute personne intéressée peut se faire entendre par le "
        "conseil relativement à cette demande.\n",
        at=-60,
        severity="info",
        signed_by="Greffe",
        takes_force=False,
        concerns=Next(MONDAY, 19, hours=24 * 21),
        notice=("derogation", "", "Loi sur l'aménagement et l'urbanisme, art. 145.6"),
    ),
    Text(
        "Eau",
        "Panne d'eau, avenue du Pont",
        "L'eau est coupée pour réparer une fuite. Elle revient en fin d'après-midi.",
        "L'eau est **coupée dans l'avenue du Pont**, du 100 au 340. Elle revient en fin "
        "d'après-midi. Faites couler l'eau froide quelques minutes à son retour.\n",
        state="lifted",
        at=Ago(6, 10, 20),
        ended=Ago(6, 15, 30),
        note="La fuite est réparée. Elle a duré 5 h 10.",
        signed_by="Travaux publics",
        sectors=("Centre-ville nord",),
    ),
    Text(
        "Eau",
        "Avis d'ébullition, Riverbend",
        "Par précaution, faites bouillir l'eau 1 minute avant de la boire.",
        "Par précaution, **faites bouillir l'eau 1 minute** avant de la boire, à Riverbend. Une "
        "pompe s'est arrêtée pendant la nuit et la pression a baissé.\n",
        state="lifted",
        at=-1000,
        ended=-952,
        note="L'eau est bonne à boire : deux analyses conformes.",
        signed_by="Eau et usine",
        sectors=("Riverbend",),
    ),
    Text(
        "Déneigement",
        "Stationnement de nuit interdit en période de neige",
        "De minuit à 7 h, dans toutes les rues, quand le feu orange clignote.",
        "Quand le feu orange clignote, le stationnement est **interdit dans la rue de minuit à "
        "7 h**. Vous recevrez un message avant 17 h les jours où l'interdiction s'applique.\n",
        state="expired",
        at=-5000,
        ended=-800,
        signed_by="Travaux publics",
    ),
    Text(
        "Loisirs et culture",
        "Fête de la famille : merci aux 240 bénévoles",
        "Plus de 3 000 personnes au parc Falaise, sous le soleil.",
        "Merci aux 240 bénévoles et aux 3 000 personnes venues au parc. Les photos sont à la "
        "bibliothèque jusqu'à la fin du mois.\n",
        state="archived",
        at=-2600,
        ended=-700,
        severity="info",
        signed_by="Loisirs",
        takes_force=False,
    ),
    Text(
        "Déneigement",
        "Première bordée : déplacez votre voiture avant minuit",
        "L'opération commence à minuit dans tous les secteurs.",
        "Le déneigement commence **à minuit**. Laissez la rue libre jusqu'à 7 h. Sept "
        "stationnements de la Ville sont gratuits pour la nuit.\n",
        state="scheduled",
        at=Tomorrow(15),
        signed_by="Travaux publics",
        begins=Later(1, 0),
        until=Later(0, 7),
        notify=True,
    ),
    Text(
        "Loisirs et culture",
        "Patinoires extérieures : bénévoles recherchés",
        "Deux soirs par semaine, près de chez vous. Équipement fourni.",
        "Nous cherchons des bénévoles pour **entretenir les patinoires de quartier**, deux soirs "
        "par semaine. La Ville fournit les bottes, les gants et le chocolat chaud.\n",
        state="draft",
        at=-3,
        severity="info",
        signed_by="Loisirs",
        takes_force=False,
    ),
    Text(
        "Vie municipale",
        "Consultation : que faire du terrain de l'ancienne caserne ?",
        "Un parc, des logements ou un marché public ?",
        "À compléter : dates, lieu, et le lien vers le cahier de consultation.\n",
        state="draft",
        at=-26,
        severity="info",
        takes_force=False,
    ),
)

ISLE = (
    Text(
        "Traversier",
        "Traversier : prochain départ annulé par le vent",
        "Le suivant dépend de la météo. Vérifiez avant de partir.",
        "Le **prochain départ est annulé** à cause du vent. Le suivant dépend de la météo. "
        "Les autobus l'attendront au quai.\n",
        at=-2,
        signed_by="Direction générale",
        until=8,
        notify=True,
    ),
    Text(
        "Eau",
        "Analyse gratuite de l'eau des puits",
        "Prenez une bouteille au bureau municipal, rapportez-la avant {jour} midi.",
        "Prenez une bouteille stérile au bureau municipal. **Rapportez-la avant {jour} midi**, "
        "remplie le matin même. Les résultats arrivent par courriel en dix jours.\n",
        at=-70,
        severity="info",
        takes_force=False,
        concerns=Next(THURSDAY, 12, hours=20),
    ),
    Text(
        "Collectes",
        "Gros rebuts : le premier samedi du mois",
        "Déposez-les la veille, à deux mètres de la route.",
        "La collecte des **gros rebuts** passe le premier samedi du mois. Déposez-les la veille, à "
        "deux mètres de la route. Les appareils qui contiennent un gaz vont à l'écocentre.\n",
        at=-400,
        severity="info",
        takes_force=False,
    ),
    Text(
        "Vie municipale",
        "Assemblée des citoyens : l'avenir du quai",
        "{Jour} à 10 h, à la salle communautaire.",
        "Venez dire ce que vous voulez pour **le quai** : pêche, baignade, marché d'été. Une "
        "garderie et un dîner sont offerts.\n",
        state="draft",
        at=-5,
        severity="info",
        takes_force=False,
        concerns=Next(SATURDAY, 10, hours=30),
    ),
)

BY_TOWN = {"alma": ALMA, "isle": ISLE}
