"""Composing an alert, and deciding that it leaves."""

from __future__ import annotations

import copy
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from parvis.alerts import actions, audience, drafts, rules, saying
from parvis.alerts.forms import AloneForm, DecisionForm, EditorForm
from parvis.alerts.models import Revision
from parvis.alerts.pages import Step
from parvis.alerts.short_text import measure
from parvis.alerts.staff import ROOM, deciders, one, open_revision
from parvis.core import prose
from parvis.core.errors import Refused
from parvis.core.htmx import go_to
from parvis.notifications.actions import send_message
from parvis.notifications.models import Channel
from parvis.notifications.proof import ICONS
from parvis.residents.doors import may_enter, staff_door
from parvis.residents.http import StaffRequest
from parvis.residents.models import Resident
from parvis.territory.drawing import WIDTH, sentence, town_map
from parvis.territory.geometry import bounds, frame
from parvis.territory.models import Sector


def earlier_of(revision: Revision) -> list[Revision]:
    return list(revision.alert.revisions.sent().order_by("number"))


def preview(revision: Revision) -> dict[str, Any]:
    """What leaves, as it will look, and what would make it easier to read."""
    said = revision.said("fr")
    english = revision.words.get("en")
    return {
        "shown": revision,
        "said": said,
        "english": english,
        "steps": [Step(*rules.gesture(step)) for step in said["steps"]],
        "message_title": saying.heading(revision, "fr"),
        "english_title": saying.heading(revision, "en") if english else "",
        "short": measure(str(said["short"])),
        "english_short": measure(str(english["short"])) if english else None,
        "title_length": len(str(said["title"])),
        "title_max": rules.TITLE_ADVISED,
        "hints": rules.hints(said),
        "grade": prose.grade(prose.ease(f"{said['text']} {' '.join(said['steps'])}")),
        "where": audience.where(revision) or _("Aucun secteur encore"),
        "is_drill": revision.alert.is_drill,
        "grave": revision.severity in {"Extreme", "Severe"},
    }


def reach(revision: Revision) -> dict[str, Any]:
    """Whom it reaches, by channel, if it left now; or why nobody."""
    try:
        counted = audience.count(revision, earlier_of(revision), now=timezone.now())
    except Refused as refused:
        return {"reach_error": str(refused)}
    return {
        "persons": counted.persons,
        "homes": audience.address_count(revision),
        "channels": [
            {"icon": ICONS.get(name, "send"), "label": label, "count": counted.by_channel[name]}
            for name, label in Channel.choices
            if name in counted.by_channel
        ],
    }


def map_of(revision: Revision) -> dict[str, Any]:
    """The sectors as a drawing on which an area can be drawn, and how its units are degrees."""
    sectors = list(Sector.objects.of(revision.municipality_id))
    if not sectors:
        return {}
    extents = [(each.west, each.south, each.east, each.north) for each in sectors]
    if revision.area:
        extents.append(bounds(revision.area))
    box = frame(extents, WIDTH)
    return {
        "map": town_map(
            revision.municipality_id, revision.sector_ids, drawn=revision.area, sectors=sectors
        ),
        "box": {
            name: f"{getattr(box, name):.10f}"
            for name in ("west", "north", "left", "top", "scale", "squeeze")
        },
    }  # fmt: skip


def map_sentence(revision: Revision) -> str:
    """What the map of the editor says, in words."""
    sectors = list(Sector.objects.of(revision.municipality_id).defer("geometry"))
    chosen = [one.name for one in sectors if revision.everywhere or one.pk in revision.sector_ids]
    return sentence(chosen, len(sectors), drawn=revision.area is not None) if sectors else ""


def as_typed(form: EditorForm) -> Revision:
    """The revision as it would be with what is on the page, not saved, or raise Refused.

    Words that could not leave are shown all the same: the counters say why.
    """
    typed = copy.copy(form.revision)
    if form.is_valid():
        changes = form.changes()
        words = changes.pop("words")
        drafts.apply(typed, changes, now=timezone.now())
        typed.words = {language: drafts.tidied(said) for language, said in words.items()}
    return typed


def show(request: StaffRequest, revision: Revision, form: EditorForm) -> HttpResponse:
    try:
        typed = as_typed(form) if form.is_bound else revision
    except Refused:
        typed = revision
    return render(
        request,
        "alerts/staff/edit.html",
        {
            "alert": revision.alert,
            "revision": revision,
            "form": form,
            "earlier": earlier_of(revision),
            **preview(typed),
            **reach(typed),
            **map_of(typed),
        },
        status=422 if form.errors else 200,
    )


@staff_door(ROOM, "act")
def edit(request: StaffRequest, alert_id: int) -> HttpResponse:
    """The editor. Each button saves what is typed first, so that nothing is ever lost."""
    alert = one(request, alert_id)
    revision = open_revision(alert)
    if revision is None:
        return go_to(request, "alerts_staff:follow", alert_id)
    if revision.state == rules.PROPOSED:
        return go_to(request, "alerts_staff:review", alert_id)
    if request.method != "POST":
        return show(request, revision, EditorForm(revision))
    form, now = EditorForm(revision, request.POST), timezone.now()
    if not form.is_valid():
        return show(request, revision, form)
    deed = request.POST.get("faire", "enregistrer")
    try:
        revision = drafts.revise(
            revision, actor=request.user, token=form.cleaned_data["token"], now=now,
            **form.changes(),
        )  # fmt: skip
        form = EditorForm(revision, again(form, revision))
        form.is_valid()
        if deed == "essai":
            try_out(request, revision)
        elif deed == "proposer":
            drafts.propose(revision, actor=request.user, token=revision.token, now=now)
            messages.success(request, _("L’alerte attend l’approbation. Rien n’est encore parti."))
            return go_to(request, "alerts_staff:review", alert_id)
        elif deed == "seul":
            drafts.check_ready(revision, now=now)
            return go_to(request, "alerts_staff:review", alert_id)
        else:
            messages.success(request, _("Le brouillon est enregistré."))
    except Refused as refused:
        form.add_error(None, str(refused))
        return show(request, revision, form)
    return go_to(request, "alerts_staff:edit", alert_id)


