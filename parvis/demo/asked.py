"""What people of the invented towns asked for by themselves, as anybody would."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from parvis.municipalities.models import Municipality
from parvis.reservations import actions, hours, lineup, moments, slots, waiting
from parvis.reservations.hours import Span
from parvis.reservations.models import (
    Question,
    Resource,
    Taking,
)
from parvis.reservations.readings import Line, offers
from parvis.residents.models import Resident

DAY = timedelta(days=1)
ACTIVITIES = (
    "Badminton entre voisins", "Fête d’enfants", "Réunion du comité", "Cours de danse",
    "Répétition de la chorale", "Souper de famille", "Pratique de l’équipe", "Atelier de tricot",
)  # fmt: skip


def free_span(resource: Resource, length: timedelta, *, after: datetime) -> Span | None:
    """The first free time of a space from then on."""
    town = resource.municipality
    offer = offers(town, [resource])[resource.pk]
    first_on = after.astimezone(town.zone).date()
    opened = offer.opened(first_on, first_on + 14 * DAY, town.zone)
    taken = [
        hours.Span(row.blocked.lower, row.blocked.upper)
        for row in Taking.objects.of(town).filter(resource=resource, stands=True)
    ]
    terms = resource.terms
    found = slots.starts(
        opened, taken, step=terms.step, length=length, before=terms.before, after=terms.after
    )
    return next((Span(one, one + length) for one in found if one > after), None)


def book_for(
    town: Municipality, agathe: Resident, resources: list[Resource], *, now: datetime
) -> None:
    """Two things that Agathe has: the gymnasium in a few days, tables for a week-end."""
    gym, hall = resources[0], resources[1]
    span = free_span(gym, timedelta(hours=2), after=now + 3 * DAY)
    if span is not None:
        actions.book(
            resident=agathe, lines=[Line(gym.pk)], span=span, now=now - timedelta(hours=20),
            purpose=ACTIVITIES[0], people=8, accepted=True,
        )  # fmt: skip
    monday = now.astimezone(town.zone).date()
    monday += (7 - monday.weekday()) * DAY
    tables, chairs = (one for one in resources if one.family == "furniture")
    span = Span(
        hours.wall_clock(monday + 4 * DAY, time(15), town.zone),
        hours.wall_clock(monday + 7 * DAY, time(9), town.zone),
    )
    lines = [Line(tables.pk, quantity=6), Line(chairs.pk, quantity=30)]
    actions.book(
        resident=agathe, lines=lines, span=span, now=now - timedelta(hours=30),
        purpose="Épluchette de la rue des Bouleaux",
    )  # fmt: skip
    assert hall.mode == Resource.Mode.APPROVAL


def meet(agathe: Resident, office: Resource, *, now: datetime) -> None:
    """Agathe meets the inspector next week."""
    after = now + 6 * DAY
    found = moments.free(office, Span(after, after + 14 * DAY), now=now)
    if found:
        actions.book(
            resident=agathe, lines=[Line(office.pk)], span=found[0], way="here",
            now=now - timedelta(hours=3), purpose="Une remise au fond de la cour",
        )  # fmt: skip


def ask_for(people: list[Resident], hall: Resource, *, now: datetime) -> None:
    """Requests that wait for the town's answer."""
    question = Question.objects.of(hall.municipality_id).filter(resource=hall).first()
    answers = {question.pk: "Non"} if question else {}
    for number, person in enumerate(people):
        after = now + (9 + 3 * number) * DAY
        span = free_span(hall, timedelta(hours=4), after=after)
        if span is not None:
            actions.book(
                resident=person, lines=[Line(hall.pk)], span=span, people=45 + 20 * number,
                now=now - timedelta(hours=5 + number), purpose=ACTIVITIES[1 + number],
                answers=answers, accepted=True,
            )  # fmt: skip


def wait_for(people: list[Resident], resources: list[Resource], *, now: datetime) -> None:
    """Agathe is second in line for the gymnasium; one hour of another room is hers to take."""
    agathe, first, keeper = people[0], people[4], people[5]
    gym = resources[0]
    room = next(one for one in resources if one.name == "Local des aînés")
    for resource, who, days in ((gym, (first, agathe), 5), (room, (agathe,), 6)):
        span = free_span(resource, timedelta(hours=2), after=now + days * DAY)
        if span is None:
            continue
        taken = actions.book(
            resident=keeper, lines=[Line(resource.pk)], span=span, now=now - timedelta(hours=8),
            purpose=ACTIVITIES[0], accepted=True,
        )  # fmt: skip
        for hours_ago, person in zip((6, 3), who, strict=False):
            waiting.join(
                resident=person, line=Line(resource.pk), span=span,
                now=now - timedelta(hours=hours_ago),
            )  # fmt: skip
        if resource is room:
            actions.cancel(taken, now=now)
    lineup.serve_town(gym.municipality_id, draw=actions.draw_up, now=now)
