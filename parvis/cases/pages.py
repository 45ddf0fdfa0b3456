"""What pages show of a case: its thread, its timeline, its clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from parvis.cases import days, rules
from parvis.cases.actions import STORE, closed_days
from parvis.cases.models import Attachment, Case, Event, Message
from parvis.core import files, typography
from parvis.municipalities.models import StaffMember
from parvis.residents.models import Resident

TONES = {
    rules.RECEIVED: ("info", "inbox"),
    rules.WORKING: ("info", "clock"),
    rules.WAITING: ("avis", "hourglass"),
    rules.ANSWERED: ("succes", "circle-check"),
    rules.CLOSED: ("", "check"),
    rules.REOPENED: ("info", "rotate-cw"),
    rules.WITHDRAWN: ("", "x"),
}
"""State → the tone and the icon of its chip."""


@dataclass(frozen=True)
class Chip:
    text: str
    tone: str
    icon: str


def chip(case: Case, *, staff: bool = False) -> Chip:
    tone, icon = TONES[case.state]
    mine = case.state == rules.WAITING and not staff
    return Chip(_("En attente de vous") if mine else str(rules.STATES[case.state]), tone, icon)


@dataclass(frozen=True)
class Clock:
    """The promise, as stones: so many working days, so many gone."""

    done: int
    promised: int
    label: str
    late: bool
    paused: bool


def clock(case: Case, now: datetime, closed: Iterable[date]) -> Clock | None:
    """The clock of an open case that promised something."""
    if case.due_at is None or not case.working_days or not case.is_open:
        return None
    late, paused = case.is_late(now), case.state == rules.WAITING
    zone, at = case.municipality.zone, case.state_at if paused else now
    day = days.day_of(
        case.due_at.astimezone(zone).date(), at.astimezone(zone).date(), case.working_days,
        frozenset(closed),
    )  # fmt: skip
    done = case.working_days + 1 if late else day - 1
    label = _("En retard") if late else _("Jour {n} de {all}").format(n=day, all=case.working_days)
    return Clock(done, case.working_days, label, late, paused)


@dataclass(frozen=True)
class Line:
    """One message as it is shown."""

    message: Message
    author: str
    detail: str
    files: list[dict[str, Any]] = field(default_factory=list)

    @property
    def mark(self) -> str:
        return self.message.side


def people(town_id: int, ids: Iterable[int | None]) -> dict[int, Resident]:
    found: dict[int, Resident] = Resident.objects.of(town_id).in_bulk(
        {pk for pk in ids if pk is not None}
    )
    return found


def thread(case: Case, *, viewer: Resident | None, staff: bool) -> list[Line]:
    """The messages, the oldest first; notes for the staff alone."""
    rows = Message.objects.of(case.municipality_id).filter(case=case)
    if not staff:
        rows = rows.exclude(side=Message.Side.NOTE)
    found = list(rows.prefetch_related("attachments"))
    known = people(case.municipality_id, (one.author_id for one in found))
    titles = dict(
        StaffMember.objects.of(case.municipality_id)
        .filter(person_id__in=known)
        .values_list("person_id", "title")
    )
    return [_line(case, one, known, titles, viewer=viewer, staff=staff) for one in found]


def _line(
    case: Case,
    message: Message,
    known: Mapping[int, Resident],
    titles: Mapping[int, str],
    *,
    viewer: Resident | None,
    staff: bool,
) -> Line:
    writer = known.get(message.author_id or 0)
    detail = ""
    if message.side == Message.Side.RESIDENT:
        mine = viewer is not None and case.resident_id == viewer.pk and not staff
        author = _("Vous") if mine else case.person_name
        if message.via in {"counter", "phone"} and writer is not None:
            detail = _("noté par {name}").format(name=writer.short_name)
        elif message.via == "email":
            detail = _("par courriel")
    else:
        author = writer.short_name if writer else case.municipality.name
        detail = titles.get(message.author_id or 0, "")
        if message.side == Message.Side.TOWN and not staff and writer:
            detail = ", ".join(filter(None, [detail, case.municipality.name]))
    return Line(message, author, detail, [_file(one) for one in message.attachments.all()])


def _file(one: Attachment) -> dict[str, Any]:
    size = f"{one.size / 1e6:.1f}".replace(".", ",") + "\u00a0Mo"
    small = f"{max(1, one.size // 1000)}\u00a0ko"
    return {
        "url": files.url(STORE, one.folder, one.name),
        "name": one.name,
        "icon": "image" if one.kind in {"png", "jpg", "webp"} else "file-text",
        "size": size if one.size >= 1_000_000 else small,
    }


@dataclass(frozen=True)
class Step:
    """One line of the timeline, in words."""

    at: datetime
    title: str
    detail: str = ""


HIDDEN = frozenset({Event.Kind.NOTED, Event.Kind.RELEASED, Event.Kind.ASSIGNED})
"""Of the staff's own work: a person sees its effect, not its lines."""


