"""When a message may go out, for how long it is worth sending, and what becomes of an attempt."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

PUSH_BYTES = 2000
"""Some push services carry 2,744 bytes after base64; longer texts are cut."""

CHUNK_SIZE = {"inapp": 5000, "email": 200, "push": 1000, "text": 200, "voice": 100}
CODE = "residents.phone_code"
"""Kind of the message that brings a code to a number that is not verified yet."""
FREE = ("push", "email")
CALLING_ON = (*FREE, "text", "voice")
"""Channels that come to the person: these have an order. The portal is only looked at."""
LEASE = timedelta(seconds=60)
GROUP = 20
"""Letters whose fate is written down together: what a crash leaves in doubt at most."""

LIFETIME = {
    0: timedelta(hours=12),
    1: timedelta(days=1),
    2: timedelta(days=3),
    3: timedelta(days=1),
}
"""Lane → how long a message is worth sending when its author sets no deadline."""

REASONS: dict[str, tuple[object, object]] = {
    "unknown_address": (_("Adresse inexistante"), _("Corriger l’adresse ou écrire par la poste")),
    "refused": (_("Refusé par le serveur"), _("Vérifier la signature du domaine (DKIM, SPF)")),
    "mailbox_full": (_("Boîte pleine"), _("Nouvel essai automatique")),
    "server_silent": (_("Serveur sans réponse"), _("Nouvel essai automatique")),
    "device_gone": (_("Appareil remplacé ou coupé"), _("Abonnement retiré")),
    "push_refused": (_("Refusé par le service d’envoi"), _("Prévenir l’équipe technique")),
    "push_busy": (_("Service d’envoi occupé"), _("Nouvel essai automatique")),
    "too_late": (_("Délai passé"), _("Aucune suite")),
    "stopped": (_("Envoi arrêté"), _("Aucune suite")),
    "in_doubt": (_("Interrompu pendant la remise"), _("Peut avoir été reçu")),
    "confirmed": (_("Déjà confirmé par un autre moyen"), _("Aucune suite")),
    "withdrawn": (_("Désabonné entre-temps"), _("Aucune suite")),
    "bounced": (_("Retourné après la remise"), _("Corriger l’adresse")),
    "provider_busy": (_("Fournisseur de textos occupé"), _("Nouvel essai automatique")),
    "provider_silent": (_("Fournisseur de textos en panne"), _("Nouvel essai automatique")),
    "answer_lost": (_("Réponse du fournisseur perdue"), _("Vérification, puis nouvel essai")),
    "unknown_number": (_("Numéro inexistant"), _("Demander un autre numéro à la personne")),
    "landline": (_("Ligne fixe, sans textos"), _("Joindre la personne par la voix")),
    "not_carried": (_("Numéro que le fournisseur ne sert pas"), _("Joindre autrement")),
    "phone_refused": (_("Texto refusé par le fournisseur"), _("Prévenir l’équipe technique")),
    "unreachable": (_("Téléphone éteint ou hors réseau"), _("Aucune suite")),
    "blocked": (_("Expéditeur bloqué par la personne"), _("Joindre autrement")),
    "filtered": (_("Filtré par l’opérateur"), _("Prévenir l’équipe technique sans attendre")),
    "carrier_fault": (_("Échec chez l’opérateur"), _("Aucune suite")),
    "carrier_busy": (_("File de l’opérateur pleine"), _("Réduire la cadence du fournisseur")),
    "account": (_("Compte du fournisseur suspendu"), _("Prévenir l’équipe technique")),
    "no_answer": (_("Sans réponse, après plusieurs appels"), _("Joindre autrement")),
    "line_busy": (_("Ligne occupée, après plusieurs appels"), _("Joindre autrement")),
    "call_failed": (_("Appel impossible"), _("Vérifier le numéro")),
    "unsubscribed": (_("Bloqué à la demande de la personne"), _("Joindre autrement")),
}
"""Reason → what it means to a clerk, and what to do."""


def is_quiet(at: time, quiet_from: time | None, quiet_until: time | None) -> bool:
    """Whether this local time falls in the hours when the person is not to be disturbed."""
    if quiet_from is None or quiet_until is None or quiet_from == quiet_until:
        return False
    if quiet_from < quiet_until:
        return quiet_from <= at < quiet_until
    return at >= quiet_from or at < quiet_until


def deadline(now: datetime, lane: int, asked: datetime | None) -> datetime:
    """The instant after which the message is no longer worth sending."""
    return asked if asked is not None else now + LIFETIME[lane]


def is_order(channels: Sequence[str]) -> bool:
    """Whether these are channels that have an order, each named once; none: all at once."""
    return len(set(channels)) == len(channels) and set(channels) <= set(CALLING_ON)


def pause_after(attempt: int) -> timedelta:
    """How long a refused letter waits: 1, 2, 4 … minutes, two hours at most."""
    return timedelta(minutes=min(2 ** max(attempt - 1, 0), 120))


def text_pause(attempt: int, *, urgent: bool) -> timedelta:
    """How long a text that no provider took waits: from 5 s in an emergency, else from 30 s."""
    first, most = (5, 120) if urgent else (30, 1800)
    return timedelta(seconds=min(first * 2 ** min(max(attempt - 1, 0), 20), most))


def call_again_after(calls: int, *, urgent: bool) -> timedelta | None:
    """How long after so many calls that nobody took the next one is made; None: no more."""
    table = (1, 3, 5) if urgent else (5, 20)
    return timedelta(minutes=table[calls - 1]) if calls <= len(table) else None


def topic_of(reference: str) -> str:
    """A Topic (RFC 8030, section 5.4) for this reference: 32 characters of base64url."""
    return base64.urlsafe_b64encode(hashlib.sha256(reference.encode()).digest()[:24]).decode()


def content_for(
    content: Mapping[str, Mapping[str, str]], language: str
) -> tuple[str, Mapping[str, str]]:
    """The words in the person's language where they stand, else in French."""
    return (language, content[language]) if language in content else ("fr", content["fr"])


def push_payload(
    words: Mapping[str, str], *, language: str, url: str, tag: str, identity: str, urgent: bool
) -> bytes:
    """JSON of one notification: declarative web push, which the service worker reads as well."""
    body = words.get("body", "")
    while True:
        payload: dict[str, Any] = {
            "web_push": 8030,
            "notification": {
                "title": words["title"],
                "body": body,
                "navigate": url,
                "lang": f"{language}-CA",
                "tag": tag,
                "requireInteraction": urgent,
            },
            "identity": identity,
        }
        raw = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
        if len(raw) <= PUSH_BYTES or not body:
            return raw
        body = (
            body[: max(0, len(body) - (len(raw) - PUSH_BYTES) - 1)].rstrip() + "…"
            if len(body) > 20
            else ""
        )


def read_refusal(code: int, text: str) -> tuple[str, bool]:
    """What an SMTP refusal means (RFC 3463): the reason, and whether it is final."""
    words = text.lower()
    if code < 500:
        full = "4.2.2" in words or "quota" in words or "full" in words
        return ("mailbox_full" if full else "server_silent"), False
    if "5.2.2" in words or "quota" in words or "mailbox full" in words:
        return "mailbox_full", False
    if any(
        mark in words for mark in ("5.1.1", "5.1.2", "5.1.3", "5.1.10", "user unknown", "no such")
    ):
        return "unknown_address", True
    if code in {550, 551, 553} and "5.7" not in words:
        return "unknown_address", True
    return "refused", True
