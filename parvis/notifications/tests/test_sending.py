"""From a message to its recipients: planned in chunks, handed over, every outcome written once."""

from __future__ import annotations

import json
from datetime import time, timedelta

import psycopg
import pytest
from django.utils import timezone

from parvis.core.db import as_town
from parvis.core.live import conninfo
from parvis.municipalities.models import AuditLine
from parvis.notifications import actions, dispatch, rules
from parvis.notifications.audience import count_audience
from parvis.notifications.models import BadAddress, Chunk, Message, Outcome, Preference, Work
from parvis.notifications.tests import make as notify
from parvis.residents.models import Place
from parvis.residents.tests import make
from parvis.territory.models import Address, Sector

CONTENT = {
    "fr": {"title": "L’eau peut être brune", "body": "Elle reste bonne à boire.", "url": "/avis/1/"}
}


def send(town, subject, **facts):
    return actions.send_message(
        municipality=town, kind="announcements.published", content=CONTENT, subject=subject,
        now=facts.pop("now", timezone.now()), **facts,
    )  # fmt: skip


def ends(message):
    """(channel, contact) → state of the final outcome."""
    with as_town(message.municipality_id):
        return {
            (outcome.channel, outcome.contact_id): outcome.state
            for outcome in Outcome.objects.of(message.municipality_id).filter(
                message_id=message.pk, is_final=True
            )
        }


@pytest.mark.django_db
def test_a_message_is_planned_as_chunks_with_one_audit_line_and_nothing_per_recipient(town):
    eau = notify.subject(town)
    people = [make.resident(town) for _ in range(3)]
    for person in people:
        notify.subscription(person, eau)
    make.resident(town)
    message = send(town, eau, channels=["email"], now=notify.NOW)
    chunk = Chunk.objects.of(town).get()
    assert len(chunk.recipients) == 3
    assert message.targeted == 3
    work = Work.objects.get()
    assert (work.chunk_id, work.state, work.lane) == (chunk.pk, "waiting", 2)
    assert Outcome.objects.of(town).count() == 0
    line = AuditLine.objects.of(town).filter(deed="notifications.planned").get()
    assert line.facts["targeted"] == 3


@pytest.mark.django_db
def test_planning_costs_the_same_statements_for_one_and_for_many(town, django_assert_num_queries):
    eau = notify.subject(town)
    notify.subscription(make.resident(town), eau)
    with django_assert_num_queries(12):
        send(town, eau)
    for _ in range(5):
        notify.subscription(make.resident(town), eau)
    with django_assert_num_queries(12):
        send(town, eau)


@pytest.mark.django_db
def test_only_those_with_a_place_concerned_receive_it(town):
    naudville = Sector.objects.create(
        municipality=town, name="Naudville", geometry={}, west=0, south=0, east=1, north=1,
        updated_at=notify.NOW,
    )  # fmt: skip
    here = Address.objects.create(
        municipality=town, number="415", street="rue des Bouleaux", key="a", sector=naudville
    )
    there = Address.objects.create(municipality=town, number="2", street="rue Scott", key="b")
    eau = notify.subject(town)
    inside, outside = make.resident(town, address=here), make.resident(town, address=there)
    daughter = make.resident(town, address=there)
    mother = Place.objects.create(
        municipality=town, resident=daughter, kind="family", address=here, created_at=notify.NOW
    )
    notify.subscription(inside, eau)
    notify.subscription(outside, eau)
    notify.subscription(daughter, eau, place=mother)
    whole = count_audience(municipality=town, subject=eau, now=notify.NOW)
    assert (whole.persons, whole.by_channel["email"]) == (3, 3)
    part = count_audience(
        municipality=town, subject=eau, now=notify.NOW, sector_ids=[naudville.pk], address_ids=[]
    )
    assert part.persons == 2
    by_address = count_audience(
        municipality=town, subject=eau, now=notify.NOW, sector_ids=[], address_ids=[there.pk]
    )
    assert by_address.persons == 1


