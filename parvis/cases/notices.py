"""What the person who asked is told, by the ways that they chose; and who on the staff is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from parvis.cases import addresses, rules
from parvis.cases.models import Case, Message
from parvis.core.typography import day
from parvis.notifications.actions import send_letter, send_message
from parvis.notifications.models import Channel
from parvis.notifications.urls_of import absolute


def tell(case: Case, kind: str, *, title: str, body: str, now: datetime, text: str = "") -> None:
    """Tell the person, in the caller's transaction. The words of the answer are in a letter only:
    what a telephone shows on its locked screen says nothing of it."""
    words = {"title": title, "body": body, "url": case.get_absolute_url()}
    reply_to = addresses.reply_address(case)
    if reply_to:
        words["reply_to"] = reply_to
    with translation.override("fr"):
        context = {"case": case, "words": words, "text": text, "can_reply": bool(reply_to)}
        letter = {
            "text": render_to_string("cases/letter.txt", context).strip(),
            "html": render_to_string("cases/letter.html", context).strip(),
        }
    if case.resident is not None:
        if case.resident.erased_at is None:
            send_message(
                municipality=case.municipality, kind=kind, content={"fr": words | letter}, now=now,
                reference=f"case:{case.pk}", resident_ids=[case.resident.pk],
            )  # fmt: skip
    elif case.caller_email:
        # Without an account there is no page to look at: the letter says all.
        plain = {"title": title, "text": letter["text"], "url": absolute(case.municipality, "/")}
        if reply_to:
            plain["reply_to"] = reply_to
        send_letter(municipality=case.municipality, to=case.caller_email, content=plain, now=now)


def tell_opened(case: Case, *, text: str, now: datetime) -> None:
    with translation.override("fr"):
        body = _("Nous avons bien reçu votre demande.")
        if case.due_at is not None:
            promised = day(case.due_at.astimezone(case.municipality.zone).date())
            body = _("Nous avons bien reçu votre demande. Réponse au plus tard le {when}.").format(
                when=promised
            )
        tell(
            case, "cases.opened", title=_("Demande {n} reçue").format(n=case.number), body=body,
            now=now, text=text,
        )  # fmt: skip


def tell_message(case: Case, message: Message, *, now: datetime) -> None:
    """The town wrote: an answer, or a question to the person."""
    with translation.override("fr"):
        asks = case.state == rules.WAITING
        tell(
            case,
            "cases.asked" if asks else "cases.answered",
            title=(
                _("La Ville vous pose une question\u00a0: demande {n}")
                if asks
                else _("La Ville a répondu à votre demande {n}")
            ).format(n=case.number),
            body=(
                _("Nous avons besoin d’une précision pour continuer.")
                if asks
                else _("La réponse est dans votre demande.")
            ),
            now=now,
            text=message.text,
        )


MOVED: dict[str, Any] = {
    rules.WORKING: lambda: _("Quelqu’un s’en occupe."),
    rules.WAITING: lambda: _("Nous attendons un message de vous."),
    rules.ANSWERED: lambda: _("Elle est traitée."),
    rules.CLOSED: lambda: _("Elle est fermée. Vous pouvez la rouvrir pendant {n} jours.").format(
        n=rules.REOPEN_DAYS
    ),
    rules.REOPENED: lambda: _("Elle est rouverte."),
    rules.WITHDRAWN: lambda: _("Elle est retirée, comme demandé."),
}


def tell_moved(case: Case, *, now: datetime) -> None:
    with translation.override("fr"):
        tell(
            case, "cases.moved", title=_("Du nouveau dans votre demande {n}").format(n=case.number),
            body=MOVED[case.state](), now=now,
        )  # fmt: skip


def tell_postponed(case: Case, *, now: datetime) -> None:
    with translation.override("fr"):
        if case.due_at is None:
            return
        promised = day(case.due_at.astimezone(case.municipality.zone).date())
        tell(
            case,
            "cases.postponed",
            title=_("Nouvelle date\u00a0: demande {n}").format(n=case.number),
            body=_("La réponse est maintenant promise pour le {when}.").format(when=promised),
            now=now,
        )


def tell_assignee(case: Case, *, now: datetime) -> None:
    """The person wrote again: whoever has the case learns of it."""
    member = case.assignee
    if member is None or member.left_at is not None:
        return
    with translation.override("fr"):
        send_message(
            municipality=case.municipality, kind="cases.replied", now=now,
            content={
                "fr": {
                    "title": _("Nouveau message\u00a0: demande {n}").format(n=case.number),
                    "body": _("La personne a écrit dans une demande qui vous est confiée."),
                    "url": f"/bureau/demandes/{case.pk}/",
                }
            },
            reference=f"case:{case.pk}:staff", resident_ids=[member.person_id],
            channels=[Channel.INAPP, Channel.EMAIL],
        )  # fmt: skip
