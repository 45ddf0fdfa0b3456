"""What residents choose: subjects, places, channels, hours and devices."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from hashlib import sha256

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from parvis.core.errors import Refused
from parvis.core.typography import french
from parvis.municipalities.actions import record
from parvis.municipalities.models import Municipality, PushKey
from parvis.notifications import envelopes
from parvis.notifications.channels.webpush_crypto import PUSH_HOSTS, check_subscription, decode
from parvis.notifications.models import Channel, Device, Preference, Subject, Subscription
from parvis.notifications.telephony import channels_of
from parvis.residents.models import Phone, Place, Resident

CHOSEN = (Channel.INAPP, Channel.EMAIL, Channel.PUSH, Channel.TEXT, Channel.VOICE)
BY_PHONE = (Channel.TEXT, Channel.VOICE)
"""Channels that a resident switches on. Whatever comes by another, the portal keeps as well."""
LONGEST_PAUSE = timedelta(days=366)
MOST_DEVICES = 20


def choices_of(municipality: Municipality) -> list[Channel]:
    """The channels that a resident of this town can switch on."""
    there = channels_of(municipality)
    return [channel for channel in CHOSEN if channel.value in there]


def _check_choice(
    resident: Resident, place: Place, subject: Subject, channel: str, *, wanted: bool
) -> None:
    if place.resident_id != resident.pk or subject.archived_at is not None:
        raise Refused(_("Ce choix n’existe plus. Rechargez la page."))
    if channel not in choices_of(resident.municipality):
        raise Refused(_("Ce moyen n’existe pas."))
    if subject.is_emergency:
        raise Refused(
            _("Les urgences sont toujours actives\u00a0: elles protègent la vie et la santé.")
        )
    phones = Phone.objects.of(resident.municipality_id).filter(resident=resident)
    if channel in BY_PHONE and wanted and not phones.exclude(verified_at=None).exists():
        raise Refused(_("Vérifiez d’abord un numéro de téléphone, dans «\u00a0Mon compte\u00a0»."))


def pace_of(resident: Resident, channel: str) -> str:
    """The pace that the resident's other choices by this channel already have."""
    found: str | None = (
        Subscription.objects.of(resident.municipality_id)
        .filter(resident=resident, channel=channel)
        .order_by("-id")
        .values_list("pace", flat=True)
        .first()
    )
    return found or Subscription.Pace.NOW


@transaction.atomic
def set_subscription(
    *,
    resident: Resident,
    place: Place,
    subject: Subject,
    channel: str,
    wanted: bool,
    now: datetime,
    pace: str = "",
) -> bool:
    """Want a subject for a place by a channel, or no longer; or raise Refused.

    Answers whether anything changed: the same choice twice is the same choice.
    """
    _check_choice(resident, place, subject, channel, wanted=wanted)
    if pace and pace not in Subscription.Pace.values:
        raise Refused(_("Ce rythme n’existe pas."))
    if channel in BY_PHONE:
        # A digest by text or by voice would be a letter.
        pace = Subscription.Pace.NOW
    town = resident.municipality_id
    way = {"place": place, "subject": subject, "channel": channel}
    if wanted:
        _row, changed = Subscription.objects.of(town).get_or_create(
            **way,
            defaults={
                "municipality_id": town,
                "resident": resident,
                "pace": pace or pace_of(resident, channel),
                "created_at": now,
            },
        )
    else:
        removed, _kinds = Subscription.objects.of(town).filter(**way).delete()
        changed = removed > 0
    if changed:
        record(
            "notifications.subscribed" if wanted else "notifications.unsubscribed",
            municipality=town,
            actor=resident,
            place=place.pk,
            subject=subject.pk,
            channel=channel,
        )
    return changed


@transaction.atomic
def set_pace(*, resident: Resident, channel: str, pace: str, now: datetime) -> None:
    """Receive a channel's messages at once, daily or weekly; or raise Refused."""
    if channel not in CHOSEN or pace not in Subscription.Pace.values:
        raise Refused(_("Ce rythme n’existe pas."))
    changed = (
        Subscription.objects.of(resident.municipality_id)
        .filter(resident=resident, channel=channel)
        .exclude(pace=pace)
        .update(pace=pace)
    )
    if changed:
        record(
            "notifications.pace_set",
            municipality=resident.municipality_id,
            actor=resident,
            channel=channel,
            pace=pace,
        )


