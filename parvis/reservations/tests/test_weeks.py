"""The week of a place, as it is shown."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parvis.core.errors import Refused
from parvis.reservations import weeks
from parvis.reservations.hours import Opening, Span, open_spans
from parvis.reservations.rules import Terms

ZONE = ZoneInfo("America/Toronto")
HOUR = timedelta(hours=1)
MONDAY = date(2026, 5, 18)
TERMS = Terms(step=HOUR, shortest=HOUR, longest=4 * HOUR, notice=2 * HOUR, days_ahead=4)


def local(day, hour, *, month=5, year=2026, fold=0):
    return datetime(year, month, day, hour, tzinfo=ZONE, fold=fold).astimezone(UTC)


def week(first_on, opened, free, *, terms=TERMS, now, chosen=()):
    return weeks.days(first_on, opened, free, terms, now=now, zone=ZONE, chosen=chosen)


def test_each_day_shows_what_may_be_had_and_why_the_rest_may_not():
    opened = open_spans(
        [Opening(n, time(9), time(12)) for n in range(7)],
        [],
        MONDAY,
        MONDAY + timedelta(days=6),
        ZONE,
    )
    busy = {1: [Span(local(19, 9), local(19, 11))], 2: [Span(local(19, 10), local(19, 12))]}
    free = weeks.free_cells(opened, busy, [1, 2], TERMS)
    shown = week(MONDAY, opened, free, now=local(18, 9), chosen=[local(19, 11)])
    assert [[cell.state for cell in day.cells] for day in shown] == [
        ["past", "soon", "free"],
        ["free", "taken", "free"],
        *[["free"] * 3] * 3,
        *[["far"] * 3] * 2,
    ]
    assert [cell.chosen for cell in shown[1].cells] == [False, False, True]
    assert [day.free for day in shown] == [1, 2, 3, 3, 3, 0, 0]
    assert shown[1].cells[0].key == "20260519T130000Z"


def test_preparation_around_a_booking_is_not_offered():
    opened = [Span(local(19, 9), local(19, 15))]
    terms = Terms(step=HOUR, shortest=HOUR, longest=HOUR, before=HOUR / 2, after=HOUR / 2)
    taken = Span(local(19, 11), local(19, 12)).widened(HOUR / 2, HOUR / 2)
    free = weeks.free_cells(opened, {1: [taken]}, [1], terms)
    assert free == {local(19, 9), local(19, 13), local(19, 14)}


def test_the_night_of_november_shows_the_hour_twice_and_that_of_march_leaves_it_out():
    def shown(on):
        opened = open_spans([Opening(6, time(0), time(4))], [], on, on, ZONE)
        free = weeks.free_cells(opened, {}, [1], TERMS)
        now = datetime(on.year, on.month, on.day, tzinfo=UTC) - timedelta(days=2)
        return week(on, opened, free, now=now)[0].cells

    autumn, spring = shown(date(2026, 11, 1)), shown(date(2026, 3, 8))
    assert [cell.at.hour for cell in autumn] == [0, 1, 1, 2, 3]
    assert [cell.twice for cell in autumn] == [False, True, True, False, False]
    assert len({cell.key for cell in autumn}) == 5
    assert [cell.at.hour for cell in spring] == [0, 1, 3]


def test_chosen_steps_follow_each_other_or_are_refused():
    assert weeks.joined([], HOUR) is None
    assert weeks.joined([local(19, 11), local(19, 10), local(19, 10)], HOUR) == Span(
        local(19, 10), local(19, 12)
    )
    with pytest.raises(Refused, match="qui se suivent"):
        weeks.joined([local(19, 9), local(19, 11)], HOUR)


@settings(deadline=None)
@given(st.integers(1, 12), st.sampled_from([timedelta(minutes=30), HOUR]))
def test_a_span_is_the_sum_of_its_steps(count, step):
    span = Span(local(19, 9), local(19, 9) + count * step)
    assert weeks.joined(weeks.steps_of(span, step), step) == span


@pytest.mark.parametrize("text", ["", "demain", "20260230T100000Z", "99990101T000000Z", "1" * 400])
def test_an_instant_that_is_none_is_refused(text):
    with pytest.raises(Refused):
        weeks.instant(text)
    assert weeks.instant(weeks.key(local(19, 10))) == local(19, 10)
