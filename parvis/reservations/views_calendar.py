"""Reservations for other calendars: one as a file, all of them behind a secret address."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from parvis.core import secret
from parvis.reservations import ics
from parvis.reservations.mine import meeting, places
from parvis.reservations.models import Booking, CalendarFeed
from parvis.reservations.views_mine import found
from parvis.residents.http import ResidentRequest, TownRequest

KEPT = timedelta(days=90)
MOST = 500
STATUSES = {
    Booking.State.ASKED: "TENTATIVE",
    Booking.State.CONFIRMED: "CONFIRMED",
    Booking.State.REFUSED: "CANCELLED",
    Booking.State.CANCELLED: "CANCELLED",
}


def event(request: HttpRequest, booking: Booking, now: datetime) -> ics.Event:
    """One reservation, as calendars read it. How to get in stays on the portal."""
    takings = list(booking.takings.all())
    names = []
    for one in takings:
        many = one.unit is None and one.quantity > 1
        names.append(f"{one.resource.name} ({one.quantity})" if many else one.resource.name)
    lines = [
        _("Réservation {reference}, code {code}.").format(
            reference=booking.reference, code=booking.code
        )
    ]
    if booking.state == Booking.State.ASKED:
        lines.append(_("Cette demande attend la réponse de la Ville."))
    lines += [
        f"{name}\u00a0: {', '.join(text.splitlines())}" for name, text in meeting(booking, takings)
    ]
    return ics.Event(
        uid=f"reservation-{booking.pk}",
        start=booking.span.start,
        end=booking.span.end,
        summary=", ".join(names),
        stamp=now,
        changes=booking.token,
        location="; ".join(places(booking, takings)),
        description="\n".join(lines),
        url=request.build_absolute_uri(booking.get_absolute_url()),
        status=STATUSES[Booking.State(booking.state)],
    )


def _host(request: HttpRequest) -> str:
    return request.get_host().split(":")[0]


@require_safe
def one(request: ResidentRequest, booking_id: int) -> HttpResponse:
    """The file that a calendar opens."""
    booking = found(request, booking_id)
    now = timezone.now()
    text = ics.calendar(
        request.municipality.name, [event(request, booking, now)], host=_host(request)
    )
    response = HttpResponse(text, content_type=ics.CONTENT_TYPE)
    response["Content-Disposition"] = f'attachment; filename="reservation-{booking.pk}.ics"'
    return response


@login_not_required
@require_safe
def private(request: TownRequest, token: str) -> HttpResponse:
    """Everything of one person, behind the secret in the address; closed, it is nowhere."""
    feed = (
        CalendarFeed.objects.of(request.municipality)
        .filter(digest=secret.digest(token), resident__is_active=True)
        .select_related("resident")
        .first()
    )
    if feed is None:
        raise Http404
    now = timezone.now()
    rows = list(
        Booking.objects.of(request.municipality)
        .filter(resident=feed.resident, state__in=STATUSES, period__endswith__gt=now - KEPT)
        .select_related("municipality")
        .prefetch_related("takings__resource__address", "takings__unit")
        .order_by("period__startswith", "pk")[:MOST]
    )
    etag = secret.digest(
        f"{feed.pk}:" + ",".join(f"{row.pk}.{row.token}.{row.state}" for row in rows)
    )
    answer = get_conditional_response(request, etag=f'"{etag}"')
    if isinstance(answer, HttpResponse):
        return answer
    with translation.override(feed.resident.language):
        name = _("Réservations, {town}").format(town=request.municipality.name)
        text = ics.calendar(name, (event(request, row, now) for row in rows), host=_host(request))
    response = HttpResponse(text, content_type=ics.CONTENT_TYPE)
    response["ETag"] = f'"{etag}"'
    response["Cache-Control"] = "private, no-cache"
    response["X-Robots-Tag"] = "noindex"
    return response
