"""Every door of the product: its address, who may pass, and an address that leads to a row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from parvis.alerts.models import Alert, Answer, Received
from parvis.announcements.models import Announcement
from parvis.cases.models import Case, ClosedDay, StrayLetter
from parvis.municipalities.models import HostName, Invitation, StaffMember
from parvis.notifications.models import BadAddress, Device, Message, Subject
from parvis.reservations.models import (
    Block,
    Booking,
    Closure,
    Organisation,
    Payment,
    Resource,
    Wait,
)
from parvis.residents.models import Household, HouseholdMember, Phone, Place, Resident
from parvis.territory.models import Address, Import, Sector

OPEN_DOORS = {
    "": "the front page",
    "chercher/": "search in what is public",
    "aide/": "help",
    "accessibilite/": "the law asks for it",
    "confidentialite/": "the law asks for it",
    "langue/<str:language>/": "before signing in as well",
    "hors-ligne/": "what the worker shows without network; nothing personal",
    "theme.css": "colours",
    "blason": "the crest",
    "icones/<int:size>.png": "icons of the app",
    "icones/masque-<int:size>.png": "icons of the app",
    "icones/pastille.png": "icons of the app",
    "manifest.webmanifest": "browsers fetch it without cookies",
    "sw.js": "the service worker",
    "healthz": "for the machine that watches",
    "readyz": "for the machine that watches",
    "metrics": "behind a token of its own",
    "robots.txt": "for robots",
    ".well-known/security.txt": "for whoever found a fault",
    "moi/efface/": "says good-bye to someone who has no account any more",
    "mes-avis/appareils/suite/": "a browser renews its subscription in the background",
    "mes-avis/cle/": "the public half of a key",
    "mes-avis/recus/<int:message_id>/": "from a letter: leads on to what is public",
    "mes-avis/ouvert/": "behind a signature",
    "mes-avis/desabonnement/<str:token>/": "RFC 8058: without signing in, behind a signature",
    "mes-avis/rebonds/<slug:provider>/": "behind the provider's signature",
    "mes-avis/telephone/<slug:provider>/suivi/<str:token>/": "behind the provider's signature",
    "mes-avis/telephone/<slug:provider>/recu/": "behind the provider's signature",
    "mes-avis/telephone/<slug:provider>/appel/<str:token>/": "behind the provider's signature",
    "mes-avis/telephone/<slug:provider>/appel/<str:token>/touche/": (
        "behind the provider's signature"
    ),
    "mes-avis/telephone/<slug:provider>/appel/<str:token>/fin/": "behind the provider's signature",
    "avis/": "what is published",
    "avis/leves/": "what is published",
    "avis/archives/": "what is published",
    "avis/avis-publics/": "what is published",
    "avis/flux.atom": "what is published",
    "avis/flux.json": "what is published",
    "avis/^(?P<pk>[0-9]{1,18})-(?P<slug>[a-z0-9-]{1,60})/$": "what is published",
    "avis/<int:pk>/": "what is published",
    "avis/<int:pk>/certificat/": "what is published",
    "avis/<int:pk>/certificat.pdf": "what is published",
    "reserver/": "what is lent, and when it is free",
    "reserver/materiel/": "what is lent, and when it is free",
    "reserver/<int:resource_id>/": "what is lent, and when it is free",
    "reserver/<int:resource_id>/calendrier.ics": "when it is taken, without names",
    "reserver/calendrier/<str:token>.ics": "behind the secret in the address",
    "alertes/": "danger concerns everyone",
    "alertes/bandeau/": "danger concerns everyone",
    "alertes/<int:alert_id>/": "danger concerns everyone",
    "alertes/<int:alert_id>/reponse/": "behind the signature of a link, or the sign-in",
    "alertes.atom": "what was sent, for machines",
    "alertes/<int:alert_id>.cap.xml": "what was sent, for machines",
    "alertes/<int:alert_id>-<int:number>.cap.xml": "what was sent, for machines",
    "alertes/certificat.pem": "the public half of a key",
    "adresses/chercher/": "streets are public; a visitor looks up a sector",
    "adresses/chercher.json": "streets are public; a visitor looks up a sector",
    "adresses/mon-secteur/": "streets are public; a visitor looks up a sector",
    "fichiers/^(?P<area>[a-z]{2,20})/(?P<folder>[A-Za-z0-9_-]{16,64})/(?P<name>[^/\\\\]{1,160})$": (
        "each area has a door of its own"
    ),
    "bureau/invitation/<str:token>/": "someone invited has no account yet; behind a secret",
    "bureau/ville/hotes/preuve/<str:token>/": "a new host name is visited; behind a signature",
}
"""Route → why anyone may come. What is not here needs an account."""

OPEN_ROOMS = {
    "api/v1/": "public data, and only that",
    "compte/": "django-allauth: its own views say which need an account",
    "demo/": "mounted under `parvis demo` only",
}
CLOSED_IN_OPEN_ROOMS = (
    "compte/email/", "compte/reauthenticate/", "compte/password/change/", "compte/2fa/",
    "compte/2fa/totp/activate/", "compte/2fa/totp/deactivate/", "compte/2fa/recovery-codes/",
    "compte/2fa/webauthn/", "compte/2fa/webauthn/add/", "compte/3rdparty/",
)  # fmt: skip
"""Of the library's own pages, those that must never open."""

