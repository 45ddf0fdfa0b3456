"""What a case may be about. A room above registers its kinds when it is loaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from parvis.cases.models import Case


@dataclass(frozen=True)
class Kind:
    """One kind of case: how it is called and drawn, and what is promised."""

    key: str
    """As `room.what`: reservations.approval."""
    label: object
    icon: str
    working_days: int | None
    """In how many working days an answer is promised; None promises nothing."""
    url: Callable[[Case], str] | None = None
    """Where the thing itself is seen by its person, when it has a page of its own."""
    staff_url: Callable[[Case], str] | None = None
    """Where the staff sees it, and decides."""
    written: bool = False
    """Whether anyone may open one by «Écrire à la Ville»."""
    hint: object = ""
    """For whom chooses: when to take this one."""


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> Kind:
    """Make a kind known. Twice the same is fine; two kinds of one key are a defect."""
    if _kinds.setdefault(kind.key, kind) != kind:
        raise ValueError(f"two kinds are called {kind.key}")
    return kind


def find(key: str) -> Kind:
    """The kind of this key; one whose room is no longer there is still called something."""
    return _kinds.get(key) or Kind(key, _("Demande"), "inbox", None)


def is_known(key: str) -> bool:
    return key in _kinds


def every() -> list[Kind]:
    return list(_kinds.values())


def written() -> list[Kind]:
    """The kinds of «Écrire à la Ville», in the order in which they are offered."""
    return [kind for kind in _kinds.values() if kind.written]


QUESTION = register(
    Kind(
        "cases.question", _("Une question"), "circle-help", 5, written=True,
        hint=_("Vous cherchez un renseignement."),
    )
)  # fmt: skip
COMMENT = register(
    Kind(
        "cases.comment", _("Un commentaire"), "message-square-text", 10, written=True,
        hint=_("Vous proposez une idée ou donnez votre avis."),
    )
)  # fmt: skip
COMPLAINT = register(
    Kind(
        "cases.complaint", _("Une plainte"), "flag", 10, written=True,
        hint=_("Vous n’êtes pas satisfait d’un service ou d’une décision."),
    )
)  # fmt: skip
