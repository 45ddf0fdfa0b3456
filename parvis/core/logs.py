"""What a log line may hold: no words of a row, be it in the middle of a traceback."""

from __future__ import annotations

import logging
import re

# PostgreSQL quotes the row that it refused, «Key (name)=(…) already exists.», except behind a wall.
ROW = re.compile(
    r"^(DETAIL|CONTEXT):.*?(?=\n\n|\n(?:HINT|CONTEXT|QUERY|Traceback)\b|\Z)",
    re.MULTILINE | re.DOTALL,
)
# Some paths are a right to act: invitations, unsubscriptions, calendars, tickets of streams.
TOKEN = re.compile(
    r"(/(?:invitation|desabonnement|preuve|confirmer|reserver/calendrier)/|[?&](?:t|moi)=)"
    r"[^\s/\"'&]{6,}",
    re.IGNORECASE,
)


class Discreet(logging.Formatter):
    """A line without the details that name people, and without tokens."""

    def format(self, record: logging.LogRecord) -> str:
        line = ROW.sub(r"\1: (…)", super().format(record))
        return TOKEN.sub(r"\1(…)", line)
