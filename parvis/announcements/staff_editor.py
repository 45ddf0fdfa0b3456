"""The editor of an announcement: saving as one types, looking, trying, and all that is joined."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from parvis.announcements import drafts, parts, rules, saying
from parvis.announcements.forms import AttachmentForm, EditorForm, PictureForm, ReminderForm
from parvis.announcements.looks import map_of, preview, reach
from parvis.announcements.models import (
    Announcement,
    Attachment,
    Picture,
    PublicNotice,
    Reminder,
    Translation,
)  # fmt: skip
from parvis.announcements.staff import ROOM, one
from parvis.core import files, prose
from parvis.core.errors import Refused
from parvis.core.htmx import go_to
from parvis.notifications.actions import send_message
from parvis.residents.doors import staff_door
from parvis.residents.http import StaffRequest


@staff_door(ROOM, "act")
def new(request: StaffRequest) -> HttpResponse:
    """Begin an announcement; an empty one left behind is taken up again."""
    if request.method != "POST":
        return render(request, "announcements/staff/new.html")
    now = timezone.now()
    empty = Announcement.objects.of(request.municipality).filter(
        author_id=request.user.pk, state=rules.DRAFT, title="", text="", subject=None, token=1
    )
    kind = request.POST.get("sorte", "avis")
    announcement = empty.first() if kind == "avis" else None
    if announcement is None:
        announcement = drafts.write_draft(
            municipality=request.municipality, actor=request.user, now=now,
            takes_force=kind == "avis", signed_by=request.staff.title,
            severity="info" if kind == "nouvelle" else "avis",
        )  # fmt: skip
    if kind == "public":
        drafts.make_public_notice(
            announcement, kind=PublicNotice.Kind.OTHER, actor=request.user, now=now
        )
    return go_to(request, "announcements_staff:edit", announcement.pk)


def bound(request: StaffRequest, announcement: Announcement) -> EditorForm:
    return EditorForm(announcement, request.POST)


@transaction.atomic
def save(form: EditorForm, *, actor: Any, now: datetime) -> Announcement:
    """Save the draft with its translation and what makes it a legal notice, or raise Refused."""
    given = form.cleaned_data
    fresh = drafts.revise_draft(
        form.announcement, actor=actor, token=given["token"], now=now, **form.changes()
    )
    save_translation(form, fresh, actor=actor, now=now)
    notice = PublicNotice.objects.of(form.town).filter(announcement=fresh)
    wanted = form.notice()
    if wanted is not None and not notice.filter(**wanted).exists():
        drafts.make_public_notice(fresh, actor=actor, now=now, **wanted)
    elif wanted is None and notice.exists():
        drafts.drop_public_notice(fresh, actor=actor, now=now)
    fresh.refresh_from_db(fields=["token", "revised_at"])
    return fresh


def save_translation(form: EditorForm, fresh: Announcement, *, actor: Any, now: datetime) -> None:
    wanted, language = form.translation(), form.cleaned_data["language"]
    written = fresh.translations.filter(language=language).first()
    if wanted is None:
        if written is not None:
            drafts.drop_translation(fresh, language=language, actor=actor, now=now)
        return
    if written is not None:
        if all(getattr(written, name) == value for name, value in wanted.items()):
            return
    elif not any((wanted["title"], wanted["text"], wanted["basis"])):
        return
    drafts.translate(fresh, language=language, actor=actor, now=now, **wanted)


def as_typed(form: EditorForm) -> Announcement:
    """The announcement as it would be with what is on the page, not saved, or raise Refused."""
    typed = copy.copy(form.announcement)
    if form.is_valid():
        drafts.apply(typed, form.changes(), complete=False)
    return typed


def show(
    request: StaffRequest, announcement: Announcement, form: EditorForm, **more: Any
) -> HttpResponse:
    now = timezone.now()
    try:
        typed = as_typed(form) if form.is_bound else announcement
    except Refused:
        typed = announcement
    reminders = Reminder.objects.of(request.municipality).filter(announcement=announcement)
    wrong = bool(form.errors) or any(each.errors for each in more.values() if each)
    return render(
        request,
        "announcements/staff/edit.html",
        {
            "announcement": announcement,
            "form": form,
            "pictures": [
                {"row": row, "url": files.picture_url(drafts.STORE, row.folder, row.widths[0])}
                for row in announcement.pictures.all()
            ],
            "attachments": announcement.attachments.all(),
            "reminders": reminders.filter(closed_at__isnull=True),
            "other_languages": announcement.translations.all(),
            "is_public": announcement.is_public,
            "has_notice_fixed": announcement.is_public
            and PublicNotice.objects.of(request.municipality)
            .filter(announcement=announcement)
            .exists(),
            "picture_form": PictureForm(),
            "attachment_form": AttachmentForm(),
            "reminder_form": ReminderForm(),
            **preview(typed, now),
            **reach(typed, now),
            **map_of(announcement),
            **{name: each for name, each in more.items() if each is not None},
        },
        status=422 if wrong else 200,
    )


@staff_door(ROOM, "act")
def edit(request: StaffRequest, pk: int) -> HttpResponse:
    """The editor. Each button saves what is typed first, so that nothing is ever lost."""
    announcement = one(request, pk)
    if request.method != "POST":
        language = request.GET.get("langue", "")
        language = language if language in rules.LANGUAGES else ""
        return show(request, announcement, EditorForm(announcement, language=language))
    form = bound(request, announcement)
    if not form.is_valid():
        return show(request, announcement, form)
    now = timezone.now()
    deed, _dash, part = request.POST.get("faire", "enregistrer").partition("-")
    if not announcement.is_public:
        try:
            announcement = save(form, actor=request.user, now=now)
        except Refused as refused:
            form.add_error(None, str(refused))
            return show(request, announcement, form)
    if deed == "relire":
        return go_to(request, "announcements_staff:review", pk)
    wrong: dict[str, Any] = {}
    if deed in DEEDS:
        wrong = DEEDS[deed](request, announcement, form, part)
    elif deed == "enregistrer" and not announcement.is_public:
        messages.success(request, _("Le brouillon est enregistré."))
    if announcement.is_public or wrong:
        # What is typed over a published announcement is kept on the page until it is published.
        return show(request, one(request, pk), again(form, one(request, pk)), **wrong)
    where = {"image": "#images", "fichier": "#fichiers", "rappel": "#quand"}.get(deed, "")
    return go_to(request, f"{reverse('announcements_staff:edit', args=[pk])}{where}")


def again(form: EditorForm, announcement: Announcement) -> EditorForm:
    """The same words in a form that knows the announcement as it now stands."""
    data = form.data.copy()  # type: ignore[attr-defined]
    data["token"] = announcement.token
    return EditorForm(announcement, data)


Deed = Callable[[StaffRequest, Announcement, EditorForm, str], dict[str, Any]]


def add_picture(
    request: StaffRequest, announcement: Announcement, form: EditorForm, part: str
) -> dict[str, Any]:
    joined = PictureForm(request.POST, request.FILES)
    if joined.is_valid():
        try:
            parts.add_picture(
                announcement, upload=joined.cleaned_data["picture"],
                alt=joined.cleaned_data["alt"], actor=request.user, now=timezone.now(),
            )  # fmt: skip
            return {}
        except Refused as refused:
            joined.add_error("picture", str(refused))
    return {"picture_form": joined}


def add_attachment(
    request: StaffRequest, announcement: Announcement, form: EditorForm, part: str
) -> dict[str, Any]:
    joined = AttachmentForm(request.POST, request.FILES)
    if joined.is_valid():
        try:
            parts.add_attachment(
                announcement, upload=joined.cleaned_data["attachment"],
                title=joined.cleaned_data["attachment_title"], actor=request.user,
                now=timezone.now(),
            )  # fmt: skip
            return {}
        except Refused as refused:
            joined.add_error("attachment", str(refused))
    return {"attachment_form": joined}


def remove_part(
    request: StaffRequest, announcement: Announcement, form: EditorForm, part: str
) -> dict[str, Any]:
    kind, _dash, pk = part.partition("-")
    model = Picture if kind == "image" else Attachment
    rows = model.objects.of(request.municipality).filter(announcement=announcement)
    try:
        parts.remove_part(
            get_object_or_404(rows, pk=pk if pk.isdecimal() else 0), actor=request.user,
            now=timezone.now(),
        )  # fmt: skip
    except Refused as refused:
        messages.error(request, str(refused))
    return {}


def add_reminder(
    request: StaffRequest, announcement: Announcement, form: EditorForm, part: str
) -> dict[str, Any]:
    asked = ReminderForm(request.POST)
    if asked.is_valid():
        try:
            drafts.plan_reminder(
                announcement, minutes_before=asked.cleaned_data["before"], actor=request.user,
                now=timezone.now(),
            )  # fmt: skip
            return {}
        except Refused as refused:
            asked.add_error("before", str(refused))
    return {"reminder_form": asked}


def drop_reminder(
    request: StaffRequest, announcement: Announcement, form: EditorForm, part: str
) -> dict[str, Any]:
    reminder = get_object_or_404(announcement.reminders, pk=part if part.isdecimal() else 0)
    try:
        drafts.drop_reminder(reminder, actor=request.user, now=timezone.now())
    except Refused as refused:
        messages.error(request, str(refused))
    return {}


def try_out(
    request: StaffRequest, announcement: Announcement, form: EditorForm, part: str
) -> dict[str, Any]:
    """Send the announcement as it is typed to oneself alone, by every channel one has."""
    typed = as_typed(form)
    if not prose.has_words(typed.title):
        messages.error(request, _("Écrivez d’abord un titre."))
        return {}
    content = {"fr": saying.letter(typed, kind="announcements.trial")["fr"]}
    other = form.translation() if form.is_valid() else None
    language = form.cleaned_data.get("language", "")
    if other and language in saying.SPOKEN and prose.has_words(other["title"]):
        content[language] = saying.said(
            Translation(language=language, **other), language, kind="announcements.trial", note=""
        )
    for words in content.values():
        words["url"] = reverse("announcements_staff:edit", args=[announcement.pk])
    send_message(
        municipality=request.municipality, kind="announcements.trial", content=content,
        now=timezone.now(), author=request.user, topic=f"trial-{request.user.pk}",
        resident_ids=[request.user.pk], reference=announcement.reference,
    )  # fmt: skip
    messages.success(request, _("L’essai est parti vers vous, par vos propres canaux."))
    return {}


DEEDS: dict[str, Deed] = {
    "image": add_picture,
    "fichier": add_attachment,
    "retirer": remove_part,
    "rappel": add_reminder,
    "oublier": drop_reminder,
    "essai": try_out,
}


@staff_door(ROOM, "act")
@require_POST
def autosave(request: StaffRequest, pk: int) -> HttpResponse:
    """Keep the draft as it is typed; say when, or why not."""
    announcement = one(request, pk)
    form = bound(request, announcement)
    told: dict[str, Any] = {"form": form, "announcement": announcement}
    if announcement.is_public or not form.is_valid():
        errors = [message for each in form.errors.values() for message in each]
        told["not_saved"] = errors[0] if errors else _("L’avis est publié.")
    else:
        try:
            fresh = save(form, actor=request.user, now=timezone.now())
            told |= {"saved": fresh, "token": fresh.token}
        except rules.Overtaken as refused:
            told |= {"not_saved": str(refused), "overtaken": True}
        except Refused as refused:
            told["not_saved"] = str(refused)
    status = 422 if "not_saved" in told else 200
    return render(request, "announcements/staff/_saved.html", told, status=status)


@staff_door(ROOM, "act")
@require_POST
def look(request: StaffRequest, pk: int) -> HttpResponse:
    """The previews of what is being typed, never saved."""
    announcement = one(request, pk)
    try:
        typed = as_typed(bound(request, announcement))
    except Refused:
        typed = announcement
    facts = {**preview(typed, timezone.now()), "oob": True}
    return render(request, "announcements/staff/_preview.html", facts)


@staff_door(ROOM, "act")
@require_POST
def recount(request: StaffRequest, pk: int) -> HttpResponse:
    """Whom what is on the page would reach."""
    announcement = one(request, pk)
    try:
        facts = reach(as_typed(bound(request, announcement)), timezone.now())
    except Refused as refused:
        facts = {"reach_error": str(refused)}
    return render(request, "announcements/staff/_reach.html", facts)
