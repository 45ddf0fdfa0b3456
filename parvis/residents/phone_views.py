"""The resident's telephones: added, corrected, verified by a code, removed."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from parvis.core.errors import Refused
from parvis.core.htmx import go_to
from parvis.residents import actions
from parvis.residents import phones as deeds
from parvis.residents.answers import answer, attempt, sent
from parvis.residents.forms import CodeForm, PhoneForm
from parvis.residents.http import ResidentRequest
from parvis.residents.models import Phone


def phones(request: ResidentRequest) -> HttpResponse:
    person = request.user
    form = PhoneForm(sent(request))
    made: list[Phone] = []
    if form.is_valid() and attempt(
        form,
        lambda: made.append(
            actions.add_phone(person, actor=person, now=timezone.now(), **form.cleaned_data)
        ),
    ):
        messages.success(request, _("Le numéro est ajouté."))
        if deeds.ways_to(made[0]):
            return go_to(request, "residents:phone", made[0].pk)
        return go_to(request, "residents:phones")
    known = list(Phone.objects.of(request.municipality).filter(resident=person).order_by("id"))
    facts = {"form": form, "phones": known, "by_code": _by_code(request)}
    return answer(request, "phones.html", "_phones.html", facts, form)


def _by_code(request: ResidentRequest) -> bool:
    """Whether the town can send codes at all."""
    return bool(deeds.ways_to(Phone(municipality=request.municipality, resident=request.user)))


def _own(request: ResidentRequest, phone_id: int) -> Phone:
    found: Phone = get_object_or_404(
        Phone.objects.of(request.municipality).filter(resident=request.user), pk=phone_id
    )
    return found


def _facts(phone: Phone, *, form: PhoneForm | None = None, code: CodeForm | None = None) -> Any:
    waits = deeds.live_code(phone, now=timezone.now())
    return {
        "phone": phone,
        "form": form or PhoneForm(initial={"number": phone.shown, "label": phone.label}),
        "code_form": code or CodeForm(),
        "ways": [] if phone.verified_at else deeds.ways_to(phone),
        "waits": waits,
    }


def phone(request: ResidentRequest, phone_id: int) -> HttpResponse:
    """One number: its code to type, and the form that corrects it."""
    found = _own(request, phone_id)
    form = PhoneForm(sent(request)) if request.method == "POST" else None
    if form is not None and form.is_valid():
        changed: list[bool] = []
        if attempt(
            form,
            lambda: changed.append(
                deeds.change_phone(
                    found, actor=request.user, now=timezone.now(), **form.cleaned_data
                )
            ),
        ):
            if changed[0]:
                messages.success(request, _("Le numéro est changé. Il reste à le vérifier."))
                return go_to(request, "residents:phone", found.pk)
            messages.success(request, _("C’est enregistré."))
            return go_to(request, "residents:phones")
    facts = _facts(found, form=form)
    return answer(request, "phone.html", "_phone.html", facts, *([form] if form else []))


@require_POST
def send_code(request: ResidentRequest, phone_id: int) -> HttpResponse:
    found = _own(request, phone_id)
    try:
        deeds.send_code(
            found, way=request.POST.get("way", ""), actor=request.user, now=timezone.now()
        )
    except Refused as refused:
        return _code_part(request, found, str(refused))
    if request.POST.get("way") == "voice":
        messages.success(request, _("Ce numéro va sonner dans quelques secondes."))
    else:
        messages.success(request, _("Le code est parti. Il arrive en quelques secondes."))
    return go_to(request, "residents:phone", found.pk)


@require_POST
def try_code(request: ResidentRequest, phone_id: int) -> HttpResponse:
    found = _own(request, phone_id)
    form = CodeForm(request.POST)
    if not form.is_valid():
        return _code_part(request, found, "", form)
    why_not = deeds.try_code(
        found, code=form.cleaned_data["code"], actor=request.user, now=timezone.now()
    )
    if why_not:
        return _code_part(request, found, why_not)
    messages.success(request, _("Le numéro est vérifié."))
    return go_to(request, "residents:phones")


def _code_part(
    request: ResidentRequest, found: Phone, refusal: str, form: CodeForm | None = None
) -> HttpResponse:
    """The page again with what was refused; to htmx the block of the code alone."""
    found.refresh_from_db()
    facts = {**_facts(found, code=form), "refusal": refusal}
    part = request.headers.get("HX-Request") == "true"
    page = "residents/_phone_code.html" if part else "residents/phone.html"
    return render(request, page, facts, status=422)


@require_POST
def remove(request: ResidentRequest, phone_id: int) -> HttpResponse:
    actions.remove_phone(_own(request, phone_id), actor=request.user)
    messages.success(request, _("Le numéro est retiré."))
    return go_to(request, "residents:phones")
