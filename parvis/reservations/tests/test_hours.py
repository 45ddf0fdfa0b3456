"""Opening hours against a plain model: every minute, one by one, by the clock on the wall."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parvis.core.errors import Refused
from parvis.reservations.hours import (
    Opening,
    Season,
    Span,
    chosen_instant,
    is_repeated,
    local_day,
    merged,
    minus,
    open_spans,
    wall_clock,
    week_of,
    within,
)

QUEBEC = ZoneInfo("America/Toronto")
NEWFOUNDLAND = ZoneInfo("America/St_Johns")
SPRING, AUTUMN = date(2026, 3, 8), date(2026, 11, 1)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)

quarters = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 45]))
seasons = st.none() | st.builds(
    Season,
    st.tuples(st.integers(1, 12), st.integers(1, 28)),
    st.tuples(st.integers(1, 12), st.integers(1, 28)),
)
openings = st.lists(st.builds(Opening, st.integers(0, 6), quarters, quarters, seasons), max_size=6)
days = st.sampled_from([SPRING, AUTUMN]).flatmap(
    lambda night: st.integers(-3, 3).map(lambda n: night + n * DAY)
) | st.dates(date(2024, 1, 2), date(2028, 12, 30))


def minutes_of(spans):
    return {
        span.start + n * MINUTE for span in spans for n in range((span.end - span.start) // MINUTE)
    }


def plain_open_minutes(rows, closures, on, zone):
    """A caretaker who looks at the clock each minute, from two days before, and is told the rules.

    He opens at the first minute at which the clock has reached the hour, and closes after the
    last minute at which it has not reached the other one.
    """
    first = datetime.combine(on - 2 * DAY, time(12), tzinfo=UTC)
    clock = [first + n * MINUTE for n in range(5 * 24 * 60)]
    wall = [one.astimezone(zone).replace(tzinfo=None) for one in clock]
    found = set()
    for opened_on in (on - DAY, on):
        for row in rows:
            rules_of_day = [one for one in rows if one.season and one.season.holds(opened_on)]
            counts = row in rules_of_day if rules_of_day else row.season is None
            if not counts or row.weekday != opened_on.weekday():
                continue
            ends_on = opened_on + DAY if row.closes <= row.opens else opened_on
            begin = datetime.combine(opened_on, row.opens)
            end = datetime.combine(ends_on, row.closes)
            reached = [i for i, at in enumerate(wall) if at >= begin]
            not_yet = [i for i, at in enumerate(wall) if at < end]
            found.update(clock[reached[0] : not_yet[-1] + 1])
    return {
        at
        for at in found
        if at.astimezone(zone).date() == on
        and not any(a <= at.astimezone(zone).date() <= b for a, b in closures)
    }


@settings(deadline=None, max_examples=60)
@given(
    openings, st.lists(st.tuples(days, days), max_size=2), days,
    st.sampled_from([QUEBEC, NEWFOUNDLAND]),
)  # fmt: skip
def test_the_hours_of_a_day_are_those_of_a_caretaker_with_a_clock(rows, closures, on, zone):
    found = open_spans(rows, closures, on, on, zone)
    assert found == merged(found)
    assert minutes_of(found) == plain_open_minutes(rows, closures, on, zone)


@settings(deadline=None)
@given(openings, days, st.integers(0, 9))
def test_a_week_is_the_sum_of_its_days(rows, on, more):
    whole = open_spans(rows, [], on, on + more * DAY, QUEBEC)
    apart = [
        one
        for n in range(more + 1)
        for one in open_spans(rows, [], on + n * DAY, on + n * DAY, QUEBEC)
    ]
    assert whole == merged(apart)


@pytest.mark.parametrize(("on", "hours"), [(SPRING, 23), (AUTUMN, 25), (date(2026, 6, 6), 24)])
def test_the_nights_when_the_clock_changes_are_as_long_as_they_are(on, hours):
    assert local_day(on, QUEBEC).length == timedelta(hours=hours)
    all_day = [Opening(n, time(0), time(0)) for n in range(7)]
    assert open_spans(all_day, [], on, on, QUEBEC) == [local_day(on, QUEBEC)]


def test_an_hour_that_the_clock_skips_is_refused_with_the_next_one():
    with pytest.raises(Refused, match="2\u00a0h\u00a030 n’existe pas. Choisissez 3\u00a0h ou"):
        chosen_instant(SPRING, time(2, 30), QUEBEC)
    assert chosen_instant(SPRING, time(3), QUEBEC) == datetime(2026, 3, 8, 7, tzinfo=UTC)
    # The place itself opens at the jump.
    assert wall_clock(SPRING, time(2, 30), QUEBEC) == datetime(2026, 3, 8, 7, tzinfo=UTC)


def test_an_hour_shown_twice_is_the_first_unless_the_second_is_asked_for():
    first = chosen_instant(AUTUMN, time(1, 30), QUEBEC)
    second = chosen_instant(AUTUMN, time(1, 30), QUEBEC, later=True)
    assert second - first == timedelta(hours=1)
    assert is_repeated(AUTUMN, time(1, 30), QUEBEC)
    assert not is_repeated(AUTUMN, time(2), QUEBEC)
    assert not is_repeated(SPRING, time(2, 30), QUEBEC)


def test_a_season_replaces_the_whole_week_and_may_pass_the_new_year():
    year, winter = Opening(0, time(9), time(17)), Season((12, 1), (3, 15))
    rink = Opening(5, time(10), time(22), winter)
    assert week_of([year, rink], date(2026, 12, 31)) == [rink]
    assert week_of([year, rink], date(2027, 3, 15)) == [rink]
    assert week_of([year, rink], date(2027, 3, 16)) == [year]
    monday = date(2027, 1, 4)
    assert open_spans([year, rink], [], monday, monday, QUEBEC) == []


def test_a_day_or_a_season_out_of_the_calendar_is_refused():
    for weekday, season in ((7, None), (0, Season((2, 30), (3, 1))), (0, Season((1, 1), (13, 1)))):
        with pytest.raises(Refused):
            Opening(weekday, time(9), time(17), season)
    assert Opening(0, time(9), time(17), Season((2, 29), (3, 1))).season


hours = st.integers(0, 60).map(lambda n: datetime(2026, 11, 1, tzinfo=UTC) + n * timedelta(hours=1))
some_spans = st.lists(st.builds(Span, hours, hours), max_size=8)


def plain(spans):
    step = timedelta(hours=1)
    return {
        span.start + n * step
        for span in spans
        for n in range(max(0, (span.end - span.start) // step))
    }


@settings(deadline=None)
@given(some_spans, some_spans, st.builds(Span, hours, hours))
def test_sums_and_differences_of_spans_are_those_of_their_hours(ones, others, window):
    assert plain(merged(ones)) == plain(ones)
    assert plain(minus(ones, others)) == plain(ones) - plain(others)
    assert plain(within(ones, window)) == plain(ones) & plain([window])
    for found in (merged(ones), minus(ones, others)):
        assert all(one.end < two.start for one, two in zip(found, found[1:], strict=False))
        assert all(one.start < one.end for one in found)
