"""The town's subjects: what it writes about, and a resident subscribes to."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from parvis.core.errors import Refused
from parvis.municipalities.actions import record
from parvis.municipalities.models import Municipality
from parvis.notifications.models import Subject

ICONS: dict[str, object] = {
    "droplets": _lazy("Gouttes d’eau"),
    "construction": _lazy("Barrière de chantier"),
    "route": _lazy("Route"),
    "recycle": _lazy("Recyclage"),
    "trash-2": _lazy("Poubelle"),
    "snowflake": _lazy("Flocon"),
    "cloud-snow": _lazy("Nuage de neige"),
    "leaf": _lazy("Feuille"),
    "tree-pine": _lazy("Sapin"),
    "bus": _lazy("Autobus"),
    "square-parking": _lazy("Stationnement"),
    "book-open": _lazy("Livre"),
    "volleyball": _lazy("Ballon"),
    "ticket": _lazy("Billet"),
    "users": _lazy("Personnes"),
    "gavel": _lazy("Maillet"),
    "landmark": _lazy("Hôtel de ville"),
    "vote": _lazy("Vote"),
    "newspaper": _lazy("Journal"),
    "receipt": _lazy("Facture"),
    "building-2": _lazy("Immeubles"),
    "house": _lazy("Maison"),
    "dog": _lazy("Chien"),
    "flame": _lazy("Flamme"),
    "waves": _lazy("Vagues"),
    "wind": _lazy("Vent"),
    "zap": _lazy("Éclair"),
    "siren": _lazy("Gyrophare"),
    "megaphone": _lazy("Porte-voix"),
    "bell": _lazy("Cloche"),
    "calendar-days": _lazy("Calendrier"),
    "heart": _lazy("Cœur"),
    "hand-helping": _lazy("Main tendue"),
    "map": _lazy("Carte"),
}
"""Shapes that a subject may bear, all in core/static/icons.txt, and what they are called."""


EMERGENCY = ("Urgences", "Eau, feu, évacuation, météo extrême", "siren")
FIRST = (
    ("Eau", "Coupures, rinçage, arrosage", "droplets"),
    ("Rues et travaux", "Entraves, stationnement", "construction"),
    ("Collectes", "Bacs, gros rebuts, écocentre", "recycle"),
    ("Loisirs et culture", "Inscriptions, événements", "ticket"),
    ("Vie municipale", "Conseil, consultations", "landmark"),
)
"""What a town begins with: name, detail and icon. They are the town's rows, so in French only."""


@transaction.atomic
def open_with_subjects(town: Municipality) -> None:
    """Give a new town its emergency subject and five plain ones; what it has stays as it is."""
    # Two at once: the second waits, then finds what the first made.
    Municipality.objects.select_for_update(no_key=True).get(pk=town.pk)
    standing = Subject.objects.of(town)
    names = set(standing.values_list("name", flat=True))
    if not standing.filter(is_emergency=True).exists():
        name, detail, icon = EMERGENCY
        subject = Subject.objects.create(
            municipality=town, name=name, detail=detail, icon=icon, is_emergency=True
        )
        record("notifications.subject_added", municipality=town, subject=subject.pk)
    for name, detail, icon in FIRST:
        if name not in names:
            add_subject(town, name=name, detail=detail, icon=icon, actor=None)


@transaction.atomic
def add_subject(
    town: Municipality, *, name: str, actor: Any, detail: str = "", icon: str = "bell"
) -> Subject:
    """Add a subject at the end of the town's list, or raise Refused."""
    check_icon(icon)
    last = Subject.objects.of(town).aggregate(last=Max("position"))["last"] or 0
    try:
        with transaction.atomic():
            subject = Subject.objects.create(
                municipality=town, name=name.strip(), detail=detail, icon=icon, position=last + 1
            )
    except IntegrityError as error:
        raise Refused(_("Un sujet porte déjà ce nom.")) from error
    record("notifications.subject_added", municipality=town, actor=actor, subject=subject.pk)
    return subject


@transaction.atomic
def change_subject(subject: Subject, *, name: str, detail: str, icon: str, actor: Any) -> Subject:
    """Rename a subject or change its shape, or raise Refused. Subscriptions stay."""
    check_icon(icon)
    try:
        with transaction.atomic():
            changed = (
                Subject.objects.of(subject.municipality_id)
                .filter(pk=subject.pk)
                .exclude(name=name.strip(), detail=detail, icon=icon)
                .update(name=name.strip(), detail=detail, icon=icon)
            )
    except IntegrityError as error:
        raise Refused(_("Un sujet porte déjà ce nom.")) from error
    if changed:
        record(
            "notifications.subject_changed",
            municipality=subject.municipality_id,
            actor=actor,
            subject=subject.pk,
        )
    subject.refresh_from_db()
    return subject


@transaction.atomic
def move_subject(subject: Subject, *, places: int, actor: Any) -> None:
    """Move a subject up (-1) or down (+1) among those in use; at the end it stays."""
    standing = list(
        Subject.objects.of(subject.municipality_id)
        .select_for_update(no_key=True)
        .filter(archived_at__isnull=True, is_emergency=subject.is_emergency)
    )
    old = next((i for i, each in enumerate(standing) if each.pk == subject.pk), None)
    if old is None:
        return
    new = min(max(old + places, 0), len(standing) - 1)
    standing.insert(new, standing.pop(old))
    for position, each in enumerate(standing, 1):
        Subject.objects.of(each.municipality_id).filter(pk=each.pk).update(position=position)
    if new != old:
        record(
            "notifications.subject_moved",
            municipality=subject.municipality_id,
            actor=actor,
            subject=subject.pk,
            position=new + 1,
        )


@transaction.atomic
def archive_subject(subject: Subject, *, actor: Any, now: datetime) -> None:
    """Take a subject out of use, or raise Refused for the emergencies. What was sent stays."""
    if subject.is_emergency:
        raise Refused(_("Le sujet des urgences ne se retire pas."))
    changed = (
        Subject.objects.of(subject.municipality_id)
        .filter(pk=subject.pk, archived_at__isnull=True)
        .update(archived_at=now)
    )
    if changed:
        record(
            "notifications.subject_archived",
            municipality=subject.municipality_id,
            actor=actor,
            subject=subject.pk,
        )


@transaction.atomic
def restore_subject(subject: Subject, *, actor: Any) -> None:
    """Put an archived subject back in use."""
    changed = (
        Subject.objects.of(subject.municipality_id)
        .filter(pk=subject.pk, archived_at__isnull=False)
        .update(archived_at=None)
    )
    if changed:
        record(
            "notifications.subject_restored",
            municipality=subject.municipality_id,
            actor=actor,
            subject=subject.pk,
        )


def check_icon(icon: str) -> None:
    if icon not in ICONS:
        raise Refused(_("Choisissez une icône de la liste."))
