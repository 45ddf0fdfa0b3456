"""What a person is told when a code no longer serves: allauth only sends them back."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

View = Callable[..., HttpResponse]


def saying_what_became_of_the_code(view: View) -> View:
    """Add the sentence that the library leaves out when a code expired or was used before."""

    @login_not_required
    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        code = request.method == "POST" and "code" in request.POST
        signed_in = request.user.is_authenticated
        said = len(messages.get_messages(request))
        pending = _pending(request)
        response = view(request, *args, **kwargs)
        if code and response.status_code == 302 and len(messages.get_messages(request)) == said:
            if signed_in and not pending:
                messages.info(request, _("Ce code a déjà servi\u00a0: vous êtes connecté."))
            elif not request.user.is_authenticated and not _pending(request):
                messages.error(
                    request,
                    _(
                        "Ce code a expiré ou a déjà servi. Demandez-en un nouveau\u00a0: "
                        "rien n’est perdu."
                    ),
                )
        return response

    return wrapped


def _pending(request: HttpRequest) -> bool:
    """Whether a step of signing in, confirming or resetting waits for this browser."""
    return any(
        key in request.session
        for key in (
            "account_login",
            "account_email_verification_code",
            "account_password_reset_verification",
        )
    )
