"""Messages of others at the Bureau: proposals that nothing sends on."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection

from parvis import cli_cap
from parvis.alerts import ingest, naad
from parvis.alerts.cap_certificates import Trust
from parvis.alerts.cap_models import Received
from parvis.alerts.models import Alert
from parvis.alerts.tests.naad_server import Distributor, message, unsigned
from parvis.alerts.tests.signing import TOWN
from parvis.cli_place import Stop
from parvis.core.db import as_town
from parvis.core.errors import Refused
from parvis.municipalities.models import AuditLine, Municipality
from parvis.municipalities.tests import make as towns
from parvis.municipalities.tests.make import NOW
from parvis.notifications.models import Message
from parvis.residents.tests import make

ROUNDS = int(os.environ.get("RACE_RUNS", "20"))


def coded(town):
    Municipality.objects.filter(pk=town.pk).update(code="99999")
    town.refresh_from_db()
    return town


@pytest.fixture
def alma(town):
    return coded(town)


def arrived(number: int = 1, *, content: bytes | None = None, trust=None, **facts) -> naad.Message:
    desk = naad.Desk(trust=Trust(certificates=(TOWN,)) if trust is None else trust)
    heard = desk.hear(content or message(number, **facts), source="flux:80", now=NOW)
    assert isinstance(heard, naad.Message)
    return heard


def received(town, number: int = 1, **facts) -> Received:
    assert ingest.take_in(town, arrived(number, **facts), now=NOW)
    row: Received = Received.objects.of(town).latest("pk")
    return row


# --- kept -----------------------------------------------------------------------------------------


def test_what_concerns_the_town_is_kept_once_as_it_arrived(alma):
    one = arrived()
    assert ingest.take_in(alma, one, now=NOW)
    assert not ingest.take_in(alma, one, now=NOW + timedelta(hours=1))
    (row,) = Received.objects.of(alma)
    assert bytes(row.content) == one.content
    assert (row.title, row.worth) == ("Évacuation de la rue des Saules", "holds")
    assert (row.severity, row.urgency, row.kind) == ("Severe", "Immediate", "Alert")
    assert (row.event_code, ingest.event_of(row)) == ("flood", "flood")
    assert row.where == "Rue des Saules" and "Gymnase" in row.instruction.title()
    assert "elle tient" in row.signatures
    assert not Message.objects.of(alma).exists() and not Alert.objects.of(alma).exists()


def test_what_concerns_another_place_is_not_kept(town):
    Municipality.objects.filter(pk=town.pk).update(code="93042")
    town.refresh_from_db()
    assert not ingest.take_in(town, arrived(), now=NOW)
    assert not Received.objects.of(town).exists()
    assert ingest.take_in(
        town, arrived(content=unsigned(1).replace(b">2499999<", b">24<")), now=NOW
    )


def test_what_its_signatures_are_worth_is_kept(alma):
    worth = {
        "holds": message(1),
        "none": unsigned(2),
        "broken": message(3).replace(b"gymnase", b"sous-sol"),
    }
    for expected, content in worth.items():
        ingest.take_in(alma, arrived(content=content), now=NOW)
        assert Received.objects.of(alma).latest("pk").worth == expected


def test_a_message_without_words_or_with_too_many_is_kept(alma):
    bare = unsigned(1, follows=2)
    bare = bare[: bare.index(b"<info>")] + b"</alert>"
    assert ingest.take_in(alma, arrived(content=bare.replace(b"Update", b"Cancel")), now=NOW)
    long = unsigned(3, text="x" * 100_000).replace(b"<headline>", b"<headline>" + b"y" * 1000)
    assert ingest.take_in(alma, arrived(content=long), now=NOW)
    row = Received.objects.of(alma).latest("pk")
    assert len(row.title) == 300 and len(row.text) == ingest.LONGEST_TEXT


def test_proposals_that_nobody_took_up_end_after_a_month(alma):
    old, used, aside = received(alma, 1), received(alma, 2), received(alma, 3)
    clerk = make.staff(alma, roles={"alerts": "act"}).person
    ingest.begin_from(used, event="flood", actor=clerk, now=NOW)
    ingest.set_aside(aside, actor=clerk, now=NOW)
    ingest.take_in(alma, arrived(4), now=NOW + timedelta(days=31))
    left = set(Received.objects.of(alma).values_list("pk", flat=True))
    assert old.pk not in left and {used.pk, aside.pk} <= left and len(left) == 3


# --- decided --------------------------------------------------------------------------------------


def test_an_alert_begun_from_it_is_a_draft_with_the_towns_words(alma):
    row = received(alma)
    clerk = make.staff(alma, roles={"alerts": "act"}).person
    revision = ingest.begin_from(row, event="flood", actor=clerk, now=NOW)
    row.refresh_from_db()
    assert row.alert_id == revision.alert_id and revision.state == "draft"
    assert not revision.alert.is_drill
    assert not Message.objects.of(alma).exists()
    assert AuditLine.objects.of(alma).filter(deed="alerts.begun_from_received").count() == 1
    for again in (
        lambda: ingest.begin_from(row, event="flood", actor=clerk, now=NOW),
        lambda: ingest.set_aside(row, actor=clerk, now=NOW),
    ):
        with pytest.raises(Refused, match="déjà été commencée"):
            again()
    assert Alert.objects.of(alma).count() == 1


def test_an_exercise_of_others_begins_a_drill(alma):
    content = unsigned(1).replace(b"Actual", b"Exercise")
    row = received(alma, content=content)
    clerk = make.staff(alma, roles={"alerts": "act"}).person
    assert ingest.begin_from(row, event="flood", actor=clerk, now=NOW).alert.is_drill


def test_what_was_set_aside_is_over_and_an_unknown_event_is_refused(alma):
    row = received(alma)
    clerk = make.staff(alma, roles={"alerts": "act"}).person
    with pytest.raises(Refused, match="Choisissez un modèle"):
        ingest.begin_from(row, event="", actor=clerk, now=NOW)
    ingest.set_aside(row, actor=clerk, now=NOW)
    with pytest.raises(Refused, match="déjà été écarté"):
        ingest.begin_from(row, event="flood", actor=clerk, now=NOW)
    assert not Received.objects.of(alma).waiting().exists()


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_clerks_begin_one_alert():
    town = coded(towns.municipality())
    with as_town(town.pk):
        clerk = make.staff(town, roles={"alerts": "act"}).person
    for number in range(1, ROUNDS + 1):
        with as_town(town.pk):
            row = received(town, number)
        gate = Barrier(2)

        def press(_number, row=row, gate=gate):
            gate.wait()
            try:
                with as_town(town.pk):
                    ingest.begin_from(row, event="flood", actor=clerk, now=NOW)
            except Refused:
                return 0
            finally:
                connection.close()
            return 1

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(press, range(2))) == [0, 1]
        with as_town(town.pk):
            assert Alert.objects.of(town).count() == number


# --- at the Bureau --------------------------------------------------------------------------------


@pytest.fixture
def clerk(client, alma):
    return make.sign_in(
        client, make.staff(alma, roles={"alerts": "act"}).person, second_factor=True
    )


def test_a_clerk_reads_it_and_begins_an_alert(clerk, alma):
    row = received(alma)
    page = clerk.get("/bureau/alertes/recus/").content.decode()
    assert "Évacuation de la rue des Saules" in page and "Signature admise" in page
    assert '<option value="flood" selected>' in page
    assert "1 message reçu" in clerk.get("/bureau/alertes/").content.decode()
    answer = clerk.post(f"/bureau/alertes/recus/{row.pk}/commencer/", {"event": "flood"})
    row.refresh_from_db()
    assert answer["Location"] == f"/bureau/alertes/{row.alert_id}/modifier/"
    assert "Aucun message" in clerk.get("/bureau/alertes/recus/").content.decode()
    assert "Évacuation" in clerk.get("/bureau/alertes/recus/?tous=1").content.decode()


def test_a_clerk_sets_it_aside_or_is_told_why_not(clerk, alma):
    row = received(alma)
    path = f"/bureau/alertes/recus/{row.pk}/ecarter/"
    assert clerk.get(path).status_code == 405
    clerk.post(path)
    assert not Received.objects.of(alma).waiting().exists()
    told = clerk.post(path, follow=True).content.decode()
    assert "déjà été écarté" in told
    assert clerk.get(f"/bureau/alertes/recus/{row.pk}.cap.xml").content == bytes(row.content)


def test_who_only_sees_may_read_and_not_decide(client, alma):
    row = received(alma)
    seeing = make.staff(alma, roles={"alerts": "see"}).person
    make.sign_in(client, seeing, second_factor=True)
    page = client.get("/bureau/alertes/recus/")
    assert page.status_code == 200 and "Commencer une alerte" not in page.content.decode()
    for deed in ("commencer", "ecarter"):
        assert client.post(f"/bureau/alertes/recus/{row.pk}/{deed}/").status_code == 403


def test_another_towns_proposals_are_not_seen(clerk, alma, other_town):
    with as_town(other_town.pk):
        theirs = received(coded(other_town))
    assert clerk.get(f"/bureau/alertes/recus/{theirs.pk}.cap.xml").status_code == 404
    for deed in ("commencer", "ecarter"):
        assert clerk.post(f"/bureau/alertes/recus/{theirs.pk}/{deed}/").status_code == 404


def test_words_of_strangers_are_only_words(clerk, alma):
    hostile = unsigned(1, text="&lt;script&gt;alert(1)&lt;/script&gt;").replace(
        b"<headline>", b"<headline>&lt;img src=x onerror=y&gt;"
    )
    received(alma, content=hostile)
    page = clerk.get("/bureau/alertes/recus/").content.decode()
    assert "<script>alert(1)" not in page and "<img src=x" not in page
    assert "&lt;img src=x" in page


# --- from the stream ------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_the_command_proposes_what_arrives_to_the_town(capsys):
    town, side = coded(towns.municipality()), Distributor()

    def speak():
        side.joined()
        side.say(message(1) + message(2))

    speaker = Thread(target=speak)
    speaker.start()
    try:
        named = Trust(certificates=(TOWN,))
        code = cli_cap.watch(
            [side.source], archives=[], named=named, silence=150, every=60, count=2, towns=["alma"]
        )
    finally:
        side.close()
        speaker.join(20)
    assert code == 0
    with as_town(town.pk):
        assert Received.objects.of(town).waiting().count() == 2
    assert capsys.readouterr().out.count("alma\u00a0: proposé au Bureau.") == 2


def test_a_town_without_code_is_a_sentence(town):
    with pytest.raises(Stop, match="code géographique"):
        cli_cap.watch(["a:1"], archives=[], named=Trust(), silence=150, every=60, towns=["alma"])
