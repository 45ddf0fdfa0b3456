"""Signing up and in, as a visitor of one town meets it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import Client

from parvis.core.db import as_town
from parvis.municipalities.models import AuditLine, HostName
from parvis.municipalities.tests import make as towns
from parvis.municipalities.tests.make import NOW
from parvis.residents.models import Place, Resident
from parvis.residents.tests import letters, make

CONFIRM = "/compte/confirm-email/"
CODE = "/compte/login/code/confirm/"
NEW = {
    "first_name": "Agathe",
    "last_name": "Côté-L’Écuyer",
    "email": "Agathe@Exemple.ca",
    "password1": "trois bacs bleus au chemin",
}


@pytest.fixture(autouse=True)
def _fresh_counts(db):
    cache.clear()


def sign_up(client: Client, **changes: str):
    return client.post("/compte/signup/", NEW | changes)


def is_signed_in(client: Client) -> bool:
    return client.get("/moi/").status_code == 200


def text(page) -> str:
    return page.content.decode()


# --- signing up -------------------------------------------------------------------------------


def test_a_visitor_signs_up_and_enters_with_the_code(client, town):
    make.visitor(client, town)
    page = sign_up(client)
    assert (page.status_code, page["Location"]) == (302, CONFIRM)
    assert not is_signed_in(client)
    page = client.post(CONFIRM, {"code": letters.code()})
    assert page.status_code == 302

    person = Resident.objects.of(town).get()
    assert (person.email, person.name) == ("agathe@exemple.ca", "Agathe Côté-L’Écuyer")
    assert is_signed_in(client)
    assert EmailAddress.objects.get().verified
    assert [(p.kind, p.address) for p in Place.objects.of(town)] == [("home", None)]
    assert AuditLine.objects.of(town).filter(deed="residents.joined").count() == 1


def test_the_letter_names_the_town_and_shows_the_code(client, town):
    make.visitor(client, town)
    sign_up(client)
    letter = letters.texts()[-1]
    assert letter.startswith("Bienvenue\u00a0: votre code — Ville d’Alma\n")
    assert "http" not in letter
    assert letters.recipients() == ["agathe@exemple.ca"]


def test_a_wrong_code_is_said_and_the_right_one_still_serves(client, town):
    make.visitor(client, town)
    sign_up(client)
    page = client.post(CONFIRM, {"code": letters.wrong()})
    assert "Ce code n’est pas le bon" in text(page)
    assert client.post(CONFIRM, {"code": letters.code()}).status_code == 302
    assert is_signed_in(client)


def test_three_wrong_codes_end_it_and_the_account_can_still_be_entered(client, town):
    make.visitor(client, town)
    sign_up(client)
    right = letters.code()
    for _turn in range(3):
        page = client.post(CONFIRM, {"code": letters.wrong()}, follow=True)
    assert "Trop d’essais" in text(page) or "Ce code a expiré" in text(page)
    page = client.post(CONFIRM, {"code": right}, follow=True)
    assert "Ce code a expiré ou a déjà servi" in text(page)
    assert not is_signed_in(client)
    client.post("/compte/login/code/", {"email": NEW["email"]})
    client.post(CODE, {"code": letters.code()})
    assert is_signed_in(client)


def test_a_link_in_a_letter_is_at_the_main_host_whatever_host_was_asked(client, town):
    HostName.objects.create(municipality=town, name="vieux.localhost", verified_at=NOW)
    make.resident(town, email="agathe@exemple.ca")
    sign_up(Client(headers={"host": "vieux.localhost:6666"}))
    there = Client(headers={"host": "alma.localhost:6666"})
    there.post("/compte/login/code/", {"email": "personne@exemple.ca"})
    said = letters.texts()
    assert len(said) == 2
    assert "http://alma.localhost/compte/login/code/" in said[0]
    assert "http://alma.localhost/compte/signup/" in said[1]


def test_an_address_that_is_taken_is_not_told_from_one_that_is_free(client, town):
    make.visitor(client, town)
    make.resident(town, email="agathe@exemple.ca")
    page = sign_up(client)
    assert (page.status_code, page["Location"]) == (302, CONFIRM)
    assert Resident.objects.of(town).count() == 1
    assert letters.texts()[-1].startswith("Vous avez déjà un compte — Ville d’Alma")
    page = client.post(CONFIRM, {"code": "123456"})
    assert "Ce code n’est pas le bon" in text(page)


def test_names_that_are_hostile_are_kept_and_shown_as_they_are(client, town):
    make.visitor(client, town)
    name = "<script>alert(1)</script>‮ 🦊 œ’"
    sign_up(client, first_name=name)
    client.post(CONFIRM, {"code": letters.code()})
    assert Resident.objects.of(town).get().first_name == name
    page = text(client.get("/moi/"))
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_a_name_of_300_characters_is_refused_in_french(client, town):
    make.visitor(client, town)
    page = sign_up(client, first_name="a" * 300)
    assert "80" in text(page)
    assert 'value="agathe@exemple.ca"' in text(page).lower()
    assert Resident.objects.of(town).count() == 0


def test_a_second_town_has_an_account_of_its_own(client, town, other_town):
    make.visitor(client, town)
    sign_up(client)
    client.post(CONFIRM, {"code": letters.code()})
    there = make.visitor(Client(), other_town)
    with as_town(other_town.pk):
        assert sign_up(there)["Location"] == CONFIRM
        there.post(CONFIRM, {"code": letters.code()})
        assert is_signed_in(there)
        assert Resident.objects.of(other_town).count() == 1
    assert Resident.objects.of(town).count() == 1


def test_a_session_carried_to_another_town_is_anonymous(client, town, other_town):
    make.sign_in(client, make.resident(town))
    assert is_signed_in(client)
    client.defaults["HTTP_HOST"] = "isle.localhost"
    page = client.get("/moi/")
    assert (page.status_code, page["Location"]) == (302, "/compte/login/?next=/moi/")


def test_a_late_answer_to_the_former_session_leaves_the_new_one_alone(client, town):
    make.sign_in(client, make.resident(town))
    name = settings.SESSION_COOKIE_NAME
    late = make.visitor(Client(), town)
    late.cookies[name] = "a-session-that-signing-in-has-ended"
    for path in ("/theme.css", "/manifest.webmanifest", "/moi/"):
        assert name not in late.get(path).cookies, path
    # Whoever signs out is still told to forget.
    assert client.post("/compte/logout/").cookies[name].value == ""


@pytest.mark.django_db(transaction=True)
def test_two_sign_ups_at_once_make_one_account():
    for turn in range(5):
        alma = towns.municipality(f"alma{turn}")
        gate = Barrier(2)

        def press(town=alma, gate=gate):
            client = make.visitor(Client(), town)
            try:
                gate.wait()
                return sign_up(client).status_code
            finally:
                connection.close()

        with ThreadPoolExecutor(2) as pool:
            answers = [future.result() for future in [pool.submit(press) for _ in range(2)]]
        # 429: the second letter to one address within ten seconds is not sent.
        assert sorted(answers)[0] == 302
        assert sorted(answers)[1] in {302, 429}
        with as_town(alma.pk):
            assert Resident.objects.of(alma).count() == 1
            assert Place.objects.of(alma).count() == 1


# --- signing in -------------------------------------------------------------------------------


def test_a_resident_signs_in_with_a_password(client, town):
    person = make.resident(town)
    make.visitor(client, town)
    page = client.post("/compte/login/", {"login": person.email, "password": make.PASSWORD})
    assert page.status_code == 302
    assert is_signed_in(client)


def test_a_wrong_password_is_said_in_french_and_the_address_stays(client, town):
    person = make.resident(town)
    make.visitor(client, town)
    page = client.post("/compte/login/", {"login": person.email, "password": "autre chose"})
    assert "Le courriel ou le mot de passe ne correspond pas" in text(page)
    assert person.email in text(page)


def test_wrong_passwords_are_counted_over_processes(client, town, settings):
    person = make.resident(town)
    assert "DatabaseCache" in settings.CACHES["default"]["BACKEND"]
    make.visitor(client, town)
    for _turn in range(6):
        page = client.post("/compte/login/", {"login": person.email, "password": "autre chose"})
    assert "Trop d’essais" in text(page)
    page = client.post("/compte/login/", {"login": person.email, "password": make.PASSWORD})
    assert not is_signed_in(client)


def ask_for_code(client: Client, email: str):
    return client.post("/compte/login/code/", {"email": email})


def test_a_resident_signs_in_with_a_code(client, town):
    person = make.resident(town)
    make.visitor(client, town)
    assert ask_for_code(client, person.email)["Location"] == CODE
    client.post(CODE, {"code": letters.code()})
    assert is_signed_in(client)


def test_a_code_serves_once(client, town):
    person = make.resident(town)
    make.visitor(client, town)
    ask_for_code(client, person.email)
    used = letters.code()
    client.post(CODE, {"code": used})
    page = client.post(CODE, {"code": used}, follow=True)
    assert "Ce code a déjà servi" in text(page)
    stranger = make.visitor(Client(), town)
    page = stranger.post(CODE, {"code": used}, follow=True)
    assert "Ce code a expiré ou a déjà servi" in text(page)
    assert not is_signed_in(stranger)


def test_an_expired_code_is_said_and_another_can_be_had(client, town):
    person = make.resident(town)
    make.visitor(client, town)
    ask_for_code(client, person.email)
    session = client.session
    session["account_login"]["state"]["stages"]["login_by_code"]["data"]["at"] = time.time() - 700
    session.save()
    page = client.post(CODE, {"code": letters.code()}, follow=True)
    assert "Ce code a expiré ou a déjà servi" in text(page)
    assert not is_signed_in(client)
    ask_for_code(client, person.email)
    client.post(CODE, {"code": letters.code()})
    assert is_signed_in(client)


def ask_four_times(town, email: str):
    return [ask_for_code(make.visitor(Client(), town), email) for _turn in range(4)][-1]


def test_a_fourth_code_in_a_minute_is_refused_in_french(town):
    person = make.resident(town)
    assert "Trop d’essais" in text(ask_four_times(town, person.email))
    assert len(letters.texts()) == 3


def test_attempts_in_one_town_lock_no_door_in_another(town, other_town):
    assert ask_four_times(town, "agathe@exemple.ca").status_code == 200
    there = make.visitor(Client(), other_town)
    with as_town(other_town.pk):
        assert ask_for_code(there, "agathe@exemple.ca").status_code == 302


def test_too_many_requests_are_refused_in_french(client, town):
    sign_up(make.visitor(Client(), town))
    page = sign_up(make.visitor(client, town))
    assert page.status_code == 429
    assert "Trop de demandes en peu de temps" in text(page)


def test_a_code_for_one_browser_opens_no_other(client, town):
    person = make.resident(town)
    make.visitor(client, town)
    ask_for_code(client, person.email)
    other = make.visitor(Client(), town)
    other.post(CODE, {"code": letters.code()})
    assert not is_signed_in(other)


def test_an_unknown_address_is_told_only_by_letter(client, town):
    make.visitor(client, town)
    assert ask_for_code(client, "personne@exemple.ca")["Location"] == CODE
    letter = letters.texts()[-1]
    assert letter.startswith("Aucun compte à ce courriel — Ville d’Alma")
    assert "http://alma.localhost/compte/signup/" in letter


def test_a_forgotten_password_is_replaced_with_a_code(client, town):
    person = make.resident(town)
    make.visitor(client, town)
    page = client.post("/compte/password/reset/", {"email": person.email})
    confirm = "/compte/password/reset/confirm/"
    assert page["Location"] == confirm
    assert "Ce code n’est pas le bon" in text(client.post(confirm, {"code": letters.wrong()}))
    page = client.post(confirm, {"code": letters.code()})
    new = "un canot sur la Petite Décharge"
    page = client.post(page["Location"], {"password1": new, "password2": new})
    assert page.status_code == 302
    person.refresh_from_db()
    assert person.check_password(new)
    assert letters.texts()[-1].startswith("Votre mot de passe a été remplacé")
    assert AuditLine.objects.of(town).filter(deed="residents.password_changed").count() == 1


# --- several addresses ------------------------------------------------------------------------


def prove(client: Client, person: Resident) -> None:
    client.post("/compte/reauthenticate/", {"password": make.PASSWORD})


def test_a_resident_adds_verifies_and_prefers_another_address(client, town):
    person = make.resident(town, email="agathe@exemple.ca")
    make.sign_in(client, person)
    prove(client, person)
    client.post("/compte/email/", {"action_add": "", "email": "bureau@exemple.ca"})
    assert letters.recipients() == ["bureau@exemple.ca"]
    assert client.post(CONFIRM, {"code": letters.code()}).status_code == 302
    client.post("/compte/email/", {"action_primary": "", "email": "bureau@exemple.ca"})
    person.refresh_from_db()
    assert person.email == "bureau@exemple.ca"
    client.post("/compte/email/", {"action_remove": "", "email": "agathe@exemple.ca"})
    known = EmailAddress.objects.filter(user=person).values_list("email", "verified", "primary")
    assert list(known) == [("bureau@exemple.ca", True, True)]


def test_an_address_of_another_account_is_not_added(client, town):
    make.resident(town, email="prise@exemple.ca")
    person = make.resident(town, email="agathe@exemple.ca")
    make.sign_in(client, person)
    prove(client, person)
    client.post("/compte/email/", {"action_add": "", "email": "prise@exemple.ca"})
    client.post(CONFIRM, {"code": "123456"})
    assert not EmailAddress.objects.filter(user=person, email="prise@exemple.ca", verified=True)


# --- signing out ------------------------------------------------------------------------------


def test_signing_out_clears_the_cache_and_not_the_worker(client, town):
    make.sign_in(client, make.resident(town))
    assert 'id="urgences"' in text(client.get("/compte/logout/"))
    page = client.post("/compte/logout/")
    assert page["Clear-Site-Data"] == '"cache"'
    assert not is_signed_in(client)


def test_signing_out_tells_what_the_device_may_still_receive(client, town):
    from parvis.residents import signals

    told = []

    def hear(**facts):
        told.append((facts["resident"].pk, facts["endpoint"], facts["keep_emergencies"]))

    signals.signed_out.connect(hear)
    try:
        person = make.resident(town)
        make.sign_in(client, person)
        client.post("/compte/logout/", {"device": "https://push.example/1", "keep_emergencies": ""})
        make.sign_in(client, person)
        client.post("/compte/logout/", {"device": "https://push.example/1"})
    finally:
        signals.signed_out.disconnect(hear)
    assert told == [
        (person.pk, "https://push.example/1", True),
        (person.pk, "https://push.example/1", False),
    ]
