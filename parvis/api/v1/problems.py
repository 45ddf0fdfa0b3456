"""What went wrong, in the one shape that every program reads: problem details (RFC 9457)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from parvis.core.errors import Refused

CONTENT_TYPE = "application/problem+json"
SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "A sentence in French, fit to be shown."},
        "errors": {
            "type": "array",
            "description": "What of the request is wrong.",
            "items": {
                "type": "object",
                "properties": {"name": {"type": "string"}, "code": {"type": "string"}},
            },
        },
    },
}


def documented(*statuses: int) -> dict[str, Any]:
    """For `openapi_extra`: the refusals that a door may answer."""
    said = {404: "There is no such thing here.", 422: "It cannot be asked for."}
    content = {CONTENT_TYPE: {"schema": SCHEMA}}
    return {"responses": {one: {"description": said[one], "content": content} for one in statuses}}


def problem(status: int, title: str, detail: str, **more: Any) -> HttpResponse:
    """An answer that says what went wrong; the type is the status itself (4.2.1)."""
    facts = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    return JsonResponse(
        facts, status=status, content_type=CONTENT_TYPE, json_dumps_params={"ensure_ascii": False}
    )


def not_found(request: HttpRequest, error: Any) -> HttpResponse:
    return problem(404, _("Introuvable"), _("Cela n’existe pas, ou n’est pas public."))


def refused(request: HttpRequest, error: Any) -> HttpResponse:
    return problem(422, _("Demande refusée"), str(error))


def not_understood(request: HttpRequest, error: Any) -> HttpResponse:
    """Names and codes: the library's own sentences are in English, and quote what was sent."""
    wrong = [{"name": str(one["loc"][-1]), "code": str(one["type"])} for one in error.errors]
    names = ", ".join(dict.fromkeys(one["name"] for one in wrong))
    return problem(
        422,
        _("Demande mal formée"),
        _("À corriger\u00a0: {names}.").format(names=names),
        errors=wrong,
    )


def other(request: HttpRequest, error: Any) -> HttpResponse:
    status = HTTPStatus(error.status_code)
    return problem(status.value, status.phrase, _("Cette demande ne peut pas être lue."))


def say_problems(api: NinjaAPI) -> None:
    """Answer every refusal of this API as a problem."""
    api.add_exception_handler(Http404, not_found)
    api.add_exception_handler(Refused, refused)
    api.add_exception_handler(ValidationError, not_understood)
    api.add_exception_handler(HttpError, other)
