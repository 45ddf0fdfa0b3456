"""Devices that receive push messages."""

from __future__ import annotations

import json

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from parvis.core.errors import Refused
from parvis.core.htmx import go_to
from parvis.municipalities.models import PushKey
from parvis.notifications import preferences
from parvis.notifications.forms import DeviceForm, NameForm, RenewalForm
from parvis.notifications.views import device_facts
from parvis.residents.http import ResidentRequest, TownRequest

LARGEST = 8_192


def sent(request: HttpRequest) -> dict[str, str]:
    """The JSON that a script sent; nothing when it is not an object."""
    try:
        found = json.loads(request.body[:LARGEST])
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _block(request: ResidentRequest, refusal: str = "") -> HttpResponse:
    facts = {**device_facts(request), "refusal": refusal}
    status = 422 if refusal else 200
    return render(request, "notifications/_devices.html", facts, status=status)


@require_POST
def register(request: ResidentRequest) -> HttpResponse:
    form = DeviceForm(sent(request))
    if not form.is_valid():
        return HttpResponse(status=422)
    try:
        preferences.register_device(
            resident=request.user,
            label=preferences.device_label(request.headers.get("User-Agent", "")),
            now=timezone.now(),
            **form.cleaned_data,
        )
    except Refused as refused:
        return _block(request, str(refused))
    return _block(request)


@csrf_exempt
@login_not_required
@require_POST
def renew(request: TownRequest) -> HttpResponse:
    """Asked by the service worker when the browser changed its push address; no page is open."""
    form = RenewalForm(sent(request))
    if not form.is_valid():
        return HttpResponse(status=422)
    try:
        known = preferences.renew_device(
            municipality=request.municipality, now=timezone.now(), **form.cleaned_data
        )
    except Refused:
        return HttpResponse(status=422)
    return HttpResponse(status=204 if known else 404)


@login_not_required
def push_key(request: TownRequest) -> HttpResponse:
    """The public half of the town's key: whoever wants push messages from it needs it."""
    key = PushKey.objects.of(request.municipality).filter(retired_at__isnull=True).last()
    response = JsonResponse({"key": key.public if key else None})
    response.headers["Cache-Control"] = "no-cache"
    return response


def _done(request: ResidentRequest, refusal: str = "") -> HttpResponse:
    """The block of devices to htmx, back to the page otherwise."""
    if request.headers.get("HX-Request") == "true" or refusal:
        return _block(request, refusal)
    return go_to(request, f"{reverse('notifications:mine')}#app")


@require_POST
def rename(request: ResidentRequest, device_id: int) -> HttpResponse:
    form, refusal = NameForm(request.POST), ""
    try:
        preferences.rename_device(
            resident=request.user,
            device_id=device_id,
            label=form.cleaned_data["label"] if form.is_valid() else "",
            now=timezone.now(),
        )
    except Refused as refused:
        refusal = str(refused)
    return _done(request, refusal)


@require_POST
def remove(request: ResidentRequest, device_id: int) -> HttpResponse:
    refusal = ""
    try:
        preferences.remove_device(resident=request.user, device_id=device_id, now=timezone.now())
    except Refused as refused:
        refusal = str(refused)
    return _done(request, refusal)
