"""Search across everything that a resident may read: announcements, subjects, pages."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _

from parvis.announcements.models import Announcement
from parvis.home.context import existing
from parvis.municipalities.models import Municipality
from parvis.notifications.models import Subject
from parvis.reservations.models import Resource

MOST = 25
AROUND = 90
LONGEST = 200

PAGES: tuple[tuple[str, str | Promise, str | Promise, str], ...] = (
    ("/avis/", _("Avis"), _("Ce que la ville annonce, et ce qui est en vigueur"),
     "nouvelles annonces avis publics communiques travaux entraves"),
    ("/mes-avis/", _("Mes avis"), _("Choisir ce que vous recevez, et comment"),
     "notifications courriel alertes abonnement desabonner infolettre pause texto appli"),
    ("/mes-avis/recus/", _("Avis reçus"), _("Tout ce que la ville vous a envoyé"),
     "messages boite inbox historique"),
    ("/moi/", _("Moi"), _("Votre compte et vos coordonnées"),
     "profil compte mot de passe courriel telephone demenagement securite"),
    ("/reserver/", _("Réserver"), _("Une salle, un terrain, du matériel\u00a0: ce qui est libre"),
     "reservation louer location emprunter pret salle local gymnase terrain patinoire tables "
     "chaises chapiteau projecteur"),
    ("/reserver/mes-reservations/", _("Mes réservations"), _("Voir, modifier, annuler"),
     "reservation agenda calendrier annuler location emprunt"),
    ("/aide/", _("Aide"), _("Joindre la ville, installer le portail"),
     "telephone contact urgence joindre installer application"),
    ("/accessibilite/", _("Accessibilité"), _("Ce qui est fait, et à qui signaler un obstacle"),
     "handicap lecteur ecran contraste"),
    ("/confidentialite/", _("Confidentialité"), _("Ce que la ville garde de vous, et vos droits"),
     "renseignements personnels loi 25 vie privee effacer exporter donnees temoins cookies"),
)  # fmt: skip


@lru_cache(maxsize=20_000)
def fold(text: str) -> str:
    """Lower case, without accents: the same spelling as the index."""
    plain = unicodedata.normalize("NFD", text.lower().replace("œ", "oe").replace("æ", "ae"))
    return "".join(sign for sign in plain if not unicodedata.combining(sign)).replace("’", "'")


def stems(query: str) -> list[str]:
    """Beginnings that mark a word as found: the words asked for, without their plural."""
    words = re.findall(r"\w+", fold(query)[:LONGEST])[:12]
    return [word[:-1] if len(word) > 3 and word[-1] in "sxe" else word for word in words]


@dataclass(frozen=True)
class Hit:
    url: str
    title: SafeString
    snippet: SafeString
    kind: str | Promise
    at: Any = None
    tone: str = ""


@dataclass(frozen=True)
class Found:
    announcements: list[Hit] = field(default_factory=list)
    pages: list[Hit] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.announcements) + len(self.pages)


def mark(text: str, beginnings: Iterable[str]) -> SafeString:
    """The text, escaped, with the words found between <mark>."""
    begins = tuple(beginnings)
    pieces, last = [], 0
    for word in re.finditer(r"\w+", text):
        if begins and fold(word[0]).startswith(begins):
            pieces += [escape(text[last : word.start()]), "<mark>", escape(word[0]), "</mark>"]
            last = word.end()
    pieces.append(escape(text[last:]))
    # Every piece is escaped or our own tag.
    return mark_safe("".join(pieces))


def snippet(text: str, beginnings: Iterable[str]) -> str:
    """The words around the first one found."""
    begins = tuple(beginnings)
    plain = " ".join(re.sub(r"[#*_>`\[\]]|\]\([^)]*\)", " ", text).split())
    start = next(
        (word.start() for word in re.finditer(r"\w+", plain) if fold(word[0]).startswith(begins)),
        0,
    )
    first = plain.rfind(" ", 0, max(0, start - AROUND)) + 1 if start > AROUND else 0
    last = plain.find(" ", start + AROUND)
    cut = plain[first:last] if last != -1 else plain[first:]
    return f"{'… ' if first else ''}{cut}{' …' if last != -1 else ''}"


def search(municipality: Municipality, query: str) -> Found:
    """What is published and matches, the best first; then subjects and pages."""
    query = query.replace("\0", "")[:LONGEST]
    begins = stems(query)
    if not begins:
        return Found()
    rows = (
        Announcement.objects.of(municipality)
        .published(timezone.now())
        .search(query)
        .select_related("subject")
        .defer("area", "area_address_ids", "search")[:MOST]
    )
    return Found(
        announcements=[_announcement(row, begins) for row in rows],
        pages=[
            *_lent(municipality, begins),
            *_subjects(municipality, begins),
            *_pages(begins),
        ],  # fmt: skip
    )


def _announcement(row: Announcement, begins: list[str]) -> Hit:
    in_summary = any(
        fold(word).startswith(tuple(begins)) for word in re.findall(r"\w+", row.summary)
    )
    text = row.summary if in_summary or not row.text else row.text
    return Hit(
        url=row.get_absolute_url(),
        title=mark(row.title, begins),
        snippet=mark(snippet(text, begins), begins),
        kind=row.subject.name if row.subject else _("Avis"),
        at=row.published_at,
        tone=row.tone,
    )


def _matches(text: str, begins: list[str]) -> bool:
    words = re.findall(r"\w+", fold(text))
    return all(any(word.startswith(begin) for word in words) for begin in begins)


def _lent(municipality: Municipality, begins: list[str]) -> list[Hit]:
    """What the town lends, by its name and its kind."""
    rows = Resource.objects.of(municipality).offered()
    return [
        Hit(
            url=one.get_absolute_url(),
            title=mark(one.name, begins),
            snippet=mark(one.summary, begins),
            kind=_("À réserver"),
        )
        for one in rows
        if _matches(f"{one.name} {one.summary} {one.get_family_display()}", begins)
    ][:MOST]


def _subjects(municipality: Municipality, begins: list[str]) -> list[Hit]:
    subjects = Subject.objects.of(municipality).filter(archived_at__isnull=True)
    return [
        Hit(
            url="/mes-avis/",
            title=mark(subject.name, begins),
            snippet=mark(subject.detail, begins),
            kind=_("Sujet que vous pouvez suivre"),
        )
        for subject in subjects
        if _matches(f"{subject.name} {subject.detail}", begins)
    ]


def _pages(begins: list[str]) -> list[Hit]:
    return [
        Hit(
            url=url,
            title=mark(str(title), begins),
            snippet=mark(str(text), begins),
            kind=_("Page du portail"),
        )
        for url, title, text, words in PAGES
        if existing(url) and _matches(f"{title} {text} {words}", begins)
    ]
