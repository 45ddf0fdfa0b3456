"""Whether someone may have what they ask for: who they are, what they answered, what they had."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _

from parvis.core.errors import Refused
from parvis.core.money import ZERO
from parvis.reservations import appointments, prices, quotas, rules
from parvis.reservations.hours import Span
from parvis.reservations.models import (
    Booking,
    Limit,
    Organisation,
    OrganisationMember,
    Question,
    Resource,
    Taking,
)
from parvis.reservations.readings import Line, Offer, nearest_free
from parvis.residents.models import Phone, Place, Resident

LINES = 20
Asked = Sequence[tuple[Offer, Line]]


def merged_lines(lines: Sequence[Line]) -> list[Line]:
    """The same equipment asked for twice is asked for once; or raise Refused."""
    if not lines:
        raise Refused(_("Choisissez ce que vous voulez réserver."))
    if len(lines) > LINES:
        raise Refused(_("Une réservation compte {n} lignes au plus.").format(n=LINES))
    found: dict[tuple[int, int | None, int], Line] = {}
    for place, line in enumerate(lines):
        # Units are places: each line of a space is one of them.
        own = place if line.unit_id is None and line.quantity == 1 else 0
        key = (line.resource_id, line.unit_id, own)
        before = found.get(key)
        found[key] = (
            Line(line.resource_id, before.quantity + line.quantity, line.unit_id)
            if before
            else line
        )
    return list(found.values())


def digest(lines: Sequence[Line], span: Span, **more: object) -> str:
    """What was asked for, as a hash: a key that comes back with something else is refused."""
    asked = {
        "lines": sorted((asdict(one) for one in lines), key=str),
        "span": [span.start.astimezone(UTC), span.end.astimezone(UTC)],
        **more,
    }
    return hashlib.sha256(
        json.dumps(asked, sort_keys=True, default=str, ensure_ascii=False).encode()
    ).hexdigest()


def check_times(
    asked: Asked, span: Span, *, now: datetime, at_counter: bool, but: int | None = None
) -> None:
    """Raise Refused, with the nearest free times, unless all of it may be had then by its rules.

    At the counter, notice and advance are the clerk's to judge; the past is nobody's.
    """
    town = asked[0][0].resource.municipality
    try:
        rules.check_order(span)
        for offered, line in asked:
            resource = offered.resource
            if resource.state != Resource.State.OPEN:
                raise Refused(_("{name}\u00a0: ce n’est plus offert.").format(name=resource.name))
            check_amount(offered, line)
            terms = resource.terms
            if at_counter:
                if span.start <= now:
                    rules.check_notice(span, terms, now=now, zone=town.zone)
            else:
                rules.check_notice(span, terms, now=now, zone=town.zone)
            rules.check_length(span, terms)
            check_hours(offered, span)
    except Refused as refused:
        near = nearest_free(town, asked, span, now=now, but=but, at_counter=at_counter)
        raise rules.Taken(str(refused), near) from refused


def check_amount(offered: Offer, line: Line) -> None:
    if offered.resource.is_space:
        if line.quantity != 1:
            raise Refused(_("Un lieu se réserve une fois\u00a0: choisissez une quantité de 1."))
    else:
        rules.check_quantity(line.quantity, offered.resource.total or 0)


def check_hours(offered: Offer, span: Span) -> None:
    """Raise Refused, with the reason of a closure, unless it is open then."""
    zone = offered.resource.municipality.zone
    opened = offered.opened_around(span, zone)
    try:
        if offered.resource.is_space:
            rules.check_open(span, opened)
            rules.check_step(span, offered.resource.terms, opened)
        else:
            rules.check_pick_up(span, opened)
    except Refused as refused:
        closed = offered.closure_on(span.start.astimezone(zone).date())
        if closed is not None and closed.reason:
            raise Refused(
                _("Fermé ce jour-là\u00a0: {reason}.").format(reason=closed.reason)
            ) from refused
        raise


def organisation_of(
    resident: Resident, organisation_id: int | None, *, at_counter: bool
) -> Organisation | None:
    """The organisation in whose name it is, or raise Refused unless the person may speak for it."""
    if organisation_id is None:
        return None
    found: Organisation | None = (
        Organisation.objects.of(resident.municipality_id)
        .filter(pk=organisation_id, archived_at__isnull=True)
        .first()
    )
    speaks = found is not None and (
        at_counter
        or OrganisationMember.objects.of(resident.municipality_id)
        .filter(organisation=found, resident=resident)
        .exists()
    )
    if not speaks:
        raise Refused(_("Vous ne pouvez pas réserver au nom de cet organisme."))
    return found


def home_of(resident: Resident) -> Place | None:
    found: Place | None = (
        Place.objects.of(resident.municipality_id)
        .filter(resident=resident, kind=Place.Kind.HOME)
        .first()
    )
    return found


def check_who(
    asked: Asked, *, home: Place | None, organisation: Organisation | None, span: Span
) -> None:
    """Raise Refused unless this person, or organisation, is of those to whom it is lent."""
    for offered, _line in asked:
        resource = offered.resource
        on = span.start.astimezone(resource.municipality.zone).date()
        lives = home is not None and home.address_id is not None
        if resource.open_to == Resource.OpenTo.RESIDENTS and not lives:
            raise Refused(
                _(
                    "{name} se prête aux gens qui habitent la ville. Ajoutez votre adresse à "
                    "votre compte."
                ).format(name=resource.name)
            )
        if resource.open_to == Resource.OpenTo.VERIFIED and not (
            lives and home is not None and home.verified_at is not None
        ):
            raise Refused(
                _(
                    "{name} se prête aux gens dont l’adresse est vérifiée. Passez au comptoir avec "
                    "une preuve de résidence."
                ).format(name=resource.name)
            )
        if resource.open_to == Resource.OpenTo.ORGANISATIONS and not (
            organisation is not None and is_recognised(organisation, on)
        ):
            raise Refused(
                _(
                    "{name} se prête aux organismes reconnus. Réservez au nom du vôtre, ou "
                    "appelez la Ville."
                ).format(name=resource.name)
            )


def is_recognised(organisation: Organisation, on: Any) -> bool:
    return organisation.recognised_until is not None and on <= organisation.recognised_until


def price_class(*, home: Place | None, organisation: Organisation | None, on: Any) -> str:
    """A recognised organisation pays its own class; anyone else, as one who lives here or not."""
    if organisation is not None and is_recognised(organisation, on):
        return organisation.price_class
    lives = home is not None and home.address_id is not None
    return prices.RESIDENT if lives else prices.NON_RESIDENT


def quoted(asked: Asked, span: Span, of_class: str) -> tuple[prices.Quote, dict[str, Any]]:
    """The price, and the same in words and numbers to keep with the booking; or raise Refused."""
    town = asked[0][0].resource.municipality
    wishes = [
        prices.Wish(
            rates=[one.rate for one in offered.rates],
            span=span,
            quantity=line.quantity,
            deposit=offered.resource.deposit,
            deposit_each=offered.resource.deposit_each,
        )
        for offered, line in asked
        if offered.rates
    ]
    quote = prices.quote(wishes, of_class, town.zone)
    # What has no rate is free, but may ask for a deposit all the same.
    extra = sum(
        (
            offered.resource.deposit * (line.quantity if offered.resource.deposit_each else 1)
            for offered, line in asked
            if not offered.rates
        ),
        ZERO,
    )
    named = [(offered.resource, line.quantity) for offered, line in asked if offered.rates]
    kept = {
        "lines": [
            {
                "resource": resource.pk,
                "name": resource.name,
                "quantity": quantity,
                "unit": one.rate.unit,
                "each": str(one.rate.amount),
                "count": str(one.count),
                "amount": str(one.amount),
            }
            for (resource, quantity), one in zip(named, quote.lines, strict=True)
        ],
        "subtotal": str(quote.subtotal),
        "gst": str(quote.gst),
        "qst": str(quote.qst),
        "total": str(quote.total),
        "deposit": str(quote.deposit + extra),
    }
    return quote, kept


def check_limits(
    asked: Asked, span: Span, *, resident: Resident, home: Place | None, now: datetime,
    but: int | None = None,
) -> None:  # fmt: skip
    """Raise Refused if the person, or their household, would have more than the limits let them.

    The resource is locked: two wishes of one household come one after the other.
    """
    limits: list[tuple[Offer, Limit]] = [
        (offered, one) for offered, _line in asked for one in offered.limits
    ]
    if not limits:
        return
    household = household_of(resident, home)
    rows = list(
        Taking.objects.of(resident.municipality_id)
        .standing(now)
        .filter(
            resource__in=[offered.resource.pk for offered, _one in limits],
            booking__resident__in=household,
        )
        .exclude(booking_id=but)
        .values_list("resource_id", "booking__resident_id", "booking_id", "period")
    )
    for offered, one in limits:
        whose = household if one.whose == quotas.HOUSEHOLD else [resident.pk]
        had = {
            booking: Span(period.lower, period.upper)
            for resource_id, person, booking, period in rows
            if resource_id == offered.resource.pk and person in whose
        }
        quotas.check_quota(
            one.quota, had.values(), span, now=now, zone=offered.resource.municipality.zone
        )


def household_of(resident: Resident, home: Place | None) -> list[int]:
    """Everyone whose home, verified by the town, is at this person's verified address."""
    if home is None or home.address_id is None or home.verified_at is None:
        return [resident.pk]
    others = Place.objects.of(resident.municipality_id).filter(
        kind=Place.Kind.HOME, address=home.address_id, verified_at__isnull=False
    )
    return [*{resident.pk, *others.values_list("resident_id", flat=True)}]


