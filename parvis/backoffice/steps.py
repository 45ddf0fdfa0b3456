"""What a new town has yet to set up before it opens its doors."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from parvis.backoffice.context import exists
from parvis.municipalities.models import Municipality, StaffMember
from parvis.notifications.models import Message, Subject
from parvis.territory.models import Address, Sector


@dataclass(frozen=True)
class Step:
    title: str
    why: str
    url: str
    done: bool


def of_town(town: Municipality) -> list[Step]:
    """Each step, in the order in which it helps, and whether it is done."""
    staff = StaffMember.objects.of(town).filter(left_at__isnull=True)
    steps = [
        Step(
            _("Les armoiries et la couleur"),
            _("Les gens reconnaissent leur ville d’un coup d’œil."),
            "/bureau/ville/#id",
            bool(town.crest),
        ),
        Step(
            _("Le téléphone d’aide"),
            _("Il est en haut de chaque page\u00a0: une personne y répond."),
            "/bureau/ville/#id",
            bool(town.help_phone),
        ),
        Step(
            _("La personne responsable des renseignements personnels"),
            _("La Loi 25 demande que son nom et ses coordonnées soient publics."),
            "/bureau/ville/#prp",
            bool(town.privacy_officer and town.privacy_email),
        ),
        Step(
            _("Une deuxième personne à l’administration"),
            _("Si l’une perd son second facteur, l’autre la dépanne."),
            "/bureau/equipe/",
            staff.filter(is_administrator=True).count() >= 2,
        ),
        Step(
            _("Les secteurs"),
            _("Un avis ne dérange que les gens du secteur touché."),
            "/bureau/territoire/",
            Sector.objects.of(town).exists(),
        ),
        Step(
            _("Les adresses"),
            _("Les gens trouvent leur adresse en quelques lettres."),
            "/bureau/territoire/",
            Address.objects.of(town).exists(),
        ),
        Step(
            _("Les sujets d’avis"),
            _("Chaque personne choisit ce qu’elle veut recevoir."),
            "/bureau/sujets/",
            Subject.objects.of(town).filter(is_emergency=False).exists(),
        ),
        Step(
            _("Un premier avis"),
            _("Envoyez-vous d’abord un essai."),
            "/bureau/avis/",
            Message.objects.of(town).filter(kind="announcements.published").exists(),
        ),
    ]
    return [step for step in steps if exists(step.url.split("#")[0])]


def left(town: Municipality) -> int:
    """How many steps are not done."""
    return sum(1 for step in of_town(town) if not step.done)
