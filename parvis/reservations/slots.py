"""What is still free: starts to choose among, quantities left, what comes nearest to a wish.

No database, no clock. Spans are in UTC; a busy one already holds the preparation around it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from parvis.reservations.hours import Span, merged, minus

NOTHING = timedelta(0)


def free_spans(opened: Iterable[Span], busy: Iterable[Span]) -> list[Span]:
    """When the place is open and nobody has it."""
    return minus(opened, busy)


def starts(
    opened: Sequence[Span],
    busy: Sequence[Span],
    *,
    step: timedelta,
    length: timedelta,
    before: timedelta = NOTHING,
    after: timedelta = NOTHING,
) -> list[datetime]:
    """When a use of this length may begin: open throughout, and free with its preparation.

    Starts are counted by steps from each opening, so that they stay on the hour when the place
    opens on the hour. Preparation may lie outside of the opening hours: the staff has its keys.
    """
    if step <= NOTHING or length <= NOTHING:
        raise ValueError("a step and a length take time")
    taken = merged(busy)
    found = []
    next_busy = 0
    for span in merged(opened):
        start = span.start
        while start + length <= span.end:
            blocked = Span(start, start + length).widened(before, after)
            while next_busy < len(taken) and taken[next_busy].end <= blocked.start:
                next_busy += 1
            if next_busy == len(taken) or taken[next_busy].start >= blocked.end:
                found.append(start)
            start += step
    return found


def nearest(found: Iterable[datetime], wish: datetime, most: int = 3) -> list[datetime]:
    """The starts that come closest to the wished one, in the order of time; itself left out."""
    others = {one for one in found if one != wish}
    closest = sorted(others, key=lambda one: (abs(one - wish), one))[:most]
    return sorted(closest)


def most_taken(taken: Iterable[tuple[Span, int]], window: Span) -> int:
    """The largest quantity that is out at one instant of the window."""
    changes: list[tuple[datetime, int]] = []
    for span, quantity in taken:
        if span.overlaps(window) and span.start < span.end:
            changes.append((max(span.start, window.start), quantity))
            changes.append((min(span.end, window.end), -quantity))
    highest = out = 0
    # What comes back at an instant may leave again at that instant: returns sort first.
    for _at, change in sorted(changes):
        out += change
        highest = max(highest, out)
    return highest


def quantity_left(total: int, taken: Iterable[tuple[Span, int]], window: Span) -> int:
    """How many can be had through the whole window."""
    return max(0, total - most_taken(taken, window))


def spans_with(
    total: int, taken: Sequence[tuple[Span, int]], opened: Sequence[Span], wanted: int
) -> list[Span]:
    """When at least the wanted quantity is in, within the opened spans."""
    if wanted > total:
        return []
    changes = [
        change
        for span, quantity in taken
        if span.start < span.end
        for change in ((span.start, quantity), (span.end, -quantity))
    ]
    short, out, since = [], 0, None
    for at, change in sorted(changes):
        if since is not None and since < at and out + wanted > total:
            short.append(Span(since, at))
        out, since = out + change, at
    return minus(opened, short)