def answered(asked: Asked, answers: Mapping[int, str]) -> list[dict[str, str]]:
    """The answers to what is asked, in order, as they are kept; or raise Refused."""
    kept = []
    for offered, _line in asked:
        for question in offered.questions:
            said = " ".join(str(answers.get(question.pk, "")).split())[:500]
            check_answer(question, said)
            if said:
                kept.append({"question": question.label, "answer": said})
    return kept


def check_answer(question: Question, said: str) -> None:
    if not said:
        if question.required:
            raise Refused(_("Répondez à la question\u00a0: {label}").format(label=question.label))
        return
    if question.kind == Question.Kind.NUMBER and not (said.isdecimal() and len(said) < 10):
        raise Refused(_("Répondez par un nombre\u00a0: {label}").format(label=question.label))
    if question.kind == Question.Kind.CHOICE and said not in question.choices:
        raise Refused(
            _("Choisissez une réponse de la liste\u00a0: {label}").format(label=question.label)
        )


def conditions_of(asked: Asked, *, accepted: bool) -> str:
    """What is accepted, word for word; or raise Refused unless it is."""
    texts = {
        offered.resource.conditions.strip(): None
        for offered, _line in asked
        if offered.resource.conditions.strip()
    }
    if texts and not accepted:
        raise Refused(_("Acceptez les conditions pour continuer."))
    return "\n\n".join(texts)


