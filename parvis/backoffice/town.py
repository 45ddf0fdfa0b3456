"""The town's settings: identity, colour, languages, host names, subjects."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpResponse
from django.http.request import split_domain_port
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from parvis.backoffice.forms import HostNameForm, SubjectForm, TownForm
from parvis.core import icons, palette
from parvis.core.errors import Refused
from parvis.core.htmx import go_to
from parvis.municipalities import crests, hosts, rules
from parvis.municipalities.actions import change_town
from parvis.municipalities.middleware import serves_unproven
from parvis.municipalities.models import AuditLine, HostName, Municipality
from parvis.notifications import subjects
from parvis.notifications.models import Subject
from parvis.residents.doors import staff_door
from parvis.residents.http import StaffRequest, TownRequest

TEXT_RATIO, OUTLINE_RATIO = 7.0, 3.0


def preview(brand: str) -> dict[str, object]:
    """The ramp and the figures of a colour, by day and by night; or why it is none."""
    try:
        brand = palette.check_brand(brand.strip())
    except ValueError as error:
        return {"colour_error": str(error)}
    figures = palette.contrasts(brand)
    passed = all(
        each["button"] >= TEXT_RATIO
        and each["link"] >= TEXT_RATIO
        and each["outline"] >= OUTLINE_RATIO
        for each in figures.values()
    )
    sides = [
        {"name": name, "css": css, **{k: round(v, 1) for k, v in figures[time].items()}}
        for time, css, name in (("day", "jour", _("Le jour")), ("night", "nuit", _("La nuit")))
    ]
    return {"brand": brand, "passed": passed, "sides": sides}


def show_town(
    request: StaffRequest, *, form: TownForm | None = None, host_form: HostNameForm | None = None
) -> HttpResponse:
    town = Municipality.objects.get(pk=request.municipality.pk)
    form = form or TownForm.of_town(town)
    host_form = host_form or HostNameForm()
    names = HostName.objects.filter(municipality=town).order_by("-is_main", "name")
    _host, port = split_domain_port(request.get_host())
    scheme = "https" if request.is_secure() else "http"
    changed = AuditLine.objects.of(town).filter(deed="municipalities.changed").first()
    typed = form["brand"].value()
    return render(
        request,
        "backoffice/town.html",
        {
            "form": form,
            "host_form": host_form,
            "hosts": [
                {
                    "row": row,
                    "proof_url": f"{scheme}://{row.name}{f':{port}' if port else ''}"
                    f"/bureau/ville/hotes/preuve/{hosts.proof(row)}/",
                }
                for row in names
            ],
            "shared": hosts.is_shared(town),
            "rooms": rules.ROOMS.values(),
            "last_change": changed,
            **preview(str(typed or town.brand)),
        },
        status=422 if form.errors or host_form.errors else 200,
    )


@staff_door("administration")
def town_page(request: StaffRequest) -> HttpResponse:
    if request.method != "POST":
        return show_town(request)
    town = Municipality.objects.get(pk=request.municipality.pk)
    form = TownForm.of_town(town, request.POST, request.FILES)
    if form.is_valid():
        field: str | None = "crest"
        try:
            with transaction.atomic():
                if form.cleaned_data["crest"]:
                    data = form.cleaned_data["crest"].read(icons.MAX_BYTES + 1)
                    crests.change_crest(town, data=data, actor=request.user)
                field = None
                change_town(town, actor=request.user, **form.changes())
        except Refused as refused:
            form.add_error(field, str(refused))
        else:
            messages.success(request, _("Les réglages sont publiés."))
            return go_to(request, "backoffice:town")
    return show_town(request, form=form)


@staff_door("administration")
def colour(request: StaffRequest) -> HttpResponse:
    """The preview of a colour as it is being chosen."""
    found = preview(request.GET.get("brand", ""))
    status = 422 if "colour_error" in found else 200
    return render(request, "backoffice/_colour.html", found, status=status)


@staff_door("administration")
@require_POST
def add_host(request: StaffRequest) -> HttpResponse:
    form = HostNameForm(request.POST)
    if form.is_valid():
        try:
            hosts.add_host_name(
                request.municipality, name=form.cleaned_data["name"], actor=request.user
            )
        except Refused as refused:
            form.add_error("name", str(refused))
        else:
            messages.success(
                request,
                _("Nom ajouté. La personne qui exploite le portail doit l’accepter.")
                if hosts.is_shared(request.municipality)
                else _("Nom ajouté. Faites pointer son DNS ici, puis vérifiez-le."),
            )
            return go_to(request, "backoffice:town")
    return show_town(request, host_form=form)


@serves_unproven
@login_not_required
def prove_host(request: TownRequest, token: str) -> HttpResponse:
    """Opened at the host name itself: that the page answers is the proof."""
    visited, _port = split_domain_port(request.get_host())
    error = ""
    try:
        hosts.prove_host_name(
            request.municipality, token=token, visited=visited, now=timezone.now()
        )
    except Refused as refused:
        error = str(refused)
    return render(
        request,
        "backoffice/host_proven.html",
        {"host": visited, "error": error},
        status=422 if error else 200,
    )


def host_of(request: StaffRequest, host_id: int) -> HostName:
    return get_object_or_404(HostName, municipality=request.municipality, pk=host_id)


@staff_door("administration")
@require_POST
def make_main(request: StaffRequest, host_id: int) -> HttpResponse:
    try:
        hosts.make_main_host(host_of(request, host_id), actor=request.user)
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("L’adresse principale est changée."))
    return go_to(request, "backoffice:town")


@staff_door("administration")
@require_POST
def remove_host(request: StaffRequest, host_id: int) -> HttpResponse:
    try:
        hosts.remove_host_name(host_of(request, host_id), actor=request.user)
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("Le nom d’hôte est retiré."))
    return go_to(request, "backoffice:town")


def show_subjects(
    request: StaffRequest, *, form: SubjectForm | None = None, wrong: int | None = None
) -> HttpResponse:
    rows = list(Subject.objects.of(request.municipality))
    standing = [row for row in rows if row.archived_at is None]
    return render(
        request,
        "backoffice/subjects.html",
        {
            "subjects": [
                {
                    "row": row,
                    "open": row.pk == wrong,
                    "form": form
                    if form and row.pk == wrong
                    else SubjectForm(
                        initial={"name": row.name, "detail": row.detail, "icon": row.icon},
                        auto_id=f"s{row.pk}_%s",
                    ),
                }
                for row in standing
            ],
            "archived": [row for row in rows if row.archived_at],
            "form": form if form and wrong is None else SubjectForm(auto_id="new_%s"),
        },
        status=422 if form and form.errors else 200,
    )


@staff_door("administration")
def subjects_page(request: StaffRequest) -> HttpResponse:
    if request.method != "POST":
        return show_subjects(request)
    form = SubjectForm(request.POST, auto_id="new_%s")
    if form.is_valid():
        try:
            subject = subjects.add_subject(
                request.municipality, actor=request.user, **form.cleaned_data
            )
        except Refused as refused:
            form.add_error("name", str(refused))
        else:
            messages.success(
                request, _("Le sujet «\u00a0%(name)s\u00a0» est ajouté.") % {"name": subject.name}
            )
            return go_to(request, "backoffice:subjects")
    return show_subjects(request, form=form)


def subject_of(request: StaffRequest, subject_id: int) -> Subject:
    found: Subject = get_object_or_404(Subject.objects.of(request.municipality), pk=subject_id)
    return found


@staff_door("administration")
@require_POST
def change_subject(request: StaffRequest, subject_id: int) -> HttpResponse:
    subject = subject_of(request, subject_id)
    form = SubjectForm(request.POST, auto_id=f"s{subject.pk}_%s")
    if form.is_valid():
        try:
            subjects.change_subject(subject, actor=request.user, **form.cleaned_data)
        except Refused as refused:
            form.add_error("name", str(refused))
        else:
            messages.success(request, _("Le sujet est enregistré."))
            return go_to(request, "backoffice:subjects")
    return show_subjects(request, form=form, wrong=subject.pk)


@staff_door("administration")
@require_POST
def move_subject(request: StaffRequest, subject_id: int) -> HttpResponse:
    places = 1 if request.POST.get("vers") == "bas" else -1
    subjects.move_subject(subject_of(request, subject_id), places=places, actor=request.user)
    return go_to(request, "backoffice:subjects")


@staff_door("administration")
@require_POST
def archive_subject(request: StaffRequest, subject_id: int) -> HttpResponse:
    try:
        subjects.archive_subject(
            subject_of(request, subject_id), actor=request.user, now=timezone.now()
        )
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("Le sujet est archivé. Ses avis restent en ligne."))
    return go_to(request, "backoffice:subjects")


@staff_door("administration")
@require_POST
def restore_subject(request: StaffRequest, subject_id: int) -> HttpResponse:
    subjects.restore_subject(subject_of(request, subject_id), actor=request.user)
    return go_to(request, "backoffice:subjects")
