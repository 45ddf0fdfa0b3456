import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parvis.notifications.channels.rates import (
    LONGEST_PAUSE,
    LONGEST_RETRY,
    Decision,
    Outcome,
    Throttle,
    decide,
)

HERE, THERE = "https://push.example", "https://other.example"
STATUSES = st.one_of(st.integers(0, 999), st.sampled_from([0, 201, 404, 410, 413, 429, 500, 503]))
RETRY_AFTER = st.none() | st.floats(0, 1e6)
JITTER = st.floats(0, 1)


@pytest.mark.parametrize(
    ("statuses", "outcome"),
    [
        ((200, 201, 202, 204), Outcome.HANDED_OVER),
        ((404, 410), Outcome.GONE),
        ((301, 307, 400, 401, 403, 405, 411, 413, 415, 422), Outcome.FAULT_OURS),
        ((0, 408, 425, 429, 500, 502, 503, 504, 599), Outcome.RETRY),
    ],
)
def test_each_answer_has_one_meaning(statuses, outcome):
    assert {decide(status, None, 1, jitter=0.5).outcome for status in statuses} == {outcome}


@given(STATUSES, RETRY_AFTER, st.integers(1, 5000), JITTER)
def test_only_404_and_410_end_a_subscription(status, retry_after, attempt, jitter):
    gone = decide(status, retry_after, attempt, jitter=jitter).outcome is Outcome.GONE
    assert gone == (status in (404, 410))


@given(st.floats(0.001, 1e6), st.integers(1, 5000), JITTER)
def test_nobody_comes_back_before_the_service_asked(retry_after, attempt, jitter):
    decision = decide(429, retry_after, attempt, jitter=jitter)
    assert retry_after <= decision.after <= retry_after * 1.5


@given(st.integers(1, 5000), JITTER)
def test_without_a_wish_the_pause_doubles_up_to_a_bound(attempt, jitter):
    now, later = (decide(503, None, n, jitter=jitter).after for n in (attempt, attempt + 1))
    assert 1 <= now <= LONGEST_RETRY
    assert later == pytest.approx(min(2 * now, LONGEST_RETRY * (1 + jitter) / 2))


def test_chance_spreads_a_crowd():
    assert [decide(0, None, 1, jitter=j).after for j in (0.0, 0.5, 1.0)] == [1.0, 1.5, 2.0]
    assert [decide(429, 60, 3, jitter=j).after for j in (0.0, 1.0)] == [60.0, 64.0]


def test_a_message_is_not_tried_again_once_it_is_worthless():
    assert decide(429, 60, 1, jitter=0, remaining=60) == Decision(Outcome.EXPIRED)
    assert decide(429, 60, 1, jitter=0, remaining=61) == Decision(Outcome.RETRY, 60)
    assert decide(201, None, 1, jitter=0, remaining=0) == Decision(Outcome.HANDED_OVER)


def overload(throttle, now, retry_after=None, times=4):
    for _ in range(times):
        throttle.record(HERE, 429, retry_after, now)


def test_one_refusal_may_be_one_subscription_and_costs_nothing():
    throttle = Throttle(start=1000)
    for second in range(50):
        throttle.record(HERE, 429, 3600, second)
        for _ in range(20):
            throttle.record(HERE, 201, None, second)
    assert throttle.rate(HERE) > 1000
    assert throttle.allow(HERE, 50) == 0


def test_refusals_in_a_row_halve_the_rate_once_a_second():
    throttle = Throttle(start=1000, floor=2)
    overload(throttle, 10.0, times=100)
    assert throttle.rate(HERE) == 500
    overload(throttle, 10.9)
    assert throttle.rate(HERE) == 500
    overload(throttle, 11.0)
    assert throttle.rate(HERE) == 250
    assert throttle.rate(THERE) == 1000


def test_the_services_wish_is_kept_and_bounded():
    throttle = Throttle()
    overload(throttle, 10.0, retry_after=30)
    assert throttle.allow(HERE, 10.0) == 30
    assert throttle.allow(HERE, 39.0) == 1
    assert throttle.allow(THERE, 10.0) == 0
    assert throttle.allow(HERE, 40.0) in (0, pytest.approx(0, abs=0.01))
    overload(throttle, 50.0, retry_after=1e9)
    assert throttle.allow(HERE, 50.0) == LONGEST_PAUSE


def test_a_pause_does_not_end_with_a_burst():
    throttle = Throttle(start=1000)
    while throttle.allow(HERE, 0.0) == 0:
        pass
    overload(throttle, 0.0, retry_after=60)
    granted = sum(throttle.allow(HERE, 60.0) == 0 for _ in range(100))
    assert granted <= 1


@given(
    st.floats(1, 5000),
    st.lists(st.floats(0, 0.5), min_size=1, max_size=60),
    st.integers(1, 30),
)
def test_no_more_leaves_than_rate_and_burst_permit(rate, pauses, asked):
    throttle = Throttle(start=rate, floor=rate, ceiling=rate)
    now = granted = 0.0
    for pause in pauses:
        now += pause
        granted += sum(throttle.allow(HERE, now) == 0 for _ in range(asked))
    burst = max(1, rate * Throttle.BURST_SECONDS)
    assert granted <= burst + now * rate + 1e-6 * len(pauses)


answers = st.tuples(STATUSES, RETRY_AFTER, st.floats(0, 5))


@given(st.lists(answers, max_size=80))
def test_whatever_a_service_answers_the_wait_is_true_and_the_rate_stays_within_bounds(answers):
    throttle = Throttle(start=100, floor=2, ceiling=300, step=50)
    now = 0.0
    for status, retry_after, pause in answers:
        before = throttle.rate(HERE)
        throttle.record(HERE, status, retry_after, now)
        assert 2 <= throttle.rate(HERE) <= 300
        refused = status in (0, 408, 425, 429) or 500 <= status < 600
        assert (throttle.rate(HERE) <= before) if refused else (throttle.rate(HERE) >= before)
        wait = throttle.allow(HERE, now)
        assert 0 <= wait <= LONGEST_PAUSE + 1
        if wait:
            # After a pause the bucket may still be empty: then one more, short, wait.
            again = throttle.allow(HERE, now + wait)
            assert again == 0 or again <= 1 / throttle.rate(HERE) + 1e-9
            now += wait
        now += pause


def test_a_wait_without_a_pause_is_exact():
    throttle = Throttle(start=7, floor=7, ceiling=7)
    now = 0.0
    for _ in range(500):
        wait = throttle.allow(HERE, now)
        if wait:
            now += wait
            assert throttle.allow(HERE, now) == 0
    assert math.isclose(now, 499 / 7)


@pytest.mark.parametrize("capacity", [50, 400, 3000])
def test_it_finds_what_a_service_can_take(capacity):
    """A service that takes so many a second and refuses the rest, for a minute."""
    throttle, taken, refused = Throttle(start=2000), 0, 0
    for tick in range(60 * 100):
        now = tick / 100
        if tick % 100 == 0:
            left = capacity
        while throttle.allow(HERE, now) == 0:
            status = 201 if left > 0 else 429
            left -= 1
            throttle.record(HERE, status, None, now)
            if tick >= 2000:
                taken, refused = taken + (status == 201), refused + (status == 429)
    assert taken > 0.75 * 40 * capacity
    assert refused < 0.15 * taken
