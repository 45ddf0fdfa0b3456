"""What the templates of the room say: an hour of the clock, a line of a sum."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from parvis.core import typography
from parvis.reservations import prices, wording

register = template.Library()


@register.filter
def hour(at: datetime | None) -> str:
    """An hour by the clock on the wall; of one shown twice, which of both."""
    return wording.said_hour(at, timezone.get_current_timezone()) if at else ""


@register.filter
def weekday(on: date) -> str:
    """The day of the week, short: «lun.»."""
    return wording.short_weekday(on)


@register.simple_tag
def sum_line(line: Mapping[str, Any]) -> str:
    """How a line was reckoned: «Gymnase, 2 heures × 22 $»."""
    count, each = line["count"], line["each"]
    english = (get_language() or "").startswith("en")
    amount = typography.number(count, english=english)
    # French counts one and a half in the singular.
    whole = 1 if abs(count) < 2 else 2
    if line["unit"] == prices.FLAT:
        return _("{name}, forfait").format(name=line["name"])
    if line["unit"] == prices.ITEM:
        return _("{name}, {n}\u00a0× {each}").format(name=line["name"], n=amount, each=each)
    if line["unit"] == prices.DAY:
        if many := int(line.get("quantity", 1)) - 1:
            days = typography.number(int(count) // (many + 1), english=english)
            said = ngettext("{n}\u00a0jour", "{n}\u00a0jours", int(count) // (many + 1))
            said = f"{many + 1}\u00a0× {said.format(n=days)}"
            return _("{name}, {said}\u00a0× {each}").format(name=line["name"], said=said, each=each)
        said = ngettext("{n}\u00a0jour", "{n}\u00a0jours", whole).format(n=amount)
    else:
        said = ngettext("{n}\u00a0heure", "{n}\u00a0heures", whole).format(n=amount)
    return _("{name}, {said}\u00a0× {each}").format(name=line["name"], said=said, each=each)
