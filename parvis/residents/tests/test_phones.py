"""Numbers verified by a code: sent, typed, wrong, expired, replayed, limited, changed."""

from __future__ import annotations

import re
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from parvis.core.db import as_town
from parvis.core.errors import Refused
from parvis.municipalities.models import AuditLine
from parvis.municipalities.tests.make import NOW
from parvis.notifications import dispatch
from parvis.notifications.models import ClosedNumber, Message
from parvis.notifications.tests.phone_service import PhoneService
from parvis.residents import actions, phones, rules
from parvis.residents.models import Phone, PhoneCode
from parvis.residents.tests import make


@pytest.fixture
def texts(settings):
    with PhoneService(voice="") as service:
        settings.TELEPHONY = (service.provider,)
        yield service


def a_phone(person, number="+14185550142") -> Phone:
    return actions.add_phone(person, number=number, actor=person, now=NOW)


def code_sent(town) -> str:
    """The code as it stands in the planned text, before it leaves."""
    message = Message.objects.of(town).filter(kind="residents.phone_code").latest("pk")
    return re.search(r"#(\d{6})$", message.content["fr"]["text_message"])[1]


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


def ask(phone, now=NOW, way="text"):
    phones.send_code(phone, way=way, actor=phone.resident, now=now)


def typed(phone, code, now=NOW) -> str:
    return phones.try_code(phone, code=code, actor=phone.resident, now=now)


@pytest.mark.django_db
def test_the_code_that_came_verifies_the_number_once(town, texts):
    phone = a_phone(make.resident(town))
    ask(phone)
    code = code_sent(town)
    assert typed(phone, f"{code[:3]} {code[3:]}") == ""
    phone.refresh_from_db()
    assert (phone.verified_at, phone.verified_how) == (NOW, "text")
    line = AuditLine.objects.of(town).get(deed="residents.phone_verified")
    assert line.facts["how"] == "text"
    assert "déjà servi" in typed(phone, code)


@pytest.mark.django_db
def test_a_wrong_code_is_counted_and_after_five_none_serves(town, texts):
    phone = a_phone(make.resident(town))
    ask(phone)
    code = code_sent(town)
    for left in (4, 3, 2, 1):
        assert str(left) in typed(phone, other_than(code))
    assert "Trop d’essais" in typed(phone, other_than(code))
    assert "expiré" in typed(phone, code)
    phone.refresh_from_db()
    assert phone.verified_at is None


@pytest.mark.django_db
def test_the_fifth_try_still_serves(town, texts):
    phone = a_phone(make.resident(town))
    ask(phone)
    code = code_sent(town)
    for _ in range(4):
        typed(phone, other_than(code))
    assert typed(phone, code) == ""


@pytest.mark.django_db
def test_an_expired_or_replaced_code_is_said(town, texts):
    phone = a_phone(make.resident(town))
    ask(phone)
    first = code_sent(town)
    late = NOW + timedelta(minutes=rules.CODE_MINUTES)
    assert "expiré" in typed(phone, first, late)
    ask(phone, late)
    second = code_sent(town)
    if first != second:
        assert "pas le bon" in typed(phone, first, late)
    assert typed(phone, second, late) == ""


@pytest.mark.django_db
def test_a_code_of_another_number_does_not_serve(town, texts):
    mine, theirs = a_phone(make.resident(town)), a_phone(make.resident(town), "+14185550143")
    ask(theirs)
    code = code_sent(town)
    assert "expiré" in typed(mine, code)
    ask(mine)
    if code_sent(town) != code:
        assert "pas le bon" in typed(mine, code)


@pytest.mark.django_db
def test_codes_to_one_number_are_few_whoever_asks_and_whatever_is_removed(town, texts):
    person, other = make.resident(town), make.resident(town)
    phone = a_phone(person)
    ask(phone)
    with pytest.raises(Refused, match="Attendez une minute"):
        ask(phone, NOW + timedelta(seconds=59))
    for minutes in (1, 2):
        ask(phone, NOW + timedelta(minutes=minutes))
    with pytest.raises(Refused, match="Trois codes"):
        ask(phone, NOW + timedelta(minutes=3))
    actions.remove_phone(phone, actor=person)
    for again in (a_phone(person), a_phone(other)):
        with pytest.raises(Refused, match="Trois codes"):
            ask(again, NOW + timedelta(minutes=3))
    for hours in (2, 4, 6):
        ask(again, NOW + timedelta(hours=hours))
    with pytest.raises(Refused, match="demain"):
        ask(again, NOW + timedelta(hours=8))
    ask(again, NOW + timedelta(hours=27))


