"""What the public pages show of announcements: where, since when, and what became of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count, Max, Sum
from django.db.models.query import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from parvis.announcements import rules
from parvis.announcements.drafts import STORE
from parvis.announcements.markdown import to_html
from parvis.announcements.models import Announcement, Picture, PublicNotice, Version
from parvis.core import files, prose
from parvis.core.images import SOCIAL
from parvis.municipalities.models import Municipality
from parvis.notifications.actions import mark_opened
from parvis.notifications.models import Channel, Message, Opening, Outcome
from parvis.residents.http import TownRequest
from parvis.residents.models import Place
from parvis.territory.drawing import enumeration
from parvis.territory.models import Address, Sector

NAMES_SHOWN = 4


@dataclass(frozen=True)
class Here:
    """Where the person signed in has places; a visitor has none."""

    addresses: list[Address] = field(default_factory=list)

    @property
    def sector_ids(self) -> list[int]:
        return sorted({one.sector_id for one in self.addresses if one.sector_id})

    @property
    def address_ids(self) -> list[int]:
        return [one.pk for one in self.addresses]


def places(request: TownRequest) -> list[Place]:
    """The places of the person signed in, asked once for each request; a visitor has none."""
    if not hasattr(request, "_places"):
        found: list[Place] = []
        if request.user.is_authenticated:
            mine = Place.objects.of(request.municipality).filter(resident_id=request.user.pk)
            found = list(
                # A sector's outline may weigh more than the page.
                mine.select_related("address__sector").defer("address__sector__geometry")
            )
        request._places = found  # type: ignore[attr-defined]
    return request._places  # type: ignore[attr-defined, no-any-return]


def here(request: TownRequest) -> Here:
    return Here([place.address for place in places(request) if place.address is not None])


def touches(announcement: Announcement, address: Address) -> bool:
    """Whether this address is one of those concerned, by name, area or sector."""
    return (
        address.sector_id in announcement.sector_ids
        or address.pk in announcement.address_ids
        or address.pk in announcement.area_address_ids
    )


def where(announcement: Announcement, sectors: Mapping[int, str]) -> str:
    """The sectors concerned by name, or what else bounds it."""
    if announcement.concerns_everyone:
        return _("Toute la ville")
    names = [sectors[pk] for pk in announcement.sector_ids if pk in sectors]
    if len(names) > NAMES_SHOWN:
        more = len(names) - NAMES_SHOWN + 1
        others = ngettext("%(n)s autre secteur", "%(n)s autres secteurs", more) % {"n": more}
        names = [*names[: NAMES_SHOWN - 1], others]
    exact = len({*announcement.address_ids, *announcement.area_address_ids})
    if exact:
        names.append(ngettext("%(n)s adresse", "%(n)s adresses", exact) % {"n": exact})
    return enumeration(names) or _("Une partie de la ville")


@dataclass(frozen=True)
class Status:
    """What an announcement is at one instant: a word, a tone, an icon."""

    word: str
    tone: str
    icon: str


def status(announcement: Announcement, now: datetime) -> Status:
    ended = announcement.state == rules.LIFTED or (
        announcement.takes_force
        and announcement.in_force_until is not None
        and announcement.in_force_until <= now
    )
    gone = announcement.expires_at is not None and announcement.expires_at <= now
    if announcement.state in {rules.EXPIRED, rules.ARCHIVED} or gone:
        return Status(_("Archivé"), "", "archive")
    if ended:
        return Status(_("Levé"), "succes", "circle-check")
    if not announcement.takes_force:
        return Status(_("Nouvelle"), "info", "newspaper")
    if announcement.is_in_force(now):
        if announcement.is_emergency:
            return Status(_("Urgence en vigueur"), "urgence", "octagon-alert")
        icon = "triangle-alert" if announcement.tone == "avis" else "info"
        return Status(_("Avis en vigueur"), announcement.tone, icon)
    return Status(_("À venir"), "info", "calendar")


@dataclass(frozen=True)
class Line:
    """One announcement in a list."""

    announcement: Announcement
    where: str
    at_home: bool


def lines(rows: Iterable[Announcement], *, sectors: Mapping[int, str], place: Here) -> list[Line]:
    return [
        Line(
            announcement=row,
            where=where(row, sectors),
            at_home=any(touches(row, address) for address in place.addresses),
        )
        for row in rows
    ]


def light(rows: QuerySet[Announcement]) -> QuerySet[Announcement]:
    """What a list needs of each, in one query."""
    return rows.select_related("subject").defer("text", "search")


@dataclass(frozen=True)
class Update:
    """One entry of an announcement's history."""

    at: datetime
    title: str
    note: str
    is_latest: bool = False
    text: SafeString | None = None
    """What it said then, where that differs from what it says now."""


