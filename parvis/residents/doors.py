"""Doors of the Bureau: who may pass, and with what proof of who they are."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.account.decorators import reauthentication_required
from allauth.account.internal.flows.reauthentication import get_reauthentication_flows
from allauth.mfa.models import Authenticator
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from parvis.municipalities.models import StaffMember
from parvis.municipalities.rules import may

View = Callable[..., HttpResponse]
FRESH = 600


def staff_member(request: HttpRequest) -> StaffMember | None:
    """The staff member who is signed in, with roles; looked up once for each request."""
    if not hasattr(request, "_staff"):
        found = None
        if request.user.is_authenticated:
            found = (
                StaffMember.objects.of(request.municipality)  # type: ignore[attr-defined]
                .filter(person_id=request.user.pk, left_at__isnull=True)
                .prefetch_related("roles")
                .first()
            )
        request._staff = found  # type: ignore[attr-defined]
    return request._staff  # type: ignore[attr-defined, no-any-return]


def roles_of(member: StaffMember) -> dict[str, str]:
    """Room → level."""
    return {role.room: role.level for role in member.roles.all()}


def may_enter(member: StaffMember | None, room: str, level: str) -> bool:
    if member is None:
        return False
    return may(room, level, is_administrator=member.is_administrator, roles=roles_of(member))


def has_second_factor(request: HttpRequest) -> bool:
    """Whether this session was opened with a code generator, a passkey or a recovery code."""
    return any(
        record.get("method") == "mfa"
        for record in get_authentication_records(request, request.user)
    )


def staff_door(room: str, level: str = "see") -> Callable[[View], View]:
    """Let in staff who may see (or act) in the room, signed in with a second factor.

    Room "administration" is the town administrators' alone; room "" any staff member's.
    """

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            member = staff_member(request)
            if member is None:
                raise PermissionDenied
            if not has_second_factor(request):
                if Authenticator.objects.filter(user_id=request.user.pk).exists():
                    # Signed in before the second factor was set up: prove it now.
                    return redirect(f"{reverse('mfa_reauthenticate')}?next={request.path}")
                return redirect("mfa_activate_totp")
            if room and not may_enter(member, room, level):
                raise PermissionDenied
            request.staff = member  # type: ignore[attr-defined]
            return view(request, *args, **kwargs)

        guarded.staff_room = room  # type: ignore[attr-defined]
        guarded.staff_level = level  # type: ignore[attr-defined]
        return guarded

    return guard


def fresh_proof(view: View) -> View:
    """Before what cannot be undone: the password or second factor again, or a recent sign-in.

    An account that has neither signs in by e-mailed code; it must have done so in these minutes.
    """
    guarded: View = reauthentication_required(view)

    @wraps(view)
    def proven(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if get_reauthentication_flows(request.user):
            return guarded(request, *args, **kwargs)
        records = get_authentication_records(request, request.user)
        if records and time.time() - records[-1]["at"] < FRESH:
            return view(request, *args, **kwargs)
        back = request.path if request.method == "GET" else reverse("residents:data")
        return render(request, "residents/prove.html", {"back": back}, status=403)

    return proven
