"""Working days: what is promised falls when the office is open, and counts what it says."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parvis.cases import days

ZONE = ZoneInfo("America/Toronto")
DATES = st.dates(date(2024, 1, 1), date(2035, 12, 31))
CLOSED = st.frozensets(st.dates(date(2024, 1, 1), date(2036, 12, 31)), max_size=40)
INSTANTS = st.integers(0, 12 * 365 * 24 * 60).map(
    lambda minutes: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


@pytest.mark.parametrize(
    ("year", "expected"),
    [
        (2024, ["01-01", "03-29", "05-20", "06-24", "07-01", "09-02", "10-14", "12-25"]),
        (2025, ["01-01", "04-18", "05-19", "06-24", "07-01", "09-01", "10-13", "12-25"]),
        (2026, ["01-01", "04-03", "05-18", "06-24", "07-01", "09-07", "10-12", "12-25"]),
        # 24 June is a Sunday in 2029, and so is 1 July: the next day stands for each.
        (2029, ["01-01", "03-30", "05-21", "06-25", "07-02", "09-03", "10-08", "12-25"]),
    ],
)
def test_the_statutory_holidays_of_quebec(year, expected):
    assert [f"{day:%m-%d}" for day in sorted(days.statutory_holidays(year))] == expected


@given(DATES, st.integers(1, 60), CLOSED)
def test_so_many_days_after_is_so_many_days_between(day, count, closed):
    found = days.working_day_after(day, count, closed)
    assert days.is_working_day(found, closed)
    assert days.working_days_between(day, found, closed) == count


@given(DATES, CLOSED)
def test_with_no_day_to_wait_it_is_the_first_working_day(day, closed):
    found = days.working_day_after(day, 0, closed)
    assert days.is_working_day(found, closed)
    assert not any(
        days.is_working_day(day + timedelta(days=n), closed) for n in range((found - day).days)
    )


@given(INSTANTS, st.integers(0, 30), CLOSED)
def test_a_promise_is_kept_open_for_the_days_that_it_says(received, count, closed):
    due = days.deadline(received, count, ZONE, closed).astimezone(ZONE)
    assert due.time() == time(16, 30)
    assert days.is_working_day(due.date(), closed)
    assert due > received
    first = days.first_day(received, ZONE, closed)
    assert days.working_days_between(first, due.date(), closed) == count


@given(INSTANTS, st.timedeltas(timedelta(0), timedelta(days=40)), st.integers(0, 30), CLOSED)
def test_who_asks_later_is_not_promised_sooner(received, later, count, closed):
    first = days.deadline(received, count, ZONE, closed)
    assert days.deadline(received + later, count, ZONE, closed) >= first


@given(INSTANTS, DATES, CLOSED)
def test_a_day_more_that_is_closed_never_brings_a_promise_forward(received, closure, closed):
    before = days.deadline(received, 5, ZONE, closed)
    assert days.deadline(received, 5, ZONE, closed | {closure}) >= before


@given(INSTANTS, st.timedeltas(timedelta(0), timedelta(days=60)), CLOSED)
def test_a_pause_moves_the_promise_by_the_days_waited(received, pause, closed):
    due = days.deadline(received, 5, ZONE, closed)
    paused, back = received + timedelta(hours=1), received + timedelta(hours=1) + pause
    after = days.resumed(due, paused_at=paused, now=back, zone=ZONE, closed=closed)
    waited = days.working_days_between(
        paused.astimezone(ZONE).date(), back.astimezone(ZONE).date(), closed
    )
    moved = days.working_days_between(
        due.astimezone(ZONE).date(), after.astimezone(ZONE).date(), closed
    )
    assert moved == waited


def test_what_comes_after_closing_counts_from_the_next_working_day():
    friday = datetime(2026, 5, 15, 16, 29, tzinfo=ZONE)
    assert days.first_day(friday, ZONE) == date(2026, 5, 15)
    # Monday 18 May 2026 is a holiday.
    assert days.first_day(friday + timedelta(minutes=1), ZONE) == date(2026, 5, 19)
    assert days.deadline(friday, 5, ZONE).date() == date(2026, 5, 25)


def test_the_promise_is_by_the_clock_on_the_wall_when_it_is_set_back():
    due = days.deadline(datetime(2026, 10, 30, 9, tzinfo=ZONE), 2, ZONE)
    assert due == datetime(2026, 11, 3, 16, 30, tzinfo=ZONE)
    assert due.astimezone(UTC).hour == 21


@given(INSTANTS, st.integers(1, 30), st.integers(0, 80), CLOSED)
def test_the_day_shown_is_one_of_those_promised_and_the_last_is_the_last(
    received, promised, later, closed
):
    due_on = days.deadline(received, promised, ZONE, closed).astimezone(ZONE).date()
    first = days.first_day(received, ZONE, closed)
    assert days.day_of(due_on, first, promised, closed) == 1
    assert days.day_of(due_on, due_on, promised, closed) == promised
    today = first + timedelta(days=later)
    before = days.day_of(due_on, today - timedelta(days=1), promised, closed)
    assert before <= days.day_of(due_on, today, promised, closed) <= promised
