"""The household, as its people see and change it."""

from __future__ import annotations

import secrets

from allauth.account.adapter import get_adapter
from allauth.core import ratelimit
from allauth.utils import build_absolute_uri
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from parvis.core.errors import Refused
from parvis.core.htmx import go_to
from parvis.residents import households
from parvis.residents.answers import answer, attempt, sent
from parvis.residents.forms import ChildForm, HouseholdForm, InviteForm, RoleForm
from parvis.residents.http import ResidentRequest
from parvis.residents.models import Household, HouseholdMember


def mine(request: ResidentRequest) -> HttpResponse:
    form = HouseholdForm(sent(request))
    if form.is_valid() and attempt(
        form,
        lambda: households.open_household(request.user, now=timezone.now(), **form.cleaned_data),
    ):
        messages.success(request, _("Le ménage est créé."))
        return go_to(request, "residents:households")
    found = households.households_of(request.user)
    context = {"form": form, "households": found}
    return answer(request, "households.html", "_household_new.html", context, form)


def _own(request: ResidentRequest, household_id: int) -> Household:
    """A household of the person who asks; any other does not exist."""
    found: Household = get_object_or_404(
        Household.objects.of(request.municipality).filter(
            members__resident=request.user, members__accepted_at__isnull=False
        ),
        pk=household_id,
    )
    return found


def household(request: ResidentRequest, household_id: int) -> HttpResponse:
    found = _own(request, household_id)
    people = found.members.select_related("resident").order_by("id")
    context = {
        "household": found,
        "people": people,
        "mine": next(one for one in people if one.resident_id == request.user.pk),
        "invite_form": InviteForm(),
        "child_form": ChildForm(),
        "now": timezone.now(),
    }
    return render(request, "residents/household.html", context)


def _again(
    request: ResidentRequest, found: Household, **forms: InviteForm | ChildForm
) -> HttpResponse:
    context: dict[str, object] = {
        "household": found,
        "invite_form": InviteForm(),
        "child_form": ChildForm(),
        **forms,
    }
    people = found.members.select_related("resident").order_by("id")
    context["people"] = people
    context["mine"] = next(one for one in people if one.resident_id == request.user.pk)
    context["now"] = timezone.now()
    return answer(request, "household.html", "_household_add.html", context, *forms.values())


@require_POST
def invite(request: ResidentRequest, household_id: int) -> HttpResponse:
    found = _own(request, household_id)
    form = InviteForm(request.POST)
    token = secrets.token_urlsafe(24)
    if form.is_valid():
        if not ratelimit.consume(request, action="household_invitation", user=request.user):
            form.add_error(None, _("Trop d’invitations en peu de temps. Revenez dans une heure."))
            return _again(request, found, invite_form=form)
        if attempt(
            form,
            lambda: households.invite(
                found, actor=request.user, now=timezone.now(), token=token, **form.cleaned_data
            ),
        ):
            get_adapter(request).send_mail(
                "residents/email/household_invitation",
                form.cleaned_data["email"],
                {
                    "inviter": request.user.short_name,
                    "link": build_absolute_uri(
                        request, reverse("residents:household_invitation", args=[token])
                    ),
                },
            )
            messages.success(request, _("L’invitation est partie."))
            return go_to(request, "residents:household", found.pk)
    return _again(request, found, invite_form=form)


@require_POST
def add_child(request: ResidentRequest, household_id: int) -> HttpResponse:
    found = _own(request, household_id)
    form = ChildForm(request.POST)
    if form.is_valid() and attempt(
        form,
        lambda: households.add_child(
            found, actor=request.user, now=timezone.now(), **form.cleaned_data
        ),
    ):
        messages.success(request, _("L’enfant est ajouté."))
        return go_to(request, "residents:household", found.pk)
    return _again(request, found, child_form=form)


def _member(request: ResidentRequest, household_id: int, member_id: int) -> HouseholdMember:
    found = _own(request, household_id)
    member: HouseholdMember = get_object_or_404(
        HouseholdMember.objects.of(request.municipality).filter(household=found), pk=member_id
    )
    return member


@require_POST
def change_role(request: ResidentRequest, household_id: int, member_id: int) -> HttpResponse:
    member = _member(request, household_id, member_id)
    form = RoleForm(request.POST)
    try:
        if not form.is_valid():
            raise Refused(_("Choisissez un rôle de la liste."))
        households.change_role(member, actor=request.user, role=form.cleaned_data["role"])
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("C’est enregistré."))
    return go_to(request, "residents:household", household_id)


@require_POST
def remove_member(request: ResidentRequest, household_id: int, member_id: int) -> HttpResponse:
    member = _member(request, household_id, member_id)
    leaving = member.resident_id == request.user.pk
    try:
        households.remove_member(member, actor=request.user)
    except Refused as refused:
        messages.error(request, str(refused))
        return go_to(request, "residents:household", household_id)
    if leaving:
        messages.success(request, _("Vous avez quitté le ménage."))
        return go_to(request, "residents:households")
    messages.success(request, _("C’est retiré."))
    return go_to(request, "residents:household", household_id)


def invitation(request: ResidentRequest, token: str) -> HttpResponse:
    """See who invites; then join, or say no."""
    town, person, now = request.municipality, request.user, timezone.now()
    try:
        if request.method == "POST" and "decline" in request.POST:
            households.decline_invitation(town, token=token, person=person, now=now)
            messages.success(request, _("Vous avez refusé l’invitation. Il n’en reste rien."))
            return go_to(request, "residents:households")
        if request.method == "POST":
            joined = households.accept_invitation(town, token=token, person=person, now=now)
            messages.success(request, _("Bienvenue dans le ménage."))
            return go_to(request, "residents:household", joined.pk)
        member = households.invitation(town, token=token, person=person, now=now)
    except Refused as refused:
        return render(request, "residents/invitation.html", {"refused": str(refused)}, status=422)
    people = member.household.members.filter(resident__isnull=False).select_related("resident")
    return render(request, "residents/invitation.html", {"member": member, "people": people})
