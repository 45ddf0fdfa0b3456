"""The territory in the Bureau: sectors, addresses, and files brought in."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from parvis.core import live
from parvis.core.errors import Refused
from parvis.core.htmx import go_to, page_or_part
from parvis.residents.doors import staff_door
from parvis.residents.http import StaffRequest
from parvis.territory import actions, drawing, search
from parvis.territory.forms import AddressForm, SectorForm, UploadForm
from parvis.territory.geometry import bounds
from parvis.territory.imports import read_sectors
from parvis.territory.models import Address, Import, Sector

PAGE = 50


# --- sectors -------------------------------------------------------------------------------------


@staff_door("administration")
@require_safe
def sectors(request: StaffRequest) -> HttpResponse:
    town = request.municipality
    rows = list(Sector.objects.of(town).annotate(count=Count("addresses")).order_by("name"))
    figures = Address.objects.of(town).aggregate(
        all=Count("pk"),
        outside=Count("pk", filter=Q(sector=None)),
        placeless=Count("pk", filter=Q(longitude=None)),
    )
    context = {
        "sectors": rows,
        "figures": figures,
        "map": drawing.town_map(town, sectors=rows, tone="info"),
        "here": "sectors",
        "live": live.link(request.get_host(), town.pk, "territory"),
    }
    template = page_or_part(
        request, "territory/staff/sectors.html", "territory/staff/_sectors.html"
    )
    return render(request, template, context)


def _sector_page(request: StaffRequest, form: SectorForm, sector: Sector | None) -> HttpResponse:
    others = [
        {"name": one.name, "geometry": one.geometry}
        for one in Sector.objects.of(request.municipality)
        if sector is None or one.pk != sector.pk
    ]
    return render(
        request,
        "territory/staff/sector.html",
        {"form": form, "sector": sector, "others": others, "here": "sectors"},
        status=422 if form.errors else 200,
    )


@staff_door("administration", "act")
def new_sector(request: StaffRequest) -> HttpResponse:
    form = SectorForm(request.POST or None)
    if form.is_valid():
        try:
            sector = actions.add_sector(
                municipality=request.municipality,
                actor=request.user,
                now=timezone.now(),
                **form.cleaned_data,
            )
        except Refused as refused:
            form.add_error("name", str(refused))
        else:
            messages.success(
                request, _("Secteur «\u00a0%(name)s\u00a0» ajouté.") % {"name": sector.name}
            )
            return go_to(request, "territory_staff:sectors")
    return _sector_page(request, form, None)


@staff_door("administration", "act")
def sector_page(request: StaffRequest, sector_id: int) -> HttpResponse:
    sector = get_object_or_404(Sector.objects.of(request.municipality), pk=sector_id)
    form = SectorForm(
        request.POST or None,
        initial={
            "name": sector.name,
            "code": sector.code,
            "geometry": json.dumps(sector.geometry),
        },
    )
    if form.is_valid():
        try:
            actions.change_sector(
                sector, actor=request.user, now=timezone.now(), **form.cleaned_data
            )
        except Refused as refused:
            form.add_error("name", str(refused))
        else:
            messages.success(
                request,
                _("Secteur enregistré. Les adresses sont reclassées dans la minute."),
            )
            return go_to(request, "territory_staff:sectors")
    return _sector_page(request, form, sector)


@staff_door("administration", "act")
@require_POST
def remove_sector(request: StaffRequest, sector_id: int) -> HttpResponse:
    sector = get_object_or_404(Sector.objects.of(request.municipality), pk=sector_id)
    actions.remove_sector(sector, actor=request.user)
    messages.success(request, _("Secteur «\u00a0%(name)s\u00a0» retiré.") % {"name": sector.name})
    return go_to(request, "territory_staff:sectors")


# --- addresses -----------------------------------------------------------------------------------


@staff_door("administration")
@require_safe
def addresses(request: StaffRequest) -> HttpResponse:
    town = request.municipality
    query = request.GET.get("q", "").replace("\x00", "")[:200].strip()
    chosen = request.GET.get("secteur", "")
    page = None
    found: list[Address] = []
    if query:
        found = search.find(town, query, limit=search.MOST)
    else:
        rows = Address.objects.of(town).select_related("sector")
        if chosen == "aucun":
            rows = rows.filter(sector=None)
        elif chosen.isdecimal() and len(chosen) < 19:
            rows = rows.filter(sector_id=int(chosen))
        page = Paginator(rows.order_by("street_key", "low", "key"), PAGE).get_page(
            request.GET.get("page")
        )
        found = list(page.object_list)
    context = {
        "found": found,
        "page": page,
        "query": query,
        "chosen": chosen,
        "sectors": Sector.objects.of(town),
        "hint": search.hint(query, found) if query else "",
        "here": "addresses",
    }
    template = page_or_part(
        request, "territory/staff/addresses.html", "territory/staff/_addresses.html"
    )
    return render(request, template, context)


def _address_page(request: StaffRequest, address: Address | None) -> HttpResponse:
    town = request.municipality
    form = AddressForm(request.POST or None, municipality=town, address=address)
    if form.is_valid():
        try:
            kept = actions.save_address(
                municipality=town,
                row=form.row(),
                sector=form.cleaned_data["sector"],
                actor=request.user,
                address=address,
            )
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(
                request, _("Adresse enregistrée\u00a0: %(address)s.") % {"address": kept}
            )
            return go_to(request, "territory_staff:addresses")
    return render(
        request,
        "territory/staff/address.html",
        {"form": form, "address": address, "here": "addresses"},
        status=422 if form.errors else 200,
    )


@staff_door("administration", "act")
def new_address(request: StaffRequest) -> HttpResponse:
    return _address_page(request, None)


@staff_door("administration", "act")
def address_page(request: StaffRequest, address_id: int) -> HttpResponse:
    address = get_object_or_404(Address.objects.of(request.municipality), pk=address_id)
    return _address_page(request, address)


@staff_door("administration", "act")
@require_POST
def remove_address(request: StaffRequest, address_id: int) -> HttpResponse:
    address = get_object_or_404(Address.objects.of(request.municipality), pk=address_id)
    try:
        actions.remove_address(address, actor=request.user)
    except Refused as refused:
        messages.error(request, str(refused))
        return go_to(request, "territory_staff:address", address_id)
    messages.success(request, _("Adresse retirée."))
    return go_to(request, "territory_staff:addresses")


# --- files ---------------------------------------------------------------------------------------


@staff_door("administration", "act")
def upload(request: StaffRequest) -> HttpResponse:
    """Receive a file. Sectors are shown before they are brought in; the rest starts at once."""
    kind = request.GET.get("sorte", "")
    form = UploadForm(
        request.POST or None,
        request.FILES or None,
        initial={"kind": kind if kind in Import.Kind.values else Import.Kind.ADDRESSES},
    )
    if form.is_valid():
        file: UploadedFile[bytes] = form.cleaned_data["file"]
        one: Import | None = None
        try:
            one = actions.receive_file(
                municipality=request.municipality,
                kind=form.cleaned_data["kind"],
                name=file.name or "",
                chunks=file.chunks(),
                actor=request.user,
                now=timezone.now(),
            )
            if one.kind == Import.Kind.SECTORS:
                read_sectors(actions.file_of(one))
            else:
                actions.start_import(one)
        except Refused as refused:
            form.add_error("file", str(refused))
            if one is not None:
                actions.abandon_import(one, now=timezone.now())
        else:
            return go_to(request, "territory_staff:import", one.pk)
    recent = Import.objects.of(request.municipality).exclude(state=Import.State.WAITING)[:10]
    return render(
        request,
        "territory/staff/upload.html",
        {"form": form, "recent": recent, "most": actions.UPLOAD_MEGABYTES, "here": "upload"},
        status=422 if form.errors else 200,
    )


def _preview(request: StaffRequest, one: Import) -> dict[str, Any]:
    """What the file of sectors would change, drawn with what stays."""
    given = read_sectors(actions.file_of(one))
    standing = {sector.name: sector for sector in Sector.objects.of(request.municipality)}
    rows, drawn, touched = [], [], set()
    for place, (name, _code, geometry) in enumerate(given, start=1):
        before = standing.pop(name, None)
        state = "new" if before is None else "same" if before.geometry == geometry else "changed"
        rows.append({"name": name, "state": state})
        west, south, east, north = bounds(geometry)
        sector = Sector(
            name=name, geometry=geometry, west=west, south=south, east=east, north=north
        )
        sector.pk = -place
        drawn.append(sector)
        if state != "same":
            touched.add(sector.pk)
    everything = [*drawn, *standing.values()]
    return {
        "rows": rows,
        "kept": len(standing),
        "map": drawing.town_map(request.municipality, touched, sectors=everything, tone="info"),
    }


@staff_door("administration")
@require_safe
def import_page(request: StaffRequest, import_id: int) -> HttpResponse:
    """How far an import is, and what came of it; a file of sectors, before it is confirmed."""
    one = get_object_or_404(Import.objects.of(request.municipality), pk=import_id)
    context: dict[str, Any] = {
        "one": one,
        "here": "upload",
        "percent": round(one.progress * 100),
        "live": live.link(request.get_host(), request.municipality.pk, f"import-{one.pk}"),
    }
    if one.state == Import.State.WAITING and one.kind == Import.Kind.SECTORS:
        try:
            context["preview"] = _preview(request, one)
        except (Refused, FileNotFoundError):
            context["gone"] = True
    template = page_or_part(request, "territory/staff/import.html", "territory/staff/_import.html")
    return render(request, template, context)


@staff_door("administration", "act")
@require_POST
def confirm_import(request: StaffRequest, import_id: int) -> HttpResponse:
    one = get_object_or_404(Import.objects.of(request.municipality), pk=import_id)
    actions.start_import(one)
    return go_to(request, "territory_staff:import", one.pk)


@staff_door("administration", "act")
@require_POST
def abandon_import(request: StaffRequest, import_id: int) -> HttpResponse:
    one = get_object_or_404(Import.objects.of(request.municipality), pk=import_id)
    actions.abandon_import(one, now=timezone.now())
    return go_to(request, "territory_staff:sectors")
