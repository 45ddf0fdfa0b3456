"""Where kept files are served. The door of each area decides who may open a folder."""

from __future__ import annotations

from urllib.parse import quote

from django.contrib.auth.decorators import login_not_required
from django.http import FileResponse, Http404, HttpRequest, HttpResponseBase
from django.urls import re_path
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from parvis.core import files

YEAR = 365 * 24 * 3600


@login_not_required
@require_safe
def file(request: HttpRequest, area: str, folder: str, name: str) -> HttpResponseBase:
    """One file of the town of this host name; another town's folder is not found."""
    door = files.door_of(area)
    access = door(request, folder) if door else files.Access.NONE
    kind = files.KINDS.get(name.rsplit(".", 1)[-1])
    if access is files.Access.NONE or kind is None or "\x00" in name or name.startswith("."):
        raise Http404
    kept = files.place(request.municipality.pk, area, folder) / name  # type: ignore[attr-defined]
    if not kept.is_file():
        raise Http404
    etag = f'"{folder}-{quote(name)}"'
    # Nothing is written twice in a folder: the address stands for the content.
    answer: HttpResponseBase | None = get_conditional_response(request, etag=etag)
    if answer is None:
        answer = FileResponse(
            kept.open("rb"),
            content_type=kind.content_type,
            as_attachment=not kind.inline,
            filename=name,
        )
    answer["ETag"] = etag
    answer["Cache-Control"] = (
        f"public, max-age={YEAR}, immutable"
        if access is files.Access.PUBLIC
        else "private, no-store"
    )
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'; sandbox"
    answer["Cross-Origin-Resource-Policy"] = "same-origin"
    return answer


app_name = "files"
urlpatterns = [
    re_path(
        r"^(?P<area>[a-z]{2,20})/(?P<folder>[A-Za-z0-9_-]{16,64})/(?P<name>[^/\\]{1,160})$",
        file,
        name="file",
    ),
]
