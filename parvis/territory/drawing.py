"""The town's sectors as a drawing of its own: no tiles, nothing asked of a third party."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from parvis.municipalities.models import Municipality
from parvis.territory.geometry import Geometry, bounds, frame, label_place, svg_path
from parvis.territory.models import Sector

WIDTH = 640
MOST_LABELS = 14


def town_map(
    municipality: Municipality | int,
    highlighted: Iterable[int] = (),
    *,
    tone: str = "urgence",
    pin: tuple[float, float] | None = None,
    drawn: Geometry | None = None,
    sectors: list[Sector] | None = None,
) -> dict[str, Any] | None:
    """Context of `territory/_map.html`, as `map`; None when the town has no sector.

    `highlighted`: sectors that are hatched. `drawn`: a free shape, hatched as well.
    `pin`: longitude and latitude of «Vous».
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
        x, y = box.place(*label_place(sector.geometry))
        labels.append(
            {"x": f"{x:g}", "y": f"{y:g}", "text": sector.name, "on": sector.pk in chosen}
        )
    if len(labels) > MOST_LABELS:
        labels = [label for label in labels if label["on"]][:MOST_LABELS]
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
        "pin": {"x": f"{place[0]:g}", "y": f"{place[1]:g}"} if place and inside else None,
        "sentence": sentence(names, len(sectors), drawn=drawn is not None, tone=tone),
    }


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
