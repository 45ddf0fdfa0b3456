"""Everything that changes an account: names, telephones, places, consents, second factors."""

from __future__ import annotations

from datetime import UTC, datetime

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from parvis.core.db import as_town, violated_constraint
from parvis.core.errors import Refused
from parvis.core.jobs import each
from parvis.municipalities.actions import record
from parvis.municipalities.models import Municipality, StaffMember
from parvis.residents import erasure, households, phones, rules
from parvis.residents.models import Consent, Phone, Place, Resident
from parvis.territory.models import Address

PHONES = 6
PLACES = 12


@transaction.atomic
def settle_account(person: Resident, *, now: datetime, actor: Resident | None = None) -> None:
    """Give a new account its home, whose address is not known yet. Twice does nothing more."""
    _home, new = Place.objects.of(person.municipality_id).get_or_create(
        resident=person,
        kind=Place.Kind.HOME,
        defaults={"municipality_id": person.municipality_id, "created_at": now},
    )
    if new:
        record(
            "residents.joined",
            municipality=person.municipality_id,
            actor=actor or person,
            resident=person.pk,
            counter=person.opened_at_counter,
        )


@transaction.atomic
def open_at_counter(
    town: Municipality,
    *,
    actor: Resident,
    now: datetime,
    first_name: str,
    last_name: str,
    email: str = "",
    phone: str = "",
) -> Resident:
    """Open an account for someone at the counter, or raise Refused. An e-mail is not needed."""
    person = Resident(
        municipality=town,
        first_name=first_name,
        last_name=last_name,
        email=email.lower(),
        joined_at=now,
        opened_at_counter=True,
    )
    person.set_unusable_password()
    taken = _("Un compte existe déjà avec ce courriel. Cherchez-le plutôt.")
    if email and EmailAddress.objects.filter(email=email.lower()).exists():
        raise Refused(taken)
    try:
        with transaction.atomic():
            person.save()
    except IntegrityError as error:
        if violated_constraint(error) == "one_account_per_email_in_town":
            raise Refused(taken) from error
        raise
    if email:
        EmailAddress.objects.create(user=person, email=email.lower(), primary=True)
    settle_account(person, now=now, actor=actor)
    if phone:
        add_phone(person, number=phone, actor=actor, now=now)
    return person


@transaction.atomic
def change_profile(
    person: Resident,
    *,
    actor: Resident,
    first_name: str,
    last_name: str,
    language: str | None = None,
) -> None:
    """Change how a person is called, and the language they are written to."""
    wanted = {"first_name": first_name, "last_name": last_name}
    if language is not None:
        wanted["language"] = language
    changed = [field for field, value in wanted.items() if getattr(person, field) != value]
    if not changed:
        return
    for field in changed:
        setattr(person, field, wanted[field])
    person.save(update_fields=changed)
    record(
        "residents.profile_changed",
        municipality=person.municipality_id,
        actor=actor,
        resident=person.pk,
        fields=changed,
    )


# --- telephones -------------------------------------------------------------------------------


@transaction.atomic
def add_phone(
    person: Resident, *, number: str, actor: Resident, now: datetime, label: str = ""
) -> Phone:
    """Write down a telephone number, not verified yet, or raise Refused."""
    number = rules.phone_number(number)
    lock(person)
    known = Phone.objects.of(person.municipality_id).filter(resident=person)
    if known.filter(number=number).exists():
        raise Refused(_("Ce numéro est déjà dans le compte."))
    if known.count() >= PHONES:
        raise Refused(_("Un compte peut avoir %(n)s numéros au plus.") % {"n": PHONES})
    phone = Phone.objects.create(
        municipality_id=person.municipality_id,
        resident=person,
        number=number,
        label=label,
        created_at=now,
    )
    record(
        "residents.phone_added",
        municipality=person.municipality_id,
        actor=actor,
        resident=person.pk,
        phone=phone.pk,
    )
    return phone


