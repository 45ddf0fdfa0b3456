"""The town's sectors as a drawing of its own: no tiles, nothing asked of a third party."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from parvis.municipalities.models import Municipality
from parvis.territory.geometry import Frame, Geometry, bounds, frame, label_place, svg_path
from parvis.territory.models import Sector

WIDTH = 640
MOST_LABELS = 24
LARGE, SMALL = 12.5, 8.0
"""Width of a letter on the map, about, in its units."""


def town_map(
    municipality: Municipality | int,
    highlighted: Iterable[int] = (),
    *,
    tone: str = "urgence",
    pin: tuple[float, float] | None = None,
    drawn: Geometry | None = None,
    sectors: list[Sector] | None = None,
    dots: Iterable[tuple[float, float]] = (),
) -> dict[str, Any] | None:
    """Context of `territory/_map.html`, as `map`; None when the town has no sector.

    `highlighted`: sectors that are hatched. `drawn`: a free shape, hatched as well.
    `pin`: longitude and latitude of «Vous». `dots`: longitudes and latitudes, each a dot; those
    that would cover one another are drawn once, so that fifty thousand weigh as a few.
    """
    if sectors is None:
        sectors = list(Sector.objects.of(municipality).order_by("name"))
    if not sectors and drawn is None:
        return None
    chosen = set(highlighted)
    extents = [(one.west, one.south, one.east, one.north) for one in sectors]
    if drawn is not None:
        extents.append(bounds(drawn))
    box = frame(extents, WIDTH)
    shapes, labels = [], []
    for sector in sectors:
        shapes.append(
            {
                "id": sector.pk,
                "name": sector.name,
                "path": svg_path(sector.geometry, box),
                "on": sector.pk in chosen,
            }
        )
        labels.append(_label(sector, box, on=sector.pk in chosen))
    # A name that does not fit is left to the sentence, unless its sector is concerned.
    labels = [label for label in labels if label["on"] or label["fits"]][:MOST_LABELS]
    names = [sector.name for sector in sectors if sector.pk in chosen]
    place = box.place(*pin) if pin else None
    inside = place and 0 <= place[0] <= WIDTH and 0 <= place[1] <= box.height
    return {
        "width": WIDTH,
        "height": box.height,
        "tone": tone,
        "shapes": shapes,
        "labels": labels,
        "drawn": svg_path(drawn, box) if drawn is not None else "",
        "dots": _dots(dots, box),
        "pin": {"x": f"{place[0]:g}", "y": f"{place[1]:g}"} if place and inside else None,
        "sentence": sentence(names, len(sectors), drawn=drawn is not None, tone=tone),
    }


def _dots(positions: Iterable[tuple[float, float]], box: Frame) -> str:
    """A path of points on a grid of three units, those outside the picture left out."""
    places = {
        (round(x / 3) * 3, round(y / 3) * 3)
        for x, y in (box.place(*one) for one in positions)
        if 0 <= x <= WIDTH and 0 <= y <= box.height
    }
    return "".join(f"M{x} {y}h0" for x, y in sorted(places))


def _label(sector: Sector, box: Frame, *, on: bool) -> dict[str, Any]:
    """Where the name is written, on one line or two, large or small as its sector allows."""
    x, y = box.place(*label_place(sector.geometry))
    room = box.place(sector.east, sector.south)[0] - box.place(sector.west, sector.south)[0]
    ways = [
        (letter, lines)
        for letter in (LARGE, SMALL)
        for lines in ([sector.name], in_two(sector.name))
    ]
    fitting = [way for way in ways if _longest(way[1]) * way[0] <= room]
    letter, lines = (fitting or ways[-1:])[0]
    first = y - (len(lines) - 1) * letter * 1.1 + letter * 0.7
    return {
        "name": sector.name,
        "x": f"{x:g}",
        "y": f"{first:.1f}",
        "lines": lines,
        "css": "m-small" if letter == SMALL else "",
        "on": on,
        "fits": bool(fitting),
    }


def _longest(lines: list[str]) -> int:
    return max(len(line) for line in lines)


def in_two(name: str) -> list[str]:
    """«Saint-Cœur-de-Marie» is «Saint-Cœur-» and «de-Marie»; one word stays whole."""
    mark = " " if " " in name else "-"
    cuts = [place + 1 for place, letter in enumerate(name[:-1]) if letter == mark]
    if not cuts:
        return [name]
    cut = min(cuts, key=lambda place: abs(len(name) / 2 - place))
    return [name[:cut].rstrip(), name[cut:]]


def sentence(names: list[str], total: int, *, drawn: bool = False, tone: str = "urgence") -> str:
    """What the drawing says, in words."""
    listed = enumeration(names)
    if tone == "info":
        if not names:
            return ngettext("La ville a %(n)s secteur.", "La ville a %(n)s secteurs.", total) % {
                "n": total
            }
        return ngettext("Secteur\u00a0: %(names)s.", "Secteurs\u00a0: %(names)s.", len(names)) % {
            "names": listed
        }
    if not names:
        return _("La zone hachurée est touchée.") if drawn else _("Aucun secteur n’est touché.")
    if len(names) == total:
        text = _("Toute la ville est touchée\u00a0: %(names)s.") % {"names": listed}
    else:
        text = ngettext(
            "Secteur touché\u00a0: %(names)s. Les autres ne le sont pas.",
            "Secteurs touchés\u00a0: %(names)s. Les autres ne le sont pas.",
            len(names),
        ) % {"names": listed}
    if drawn:
        text += " " + _("La zone hachurée est touchée aussi.")
    return text


def enumeration(names: list[str]) -> str:
    """«Naudville, Delisle et Riverbend»."""
    if len(names) < 2:
        return "".join(names)
    return _("%(first)s et %(last)s") % {"first": ", ".join(names[:-1]), "last": names[-1]}
