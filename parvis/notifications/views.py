"""«Mes avis»: what, where, how and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from allauth.account.models import EmailAddress
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from parvis.core.errors import Refused
from parvis.core.htmx import go_to, page_or_part
from parvis.municipalities.models import PushKey
from parvis.notifications import (
    actions,
    calls,
    inbox,
    orders,
    preferences,
    replies,
    sms_text,
    telephony,
    unsubscribe,
)
from parvis.notifications.forms import OrderForm, PauseForm, RhythmForm, WayForm
from parvis.notifications.models import (
    BadAddress,
    Channel,
    ClosedNumber,
    Device,
    Lane,
    Message,
    Preference,
    Subject,
    Subscription,
)
from parvis.notifications.urls_of import absolute
from parvis.residents.http import ResidentRequest
from parvis.residents.models import Phone, Place


@dataclass(frozen=True)
class Way:
    """One box of the page: a channel for a subject and a place."""

    key: str
    label: str
    checked: bool
    held: bool


@dataclass(frozen=True)
class Row:
    subject: Subject
    ways: Sequence[Way]


def ways_of(place: Place, subject: Subject, chosen: set[str]) -> list[Way]:
    """Boxes of one row. What comes by e-mail or push also stays in the portal: that one is held."""
    kept = bool(chosen - {Channel.INAPP})
    offered = preferences.choices_of(place.municipality)
    if subject.is_emergency and Channel.TEXT in offered:
        # In an emergency only numbers that take no texts are called.
        offered = [channel for channel in offered if channel is not Channel.VOICE]
    return [
        Way(
            key=f"{place.pk}-{subject.pk}-{channel.value}",
            label=str(channel.label),
            checked=channel.value in chosen or (channel is Channel.INAPP and kept),
            held=subject.is_emergency or (channel is Channel.INAPP and kept),
        )
        for channel in offered
    ]


def rows_of(request: ResidentRequest, place: Place, *, only: int | None = None) -> list[Row]:
    town = request.municipality
    subjects = Subject.objects.of(town).filter(archived_at__isnull=True)
    chosen: dict[int, set[str]] = {}
    standing = Subscription.objects.of(town).filter(resident=request.user, place=place)
    if only is not None:
        subjects, standing = subjects.filter(pk=only), standing.filter(subject_id=only)
    for subject_id, channel in standing.values_list("subject_id", "channel"):
        chosen.setdefault(subject_id, set()).add(channel)
    return [
        Row(subject=subject, ways=ways_of(place, subject, chosen.get(subject.pk, set())))
        for subject in subjects
    ]


def places_of(request: ResidentRequest) -> list[Place]:
    return list(
        Place.objects.of(request.municipality)
        .filter(resident=request.user)
        .select_related("address__sector", "municipality")
    )


def current_place(request: ResidentRequest, places: Sequence[Place], asked: str) -> Place:
    """The place asked for, or the first; a resident always has one."""
    if asked:
        found = next((place for place in places if str(place.pk) == asked), None)
        if found is None:
            raise Http404
        return found
    if not places:
        raise Http404
    return places[0]


def contacts(request: ResidentRequest) -> dict[str, Any]:
    bad = set(
        BadAddress.objects.of(request.municipality)
        .filter(resident=request.user, corrected_at__isnull=True)
        .values_list("email_id", flat=True)
    )
    emails = [
        {
            "address": row.email,
            "verified": row.verified,
            "primary": row.primary,
            "bad": row.pk in bad,
        }
        for row in EmailAddress.objects.filter(user_id=request.user.pk).order_by("-primary", "pk")
    ]
    phones = list(
        Phone.objects.of(request.municipality).filter(resident=request.user).order_by("pk")
    )
    texts = telephony.has_texts(request.municipality)
    aloud = telephony.has_calls(request.municipality)
    closed = dict(
        ClosedNumber.objects.of(request.municipality)
        .filter(resident=request.user, channel=Channel.TEXT, reopened_at__isnull=True)
        .values_list("phone_id", "reason")
    )
    for phone in phones:
        phone.closed = closed.get(phone.pk, "") if texts else ""
    return {
        "emails": emails,
        "phones": phones,
        "texts": texts,
        "calls": aloud,
        "by_phone": texts or aloud,
        "sample": sample(request) if texts or aloud else {},
    }


def sample(request: ResidentRequest) -> dict[str, Any]:
    """A routine text as it would come, how long it is, and what a call would say."""
    language = request.user.language
    with translation.override(language):
        words = {"title": _("Eau brune rue Scott"), "body": _("Elle reste bonne à boire.")}
    text = sms_text.compose(
        words, sender=request.municipality.name, language=language,
        link=absolute(request.municipality, inbox.open_path(128, Channel.TEXT)),
    )  # fmt: skip
    example = Message(
        municipality=request.municipality, lane=Lane.NOTICE, content={"fr": words, language: words}
    )
    said = calls.script(example, language)[1]
    return {"text": text, "measure": sms_text.measure(text), "said": said}


def device_facts(request: ResidentRequest) -> dict[str, Any]:
    """What the block of devices shows."""
    key = (
        PushKey.objects.of(request.municipality)
        .filter(retired_at__isnull=True)
        .values_list("public", flat=True)
        .last()
    )
    devices = Device.objects.of(request.municipality).filter(
        resident=request.user, removed_at__isnull=True
    )
    return {"push_key": key, "devices": list(devices.order_by("pk"))}


def order_form(request: ResidentRequest, posted: Any = None) -> OrderForm:
    """The person's order in an emergency, as it stands or as it was sent."""
    town = request.municipality
    preference = Preference.objects.of(town).filter(resident=request.user).first()
    order = preference.emergency_order if preference else None
    return OrderForm(orders.offered(town), town.step_minutes, order, posted)


