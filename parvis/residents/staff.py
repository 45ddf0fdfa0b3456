"""«Mode comptoir»: a clerk finds, opens and serves the account of someone who came or called."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from parvis.core.htmx import go_to, page_or_part
from parvis.municipalities.models import AuditLine
from parvis.residents import actions, rules
from parvis.residents.answers import answer, attempt, sent
from parvis.residents.doors import may_enter, staff_door
from parvis.residents.forms import CounterForm, NameForm, PhoneForm, PlaceForm
from parvis.residents.http import StaffRequest
from parvis.residents.models import HouseholdMember, Phone, Place, Resident

A_PAGE = 25
LONGEST = 80


@staff_door("residents", "see")
@require_safe
def people(request: StaffRequest) -> HttpResponse:
    """Look for someone; nobody is listed before something is asked."""
    query = request.GET.get("q", "").strip()[:LONGEST]
    found = Resident.objects.of(request.municipality).standing()
    found = found.found(query) if rules.search_words(query) else found.none()
    page = Paginator(found.order_by("last_name", "first_name", "id"), A_PAGE).get_page(
        request.GET.get("page")
    )
    homes = {
        place.resident_id: place
        for place in Place.objects.of(request.municipality)
        .filter(resident__in=[one.pk for one in page], kind=Place.Kind.HOME)
        .select_related("address")
    }
    return render(
        request,
        page_or_part(request, "residents/staff/people.html", "residents/staff/_people.html"),
        {
            "query": query,
            "page": page,
            "rows": [(one, homes.get(one.pk)) for one in page],
            "may_act": may_enter(request.staff, "residents", "act"),
        },
    )


@staff_door("residents", "act")
def open_account(request: StaffRequest) -> HttpResponse:
    form = CounterForm(sent(request))
    made: list[Resident] = []
    if form.is_valid() and attempt(
        form,
        lambda: made.append(
            actions.open_at_counter(
                request.municipality,
                actor=request.user,
                now=timezone.now(),
                **form.cleaned_data,
            )
        ),
    ):
        messages.success(request, _("Le dossier est ouvert. Il reste à préciser son adresse."))
        return go_to(request, "residents_staff:person", made[0].pk)
    return answer(request, "staff/open.html", "staff/_open.html", {"form": form}, form)


def _person(request: StaffRequest, person_id: int) -> Resident:
    """Someone of this town whose account is open."""
    found: Resident = get_object_or_404(
        Resident.objects.of(request.municipality).standing(), pk=person_id
    )
    return found


@staff_door("residents", "see")
@require_safe
def person(request: StaffRequest, person_id: int) -> HttpResponse:
    """A person's file. Each look is a line of the trail."""
    found = _person(request, person_id)
    actions.note_file_seen(found, actor=request.user)
    town = request.municipality
    return render(
        request,
        "residents/staff/person.html",
        {
            "resident": found,
            "emails": EmailAddress.objects.filter(user=found).order_by("-primary", "email"),
            "phones": Phone.objects.of(town).filter(resident=found).order_by("id"),
            "places": Place.objects.of(town).of_resident(found),
            "memberships": HouseholdMember.objects.of(town)
            .filter(resident=found)
            .select_related("household__address"),
            "lines": AuditLine.objects.of(town).filter(facts__resident=found.pk)[:10],
            "may_act": may_enter(request.staff, "residents", "act"),
            "may_open_case": may_enter(request.staff, "cases", "act"),
        },
    )


@staff_door("residents", "act")
def profile(request: StaffRequest, person_id: int) -> HttpResponse:
    found = _person(request, person_id)
    form = NameForm(
        sent(request),
        municipality=request.municipality,
        initial={
            "first_name": found.first_name,
            "last_name": found.last_name,
            "language": found.language,
        },
    )
    if form.is_valid():
        actions.change_profile(found, actor=request.user, **form.cleaned_data)
        messages.success(request, _("C’est enregistré."))
        return go_to(request, "residents_staff:person", found.pk)
    context = {"form": form, "resident": found, "title": _("Nom et langue")}
    return answer(request, "staff/change.html", "staff/_change.html", context, form)


@staff_door("residents", "act")
def add_phone(request: StaffRequest, person_id: int) -> HttpResponse:
    found = _person(request, person_id)
    form = PhoneForm(sent(request))
    if form.is_valid() and attempt(
        form,
        lambda: actions.add_phone(
            found, actor=request.user, now=timezone.now(), **form.cleaned_data
        ),
    ):
        messages.success(request, _("Le numéro est ajouté."))
        return go_to(request, "residents_staff:person", found.pk)
    context = {"form": form, "resident": found, "title": _("Ajouter un numéro")}
    return answer(request, "staff/change.html", "staff/_change.html", context, form)


def _phone(request: StaffRequest, person_id: int, phone_id: int) -> Phone:
    phone: Phone = get_object_or_404(
        Phone.objects.of(request.municipality).filter(resident=_person(request, person_id)),
        pk=phone_id,
    )
    return phone


@staff_door("residents", "act")
@require_POST
def verify_phone(request: StaffRequest, person_id: int, phone_id: int) -> HttpResponse:
    phone = _phone(request, person_id, phone_id)
    actions.verify_phone_at_counter(phone, actor=request.user, now=timezone.now())
    messages.success(request, _("Le numéro est vérifié."))
    return go_to(request, "residents_staff:person", person_id)


@staff_door("residents", "act")
@require_POST
def remove_phone(request: StaffRequest, person_id: int, phone_id: int) -> HttpResponse:
    actions.remove_phone(_phone(request, person_id, phone_id), actor=request.user)
    messages.success(request, _("Le numéro est retiré."))
    return go_to(request, "residents_staff:person", person_id)


@staff_door("residents", "act")
def add_place(request: StaffRequest, person_id: int) -> HttpResponse:
    found = _person(request, person_id)
    form = PlaceForm(sent(request), municipality=request.municipality)
    if form.is_valid() and attempt(
        form,
        lambda: actions.add_place(
            found, actor=request.user, now=timezone.now(), **form.cleaned_data
        ),
    ):
        messages.success(request, _("L’adresse est ajoutée."))
        return go_to(request, "residents_staff:person", found.pk)
    context = {"form": form, "resident": found, "title": _("Ajouter une adresse")}
    return answer(request, "staff/change.html", "staff/_change.html", context, form)


def _place(request: StaffRequest, person_id: int, place_id: int) -> Place:
    found: Place = get_object_or_404(
        Place.objects.of(request.municipality).of_resident(_person(request, person_id)),
        pk=place_id,
    )
    return found


@staff_door("residents", "act")
def place(request: StaffRequest, person_id: int, place_id: int) -> HttpResponse:
    found = _place(request, person_id, place_id)
    form = PlaceForm(
        sent(request),
        municipality=request.municipality,
        initial={"kind": found.kind, "label": found.label, "address": found.address},
    )
    if form.is_valid() and attempt(
        form, lambda: actions.change_place(found, actor=request.user, **form.cleaned_data)
    ):
        messages.success(request, _("L’adresse est enregistrée."))
        return go_to(request, "residents_staff:person", person_id)
    context = {"form": form, "resident": found.resident, "title": _("Modifier une adresse")}
    return answer(request, "staff/change.html", "staff/_change.html", context, form)


@staff_door("residents", "act")
@require_POST
def remove_place(request: StaffRequest, person_id: int, place_id: int) -> HttpResponse:
    actions.remove_place(_place(request, person_id, place_id), actor=request.user)
    messages.success(request, _("L’adresse est retirée."))
    return go_to(request, "residents_staff:person", person_id)
