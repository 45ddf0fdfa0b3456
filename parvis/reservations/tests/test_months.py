"""The reading of a month: what a plain count over the minutes of each day says."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from parvis.municipalities.tests.make import NOW
from parvis.reservations import actions
from parvis.reservations.hours import Span
from parvis.reservations.models import Closure, Resource
from parvis.reservations.months import availability
from parvis.reservations.readings import Line
from parvis.reservations.tests import make
from parvis.reservations.tests.make import span
from parvis.residents.tests import make as residents

HOUR = timedelta(hours=1)
MAY = (date(2026, 5, 1), date(2026, 5, 31))


@pytest.fixture
def agathe(town):
    return residents.resident(town)


def month(town, *resources, first=MAY[0], last=MAY[1], now=NOW):
    return availability(town, resources, first, last, now=now)


def test_preparation_counts_and_what_lies_outside_of_the_hours_does_not(town, agathe):
    room = make.space(town, before=60, after=30)
    make.booking(room, agathe, span(8))
    make.booking(room, agathe, span(20))
    shares = month(town, room)[room.pk]
    saturday = shares[22]
    # 8 to 10 h 30 (7 h is before it opens), and 19 to 22 h (22 h 30 is after it closes).
    assert (saturday.open, saturday.free) == (14 * HOUR, 8.5 * HOUR)
    assert {one.free for n, one in enumerate(shares) if n != 22} == {14 * HOUR}
    assert (shares[0].taken_percent, saturday.taken_percent) == (0, 39)


def test_like_places_and_pieces_add_up_and_a_closed_day_has_none(town, agathe):
    courts, tables = make.space(town, units=3), make.equipment(town, total=10)
    make.booking(courts, agathe)
    make.booking(tables, agathe, quantity=4)
    Closure.objects.create(
        municipality=town, first_on=date(2026, 5, 30), last_on=date(2026, 6, 2), created_at=NOW
    )
    found = month(town, courts, tables)
    assert found[courts.pk][22].free == (3 * 14 - 2) * HOUR
    assert found[tables.pk][22].free == (10 * 14 - 8) * HOUR
    assert found[courts.pk][30].open == found[tables.pk][29].open == timedelta(0)
    assert found[courts.pk][30].taken_percent == 0


def test_what_is_held_too_long_is_free_again(town, agathe):
    room = make.space(town)
    actions.hold(resident=agathe, lines=[Line(room.pk)], span=span(), now=NOW)
    assert month(town, room)[room.pk][22].free == 12 * HOUR
    assert month(town, room, now=NOW + actions.HOLD)[room.pk][22].free == 14 * HOUR


def test_the_days_of_the_clock_change_have_their_own_length(town, agathe):
    hall = make.space(town, opens=time(0), closes=time(0))
    first, last = date(2026, 10, 31), date(2026, 11, 2)
    start = datetime.combine(date(2026, 11, 1), time(0), tzinfo=make.ZONE).astimezone(UTC)
    make.booking(hall, agathe, Span(start, start + 3 * HOUR), now=start - 24 * HOUR)
    shares = month(town, hall, first=first, last=last, now=start)[hall.pk]
    assert [one.open for one in shares] == [24 * HOUR, 25 * HOUR, 24 * HOUR]
    assert [one.free for one in shares] == [24 * HOUR, 22 * HOUR, 24 * HOUR]


@pytest.mark.parametrize("many", [1, 3])
def test_it_takes_as_many_queries_for_one_as_for_many(town, agathe, many):
    for _n in range(many):
        make.booking(make.space(town), agathe)
    with CaptureQueriesContext(
        connection,
    ) as done:
        found = month(town, *Resource.objects.of(town).offered())
    assert (len(found), len(done)) == (many, 5)