def page_facts(
    request: ResidentRequest,
    place: Place,
    places: Sequence[Place],
    *,
    rhythm: RhythmForm | None = None,
    pause_form: PauseForm | None = None,
    refusal: str = "",
) -> dict[str, Any]:
    preference = Preference.objects.of(request.municipality).filter(resident=request.user).first()
    paused = preference.paused_until if preference else None
    return {
        "place": place,
        "places": places,
        "rows": rows_of(request, place),
        "rhythm": rhythm
        or RhythmForm.showing(preference, preferences.pace_of(request.user, Channel.EMAIL)),
        "order": order_form(request),
        "pause_form": pause_form or PauseForm.showing(),
        "paused_until": paused if paused and paused > timezone.now() else None,
        "unread": inbox.unread_count(request.user),
        "stop_all": unsubscribe.link(request.user, None, ""),
        "refusal": refusal,
        **contacts(request),
        **device_facts(request),
    }


def mine(request: ResidentRequest) -> HttpResponse:
    places = places_of(request)
    place = current_place(request, places, request.POST.get("place") or request.GET.get("lieu", ""))
    if request.method != "POST":
        return render(request, "notifications/mine.html", page_facts(request, place, places))
    rhythm, refusal = RhythmForm(request.POST), ""
    if rhythm.is_valid():
        try:
            save(request, place, rhythm)
        except Refused as refused:
            refusal = str(refused)
        else:
            messages.success(request, _("Vos choix sont enregistrés."))
            return go_to(request, f"{reverse('notifications:mine')}?lieu={place.pk}")
    facts = page_facts(request, place, places, rhythm=rhythm, refusal=refusal)
    return render(request, "notifications/mine.html", facts, status=422)


def save(request: ResidentRequest, place: Place, rhythm: RhythmForm) -> None:
    """Store a whole form: every box of this place, the pace and the quiet hours."""
    now, wanted = timezone.now(), set(request.POST.getlist("way"))
    pace = rhythm.cleaned_data["pace"]
    for row in rows_of(request, place):
        for way in row.ways:
            # A held box is not sent by the browser; it says nothing about what is wanted.
            if way.held or (way.key in wanted) == way.checked:
                continue
            preferences.set_subscription(
                resident=request.user, place=place, subject=row.subject,
                channel=way.key.rsplit("-", 1)[1], wanted=way.key in wanted, pace=pace, now=now,
            )  # fmt: skip
    set_rhythm(request, rhythm)


