"""Messages for the tests: an invented one, and the same with a word changed."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent
FLOOD = (HERE / "flood.xml").read_text()


def changed(old: str, new: str, *, plain: bool = False) -> bytes:
    """The message with the first `old` replaced; `plain` without the Canadian profile."""
    assert old in FLOOD, old
    message = FLOOD.replace(old, new, 1)
    if plain:
        message = message.replace("<code>profile:CAP-CP:0.4</code>", "")
    return message.encode()
