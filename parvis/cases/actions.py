"""Everything that changes a case: opening, writing, moving, assigning, withdrawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.files.base import File
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from parvis.cases import days, kinds, notices, numbers, rules, signals
from parvis.cases.models import Attachment, Case, ClosedDay, Event, Message, Via
from parvis.core import files, live
from parvis.core.errors import Refused
from parvis.municipalities.actions import record
from parvis.municipalities.models import Municipality, StaffMember
from parvis.municipalities.rules import may
from parvis.residents.models import Resident
from parvis.residents.rules import phone_number

STORE = "demandes"
"""Area of the file store that this room fills."""
MOST_AHEAD = timedelta(days=366)
TOPIC = "cases"
"""Live topic of the staff's queue; a case's own is case:<id>."""


@dataclass(frozen=True)
class Caller:
    """Someone without an account, who called or came to the counter."""

    name: str
    email: str = ""
    phone: str = ""


@transaction.atomic
def open_case(
    *,
    municipality: Municipality,
    kind: str,
    subject: str,
    body: str,
    author: Resident | Caller,
    by: Resident | None,
    now: datetime,
    via: str = Via.PORTAL,
    reference: str = "",
    uploads: Sequence[File[bytes]] = (),
    key: UUID | None = None,
    tell: bool = True,
) -> Case:
    """Open a case for its author, with its first message, or raise Refused.

    Two at the same instant get two numbers that follow each other. The same words with the same
    `key` open one case, however often they are sent. `tell` sends the acknowledgement.
    """
    if not kinds.is_known(kind):
        raise ValueError(f"no kind is called {kind}")
    about = kinds.find(kind)
    subject, body = rules.tidy_line(subject), rules.tidy(body)
    rules.check_subject(subject)
    rules.check_text(body)
    rules.check_files(len(uploads))
    year = numbers.hold(municipality, now)
    if key is not None:
        found: Case | None = Case.objects.of(municipality).filter(key=key).first()
        if found is not None:
            if found.subject == subject and found.messages.filter(text=body).exists():
                return found
            # The same form, filled in otherwise after going back to it: something new.
            key = None
    if isinstance(author, Resident) and by is not None and by.pk == author.pk:
        _check_rate(author, now)
    case = Case(
        municipality=municipality, year=year, kind=kind, reference=reference, subject=subject,
        via=via, opened_at=now, state_at=now, changed_at=now, key=key,
        opened_by_id=by.pk if by is not None else None, working_days=about.working_days,
    )  # fmt: skip
    if isinstance(author, Caller):
        case.caller_name = _caller_name(author.name)
        case.caller_email = author.email.strip().lower()
        case.caller_phone = phone_number(author.phone) if author.phone else ""
    else:
        case.resident = author
    if about.working_days is not None:
        case.due_at = days.deadline(
            now, about.working_days, municipality.zone, closed_days(municipality)
        )
    case.sequence = numbers.take(municipality, year)
    case.save()
    _note(case, Event.Kind.OPENED, by=by, now=now, due_at=case.due_at)
    message = Message.objects.create(
        municipality=municipality, case=case, side=Message.Side.RESIDENT, via=via, at=now,
        author_id=case.opened_by_id, text=body,
    )  # fmt: skip
    attach(message, uploads, now=now)
    record("cases.opened", municipality=municipality, actor=by, case=case.pk, kind=kind)
    if tell:
        notices.tell_opened(case, text=body, now=now)
    _publish(case)
    return case


@transaction.atomic
def add_message(
    case: Case,
    *,
    text: str,
    side: str,
    by: Resident | None,
    now: datetime,
    via: str = Via.PORTAL,
    to: str | None = None,
    uploads: Sequence[File[bytes]] = (),
    key: UUID | None = None,
    seen: int | None = None,
    whole: str = "",
    letter_id: str = "",
) -> Message:
    """Write in the thread, or raise Refused; the other side is told.

    From the person, it takes a case that waited for them back to work, and reopens one that was
    answered. From the town, it moves the case to `to`: answered, unless told otherwise. A note
    moves and tells nothing. The same words with the same `key` are written once, however often
    they are sent. `seen` is the newest message that a clerk had read: when another came since, it
    is refused (Overtaken).
    """
    text = rules.tidy(text)
    rules.check_files(len(uploads))
    fresh = locked(case)
    rows = Message.objects.of(fresh.municipality_id).filter(case=fresh)
    if key is not None:
        found: Message | None = rows.filter(key=key).first()
        if found is not None:
            if found.text == text:
                return found
            # The same form, filled in otherwise after going back to it: something new.
            key = None
    rules.check_text(text)
    if side != Message.Side.NOTE:
        newest = rows.exclude(side=Message.Side.NOTE).aggregate(last=Max("pk"))["last"] or 0
        rules.check_seen(seen, newest)
    before = fresh.state
    if side == Message.Side.TOWN:
        to = to or rules.ANSWERED
        if before == rules.WITHDRAWN:
            rules.check_move(before, to)
        if to != before:
            rules.check_move(before, to)
    elif side == Message.Side.RESIDENT:
        to = rules.after_reply(before)
        if to == rules.REOPENED:
            rules.check_reopen(before, fresh.state_at, now)
        if before == rules.WITHDRAWN:
            rules.check_move(before, rules.WORKING)
    message = Message.objects.create(
        municipality_id=fresh.municipality_id, case=fresh, side=side, via=via, at=now,
        author_id=by.pk if by is not None else None, text=text, whole=whole, letter_id=letter_id,
        key=key,
    )  # fmt: skip
    attach(message, uploads, now=now)
    happened, deed = {
        Message.Side.TOWN: (Event.Kind.ANSWERED, "cases.answered"),
        Message.Side.RESIDENT: (Event.Kind.REPLIED, "cases.replied"),
        Message.Side.NOTE: (Event.Kind.NOTED, "cases.noted"),
    }[Message.Side(side)]
    _note(fresh, happened, by=by, now=now, message_id=message.pk)
    record(deed, municipality=fresh.municipality_id, actor=by, case=fresh.pk, message=message.pk)
    fresh.changed_at = now
    columns = ["changed_at"]
    if side == Message.Side.TOWN and fresh.answered_at is None and to == rules.ANSWERED:
        fresh.answered_at = now
        columns.append("answered_at")
    fresh.save(update_fields=columns)
    if side != Message.Side.NOTE and to is not None and to != before:
        _move(fresh, to, by=by, now=now)
    if side == Message.Side.TOWN:
        notices.tell_message(fresh, message, now=now)
    elif side == Message.Side.RESIDENT:
        notices.tell_assignee(fresh, now=now)
    _publish(fresh)
    return message


@transaction.atomic
def move(
    case: Case, *, to: str, by: Resident | None, now: datetime, seen: str | None = None,
    tell: bool = True,
) -> Case:  # fmt: skip
    """Take a case to another state, or raise Refused; the person is told unless `tell` is off.

    `seen` is the state that the clerk saw: when it is another by now, it is refused (Overtaken).
    """
    fresh = locked(case)
    rules.check_state_seen(seen, fresh.state)
    rules.check_move(fresh.state, to)
    _move(fresh, to, by=by, now=now)
    if tell:
        notices.tell_moved(fresh, now=now)
    _publish(fresh)
    return fresh


@transaction.atomic
def assign(case: Case, *, to: StaffMember | None, by: Resident | None, now: datetime) -> Case:
    """Give a case to someone on the staff who may act in it, or back to the queue, or raise
    Refused. One that nobody had begins to be worked on."""
    fresh = locked(case)
    if not fresh.is_open:
        raise Refused(_("Cette demande est fermée\u00a0: rouvrez-la d’abord."))
    if fresh.assignee_id == (to.pk if to else None):
        return fresh
    if to is not None and not may_have(to, fresh):
        raise Refused(_("Cette personne ne traite pas les demandes."))
    fresh.assignee, fresh.changed_at = to, now
    fresh.save(update_fields=["assignee", "changed_at"])
    _note(
        fresh, Event.Kind.ASSIGNED if to else Event.Kind.RELEASED, by=by, now=now,
        member_id=to.pk if to else None,
    )  # fmt: skip
    record(
        "cases.assigned" if to else "cases.released", municipality=fresh.municipality_id, actor=by,
        case=fresh.pk, member=to.pk if to else None,
    )  # fmt: skip
    if to is not None and fresh.state in {rules.RECEIVED, rules.REOPENED}:
        _move(fresh, rules.WORKING, by=by, now=now)
    _publish(fresh)
    return fresh


@transaction.atomic
def withdraw(case: Case, *, by: Resident | None, now: datetime, tell: bool = False) -> Case:
    """Take back what was asked, or raise Refused. For good: the number stays, nothing is done."""
    fresh = locked(case)
    if fresh.state == rules.WITHDRAWN:
        return fresh
    rules.check_move(fresh.state, rules.WITHDRAWN)
    _move(fresh, rules.WITHDRAWN, by=by, now=now)
    if tell:
        notices.tell_moved(fresh, now=now)
    _publish(fresh)
    return fresh


@transaction.atomic
def postpone(case: Case, *, due_on: date, by: Resident | None, now: datetime) -> Case:
    """Promise the answer for another working day, or raise Refused; the person is told."""
    fresh = locked(case)
    if not fresh.is_open:
        raise Refused(_("Cette demande est fermée\u00a0: rouvrez-la d’abord."))
    zone, closed = fresh.municipality.zone, closed_days(fresh.municipality)
    if due_on < now.astimezone(zone).date():
        raise Refused(_("Choisissez un jour à venir."))
    if due_on > now.astimezone(zone).date() + MOST_AHEAD:
        raise Refused(_("Promettez une réponse d’ici un an."))
    if not days.is_working_day(due_on, closed):
        raise Refused(_("Les bureaux sont fermés ce jour-là\u00a0: choisissez un jour ouvrable."))
    due_at = days.closing(due_on, zone)
    if due_at == fresh.due_at:
        return fresh
    fresh.due_at, fresh.changed_at = due_at, now
    fresh.save(update_fields=["due_at", "changed_at"])
    _note(fresh, Event.Kind.POSTPONED, by=by, now=now, due_at=due_at)
    record("cases.postponed", municipality=fresh.municipality_id, actor=by, case=fresh.pk)
    notices.tell_postponed(fresh, now=now)
    _publish(fresh)
    return fresh


def may_have(member: StaffMember, case: Case) -> bool:
    """Whether this case may be given to this member of the staff."""
    roles = {role.room: role.level for role in member.roles.all()}
    return (
        member.municipality_id == case.municipality_id
        and member.left_at is None
        and may("cases", "act", is_administrator=member.is_administrator, roles=roles)
    )


def locked(case: Case) -> Case:
    """The row as it stands, held until the transaction ends."""
    row: Case = (
        Case.objects.of(case.municipality_id)
        .select_for_update(no_key=True, of=("self",))
        .select_related("municipality", "resident", "assignee")
        .get(pk=case.pk)
    )
    return row


def closed_days(municipality: Municipality | int) -> frozenset[date]:
    """The town's own closed days."""
    return frozenset(ClosedDay.objects.of(municipality).values_list("day", flat=True))


