"""Absolute addresses in what is sent: the town's main host name, never a request's."""

from __future__ import annotations

from django.conf import settings

from parvis.municipalities.models import HostName, Municipality


def origin(municipality: Municipality) -> str:
    """`https://portail.ville.qc.ca`, with the port only where one was configured."""
    host = (
        HostName.objects.filter(municipality=municipality)
        .order_by("-is_main", "pk")
        .values_list("name", flat=True)
        .first()
    )
    scheme = "https" if settings.HTTPS else "http"
    port = f":{settings.PUBLIC_PORT}" if settings.PUBLIC_PORT else ""
    return f"{scheme}://{host}{port}"


def absolute(municipality: Municipality, path: str) -> str:
    return path if path.startswith(("http://", "https://")) else origin(municipality) + path
