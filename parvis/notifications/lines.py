"""The pace, the day and the rest of each sender at a provider, counted over all dispatchers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.utils import timezone

from parvis.notifications.phone_models import Line
from parvis.notifications.providers import Provider

PATIENCE = 3
"""Failures in a row after which a line rests and its traffic goes to the others."""
FIRST_REST = 15.0
LONGEST_REST = 600.0
LONGEST_WAIT = 10.0
"""Seconds that a dispatcher waits for its turn; beyond, the text is planned again."""


@dataclass(frozen=True, slots=True)
class Leave:
    """So many may go, after so many seconds. None granted: ask again after that time."""

    granted: int
    wait: float


def _row(name: str, now: datetime) -> Line:
    Line.objects.get_or_create(name=name, defaults={"paced_until": now, "day": now.date()})
    return Line.objects.select_for_update().get(name=name)


@transaction.atomic
def take_leave(provider: Provider, use: str, wanted: int, *, now: datetime) -> Leave:
    """Reserve places for so many texts: pace and day are counted before anything leaves."""
    row = _row(provider.line(use), now)
    if row.resting_until is not None and row.resting_until > now:
        return Leave(0, (row.resting_until - now).total_seconds())
    sent = row.sent if row.day == now.date() else 0
    # After a rest one goes ahead, to see whether the provider answers again.
    wanted = 1 if row.failures >= PATIENCE else wanted
    granted = min(wanted, max(0, provider.per_day - sent))
    if granted == 0:
        tomorrow = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), UTC)
        return Leave(0, (tomorrow - now).total_seconds())
    begins = max(row.paced_until, now)
    wait = (begins - now).total_seconds()
    if wait > LONGEST_WAIT:
        return Leave(0, wait)
    row.day, row.sent = now.date(), sent + granted
    row.paced_until = begins + timedelta(seconds=granted / provider.per_second)
    row.save(update_fields=["day", "sent", "paced_until"])
    return Leave(granted, wait)


@transaction.atomic
def note_answers(
    provider: Provider, use: str, *, good: int, failed: int, after: float, fault: str,
    now: datetime,
) -> None:  # fmt: skip
    """Learn from a group's answers: failures in a row, or a wish to be left alone, bring rest."""
    row = _row(provider.line(use), now)
    if good and not failed:
        if row.failures or row.resting_until or row.fault:
            row.failures, row.resting_until, row.fault = 0, None, ""
            row.save(update_fields=["failures", "resting_until", "fault"])
        return
    if not failed:
        return
    row.failures = failed if good else row.failures + failed
    row.fault = fault[:200]
    if after or row.failures >= PATIENCE:
        # Doubled with each run of failures, as long as nothing gets through.
        runs = min(row.failures // PATIENCE, 10)
        rest = after or min(FIRST_REST * 2 ** max(runs - 1, 0), LONGEST_REST)
        row.resting_until = now + timedelta(seconds=rest)
    row.save(update_fields=["failures", "resting_until", "fault"])


def resting(names: list[str], *, now: datetime | None = None) -> set[str]:
    """Those of these lines that rest."""
    rows = Line.objects.filter(name__in=names, resting_until__gt=now or timezone.now())
    return set(rows.values_list("name", flat=True))