@pytest.mark.django_db
def test_an_emergency_reaches_everyone_by_every_channel_whatever_they_chose(town):
    urgence = notify.subject(town, "Urgences", is_emergency=True)
    person = make.resident(town)
    notify.device(person)
    notify.device(None, town=town, emergencies_only=True)
    Preference.objects.create(
        municipality=town, resident=person, quiet_from=time(0), quiet_until=time(23, 59),
        paused_until=notify.NOW + timedelta(days=30),
    )  # fmt: skip
    found = count_audience(municipality=town, subject=urgence, now=notify.NOW)
    assert found.by_channel == {"inapp": 1, "email": 1, "push": 2}
    send(town, urgence, now=notify.NOW)
    assert {work.lane for work in Work.objects.all()} == {0}
    assert {work.not_before for work in Work.objects.all()} == {notify.NOW}


@pytest.mark.django_db
def test_quiet_hours_put_the_message_off_until_they_end(town):
    eau = notify.subject(town)
    sleeper = make.resident(town)
    notify.subscription(sleeper, eau)
    # 14:05 UTC is 10:05 in Alma.
    Preference.objects.create(
        municipality=town, resident=sleeper, quiet_from=time(22), quiet_until=time(11)
    )
    send(town, eau, channels=["email"], now=notify.NOW)
    assert Work.objects.get().not_before == notify.NOW.replace(hour=15, minute=0)


@pytest.mark.django_db
@pytest.mark.parametrize("why", ["paused", "bad_address", "inactive", "digest"])
def test_who_is_not_written_to_now(town, why):
    eau = notify.subject(town)
    person = make.resident(town)
    chosen = notify.subscription(person, eau)
    before = count_audience(municipality=town, subject=eau, now=notify.NOW, channels=["email"])
    if why == "paused":
        Preference.objects.create(
            municipality=town, resident=person, paused_until=notify.NOW + timedelta(hours=1)
        )
    elif why == "bad_address":
        BadAddress.objects.create(
            municipality=town, email_id=person.emailaddress_set.get().pk, resident=person,
            reason="unknown_address", since=notify.NOW,
        )  # fmt: skip
    elif why == "inactive":
        person.is_active = False
        person.save()
    else:
        chosen.pace = "daily"
        chosen.save()
    after = count_audience(municipality=town, subject=eau, now=notify.NOW, channels=["email"])
    assert (before.persons, after.persons) == (1, 0)


def test_a_notice_arrives_by_mail_by_push_and_in_the_portal(open_town, mailbox, service):
    with as_town(open_town.pk):
        eau = notify.subject(open_town)
        person = make.resident(open_town, email="agathe@exemple.ca")
        notify.subscription(person, eau)
        notify.subscription(person, eau, "push")
        phone = notify.device(person, service)
        message = send(open_town, eau)
    dispatch.drain()
    letter = mailbox.to("agathe@exemple.ca")[0]
    assert letter["Subject"] == "L’eau peut être brune"
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert letter["List-Unsubscribe"].strip().startswith("<http://alma.localhost/mes-avis/")
    assert letter.get_body(("plain",)) and letter.get_body(("html",))
    (pushed,) = service.messages(phone.endpoint)
    payload = json.loads(pushed.body)
    assert payload["notification"]["title"] == "L’eau peut être brune"
    assert payload["notification"]["navigate"].startswith("http://alma.localhost/mes-avis/recus/")
    with as_town(open_town.pk):
        email_id = person.emailaddress_set.get().pk
    assert ends(message) == {
        ("inapp", person.pk): "handed",
        ("email", email_id): "handed",
        ("push", phone.pk): "handed",
    }
    assert set(Work.objects.values_list("state", flat=True)) == {"done"}


def test_another_town_sees_nothing_of_it(open_town, mailbox):
    from parvis.municipalities.tests import make as towns

    isle = towns.municipality("isle")
    with as_town(isle.pk):
        theirs = make.resident(isle, email="agathe@exemple.ca")
        notify.subscription(theirs, notify.subject(isle))
    with as_town(open_town.pk):
        eau = notify.subject(open_town)
        notify.subscription(make.resident(open_town, email="rita@exemple.ca"), eau)
        send(open_town, eau)
    dispatch.drain()
    assert [letter["To"] for letter in mailbox.letters] == ["rita@exemple.ca"]
    with as_town(isle.pk):
        assert Message.objects.of(isle).count() == Outcome.objects.of(isle).count() == 0


