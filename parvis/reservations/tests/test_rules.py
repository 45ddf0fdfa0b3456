"""What may be asked, when, how much of it, and until when it may be undone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parvis.core.errors import Refused
from parvis.reservations import quotas, rules
from parvis.reservations.hours import Opening, Span, open_spans
from parvis.reservations.quotas import Quota, check_quota
from parvis.reservations.rules import Terms

ZONE = ZoneInfo("America/Toronto")
HOUR = timedelta(hours=1)
TERMS = Terms(
    step=HOUR, shortest=HOUR, longest=4 * HOUR, notice=2 * HOUR, days_ahead=30,
    before=HOUR / 2, after=HOUR / 2,
)  # fmt: skip
DAY = date(2026, 5, 23)
OPENED = open_spans([Opening(n, time(9), time(21)) for n in range(7)], [], DAY, DAY, ZONE)


def local(hour, minute=0, *, on=DAY):
    return datetime.combine(on, time(hour, minute), tzinfo=ZONE).astimezone(UTC)


NOW = local(7)


def wish(start, end, *, now=NOW, terms=TERMS):
    rules.check_wish(Span(start, end), terms, OPENED, now=now, zone=ZONE)


def test_a_place_is_asked_for_within_its_own_rules():
    wish(local(10), local(12))
    wish(local(17), local(21))
    wish(local(9), local(10))


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        (local(12), local(12), "La fin doit suivre"),
        (local(12), local(10), "La fin doit suivre"),
        (local(6), local(8), "moment est passé"),
        (local(8), local(10), "au moins 2\u00a0heures à l’avance"),
        (local(10), local(10, 30), "au moins 1\u00a0heure"),
        (local(10), local(15), "au plus 4\u00a0heures"),
        (local(18), local(22), "C’est fermé"),
        (local(10, 20), local(12, 20), "une des heures proposées"),
    ],
)
def test_what_the_rules_do_not_allow_is_refused_in_words(start, end, said):
    with pytest.raises(Refused, match=said):
        wish(start, end)


def test_the_days_ahead_are_days_of_the_calendar_of_the_town():
    last = DAY + timedelta(days=30)
    opened = open_spans(
        [Opening(n, time(9), time(21)) for n in range(7)], [], last, last + timedelta(days=1), ZONE
    )
    midnight = local(23, 59)
    on_it = Span(local(20, on=last), local(21, on=last))
    rules.check_wish(on_it, TERMS, opened, now=midnight, zone=ZONE)
    beyond = Span(local(9, on=last + timedelta(days=1)), local(10, on=last + timedelta(days=1)))
    with pytest.raises(Refused, match="30\u00a0jours à l’avance"):
        rules.check_wish(beyond, TERMS, opened, now=midnight, zone=ZONE)


def test_a_length_is_of_time_that_passes_not_of_the_clock():
    night = date(2026, 11, 1)
    span = Span(local(0, on=night), local(4, on=night))
    with pytest.raises(Refused, match="au plus 4\u00a0heures"):
        rules.check_length(span, TERMS)
    rules.check_length(Span(local(0, on=night), local(3, on=night)), TERMS)
    zoned = Span(*(at.astimezone(ZONE) for at in span))
    assert zoned.length == 5 * HOUR


def test_equipment_leaves_and_comes_back_while_someone_is_there():
    desk = [Span(local(9), local(12)), Span(local(13), local(17))]
    terms = Terms(step=HOUR, shortest=HOUR, longest=72 * HOUR)

    def loan(start, end):
        rules.check_loan(Span(start, end), terms, desk, now=NOW, zone=ZONE)

    loan(local(9), local(17))
    loan(local(10), local(13, 30))
    with pytest.raises(Refused, match="heure de départ"):
        loan(local(12), local(16))
    with pytest.raises(Refused, match="heure de retour"):
        loan(local(9), local(13))
    with pytest.raises(Refused, match="heure de retour"):
        loan(local(9), local(18))


@pytest.mark.parametrize(
    ("wanted", "allowed"),
    [(1, True), (12, True), (0, False), (-1, False), (13, False), (10**9, False)],
)
def test_a_quantity_is_at_least_one_and_no_more_than_there_is(wanted, allowed):
    if allowed:
        rules.check_quantity(wanted, 12)
    else:
        with pytest.raises(Refused):
            rules.check_quantity(wanted, 12)


def test_one_cancels_alone_until_the_limit_then_with_the_town_then_no_more():
    start = local(10)
    rules.check_cancel(start, 24 * HOUR, now=start - 24 * HOUR)
    with pytest.raises(Refused, match="jusqu’à 1\u00a0jour avant"):
        rules.check_cancel(start, 24 * HOUR, now=start - 24 * HOUR + timedelta(seconds=1))
    with pytest.raises(Refused, match="C’est commencé"):
        rules.check_cancel(start, 0 * HOUR, now=start)


def test_terms_by_which_nobody_could_book_are_refused():
    rules.check_terms(TERMS)
    for wrong in (
        {"step": timedelta(0)},
        {"shortest": 5 * HOUR},
        {"longest": timedelta(days=32)},
        {"days_ahead": 0},
        {"days_ahead": 9999},
        {"notice": timedelta(days=30)},
        {"notice": -HOUR},
        {"before": timedelta(days=8)},
        {"after": -HOUR},
    ):
        with pytest.raises(Refused):
            rules.check_terms(Terms(**{**TERMS.__dict__, **wrong}))


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (timedelta(minutes=1), "1\u00a0minute"),
        (timedelta(minutes=45), "45\u00a0minutes"),
        (HOUR, "1\u00a0heure"),
        (2.5 * HOUR, "2\u00a0h\u00a030"),
        (24 * HOUR, "1\u00a0jour"),
        (72 * HOUR, "3\u00a0jours"),
    ],
)
def test_lengths_are_said_as_one_says_them(length, said):
    assert rules.said_length(length) == said


# Quotas.

spans = st.builds(
    lambda n, m: Span(local(0) + timedelta(minutes=n), local(0) + timedelta(minutes=n + m)),
    st.integers(-60 * 24 * 40, 60 * 24 * 40),
    st.integers(1, 600),
)


def plain_key(per, at):
    day = at.astimezone(ZONE).date()
    monday = day - timedelta(days=day.weekday())
    return {"day": day, "week": monday, "month": (day.year, day.month), "year": day.year}[per]


@settings(deadline=None)
@given(
    st.lists(spans, max_size=8), spans, st.sampled_from(quotas.PERIODS), st.integers(0, 900),
    st.booleans(),
)  # fmt: skip
def test_a_quota_refuses_exactly_what_goes_over_it(had, asked, per, most, by_minutes):
    now = local(12)
    counted = [
        one
        for one in [*had, asked]
        if (
            one.end > now or one is asked
            if per == "upcoming"
            else plain_key(per, one.start) == plain_key(per, asked.start)
        )
    ]
    amount = (
        sum((one.end - one.start) // timedelta(minutes=1) for one in counted)
        if by_minutes
        else len(counted)
    )
    quota = Quota(most if by_minutes else most % 9, per, minutes=by_minutes)
    if amount > quota.most:
        with pytest.raises(Refused):
            check_quota(quota, had, asked, now=now, zone=ZONE)
    else:
        check_quota(quota, had, asked, now=now, zone=ZONE)


def test_a_limit_is_said_to_a_person_and_to_a_household():
    had = [Span(local(10), local(12))]
    asked = Span(local(14), local(16))
    with pytest.raises(Refused, match="Vous avez atteint la limite.*1\u00a0réservation par jour"):
        check_quota(Quota(1, "day"), had, asked, now=NOW, zone=ZONE)
    with pytest.raises(Refused, match="Votre ménage.*3\u00a0heures par semaine"):
        check_quota(Quota(180, "week", "household", True), had, asked, now=NOW, zone=ZONE)
    assert quotas.limit(Quota(90, "upcoming", minutes=True)) == "90\u00a0minutes à venir à la fois"


def test_a_week_begins_on_monday_even_over_the_new_year():
    assert quotas.same_period("week", date(2026, 12, 31), date(2027, 1, 3))
    assert not quotas.same_period("week", date(2027, 1, 3), date(2027, 1, 4))
