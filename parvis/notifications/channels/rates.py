"""How fast a push service is written to, and what its answer means. No clock, no network."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

# A Retry-After beyond this is taken for this: one answer must not silence us for a day.
LONGEST_PAUSE: Final = 300.0
FIRST_RETRY: Final = 2.0
LONGEST_RETRY: Final = 900.0


class Outcome(Enum):
    HANDED_OVER = "handed_over"
    GONE = "gone"
    FAULT_OURS = "fault_ours"
    RETRY = "retry"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Decision:
    outcome: Outcome
    # Seconds from now, with RETRY only.
    after: float = 0.0


def is_refusal(status: int) -> bool:
    """The service could not take it now: too many, out of order, or no answer (status 0)."""
    return status in (0, 408, 425, 429) or 500 <= status <= 599


def decide(
    status: int,
    retry_after: float | None,
    attempt: int,
    *,
    jitter: float,
    remaining: float | None = None,
) -> Decision:
    """What becomes of a message after the answer to this attempt (the first is 1).

    Only 404 and 410 say that a subscription has ended. What the service finds wrong with our
    request is our fault and ends the message, never the subscription. The rest is tried again,
    each time later and never before the service asked for it, until the message is worthless
    (`remaining` seconds). `jitter`, from 0 to 1, keeps a crowd from coming back at once.
    """
    if status in (200, 201, 202, 204):
        return Decision(Outcome.HANDED_OVER)
    if status in (404, 410):
        return Decision(Outcome.GONE)
    if not is_refusal(status):
        return Decision(Outcome.FAULT_OURS)
    # The exponent is bounded: 2.0 ** 2000 is an error, not a long time.
    pause = min(LONGEST_RETRY, FIRST_RETRY * 2.0 ** min(max(attempt, 1) - 1, 20))
    if retry_after is not None and retry_after > 0:
        after = retry_after + min(pause, retry_after) * jitter / 2
    else:
        after = pause * (1 + jitter) / 2
    if remaining is not None and after >= remaining:
        return Decision(Outcome.EXPIRED)
    return Decision(Outcome.RETRY, after)


@dataclass(slots=True)
class _Origin:
    rate: float
    tokens: float
    seen_at: float
    refused: float = 0.0
    slowed_at: float = field(default=float("-inf"))
    paused_until: float = field(default=float("-inf"))


class Throttle:
    """A token bucket per push service, whose rate rises by steps and falls by half.

    One refusal may concern one subscription alone (services limit each device too): it costs
    nothing. Several in a row concern the service: the rate is halved, at most once a second
    since one overload answers many times, and its Retry-After is kept.
    """

    # From a clean record the fourth refusal in a row passes the line; so does a tenth of them all.
    WEIGHT: Final = 1 / 32
    LINE: Final = 0.1
    SLOWED_SECONDS: Final = 1.0
    BURST_SECONDS: Final = 0.1

    def __init__(
        self,
        *,
        start: float = 5000.0,
        floor: float = 10.0,
        ceiling: float = 20_000.0,
        step: float = 500.0,
    ) -> None:
        if not 0 < floor <= start <= ceiling or step <= 0:
            raise ValueError("rates: 0 < floor <= start <= ceiling, and a step upwards")
        self._start = start
        self._floor = floor
        self._ceiling = ceiling
        self._step = step
        self._origins: dict[str, _Origin] = {}

    def rate(self, origin: str) -> float:
        """Messages per second that the service is now trusted with."""
        known = self._origins.get(origin)
        return self._start if known is None else known.rate

    def allow(self, origin: str, now: float) -> float:
        """Take leave for one message: 0 grants it, else ask again after so many seconds."""
        known = self._at(origin, now)
        if now < known.paused_until:
            return known.paused_until - now
        # A billionth is forgiven: sums of fractions must not turn a wait into two.
        if known.tokens >= 1 - 1e-9:
            known.tokens = max(0.0, known.tokens - 1)
            return 0.0
        return (1 - known.tokens) / known.rate

    def record(self, origin: str, status: int, retry_after: float | None, now: float) -> None:
        """Learn from an answer; the service's wish to be left alone ends with a pause."""
        known = self._at(origin, now)
        if not is_refusal(status):
            known.refused -= known.refused * self.WEIGHT
            # So much per answer that a second of answers adds one step, or a quarter if slow.
            known.rate = min(self._ceiling, known.rate + min(0.25, self._step / known.rate))
            return
        known.refused += (1 - known.refused) * self.WEIGHT
        if known.refused < self.LINE:
            return
        if now - known.slowed_at >= self.SLOWED_SECONDS:
            known.slowed_at = now
            known.rate = max(self._floor, known.rate / 2)
            known.tokens = min(known.tokens, self._burst(known))
        if retry_after is not None and retry_after > 0:
            until = now + min(retry_after, LONGEST_PAUSE)
            known.paused_until = max(known.paused_until, until)

    def _burst(self, known: _Origin) -> float:
        return max(1.0, known.rate * self.BURST_SECONDS)

    def _at(self, origin: str, now: float) -> _Origin:
        known = self._origins.get(origin)
        if known is None:
            known = _Origin(self._start, 0.0, now)
            known.tokens = self._burst(known)
            self._origins[origin] = known
        elif now > known.seen_at:
            # Nothing is saved up during a pause: it ends at the rate, not with a burst.
            since = max(known.seen_at, min(known.paused_until, now))
            known.tokens = min(self._burst(known), known.tokens + (now - since) * known.rate)
            known.seen_at = now
        return known
