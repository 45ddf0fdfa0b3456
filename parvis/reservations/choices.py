"""What someone chose on a page, and how it travels from one page to the next: in the address.

So nothing is lost by signing in on the way, by a stale page, or without scripts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from django.http import QueryDict
from django.utils.translation import gettext as _

from parvis.core.errors import Refused
from parvis.municipalities.models import Municipality
from parvis.reservations import weeks
from parvis.reservations.hours import Span, chosen_instant
from parvis.reservations.models import Resource
from parvis.reservations.readings import Line, Offer, offers

MOST_LINES = 30
HIGHEST = 10**9


@dataclass(frozen=True)
class Choice:
    """What, how much of it, and when."""

    lines: tuple[tuple[Offer, Line], ...]
    span: Span

    @property
    def space(self) -> Offer | None:
        return next((one for one, _line in self.lines if one.resource.is_space), None)

    @property
    def pieces(self) -> list[tuple[Offer, Line]]:
        return [(one, line) for one, line in self.lines if not one.resource.is_space]

    def moved(self, span: Span) -> Choice:
        return replace(self, span=span)

    def hidden(self) -> list[tuple[str, str]]:
        """Names and values for a form or an address."""
        found = [("du", weeks.key(self.span.start)), ("au", weeks.key(self.span.end))]
        if self.space is not None:
            found.append(("lieu", str(self.space.resource.pk)))
        return found + self.piece_fields()

    def piece_fields(self) -> list[tuple[str, str]]:
        return [(f"q{one.resource.pk}", str(line.quantity)) for one, line in self.pieces]

    def query(self) -> str:
        data = QueryDict(mutable=True)
        for name, value in self.hidden():
            data[name] = value
        return data.urlencode()


def number(text: str) -> int | None:
    """A row's number, as an address holds it."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def day_of(text: str) -> date | None:
    """A day of an address, or none."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 2000 <= found.year <= 2200 else None


def quantities(data: Mapping[str, str]) -> dict[int, int]:
    """Resource → pieces asked for, from fields named q7; empty and 0 are not asked for."""
    found = {}
    for name, value in data.items():
        pk = number(name[1:]) if name.startswith("q") and len(name) > 1 else None
        value = value.strip()
        if pk is None or value in {"", "0"}:
            continue
        amount = number(value)
        if amount is None or amount > HIGHEST:
            raise Refused(_("Écrivez les quantités en chiffres, par exemple 12."))
        found[pk] = amount
    return found


def hours_chosen(data: QueryDict) -> list[datetime]:
    """The steps ticked on a week; Refused when one is no instant."""
    return [weeks.instant(one) for one in data.getlist("h")[: weeks.MOST_CELLS]]


def span_of(data: QueryDict, *, step_of: Offer | None, zone: ZoneInfo) -> Span:
    """The period chosen, however the page asks for it, or raise Refused."""
    if data.get("du") and data.get("au"):
        return Span(weeks.instant(data.get("du", "")), weeks.instant(data.get("au", "")))
    if step_of is not None and step_of.resource.is_appointment:
        chosen = hours_chosen(data)
        if len(chosen) != 1:
            raise Refused(_("Choisissez un des moments proposés."))
        return Span(chosen[0], chosen[0] + step_of.resource.terms.shortest)
    if step_of is not None:
        found = weeks.joined(hours_chosen(data), step_of.resource.terms.step)
        if found is None:
            raise Refused(_("Choisissez vos heures dans la grille."))
        return found
    start = local(data.get("jour_du", ""), data.get("heure_du", ""), zone)
    end = local(data.get("jour_au", ""), data.get("heure_au", ""), zone)
    if start is None or end is None:
        raise Refused(_("Choisissez quand vous prenez le matériel, et quand vous le rapportez."))
    return Span(start, end)


def local(day: str, hour: str, zone: ZoneInfo) -> datetime | None:
    """A day and an hour of the clock on the wall; None when one of both is not said."""
    try:
        on, at = date.fromisoformat(day), time.fromisoformat(hour)
    except ValueError:
        return None
    if not 2000 <= on.year <= 2200:
        return None
    return chosen_instant(on, at.replace(second=0, microsecond=0, tzinfo=None), zone)


def read(town: Municipality, data: QueryDict, *, now: datetime) -> Choice:
    """What was chosen, or raise Refused when something of it is not lent by this town."""
    asked = quantities(data)
    place = data.get("lieu", "")
    space_id = number(place)
    if place and space_id is None:
        raise Refused(_("Ce lieu n’existe pas, ou n’est plus offert."))
    wanted = [*([space_id] if space_id is not None else []), *asked]
    if not wanted:
        raise Refused(_("Choisissez au moins une chose à emprunter."))
    if len(wanted) > MOST_LINES:
        raise Refused(_("Une demande compte {n} choses au plus.").format(n=MOST_LINES))
    found = standing(town, wanted, now=now)
    if set(found) != set(wanted):
        raise Refused(_("Ce que vous demandez n’existe pas, ou n’est plus offert."))
    if any(found[pk].resource.is_space for pk in asked) or (
        space_id is not None and not found[space_id].resource.is_space
    ):
        raise Refused(_("Ce que vous demandez n’existe pas, ou n’est plus offert."))
    lines = [(found[pk], Line(pk, quantity=asked.get(pk, 1))) for pk in wanted]
    space = found[space_id] if space_id is not None else None
    return Choice(tuple(lines), span_of(data, step_of=space, zone=town.zone))


def standing(town: Municipality, ids: Iterable[int], *, now: datetime) -> dict[int, Offer]:
    """The resources of these numbers that are offered today."""
    rows = Resource.objects.of(town).offered().filter(pk__in=list(ids)).select_related("address")
    since = now.astimezone(town.zone).date()
    return offers(town, rows, since=since)
