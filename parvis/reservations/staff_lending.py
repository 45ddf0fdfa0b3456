"""What the town lends, in the Bureau: the list, each sheet, a file of spaces, organisations."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Count, Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from parvis.core.errors import Refused
from parvis.core.htmx import go_to
from parvis.reservations import lending, spaces_file, spaces_import
from parvis.reservations.models import Organisation, Resource
from parvis.reservations.sheet_forms import SheetForms
from parvis.reservations.staff import ROOM
from parvis.reservations.staff_forms import ImportForm, OrganisationForm
from parvis.residents import rules as people
from parvis.residents.doors import may_enter, staff_door
from parvis.residents.http import StaffRequest
from parvis.residents.models import Resident

NEW: dict[str, dict[str, Any]] = {
    "lieu": {"kind": "space", "family": "room", "longest": 240},
    "materiel": {"kind": "equipment", "family": "furniture", "longest": 4320},
    "rendez-vous": {
        "kind": "appointment", "family": "desk", "step": 30, "shortest": 30, "longest": 30,
        "days_ahead": 30, "ways": ["here"],
    },
}  # fmt: skip
"""Word of the address → what a new sheet begins with."""


@staff_door(ROOM, "see")
@require_safe
def resources(request: StaffRequest) -> HttpResponse:
    town = request.municipality
    rows = Resource.objects.of(town).annotate(
        places=Count("units", filter=Q(units__retired_at__isnull=True))
    )
    return render(
        request,
        "reservations/staff/resources.html",
        {
            "spaces": rows.filter(kind=Resource.Kind.SPACE),
            "desks": rows.filter(kind=Resource.Kind.APPOINTMENT),
            "equipment": rows.filter(kind=Resource.Kind.EQUIPMENT),
            "here": "resources",
            "may_act": may_enter(request.staff, ROOM, "act"),
        },
    )


def sheet_page(
    request: StaffRequest, resource: Resource, forms: SheetForms, *, may_act: bool = True
) -> HttpResponse:
    refused = request.method == "POST"
    return render(
        request,
        "reservations/staff/resource.html",
        {
            "resource": resource,
            "forms": forms,
            "here": "resources",
            "may_act": may_act,
        },
        status=422 if refused else 200,
    )


@staff_door(ROOM, "act")
def add(request: StaffRequest, kind: str) -> HttpResponse:
    """A new space, new equipment, or a new service that receives by appointment."""
    if kind not in NEW:
        raise Http404
    town = request.municipality
    resource = Resource(municipality=town, **NEW[kind])
    forms = SheetForms(request.POST or None, resource)
    if request.method == "POST" and forms.is_valid():
        try:
            made = lending.add_resource(
                town,
                kind=resource.kind,
                sheet=forms.sheet(),
                clerk=request.user,
                now=timezone.now(),
                **forms.about.facts(),
            )
        except Refused as refused:
            forms.about.add_error(None, str(refused))
        else:
            messages.success(request, _("La fiche est enregistrée. Offrez-la une fois prête."))
            return go_to(request, "reservations_staff:edit", made.pk)
    return sheet_page(request, resource, forms)


@staff_door(ROOM, "see")
def edit(request: StaffRequest, resource_id: int) -> HttpResponse:
    """The sheet of a resource; whoever may only see it cannot write it."""
    resource = get_object_or_404(
        Resource.objects.of(request.municipality).select_related("municipality").whole(),
        pk=resource_id,
    )
    may_act = may_enter(request.staff, ROOM, "act")
    forms = SheetForms(request.POST if request.method == "POST" and may_act else None, resource)
    if request.method == "POST" and may_act and forms.is_valid():
        token = request.POST.get("token", "")
        try:
            lending.change_resource(
                resource,
                token=int(token) if token.isdecimal() and len(token) < 10 else 0,
                sheet=forms.sheet(),
                clerk=request.user,
                now=timezone.now(),
                **forms.about.facts(),
            )
        except Refused as refused:
            forms.about.add_error(None, str(refused))
        else:
            messages.success(request, _("La fiche est enregistrée."))
            return go_to(request, "reservations_staff:edit", resource.pk)
    return sheet_page(request, resource, forms, may_act=may_act)


@staff_door(ROOM, "act")
@require_POST
def set_state(request: StaffRequest, resource_id: int) -> HttpResponse:
    """Offer it, or withdraw it."""
    resource = get_object_or_404(Resource.objects.of(request.municipality), pk=resource_id)
    try:
        fresh = lending.set_state(
            resource, state=request.POST.get("etat", ""), clerk=request.user, now=timezone.now()
        )
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        offered = fresh.state == Resource.State.OPEN
        messages.success(
            request,
            _("Les gens peuvent maintenant réserver.")
            if offered
            else _("Ce n’est plus offert\u00a0: ce qui est déjà réservé le reste."),
        )
    return go_to(request, "reservations_staff:edit", resource.pk)


@staff_door(ROOM, "act")
def bring_in(request: StaffRequest) -> HttpResponse:
    """Spaces from a CSV file, ready to reserve."""
    form = ImportForm(request.POST or None, request.FILES or None)
    if form.is_valid():
        file: UploadedFile[bytes] = form.cleaned_data["file"]
        try:
            if (file.size or 0) > spaces_file.MOST_BYTES:
                raise Refused(_("Le fichier dépasse 1\u00a0Mo."))
            added, known = spaces_import.bring_in(
                request.municipality, file.read(), clerk=request.user, now=timezone.now()
            )
        except Refused as refused:
            form.add_error("file", str(refused))
        else:
            said = ngettext(
                "{n}\u00a0lieu est offert à la réservation.",
                "{n}\u00a0lieux sont offerts à la réservation.",
                len(added),
            ).format(n=len(added))
            if known:
                said += " " + ngettext(
                    "{n} existait déjà et n’a pas changé.",
                    "{n} existaient déjà et n’ont pas changé.",
                    known,
                ).format(n=known)
            messages.success(request, said)
            return go_to(request, "reservations_staff:resources")
    return render(
        request,
        "reservations/staff/import.html",
        {"form": form, "here": "resources"},
        status=422 if form.errors else 200,
    )


@staff_door(ROOM, "see")
def organisations(request: StaffRequest) -> HttpResponse:
    """The organisations that the town knows, and a new one."""
    may_act = may_enter(request.staff, ROOM, "act")
    form = OrganisationForm(request.POST if request.method == "POST" and may_act else None)
    if form.is_valid():
        try:
            made = lending.write_organisation(
                request.municipality, clerk=request.user, now=timezone.now(), **form.cleaned_data
            )
        except Refused as refused:
            form.add_error("name", str(refused))
        else:
            messages.success(request, _("L’organisme est inscrit. Ajoutez qui réserve pour lui."))
            return go_to(request, "reservations_staff:organisation", made.pk)
    return render(
        request,
        "reservations/staff/organisations.html",
        {
            "rows": Organisation.objects.of(request.municipality).annotate(n=Count("members")),
            "form": form,
            "here": "organisations",
            "may_act": may_act,
            "today": timezone.now().astimezone(request.municipality.zone).date(),
        },
        status=422 if form.errors else 200,
    )


def organisation_page(
    request: StaffRequest, row: Organisation, form: OrganisationForm
) -> HttpResponse:
    query = request.GET.get("q", "").strip()[:80]
    members = row.members.select_related("resident").order_by("resident__last_name", "pk")
    found: list[Resident] = []
    if people.search_words(query):
        known = Resident.objects.of(request.municipality).standing().found(query)
        found = list(known.exclude(pk__in=members.values("resident_id"))[:12])
    return render(
        request,
        "reservations/staff/organisation.html",
        {
            "row": row,
            "form": form,
            "members": members,
            "query": query,
            "people": found,
            "here": "organisations",
            "may_act": may_enter(request.staff, ROOM, "act"),
            "today": timezone.now().astimezone(request.municipality.zone).date(),
        },
        status=422 if form.errors else 200,
    )


@staff_door(ROOM, "see")
def organisation(request: StaffRequest, organisation_id: int) -> HttpResponse:
    row = get_object_or_404(Organisation.objects.of(request.municipality), pk=organisation_id)
    may_act = may_enter(request.staff, ROOM, "act")
    shown = {name: getattr(row, name) for name in OrganisationForm.base_fields}
    form = OrganisationForm(
        request.POST if request.method == "POST" and may_act else None, initial=shown
    )
    if form.is_valid():
        try:
            lending.write_organisation(
                request.municipality, clerk=request.user, now=timezone.now(), organisation=row,
                **form.cleaned_data,
            )  # fmt: skip
        except Refused as refused:
            form.add_error("name", str(refused))
        else:
            messages.success(request, _("C’est enregistré."))
            return go_to(request, "reservations_staff:organisation", row.pk)
    return organisation_page(request, row, form)


@staff_door(ROOM, "act")
@require_POST
def set_member(request: StaffRequest, organisation_id: int) -> HttpResponse:
    """Let someone reserve for the organisation, or no longer."""
    town = request.municipality
    row = get_object_or_404(Organisation.objects.of(town), pk=organisation_id)
    chosen = request.POST.get("personne", "")
    pk = int(chosen) if chosen.isdecimal() and len(chosen) < 19 else 0
    who = Resident.objects.of(town).filter(pk=pk).first()
    if who is None:
        messages.error(request, _("Choisissez une personne."))
    else:
        lending.set_member(
            row, who, member="retirer" not in request.POST, clerk=request.user, now=timezone.now()
        )
    return go_to(request, "reservations_staff:organisation", row.pk)
