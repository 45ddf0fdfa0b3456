"""One case at the Bureau: the answer, the note, who has it, its state, its promise."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Max, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from parvis.cases import actions, mail, pages, rules
from parvis.cases.forms import AnswerForm, AssignForm, NoteForm, PromiseForm
from parvis.cases.models import Case, Message, StrayLetter
from parvis.cases.staff import ROOM
from parvis.core import live
from parvis.core.errors import Refused
from parvis.core.htmx import go_to
from parvis.municipalities.models import StaffMember
from parvis.residents.doors import may_enter, staff_door
from parvis.residents.http import StaffRequest

PARTS = {"fil": "cases/_thread.html", "suivi": "cases/staff/_follow.html"}
"""Word in the address → the part of the page that a live page fetches again."""
MOVES = {
    rules.WORKING: gettext_lazy("Prendre en charge"),
    rules.WAITING: gettext_lazy("Mettre en attente de la personne"),
    rules.ANSWERED: gettext_lazy("Marquer comme répondue"),
    rules.CLOSED: gettext_lazy("Fermer"),
    rules.REOPENED: gettext_lazy("Rouvrir"),
}


def one(request: StaffRequest, case_id: int) -> Case:
    found: Case = get_object_or_404(
        Case.objects.of(request.municipality).select_related(
            "municipality", "resident", "assignee__person"
        ),
        pk=case_id,
    )
    return found


def team(request: StaffRequest) -> list[StaffMember]:
    """Who may be given a case."""
    rows = StaffMember.objects.of(request.municipality).filter(left_at__isnull=True)
    acting = Q(is_administrator=True) | Q(roles__room=ROOM, roles__level="act")
    return list(
        rows.filter(acting)
        .distinct()
        .select_related("person")
        .order_by("person__first_name", "person__last_name", "pk")
    )


def newest(case: Case) -> int:
    """The newest message that both sides read."""
    rows = Message.objects.of(case.municipality_id).filter(case=case)
    last: int | None = rows.exclude(side=Message.Side.NOTE).aggregate(last=Max("pk"))["last"]
    return last or 0


def show(request: StaffRequest, case: Case, **more: Any) -> HttpResponse:
    now = timezone.now()
    zone = case.municipality.zone
    may_act = may_enter(request.staff, ROOM, "act")
    others = (
        Case.objects.of(request.municipality)
        .filter(resident_id=case.resident_id)
        .exclude(pk=case.pk)
        .order_by("-pk")[:5]
        if case.resident_id
        else []
    )
    context: dict[str, Any] = {
        **pages.shown(case, viewer=request.user, staff=True, now=now),
        "due_words": pages.due_words(case, now, actions.closed_days(case.municipality_id)),
        "answer_form": AnswerForm(state=case.state, initial={"seen": newest(case)}),
        "note_form": NoteForm(prefix="note"),
        "assign_form": AssignForm(team=team(request), initial={"member": case.assignee_id}),
        "promise_form": PromiseForm(
            initial={"due_on": case.due_at.astimezone(zone).date() if case.due_at else None}
        ),
        "moves": [(to, MOVES[to]) for to in rules.moves(case.state)],
        "may_act": may_act,
        "may_see_people": may_enter(request.staff, "residents", "see"),
        "can_answer": may_act and case.state not in {rules.WITHDRAWN, rules.CLOSED},
        "others": others,
        "strays": StrayLetter.objects.of(request.municipality).filter(
            case=case, settled_at__isnull=True
        ),
        "me": request.staff.pk,
        "live": live.link(request.get_host(), request.municipality.pk, f"case:{case.pk}"),
        **more,
    }
    part = PARTS.get(request.GET.get("part", ""))
    if part and request.headers.get("HX-Request") == "true":
        return render(request, part, context)
    wrong = any(form.errors for form in more.values() if hasattr(form, "errors"))
    return render(request, "cases/staff/one.html", context, status=422 if wrong else 200)


@staff_door(ROOM, "see")
@require_safe
def detail(request: StaffRequest, case_id: int) -> HttpResponse:
    return show(request, one(request, case_id))


@staff_door(ROOM, "act")
@require_POST
def answer(request: StaffRequest, case_id: int) -> HttpResponse:
    """Write to the person. What another clerk wrote in the meantime is shown first, and nothing
    of this text is lost."""
    case = one(request, case_id)
    form = AnswerForm(request.POST, request.FILES, state=case.state)
    if form.is_valid():
        try:
            actions.add_message(
                case, side=Message.Side.TOWN, by=request.user, now=timezone.now(),
                **form.cleaned_data,
            )  # fmt: skip
        except rules.Overtaken as refused:
            # Now it is on the page: the next press has seen it.
            sent = request.POST.copy()
            sent["seen"] = str(newest(case))
            form = AnswerForm(sent, state=one(request, case_id).state)
            form.is_valid()
            form.add_error(None, str(refused))
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("Votre réponse est partie."))
            return go_to(request, "cases_staff:one", case_id)
    return show(request, one(request, case_id), answer_form=form)


@staff_door(ROOM, "act")
@require_POST
def note(request: StaffRequest, case_id: int) -> HttpResponse:
    case, form = one(request, case_id), NoteForm(request.POST, prefix="note")
    if form.is_valid():
        try:
            actions.add_message(
                case, side=Message.Side.NOTE, by=request.user, now=timezone.now(),
                **form.cleaned_data,
            )  # fmt: skip
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("La note est gardée. La personne ne la voit pas."))
            return go_to(request, "cases_staff:one", case_id)
    return show(request, case, note_form=form)


@staff_door(ROOM, "act")
@require_POST
def assign(request: StaffRequest, case_id: int) -> HttpResponse:
    case = one(request, case_id)
    members = team(request)
    form = AssignForm(request.POST, team=members)
    if not form.is_valid():
        return show(request, case, assign_form=form)
    chosen = form.cleaned_data["member"]
    member = next((each for each in members if each.pk == chosen), None)
    try:
        actions.assign(case, to=member, by=request.user, now=timezone.now())
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        name = member.person.short_name if member else ""
        messages.success(
            request,
            _("La demande est confiée à {name}.").format(name=name)
            if member
            else _("La demande est remise à la file."),
        )
    return go_to(request, "cases_staff:one", case_id)


@staff_door(ROOM, "act")
@require_POST
def move(request: StaffRequest, case_id: int) -> HttpResponse:
    case = one(request, case_id)
    to = request.POST.get("vers", "")
    try:
        if to not in rules.moves(case.state) and to not in MOVES:
            raise Refused(_("Cet état n’existe pas."))
        actions.move(
            case, to=to, by=request.user, now=timezone.now(), seen=request.POST.get("vu") or None
        )
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("C’est fait. La personne en est avisée."))
    return go_to(request, "cases_staff:one", case_id)


@staff_door(ROOM, "act")
@require_POST
def withdraw(request: StaffRequest, case_id: int) -> HttpResponse:
    """The person called to take back what they asked."""
    try:
        actions.withdraw(one(request, case_id), by=request.user, now=timezone.now(), tell=True)
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("La demande est retirée. La personne en est avisée."))
    return go_to(request, "cases_staff:one", case_id)


@staff_door(ROOM, "act")
@require_POST
def promise(request: StaffRequest, case_id: int) -> HttpResponse:
    case, form = one(request, case_id), PromiseForm(request.POST)
    if form.is_valid():
        try:
            actions.postpone(case, by=request.user, now=timezone.now(), **form.cleaned_data)
        except Refused as refused:
            form.add_error("due_on", str(refused))
        else:
            messages.success(request, _("La nouvelle date est promise. La personne en est avisée."))
            return go_to(request, "cases_staff:one", case_id)
    return show(request, case, promise_form=form)


@staff_door(ROOM, "act")
@require_POST
def settle(request: StaffRequest, case_id: int, letter_id: int) -> HttpResponse:
    """Put a letter that was set aside into the thread, or leave it out."""
    letter: StrayLetter = get_object_or_404(
        StrayLetter.objects.of(request.municipality).filter(case_id=case_id), pk=letter_id
    )
    file = request.POST.get("verser") == "1"
    try:
        mail.settle(letter, file=file, by=request.user, now=timezone.now())
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(
            request,
            _("Le courriel est versé à la demande.") if file else _("Le courriel est écarté."),
        )
    return go_to(request, "cases_staff:one", case_id)
