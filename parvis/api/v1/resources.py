"""What the town lends, and when it is free."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated

from django.http import Http404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema

from parvis.api.v1.pages import Limit, Offset, cut
from parvis.api.v1.problems import documented
from parvis.core.errors import Refused
from parvis.reservations import asking, choices, hours, readings, rules
from parvis.reservations.hours import Span
from parvis.reservations.models import Resource
from parvis.reservations.readings import Line, Offer
from parvis.residents.http import TownRequest

router = Router(tags=["reservations"])
LENT = (Resource.Kind.SPACE, Resource.Kind.EQUIPMENT)
"""Appointments are made, not lent: their hours tell of the people who serve."""
MOST_DAYS = 31
MOST_PIECES = 10**9


class ResourceLine(Schema):
    """Something that is lent, in a list."""

    id: int
    path: str
    kind: str
    """space or equipment."""
    family: str
    name: str
    summary: str
    capacity: int | None
    """Persons that a space holds."""
    pieces: int | None
    """How many the town has, of equipment."""
    approval: bool
    """The town answers before it is sure."""
    open_to: str
    """anyone, residents, verified or organisations."""


class UnitLine(Schema):
    id: int
    name: str


class ResourceWhole(ResourceLine):
    """One thing that is lent, with its rules. Lengths are in minutes."""

    text: str
    accessibility: str
    address: str
    place: str
    units: list[UnitLine]
    """Of a space: like places, any of which may be had."""
    step: int
    shortest: int
    longest: int
    notice: int
    days_ahead: int
    before: int
    after: int
    conditions: str
    calendar: str
    """Path of its public calendar (iCalendar): when it is taken."""
    time_zone: str


class ResourcePage(Schema):
    items: list[ResourceLine]
    total: int
    next: str | None


class Slot(Schema):
    start: datetime
    end: datetime


class Availability(Schema):
    resource: int
    minutes: int
    quantity: int
    time_zone: str
    slots: list[Slot]
    """When it may be had now for so long, in UTC: open, free, far enough, not too far."""


def line(row: Resource) -> dict[str, object]:
    return {
        "id": row.pk,
        "path": row.get_absolute_url(),
        "kind": row.kind,
        "family": row.family,
        "name": row.name,
        "summary": row.summary,
        "capacity": row.capacity,
        "pieces": row.total,
        "approval": row.mode == Resource.Mode.APPROVAL,
        "open_to": row.open_to,
    }


def offered(request: TownRequest, resource_id: int, *, now: datetime) -> Offer:
    """What stands behind a number, or 404."""
    if not 0 < resource_id < 2**63:
        raise Http404
    found = choices.standing(request.municipality, [resource_id], now=now).get(resource_id)
    if found is None or found.resource.kind not in LENT:
        raise Http404
    return found


@router.get(
    "/resources", response=ResourcePage, summary="What is lent", openapi_extra=documented(422)
)
def list_resources(
    request: TownRequest,
    kind: Annotated[str, Query(pattern="^(space|equipment)?$")] = "",
    limit: Limit = 20,
    offset: Offset = 0,
) -> dict[str, object]:
    """The same as on the pages: what is offered, by name."""
    rows = Resource.objects.of(request.municipality).offered().filter(kind__in=LENT)
    rows = rows.order_by("name", "id")
    if kind:
        rows = rows.filter(kind=kind)
    found, total, after = cut(request, rows, limit=limit, offset=offset)
    return {"items": [line(row) for row in found], "total": total, "next": after}


@router.get(
    "/resources/{resource_id}",
    response=ResourceWhole,
    summary="One thing that is lent",
    openapi_extra=documented(404, 422),
)
def get_resource(request: TownRequest, resource_id: int) -> dict[str, object]:
    """How to get in is told to those who have it, never here."""
    offer = offered(request, resource_id, now=timezone.now())
    row = offer.resource
    return {
        **line(row),
        "text": row.text,
        "accessibility": row.accessibility,
        "address": str(row.address or ""),
        "place": row.place,
        "units": [{"id": one.pk, "name": one.name} for one in offer.units],
        "step": row.step,
        "shortest": row.shortest,
        "longest": row.longest,
        "notice": row.notice,
        "days_ahead": row.days_ahead,
        "before": row.before,
        "after": row.after,
        "conditions": row.conditions,
        "calendar": reverse("reservations:busy", args=[row.pk]),
        "time_zone": request.municipality.zone.key,
    }


@router.get(
    "/resources/{resource_id}/availability",
    response=Availability,
    summary="When it is free",
    openapi_extra=documented(404, 422),
)
def get_availability(
    request: TownRequest,
    resource_id: int,
    first: Annotated[date, Query(description="First local day, held.")],
    last: Annotated[date, Query(description="Last local day, held; 31 days at most.")],
    minutes: Annotated[
        int | None, Query(ge=1, le=525_600, description="For how long; the shortest if not said.")
    ] = None,
    quantity: Annotated[int, Query(ge=1, le=MOST_PIECES, description="Pieces of equipment.")] = 1,
) -> dict[str, object]:
    """Who has the rest is nobody's business: only what is free is said."""
    now, town = timezone.now(), request.municipality
    offer = offered(request, resource_id, now=now)
    if last < first:
        raise Refused(_("La fin doit suivre le début."))
    if (last - first).days >= MOST_DAYS:
        raise Refused(_("Demandez {n} jours au plus à la fois.").format(n=MOST_DAYS))
    if not 2000 <= first.year <= last.year <= 2200:
        raise Refused(_("Choisissez un jour du calendrier."))
    terms, wish = offer.resource.terms, Line(offer.resource.pk, quantity)
    length = timedelta(minutes=minutes) if minutes is not None else terms.shortest
    asking.check_amount(offer, wish)
    rules.check_length(Span(now, now + length), terms)
    window = Span(hours.local_day(first, town.zone).start, hours.local_day(last, town.zone).end)
    # A use that begins on the last evening may end after midnight.
    around = window.widened(terms.before, length + terms.after)
    taken = readings.occupation(town, [offer.resource.pk], around, now=now)
    starts = readings.free_starts(
        [(offer, wish)],
        length=length,
        window=window,
        taken=taken,
        now=now,
        zone=town.zone,
    )
    return {
        "resource": offer.resource.pk,
        "minutes": length // timedelta(minutes=1),
        "quantity": quantity,
        "time_zone": town.zone.key,
        "slots": [{"start": one, "end": one + length} for one in starts],
    }