ROWS: dict[str, Any] = {
    "address_id": Address,
    "alert_id": Alert,
    "answer_id": Answer,
    "case_id": Case,
    "closed_day_id": ClosedDay,
    "bad_id": BadAddress,
    "block_id": Block,
    "booking_id": Booking,
    "closure_id": Closure,
    "device_id": Device,
    "household_id": Household,
    "host_id": HostName,
    "import_id": Import,
    "letter_id": StrayLetter,
    "invitation_id": Invitation,
    "member_id": StaffMember,
    "message_id": Message,
    "organisation_id": Organisation,
    "payment_id": Payment,
    "person_id": Resident,
    "phone_id": Phone,
    "received_id": Received,
    "pk": Announcement,
    "place_id": Place,
    "resource_id": Resource,
    "sector_id": Sector,
    "subject_id": Subject,
    "wait_id": Wait,
}
"""Name of an argument → the model whose row it names."""
WORDS = {
    "token": "x" * 24, "kind": "lieu", "language": "en", "provider": "postmark", "size": "192",
    "number": "1",
}  # fmt: skip


@dataclass(frozen=True)
class Door:
    route: str
    view: Any

    @property
    def is_open(self) -> bool:
        return not getattr(self.view, "login_required", True)

    @property
    def room(self) -> str | None:
        """Room of the staff role that opens it; None for a resident's door."""
        return getattr(self.view, "staff_room", None)

    @property
    def level(self) -> str:
        return getattr(self.view, "staff_level", "")

    @property
    def arguments(self) -> list[str]:
        return re.findall(r"<(?:\w+:)?(\w+)>", self.route)

    def models(self) -> list[Any]:
        """Models of the rows that its address names."""
        rows = dict(ROWS)
        if self.route.startswith("moi/menage/"):
            rows["member_id"] = HouseholdMember
        return [rows[name] for name in self.arguments if name in rows]

    def address(self, rows: dict[Any, Any]) -> str:
        """The door's address, for these rows."""
        models = iter(self.models())

        def value(match: re.Match[str]) -> str:
            name = match[1]
            return str(rows[next(models)].pk) if name in ROWS else WORDS[name]

        return "/" + re.sub(r"<(?:\w+:)?(\w+)>", value, self.route)


def doors() -> list[Door]:
    def walk(patterns: list[Any], prefix: str) -> Iterator[Door]:
        for one in patterns:
            route = prefix + str(one.pattern)
            if isinstance(one, URLResolver):
                yield from walk(one.url_patterns, route)
            elif isinstance(one, URLPattern):
                yield Door(route, one.callback)

    return list(walk(get_resolver().url_patterns, ""))


def staff_doors() -> list[Door]:
    return [door for door in doors() if door.room is not None]


def resident_doors() -> list[Door]:
    """Doors of people with an account, our own."""
    return [
        door
        for door in doors()
        if door.room is None and not door.is_open and not door.route.startswith(tuple(OPEN_ROOMS))
    ]
