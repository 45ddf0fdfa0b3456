"""What is free, against a plain model that looks at each five minutes."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from parvis.reservations.hours import Opening, Span, merged, open_spans
from parvis.reservations.slots import (
    free_spans,
    most_taken,
    nearest,
    quantity_left,
    spans_with,
    starts,
)

QUEBEC = ZoneInfo("America/Toronto")
FIVE = timedelta(minutes=5)
BASE = datetime(2026, 10, 31, 12, tzinfo=UTC)


def at(n):
    return BASE + n * FIVE


ticks = st.integers(0, 120).map(at)
lists = st.lists(st.builds(Span, ticks, ticks), max_size=6)
lengths = st.integers(1, 24).map(lambda n: n * FIVE)
pauses = st.integers(0, 6).map(lambda n: n * FIVE)


def cells(spans):
    return {
        span.start + n * FIVE
        for span in spans
        for n in range(max(0, (span.end - span.start) // FIVE))
    }


@settings(deadline=None)
@given(lists, lists, lengths, lengths, pauses, pauses)
def test_starts_are_those_that_someone_with_a_pencil_would_find(
    opened, busy, step, length, before, after
):
    expected = []
    for span in merged(opened):
        at = span.start
        while at < span.end:
            use, blocked = (
                cells([Span(at, at + length)]),
                cells([Span(at - before, at + length + after)]),
            )
            if use <= cells(opened) and not blocked & cells(busy):
                expected.append(at)
            at += step
    assert starts(opened, busy, step=step, length=length, before=before, after=after) == expected


@settings(deadline=None)
@given(lists, lists)
def test_free_is_open_and_not_busy(opened, busy):
    assert cells(free_spans(opened, busy)) == cells(opened) - cells(busy)


loans = st.lists(st.tuples(st.builds(Span, ticks, ticks), st.integers(1, 9)), max_size=8)


@settings(deadline=None)
@given(loans, st.builds(Span, ticks, ticks), st.integers(1, 30))
def test_quantities_left_are_the_least_of_each_instant(taken, window, total):
    out = [sum(n for span, n in taken if cell in cells([span])) for cell in cells([window])]
    assert most_taken(taken, window) == max(out, default=0)
    assert quantity_left(total, taken, window) == max(0, total - max(out, default=0))


@settings(deadline=None)
@given(loans, lists, st.integers(1, 30), st.integers(1, 12))
def test_spans_with_enough_are_those_where_each_instant_has_enough(taken, opened, total, wanted):
    expected = {
        cell
        for cell in cells(opened)
        if sum(n for span, n in taken if cell in cells([span])) + wanted <= total
    }
    assert cells(spans_with(total, taken, opened, wanted)) == expected


@settings(deadline=None)
@given(st.lists(ticks, max_size=12), ticks, st.integers(1, 5))
def test_the_nearest_are_nearer_than_all_that_are_left_out(found, wish, most):
    chosen = nearest(found, wish, most)
    assert chosen == sorted(set(chosen))
    assert wish not in chosen
    assert len(chosen) == min(most, len(set(found) - {wish}))
    left_out = set(found) - set(chosen) - {wish}
    if chosen and left_out:
        assert max(abs(one - wish) for one in chosen) <= min(abs(one - wish) for one in left_out)


def test_what_comes_back_at_noon_leaves_again_at_noon():
    morning, afternoon = Span(at(0), at(10)), Span(at(10), at(20))
    assert quantity_left(12, [(morning, 12)], afternoon) == 12
    assert quantity_left(12, [(morning, 12), (afternoon, 5)], Span(at(9), at(11))) == 0


def test_in_the_night_of_november_an_hour_is_offered_twice_and_in_march_not_at_all():
    opened = [Opening(6, time(0), time(4))]
    hour = timedelta(hours=1)

    def shown(on):
        spans = open_spans(opened, [], on, on, QUEBEC)
        return [one.astimezone(QUEBEC).hour for one in starts(spans, [], step=hour, length=hour)]

    assert shown(datetime(2026, 11, 1).date()) == [0, 1, 1, 2, 3]  # noqa: DTZ001
    assert shown(datetime(2026, 3, 8).date()) == [0, 1, 3]  # noqa: DTZ001
