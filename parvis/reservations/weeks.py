"""The week of a place as it is shown: a column for each day, a stone for each step. Pure.

What is chosen travels in the page's address as instants in UTC, which are never ambiguous.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from parvis.core.errors import Refused
from parvis.reservations import rules
from parvis.reservations.hours import Span, is_repeated, local_day
from parvis.reservations.rules import Terms
from parvis.reservations.slots import starts

FREE, TAKEN, PAST, SOON, FAR = "free", "taken", "past", "soon", "far"
DAY = timedelta(days=1)
MOST_CELLS = 400
_FORMAT = "%Y%m%dT%H%M%SZ"


def key(at: datetime) -> str:
    """An instant as an address holds it: 20260523T140000Z."""
    return at.astimezone(UTC).strftime(_FORMAT)


def instant(text: str) -> datetime:
    """Read an instant of an address, or raise Refused."""
    try:
        found = datetime.strptime(text, _FORMAT).replace(tzinfo=UTC)
    except ValueError:
        found = None
    if found is None or not 2000 <= found.year <= 2200:
        raise Refused(_("Cette heure n’existe pas\u00a0: choisissez-en une autre."))
    return found


@dataclass(frozen=True)
class Cell:
    """One step of an opening: to choose, or said why not."""

    span: Span
    at: datetime
    """Its start by the clock on the wall."""
    state: str
    chosen: bool
    twice: bool
    """The clock shows this hour twice that day."""
    key: str


@dataclass(frozen=True)
class Day:
    on: date
    cells: tuple[Cell, ...]

    @property
    def free(self) -> int:
        return sum(cell.state == FREE for cell in self.cells)

    @property
    def label(self) -> str:
        return f"j{self.on:%Y-%m-%d}"


def monday(on: date) -> date:
    return on - timedelta(days=on.weekday())


def free_cells(
    opened: Sequence[Span], busy: Mapping[int, Sequence[Span]], units: Collection[int], terms: Terms
) -> set[datetime]:
    """Starts of the steps that at least one unit has free."""
    found: set[datetime] = set()
    for unit in units:
        found.update(
            starts(
                opened, busy.get(unit, ()), step=terms.step, length=terms.step,
                before=terms.before, after=terms.after,
            )
        )  # fmt: skip
    return found


def days(
    first_on: date,
    opened: Sequence[Span],
    free: Collection[datetime],
    terms: Terms,
    *,
    chosen: Collection[datetime] = (),
    now: datetime,
    zone: ZoneInfo,
    count: int = 7,
) -> list[Day]:
    """The days from the first on, each with its steps in the order of time."""
    soonest, last_on = rules.first_start(terms, now), rules.last_day(terms, now, zone)
    found = []
    for on in (first_on + n * DAY for n in range(count)):
        today = local_day(on, zone)
        cells: list[Cell] = []
        for span in opened:
            at = span.start
            while at + terms.step <= span.end and len(cells) < MOST_CELLS:
                if today.start <= at < today.end:
                    shown = at.astimezone(zone)
                    cells.append(
                        Cell(
                            span=Span(at, at + terms.step),
                            at=shown,
                            state=_state(at, free, soonest, last_on, now, on),
                            chosen=at in chosen,
                            twice=is_repeated(on, shown.time(), zone),
                            key=key(at),
                        )
                    )
                at += terms.step
        found.append(Day(on, tuple(cells)))
    return found


def _state(
    at: datetime, free: Collection[datetime], soonest: datetime, last_on: date, now: datetime,
    on: date,
) -> str:  # fmt: skip
    if at <= now:
        return PAST
    if at < soonest:
        return SOON
    if on > last_on:
        return FAR
    return FREE if at in free else TAKEN


def joined(chosen: Collection[datetime], step: timedelta) -> Span | None:
    """The chosen steps as one span; None when there is none; Refused when they do not follow."""
    if not chosen:
        return None
    at = sorted(set(chosen))
    for one, two in zip(at, at[1:], strict=False):
        if one + step != two:
            raise Refused(_("Choisissez des heures qui se suivent, le même jour."))
    return Span(at[0], at[-1] + step)


def steps_of(span: Span, step: timedelta) -> list[datetime]:
    """The starts of the steps that a span is made of."""
    found: list[datetime] = []
    at = span.start
    while at < span.end and len(found) < MOST_CELLS:
        found.append(at)
        at += step
    return found