def history(announcement: Announcement, versions: list[Version]) -> list[Update]:
    """What happened, the last first. `versions`: the last first."""
    found: list[Update] = []
    if announcement.lifted_at is not None:
        found.append(Update(announcement.lifted_at, _("Levé"), announcement.lifted_note))
    for version in versions:
        said = (version.title, version.summary, version.text)
        now_says = (announcement.title, announcement.summary, announcement.text)
        found.append(
            Update(
                at=version.at,
                title=_("Avis publié") if version.number == 1 else _("Modifié"),
                note=version.note,
                text=to_html(f"**{version.title}**\n\n{version.text}", first_heading=4)
                if said != now_says
                else None,
            )
        )
    begun = announcement.in_force_from
    said_at = announcement.published_at
    if begun and said_at and said_at < begun <= timezone.now():
        found.append(Update(begun, _("Entrée en vigueur"), ""))
    found.sort(key=lambda update: update.at, reverse=True)
    if found:
        first = found[0]
        found[0] = Update(first.at, first.title, first.note, True, first.text)
    return found


@dataclass(frozen=True)
class Words:
    """An announcement in one of its languages."""

    language: str
    title: str
    summary: str
    html: SafeString
    basis: str = ""
    direction: str = "ltr"


def words(announcement: Announcement, wanted: str) -> tuple[Words, list[tuple[str, str]]]:
    """The text in the language asked for if it stands in it, else in French; and the other ones."""
    standing = {
        one.language: one
        for one in announcement.translations.all()
        if prose.has_words(one.title) and prose.has_words(one.text)
    }
    found = standing.get(wanted)
    others = [("fr", "Français"), *((code, rules.LANGUAGES[code]) for code in standing)]
    if found is None:
        french = Words("fr", announcement.title, announcement.summary, to_html(announcement.text))
        return french, [(code, name) for code, name in others if code != "fr"]
    return Words(
        language=found.language,
        title=found.title,
        summary=found.summary,
        html=to_html(found.text, language=found.language),
        basis=str(found.get_basis_display()),
        direction="rtl" if found.language in rules.RIGHT_TO_LEFT else "ltr",
    ), [(code, name) for code, name in others if code != found.language]


@dataclass(frozen=True)
class Shown:
    """A picture with its addresses, the smallest first."""

    picture: Picture
    src: str
    srcset: str
    social: str


def shown(picture: Picture) -> Shown:
    sources = [(width, files.picture_url(STORE, picture.folder, width)) for width in picture.widths]
    return Shown(
        picture=picture,
        src=sources[min(1, len(sources) - 1)][1],
        srcset=", ".join(f"{url} {width}w" for width, url in sources),
        social=files.url(STORE, picture.folder, SOCIAL),
    )


def public_notice(announcement: Announcement) -> PublicNotice | None:
    return (
        PublicNotice.objects.of(announcement.municipality_id)
        .filter(announcement=announcement)
        .first()
    )


def note_opened(request: HttpRequest, announcement: Announcement, *, now: datetime) -> None:
    """The resident reads what a message told: note it, once for each message."""
    town: Municipality = request.municipality  # type: ignore[attr-defined]
    if not request.user.is_authenticated:
        return
    about = Message.objects.of(town).filter(reference=announcement.reference)
    opened = Opening.objects.of(town).filter(resident_id=request.user.pk)
    received = (
        Outcome.objects.of(town)
        .filter(
            resident_id=request.user.pk, channel=Channel.INAPP, message_id__in=about.values("pk")
        )
        .exclude(message_id__in=opened.values("message_id"))
        .values_list("message_id", flat=True)
        .distinct()
    )
    for message_id in received:
        mark_opened(
            municipality=town,
            message_id=message_id,
            resident_id=request.user.pk,
            channel=Channel.INAPP,
            now=now,
        )


def list_etag(request: TownRequest, now: datetime) -> str:
    """Changes whenever the lists would: something was written, began, ended, or a new day came."""
    rows = Announcement.objects.of(request.municipality)
    facts = rows.published(now).aggregate(n=Count("pk"), last=Max("revised_at"), turns=Sum("token"))
    standing = rows.standing(now).order_by().aggregate(n=Count("pk"))
    parts = [
        request.municipality.updated_at.isoformat(),
        str(facts["n"]),
        str(facts["last"]),
        str(facts["turns"]),
        str(standing["n"]),
        str(timezone.localdate()),
        str(get_language()),
        request.get_full_path(),
        request.headers.get("HX-Request", ""),
    ]
    return f'"{hashlib.sha256("|".join(parts).encode()).hexdigest()[:32]}"'


def sector_names(municipality: Municipality) -> dict[int, str]:
    return dict(Sector.objects.of(municipality).order_by("name").values_list("pk", "name"))
