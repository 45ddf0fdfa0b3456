"""What the staff's search finds: cases, announcements, people, addresses, for who may see each."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Func, TextField, Value
from django.db.models.functions import Concat
from django.utils.translation import gettext as _

from parvis.announcements.models import Announcement
from parvis.backoffice.context import exists
from parvis.cases.models import Case
from parvis.municipalities.models import StaffMember
from parvis.residents.doors import may_enter
from parvis.residents.models import Resident
from parvis.territory import search

LIMIT = 12


@dataclass(frozen=True)
class Hit:
    title: str
    detail: str
    url: str


@dataclass(frozen=True)
class Group:
    title: str
    icon: str
    hits: list[Hit]


class Fold(Func):
    """Small letters without accents (core's `fold`)."""

    function = "fold"
    output_field = TextField()


def everything(member: StaffMember, words: str) -> list[Group]:
    """The groups that hold something, for what this person may see."""
    groups = []
    if may_enter(member, "cases", "see"):
        groups.append(Group(_("Demandes"), "clipboard-list", cases(member, words)))
    if may_enter(member, "announcements", "see"):
        groups.append(Group(_("Avis"), "file-text", announcements(member, words)))
    if may_enter(member, "residents", "see"):
        groups.append(Group(_("Citoyens"), "users", people(member, words)))
    groups.append(Group(_("Adresses"), "map-pin", addresses(member, words)))
    return [group for group in groups if group.hits]


def cases(member: StaffMember, words: str) -> list[Hit]:
    found = Case.objects.of(member.municipality_id).found(words).select_related("resident")
    return [
        Hit(
            f"{row.number} {row.subject}".strip(),
            f"{row.get_state_display()}, {row.person_name}",
            f"/bureau/demandes/{row.pk}/",
        )
        for row in found.order_by("-pk")[:LIMIT]
    ]


def announcements(member: StaffMember, words: str) -> list[Hit]:
    found = Announcement.objects.of(member.municipality_id).search(words)
    return [
        Hit(row.title or _("Sans titre"), row.get_state_display(), f"/bureau/avis/{row.pk}/")
        for row in found[:LIMIT]
    ]


def people(member: StaffMember, words: str) -> list[Hit]:
    name = Fold(
        Concat("first_name", Value(" "), "last_name", Value(" "), "email", output_field=TextField())
    )
    found = Resident.objects.of(member.municipality_id).filter(erased_at__isnull=True)
    found = found.alias(folded=name)
    for word in words.split()[:6]:
        found = found.filter(folded__contains=Fold(Value(word)))
    return [
        Hit(person.name, person.email or _("Sans courriel"), page_of(person))
        for person in found.order_by("last_name", "first_name")[:LIMIT]
    ]


def page_of(person: Resident) -> str:
    url = f"/bureau/citoyens/{person.pk}/"
    return url if exists("/bureau/citoyens/1/") else ""


def addresses(member: StaffMember, words: str) -> list[Hit]:
    found = search.find(member.municipality, words, limit=LIMIT)
    return [
        Hit(str(address), address.sector.name if address.sector else _("Sans secteur"), "")
        for address in found
    ]