def check_alone(asked: Asked) -> None:
    """Raise Refused if an appointment is asked for with something else."""
    if len(asked) > 1 and any(offered.resource.is_appointment for offered, _line in asked):
        raise Refused(_("Un rendez-vous se prend seul\u00a0: réservez le reste à part."))


def way_of(asked: Asked, way: str, *, resident: Resident, at_counter: bool) -> str:
    """How an appointment takes place, or raise Refused; nothing else has a way.

    Who is to be called has a number on their account; a clerk who hears them may judge.
    """
    if not asked[0][0].resource.is_appointment:
        return ""
    chosen = appointments.chosen_way(asked[0][0].resource.ways, way)
    numbers = Phone.objects.of(resident.municipality_id).filter(resident=resident)
    if chosen == appointments.PHONE and not at_counter and not numbers.exists():
        raise Refused(
            _(
                "Pour qu’on vous appelle, ajoutez d’abord votre numéro de téléphone à votre "
                "compte, ou choisissez une autre façon."
            )
        )
    return chosen


def check_people(asked: Asked, people: int | None) -> None:
    """Raise Refused if the place does not hold so many."""
    if people is None:
        return
    for offered, _line in asked:
        most = offered.resource.capacity
        if offered.resource.is_space and most is not None and people > most:
            raise Refused(
                _("{name} reçoit {most} personnes au plus.").format(
                    name=offered.resource.name, most=most
                )
            )


def state_after(asked: Asked, *, at_counter: bool) -> str:
    """Confirmed at once unless it waits for an approval; a clerk who books approves."""
    waits = any(offered.resource.mode == Resource.Mode.APPROVAL for offered, _line in asked)
    return Booking.State.ASKED if waits and not at_counter else Booking.State.CONFIRMED