def _move(case: Case, to: str, *, by: Resident | None, now: datetime) -> None:
    """Change the state; the clock stands still while the person is awaited, and begins again
    when it is reopened."""
    before, since = case.state, case.state_at
    columns = ["state", "state_at", "changed_at"]
    case.state, case.state_at, case.changed_at = to, now, now
    if case.due_at is not None and case.working_days is not None:
        zone, closed = case.municipality.zone, closed_days(case.municipality_id)
        if before == rules.WAITING and to in rules.OPEN:
            case.due_at = days.resumed(
                case.due_at, paused_at=since, now=now, zone=zone, closed=closed
            )
            columns.append("due_at")
        elif to == rules.REOPENED:
            case.due_at = days.deadline(now, case.working_days, zone, closed)
            columns.append("due_at")
    case.save(update_fields=columns)
    _note(
        case, Event.Kind.MOVED, by=by, now=now, from_state=before, to_state=to,
        due_at=case.due_at if "due_at" in columns else None,
    )  # fmt: skip
    deed = {rules.WITHDRAWN: "cases.withdrawn", rules.REOPENED: "cases.reopened"}.get(
        to, "cases.moved"
    )
    record(deed, municipality=case.municipality_id, actor=by, case=case.pk, to=to)
    signals.moved.send(sender=Case, case=case, from_state=before, by=by, now=now)


