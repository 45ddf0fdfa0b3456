"""Announcements at the Bureau: the list, one of them, and what may be done to it in public."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from parvis.announcements import actions, drafts, rules
from parvis.announcements.forms import CertificateForm, LiftForm
from parvis.announcements.models import Announcement, PublicNotice, Reminder
from parvis.core.errors import Refused
from parvis.core.htmx import go_to
from parvis.notifications.models import Message, Subject
from parvis.residents.doors import may_enter, staff_door
from parvis.residents.http import StaffRequest
from parvis.residents.models import Resident

ROOM = "announcements"
PER_PAGE = 30


def one(request: StaffRequest, pk: int) -> Announcement:
    found: Announcement = get_object_or_404(
        Announcement.objects.of(request.municipality).select_related("subject", "municipality"),
        pk=pk,
    )
    return found


def filters(rows: QuerySet[Announcement], now: Any) -> dict[str, tuple[str, Any]]:
    """Word in the address → what the filter is called, and what it keeps."""
    return {
        "": (_("Tous"), rows),
        "brouillons": (_("Brouillons"), rows.filter(state=rules.DRAFT)),
        "planifies": (_("Planifiés"), rows.filter(state=rules.SCHEDULED)),
        "en-vigueur": (_("En vigueur"), rows.standing(now)),  # type: ignore[attr-defined]
        "publies": (_("Publiés"), rows.filter(state=rules.PUBLISHED)),
        "leves": (_("Levés"), rows.filter(state=rules.LIFTED)),
        "archives": (
            _("Archivés"),
            rows.filter(state__in=[rules.ARCHIVED, rules.EXPIRED]),
        ),
    }


@staff_door(ROOM, "see")
def index(request: StaffRequest) -> HttpResponse:
    now = timezone.now()
    rows = Announcement.objects.of(request.municipality)
    kept = filters(rows, now)
    chosen = request.GET.get("etat", "")
    name = chosen if chosen in kept else ""
    found = kept[name][1].select_related("subject").order_by("-revised_at", "-id")
    subject = request.GET.get("sujet", "")
    if subject.isdecimal():
        found = found.filter(subject_id=int(subject))
    words = request.GET.get("q", "").strip()[:100]
    if words:
        found = found.filter(pk__in=rows.search(words).values("pk"))
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    people = Resident.objects.of(request.municipality).in_bulk(
        {row.revised_by_id for row in page.object_list} - {None}
    )
    for row in page.object_list:
        row.editor = people.get(row.revised_by_id)
        row.in_force = row.is_in_force(now)
    return render(
        request,
        "announcements/staff/index.html",
        {
            "page": page,
            "q": words,
            "states": [
                {"word": word, "label": label, "count": each.count(), "current": word == name}
                for word, (label, each) in kept.items()
            ],
            "subjects": Subject.objects.of(request.municipality).filter(archived_at__isnull=True),
            "subject": subject,
            "state": name,
            "may_act": may_enter(request.staff, ROOM, "act"),
        },
    )


def show(request: StaffRequest, announcement: Announcement, **more: Any) -> HttpResponse:
    town = request.municipality
    versions = list(announcement.versions.all())
    authors = Resident.objects.of(town).in_bulk(
        {version.author_id for version in versions} | {announcement.author_id} - {None}
    )
    for version in versions:
        version.author = authors.get(version.author_id)
    notice = PublicNotice.objects.of(town).filter(announcement=announcement).first()
    forms = {
        "lift_form": LiftForm(),
        "certificate_form": CertificateForm(
            initial={"name": request.user.name, "title": request.staff.title}
        ),
    }
    wrong = any(form.errors for form in more.values() if hasattr(form, "errors"))
    return render(
        request,
        "announcements/staff/one.html",
        {
            "announcement": announcement,
            "in_force": announcement.is_in_force(timezone.now()),
            "author": authors.get(announcement.author_id),
            "versions": versions,
            "notice": notice,
            "reminders": Reminder.objects.of(town).filter(announcement=announcement),
            "sent": Message.objects.of(town)
            .filter(reference=announcement.reference)
            .exclude(kind="announcements.trial")
            .order_by("-id"),
            "may_act": may_enter(request.staff, ROOM, "act"),
            "can_archive": rules.ARCHIVED in rules.NEXT[announcement.state],
            "can_lift": announcement.takes_force and rules.LIFTED in rules.NEXT[announcement.state],
            "can_edit": announcement.state not in {rules.EXPIRED, rules.ARCHIVED},
            **forms,
            **more,
        },
        status=422 if wrong else 200,
    )


@staff_door(ROOM, "see")
def detail(request: StaffRequest, pk: int) -> HttpResponse:
    return show(request, one(request, pk))


@staff_door(ROOM, "act")
@require_POST
def lift(request: StaffRequest, pk: int) -> HttpResponse:
    announcement, form = one(request, pk), LiftForm(request.POST)
    if form.is_valid():
        try:
            actions.lift(announcement, actor=request.user, now=timezone.now(), **form.cleaned_data)
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("L’avis est levé."))
            return go_to(request, "announcements_staff:one", pk)
    return show(request, announcement, lift_form=form)


@staff_door(ROOM, "act")
@require_POST
def pin(request: StaffRequest, pk: int) -> HttpResponse:
    try:
        actions.pin(
            one(request, pk), pinned=request.POST.get("epingle") == "1", actor=request.user,
            now=timezone.now(),
        )  # fmt: skip
    except Refused as refused:
        messages.error(request, str(refused))
    return go_to(request, "announcements_staff:one", pk)


@staff_door(ROOM, "act")
@require_POST
def archive(request: StaffRequest, pk: int) -> HttpResponse:
    try:
        actions.archive(one(request, pk), actor=request.user, now=timezone.now())
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("L’avis est archivé. Sa page reste à son adresse."))
    return go_to(request, "announcements_staff:one", pk)


@staff_door(ROOM, "act")
@require_POST
def discard(request: StaffRequest, pk: int) -> HttpResponse:
    try:
        drafts.discard_draft(one(request, pk), actor=request.user, now=timezone.now())
    except Refused as refused:
        messages.error(request, str(refused))
        return go_to(request, "announcements_staff:one", pk)
    messages.success(request, _("Le brouillon est jeté."))
    return go_to(request, "announcements_staff:index")


@staff_door(ROOM, "act")
@require_POST
def unschedule(request: StaffRequest, pk: int) -> HttpResponse:
    try:
        actions.unschedule(one(request, pk), actor=request.user, now=timezone.now())
    except Refused as refused:
        messages.error(request, str(refused))
        return go_to(request, "announcements_staff:one", pk)
    messages.success(request, _("L’avis ne partira pas\u00a0: il est de nouveau un brouillon."))
    return go_to(request, "announcements_staff:edit", pk)


@staff_door(ROOM, "act")
@require_POST
def certify(request: StaffRequest, pk: int) -> HttpResponse:
    announcement, form = one(request, pk), CertificateForm(request.POST)
    if form.is_valid():
        try:
            actions.certify(
                announcement, actor=request.user, now=timezone.now(), **form.cleaned_data
            )
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("Le certificat de publication est signé."))
            return go_to(request, "announcements_staff:one", pk)
    return show(request, announcement, certificate_form=form)
