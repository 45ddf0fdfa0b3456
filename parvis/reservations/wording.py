"""How a period, a price and a state are said on the pages of the room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from parvis.core import typography
from parvis.core.errors import Refused
from parvis.reservations import prices, weeks
from parvis.reservations.hours import Opening, Span, is_repeated, week_of
from parvis.reservations.readings import Offer


def _english() -> bool:
    return (get_language() or "").startswith("en")


def said_day(on: date, *, today: date) -> str:
    """«samedi 23 mai», with its year when it is not this one's."""
    english = _english()
    names = typography.DAYS_EN if english else typography.DAYS_FR
    said = typography.short_day(on, year=on.year != today.year, english=english)
    return f"{names[on.weekday()]}{',' if english else ''} {said}"


def said_hour(at: datetime, zone: ZoneInfo) -> str:
    """«10 h»; of an hour that the clock shows twice, which of both."""
    shown = at.astimezone(zone)
    said = typography.moment(shown, english=_english())
    if is_repeated(shown.date(), shown.time(), zone):
        first = shown.fold == 0
        said += " " + (_("(avant le recul de l’heure)") if first else _("(après le recul)"))
    return said


def said_short(at: datetime, zone: ZoneInfo) -> str:
    """«dim. 24, 14 h»: a day near enough to need no month."""
    shown = at.astimezone(zone)
    return f"{short_weekday(shown)} {shown.day}, {said_hour(at, zone)}"


def short_weekday(on: date) -> str:
    """«lun.», «Mon»."""
    if _english():
        return typography.DAYS_EN[on.weekday()][:3]
    return f"{typography.DAYS_FR[on.weekday()][:3]}."


def said_period(span: Span, *, zone: ZoneInfo, now: datetime) -> str:
    """«samedi 23 mai, de 10 h à 12 h», or from one day to another."""
    today = now.astimezone(zone).date()
    start, end = span.start.astimezone(zone), span.end.astimezone(zone)
    from_hour, to_hour = said_hour(span.start, zone), said_hour(span.end, zone)
    if start.date() == end.date():
        return _("{day}, de {start} à {end}").format(
            day=said_day(start.date(), today=today), start=from_hour, end=to_hour
        )
    return _("du {first_day}, {start}, au {last_day}, {end}").format(
        first_day=said_day(start.date(), today=today),
        start=from_hour,
        last_day=said_day(end.date(), today=today),
        end=to_hour,
    )


def said_moment(at: datetime, *, zone: ZoneInfo, now: datetime) -> str:
    """«samedi 23 mai, 14 h»."""
    day = said_day(at.astimezone(zone).date(), today=now.astimezone(zone).date())
    return f"{day}, {said_hour(at, zone)}"


def said_opening(opening: Opening) -> str:
    """«de 9 h à 21 h», «jour et nuit»."""
    if opening.opens == opening.closes:
        return _("jour et nuit")
    return _("de {start} à {end}").format(start=clock(opening.opens), end=clock(opening.closes))


def clock(at: time) -> str:
    """An hour without a day; midnight by its name."""
    if at == time(0):
        return _("minuit")
    return typography.moment(datetime.combine(date.min, at), english=_english())


def said_weekdays(days: Sequence[int]) -> str:
    """«Lundi», «Lundi et mardi», «Du lundi au vendredi», «Tous les jours»."""
    names = typography.DAYS_EN if _english() else typography.DAYS_FR
    if len(days) == 7:
        return _("Tous les jours")
    first, last = names[days[0]], names[days[-1]]
    if len(days) == 1:
        said = first
    elif len(days) == 2:
        said = _("{first} et {last}").format(first=first, last=last)
    else:
        said = _("du {first} au {last}").format(first=first, last=last)
    return said[:1].upper() + said[1:]


def said_rate(rate: prices.Rate) -> str:
    """«22 $ l’heure», «2 $ chacun», «gratuit»."""
    if rate.amount == 0:
        return _("gratuit")
    amount = money(rate)
    return {
        prices.HOUR: _("{amount} l’heure"),
        prices.DAY: _("{amount} par jour"),
        prices.ITEM: _("{amount} chacun"),
        prices.FLAT: _("{amount}, forfait"),
    }[rate.unit].format(amount=amount)


def money(rate: prices.Rate) -> str:
    """The amount, without cents when there are none."""
    if rate.amount == rate.amount.to_integral_value():
        whole = typography.number(int(rate.amount), english=_english())
        return f"${whole}" if _english() else f"{whole}{typography.NBSP}$"
    return typography.money(rate.amount, english=_english())


def price_words(offer: Offer, on: date) -> list[tuple[str, str]]:
    """The tariff: each class with a rate that day; one line when all are alike."""
    if not offer.rates:
        return [("", _("Gratuit"))]
    rates = [one.rate for one in offer.rates]
    found: list[tuple[str, str]] = []
    for name, label in prices.CLASSES.items():
        try:
            rate = prices.rate_for(rates, name, on)
        except Refused:
            continue
        found.append((str(label), said_rate(rate)))
    if len(found) == len(prices.CLASSES) and len({said for _label, said in found}) == 1:
        return [("", found[0][1][:1].upper() + found[0][1][1:])]
    return found


def price_chip(offer: Offer, of_class: str, on: date) -> str:
    """One price, for a chip: that of the person who looks."""
    if not offer.rates:
        return _("Gratuit")
    rates = [one.rate for one in offer.rates]
    try:
        rate = prices.rate_for(rates, of_class, on)
        clubs = prices.rate_for(rates, prices.NON_PROFIT, on)
    except Refused:
        return ""
    said = said_rate(rate)
    if rate.amount and not clubs.amount:
        said = _("{price}, gratuit pour un OBNL").format(price=said)
    return said[:1].upper() + said[1:]


def hours_words(offer: Offer, on: date) -> list[tuple[str, str]]:
    """The opening hours of the week of that day: days in a row with the same hours are one line."""
    found: list[tuple[list[int], str]] = []
    for weekday in range(7):
        day = weeks.monday(on) + weekday * weeks.DAY
        rows = [one for one in week_of(offer.openings, day) if one.weekday == weekday]
        said = _(" et ").join(said_opening(one) for one in sorted(rows, key=_opens))
        if found and found[-1][1] == said:
            found[-1][0].append(weekday)
        else:
            found.append(([weekday], said))
    return [(said_weekdays(days), said or _("fermé")) for days, said in found]


def _opens(opening: Opening) -> Any:
    return opening.opens


def said_line(line: Mapping[str, Any]) -> dict[str, Any]:
    """«2 heures × 22 $», and its amount."""
    count, each = Decimal(line["count"]), Decimal(line["each"])
    rate = prices.Rate(line["unit"], each)
    return {
        "name": line["name"],
        "unit": line["unit"],
        "count": count.normalize() if count != count.to_integral() else int(count),
        "each": money(rate),
        "amount": Decimal(line["amount"]),
    }
