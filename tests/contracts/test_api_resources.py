"""What is lent and when it is free, for programs: what is promised to strangers."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from parvis.core.db import as_town
from parvis.reservations import actions
from parvis.reservations.hours import Span
from parvis.reservations.readings import Line
from parvis.reservations.tests import make
from parvis.residents.tests import make as people

PROBLEM = "application/problem+json"
HOUR = timedelta(hours=1)


@pytest.fixture
def stranger(town) -> Client:
    return Client(headers={"host": "alma.localhost"})


def soon(days: int = 3) -> date:
    return timezone.now().astimezone(make.ZONE).date() + timedelta(days=days)


def slots(stranger, resource, **asked) -> list[tuple[datetime, datetime]]:
    """The free slots of one day."""
    on = asked.pop("on", soon())
    answer = stranger.get(
        f"/api/v1/resources/{resource.pk}/availability",
        {"first": on.isoformat(), "last": on.isoformat(), **asked},
    )
    assert answer.status_code == 200, answer.content
    return [
        (datetime.fromisoformat(one["start"]), datetime.fromisoformat(one["end"]))
        for one in answer.json()["slots"]
    ]


def test_what_is_offered_is_listed_by_name_and_nothing_else(stranger, town, other_town):
    make.space(town, "Salle B", instructions="Code 4321")
    make.equipment(town, "Chaises", total=40)
    make.space(town, "En préparation", state="draft")
    make.space(town, "Retirée", state="closed")
    with as_town(other_town.pk):
        theirs = make.space(other_town, "Ailleurs")
    page = stranger.get("/api/v1/resources").json()
    assert [(one["name"], one["kind"], one["pieces"]) for one in page["items"]] == [
        ("Chaises", "equipment", 40),
        ("Salle B", "space", None),
    ]
    spaces = stranger.get("/api/v1/resources?kind=space").json()
    assert [one["name"] for one in spaces["items"]] == ["Salle B"]
    whole = stranger.get(f"/api/v1/resources/{spaces['items'][0]['id']}")
    assert whole.json()["time_zone"] == "America/Toronto"
    assert "4321" not in whole.content.decode()
    desk = make.desk(town)
    assert stranger.get("/api/v1/resources").json() == page
    assert stranger.get(f"/api/v1/resources/{desk.pk}").status_code == 404
    for url in (f"{theirs.pk}", "0", str(10**30), f"{theirs.pk}/availability?first=a&last=b"):
        assert stranger.get(f"/api/v1/resources/{url}").status_code in {404, 422}
    assert stranger.get(f"/api/v1/resources/{theirs.pk}").status_code == 404


def test_each_slot_can_be_booked_and_what_is_taken_is_none(stranger, town):
    room = make.space(town, opens=time(8), closes=time(12), after=30)
    free = slots(stranger, room)
    assert [start.astimezone(make.ZONE).hour for start, _end in free] == [8, 9, 10, 11]
    person = people.resident(town)
    # 9 to 10, and half an hour to clean: ten o'clock is gone with it, and so is eight.
    actions.book(resident=person, lines=[Line(room.pk)], span=Span(*free[1]), now=timezone.now())
    left = slots(stranger, room)
    assert [start.astimezone(make.ZONE).hour for start, _end in left] == [11]
    for start, end in left:
        actions.book(
            resident=person, lines=[Line(room.pk)], span=Span(start, end), now=timezone.now()
        )
    assert slots(stranger, room) == []
    answer = stranger.get(
        f"/api/v1/resources/{room.pk}/availability?first={soon()}&last={soon()}"
    ).content.decode()
    assert person.first_name not in answer and str(person.email) not in answer


def test_an_evening_that_ends_after_midnight_sees_who_has_the_next_morning(stranger, town):
    hall = make.space(town, opens=time(22), closes=time(2))
    midnight = datetime.combine(soon(4), time(0), make.ZONE)
    late = midnight - HOUR
    assert late in [start for start, _end in slots(stranger, hall, minutes=120)]
    actions.book(
        resident=people.resident(town), lines=[Line(hall.pk)], now=timezone.now(),
        span=Span(midnight, midnight + HOUR),
    )  # fmt: skip
    assert late not in [start for start, _end in slots(stranger, hall, minutes=120)]


def test_pieces_and_lengths_are_as_asked(stranger, town):
    tables = make.equipment(town, total=10)
    free = slots(stranger, tables, quantity=6, minutes=120)
    assert free and all(end - start == 2 * HOUR for start, end in free)
    start = free[0][0]
    actions.book(
        resident=people.resident(town), lines=[Line(tables.pk, 6)], span=Span(start, start + HOUR),
        now=timezone.now(),
    )  # fmt: skip
    assert start not in [one for one, _end in slots(stranger, tables, quantity=6)]
    assert start in [one for one, _end in slots(stranger, tables, quantity=4)]


def test_the_nights_when_the_clock_changes_have_the_hours_that_pass(stranger, town):
    lit = make.space(town, opens=time(0), closes=time(4), days_ahead=700)
    changes = [
        on
        for on in (soon(n) for n in range(1, 400))
        if (
            datetime.combine(on + timedelta(days=1), time(0), make.ZONE).utcoffset()
            != datetime.combine(on, time(0), make.ZONE).utcoffset()
        )
    ]
    assert sorted(len(slots(stranger, lit, on=on)) for on in changes[:2]) == [3, 5]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("first=2026-06-02&last=2026-06-01", "La fin doit suivre le début."),
        ("first=2026-06-01&last=2026-07-02", "Demandez 31 jours au plus à la fois."),
        ("first=2026-06-01&last=2026-06-01&minutes=5", "Choisissez au moins 1 heure."),
        ("first=2026-06-01&last=2026-06-01&minutes=9999", "Choisissez au plus 4 heures."),
        ("first=2026-06-01&last=2026-06-01&quantity=2", "quantité de 1"),
        ("first=demain&last=2026-06-01", "À corriger : first."),
        ("last=2026-06-01", "À corriger : first."),
        ("first=2026-06-01&last=2026-06-01&minutes=0&quantity=0", "minutes, quantity."),
        ("first=9999-12-31&last=9999-12-31", "Choisissez un jour du calendrier."),
        ("first=0001-01-01&last=0001-01-01", "Choisissez un jour du calendrier."),
    ],
)
def test_what_cannot_be_asked_is_a_problem_in_french(stranger, town, query, said):
    room = make.space(town)
    answer = stranger.get(f"/api/v1/resources/{room.pk}/availability?{query}")
    facts = answer.json()
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, PROBLEM)
    assert facts["status"] == 422 and facts["title"] and facts["type"] == "about:blank"
    assert said in facts["detail"].replace("\u00a0", " ")


def test_what_is_not_there_is_a_problem_too(stranger):
    for url in ("/api/v1/resources/7", "/api/v1/announcements/7"):
        answer = stranger.get(url)
        assert (answer.status_code, answer.headers["Content-Type"]) == (404, PROBLEM)
        assert answer.json()["title"] == "Introuvable"


def test_asking_twice_costs_nothing_and_nobody_writes(stranger, town):
    room = make.space(town)
    url = f"/api/v1/resources/{room.pk}/availability?first={soon()}&last={soon()}"
    first = stranger.get(url)
    again = stranger.get(url, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert first.headers["Access-Control-Allow-Origin"] == "*"
    assert stranger.post(url, "{}", content_type="application/json").status_code == 405
