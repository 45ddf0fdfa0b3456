"""Alerts as residents and visitors read them, and what they answer."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_POST, require_safe

from parvis.alerts import answers, audience, pages, people
from parvis.alerts.models import Alert, Answer
from parvis.core import live
from parvis.core.errors import Refused
from parvis.residents.http import TownRequest
from parvis.territory.models import Address
from parvis.territory.search import find, hint


def _found(request: TownRequest, alert_id: int) -> Alert:
    found: Alert | None = (
        Alert.objects.of(request.municipality)
        .public()
        .select_related("municipality")
        .filter(pk=alert_id)
        .first()
    )
    if found is None:
        raise Http404
    return found


def _person(request: TownRequest, alert: Alert) -> people.Person | None:
    """Whoever is signed in; else whoever holds the link of one of this alert's messages."""
    if request.user.is_authenticated:
        return people.Person(request.user)
    token = request.GET.get("moi", "") or request.POST.get("moi", "")
    return people.of_link(request.municipality, alert, token) if token else None


@login_not_required
@require_safe
def index(request: TownRequest) -> HttpResponse:
    """In force, then what is over."""
    facts = pages.list_facts(request.municipality, timezone.now())
    facts["live"] = live.link(request.get_host(), request.municipality.pk, "alerts")
    response = render(request, "alerts/index.html", facts)
    patch_vary_headers(response, ["Cookie"])
    return response


@login_not_required
@require_safe
def banner(request: TownRequest) -> HttpResponse:
    """What every page shows at its top while an alert is in force."""
    standing = pages.standing(request.municipality, timezone.now())
    return render(request, "alerts/_banner.html", {"alerts_in_force": standing})


def _checked(request: TownRequest) -> dict[str, Any]:
    """The address that somebody asks about: found, to be chosen among several, or unknown."""
    typed = request.GET.get("adresse_q", "").strip()[:120]
    picked = request.GET.get("adresse", "")
    town = request.municipality
    if picked.isdecimal() and len(picked) < 19:
        address = Address.objects.of(town).filter(pk=int(picked)).first()
        return {"typed": str(address) if address else typed, "address": address}
    if not typed:
        return {"typed": ""}
    found = find(town, typed)
    exact = [one for one in found if str(one) == typed]
    if len(found) == 1 or exact:
        return {"typed": typed, "address": (exact or found)[0]}
    return {"typed": typed, "choices": found, "advice": hint(typed, found)}


@login_not_required
@require_safe
def page(request: TownRequest, alert_id: int) -> HttpResponse:
    """One alert: what to do first. Nothing on it needs a script, a font or a picture."""
    return show(request, _found(request, alert_id))


def show(
    request: TownRequest, alert: Alert, *, refused: str = "", status: int = 200
) -> HttpResponse:
    now = timezone.now()
    person = _person(request, alert)
    # A letter is forwarded, a screen is shared: its link shows nothing of where the person lives.
    signed_in = person is not None and not person.by_letter
    homes = people.addresses_of(person.resident) if person and signed_in else []
    topics = [f"alert:{alert.pk}"]
    if person is not None:
        topics.append(answers.own_topic(alert.pk, person.resident.pk))
    checked = _checked(request)
    here = checked.get("address") or (homes[0] if homes else None)
    language = "en" if request.GET.get("langue") == "en" else "fr"
    facts = pages.page_facts(alert, now, language=language, here=here)
    current = facts["revision"]
    given = None
    if person is not None:
        rows = Answer.objects.of(request.municipality).filter(alert=alert)
        given = rows.filter(resident=person.resident).first()
    facts |= {
        "person": person,
        "given": given,
        "told": given.note if given and signed_in else "",
        "refused": refused,
        "homes": [(home, audience.concerns(current, home)) for home in homes],
        "checked": checked,
        "checked_concerned": "address" in checked
        and checked["address"] is not None
        and audience.concerns(current, checked["address"]),
        "live": live.link(request.get_host(), request.municipality.pk, *topics),
    }
    with translation.override(facts["language"]):
        response = render(request, "alerts/page.html", facts, status=status)
    patch_vary_headers(response, ["Cookie"])
    if person is not None:
        response["Cache-Control"] = "private, no-store"
    return response


@login_not_required
@require_POST
def answer(request: TownRequest, alert_id: int) -> HttpResponse:
    """«Je l’ai vue», «Je suis en sécurité», «J’ai besoin d’aide»: signed in, or by the link."""
    alert = _found(request, alert_id)
    person = _person(request, alert)
    if person is None:
        return redirect(f"/compte/login/?next={alert.get_absolute_url()}")
    try:
        answers.answer(
            alert, resident=person.resident, kind=request.POST.get("reponse", ""),
            note=request.POST.get("precisions", ""), by_letter=person.by_letter,
            now=timezone.now(),
        )  # fmt: skip
    except Refused as refused:
        return show(request, alert, refused=str(refused), status=422)
    back = alert.get_absolute_url()
    query = "&".join(
        part
        for part in (
            "langue=en" if request.POST.get("langue") == "en" else "",
            f"moi={person.token}" if person.token else "",
        )
        if part
    )
    return redirect(f"{back}{'?' if query else ''}{query}#comment")