def set_rhythm(request: ResidentRequest, rhythm: RhythmForm) -> None:
    now, pace = timezone.now(), rhythm.cleaned_data["pace"]
    if pace:
        preferences.set_pace(resident=request.user, channel=Channel.EMAIL, pace=pace, now=now)
    starts, ends = rhythm.hours()
    preferences.set_quiet_hours(resident=request.user, quiet_from=starts, quiet_until=ends, now=now)


@require_POST
def choose(request: ResidentRequest) -> HttpResponse:
    """Store what was just touched, and nothing else of the form: another page may be open."""
    rhythm = RhythmForm(request.POST)
    rhythm.is_valid()
    if request.POST.get("changed") == "rhythm":
        return _choose_rhythm(request, rhythm)
    parts = WayForm.read(request.POST.get("changed"))
    if parts is None:
        raise Http404
    place_id, subject_id, channel = parts
    place = get_object_or_404(
        Place.objects.of(request.municipality).filter(resident=request.user), pk=place_id
    )
    subject = get_object_or_404(Subject.objects.of(request.municipality), pk=subject_id)
    refusal = ""
    try:
        preferences.set_subscription(
            resident=request.user, place=place, subject=subject, channel=channel,
            wanted=request.POST["changed"] in request.POST.getlist("way"),
            pace=rhythm.cleaned_data.get("pace", "") if channel == Channel.EMAIL else "",
            now=timezone.now(),
        )  # fmt: skip
    except Refused as refused:
        refusal = str(refused)
    rows = rows_of(request, place, only=subject.pk)
    if not rows:
        raise Http404
    facts = {"row": rows[0], "place": place, "saved": not refusal, "refusal": refusal}
    return render(request, "notifications/_row.html", facts, status=422 if refusal else 200)


def _choose_rhythm(request: ResidentRequest, rhythm: RhythmForm) -> HttpResponse:
    refusal = ""
    if rhythm.is_valid():
        try:
            set_rhythm(request, rhythm)
        except Refused as refused:
            refusal = str(refused)
    failed = bool(refusal or rhythm.errors)
    facts = {"rhythm": rhythm, "refusal": refusal, "saved": not failed}
    return render(request, "notifications/_rhythm.html", facts, status=422 if failed else 200)


@require_POST
def pause(request: ResidentRequest) -> HttpResponse:
    form = PauseForm(request.POST)
    if form.is_valid():
        try:
            preferences.pause(resident=request.user, until=form.instant(), now=timezone.now())
        except Refused as refused:
            form.add_error("until", str(refused))
        else:
            return go_to(request, "notifications:mine")
    if request.headers.get("HX-Request") == "true":
        facts: dict[str, Any] = {"pause_form": form}
    else:
        places = places_of(request)
        facts = page_facts(request, current_place(request, places, ""), places, pause_form=form)
    page = page_or_part(request, "notifications/mine.html", "notifications/_pause.html")
    return render(request, page, facts, status=422)


@require_POST
def resume(request: ResidentRequest) -> HttpResponse:
    preferences.resume(resident=request.user, now=timezone.now())
    return go_to(request, "notifications:mine")


@require_POST
def resume_texts(request: ResidentRequest, phone_id: int) -> HttpResponse:
    """Send routine texts to this number again: its owner had stopped them by ARRET."""
    phone = get_object_or_404(
        Phone.objects.of(request.municipality).filter(resident=request.user), pk=phone_id
    )
    replies.resume_texts([phone], now=timezone.now())
    messages.success(request, _("Les textos reprennent à ce numéro."))
    return go_to(request, "notifications:mine")


@require_POST
def try_out(request: ResidentRequest) -> HttpResponse:
    """Send a trial to the resident's own devices, as every message is sent."""
    actions.send_message(
        municipality=request.municipality,
        kind="notifications.tried",
        content={
            "fr": {
                "title": _("Essai réussi"),
                "body": _("Les avis que vous avez choisis arriveront ainsi sur cet appareil."),
                "url": reverse("notifications:mine"),
            }
        },
        channels=[Channel.PUSH],
        resident_ids=[request.user.pk],
        # One trial replaces another that is still on its way.
        topic=f"trial-{request.user.pk}",
        now=timezone.now(),
    )
    messages.success(request, _("L’essai est parti vers vos appareils."))
    return go_to(request, f"{reverse('notifications:mine')}#app")