@pytest.mark.django_db
def test_one_account_cannot_send_codes_to_everybody(town, texts):
    person = make.resident(town)
    sent = 0
    for number in range(rules.CODES_PER_PERSON + 1):
        phone = a_phone(person, f"+1418555{200 + number:04d}")
        try:
            ask(phone, NOW + timedelta(minutes=number))
            sent += 1
        except Refused:
            assert number == rules.CODES_PER_PERSON
        actions.remove_phone(phone, actor=person)
    assert sent == rules.CODES_PER_PERSON


@pytest.mark.django_db
@pytest.mark.parametrize("number", ["+33612345678", "+18765550142", "+19005550142"])
def test_no_code_goes_to_numbers_that_fraud_lives_on(town, texts, number):
    phone = a_phone(make.resident(town), number)
    with pytest.raises(Refused, match="comptoir"):
        ask(phone)
    assert not PhoneCode.objects.of(town).exists()


@pytest.mark.django_db
def test_without_a_provider_or_to_a_landline_there_is_no_code(town, texts, settings):
    phone = a_phone(make.resident(town))
    assert phones.ways_to(phone) == ["text"]
    ClosedNumber.objects.create(
        municipality=town, phone=phone, resident=phone.resident, channel="text",
        reason="landline", since=NOW,
    )  # fmt: skip
    assert phones.ways_to(phone) == []
    with pytest.raises(Refused, match="comptoir"):
        ask(phone)
    settings.TELEPHONY = ()
    assert phones.ways_to(a_phone(make.resident(town))) == []


@pytest.mark.django_db
def test_changing_a_number_unverifies_it_ends_its_code_and_reopens_it(town, texts):
    person = make.resident(town)
    phone = a_phone(person)
    actions.verify_phone_at_counter(phone, actor=person, now=NOW)
    ClosedNumber.objects.create(
        municipality=town, phone=phone, resident=person, channel="text", reason="asked", since=NOW
    )
    assert not phones.change_phone(
        phone, number="418 555-0142", label="Cellulaire", actor=person, now=NOW
    )
    phone.refresh_from_db()
    assert (phone.verified_at, phone.label) == (NOW, "Cellulaire")
    assert phones.change_phone(phone, number="418 555-0143", actor=person, now=NOW)
    phone.refresh_from_db()
    assert (phone.number, phone.verified_at, phone.verified_how) == ("+14185550143", None, "")
    assert ClosedNumber.objects.of(town).get().reopened_at == NOW
    ask(phone)
    code = code_sent(town)
    phones.change_phone(phone, number="418 555-0144", actor=person, now=NOW)
    assert "expiré" in typed(phone, code)


@pytest.mark.django_db
def test_a_number_already_in_the_account_is_refused_in_a_change(town, texts):
    person = make.resident(town)
    a_phone(person, "+14185550143")
    with pytest.raises(Refused, match="déjà dans le compte"):
        phones.change_phone(a_phone(person), number="+14185550143", actor=person, now=NOW)


@pytest.mark.django_db
def test_codes_are_forgotten_after_a_day_and_with_the_person(town, texts):
    from parvis.residents import erasure

    phone, other = a_phone(make.resident(town)), a_phone(make.resident(town), "+14185550143")
    ask(phone)
    ask(other)
    assert erasure.rows_about(phone.resident)["codes_de_telephone"][0]["moyen"] == "text"
    erasure.erase_resident(phone.resident, actor=phone.resident, now=NOW)
    assert PhoneCode.objects.of(town).get().phone_id == other.pk
    assert phones.forget_codes(town.pk, now=NOW + timedelta(hours=23)) == 0
    assert phones.forget_codes(town.pk, now=NOW + timedelta(days=1)) == 1


def test_the_text_arrives_and_the_code_does_not_stay_in_the_database(texts, transactional_db):
    from parvis.municipalities.tests import make as towns

    town = towns.municipality("alma")
    with as_town(town.pk):
        phone = a_phone(make.resident(town))
        ask(phone, timezone.now())
        code = code_sent(town)
    dispatch.drain(["text"])
    (sent,) = texts.to(phone.number)
    assert f"@alma.localhost #{code}" in sent["Body"]
    assert "ARRET" not in sent["Body"]
    with as_town(town.pk):
        kept = Message.objects.of(town).get(kind="residents.phone_code")
        assert code not in str(kept.content)
        assert typed(phone, code, timezone.now()) == ""


