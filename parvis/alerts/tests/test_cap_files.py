"""Each sent revision as a signed file, written once, in its place in the chain; and the feed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from xml.etree import ElementTree

import pytest
from django.db import Error, connection, transaction
from lxml import etree

from parvis.alerts import cap, cap_files, events
from parvis.alerts.cap_certificates import Trust
from parvis.alerts.cap_models import CapFile, SigningKey
from parvis.alerts.cap_rules import check
from parvis.alerts.cap_signature import State, verify
from parvis.alerts.models import Alert, Revision
from parvis.alerts.tests.make import HERE
from parvis.cli_place import Stop
from parvis.core import secret
from parvis.core.db import as_town
from parvis.municipalities.models import AuditLine, Municipality
from parvis.municipalities.tests import make as towns
from parvis.municipalities.tests.make import NOW
from parvis.notifications.models import Message, Subject
from parvis.territory.models import Address, Sector

XSD = etree.XMLSchema(etree.parse(HERE / "cap12.xsd"))
ATOM = "{http://www.w3.org/2005/Atom}"
SQUARE = {
    "type": "Polygon",
    "coordinates": [[[-71.7, 48.5], [-71.6, 48.5], [-71.6, 48.6], [-71.7, 48.6], [-71.7, 48.5]]],
}


def alert(town, event: str = "boil", **facts) -> Alert:
    return Alert.objects.create(
        municipality=town, event=event, state="in_force", begun_at=NOW,
        expires_at=NOW + timedelta(days=1), created_at=NOW, **facts,
    )  # fmt: skip


def sent(row: Alert, number: int = 1, kind: str = "alert", **facts) -> Revision:
    """A revision as it stands after two people let it leave."""
    town, about = row.municipality, row.kind
    subject, _made = Subject.objects.of(town).get_or_create(
        municipality=town, name="Urgence", defaults={"icon": "siren"}
    )
    at = NOW + timedelta(hours=number)
    message = Message.objects.create(
        municipality=town, kind="alerts.sent", lane=0, subject=subject, content={}, created_at=at,
        deadline_at=at,
    )  # fmt: skip
    given = {
        "severity": about.severity, "urgency": about.urgency, "certainty": about.certainty,
        "words": events.first_words(row.event, "lift" if kind == "lift" else "alert", town.name),
        "everywhere": True, "expires_at": at + timedelta(days=1), "sent_at": at,
    }  # fmt: skip
    return Revision.objects.create(
        municipality=town, alert=row, number=number, kind=kind, state="sent", created_at=at,
        revised_at=at, proposed_by_id=1, proposed_at=at, decided_by_id=2, words_hash="0",
        message=message, **{**given, **facts},
    )  # fmt: skip


@pytest.fixture
def alma(town):
    Municipality.objects.filter(pk=town.pk).update(code="93042")
    town.refresh_from_db()
    return town


def valid(row: CapFile, town) -> cap.Alert:
    """Valid by both checks, and signed by the town."""
    XSD.assertValid(etree.fromstring(row.octets))
    assert [one for one in check(row.octets) if one.fails] == []
    key = SigningKey.objects.of(town).get(retired_at__isnull=True)
    trust = Trust(certificates=(cap_files.certificate_of(key),))
    read = verify(row.octets, trust=trust, now=row.sent_at)
    assert [one.state for one in read.verdicts] == [State.HOLDS]
    return cap.read(read.message)


@pytest.mark.parametrize("event", events.EVENTS)
def test_every_event_of_the_town_goes_out_valid_and_signed(alma, event):
    row = alert(alma, event)
    sent(row)
    sent(row, 2, "lift", expires_at=NOW + timedelta(hours=2))
    first, last = (valid(one, alma) for one in cap_files.write_missing(row, now=NOW))
    assert (first.msg_type, last.msg_type) == ("Alert", "Update")
    assert first.infos[0].areas[0].geocodes[0].value == "2493042"
    assert first.infos[0].areas[0].area_desc == "Ville d’Alma\u00a0: Toute la ville"
    assert first.infos[0].web == f"http://alma.localhost/alertes/{row.pk}/"
    assert last.infos[0].response_types == ("AllClear",)


def test_each_message_of_the_chain_names_those_before_it(alma):
    row = alert(alma)
    for number, kind in ((1, "alert"), (2, "update"), (3, "cancel")):
        sent(row, number, kind, note="" if number == 1 else "Ce qui a changé.")
    written = cap_files.write_missing(row, now=NOW)
    first, second, third = (valid(one, alma) for one in written)
    assert first.references == ""
    assert second.references == written[0].reference
    assert third.references == f"{written[0].reference} {written[1].reference}"
    assert written[0].reference == f"alma.localhost,{first.identifier},2026-05-20T11:05:00-04:00"
    assert (third.msg_type, third.note) == ("Cancel", "Ce qui a changé.")
    assert len({one.identifier for one in (first, second, third)}) == 3


def test_a_file_is_written_once_and_nobody_changes_it(alma):
    row = alert(alma)
    sent(row)
    (file,) = cap_files.write_missing(row, now=NOW)
    assert cap_files.write_missing(row, now=NOW + timedelta(hours=1)) == []
    for change in (
        lambda: CapFile.objects.of(alma).update(title="autre"),
        lambda: CapFile.objects.of(alma).delete(),
    ):
        with pytest.raises(Error, match="append-only"), transaction.atomic():
            change()
    # A renewed key changes nothing of what was signed, and the next file names it still.
    cap_files.renew_signing_key(alma, now=NOW)
    sent(row, 2, "update")
    (second,) = cap_files.write_missing(row, now=NOW)
    assert CapFile.objects.of(alma).get(pk=file.pk).octets == file.octets
    assert valid(second, alma).references == file.reference


def test_what_is_not_sent_has_no_file(alma):
    row = alert(alma)
    Revision.objects.create(
        municipality=alma, alert=row, number=1, kind="alert", state="draft", severity="Severe",
        urgency="Immediate", certainty="Likely", words={"fr": {"title": "Bientôt"}},
        created_at=NOW, revised_at=NOW,
    )  # fmt: skip
    assert cap_files.write_missing(row, now=NOW) == []
    assert not CapFile.objects.of(alma).exists() and not SigningKey.objects.of(alma).exists()


def test_what_waited_long_for_its_file_is_signed_by_a_certificate_of_its_day(alma):
    """The worker was down: the first key is younger than the message, and vouches for it."""
    row = alert(alma)
    sent(row)
    (file,) = cap_files.write_missing(row, now=NOW + timedelta(days=40))
    assert valid(file, alma).msg_type == "Alert"


def test_the_job_writes_what_is_missing_and_may_run_twice(alma):
    row = alert(alma)
    sent(row)
    for _time in range(2):
        cap_files.write_files(municipality_id=alma.pk, alert_id=row.pk)
    assert CapFile.objects.of(alma).count() == 1


def test_what_no_job_could_write_is_written_later(alma, settings):
    """The key is of another SECRET_KEY: nothing is signed until the right one is back."""
    cap_files.signing_key(alma, now=NOW)
    row = alert(alma)
    sent(row)
    right = settings.SECRET_KEY
    settings.SECRET_KEY = "x" * 50
    with pytest.raises(ValueError, match="another key"):
        cap_files.write_files(municipality_id=alma.pk, alert_id=row.pk)
    cap_files.write_late_files(int(NOW.timestamp()))
    assert not CapFile.objects.of(alma).exists()
    settings.SECRET_KEY = right
    cap_files.write_late_files(int(NOW.timestamp()))
    (file,) = CapFile.objects.of(alma)
    assert valid(file, alma).msg_type == "Alert"
    assert cap_files.write_late(alma.pk, now=NOW) == 0


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_workers_write_each_file_once():
    town = towns.municipality()
    for _round in range(10):
        with as_town(town.pk):
            row = alert(town)
            sent(row)
            sent(row, 2, "update")
        gate = Barrier(2)

        def work(_number, row=row, gate=gate):
            gate.wait()
            try:
                with as_town(town.pk):
                    return len(cap_files.write_missing(row, now=NOW))
            finally:
                connection.close()

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(work, range(2))) == [0, 2]
        with as_town(town.pk):
            assert SigningKey.objects.of(town).count() == 1


def test_areas_drawn_and_chosen_are_told(alma):
    sector = Sector.objects.create(
        municipality=alma, name="Naudville", geometry=SQUARE, west=-71.7, south=48.5, east=-71.6,
        north=48.6, updated_at=NOW,
    )  # fmt: skip
    address = Address.objects.create(
        municipality=alma, number="12", street="rue des Saules", longitude=-71.65, latitude=48.55
    )
    row = alert(alma, "flood")
    sent(
        row, everywhere=False, sector_ids=[sector.pk], address_ids=[address.pk],
        area={**SQUARE, "coordinates": [[[-71.9, 48.5], [-71.8, 48.5], [-71.8, 48.6],
                                         [-71.9, 48.5]]]},
    )  # fmt: skip
    (file,) = cap_files.write_missing(row, now=NOW)
    french, english = (one.areas[0] for one in valid(file, alma).infos)
    assert len(french.polygons) == 2 and french.circles == ("48.55,-71.65 0.05",)
    assert "Naudville" in french.area_desc
    assert english.polygons == french.polygons


def test_a_drill_is_marked_and_a_demonstration_is_a_test(alma):
    row = alert(alma, is_drill=True)
    sent(row)
    (file,) = cap_files.write_missing(row, now=NOW)
    assert valid(file, alma).status == "Exercise" and file.title.startswith("EXERCICE — ")
    Municipality.objects.filter(pk=alma.pk).update(demonstration=True)
    row = alert(alma)
    sent(row)
    (file,) = cap_files.write_missing(Alert.objects.of(alma).get(pk=row.pk), now=NOW)
    assert valid(file, alma).status == "Test"


# --- the key --------------------------------------------------------------------------------------


def test_the_key_is_kept_enciphered_and_its_renewal_is_on_the_trail(alma):
    first = cap_files.signing_key(alma, now=NOW)
    assert cap_files.signing_key(alma, now=NOW) == first
    assert bytes(first.private)[:1] != b"\x30"
    with pytest.raises(ValueError, match="another key"):
        secret.decipher("vapid", bytes(first.private))
    assert cap_files.private_of(first).public_key() == cap_files.certificate_of(first).public_key()
    second = cap_files.renew_signing_key(alma, now=NOW)
    first.refresh_from_db()
    assert (first.retired_at, second.retired_at) == (NOW, None)
    assert cap_files.signing_key(alma, now=NOW) == second
    deeds = AuditLine.objects.of(alma).filter(deed="alerts.signing_key_renewed")
    assert deeds.count() == 2


def test_a_certificate_that_ended_is_replaced_at_the_next_message(alma):
    first = cap_files.signing_key(alma, now=NOW)
    later = cap_files.certificate_of(first).not_valid_after_utc
    assert cap_files.signing_key(alma, now=later - timedelta(seconds=1)) == first
    assert cap_files.signing_key(alma, now=later) != first


# --- what machines fetch --------------------------------------------------------------------------


@pytest.fixture
def chain(alma):
    row = alert(alma)
    sent(row)
    sent(row, 2, "update")
    return cap_files.write_missing(row, now=NOW)


def get(client, path, **headers):
    return client.get(path, headers={"host": "alma.localhost", **headers})


def test_the_feed_leads_to_each_message(client, chain):
    answer = get(client, "/alertes.atom")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/atom+xml; charset=utf-8"
    feed = ElementTree.fromstring(answer.content)
    entries = feed.findall(f"{ATOM}entry")
    assert [one.findtext(f"{ATOM}id") for one in entries] == [
        f"urn:uuid:{one.revision.identity}" for one in reversed(chain)
    ]
    for needed in ("id", "title", "updated"):
        assert feed.findtext(f"{ATOM}{needed}")
        assert all(one.findtext(f"{ATOM}{needed}") for one in entries)
    for entry, file in zip(entries, reversed(chain), strict=True):
        (link,) = (
            one for one in entry.findall(f"{ATOM}link") if one.get("type") == "application/cap+xml"
        )
        fetched = get(client, link.get("href").removeprefix("http://alma.localhost"))
        assert fetched.content == file.octets
        assert fetched["Content-Type"] == "application/cap+xml"
        assert "immutable" in fetched["Cache-Control"]


def test_the_feed_is_not_sent_again_until_something_is_new(client, chain):
    row = chain[0].alert
    for path in ("/alertes.atom", f"/alertes/{row.pk}.cap.xml"):
        etag = get(client, path)["ETag"]
        again = get(client, path, if_none_match=etag)
        assert (again.status_code, again.content) == (304, b"")
    feed = get(client, "/alertes.atom")["ETag"]
    file = get(client, f"/alertes/{row.pk}.cap.xml")["ETag"]
    sent(row, 3, "cancel")
    (last,) = cap_files.write_missing(row, now=NOW)
    assert get(client, "/alertes.atom", if_none_match=feed).status_code == 200
    newest = get(client, f"/alertes/{row.pk}.cap.xml", if_none_match=file)
    assert newest.content == last.octets
    assert get(client, f"/alertes/{row.pk}-1.cap.xml").content == chain[0].octets


def test_a_town_without_alert_has_an_empty_feed_and_no_certificate(client, alma):
    answer = get(client, "/alertes.atom")
    assert answer.status_code == 200
    assert ElementTree.fromstring(answer.content).findall(f"{ATOM}entry") == []
    assert get(client, "/alertes/certificat.pem").status_code == 404
    assert get(client, "/alertes/1.cap.xml").status_code == 404


def test_another_towns_message_is_not_served(client, alma, other_town):
    with as_town(other_town.pk):
        theirs = alert(other_town)
        sent(theirs)
        cap_files.write_missing(theirs, now=NOW)
    path = f"/alertes/{theirs.pk}-1.cap.xml"
    assert get(client, path).status_code == 404
    assert client.get(path, headers={"host": "isle.localhost"}).status_code == 200
    assert ElementTree.fromstring(get(client, "/alertes.atom").content).find(f"{ATOM}entry") is None


def test_the_certificate_that_is_handed_out_verifies_what_is_served(client, alma, chain):
    from parvis.alerts.cap_certificates import read_certificates

    cap_files.renew_signing_key(alma, now=NOW)
    handed = read_certificates(get(client, "/alertes/certificat.pem").content)
    assert len(handed) == 2
    served = get(client, f"/alertes/{chain[0].alert_id}.cap.xml").content
    assert verify(served, trust=Trust(certificates=handed), now=chain[0].sent_at).holds
    assert not verify(served, trust=Trust(certificates=handed[:1]), now=chain[0].sent_at).holds


def test_the_operator_prints_and_renews_the_certificate(alma, capsys):
    from parvis import cli_cap
    from parvis.alerts.cap_certificates import read_certificates

    def printed(*, renew: bool):
        assert cli_cap.key("alma", renew=renew) == 0
        (certificate,) = read_certificates(capsys.readouterr().out.encode())
        return certificate

    first = printed(renew=False)
    assert printed(renew=False) == first
    second = printed(renew=True)
    assert second != first and printed(renew=False) == second
    assert cap_files.certificate_of(cap_files.signing_key(alma, now=NOW)) == second
    with pytest.raises(Stop, match="aucune|Aucune"):
        cli_cap.key("nulle-part", renew=False)