def steps(case: Case, *, staff: bool) -> list[Step]:
    """The timeline, the newest first."""
    events = list(Event.objects.of(case.municipality_id).filter(case=case))
    town = case.municipality_id
    members = {
        one.pk: one.person.short_name
        for one in StaffMember.objects.of(town)
        .filter(pk__in={event.member_id for event in events} - {None})
        .select_related("person")
    }
    known = people(town, (event.actor_id for event in events)) if staff else {}
    found = []
    for event, following in zip(events, [*events[1:], None], strict=True):
        if not staff and event.kind in HIDDEN:
            continue
        if following is not None and _says_it(event, following):
            continue
        actor = known.get(event.actor_id or 0)
        step = _step(case, event, members, staff=staff)
        by = actor.short_name if actor is not None and event.kind != Event.Kind.OPENED else ""
        if by and actor.pk == case.resident_id:  # type: ignore[union-attr]
            by = ""
        found.append(Step(step.at, step.title, ", ".join(filter(None, [step.detail, by]))))
    return found[::-1]


def _says_it(event: Event, following: Event) -> bool:
    """Whether the move that a message made says as much as the message's own line."""
    spoken = event.kind in {Event.Kind.ANSWERED, Event.Kind.REPLIED}
    return spoken and following.kind == Event.Kind.MOVED and following.at == event.at


def _step(case: Case, event: Event, members: Mapping[int, str], *, staff: bool) -> Step:
    promised = ""
    if event.due_at is not None:
        on = event.due_at.astimezone(case.municipality.zone).date()
        promised = _("réponse promise pour le {day}").format(
            day=typography.short_day(on, year=False)
        )
    if event.kind == Event.Kind.MOVED:
        words = {
            rules.WORKING: _("Prise en charge"),
            rules.WAITING: _("En attente de la personne") if staff else _("En attente de vous"),
            rules.ANSWERED: _("Répondue"),
            rules.CLOSED: _("Fermée"),
            rules.REOPENED: _("Rouverte"),
            rules.WITHDRAWN: _("Retirée"),
        }
        return Step(event.at, str(words[event.to_state]), promised)
    if event.kind == Event.Kind.ASSIGNED:
        name = members.get(event.member_id or 0, "")
        return Step(event.at, _("Confiée à {name}").format(name=name))
    if event.kind == Event.Kind.REPLIED and not staff:
        return Step(event.at, _("Votre message"))
    return Step(event.at, str(Event.Kind(event.kind).label), promised)


def shown(case: Case, *, viewer: Resident | None, staff: bool, now: datetime) -> dict[str, Any]:
    """Everything that the page of a case shows to this person."""
    closed = closed_days(case.municipality_id)
    return {
        "case": case,
        "chip": chip(case, staff=staff),
        "clock": clock(case, now, closed),
        "lines": thread(case, viewer=viewer, staff=staff),
        "steps": steps(case, staff=staff),
        "late": case.is_late(now),
    }


def due_words(case: Case, now: datetime, closed: Iterable[date]) -> str:
    """The promise in the queue: so many days late, or the day itself."""
    if case.due_at is None:
        return _("Sans échéance")
    zone = case.municipality.zone
    today, due = now.astimezone(zone).date(), case.due_at.astimezone(zone).date()
    if case.is_late(now):
        late = days.working_days_between(due, today, frozenset(closed))
        if late:
            return ngettext("En retard, {n} jour", "En retard, {n} jours", late).format(n=late)
        return _("En retard depuis tantôt")
    if case.state == rules.WAITING:
        return _("Horloge arrêtée")
    if due == today:
        return _("Aujourd’hui, {hour}").format(hour=typography.moment(case.due_at.astimezone(zone)))
    return typography.when(due, today=today).capitalize()