@pytest.mark.race
@pytest.mark.parametrize("turn", range(5))
def test_many_wrong_codes_at_once_are_all_counted(texts, transactional_db, turn):
    """Eight guesses in parallel use up the five tries: the right code then serves no more."""
    from parvis.municipalities.tests import make as towns

    town = towns.municipality("alma")
    with as_town(town.pk):
        phone = a_phone(make.resident(town))
        ask(phone, timezone.now())
        code = code_sent(town)
    barrier = threading.Barrier(8)
    said: list[str] = []

    def guess() -> None:
        barrier.wait()
        try:
            with as_town(town.pk):
                said.append(typed(phone, other_than(code), timezone.now()))
        finally:
            connection.close()

    threads = [threading.Thread(target=guess) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with as_town(town.pk):
        assert PhoneCode.objects.of(town).get().tries == rules.CODE_TRIES
        assert sum("Il vous reste" in each for each in said) == 4
        assert "expiré" in typed(phone, code, timezone.now())


# --- pages ------------------------------------------------------------------------------------


@pytest.fixture
def page(client, town, texts):
    return make.sign_in(client, make.resident(town))


@pytest.mark.django_db
def test_a_resident_adds_a_number_asks_for_a_code_and_types_it(page, town):
    added = page.post("/moi/telephones/", {"number": "418 555-0142", "label": "Cellulaire"})
    phone = Phone.objects.of(town).get()
    assert added.headers["Location"] == f"/moi/telephones/{phone.pk}/"
    shown = page.get(added.headers["Location"]).content.decode()
    assert "Recevoir un code par texto" in shown and "Code reçu" not in shown
    asked = page.post(f"/moi/telephones/{phone.pk}/code/", {"way": "text"})
    assert asked.status_code == 302
    assert "Code reçu" in page.get(f"/moi/telephones/{phone.pk}/").content.decode()
    code = code_sent(town)
    wrong = page.post(f"/moi/telephones/{phone.pk}/verifier/", {"code": other_than(code)})
    assert wrong.status_code == 422
    assert "Il vous reste 4 essais" in wrong.content.decode()
    short = page.post(f"/moi/telephones/{phone.pk}/verifier/", {"code": "12"})
    assert short.status_code == 422 and "six chiffres" in short.content.decode()
    assert PhoneCode.objects.of(town).get().tries == 1
    right = page.post(f"/moi/telephones/{phone.pk}/verifier/", {"code": code})
    assert right.headers["Location"] == "/moi/telephones/"
    assert "Vérifié" in page.get("/moi/telephones/").content.decode()


@pytest.mark.django_db
def test_a_refused_request_for_a_code_is_said_on_the_page_and_in_its_part(page, town):
    page.post("/moi/telephones/", {"number": "418 555-0142"})
    phone = Phone.objects.of(town).get()
    page.post(f"/moi/telephones/{phone.pk}/code/", {"way": "text"})
    again = page.post(f"/moi/telephones/{phone.pk}/code/", {"way": "text"})
    assert again.status_code == 422 and "Attendez une minute" in again.content.decode()
    part = page.post(
        f"/moi/telephones/{phone.pk}/code/", {"way": "pigeon"}, headers={"HX-Request": "true"}
    )
    assert part.status_code == 422 and "<html" not in part.content.decode()


@pytest.mark.django_db
def test_another_persons_number_is_neither_shown_changed_nor_verified(page, town):
    theirs = a_phone(make.resident(town))
    for path in ("", "code/", "verifier/", "retirer/"):
        assert page.post(f"/moi/telephones/{theirs.pk}/{path}").status_code == 404


@pytest.mark.django_db
def test_without_a_provider_the_pages_speak_of_the_counter_alone(page, town, settings):
    settings.TELEPHONY = ()
    added = page.post("/moi/telephones/", {"number": "418 555-0142"})
    assert added.headers["Location"] == "/moi/telephones/"
    phone = Phone.objects.of(town).get()
    shown = page.get(f"/moi/telephones/{phone.pk}/").content.decode()
    assert "texto" not in shown and "au comptoir" in shown
    assert "texto" not in page.get("/moi/telephones/").content.decode()
