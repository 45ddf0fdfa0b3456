"""When something that is lent is taken, as a public calendar: hours only, never who or why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpResponse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from parvis.core import secret
from parvis.municipalities.models import Municipality
from parvis.reservations import choices, hours, ics, pages
from parvis.reservations.models import Booking, Taking
from parvis.reservations.readings import Offer
from parvis.residents.http import TownRequest

PAST = timedelta(days=30)
AHEAD = timedelta(days=366)
MOST = 5_000
FRESH = "public, max-age=300"


@login_not_required
@require_safe
def busy(request: TownRequest, resource_id: int) -> HttpResponse:
    """Its calendar for anyone, preparation included; a place held for ten minutes is not told."""
    now, town = timezone.now(), request.municipality
    offer = choices.standing(town, [resource_id], now=now).get(resource_id)
    # An appointment says something of the person even without a name.
    if offer is None or offer.resource.is_appointment:
        raise Http404
    where = pages.where(offer.resource)
    events = [*taken(town, offer, where, now=now), *closed(town, offer, where, now=now)]
    # The stamp, which changes each time, is left out of it: the tag is a weak one.
    said = [(one.uid, one.start, one.end, one.summary, one.status, where) for one in events]
    etag = f'W/"{secret.digest(f"{offer.resource.name} {said}")}"'
    answer = get_conditional_response(request, etag=etag)
    if not isinstance(answer, HttpResponse):
        name = f"{offer.resource.name}, {town.name}"
        text = ics.calendar(name, events, host=request.get_host().split(":")[0])
        answer = HttpResponse(text, content_type=ics.CONTENT_TYPE)
        answer["ETag"] = etag
    answer["Cache-Control"] = FRESH
    return answer


def taken(town: Municipality, offer: Offer, where: str, *, now: datetime) -> Iterator[ics.Event]:
    """Bookings, asked for or sure, and blocks. A block's reason is meant for the public."""
    rows = (
        Taking.objects.of(town)
        .filter(resource=offer.resource, stands=True)
        .exclude(booking__state=Booking.State.HELD)
        .overlapping(now - PAST, now + AHEAD)
        .select_related("block", "booking", "unit")
        .order_by("blocked", "pk")
    )
    for row in rows[:MOST]:
        said = row.block.reason if row.block is not None else _("Pris")
        if row.unit is not None and row.unit.name:
            said = f"{said}, {row.unit.name}"
        elif row.unit is None:
            said = _("{said}\u00a0: {n}").format(said=said, n=row.quantity)
        waits = row.booking is not None and row.booking.state == Booking.State.ASKED
        yield ics.Event(
            uid=f"pris-{row.pk}",
            start=row.blocked.lower,
            end=row.blocked.upper,
            summary=said,
            stamp=now,
            location=where,
            status="TENTATIVE" if waits else "CONFIRMED",
        )


def closed(town: Municipality, offer: Offer, where: str, *, now: datetime) -> Iterator[ics.Event]:
    """Closed days, from midnight to midnight by the town's clock."""
    last = (now + AHEAD).astimezone(town.zone).date()
    for one in offer.closures:
        if one.first_on > last:
            continue
        said = _("Fermé\u00a0: {reason}").format(reason=one.reason) if one.reason else _("Fermé")
        yield ics.Event(
            uid=f"ferme-{one.pk}-{offer.resource.pk}",
            start=hours.local_day(one.first_on, town.zone).start,
            end=hours.local_day(one.last_on, town.zone).end,
            summary=said,
            stamp=now,
            location=where,
        )
