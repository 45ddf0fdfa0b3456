"""One row of every walled model, for tests of the wall: a new model must be added here."""

from __future__ import annotations

from datetime import time, timedelta

from django.db import models

from parvis.alerts.models import (
    Alert,
    Answer,
    CapFile,
    Received,
    Revision,
    SigningKey,
    Visit,
)
from parvis.announcements.models import (
    Announcement,
    Attachment,
    Picture,
    PublicNotice,
    Reminder,
    Translation,
    Version,
)  # fmt: skip
from parvis.cases.models import Attachment as CaseFile
from parvis.cases.models import Case, ClosedDay, Event, Series, StrayLetter
from parvis.cases.models import Message as CaseMessage
from parvis.core import secret
from parvis.municipalities.models import (
    AuditLine,
    AuditSeal,
    Invitation,
    PushKey,
    StaffMember,
    StaffRole,
)  # fmt: skip
from parvis.municipalities.tests.make import NOW
from parvis.notifications.models import (
    BadAddress,
    Chunk,
    ClosedNumber,
    Device,
    Envelope,
    EnvelopeBlock,
    Message,
    Opening,
    Outcome,
    Preference,
    Reply,
    Subject,
    Subscription,
)  # fmt: skip
from parvis.reservations.models import (
    Block,
    Booking,
    CalendarFeed,
    Closure,
    Hours,
    Limit,
    Organisation,
    OrganisationMember,
    Payment,
    Question,
    Rate,
    Resource,
    Taking,
    Unit,
    Wait,
)  # fmt: skip
from parvis.residents.models import (
    Consent,
    Household,
    HouseholdMember,
    Phone,
    PhoneCode,
    Place,
    Resident,
)  # fmt: skip
from parvis.residents.tests import make
from parvis.territory.models import Address, Import, Sector, Street


