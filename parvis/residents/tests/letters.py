"""What the letters of a test say."""

from __future__ import annotations

import re

from parvis.notifications.models import Chunk, Message


def texts() -> list[str]:
    """Subject and text of every letter, oldest first. The town must be set."""
    return [
        f"{message.content['fr']['title']}\n{message.content['fr']['text']}"
        for message in Message.objects.filter(kind="letter").order_by("id")
    ]


def recipients() -> list[str]:
    return list(Chunk.objects.exclude(address="").order_by("id").values_list("address", flat=True))


def code() -> str:
    """The code in the newest letter."""
    found = re.findall(r"^\s+(\d{6})$", texts()[-1], re.MULTILINE)
    assert found, texts()[-1]
    return str(found[0])


def wrong() -> str:
    """A code that is not the one in the newest letter."""
    return f"{(int(code()) + 1) % 1_000_000:06d}"
