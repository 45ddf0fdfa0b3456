"""Who works for the town, and what they may do: invitations, roles, departures."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from parvis.backoffice import actions
from parvis.backoffice.forms import InvitationForm, RolesForm
from parvis.core import secret
from parvis.core.errors import Refused
from parvis.core.htmx import go_to
from parvis.municipalities import actions as municipalities
from parvis.municipalities import rules
from parvis.municipalities.models import Invitation, Municipality, StaffMember
from parvis.notifications.urls_of import origin
from parvis.residents import actions as residents
from parvis.residents.doors import roles_of, staff_door
from parvis.residents.http import ResidentRequest, StaffRequest


def members_of(town: Municipality) -> QuerySet[StaffMember]:
    return (
        StaffMember.objects.of(town)
        .filter(left_at__isnull=True)
        .select_related("person")
        .prefetch_related("roles")
        .order_by("-is_administrator", "person__first_name", "person__last_name")
    )


def show_team(
    request: StaffRequest,
    *,
    invitation: InvitationForm | None = None,
    wrong: tuple[int, RolesForm] | None = None,
) -> HttpResponse:
    """The page, with what was typed and refused where there is some."""
    now = timezone.now()
    proven = set(
        Authenticator.objects.filter(
            user__staff_member__municipality=request.municipality
        ).values_list("user_id", flat=True)
    )
    people = [
        {
            "member": member,
            "form": wrong[1] if wrong and wrong[0] == member.pk else RolesForm.of_member(member),
            "open": bool(wrong and wrong[0] == member.pk),
            "has_factor": member.person_id in proven,
            "is_self": member.pk == request.staff.pk,
            "roles": [
                (rules.ROOMS[room], level)
                for room, level in roles_of(member).items()
                if room in rules.ROOMS
            ],
        }
        for member in members_of(request.municipality)
    ]
    waiting = Invitation.objects.of(request.municipality).filter(
        accepted_at__isnull=True, withdrawn_at__isnull=True
    )
    refused = (invitation is not None and invitation.errors) or wrong is not None
    return render(
        request,
        "backoffice/team.html",
        {
            "people": people,
            "invitations": [
                {"row": row, "is_over": row.expires_at <= now}
                for row in waiting.order_by("-created_at")
            ],
            "form": invitation or InvitationForm(),
            "days": rules.INVITATION_DAYS,
        },
        status=422 if refused else 200,
    )


@staff_door("administration")
def team_page(request: StaffRequest) -> HttpResponse:
    return show_team(request)


@staff_door("administration")
@require_POST
def invite(request: StaffRequest) -> HttpResponse:
    form = InvitationForm(request.POST)
    if form.is_valid():
        try:
            invitation = actions.send_invitation(
                request.municipality,
                email=form.cleaned_data["email"],
                actor=request.user,
                base_url=origin(request.municipality),
                now=timezone.now(),
                **form.facts(),
            )
        except Refused as refused:
            form.add_error("email", str(refused))
        else:
            messages.success(
                request, _("Invitation envoyée à %(email)s.") % {"email": invitation.email}
            )
            return go_to(request, "backoffice:team")
    return show_team(request, invitation=form)


@staff_door("administration")
@require_POST
def withdraw(request: StaffRequest, invitation_id: int) -> HttpResponse:
    invitation = get_object_or_404(Invitation.objects.of(request.municipality), pk=invitation_id)
    municipalities.withdraw_invitation(invitation, actor=request.user, now=timezone.now())
    messages.success(request, _("L’invitation est retirée."))
    return go_to(request, "backoffice:team")


@staff_door("administration")
@require_POST
def change_member(request: StaffRequest, member_id: int) -> HttpResponse:
    member = get_object_or_404(members_of(request.municipality), pk=member_id)
    form = RolesForm.of_member(member, request.POST)
    if form.is_valid():
        try:
            municipalities.set_roles(member, actor=request.user, **form.facts())
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(
                request, _("Les rôles de %(name)s sont enregistrés.") % {"name": member.person.name}
            )
            return go_to(request, "backoffice:team")
    return show_team(request, wrong=(member.pk, form))


@staff_door("administration")
def end_work(request: StaffRequest, member_id: int) -> HttpResponse:
    """Ask once more, then end someone's work for the town."""
    member = get_object_or_404(members_of(request.municipality), pk=member_id)
    error = ""
    if request.method == "POST":
        try:
            municipalities.leave_staff(member, actor=request.user, now=timezone.now())
        except Refused as refused:
            error = str(refused)
        else:
            messages.success(
                request,
                _("%(name)s ne fait plus partie de l’équipe. Toutes ses sessions sont fermées.")
                % {"name": member.person.name},
            )
            return redirect("/" if member.pk == request.staff.pk else "backoffice:team")
    return render(
        request,
        "backoffice/end_work.html",
        {"member": member, "error": error, "is_self": member.pk == request.staff.pk},
        status=422 if error else 200,
    )


@staff_door("administration")
@require_POST
def reset_factor(request: StaffRequest, member_id: int) -> HttpResponse:
    member = get_object_or_404(members_of(request.municipality), pk=member_id)
    try:
        residents.reset_second_factor(member, actor=request.user)
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(
            request,
            _("Le second facteur de %(name)s est remis à zéro. Ses sessions sont fermées.")
            % {"name": member.person.name},
        )
    return go_to(request, "backoffice:team")


@login_not_required
def invitation_page(request: ResidentRequest, token: str) -> HttpResponse:
    """What an invited person opens: sign in first, then accept, then the second factor."""
    now = timezone.now()
    invitation = (
        Invitation.objects.of(request.municipality)
        .filter(secret_hash=secret.digest(token))
        .select_related("invited_by")
        .first()
    )
    usable = bool(
        invitation
        and invitation.accepted_at is None
        and invitation.withdrawn_at is None
        and invitation.expires_at > now
    )
    error = ""
    if usable and request.method == "POST" and request.user.is_authenticated:
        try:
            municipalities.accept_invitation(
                request.municipality, token=token, person=request.user, now=now
            )
        except Refused as refused:
            error = str(refused)
        else:
            if Authenticator.objects.filter(user_id=request.user.pk).exists():
                return redirect("backoffice:day")
            messages.success(
                request, _("Bienvenue dans l’équipe. Il reste à protéger votre compte.")
            )
            return redirect("mfa_activate_totp")
    is_theirs = bool(
        invitation
        and request.user.is_authenticated
        and request.user.email.lower() == invitation.email
    )
    status = 422 if error else 200 if usable else 410
    return render(
        request,
        "backoffice/invitation.html",
        {
            "invitation": invitation,
            "usable": usable,
            "error": error,
            "is_theirs": is_theirs,
            "rooms": [
                (rules.ROOMS[room], level)
                for room, level in (invitation.roles if invitation else {}).items()
                if room in rules.ROOMS
            ],
        },
        status=status,
    )
