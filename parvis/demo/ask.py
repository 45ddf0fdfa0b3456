"""What people of the invented towns asked, and how far it has come: through the same actions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from parvis.cases import actions, rules
from parvis.cases.actions import Caller
from parvis.cases.models import Message
from parvis.core.typography import french
from parvis.demo.moments import Ago, instant
from parvis.municipalities.models import Municipality, StaffMember
from parvis.residents.models import Resident

RESIDENT, TOWN, NOTE = Message.Side.RESIDENT, Message.Side.TOWN, Message.Side.NOTE


@dataclass(frozen=True)
class Said:
    """One message of a thread, so many hours after the one before; `to` is where it leads."""

    side: str
    text: str
    hours: float
    to: str | None = None


@dataclass(frozen=True)
class Asked:
    """One case. Ordinary spaces here, as in `texts`; `who` counts the town's residents."""

    kind: str
    subject: str
    body: str
    at: Ago
    who: int = 0
    caller: Caller | None = None
    taken: bool = False
    """Given to the clerk of the front desk, two hours after it came."""
    said: tuple[Said, ...] = ()
    withdrawn: bool = False


ALMA = (
    Asked(
        "cases.comment", "Un banc au bout de la piste du Lac",
        "Il manque un banc entre le pont et le belvédère. Mon père marche avec une canne et doit "
        "rebrousser chemin.",
        Ago(38, 10), taken=True,
        said=(
            Said(
                TOWN, "Merci de l'idée. Le service des parcs ajoute un banc au belvédère à la fin "
                "du mois.", 30,
            ),
            Said(RESIDENT, "Formidable, merci !", 20),
            Said(TOWN, "Le banc est posé. Bonne marche à votre père.", 120, rules.CLOSED),
        ),
    ),
    Asked(
        "cases.question", "Heures de la patinoire du parc",
        "À quelle heure ferme la patinoire du parc la semaine ? Les lumières s'éteignent parfois à "
        "20 h.", Ago(9, 14, 12), taken=True,
        said=(
            Said(NOTE, "Vérifié avec les loisirs : la minuterie était restée à l'heure d'été.", 20),
            Said(
                TOWN, "La patinoire ferme à 21 h la semaine et à 22 h la fin de semaine. La "
                "minuterie des lumières est corrigée depuis ce matin.", 2,
            ),
        ),
    ),
    Asked(
        "cases.complaint", "Bac brun brisé à la collecte",
        "Le couvercle de mon bac brun a été arraché à la collecte de mardi. Qui le remplace ?",
        Ago(2, 9, 40), taken=True,
        said=(
            Said(
                TOWN, "Nous le remplaçons sans frais. Quel numéro de série est gravé sous la "
                "poignée ?", 5, rules.WAITING,
            ),
        ),
    ),
    Asked(
        "cases.question", "Stationnement de nuit pour un visiteur",
        "Ma sœur vient de Rimouski pour trois nuits. Peut-elle laisser sa voiture dans la rue ?",
        Ago(1, 11, 5), who=45,
    ),
    Asked(
        "cases.complaint", "Bruit de la génératrice, rue Collard",
        "La génératrice du chantier tourne toute la nuit depuis jeudi. J'ai écrit il y a deux "
        "semaines et personne n'a répondu.", Ago(24, 8, 15), who=52, taken=True,
        said=(Said(NOTE, "L'entrepreneur a promis un caisson. Le rappeler.", 60),),
    ),
    Asked(
        "cases.comment", "Merci pour le déneigement",
        "La rue était dégagée avant 6 h malgré 30 cm. Dites-le à l'équipe.",
        Ago(4, 7, 30), who=60,
    ),
    Asked(
        "cases.question", "Inscription au camp de jour",
        "Quand ouvrent les inscriptions, et faut-il une preuve de résidence ?",
        Ago(3, 13, 20), caller=Caller("Rita Gagnon", phone="418 555-0162"),
    ),
    Asked(
        "cases.question", "Copie d'un compte de taxes de 2024",
        "J'en ai besoin pour mon notaire.", Ago(6, 15), who=71, withdrawn=True,
    ),
    Asked(
        "cases.complaint", "Réponse reçue trop tard",
        "On m'a répondu après la date de la réunion. Que fait-on pour la prochaine ?",
        Ago(12, 16), who=80, taken=True,
        said=(
            Said(TOWN, "Vous avez raison, et nous nous en excusons.", 40),
            Said(RESIDENT, "Cela ne dit pas ce qui va changer.", 26),
        ),
    ),
)  # fmt: skip
ISLE = (
    Asked(
        "cases.question", "Horaire de la traverse à Noël",
        "La municipalité a-t-elle l'horaire des fêtes ?", Ago(2, 10), who=3,
    ),
    Asked(
        "cases.comment", "Sentier des moulins", "Le balisage est très bien fait, bravo.",
        Ago(15, 9), who=5, taken=True, said=(Said(TOWN, "Merci, nous le dirons à l'équipe !", 30),),
    ),
)  # fmt: skip
BY_TOWN = {"alma": ALMA, "isle": ISLE}


def ask(town: Municipality, residents: list[Resident], *, clerk: Resident, now: datetime) -> int:
    """Open the cases of the town in their order, and let each come as far as it has."""
    member = StaffMember.objects.of(town).get(person=clerk)
    here = now.astimezone(town.zone)
    asked = sorted(BY_TOWN.get(town.slug, ()), key=lambda one: instant(one.at, now=here))
    for one in asked:
        open_one(town, one, residents, member=member, now=here)
    return len(asked)


def open_one(
    town: Municipality, one: Asked, residents: list[Resident], *, member: StaffMember, now: datetime
) -> None:
    at = min(instant(one.at, now=now), now)
    author = one.caller or residents[one.who % len(residents)]
    by = member.person if isinstance(author, Caller) else author
    case = actions.open_case(
        municipality=town, kind=one.kind, subject=french(one.subject), body=french(one.body),
        author=author, by=by, now=at, via="phone" if one.caller else "portal", tell=False,
    )  # fmt: skip
    if one.taken:
        at = min(at + timedelta(hours=2), now)
        actions.assign(case, to=member, by=member.person, now=at)
    for said in one.said:
        at = min(at + timedelta(hours=said.hours), now)
        actions.add_message(
            case, side=said.side, text=french(said.text), now=at, to=said.to,
            by=author if said.side == RESIDENT and isinstance(author, Resident) else member.person,
        )  # fmt: skip
    if one.withdrawn:
        actions.withdraw(case, by=by, now=min(at + timedelta(hours=6), now))