def test_a_refused_address_is_final_noted_and_not_written_to_again(open_town, mailbox):
    mailbox.refusals["rita@exemple.cmo"] = "550 5.1.1 User unknown"
    with as_town(open_town.pk):
        eau = notify.subject(open_town)
        person = make.resident(open_town, email="rita@exemple.cmo")
        notify.subscription(person, eau)
        message = send(open_town, eau, channels=["email"])
    dispatch.drain()
    assert list(ends(message).values()) == ["failed"]
    with as_town(open_town.pk):
        assert BadAddress.objects.of(open_town).get().reason == "unknown_address"
        assert send(open_town, eau, channels=["email"]).targeted == 0


@pytest.mark.parametrize("answer", ["452 4.2.2 Mailbox full", "451 4.3.0 Later"])
def test_a_passing_refusal_is_tried_again_later_and_then_arrives(open_town, mailbox, answer):
    mailbox.refusals["rita@exemple.ca"] = answer
    with as_town(open_town.pk):
        eau = notify.subject(open_town)
        person = make.resident(open_town, email="rita@exemple.ca")
        notify.subscription(person, eau)
        message = send(open_town, eau, channels=["email"])
    dispatch.drain()
    assert ends(message) == {}
    again = Work.objects.get(state="waiting")
    assert timedelta(seconds=30) < again.not_before - timezone.now() <= timedelta(minutes=1)
    mailbox.refusals.clear()
    Work.objects.filter(pk=again.pk).update(not_before=timezone.now())
    dispatch.drain()
    assert list(ends(message).values()) == ["handed"]
    assert len(mailbox.letters) == 1


