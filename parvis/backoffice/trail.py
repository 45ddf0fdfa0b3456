"""The audit trail: who did what, when; filtered, exported, verified."""

from __future__ import annotations

import csv
import json
from datetime import datetime, time, timedelta
from io import StringIO
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.views.decorators.http import require_POST

from parvis.backoffice.deeds import DEEDS, words
from parvis.municipalities import actions
from parvis.municipalities.models import AuditLine, AuditSeal, StaffMember
from parvis.residents.doors import staff_door
from parvis.residents.http import StaffRequest
from parvis.residents.models import Resident

PER_PAGE = 50
MOST_LINES = 100_000


class FilterForm(forms.Form):
    personne = forms.ChoiceField(label=_lazy("Personne"), required=False)
    geste = forms.ChoiceField(label=_lazy("Geste"), required=False)
    du = forms.DateField(
        label=_lazy("Du"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    au = forms.DateField(
        label=_lazy("Au"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )

    def __init__(self, *args: Any, staff: list[StaffMember], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = [(str(each.person_id), each.person.name) for each in staff]
        deeds = sorted(((deed, str(label)) for deed, label in DEEDS.items()), key=lambda d: d[1])
        self.fields["personne"].choices = [  # type: ignore[attr-defined]
            ("", _("Tout le monde")), ("0", _("La ville, par elle-même")), *people,
        ]  # fmt: skip
        self.fields["geste"].choices = [("", _("Tous les gestes")), *deeds]  # type: ignore[attr-defined]


def filtered(request: StaffRequest) -> tuple[FilterForm, QuerySet[AuditLine]]:
    staff = list(
        StaffMember.objects.of(request.municipality)
        .select_related("person")
        .order_by("person__first_name")
    )
    form = FilterForm(request.GET, staff=staff)
    lines = AuditLine.objects.of(request.municipality).order_by("-id")
    chosen = form.cleaned_data if form.is_valid() else {}
    if chosen.get("personne") == "0":
        lines = lines.filter(actor_id__isnull=True)
    elif chosen.get("personne"):
        lines = lines.filter(actor_id=int(chosen["personne"]))
    if chosen.get("geste"):
        lines = lines.filter(deed=chosen["geste"])
    if chosen.get("du"):
        lines = lines.filter(at__gte=midnight(chosen["du"]))
    if chosen.get("au"):
        lines = lines.filter(at__lt=midnight(chosen["au"] + timedelta(days=1)))
    return form, lines


def midnight(day: Any) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))


def told(lines: list[AuditLine], town_id: int) -> list[dict[str, Any]]:
    """Lines with the names that still stand for their identifiers, and their seals."""
    actors = Resident.objects.of(town_id).in_bulk({line.actor_id for line in lines} - {None})
    seals = {
        seal.line_id: seal
        for seal in AuditSeal.objects.of(town_id).filter(line_id__in=[line.pk for line in lines])
    }
    return [
        {
            "line": line,
            "words": words(line.deed),
            "actor": actor_name(line, actors),
            "facts": json.dumps(line.facts, ensure_ascii=False) if line.facts else "",
            "seal": seals.get(line.pk),
        }
        for line in lines
    ]


def actor_name(line: AuditLine, actors: dict[int, Resident]) -> str:
    if line.actor_id is None:
        return _("La ville")
    person = actors.get(line.actor_id)
    if person is None or person.erased_at:
        return _("Personne %(n)s") % {"n": line.actor_id}
    return person.name


@staff_door("administration")
def trail_page(request: StaffRequest) -> HttpResponse:
    form, lines = filtered(request)
    page = Paginator(lines, PER_PAGE).get_page(request.GET.get("page"))
    last = AuditSeal.objects.of(request.municipality).order_by("-sequence").first()
    query = request.GET.copy()
    query.pop("page", None)
    return render(
        request,
        "backoffice/trail.html",
        {
            "form": form,
            "page": page,
            "rows": told(list(page.object_list), request.municipality.pk),
            "last_seal": last,
            "query": query.urlencode(),
        },
    )


@staff_door("administration")
def export(request: StaffRequest) -> HttpResponse:
    """The filtered lines as CSV; that it was taken is a line of the trail too."""
    _form, lines = filtered(request)
    actions.record("municipalities.trail_exported", municipality=request.municipality,
                   actor=request.user)  # fmt: skip
    out = StringIO()
    out.write("\ufeff")
    writer = csv.writer(out, delimiter=";")
    writer.writerow(
        [_("Numéro"), _("Moment"), _("Personne"), _("Geste"), _("Code"), _("Faits"), _("Sceau")]
    )
    rows = list(lines[:MOST_LINES])
    for row in told(rows, request.municipality.pk):
        line = row["line"]
        writer.writerow(
            [
                line.pk,
                timezone.localtime(line.at).isoformat(timespec="seconds"),
                plain(row["actor"]),
                row["words"],
                line.deed,
                row["facts"],
                row["seal"].hash if row["seal"] else "",
            ]
        )
    response = HttpResponse(out.getvalue(), content_type="text/csv; charset=utf-8")
    day = timezone.localdate().isoformat()
    response["Content-Disposition"] = f'attachment; filename="journal-{day}.csv"'
    return response


def plain(cell: str) -> str:
    """A spreadsheet takes these first letters for a formula."""
    return f"'{cell}" if cell[:1] in "=+-@\t\r" and cell else cell


@staff_door("administration")
@require_POST
def verify(request: StaffRequest) -> HttpResponse:
    """Read the whole chain again and say what is wrong with it."""
    now = timezone.now()
    faults = actions.verify_trail(request.municipality.pk, now=now)
    return render(
        request,
        "backoffice/verified.html",
        {
            "faults": faults,
            "at": now,
            "count": AuditSeal.objects.of(request.municipality).count(),
        },
    )