@transaction.atomic
def remove_phone(phone: Phone, *, actor: Resident) -> None:
    """Remove a telephone number. Twice does nothing more."""
    pk, person_id, town_id = phone.pk, phone.resident_id, phone.municipality_id
    gone, _rows = Phone.objects.of(town_id).filter(pk=pk).delete()
    if gone:
        record(
            "residents.phone_removed",
            municipality=town_id,
            actor=actor,
            resident=person_id,
            phone=pk,
        )


@transaction.atomic
def verify_phone_at_counter(phone: Phone, *, actor: Resident, now: datetime) -> None:
    """Note that a clerk saw the person answer at this number."""
    changed = (
        Phone.objects.of(phone.municipality_id)
        .filter(pk=phone.pk, verified_at__isnull=True)
        .update(verified_at=now, verified_how="counter")
    )
    if changed:
        record(
            "residents.phone_verified",
            municipality=phone.municipality_id,
            actor=actor,
            resident=phone.resident_id,
            phone=phone.pk,
            how="counter",
        )
        phones.end_codes(phone, why="used", now=now)


# --- places -----------------------------------------------------------------------------------


@transaction.atomic
def add_place(
    person: Resident,
    *,
    kind: str,
    address: Address,
    actor: Resident,
    now: datetime,
    label: str = "",
) -> Place:
    """Follow one more address for the person, or raise Refused. There is one home."""
    lock(person)
    places = Place.objects.of(person.municipality_id).filter(resident=person)
    if kind == Place.Kind.HOME:
        home: Place | None = places.filter(kind=Place.Kind.HOME).first()
        if home is not None and home.address_id is None:
            change_place(home, kind=kind, address=address, label=label, actor=actor)
            return home
        if home is not None:
            raise Refused(_("Vous avez déjà un chez-vous. Modifiez-le, ou choisissez autre chose."))
    if places.filter(address=address).exists():
        raise Refused(_("Cette adresse est déjà dans le compte."))
    if places.count() >= PLACES:
        raise Refused(_("Un compte peut suivre %(n)s adresses au plus.") % {"n": PLACES})
    place = Place.objects.create(
        municipality_id=person.municipality_id,
        resident=person,
        kind=kind,
        label=label,
        address=address,
        created_at=now,
    )
    _record_place("residents.place_added", place, actor=actor)
    return place


@transaction.atomic
def change_place(
    place: Place, *, kind: str, address: Address | None, actor: Resident, label: str = ""
) -> None:
    """Change what an address is to the person, or which it is; or raise Refused."""
    lock(place.resident)
    others = Place.objects.of(place.municipality_id).filter(resident_id=place.resident_id)
    others = others.exclude(pk=place.pk)
    if (place.kind == Place.Kind.HOME) != (kind == Place.Kind.HOME):
        if kind == Place.Kind.HOME and others.filter(kind=Place.Kind.HOME).exists():
            raise Refused(_("Vous avez déjà un chez-vous. Modifiez-le, ou choisissez autre chose."))
        if kind != Place.Kind.HOME:
            raise Refused(_("Le compte garde toujours un chez-vous. Changez plutôt son adresse."))
    if address is not None and others.filter(address=address).exists():
        raise Refused(_("Cette adresse est déjà dans le compte."))
    moved = address is not None and address.pk != place.address_id
    place.kind, place.label = kind, label
    if moved:
        # Whoever had shown that they live at the old address has shown nothing of the new one.
        place.address, place.verified_at = address, None
    place.save(update_fields=["kind", "label", "address", "verified_at"])
    _record_place("residents.place_changed", place, actor=actor)


@transaction.atomic
def remove_place(place: Place, *, actor: Resident) -> None:
    """Stop following an address. The home stays and loses its address: the whole town remains."""
    if place.kind == Place.Kind.HOME:
        if place.address_id is None:
            return
        place.address, place.verified_at, place.label = None, None, ""
        place.save(update_fields=["address", "verified_at", "label"])
        _record_place("residents.place_changed", place, actor=actor)
        return
    if not Place.objects.of(place.municipality_id).filter(pk=place.pk).exists():
        return
    _record_place("residents.place_removed", place, actor=actor)
    Place.objects.of(place.municipality_id).filter(pk=place.pk).delete()


