"""The last look before an announcement leaves: exactly what, to exactly whom, and when."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from parvis.announcements import actions, drafts, rules
from parvis.announcements.forms import EditorForm, PublishForm, RevisionForm
from parvis.announcements.looks import preview, reach
from parvis.announcements.models import Announcement
from parvis.announcements.staff import ROOM, one
from parvis.announcements.staff_editor import as_typed, show
from parvis.core.errors import Refused
from parvis.core.htmx import go_to
from parvis.notifications.models import Message
from parvis.residents.doors import staff_door
from parvis.residents.http import StaffRequest


def missing(announcement: Announcement) -> list[str]:
    """What stands between this draft and its publication, and what one might have forgotten."""
    found = []
    try:
        rules.check_text(announcement.title, announcement.summary, announcement.text, complete=True)
    except Refused as refused:
        found.append(str(refused))
    if announcement.subject is None:
        found.append(_("Choisissez un sujet\u00a0: les gens s’abonnent à des sujets."))
    return found


def after(request: StaffRequest, announcement: Announcement) -> HttpResponse:
    """To the proof of what was just sent, or to the announcement when nothing was."""
    message = (
        Message.objects.of(request.municipality)
        .filter(reference=announcement.reference)
        .exclude(kind="announcements.trial")
        .order_by("-id")
        .first()
    )
    if message is not None and message.created_at >= announcement.revised_at:
        return go_to(request, "notifications_staff:proof", message.pk)
    return go_to(request, "announcements_staff:one", announcement.pk)


@staff_door(ROOM, "act")
def review(request: StaffRequest, pk: int) -> HttpResponse:
    """Read again, then publish now or plan it; a published one goes to `revise`."""
    announcement = one(request, pk)
    if announcement.is_public:
        return go_to(request, "announcements_staff:edit", pk)
    form = PublishForm(
        request.POST if request.method == "POST" else None,
        initial={
            "token": announcement.token,
            "when": "later" if announcement.publish_at else "now",
            "publish_at": announcement.publish_at,
        },
    )
    now = timezone.now()
    if form.is_valid():
        try:
            instant = form.instant()
            if instant is None:
                announcement = actions.publish(
                    announcement, actor=request.user, now=now, token=form.cleaned_data["token"]
                )
                messages.success(request, _("L’avis est publié."))
                return after(request, announcement)
            rules.check_token(form.cleaned_data["token"], announcement.token)
            actions.schedule(announcement, publish_at=instant, actor=request.user, now=now)
            messages.success(request, _("L’avis partira au moment choisi."))
            return go_to(request, "announcements_staff:one", pk)
        except Refused as refused:
            form.add_error(None, str(refused))
    return render(
        request,
        "announcements/staff/review.html",
        {
            "announcement": announcement,
            "form": form,
            "missing": missing(announcement),
            "translations": announcement.translations.all(),
            "reminders": announcement.reminders.filter(closed_at__isnull=True),
            **preview(announcement, now),
            **reach(announcement, now),
        },
        status=422 if form.errors else 200,
    )


@staff_door(ROOM, "act")
@require_POST
def revise(request: StaffRequest, pk: int) -> HttpResponse:
    """Read a change again, then publish it as a new version; its words travel with the page."""
    announcement = one(request, pk)
    editor = EditorForm(announcement, request.POST)
    if not editor.is_valid():
        return show(request, announcement, editor)
    now = timezone.now()
    confirmed = request.POST.get("faire") == "publier"
    form = RevisionForm(request.POST if confirmed else None)
    try:
        typed = as_typed(editor)
        if confirmed and form.is_valid():
            announcement = actions.revise_published(
                announcement, actor=request.user, token=editor.cleaned_data["token"], now=now,
                translations=translations(editor, announcement), **form.cleaned_data,
                **editor.changes(),
            )  # fmt: skip
            messages.success(request, _("La modification est publiée."))
            if form.cleaned_data["notify_change"]:
                return after(request, announcement)
            return go_to(request, "announcements_staff:one", pk)
        rules.check_token(editor.cleaned_data["token"], announcement.token)
    except Refused as refused:
        editor.add_error(None, str(refused))
        return show(request, announcement, editor)
    return render(
        request,
        "announcements/staff/revise.html",
        {
            "announcement": announcement,
            "form": form,
            "typed": carried(request),
            "moved": moved(announcement, typed, translations(editor, announcement) or {}),
            "back": reverse("announcements_staff:edit", args=[pk]),
            **preview(typed, now),
            **reach(typed, now),
        },
        status=422 if form.errors else 200,
    )


def translations(editor: EditorForm, announcement: Announcement) -> dict[str, Any] | None:
    """The translation when it changed or is withdrawn, as the action takes it."""
    wanted, language = editor.translation(), editor.cleaned_data["language"]
    written = announcement.translations.filter(language=language).first()
    if wanted is None:
        return {language: None} if written else None
    if written and all(getattr(written, name) == value for name, value in wanted.items()):
        return None
    return {language: wanted}


def carried(request: StaffRequest) -> list[tuple[str, str]]:
    """Every word of the editor, for the confirming page to send again."""
    names = EditorForm.base_fields
    return [
        (name, value) for name in request.POST if name in names
        for value in request.POST.getlist(name)
    ]  # fmt: skip


def moved(
    announcement: Announcement, typed: Announcement, spoken: dict[str, Any]
) -> list[dict[str, Any]]:
    """What would change, column by column, before and after, in French and in other languages."""
    fields = EditorForm.base_fields
    named = {"sector_ids": "sectors", "address_ids": "addresses"}
    found = []
    for name in sorted(drafts.EDITABLE):
        before, now = getattr(announcement, name), getattr(typed, name)
        if before == now:
            continue
        label = fields[named.get(name, name)].label
        is_text = isinstance(now, str)
        found.append(
            {"label": label, "before": before if is_text else "", "after": now if is_text else ""}
        )
    for language, said in spoken.items():
        written = announcement.translations.filter(language=language).first()
        for name in ("title", "summary", "text"):
            before, now = getattr(written, name, ""), (said or {}).get(name, "")
            if before != now:
                label = f"{fields[f'other_{name}'].label} ({rules.LANGUAGES[language]})"
                found.append({"label": label, "before": before, "after": now})
    return found
