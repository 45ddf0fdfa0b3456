"""What the pages of the room have in common: what was sent, the attempt, and the answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.forms import Form
from django.http import HttpResponse, QueryDict
from django.shortcuts import render

from parvis.core.errors import Refused
from parvis.core.htmx import page_or_part
from parvis.residents.http import ResidentRequest


def sent(request: ResidentRequest) -> QueryDict | None:
    """What was sent, were it nothing at all; None where the page is only looked at."""
    return request.POST if request.method == "POST" else None


def attempt(form: Form, deed: Callable[[], object]) -> bool:
    """Do it, or put the refusal on the form."""
    try:
        deed()
    except Refused as refused:
        form.add_error(None, str(refused))
        return False
    return True


def answer(
    request: ResidentRequest, page: str, part: str, context: dict[str, Any], *forms: Form
) -> HttpResponse:
    """The page, or its part alone to htmx; 422 when a form was refused."""
    refused = any(form.is_bound and form.errors for form in forms)
    return render(
        request,
        page_or_part(request, f"residents/{page}", f"residents/{part}"),
        context,
        status=422 if refused else 200,
    )
