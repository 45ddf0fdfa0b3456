"""A letter to one address: codes, confirmations, invitations."""
from __future__ import annotations
from datetime import datetime
from parvis.municipalities.models import Municipality


def send_letter(*, municipality: Municipality, to: str, subject: str, text: str, html: str, now: datetime) -> None:
    raise NotImplementedError
