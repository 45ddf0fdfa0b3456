"""What a reservation costs: docs/how-to/reservation-prices.md, rule by rule. Pure.

Amounts are Decimal dollars; what is rounded is rounded where the page says so, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from parvis.core.errors import Refused
from parvis.core.money import ZERO, round_cents
from parvis.reservations.hours import Season, Span

RESIDENT, NON_RESIDENT = "resident", "non_resident"
NON_PROFIT, COMMERCIAL = "non_profit", "commercial"
CLASSES = {
    RESIDENT: gettext_lazy("Résident"),
    NON_RESIDENT: gettext_lazy("Non-résident"),
    NON_PROFIT: gettext_lazy("OBNL reconnu"),
    COMMERCIAL: gettext_lazy("Commercial"),
}
HOUR, DAY, ITEM, FLAT = "hour", "day", "item", "flat"
UNITS = {
    HOUR: gettext_lazy("à l’heure"),
    DAY: gettext_lazy("par jour"),
    ITEM: gettext_lazy("par article"),
    FLAT: gettext_lazy("forfait"),
}

GST = Decimal("0.05")
QST = Decimal("0.09975")
HALF_HOUR = timedelta(minutes=30)
ONE_DAY = timedelta(days=1)
HIGHEST = Decimal("99999.99")


@dataclass(frozen=True)
class Rate:
    """A price for a class of payers (or for all), in a season and from a day on, if it says so."""

    unit: str
    amount: Decimal
    price_class: str = ""
    """Empty: for all who have no rate of their own."""
    season: Season | None = None
    first_on: date | None = None
    last_on: date | None = None
    gst: bool = False
    qst: bool = False

    def holds(self, on: date) -> bool:
        """Whether it is in effect for a use that begins on this local day."""
        return (
            (self.first_on is None or self.first_on <= on)
            and (self.last_on is None or on <= self.last_on)
            and (self.season is None or self.season.holds(on))
        )


@dataclass(frozen=True)
class Wish:
    """One line to price: the rates of a resource, how many of it, when."""

    rates: Sequence[Rate]
    span: Span
    quantity: int = 1
    deposit: Decimal = ZERO
    deposit_each: bool = False


@dataclass(frozen=True)
class Line:
    """One priced line, and how it was reckoned: `count` units of `rate.amount`."""

    rate: Rate
    count: Decimal
    amount: Decimal
    deposit: Decimal


@dataclass(frozen=True)
class Quote:
    lines: tuple[Line, ...]
    subtotal: Decimal
    gst: Decimal
    qst: Decimal
    total: Decimal
    deposit: Decimal

    @property
    def is_free(self) -> bool:
        return self.total == ZERO and self.deposit == ZERO


def check_rate(rate: Rate) -> None:
    """Raise Refused unless the rate can be one."""
    if rate.unit not in UNITS or rate.price_class not in {"", *CLASSES}:
        raise Refused(_("Choisissez une unité et une catégorie de la liste."))
    if not ZERO <= rate.amount <= HIGHEST:
        raise Refused(_("Un tarif va de 0\u00a0$ à 99\u00a0999,99\u00a0$."))
    if rate.amount != round_cents(rate.amount):
        raise Refused(_("Un tarif s’arrête au cent."))
    if rate.first_on and rate.last_on and rate.last_on < rate.first_on:
        raise Refused(_("La fin du tarif doit suivre son début."))


def rate_for(rates: Iterable[Rate], price_class: str, on: date) -> Rate:
    """The rate of a class for a use that begins on this local day, or raise Refused (1, 2)."""
    standing = [one for one in rates if one.holds(on)]
    own = [one for one in standing if one.price_class == price_class]
    found = own or [one for one in standing if not one.price_class]
    if not found:
        raise Refused(_("Aucun tarif n’est prévu pour vous à cette date\u00a0: appelez la Ville."))
    return max(found, key=lambda one: (one.season is not None, one.first_on or date.min))


def half_hours(span: Span) -> int:
    """Half hours begun, of time that passes (rule 3)."""
    return -(-span.length // HALF_HOUR)


def days(span: Span, zone: ZoneInfo) -> int:
    """Days begun, 24 hours at a time on the clock on the wall (rule 3)."""
    start, end = (at.astimezone(zone).replace(tzinfo=None) for at in span)
    # A use within the hour that is shown twice may end, on the wall, before it began.
    return max(1, -(-(end - start) // ONE_DAY))


def units(rate: Rate, span: Span, quantity: int, zone: ZoneInfo) -> Decimal:
    """How many times the amount is due (rule 3)."""
    if rate.unit == HOUR:
        return Decimal(half_hours(span) * quantity) / 2
    if rate.unit == DAY:
        return Decimal(days(span, zone) * quantity)
    return Decimal(quantity if rate.unit == ITEM else 1)


def line(wish: Wish, price_class: str, zone: ZoneInfo) -> Line:
    """Price one line, or raise Refused."""
    rate = rate_for(wish.rates, price_class, wish.span.start.astimezone(zone).date())
    count = units(rate, wish.span, wish.quantity, zone)
    deposit = wish.deposit * wish.quantity if wish.deposit_each else wish.deposit
    return Line(rate, count, round_cents(rate.amount * count), round_cents(deposit))


def gst(amount: Decimal) -> Decimal:
    """The federal tax on a sum (rule 4)."""
    return round_cents(amount * GST)


def qst(amount: Decimal) -> Decimal:
    """Québec's tax on a sum, never on the other tax (rule 4)."""
    return round_cents(amount * QST)


def quote(wishes: Iterable[Wish], price_class: str, zone: ZoneInfo) -> Quote:
    """The whole price of one request, or raise Refused."""
    lines = tuple(line(wish, price_class, zone) for wish in wishes)
    subtotal = sum((one.amount for one in lines), ZERO)
    federal = gst(sum((one.amount for one in lines if one.rate.gst), ZERO))
    provincial = qst(sum((one.amount for one in lines if one.rate.qst), ZERO))
    return Quote(
        lines=lines,
        subtotal=subtotal,
        gst=federal,
        qst=provincial,
        total=subtotal + federal + provincial,
        deposit=sum((one.deposit for one in lines), ZERO),
    )


def free_until(start: datetime, hours: int) -> datetime:
    """The last instant when a cancellation costs nothing (rule 6)."""
    return start - timedelta(hours=hours)


def kept_if_cancelled(
    total: Decimal, *, start: datetime, free_hours: int, percent: int, now: datetime
) -> Decimal:
    """What the town keeps of the total when the person cancels now (rule 6)."""
    if now <= free_until(start, free_hours):
        return ZERO
    return min(total, round_cents(total * percent / 100))
