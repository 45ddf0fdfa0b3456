"""Sends and their proof at the Bureau, and addresses corrected in place."""

from __future__ import annotations

import csv
import io
import re

import pytest
from allauth.account.models import EmailAddress
from allauth.core.context import request_context
from django.test import Client, RequestFactory
from django.urls import reverse

from parvis.core.db import as_town
from parvis.core.errors import Refused
from parvis.municipalities.models import AuditLine
from parvis.municipalities.tests.make import NOW
from parvis.notifications import actions
from parvis.notifications.adapter import AccountAdapter
from parvis.notifications.corrections import correct_address
from parvis.notifications.models import BadAddress, Chunk, Message, Outcome
from parvis.residents.tests import letters, make


@pytest.fixture
def clerk(client, town):
    member = make.staff(town, roles={"announcements": "act", "residents": "act"})
    make.sign_in(client, member.person, second_factor=True)
    return member


def url(name, *args):
    return reverse(f"notifications_staff:{name}", args=args)


def send(town, persons, **facts) -> Message:
    return actions.send_message(
        municipality=town, kind="announcements.published", now=NOW,
        content={"fr": {"title": "L’eau est brune", "body": "Laissez couler."}},
        resident_ids=[person.pk for person in persons], channels=["email"], lane=2, **facts,
    )  # fmt: skip


def end(message, person, state="handed", reason="") -> Outcome:
    """Write down how it ended for this person by e-mail."""
    return Outcome.objects.create(
        municipality_id=message.municipality_id, message_id=message.pk,
        chunk_id=Chunk.objects.of(message.municipality_id).filter(message=message).first().pk,
        resident_id=person.pk, channel="email",
        contact_id=EmailAddress.objects.get(user=person).pk, state=state, is_final=True,
        reason=reason, at=NOW,
    )  # fmt: skip


def refused(town, person) -> BadAddress:
    return BadAddress.objects.create(
        municipality=town, email_id=EmailAddress.objects.get(user=person).pk, resident=person,
        reason="unknown_address", since=NOW,
    )  # fmt: skip


def test_the_proof_says_who_was_meant_reached_and_why_not(client, clerk, town):
    persons = [make.resident(town) for _each in range(3)]
    message = send(town, persons)
    end(message, persons[0])
    end(message, persons[1], "failed", "unknown_address")
    shown = client.get(url("proof", message.pk)).content.decode()
    assert "Envoi en cours" in shown
    assert "data-live=" in shown
    assert "Adresse inexistante" in shown
    end(message, persons[2])
    shown = client.get(url("proof", message.pk)).content.decode()
    assert "Envoi terminé" in shown
    assert "data-live=" not in shown


def test_the_live_block_is_given_the_figures_alone(client, clerk, town):
    message = send(town, [make.resident(town)])
    part = client.get(url("proof", message.pk), headers={"HX-Request": "true"}).content.decode()
    assert "Personnes visées" in part
    assert "<html" not in part


def test_the_proof_is_exported_and_the_trail_says_so(client, clerk, town):
    person = make.resident(town)
    message = send(town, [person])
    end(message, person)
    answer = client.get(url("csv", message.pk))
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";"))
    assert len(rows) == 2
    assert str(person.pk) in rows[1]
    assert person.email not in answer.content.decode()
    assert AuditLine.objects.of(town).first().deed == "notifications.proof_exported"


def test_letters_with_codes_are_not_shown(client, clerk, town):
    letter = actions.send_letter(
        municipality=town, to="luc@exemple.ca", now=NOW,
        content={"title": "Votre code", "text": "123 456", "html": ""},
    )  # fmt: skip
    assert client.get(url("proof", letter.pk)).status_code == 404
    assert "Votre code" not in client.get(url("index")).content.decode()


def test_another_towns_send_does_not_exist_here(client, clerk, other_town):
    with as_town(other_town.pk):
        theirs = send(other_town, [make.resident(other_town)])
    for name in ("proof", "csv"):
        assert client.get(url(name, theirs.pk)).status_code == 404
    assert client.post(url("stop", theirs.pk)).status_code == 404


