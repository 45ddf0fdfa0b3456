"""What a resident asks of the town: writing, following, replying, taking back."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from parvis.cases import actions, kinds, pages, rules
from parvis.cases.forms import ReplyForm, WriteForm
from parvis.cases.models import Case, Message
from parvis.core import live
from parvis.core.errors import Refused
from parvis.core.htmx import go_to
from parvis.residents.http import ResidentRequest

PER_PAGE = 20
PARTS = {"fil": "cases/_thread.html", "suivi": "cases/_follow.html"}
"""Word in the address → the part of a case's page that a live page fetches again."""


def _mine(request: ResidentRequest, case_id: int) -> Case:
    """A case of the person signed in; anybody else's does not exist."""
    found: Case = get_object_or_404(
        Case.objects.of(request.municipality)
        .filter(resident_id=request.user.pk)
        .select_related("municipality", "resident"),
        pk=case_id,
    )
    return found


@require_safe
def mine(request: ResidentRequest) -> HttpResponse:
    """«Mes demandes»: what is open first, then the others, the last changed first."""
    rows = Case.objects.of(request.municipality).filter(resident_id=request.user.pk)
    page = Paginator(rows.mine_first(), PER_PAGE).get_page(request.GET.get("page"))
    for row in page.object_list:
        row.chip = pages.chip(row)
    topics = [f"case:{row.pk}" for row in page.object_list if row.is_open]
    return render(
        request,
        "cases/_mine.html" if request.headers.get("HX-Request") == "true" else "cases/mine.html",
        {
            "page": page,
            "live": live.link(request.get_host(), request.municipality.pk, *topics),
            "open_count": rows.open().count(),
        },
    )


def write(request: ResidentRequest) -> HttpResponse:
    """«Écrire à la Ville»."""
    form = WriteForm(request.POST, request.FILES) if request.method == "POST" else WriteForm()
    if form.is_bound and form.is_valid():
        try:
            case = actions.open_case(
                municipality=request.municipality, author=request.user, by=request.user,
                now=timezone.now(), **form.cleaned_data,
            )  # fmt: skip
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(
                request,
                _("Votre demande est partie. Son numéro\u00a0: {n}.").format(n=case.number),
            )
            return go_to(request, "cases:page", case.pk)
    return render(
        request,
        "cases/write.html",
        {"form": form, "kinds": kinds.written()},
        status=422 if form.errors else 200,
    )


def _show(request: ResidentRequest, case: Case, form: ReplyForm | None = None) -> HttpResponse:
    now = timezone.now()
    may_reply = case.is_open or rules.may_reopen(case.state, case.state_at, now)
    context: dict[str, Any] = {
        **pages.shown(case, viewer=request.user, staff=False, now=now),
        "form": form or ReplyForm(),
        "may_reply": may_reply,
        "reopens": rules.after_reply(case.state) == rules.REOPENED and not case.is_open,
        "can_withdraw": rules.WITHDRAWN in rules.NEXT[case.state],
        "live": live.link(request.get_host(), request.municipality.pk, f"case:{case.pk}"),
    }
    part = PARTS.get(request.GET.get("part", ""))
    if part and request.headers.get("HX-Request") == "true":
        return render(request, part, context)
    status = 422 if form is not None and form.errors else 200
    return render(request, "cases/page.html", context, status=status)


def page(request: ResidentRequest, case_id: int) -> HttpResponse:
    """One case: where it is, what was said, and a place to write."""
    case = _mine(request, case_id)
    if request.method != "POST":
        return _show(request, case)
    form = ReplyForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            actions.add_message(
                case, side=Message.Side.RESIDENT, by=request.user, now=timezone.now(),
                **form.cleaned_data,
            )  # fmt: skip
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("Votre message est parti."))
            return go_to(request, "cases:page", case.pk)
    return _show(request, _mine(request, case_id), form)


@require_POST
def withdraw(request: ResidentRequest, case_id: int) -> HttpResponse:
    case = _mine(request, case_id)
    try:
        actions.withdraw(case, by=request.user, now=timezone.now())
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("Votre demande est retirée. La Ville n’y donnera pas suite."))
    return go_to(request, "cases:page", case.pk)
