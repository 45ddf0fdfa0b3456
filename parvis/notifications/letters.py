"""A letter to one address: codes, confirmations, invitations."""

from __future__ import annotations

from datetime import datetime

from parvis.municipalities.models import Municipality
from parvis.notifications import actions


def send_letter(
    *, municipality: Municipality, to: str, subject: str, text: str, html: str, now: datetime
) -> None:
    """Plan a letter; it leaves by the lane of personal messages, in seconds."""
    actions.send_letter(
        municipality=municipality,
        to=to,
        content={"title": subject, "text": text, "html": html},
        now=now,
    )
