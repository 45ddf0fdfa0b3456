"""Looking up an address, and the sector it is in."""

from __future__ import annotations

import re

from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from parvis.core.htmx import page_or_part
from parvis.residents.http import TownRequest
from parvis.territory import drawing
from parvis.territory.models import Address
from parvis.territory.search import find, hint, sector_at

NAME = re.compile(r"[a-z][a-z0-9_-]{0,59}", re.IGNORECASE)
LONGEST = 200


def _asked(request: TownRequest) -> tuple[str, str]:
    """Name of the input that asks, and what was typed."""
    name = request.GET.get("name", "address")
    if not NAME.fullmatch(name):
        name = "address"
    typed = request.GET.get("q", request.GET.get(f"{name}_q", ""))
    return name, typed.replace("\x00", "")[:LONGEST].strip()


@login_not_required
@require_safe
def search(request: TownRequest) -> HttpResponse:
    """Addresses that answer, as choices: a page to a browser, the choices alone to htmx."""
    name, typed = _asked(request)
    found = find(request.municipality, typed)
    context = {
        "name": name,
        "id": f"id_{name}",
        "typed": typed,
        "found": found,
        "hint": hint(typed, found),
        "picked": None,
    }
    template = page_or_part(request, "territory/search.html", "territory/_choices.html")
    return render(request, template, context)


@login_not_required
@require_safe
def search_json(request: TownRequest) -> JsonResponse:
    _name, typed = _asked(request)
    return JsonResponse(
        {
            "q": typed,
            "addresses": [
                {
                    "id": address.pk,
                    "text": str(address),
                    "postal_code": address.postal_code,
                    "sector": address.sector.name if address.sector else None,
                }
                for address in find(request.municipality, typed)
            ],
        }
    )


@login_not_required
@require_safe
def my_sector(request: TownRequest) -> HttpResponse:
    """The sector of the address chosen, or typed when only one answers."""
    name, typed = _asked(request)
    chosen = request.GET.get(name, "")
    address: Address | None = None
    found: list[Address] = []
    if chosen.isdecimal() and len(chosen) < 19:
        address = (
            Address.objects.of(request.municipality)
            .select_related("sector")
            .filter(pk=int(chosen))
            .first()
        )
    if address is None and typed:
        found = find(request.municipality, typed)
        address = found[0] if len(found) == 1 else None
    sector = address.sector if address else None
    if address and sector is None and address.longitude is not None:
        sector = sector_at(request.municipality, address.longitude, address.latitude or 0.0)
    return render(
        request,
        page_or_part(request, "territory/my_sector.html", "territory/_my_sector.html"),
        {
            "name": name,
            "id": f"id_{name}",
            "typed": typed or (str(address) if address else ""),
            "found": found if address is None else [address],
            "picked": address.pk if address else None,
            "hint": hint(typed, found) if address is None and typed else "",
            "address": address,
            "sector": sector,
            "map": drawing.town_map(
                request.municipality,
                {sector.pk} if sector else set(),
                tone="info",
                pin=(address.longitude, address.latitude)
                if address and address.longitude is not None and address.latitude is not None
                else None,
            ),
        },
    )