def locked_preference(resident: Resident) -> Preference:
    """The resident's row, locked: two pages saving at once take turns."""
    Preference.objects.of(resident.municipality_id).get_or_create(
        resident=resident, defaults={"municipality_id": resident.municipality_id}
    )
    found: Preference = (
        Preference.objects.of(resident.municipality_id).select_for_update().get(resident=resident)
    )
    return found


@transaction.atomic
def set_quiet_hours(
    *, resident: Resident, quiet_from: time | None, quiet_until: time | None, now: datetime
) -> None:
    """Hold messages between two hours of the day (both None: never); or raise Refused."""
    if (quiet_from is None) != (quiet_until is None):
        raise Refused(_("Donnez les deux heures, ou aucune."))
    if quiet_from is not None and quiet_from == quiet_until:
        raise Refused(_("Choisissez deux heures différentes."))
    preference = locked_preference(resident)
    if (preference.quiet_from, preference.quiet_until) == (quiet_from, quiet_until):
        return
    preference.quiet_from, preference.quiet_until = quiet_from, quiet_until
    preference.save(update_fields=["quiet_from", "quiet_until"])
    record(
        "notifications.quiet_hours_set",
        municipality=resident.municipality_id,
        actor=resident,
        quiet_from=quiet_from.isoformat("minutes") if quiet_from else None,
        quiet_until=quiet_until.isoformat("minutes") if quiet_until else None,
    )


@transaction.atomic
def pause(*, resident: Resident, until: datetime, now: datetime) -> None:
    """Hold everything but emergencies until this instant, or raise Refused."""
    if until <= now:
        raise Refused(_("Choisissez un jour à venir."))
    if until > now + LONGEST_PAUSE:
        raise Refused(_("Une pause dure un an au plus."))
    preference = locked_preference(resident)
    preference.paused_until = until
    preference.save(update_fields=["paused_until"])
    town = resident.municipality_id
    record("notifications.paused", municipality=town, actor=resident, until=until.isoformat())


@transaction.atomic
def resume(*, resident: Resident, now: datetime) -> None:
    """End the pause. Without one, nothing happens."""
    changed = (
        Preference.objects.of(resident.municipality_id)
        .filter(resident=resident, paused_until__isnull=False)
        .update(paused_until=None)
    )
    if changed:
        record("notifications.resumed", municipality=resident.municipality_id, actor=resident)


@transaction.atomic
def unsubscribe_from_letter(
    *,
    municipality: Municipality,
    resident_id: int,
    subject_id: int | None,
    channel: str,
    now: datetime,
) -> int:
    """End what a letter's link names; answer how many choices ended. Or raise Refused.

    Without subject: every subject; without channel: every channel. Pressed twice, it ends nothing
    more and still succeeds, as RFC 8058 wants.
    """
    if subject_id is not None:
        subject = Subject.objects.of(municipality).filter(pk=subject_id).first()
        if subject is not None and subject.is_emergency:
            raise Refused(
                _("Les urgences sont toujours actives\u00a0: elles protègent la vie et la santé.")
            )
    wanted = Subscription.objects.of(municipality).filter(resident_id=resident_id)
    if subject_id is not None:
        wanted = wanted.filter(subject_id=subject_id)
    if channel:
        wanted = wanted.filter(channel=channel)
    ended: int = wanted.delete()[0]
    if ended:
        record(
            "notifications.unsubscribed_from_letter",
            municipality=municipality,
            resident=resident_id,
            subject=subject_id,
            channel=channel,
            ended=ended,
        )
    return ended


