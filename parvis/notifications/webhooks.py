"""What a mail provider reports of a letter later, through the web (anymail's tracking events).

A report counts when it knows the shared secret, and when it carries the identity that we signed
into the letter. It may come to any town's host, late, twice and in any order.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from anymail.signals import AnymailTrackingEvent, EventType, RejectReason, tracking
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.urls import resolve
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from parvis.core.db import as_town
from parvis.core.errors import Refused
from parvis.notifications import bounces, preferences
from parvis.notifications.channels.email import IDENTITY, read_bounce_address
from parvis.notifications.models import Lane, Message
from parvis.residents.models import Resident

logger = logging.getLogger("parvis.notifications")


@csrf_exempt
@login_not_required
def report(request: HttpRequest, provider: str) -> HttpResponse:
    """Take one provider's report, once its secret is known to be right."""
    if not settings.ANYMAIL.get("WEBHOOK_SECRET"):
        # anymail would accept reports from anybody.
        return HttpResponseForbidden()
    # Only the reports, not anymail's doors for incoming mail.
    match = resolve(f"/{provider}/tracking/", "anymail.urls")
    answer: HttpResponse = match.func(request, *match.args, **match.kwargs)
    return answer


@receiver(tracking, dispatch_uid="parvis.notifications")
def note_event(event: AnymailTrackingEvent, **_: Any) -> None:
    token = (event.metadata or {}).get(IDENTITY, "")
    # Openings and clicks are nobody's business, and «delivered» says no more than we know.
    if event.event_type not in {
        EventType.BOUNCED, EventType.REJECTED, EventType.COMPLAINED, EventType.UNSUBSCRIBED,
    }:  # fmt: skip
        return
    identity = (
        read_bounce_address(f"{token}@") if isinstance(token, str) and len(token) < 200 else None
    )
    if identity is None:
        logger.warning("a provider's report without an identity that we signed: ignored")
        return
    if event.event_type in {EventType.BOUNCED, EventType.REJECTED}:
        bounces.note(bounce_of(event, identity), now=timezone.now())
    else:
        leave(identity, now=timezone.now())


def bounce_of(event: AnymailTrackingEvent, identity: tuple[int, int, int]) -> bounces.Bounce:
    """What the server answered decides; without its answer, only an invalid address is at fault."""
    words = f"{event.mta_response or ''} {event.description or ''}"[:20_000]
    status = next(iter(bounces.STATUS.findall(words)), "")
    is_hard = event.reject_reason == RejectReason.INVALID or bounces.is_hard("", words)
    return bounces.Bounce(*identity, is_hard=is_hard, status=status)


def leave(identity: tuple[int, int, int], *, now: datetime) -> None:
    """Someone called the letter spam, or left through their mail program: as its own link does."""
    town_id, message_id, contact_id = identity
    with as_town(town_id):
        message = (
            Message.objects.of(town_id)
            .select_related("municipality")
            .filter(pk=message_id, lane__in=[Lane.NOTICE, Lane.DIGEST])
            .first()
        )
        person = Resident.objects.of(town_id).filter(emailaddress__pk=contact_id).first()
        if message is None or person is None:
            return
        try:
            preferences.unsubscribe_from_letter(
                municipality=message.municipality,
                resident_id=person.pk,
                subject_id=message.subject_id,
                channel="email",
                now=now,
            )
        except Refused as refused:
            logger.info("message %s: %s", message_id, refused)