def _note(case: Case, kind: str, *, by: Any, now: datetime, **facts: Any) -> None:
    Event.objects.create(
        municipality_id=case.municipality_id, case=case, at=now, kind=kind,
        actor_id=by.pk if by is not None else None, **facts,
    )  # fmt: skip


@transaction.atomic
def attach(message: Message, uploads: Sequence[File[bytes]], *, now: datetime) -> None:
    """Keep files with a message, or raise Refused."""
    for upload in uploads:
        kept = files.keep_file(upload, town_id=message.municipality_id, area=STORE)
        Attachment.objects.create(
            municipality_id=message.municipality_id, message=message, folder=kept.folder,
            name=kept.name, kind=kept.kind, size=kept.size, sha256=kept.sha256, created_at=now,
        )  # fmt: skip


def _publish(case: Case) -> None:
    live.publish(case.municipality_id, TOPIC)
    live.publish(case.municipality_id, f"case:{case.pk}")


def _check_rate(author: Resident, now: datetime) -> None:
    """Raise Refused when the person has opened as many cases today as anybody needs to."""
    lately = Case.objects.of_resident(author).filter(opened_at__gt=now - timedelta(days=1))
    if lately.count() >= rules.MOST_A_DAY:
        raise Refused(
            _("Vous avez écrit {n} demandes depuis hier\u00a0: appelez-nous plutôt.").format(
                n=rules.MOST_A_DAY
            )
        )


def _caller_name(name: str) -> str:
    name = rules.tidy_line(name)
    if not any(char.isalpha() for char in name):
        raise Refused(_("Écrivez le nom de la personne."))
    return name[: rules.NAME_MAX]