def again(form: EditorForm, revision: Revision) -> Any:
    """The same words, in a form that knows the row as it now stands."""
    data = form.data.copy()  # type: ignore[attr-defined]
    data["token"] = revision.token
    return data


def try_out(request: StaffRequest, revision: Revision) -> None:
    """Send it to oneself alone, by every channel one has, marked as a trial."""
    rules.check_words(revision.words, complete=True)
    content = saying.letter(revision)
    for words in content.values():
        words["title"] = f"{_('ESSAI')}\u00a0: {words['title']}"
        words["url"] = f"/bureau/alertes/{revision.alert_id}/"
    send_message(
        municipality=request.municipality, kind="alerts.trial", content=content,
        now=timezone.now(), author=request.user, topic=f"alert-trial-{request.user.pk}",
        resident_ids=[request.user.pk], reference=revision.alert.reference,
    )  # fmt: skip
    messages.success(request, _("L’essai est parti vers vous seul, par vos propres canaux."))


@staff_door(ROOM, "act")
@require_POST
def look(request: StaffRequest, alert_id: int) -> HttpResponse:
    """The previews and the count for what is being typed, never saved."""
    revision = open_revision(one(request, alert_id))
    if revision is None:
        return HttpResponse(status=204)
    facts: dict[str, Any] = {}
    try:
        typed = as_typed(EditorForm(revision, request.POST))
        facts = reach(typed)
    except Refused as refused:
        typed, facts = revision, {"reach_error": str(refused)}
    facts |= {"sentence": map_sentence(typed), "oob": True}
    return render(request, "alerts/staff/_preview.html", {**preview(typed), **facts})


@staff_door(ROOM, "see")
def review(request: StaffRequest, alert_id: int) -> HttpResponse:
    """Read exactly what leaves, to exactly whom; then decide, or give it back."""
    alert = one(request, alert_id)
    revision = open_revision(alert)
    if revision is None:
        return go_to(request, "alerts_staff:follow", alert_id)
    may_act = may_enter(request.staff, ROOM, "act")
    approve = DecisionForm(initial={"token": revision.token})
    alone = AloneForm(initial={"token": revision.token})
    if request.method == "POST" and may_act:
        by_oneself = request.POST.get("faire") == "seul"
        form: DecisionForm = (AloneForm if by_oneself else DecisionForm)(request.POST)
        if by_oneself and isinstance(form, AloneForm):
            alone = form
        else:
            approve = form
        if form.is_valid():
            try:
                actions.send_alert(
                    revision, member=request.staff, token=form.cleaned_data["token"],
                    now=timezone.now(), alone_reason=form.cleaned_data.get("reason", ""),
                    to_nobody=form.cleaned_data["to_nobody"],
                )  # fmt: skip
            except Refused as refused:
                form.add_error(None, str(refused))
            else:
                messages.success(request, _("C’est parti. Voici l’envoi, en direct."))
                return go_to(request, "alerts_staff:follow", alert_id)
    people = Resident.objects.of(request.municipality).in_bulk(
        {revision.author_id, revision.proposed_by_id} - {None}
    )
    return render(
        request,
        "alerts/staff/review.html",
        {
            "alert": alert,
            "revision": revision,
            "author": people.get(revision.author_id),
            "proposer": people.get(revision.proposed_by_id),
            "approve_form": approve,
            "alone_form": alone,
            "deciders": deciders(request),
            "may_act": may_act,
            "is_authority": request.staff.is_alert_authority,
            "is_second": revision.proposed_by_id != request.user.pk,
            "missing": missing(revision),
            **preview(revision),
            **reach(revision),
            **map_of(revision),
        },
        status=422 if approve.errors or alone.errors else 200,
    )


def missing(revision: Revision) -> str:
    """What stands between this and its sending, in a sentence; empty when nothing does."""
    try:
        drafts.check_ready(revision, now=timezone.now())
    except Refused as refused:
        return str(refused)
    return ""


@staff_door(ROOM, "act")
@require_POST
def take_back(request: StaffRequest, alert_id: int) -> HttpResponse:
    """Give it back to be changed: it is a draft again, and nothing leaves."""
    revision = open_revision(one(request, alert_id))
    try:
        if revision is None:
            raise Refused(_("Ce message est déjà parti."))
        drafts.take_back(revision, actor=request.user, now=timezone.now())
    except Refused as refused:
        messages.error(request, str(refused))
        return go_to(request, "alerts_staff:follow", alert_id)
    messages.success(request, _("Le message est de nouveau un brouillon. Rien n’est parti."))
    return go_to(request, "alerts_staff:edit", alert_id)
