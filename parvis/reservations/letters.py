"""What residents are told about their bookings, in the portal, by letter and by push."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import translation
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from parvis.core import typography
from parvis.notifications.actions import send_message
from parvis.notifications.models import Message
from parvis.reservations import mine
from parvis.reservations.models import Booking
from parvis.reservations.wording import said_moment, said_period
from parvis.residents.rules import interface_language

DAY_BEFORE = timedelta(hours=24)

TITLES: dict[str, Any] = {
    "reservations.booked": _("Réservé\u00a0: {what}"),
    "reservations.asked": _("Demande reçue\u00a0: {what}"),
    "reservations.approved": _("Demande acceptée\u00a0: {what}"),
    "reservations.refused": _("Demande refusée\u00a0: {what}"),
    "reservations.changed": _("Réservation modifiée\u00a0: {what}"),
    "reservations.cancelled": _("Réservation annulée\u00a0: {what}"),
    "reservations.cancelled_by_town": _("La Ville annule votre réservation\u00a0: {what}"),
    "reservations.reminded": _("Rappel\u00a0: {what}"),
    "reservations.offered": _("Une place s’est libérée\u00a0: {what}"),
    "reservations.offer_lapsed": _("Votre tour est passé\u00a0: {what}"),
}
"""Kind of message → its title."""
OF_LINE = frozenset({"reservations.offered", "reservations.offer_lapsed"})
"""Said to who waits: there is no reservation to quote yet."""
TELLS_HOW = frozenset(
    {
        "reservations.booked",
        "reservations.approved",
        "reservations.changed",
        "reservations.reminded",
    }
)
"""Where instructions are said, once the day is near."""


NO_MORE = frozenset(
    {"reservations.refused", "reservations.cancelled", "reservations.cancelled_by_town"}
)
"""What will not take place: nothing to bring, nowhere to go."""


def things(booking: Booking) -> list[str]:
    """What it is about: «Gymnase de Naudville», «Tables pliantes (12)»."""
    named = []
    for one in booking.takings.select_related("resource", "unit"):
        extra = one.unit.name if one.unit is not None else ""
        if one.unit is None:
            extra = str(one.quantity)
        named.append(f"{one.resource.name} ({extra})" if extra else one.resource.name)
    return named


def instructions(booking: Booking) -> list[tuple[str, str]]:
    """How to get in, thing by thing."""
    found = {
        one.resource.name: one.resource.instructions.strip()
        for one in booking.takings.select_related("resource")
        if one.resource.instructions.strip()
    }
    return list(found.items())


def meeting(booking: Booking) -> list[tuple[str, str]]:
    """How an appointment takes place and what to have at hand; nothing of other bookings."""
    if not booking.way:
        return []
    return mine.meeting(booking, list(booking.takings.select_related("resource__address", "unit")))


def is_near(booking: Booking, now: datetime) -> bool:
    """Whether the day before has begun: time to say how to get in."""
    return bool(now >= booking.period.lower - DAY_BEFORE)


def tell(
    booking: Booking, kind: str, *, now: datetime, actor: Any = None, note: str = "",
    url: str = "",
) -> Message:  # fmt: skip
    """Plan the message of what became of a booking."""
    content = {"fr": said(booking, kind, "fr", now=now, note=note)}
    if speaks_english(booking):
        content["en"] = said(booking, kind, "en", now=now, note=note)
    if url:
        content = {language: words | {"url": url} for language, words in content.items()}
    return send_message(
        municipality=booking.municipality,
        kind=kind,
        content=content,
        now=now,
        author=actor,
        reference=f"booking:{booking.pk}",
        resident_ids=[booking.resident_id],
    )


def speaks_english(booking: Booking) -> bool:
    """Whether the law lets the town write this to the person in English."""
    town = booking.municipality
    chosen = interface_language("en", recognised=town.recognised_29_1, offered=town.languages)
    return chosen == "en"


def said(booking: Booking, kind: str, language: str, *, now: datetime, note: str) -> dict[str, str]:
    names = things(booking)
    what = ", ".join(names)
    with translation.override(language):
        period = said_period(booking.span, zone=booking.municipality.zone, now=now)
        title = str(TITLES[kind]).format(what=what)
        lines = [period[:1].upper() + period[1:] + "."]
        if kind not in NO_MORE:
            lines += [
                f"{name}\u00a0: {', '.join(text.splitlines())}" for name, text in meeting(booking)
            ]
        if kind == "reservations.asked":
            lines.append(str(_("La Ville vous répondra ici et par vos moyens choisis.")))
        if kind == "reservations.offered" and booking.held_until is not None:
            until = said_moment(booking.held_until, zone=booking.municipality.zone, now=now)
            lines.append(
                str(_("La place est gardée pour vous jusqu’à ce moment\u00a0: {until}.")).format(
                    until=until
                )
            )
            lines.append(str(_("Réservez-la d’ici là, ou laissez-la à la personne suivante.")))
        if kind == "reservations.offer_lapsed":
            lines.append(str(_("La place qui vous était offerte est passée à la suite.")))
        if booking.total and kind in {"reservations.booked", "reservations.approved"}:
            lines.append(
                str(_("À payer à la Ville\u00a0: {total}.")).format(
                    total=typography.money(booking.total, english=language == "en")
                )
            )
        if kind == "reservations.cancelled" and booking.kept:
            lines.append(
                str(_("Frais d’annulation\u00a0: {kept}.")).format(
                    kept=typography.money(booking.kept, english=language == "en")
                )
            )
        if note:
            lines.append(note)
        how = []
        if kind in TELLS_HOW and is_near(booking, now) and booking.state == "confirmed":
            how = instructions(booking)
        number = str(_("Réservation {reference}.")).format(reference=booking.reference)
        if kind in OF_LINE:
            number = ""
    html = [format_html("<p>{}</p>", line) for line in lines]
    html += [format_html("<p><b>{}</b></p>{}", name, _paragraphs(text)) for name, text in how]
    if number:
        html.append(format_html("<p>{}</p>", number))
    return {
        "title": title[:200],
        "body": " ".join([*lines, *(f"{name}\u00a0: {text}" for name, text in how)]),
        "html": "".join(html),
        "url": booking.get_absolute_url(),
    }


def _paragraphs(text: str) -> str:
    lines = ((line,) for line in text.splitlines() if line.strip())
    return format_html_join("", "<p>{}</p>", lines)


def note_near(booking: Booking, *, now: datetime) -> None:
    """What was said within the last day needs no reminder."""
    if booking.state == Booking.State.CONFIRMED and is_near(booking, now):
        booking.reminded_at = now
        booking.save(update_fields=["reminded_at"])
