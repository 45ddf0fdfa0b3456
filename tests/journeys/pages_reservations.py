"""The pages of reservations: who opens them, where, and the rows that fill them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from parvis.municipalities.models import Municipality
from parvis.reservations import actions, weeks
from parvis.reservations.hours import Span
from parvis.reservations.models import Booking, Resource
from parvis.reservations.readings import Line, free_starts, occupation, offer
from parvis.residents.models import Resident

VISITOR, RESIDENT, STAFF = "visitor", "resident", "staff"
MINE = "reserver/mes-reservations/"

LOOKS: dict[str, list[tuple[str, str, int]]] = {
    "reserver/": [
        (VISITOR, "/reserver/", 200),
        (VISITOR, "/reserver/?q=une+salle+samedi+soir+pour+40+personnes", 200),
        (VISITOR, "/reserver/?quoi=rink&personnes=90000", 200),
        (VISITOR, "/reserver/?vue=semaine", 200),
        (RESIDENT, "/reserver/", 200),
    ],
    "reserver/materiel/": [
        (VISITOR, "/reserver/materiel/", 200),
        (VISITOR, "/reserver/materiel/?{loan_query}", 200),
    ],
    "reserver/confirmer/": [
        (RESIDENT, "/reserver/confirmer/?{free_query}", 200),
        (RESIDENT, "/reserver/confirmer/?{loan_query}", 200),
        (RESIDENT, "/reserver/confirmer/?{taken_query}", 422),
        (RESIDENT, "/reserver/confirmer/", 422),
    ],
    "reserver/<int:resource_id>/": [
        (VISITOR, "/reserver/{space}/", 200),
        (VISITOR, "/reserver/{space}/?h={free_key}", 200),
        (VISITOR, "/reserver/{space}/?h={taken_key}", 200),
        (VISITOR, "/reserver/{equipment}/", 200),
    ],
    MINE: [(RESIDENT, f"/{MINE}", 200)],
    f"{MINE}calendrier/": [(RESIDENT, f"/{MINE}calendrier/", 200)],
    f"{MINE}<int:booking_id>/": [
        (RESIDENT, f"/{MINE}{{booking}}/", 200),
        (RESIDENT, f"/{MINE}{{cancelled}}/", 200),
    ],
    f"{MINE}<int:booking_id>/modifier/": [
        (RESIDENT, f"/{MINE}{{booking}}/modifier/", 200),
        (RESIDENT, f"/{MINE}{{loan}}/modifier/", 200),
    ],
    f"{MINE}<int:booking_id>/annuler/": [(RESIDENT, f"/{MINE}{{booking}}/annuler/", 200)],
    f"{MINE}<int:booking_id>/porte/": [(RESIDENT, f"/{MINE}{{booking}}/porte/", 200)],
}
"""Route → who looks, where, and the status that is expected."""
DEEDS = (f"{MINE}calendrier/fermer/",)
FILES = (f"{MINE}<int:booking_id>/calendrier.ics", "reserver/calendrier/<str:token>.ics")


def names(town: Municipality, agathe: Resident) -> dict[str, Any]:
    """The rows and hours that the addresses name; the demonstration made most of them."""
    now = timezone.now()
    mine = Booking.objects.of(town).filter(resident=agathe, state="confirmed").order_by("pk")
    gym = Resource.objects.of(town).get(family="gym")
    tables = Resource.objects.of(town).get(name="Tables pliantes")
    booking = mine.filter(takings__resource=gym).first()
    loan = mine.filter(takings__resource=tables).first()
    room = Resource.objects.of(town).get(name="Local des aînés")
    free = _free(room, now)
    gone = actions.book(resident=agathe, lines=[Line(room.pk)], span=free, now=now)
    actions.cancel(gone, now=now)
    taken = weeks.steps_of(booking.span, timedelta(hours=1))[0]
    loan_query = f"q{tables.pk}=2&du={weeks.key(loan.span.start)}&au={weeks.key(loan.span.end)}"
    return {
        "space": gym.pk, "equipment": tables.pk, "booking": booking.pk, "loan": loan.pk,
        "cancelled": gone.pk, "loan_query": loan_query,
        "free_key": weeks.key(_free(gym, now).start), "taken_key": weeks.key(taken),
        "taken_query": f"lieu={gym.pk}&h={weeks.key(taken)}",
        "free_query": f"lieu={room.pk}&h={weeks.key(free.start)}",
    }  # fmt: skip


def _free(resource: Resource, now: Any) -> Span:
    """An hour that nobody has, from tomorrow on."""
    hour = timedelta(hours=1)
    window = Span(now + timedelta(days=2), now + timedelta(days=12))
    offered = offer(resource)
    taken = occupation(resource.municipality, [resource.pk], window, now=now)
    start = free_starts(
        [(offered, Line(resource.pk))], length=hour, window=window, taken=taken, now=now,
        zone=resource.municipality.zone,
    )[0]  # fmt: skip
    return Span(start, start + hour)