def _record_place(deed: str, place: Place, *, actor: Resident) -> None:
    record(
        deed,
        municipality=place.municipality_id,
        actor=actor,
        resident=place.resident_id,
        place=place.pk,
        kind=str(place.kind),
    )


def lock(person: Resident) -> None:
    """Let two changes to one account wait for each other."""
    Resident.objects.of(person.municipality_id).select_for_update(no_key=True).get(pk=person.pk)


# --- consents ---------------------------------------------------------------------------------


@transaction.atomic
def answer_consent(
    person: Resident,
    *,
    purpose: str,
    given: bool,
    now: datetime,
    actor: Resident | None = None,
    how: str = "portal",
) -> Consent | None:
    """Keep the answer to one purpose, with the words shown. The same answer adds nothing."""
    asked = rules.PURPOSES.get(purpose)
    if asked is None:
        raise Refused(_("Cette demande n’existe plus."))
    lock(person)
    if person.has_consented(purpose) == given:
        return None
    consent = Consent.objects.create(
        municipality_id=person.municipality_id,
        resident=person,
        purpose=purpose,
        given=given,
        wording=str(asked.sentence),
        how=how,
        by_id=(actor or person).pk,
        at=now,
    )
    record(
        "residents.consent_given" if given else "residents.consent_withdrawn",
        municipality=person.municipality_id,
        actor=actor or person,
        resident=person.pk,
        purpose=purpose,
    )
    return consent


# --- sessions and second factors --------------------------------------------------------------


@transaction.atomic
def end_sessions(person: Resident, *, actor: Resident) -> None:
    """Sign the person out everywhere."""
    lock(person)
    person.refresh_from_db(fields=["session_epoch"])
    person.session_epoch += 1
    person.save(update_fields=["session_epoch"])
    record(
        "residents.sessions_ended",
        municipality=person.municipality_id,
        actor=actor,
        resident=person.pk,
    )


@transaction.atomic
def reset_second_factor(member: StaffMember, *, actor: Resident) -> None:
    """Remove the second factors that a colleague lost and end their sessions, or raise Refused.

    At the next sign-in they set up a new one before anything of the Bureau opens.
    """
    if member.person_id == actor.pk:
        raise Refused(_("Demandez à une autre personne de l’administration de le faire."))
    acting = StaffMember.objects.of(member.municipality_id).filter(
        person_id=actor.pk, is_administrator=True, left_at__isnull=True
    )
    if not acting.exists():
        raise Refused(_("Seule une personne de l’administration peut le faire."))
    if member.left_at is not None:
        raise Refused(_("Cette personne ne fait plus partie de l’équipe."))
    removed, _rows = Authenticator.objects.filter(user_id=member.person_id).delete()
    person = Resident.objects.of(member.municipality_id).get(pk=member.person_id)
    end_sessions(person, actor=actor)
    record(
        "residents.second_factor_reset",
        municipality=member.municipality_id,
        actor=actor,
        member=member.pk,
        removed=removed,
    )


@transaction.atomic
def note_file_seen(person: Resident, *, actor: Resident) -> None:
    """Keep who on the staff looked at whose file (A-2.1, s. 63.9)."""
    record(
        "residents.file_seen",
        municipality=person.municipality_id,
        actor=actor,
        resident=person.pk,
    )


@each("23 8 * * *")
def forget(*, at: int) -> None:
    """Every night, forget invitations and accounts that nobody confirmed. May run twice."""
    now = datetime.fromtimestamp(at, UTC)
    for town_id in Municipality.objects.order_by("pk").values_list("pk", flat=True):
        with as_town(town_id):
            households.forget_old_invitations(town_id, now=now)
            erasure.forget_unconfirmed(town_id, now=now)
            phones.forget_codes(town_id, now=now)
