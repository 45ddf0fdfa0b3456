"""What a resident sees and changes of their own account."""

from __future__ import annotations

from allauth.account.internal.flows.logout import logout
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.adapter import get_adapter as provider_adapter
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from parvis.core.errors import Refused
from parvis.core.htmx import go_to
from parvis.residents import actions, confirmations, erasure, rules
from parvis.residents.answers import answer, attempt, sent
from parvis.residents.doors import fresh_proof, staff_member
from parvis.residents.forms import EraseForm, NameForm, PlaceForm
from parvis.residents.households import households_of
from parvis.residents.http import ResidentRequest, TownRequest
from parvis.residents.models import Consent, Phone, Place, Resident


def overview(request: ResidentRequest) -> HttpResponse:
    person = request.user
    town = request.municipality
    return render(
        request,
        "residents/me.html",
        {
            "emails": EmailAddress.objects.filter(user=person).order_by("-primary", "email"),
            "phones": Phone.objects.of(town).filter(resident=person).order_by("id"),
            "places": Place.objects.of(town).of_resident(person),
            "households": households_of(person),
            "agreed": sum(person.has_consented(purpose) for purpose in rules.PURPOSES),
            "protected": Authenticator.objects.filter(user=person).exists(),
            "staff": staff_member(request),
        },
    )


def profile(request: ResidentRequest) -> HttpResponse:
    person = request.user
    form = NameForm(
        sent(request),
        municipality=request.municipality,
        initial={
            "first_name": person.first_name,
            "last_name": person.last_name,
            "language": person.language,
        },
    )
    if form.is_valid():
        actions.change_profile(person, actor=person, **form.cleaned_data)
        messages.success(request, _("C’est enregistré."))
        response = go_to(request, "residents:me")
        if "language" in form.cleaned_data:
            response.set_cookie(
                settings.LANGUAGE_COOKIE_NAME,
                form.cleaned_data["language"],
                max_age=31_536_000,
                samesite="Lax",
                secure=settings.HTTPS,
            )
        return response
    return answer(request, "profile.html", "_profile.html", {"form": form}, form)


# --- places -----------------------------------------------------------------------------------


def places(request: ResidentRequest) -> HttpResponse:
    person = request.user
    form = PlaceForm(sent(request), municipality=request.municipality)
    if form.is_valid() and attempt(
        form,
        lambda: actions.add_place(person, actor=person, now=timezone.now(), **form.cleaned_data),
    ):
        messages.success(request, _("L’adresse est ajoutée."))
        return go_to(request, "residents:places")
    known = Place.objects.of(request.municipality).of_resident(person)
    return answer(request, "places.html", "_places.html", {"form": form, "places": known}, form)


def place(request: ResidentRequest, place_id: int) -> HttpResponse:
    found = get_object_or_404(
        Place.objects.of(request.municipality).of_resident(request.user), pk=place_id
    )
    form = PlaceForm(
        sent(request),
        municipality=request.municipality,
        initial={"kind": found.kind, "label": found.label, "address": found.address},
    )
    if form.is_valid() and attempt(
        form, lambda: actions.change_place(found, actor=request.user, **form.cleaned_data)
    ):
        messages.success(request, _("L’adresse est enregistrée."))
        return go_to(request, "residents:places")
    return answer(request, "place.html", "_place.html", {"form": form, "place": found}, form)


@require_POST
def remove_place(request: ResidentRequest, place_id: int) -> HttpResponse:
    found = get_object_or_404(
        Place.objects.of(request.municipality).of_resident(request.user), pk=place_id
    )
    actions.remove_place(found, actor=request.user)
    messages.success(request, _("L’adresse est retirée."))
    return go_to(request, "residents:places")


# --- consents, security, data -----------------------------------------------------------------


def consents(request: ResidentRequest) -> HttpResponse:
    person = request.user
    if request.method == "POST":
        for purpose in rules.PURPOSES:
            given = purpose in request.POST.getlist("purpose")
            actions.answer_consent(person, purpose=purpose, given=given, now=timezone.now())
        messages.success(request, _("Vos choix sont enregistrés."))
        return go_to(request, "residents:consents")
    history = Consent.objects.of(request.municipality).filter(resident=person)[:50]
    return render(
        request,
        "residents/consents.html",
        {
            "purposes": [
                {"code": code, "purpose": purpose, "given": person.has_consented(code)}
                for code, purpose in rules.PURPOSES.items()
            ],
            "history": [
                {"line": line, "purpose": rules.PURPOSES.get(line.purpose)} for line in history
            ],
        },
    )


def security(request: ResidentRequest) -> HttpResponse:
    person = request.user
    kinds = list(Authenticator.objects.filter(user=person).values_list("type", flat=True))
    return render(
        request,
        "residents/security.html",
        {
            "has_password": person.has_usable_password(),
            "totp": Authenticator.Type.TOTP in kinds,
            "keys": kinds.count(Authenticator.Type.WEBAUTHN),
            "recovery": Authenticator.Type.RECOVERY_CODES in kinds,
            "providers": provider_adapter(request).list_providers(request),
            "staff": staff_member(request),
        },
    )


@require_POST
def end_sessions(request: ResidentRequest) -> HttpResponse:
    actions.end_sessions(request.user, actor=request.user)
    logout(request, show_message=False)
    messages.success(request, _("Tous vos appareils sont déconnectés. Reconnectez-vous ici."))
    return go_to(request, "account_request_login_code")


def data(request: ResidentRequest) -> HttpResponse:
    return render(request, "residents/data.html", {"staff": staff_member(request)})


@require_POST
@fresh_proof
def download(request: ResidentRequest) -> HttpResponse:
    now = timezone.now()
    name = f"mes-donnees-{request.municipality.slug}-{timezone.localdate(now).isoformat()}.zip"
    return HttpResponse(
        erasure.export_resident(request.user, actor=request.user, now=now),
        content_type="application/zip",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )


@fresh_proof
def erase(request: ResidentRequest) -> HttpResponse:
    form = EraseForm(sent(request))
    person: Resident = Resident.objects.of(request.municipality).get(pk=request.user.pk)
    if form.is_valid() and attempt(
        form, lambda: erasure.erase_resident(person, actor=person, now=timezone.now())
    ):
        logout(request, show_message=False)
        return go_to(request, "residents:erased")
    context = {"form": form, "staff": staff_member(request)}
    return answer(request, "erase.html", "_erase.html", context, form)


@login_not_required
def erased(request: TownRequest) -> HttpResponse:
    return render(request, "residents/erased.html")


@login_not_required
def confirm_address(request: TownRequest, token: str) -> HttpResponse:
    """GET asks and changes nothing (mail servers open links); POST confirms."""
    context: dict[str, object] = {}
    try:
        if request.method == "POST":
            row = confirmations.confirm_address(request.municipality, token=token)
        else:
            row = confirmations.awaiting(request.municipality, token=token)
        context = {"email": row.email, "confirmed": row.verified}
    except Refused as refused:
        context = {"refused": str(refused)}
    response = render(
        request, "residents/confirm.html", context, status=422 if "refused" in context else 200
    )
    # The address is a right to act: no search engine may find it. It does not leak by a link, for
    # pages tell other sites nothing of it; our own must hear it, or the form would be refused.
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Cache-Control"] = "private, no-store"
    return response