def test_a_send_is_stopped_by_who_may_act(client, clerk, town):
    message = send(town, [make.resident(town)])
    client.post(url("stop", message.pk))
    message.refresh_from_db()
    assert message.stopped_at is not None
    seer = make.staff(town, roles={"announcements": "see"})
    make.sign_in(client, seer.person, second_factor=True)
    assert client.get(url("proof", message.pk)).status_code == 200
    assert client.post(url("stop", message.pk)).status_code == 403


def test_addresses_are_shown_to_those_who_correct_them_only(client, clerk, town):
    person = make.resident(town, first_name="Rita", email="rita@exemple.cmo")
    refused(town, person)
    assert "rita@exemple.cmo" in client.get(url("index")).content.decode()
    seer = make.staff(town, roles={"announcements": "act"})
    make.sign_in(client, seer.person, second_factor=True)
    assert "rita@exemple.cmo" not in client.get(url("index")).content.decode()
    bad = BadAddress.objects.of(town).get()
    assert client.post(url("correct", bad.pk), {"email": "a@b.ca"}).status_code == 403


def test_an_address_is_corrected_in_place_and_used_again(client, clerk, town):
    person = make.resident(town, email="rita@exemple.cmo")
    bad = refused(town, person)
    answer = client.post(
        url("correct", bad.pk), {"email": "Rita@exemple.com"}, headers={"HX-Request": "true"}
    )
    assert "Corrigée" in answer.content.decode()
    person.refresh_from_db()
    bad.refresh_from_db()
    assert person.email == "rita@exemple.com"
    assert EmailAddress.objects.get(user=person).email == "rita@exemple.com"
    assert bad.corrected_at is not None
    assert Message.objects.of(town).filter(kind="letter").count() == 1


def door_in(letter: str) -> str:
    """The path of the link in a letter."""
    found = re.search(r"http://alma\.localhost(/\S+)", letter)
    assert found, letter
    return found[1]


def written_to(town, person) -> list[str]:
    """Addresses to which a message to this person would go by e-mail now."""
    message = send(town, [person])
    rows = Chunk.objects.of(town).filter(message=message).values_list("recipients", flat=True)
    keys = [pk for row in rows for pk in row]
    return list(EmailAddress.objects.filter(pk__in=keys).values_list("email", flat=True))


def test_a_corrected_address_receives_its_confirmation_only_until_its_reader_confirms(
    client, clerk, town
):
    person = make.resident(town, first_name="Rita", email="rita@exemple.cmo")
    assert written_to(town, person) == ["rita@exemple.cmo"]
    bad = refused(town, person)
    answer = client.post(
        url("correct", bad.pk), {"email": "rita@exemple.com"}, headers={"HX-Request": "true"}
    )
    assert "en attente de confirmation" in answer.content.decode()
    assert not EmailAddress.objects.get(user=person).verified
    assert written_to(town, person) == []
    assert letters.recipients() == ["rita@exemple.com"]
    assert "Rita" not in letters.texts()[0]
    # What allauth tells by itself (a password changed) waits as well.
    asked = RequestFactory(headers={"host": "alma.localhost"}).get("/")
    asked.municipality = town
    with request_context(asked):
        AccountAdapter(asked).send_notification_mail("account/email/password_changed", person)
    assert len(letters.texts()) == 1
    seen = client.get(reverse("residents_staff:person", args=[person.pk])).content.decode()
    assert "En attente de confirmation" in seen
    assert "En attente de confirmation" in client.get(url("index")).content.decode()

    reader = Client(headers={"host": "alma.localhost"})
    path = door_in(letters.texts()[0])
    asks = reader.get(path).content.decode()
    assert "Ville d’Alma a noté rita@exemple.com" in asks
    assert not EmailAddress.objects.get(user=person).verified
    for _each in range(2):
        assert reader.post(path).status_code == 200
    assert EmailAddress.objects.get(user=person).verified
    assert written_to(town, person) == ["rita@exemple.com"]
    assert AuditLine.objects.of(town).filter(deed="residents.address_confirmed").count() == 1
    assert "rita@exemple.com" not in client.get(url("index")).content.decode()
    with request_context(asked):
        AccountAdapter(asked).send_notification_mail("account/email/password_changed", person)
    assert len(letters.texts()) == 2


