"""What the Bureau's shell shows beside the page."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest


def desk(request: HttpRequest) -> dict[str, Any]:
    """Menu by role, and the time; nothing outside the Bureau."""
    return {}