def test_without_mail_server_nothing_is_lost(open_town, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    with as_town(open_town.pk):
        eau = notify.subject(open_town)
        for _ in range(3):
            notify.subscription(make.resident(open_town), eau)
        message = send(open_town, eau, channels=["email"])
    dispatch.drain()
    again = Work.objects.get(state="waiting")
    with as_town(open_town.pk):
        assert len(Chunk.objects.of(open_town).get(pk=again.chunk_id).recipients) == 3
    with notify.mail_server() as mailbox:
        Work.objects.filter(pk=again.pk).update(not_before=timezone.now())
        dispatch.drain()
    assert list(ends(message).values()) == ["handed"] * 3
    assert len(mailbox.letters) == 3


def test_a_device_that_is_gone_is_removed_and_an_outage_removes_none(open_town, service):
    with as_town(open_town.pk):
        eau = notify.subject(open_town)
        person = make.resident(open_town)
        notify.subscription(person, eau, "push")
        kept, gone, down = (notify.device(person, service) for _ in range(3))
        message = send(open_town, eau, channels=["push"])
    service.set_mode(gone.endpoint, "gone410")
    service.set_mode(down.endpoint, "error500")
    dispatch.drain()
    assert ends(message) == {("push", kept.pk): "handed", ("push", gone.pk): "failed"}
    for row in (kept, gone, down):
        with as_town(open_town.pk):
            row.refresh_from_db()
    assert (kept.removed_at, gone.removed_why, down.removed_at) == (None, "gone", None)
    service.set_mode(down.endpoint, "ok")
    Work.objects.filter(state="waiting").update(not_before=timezone.now())
    dispatch.drain()
    assert ends(message)["push", down.pk] == "handed"


def test_what_is_too_late_or_stopped_ends_without_being_sent(open_town, mailbox):
    with as_town(open_town.pk):
        eau = notify.subject(open_town)
        person = make.resident(open_town)
        notify.subscription(person, eau)
        late = send(
            open_town, eau, channels=["email"], deadline=timezone.now() - timedelta(seconds=1)
        )
        stopped = send(open_town, eau, channels=["email"])
        actions.stop_message(stopped, actor=None, now=timezone.now())
    dispatch.drain()
    assert list(ends(late).values()) == list(ends(stopped).values()) == ["expired"]
    assert mailbox.letters == []


def test_a_lost_lease_cannot_close_the_chunk(open_town, mailbox):
    with as_town(open_town.pk):
        eau = notify.subject(open_town)
        notify.subscription(make.resident(open_town), eau)
        message = send(open_town, eau, channels=["inapp"])
    held = dispatch.claim("inapp", [2])
    holder = dispatch.Holder(held)
    parcel = holder.open()
    Work.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    dispatch.drain()
    assert list(ends(message).values()) == ["handed"]
    from parvis.notifications.channels import inapp

    assert holder.close(list(inapp.deliver(parcel, holder))) is False
    assert list(ends(message).values()) == ["handed"]


@pytest.mark.parametrize("lane, expected", [(2, "unsure"), (0, "handed")])
def test_a_crash_in_the_middle_of_a_letter_is_sent_again_only_for_an_emergency(
    open_town, mailbox, lane, expected
):
    with as_town(open_town.pk):
        eau = notify.subject(open_town)
        notify.subscription(make.resident(open_town), eau)
        message = send(open_town, eau, channels=["email"], lane=lane)
    held = dispatch.claim("email", [lane])
    holder = dispatch.Holder(held)
    parcel = holder.open()
    holder.intend(parcel.recipients)  # and here the process is killed
    Work.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    dispatch.drain()
    assert list(ends(message).values()) == [expected]


def test_two_dispatchers_at_once_never_hold_the_same_chunk(open_town):
    from concurrent.futures import ThreadPoolExecutor

    from django.db import connection

    with as_town(open_town.pk):
        eau = notify.subject(open_town)
        notify.subscription(make.resident(open_town), eau)
        for _ in range(20):
            send(open_town, eau, channels=["inapp"])

    def take(_number):
        taken = []
        while held := dispatch.claim("inapp", [2]):
            taken.append(held.work_id)
        connection.close()
        return taken

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(take, range(2))
    assert sorted(first + second) == sorted(Work.objects.values_list("pk", flat=True))


def test_a_signed_return_address_is_read_back_and_a_forged_one_is_not(settings):
    from parvis.notifications.channels.email import bounce_address, read_bounce_address

    address = bounce_address(1, 22, 333)
    assert read_bounce_address(address) == (1, 22, 333)
    assert read_bounce_address(address.replace("+1.22", "+1.23")) is None
    assert read_bounce_address("retour+x.y.z@a") is None
    assert rules.read_refusal(550, "5.1.1 no such user") == ("unknown_address", True)


def test_a_dispatcher_does_not_wait_for_the_chunk_that_its_neighbour_is_claiming(open_town):
    with as_town(open_town.pk):
        eau = notify.subject(open_town)
        notify.subscription(make.resident(open_town), eau)
        for _ in range(2):
            send(open_town, eau, channels=["inapp"])
    first, second = Work.objects.order_by("pk").values_list("pk", flat=True)
    with psycopg.connect(conninfo()) as neighbour:
        neighbour.execute("SELECT 1 FROM notifications_work WHERE id = %s FOR UPDATE", [first])
        assert dispatch.claim("inapp", [2]).work_id == second


def test_a_mail_server_that_dies_in_the_middle_is_asked_once_and_the_rest_goes_later(
    open_town, mailbox
):
    with as_town(open_town.pk):
        eau = notify.subject(open_town)
        for number in range(50):
            person = make.resident(open_town, email=f"p{number:02}@exemple.ca")
            notify.subscription(person, eau)
        message = send(open_town, eau, channels=["email"])
    mailbox.close_after = 5
    dispatch.drain(["email"])
    states = list(ends(message).values())
    # The letter under way may have left: it is not sent again, and it is said.
    assert (states.count("handed"), states.count("unsure"), len(states)) == (5, 1, 6)
    again = Work.objects.get(state="waiting")
    with as_town(open_town.pk):
        assert len(Chunk.objects.of(open_town).get(pk=again.chunk_id).recipients) == 44
    assert mailbox.connections <= 3