def one_of_each(town) -> dict[type[models.Model], models.Model]:
    made: dict[type[models.Model], models.Model] = {}

    def add(model, **facts):
        made[model] = model.objects.create(municipality=town, **facts)
        return made[model]

    sector = add(
        Sector, name="Naudville", geometry={}, west=0, south=0, east=1, north=1, updated_at=NOW
    )
    address = add(
        Address, number="415", street="rue des Bouleaux", key="415 bouleaux", sector=sector
    )
    # The trigger on addresses wrote its street.
    made[Street] = Street.objects.of(town).get()
    add(Import, kind="roll", file_name="RL93042_2026.xml", stored="x", created_at=NOW)
    member = make.staff(town)
    made[StaffMember], made[Resident] = member, member.person
    person = member.person
    add(StaffRole, member=member, room="announcements", level="act")
    add(
        Invitation, email="luc@exemple.ca", secret_hash=f"x{town.pk}", invited_by=person,
        created_at=NOW, expires_at=NOW + timedelta(days=7),
    )  # fmt: skip
    made[PushKey] = PushKey.objects.of(town).get()
    line = made[AuditLine] = AuditLine.objects.of(town).first()
    add(AuditSeal, line_id=line.pk, sequence=1, hash="0" * 64, sealed_at=NOW)
    phone = add(Phone, resident=person, number="+14185550142", created_at=NOW)
    add(
        PhoneCode, resident=person, phone_id=phone.pk, number=phone.number, way="text",
        code_hash="0", sent_at=NOW, expires_at=NOW,
    )  # fmt: skip
    place = made[Place] = Place.objects.of(town).get(resident=person)
    place.address = address
    place.save()
    household = add(Household, address=address, created_at=NOW)
    add(HouseholdMember, household=household, resident=person, role="owner", created_at=NOW)
    add(Consent, resident=person, purpose="export", given=True, wording="Oui", at=NOW)
    subject = add(Subject, name="Eau")
    add(
        Subscription, resident=person, place=place, subject=subject, channel="email",
        created_at=NOW,
    )  # fmt: skip
    add(Preference, resident=person)
    device = add(
        Device, resident=person, endpoint="https://p.example/1", endpoint_hash=f"h{town.pk}",
        p256dh=b"", auth=b"", key_id=1, created_at=NOW, seen_at=NOW,
    )  # fmt: skip
    add(Envelope, device=device, secret=b"")
    add(BadAddress, email_id=1, resident=person, reason="unknown", since=NOW)
    add(ClosedNumber, phone=phone, resident=person, channel="text", reason="landline", since=NOW)
    add(Reply, phone=phone, resident=person, channel="text", answer="seen", identity="SM1", at=NOW)
    message = add(
        Message, kind="announcements.published", lane=2, subject=subject, content={},
        created_at=NOW, deadline_at=NOW,
    )  # fmt: skip
    chunk = add(Chunk, message=message, channel="email", recipients=[1], not_before=NOW)
    add(EnvelopeBlock, chunk=chunk, held=b"")
    add(
        Outcome, message_id=message.pk, chunk_id=chunk.pk, resident_id=person.pk, channel="email",
        contact_id=1, state="handed", is_final=False, at=NOW,
    )  # fmt: skip
    add(Opening, message_id=message.pk, resident_id=person.pk, channel="email", at=NOW)
    announcement = add(Announcement, title="Avis", created_at=NOW, revised_at=NOW, subject=subject)
    add(Version, announcement=announcement, number=1, at=NOW, title="Avis", text_hash="0")
    add(Translation, announcement=announcement, language="en", basis="safety", title="Notice")
    add(Reminder, announcement=announcement, due_at=NOW, message=message)
    add(
        Picture, announcement=announcement, folder=f"p{town.pk}", alt="Pont", width=9, height=9,
        widths=[480], created_at=NOW,
    )  # fmt: skip
    add(
        Attachment, announcement=announcement, folder=f"f{town.pk}", name="plan.pdf", title="Plan",
        kind="pdf", size=1, sha256="0", created_at=NOW,
    )  # fmt: skip
    add(PublicNotice, announcement=announcement)
    add(Series, year=2026, last=1)
    add(ClosedDay, day=NOW.date(), label="Fête locale")
    case = add(
        Case, year=2026, sequence=1, kind="cases.question", subject="Patinoire", resident=person,
        assignee=member, state_at=NOW, opened_at=NOW, changed_at=NOW,
    )  # fmt: skip
    said = add(CaseMessage, case=case, side="resident", at=NOW, text="Bonjour")
    add(
        CaseFile, message=said, folder=f"a-folder-of-a-case-{town.pk}", name="plan.pdf",
        kind="pdf", size=1, sha256="0", created_at=NOW,
    )  # fmt: skip
    add(Event, case=case, at=NOW, kind="opened")
    add(
        StrayLetter, case=case, at=NOW, reason="foreign", sender="x@exemple.ca", text="Bonjour",
        letter_id="<1@exemple.ca>",
    )  # fmt: skip
    reserve(town, add, person)
    alert = add(Alert, event="boil", state="in_force", begun_at=NOW, expires_at=NOW, created_at=NOW)
    revision = add(
        Revision, alert=alert, number=1, kind="alert", severity="Severe", urgency="Immediate",
        certainty="Likely", everywhere=True, created_at=NOW, revised_at=NOW,
        words={"fr": {"title": "Faites bouillir l’eau", "short": "", "text": "", "steps": []}},
        state="sent", sent_at=NOW, proposed_by_id=0, decided_by_id=person.pk, expires_at=NOW,
        words_hash="0", message=message,
    )  # fmt: skip
    add(
        CapFile, revision=revision, alert=alert, number=1, reference="a,b,c", content=b"<alert/>",
        sha256="0", title="Faites bouillir l’eau", sent_at=NOW, expires_at=NOW, written_at=NOW,
    )  # fmt: skip
    add(
        Received, source="a:1", sender="b", identifier="c", sent_at=NOW, kind="Alert",
        status="Actual", worth="none", content=b"<alert/>", sha256="0", arrived_at=NOW,
    )  # fmt: skip
    add(SigningKey, private=secret.encipher("cap", b"0"), certificate="", created_at=NOW)
    add(Answer, alert=alert, resident=person, kind="help", first_at=NOW, at=NOW)
    add(
        Visit, alert=alert, address=Address.objects.of(town).first(), found="warned",
        by_id=person.pk, at=NOW,
    )  # fmt: skip
    return made


def reserve(town, add, person):
    """A space with all that hangs on it, and a booking of it."""
    lasts = (NOW, NOW + timedelta(hours=2))
    space = add(Resource, kind="space", state="open", name="Salle", created_at=NOW, revised_at=NOW)
    unit = add(Unit, resource=space)
    add(Hours, resource=space, weekday=0, opens=time(8), closes=time(22))
    add(Closure, resource=space, first_on=NOW.date(), last_on=NOW.date(), created_at=NOW)
    add(Rate, resource=space, unit="hour", amount=22)
    add(Limit, resource=space, most=1, per="day")
    add(Question, resource=space, label="Combien de voitures\u202f?")
    club = add(Organisation, name="Club de badminton", created_at=NOW)
    add(OrganisationMember, organisation=club, resident=person, created_at=NOW)
    booking = add(
        Booking, state="confirmed", resident=person, period=lasts, price_class="resident",
        code="K7M2P", created_at=NOW, changes_until=NOW,
    )  # fmt: skip
    add(Block, reason="Entretien", period=lasts, created_at=NOW)
    add(Taking, booking=booking, resource=space, unit=unit, period=lasts, blocked=lasts)
    add(Payment, booking=booking, amount=44, means="cash", at=NOW, by_id=person.pk)
    add(Wait, resident=person, resource=space, period=lasts, created_at=NOW)
    add(CalendarFeed, resident=person, digest=f"d{town.pk}", created_at=NOW)
