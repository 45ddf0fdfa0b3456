"""Every rule of docs/how-to/reservation-prices.md: its worked tables, then any sum at all."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parvis.core.errors import Refused
from parvis.core.money import round_cents
from parvis.reservations import prices
from parvis.reservations.hours import Season, Span
from parvis.reservations.prices import Rate, Wish, quote

ZONE = ZoneInfo("America/Toronto")
D = Decimal


def local(*parts, fold=0):
    return datetime(*parts, tzinfo=ZONE, fold=fold).astimezone(UTC)


NOON = Span(local(2026, 5, 23, 10), local(2026, 5, 23, 12))
cents = st.integers(0, 9_999_999).map(lambda n: D(n) / 100)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)).map(  # noqa: DTZ001
    lambda naive: naive.replace(second=0, microsecond=0, tzinfo=UTC)
)
spans = st.builds(
    lambda at, n: Span(at, at + timedelta(minutes=n)), moments, st.integers(1, 5 * 24 * 60)
)
units = st.sampled_from(list(prices.UNITS))
rates = st.builds(
    Rate, unit=units, amount=cents, gst=st.booleans(), qst=st.booleans()
)  # fmt: skip
wishes = st.builds(
    lambda rate, span, n, deposit, each: Wish([rate], span, n, deposit, each),
    rates, spans, st.integers(1, 400), cents, st.booleans(),
)  # fmt: skip


def nearest_cent(amount: Fraction) -> D:
    """Half a cent upwards, in whole numbers."""
    return D(int(amount * 100 + Fraction(1, 2))) / 100


# 1 and 2: which rate.

A = Rate("hour", D(30))
B = Rate("hour", D(20), "resident", first_on=date(2026, 1, 1))
C = Rate("hour", D(22), "resident", first_on=date(2027, 1, 1))
WINTER = Rate("hour", D(25), "resident", season=Season((12, 1), (3, 15)))


@pytest.mark.parametrize(
    ("on", "price_class", "rate"),
    [
        (date(2026, 6, 6), "commercial", A),
        (date(2026, 6, 6), "resident", B),
        (date(2027, 6, 5), "resident", C),
        (date(2026, 12, 31), "resident", WINTER),
    ],
)
def test_the_rate_is_that_of_the_class_the_day_and_the_season(on, price_class, rate):
    assert prices.rate_for([A, B, C, WINTER], price_class, on) is rate


def test_who_has_no_rate_is_told_so():
    with pytest.raises(Refused, match="appelez la Ville"):
        prices.rate_for([B], "commercial", date(2026, 6, 6))
    with pytest.raises(Refused, match="appelez la Ville"):
        prices.rate_for([C], "resident", date(2026, 12, 31))


@settings(deadline=None)
@given(
    st.lists(
        st.builds(
            Rate, units, cents, st.sampled_from(["", "resident", "commercial"]),
            st.none() | st.just(Season((12, 1), (3, 15))),
            st.none() | st.dates(date(2025, 1, 1), date(2027, 1, 1)),
            st.none() | st.dates(date(2026, 1, 1), date(2028, 1, 1)),
        ),
        max_size=6,
    ),
    st.sampled_from(list(prices.CLASSES)), st.dates(date(2025, 6, 1), date(2027, 6, 1)),
)  # fmt: skip
def test_a_chosen_rate_is_in_effect_and_none_has_a_better_claim(offered, price_class, on):
    standing = [one for one in offered if one.holds(on)]
    mine = [one for one in standing if one.price_class == price_class]
    if not mine and not any(one.price_class == "" for one in standing):
        with pytest.raises(Refused):
            prices.rate_for(offered, price_class, on)
        return
    rate = prices.rate_for(offered, price_class, on)
    assert rate in standing
    assert rate.price_class == (price_class if mine else "")
    rivals = [one for one in standing if one.price_class == rate.price_class]
    assert rate.season or not any(one.season for one in rivals)
    assert not any(
        (one.first_on or date.min) > (rate.first_on or date.min)
        for one in rivals
        if bool(one.season) == bool(rate.season)
    )


# 3: how much.


@pytest.mark.parametrize(
    ("unit", "amount", "start", "end", "quantity", "line"),
    [
        ("hour", "22", local(2026, 5, 23, 10), local(2026, 5, 23, 12), 1, "44.00"),
        ("hour", "22", local(2026, 5, 23, 10), local(2026, 5, 23, 12, 10), 1, "55.00"),
        ("hour", "22.25", local(2026, 5, 23, 10), local(2026, 5, 23, 10, 30), 1, "11.13"),
        ("hour", "10", local(2026, 11, 1, 0), local(2026, 11, 1, 4), 1, "50.00"),
        ("hour", "10", local(2026, 3, 8, 0), local(2026, 3, 8, 4), 1, "30.00"),
        ("day", "0.50", local(2026, 5, 22, 15), local(2026, 5, 25, 9), 4, "6.00"),
        ("day", "8", local(2026, 5, 22, 15), local(2026, 5, 23, 15), 1, "8.00"),
        ("day", "8", local(2026, 5, 22, 15), local(2026, 5, 23, 15, 1), 1, "16.00"),
        ("day", "8", local(2026, 10, 31, 15), local(2026, 11, 1, 15), 1, "8.00"),
        ("item", "2", local(2026, 5, 22, 15), local(2026, 5, 25, 9), 3, "6.00"),
        ("flat", "75", local(2026, 5, 22, 15), local(2026, 5, 25, 9), 1, "75.00"),
    ],
)
def test_a_line_is_reckoned_as_the_page_says(unit, amount, start, end, quantity, line):
    found = quote([Wish([Rate(unit, D(amount))], Span(start, end), quantity)], "resident", ZONE)
    assert found.total == D(line)


@settings(deadline=None)
@given(cents, spans, st.integers(1, 400))
def test_an_hourly_line_charges_each_half_hour_begun_of_time_that_passes(amount, span, quantity):
    seconds = int((span.end - span.start).total_seconds())
    begun = (seconds + 1799) // 1800
    found = quote([Wish([Rate("hour", amount)], span, quantity)], "resident", ZONE)
    assert found.subtotal == nearest_cent(Fraction(amount) / 2 * begun * quantity)


@settings(deadline=None)
@given(cents, spans, st.integers(1, 400))
def test_a_daily_line_charges_each_day_begun_on_the_clock_on_the_wall(amount, span, quantity):
    start, end = (at.astimezone(ZONE).replace(tzinfo=None) for at in span)
    begun = 1
    while start + timedelta(days=begun) < end:
        begun += 1
    found = quote([Wish([Rate("day", amount)], span, quantity)], "resident", ZONE)
    assert found.subtotal == amount * begun * quantity


@settings(deadline=None)
@given(cents, spans, st.integers(1, 400))
def test_by_the_item_and_once_do_not_look_at_the_clock(amount, span, quantity):
    each = quote([Wish([Rate("item", amount)], span, quantity)], "resident", ZONE)
    once = quote([Wish([Rate("flat", amount)], span, quantity)], "resident", ZONE)
    assert (each.subtotal, once.subtotal) == (amount * quantity, amount)


# 4: taxes.


def flat(amount, *, taxed=True):
    return Wish([Rate("flat", D(amount), gst=taxed, qst=taxed)], NOON)


@pytest.mark.parametrize(
    ("lines", "gst", "qst", "total"),
    [
        ([flat("44"), flat("6")], "2.50", "4.99", "57.49"),
        ([flat("0.10")] * 3, "0.02", "0.03", "0.35"),
        ([flat("44"), flat("6", taxed=False)], "2.20", "4.39", "56.59"),
    ],
)
def test_taxes_are_those_of_the_page(lines, gst, qst, total):
    found = quote(lines, "resident", ZONE)
    assert (found.gst, found.qst, found.total) == (D(gst), D(qst), D(total))


@settings(deadline=None)
@given(st.lists(wishes, max_size=6))
def test_each_tax_is_on_the_sum_of_its_lines_and_rounded_once(asked):
    found = quote(asked, "resident", ZONE)
    of_gst = sum((Fraction(one.amount) for one in found.lines if one.rate.gst), Fraction(0))
    of_qst = sum((Fraction(one.amount) for one in found.lines if one.rate.qst), Fraction(0))
    assert found.gst == nearest_cent(of_gst * 5 / 100)
    assert found.qst == nearest_cent(of_qst * 9975 / 100_000)
    assert found.subtotal == sum(one.amount for one in found.lines)
    assert found.total == found.subtotal + found.gst + found.qst
    for amount in (found.subtotal, found.gst, found.qst, found.total, found.deposit):
        assert amount == round_cents(amount) >= 0


# 5: deposits.


@settings(deadline=None)
@given(wishes)
def test_a_deposit_bears_no_tax_and_is_no_part_of_the_total(wish):
    with_it = quote([wish], "resident", ZONE)
    without = quote([Wish(wish.rates, wish.span, wish.quantity)], "resident", ZONE)
    assert with_it.total == without.total
    assert with_it.deposit == wish.deposit * (wish.quantity if wish.deposit_each else 1)


def test_the_deposits_of_the_page():
    tables = Wish([Rate("item", D(0))], NOON, 12, D(5), deposit_each=True)
    hall = Wish([Rate("flat", D(0))], NOON, 1, D(100))
    assert quote([tables, hall], "resident", ZONE).deposit == D("160.00")
    assert not quote([tables], "resident", ZONE).is_free
    assert quote([Wish([Rate("flat", D(0))], NOON)], "resident", ZONE).is_free


# 6: cancelled late.

START = local(2026, 5, 23, 10)


@pytest.mark.parametrize(
    ("before", "percent", "kept"),
    [
        (timedelta(hours=48), 25, "0.00"),
        (timedelta(hours=48) - timedelta(seconds=1), 25, "14.37"),
        (timedelta(hours=47), 25, "14.37"),
        (timedelta(hours=1), 100, "57.49"),
    ],
)
def test_a_late_cancellation_keeps_what_the_page_says(before, percent, kept):
    found = prices.kept_if_cancelled(
        D("57.49"), start=START, free_hours=48, percent=percent, now=START - before
    )
    assert found == D(kept)


@settings(deadline=None)
@given(cents, moments, st.integers(0, 400), st.integers(0, 100), st.integers(-90_000, 3_000_000))
def test_what_is_kept_never_exceeds_the_total_and_nothing_is_before_the_limit(
    total, start, hours, percent, seconds
):
    now = start - timedelta(seconds=seconds)
    kept = prices.kept_if_cancelled(
        total, start=start, free_hours=hours, percent=percent, now=now
    )  # fmt: skip
    assert 0 <= kept <= total
    if seconds >= hours * 3600:
        assert kept == 0
    else:
        assert kept == nearest_cent(Fraction(total) * percent / 100)


def test_a_rate_that_cannot_be_one_is_refused():
    prices.check_rate(Rate("hour", D("22.50"), "resident"))
    for wrong in (
        Rate("week", D(1)),
        Rate("hour", D(1), "friend"),
        Rate("hour", D("-0.01")),
        Rate("hour", D("100000")),
        Rate("hour", D("1.005")),
        Rate("hour", D(1), first_on=date(2027, 1, 2), last_on=date(2027, 1, 1)),
    ):
        with pytest.raises(Refused):
            prices.check_rate(wrong)
