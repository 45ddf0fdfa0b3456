"""One valid town; tests name only what they are about."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from parvis.core.db import as_town
from parvis.municipalities import actions
from parvis.municipalities.models import Municipality

NOW = datetime(2026, 5, 20, 14, 5, tzinfo=UTC)


def municipality(slug: str = "alma", **facts: Any) -> Municipality:
    """A town at `<slug>.localhost`."""
    names = {"alma": "Ville d’Alma", "isle": "Municipalité de L’Isle-aux-Coudres"}
    return actions.open_town(
        slug=slug,
        name=facts.pop("name", names.get(slug, f"Ville de {slug.title()}")),
        host=f"{slug}.localhost",
        now=NOW,
        help_phone="418 555-0110",
        **facts,
    )


__all__ = ["NOW", "as_town", "municipality"]