def test_the_link_of_an_address_that_was_corrected_again_confirms_nothing(client, clerk, town):
    person = make.resident(town, email="rita@exemple.cmo")
    bad = refused(town, person)
    client.post(url("correct", bad.pk), {"email": "rira@exemple.com"})
    # Whoever still sees the former page is told; whoever sees that it waits may correct it.
    client.post(url("correct", bad.pk), {"email": "riri@exemple.com"})
    assert EmailAddress.objects.get(user=person).email == "rira@exemple.com"
    client.post(url("correct", bad.pk), {"email": "rita@exemple.com", "attente": "1"})
    old, new = (door_in(letter) for letter in letters.texts())
    reader = Client(headers={"host": "alma.localhost"})
    assert reader.post(old).status_code == reader.get(old).status_code == 422
    assert not EmailAddress.objects.get(user=person).verified
    assert reader.post(new).status_code == 200
    assert EmailAddress.objects.get(user=person).verified
    with pytest.raises(Refused):
        correct_address(bad, email="riri@exemple.com", actor=None, now=NOW, again=True)


def test_a_confirmation_of_another_town_confirms_nothing(town, other_town):
    person = make.resident(town, email="rita@exemple.cmo")
    correct_address(refused(town, person), email="rita@exemple.com", actor=None, now=NOW)
    path = door_in(letters.texts()[0])
    assert Client(headers={"host": "isle.localhost"}).post(path).status_code == 422
    assert not EmailAddress.objects.get(user=person).verified


def test_an_account_that_waits_for_a_confirmation_is_entered_by_a_code(client, town):
    person = make.resident(town, email="rita@exemple.cmo")
    correct_address(refused(town, person), email="rita@exemple.com", actor=None, now=NOW)
    make.visitor(client, town)
    client.post("/compte/login/code/", {"email": "rita@exemple.com"})
    client.post("/compte/login/code/confirm/", {"code": letters.code()})
    assert client.get("/moi/").status_code == 200
    assert EmailAddress.objects.get(user=person).verified


@pytest.mark.parametrize("email", ["rita@", "autre@exemple.ca"])
def test_a_wrong_correction_is_refused_and_nothing_changes(client, clerk, town, email):
    make.resident(town, email="autre@exemple.ca")
    person = make.resident(town, email="rita@exemple.cmo")
    bad = refused(town, person)
    answer = client.post(url("correct", bad.pk), {"email": email}, headers={"HX-Request": "true"})
    assert answer.status_code == 422
    person.refresh_from_db()
    bad.refresh_from_db()
    assert (person.email, bad.corrected_at) == ("rita@exemple.cmo", None)


def test_the_same_address_again_means_try_once_more(town):
    person = make.resident(town, email="rita@exemple.com")
    bad = refused(town, person)
    correct_address(bad, email=person.email, actor=None, now=NOW)
    bad.refresh_from_db()
    assert bad.corrected_at == NOW
    assert not Message.objects.of(town).filter(kind="letter").exists()
    with pytest.raises(Refused):
        correct_address(bad, email=person.email, actor=None, now=NOW)


def test_a_colleagues_address_is_not_changed_by_a_clerk(town):
    colleague = make.staff(town).person
    bad = refused(town, colleague)
    with pytest.raises(Refused):
        correct_address(bad, email="a-moi@exemple.ca", actor=None, now=NOW)
    colleague.refresh_from_db()
    assert colleague.email != "a-moi@exemple.ca"


def test_the_list_asks_as_many_questions_for_three_as_for_one(client, clerk, town):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def asked() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert client.get(url("index")).status_code == 200
        return len(seen)

    send(town, [make.resident(town)], author=clerk.person)
    one = asked()
    for _each in range(2):
        send(town, [make.resident(town)], author=clerk.person)
    assert asked() == one
