"""The town's crest: what may be accepted as one, and the pictures drawn from it."""

import re
from pathlib import Path

LIST = Path(__file__).parent / "static" / "icons.txt"

_SMALL_WORDS = {
    "ville", "village", "municipalité", "paroisse", "canton", "cantons", "unis", "mrc", "de",
    "des", "du", "d", "la", "le", "les", "l", "sur", "sous", "en", "aux", "à",
}  # fmt: skip


def initials(name: str) -> str:
    """At most two letters that stand for the town: A for Ville d’Alma, SF for Saint-Félicien."""
    words = [word for word in re.split(r"[^\w]+", name) if word]
    telling = [word for word in words if word.lower() not in _SMALL_WORDS] or words
    return "".join(word[0] for word in telling[:2]).upper()