def device_label(user_agent: str) -> str:
    """What people call the device that this browser runs on: «iPhone, Safari»."""
    kinds: Iterable[tuple[str, str]] = (
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Téléphone Android" if "Mobile" in user_agent else "Tablette Android"),
        ("Windows", "Ordinateur Windows"),
        ("Macintosh", "Mac"),
        ("CrOS", "Chromebook"),
        ("Linux", "Ordinateur Linux"),
    )
    kind = next((name for word, name in kinds if word in user_agent), "Appareil")
    browsers = (("Edg", "Edge"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
    browser = next((name for word, name in browsers if word in user_agent), "")
    return f"{kind}, {browser}" if browser else kind


def _check_push(endpoint: str, p256dh: str, auth: str) -> None:
    try:
        check_subscription(endpoint, p256dh, auth, (*PUSH_HOSTS, *settings.PUSH_HOSTS))
    except ValueError as error:
        raise Refused(
            _("Ce navigateur a donné une adresse de notification que le portail ne peut utiliser.")
        ) from error


def _standing_key(municipality_id: int, public: str) -> PushKey:
    key: PushKey | None = PushKey.objects.of(municipality_id).filter(public=public).first()
    if key is None:
        raise Refused(_("La clé de notification a changé. Rechargez la page, puis recommencez."))
    return key


def endpoint_hash(endpoint: str) -> str:
    return sha256(endpoint.encode()).hexdigest()


@transaction.atomic
def register_device(
    *,
    resident: Resident,
    endpoint: str,
    p256dh: str,
    auth: str,
    key: str,
    label: str,
    now: datetime,
) -> Device:
    """Send this browser the resident's push messages, or raise Refused.

    A browser belongs to whoever registered it last; registered again, it stays one device.
    """
    _check_push(endpoint, p256dh, auth)
    town = resident.municipality_id
    push_key = _standing_key(town, key)
    others = (
        Device.objects.of(town)
        .filter(resident=resident, removed_at__isnull=True)
        .exclude(endpoint_hash=endpoint_hash(endpoint))
    )
    if others.count() >= MOST_DEVICES:
        raise Refused(_("Retirez d’abord un appareil\u00a0: vous en avez déjà vingt."))
    facts = {
        "resident": resident,
        "endpoint": endpoint,
        "p256dh": decode(p256dh),
        "auth": decode(auth),
        "key_id": push_key.pk,
        "seen_at": now,
        "emergencies_only": False,
        "removed_at": None,
        "removed_why": "",
    }
    device: Device
    device, _made = Device.objects.of(town).update_or_create(
        endpoint_hash=endpoint_hash(endpoint),
        defaults=facts,
        create_defaults={**facts, "municipality_id": town, "label": label[:80], "created_at": now},
    )
    envelopes.drop(device)
    record("notifications.device_registered", municipality=town, actor=resident, device=device.pk)
    return device


@transaction.atomic
def renew_device(
    *,
    municipality: Municipality,
    old_endpoint: str,
    endpoint: str,
    p256dh: str,
    auth: str,
    key: str,
    now: datetime,
) -> bool:
    """Follow a browser whose push address changed; answer whether it was known. Or raise Refused.

    The old address is a secret between the browser, its push service and the town: naming it is
    the proof. Nothing else about the device changes.
    """
    _check_push(endpoint, p256dh, auth)
    push_key = _standing_key(municipality.pk, key)
    device = (
        Device.objects.of(municipality)
        .select_for_update()
        # What somebody took off, or left by signing out, is not theirs again by itself.
        .filter(endpoint_hash=endpoint_hash(old_endpoint), removed_why__in=["", "gone"])
        .first()
    )
    if device is None:
        return False
    if endpoint != old_endpoint:
        taken = Device.objects.of(municipality).filter(endpoint_hash=endpoint_hash(endpoint))
        if taken.exists():
            raise Refused(_("Cet appareil est déjà inscrit."))
    device.endpoint, device.endpoint_hash = endpoint, endpoint_hash(endpoint)
    device.p256dh, device.auth, device.key_id = decode(p256dh), decode(auth), push_key.pk
    device.seen_at, device.removed_at, device.removed_why = now, None, ""
    device.save()
    envelopes.drop(device)
    record("notifications.device_renewed", municipality=municipality, device=device.pk)
    return True


def _own_device(resident: Resident, device_id: int) -> Device:
    device: Device | None = (
        Device.objects.of(resident.municipality_id)
        .select_for_update()
        .filter(resident=resident, pk=device_id, removed_at__isnull=True)
        .first()
    )
    if device is None:
        raise Refused(_("Cet appareil est déjà retiré."))
    return device


@transaction.atomic
def rename_device(*, resident: Resident, device_id: int, label: str, now: datetime) -> None:
    """Call a device by another name, or raise Refused."""
    label = " ".join(french(label).split())[:80]
    if not label:
        raise Refused(_("Donnez un nom à l’appareil."))
    device = _own_device(resident, device_id)
    device.label = label
    device.save(update_fields=["label"])
    record(
        "notifications.device_renamed",
        municipality=resident.municipality_id,
        actor=resident,
        device=device.pk,
    )


@transaction.atomic
def remove_device(*, resident: Resident, device_id: int, now: datetime) -> None:
    """Send a device nothing more, or raise Refused."""
    device = _own_device(resident, device_id)
    device.removed_at, device.removed_why = now, "asked"
    device.save(update_fields=["removed_at", "removed_why"])
    record(
        "notifications.device_removed",
        municipality=resident.municipality_id,
        actor=resident,
        device=device.pk,
    )
