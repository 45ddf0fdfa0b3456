"""Signing in with another service, honest or not."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager

import psycopg
import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.core.cache import cache
from django.db import connection
from django.http import HttpResponse
from django.test import Client, RequestFactory

from parvis.core.db import as_town
from parvis.municipalities.middleware import town as middleware
from parvis.municipalities.middleware import view_of
from parvis.municipalities.tests import make as municipalities
from parvis.residents.models import Place, Resident
from parvis.residents.tests import letters, make
from parvis.residents.tests.provider import standing

LOGIN = "/compte/oidc/double/login/"
FAILED = "La connexion n’a pas abouti"


@pytest.fixture
def provider(settings, db):
    with serving(settings) as found:
        yield found


@contextmanager
def serving(settings):
    cache.clear()
    with standing() as found:
        settings.SOCIALACCOUNT_PROVIDERS = {
            "openid_connect": {
                "OAUTH_PKCE_ENABLED": True,
                "APPS": [
                    {
                        "provider_id": "double",
                        "name": "Service d’essai",
                        "client_id": found.client_id,
                        "secret": found.secret,
                        "settings": {"server_url": found.url},
                    }
                ],
            }
        }
        yield found


@pytest.fixture
def browser(client, town, provider) -> Client:
    return make.visitor(client, town)


def come_back(browser: Client, provider):
    away = browser.post(LOGIN)
    assert away.status_code == 302
    assert away["Location"].startswith(f"{provider.url}/authorize?")
    return browser.get(provider.consent(away["Location"]).replace("http://alma.localhost", ""))


def is_signed_in(browser: Client) -> bool:
    return browser.get("/moi/").status_code == 200


def text(page) -> str:
    return page.content.decode()


def test_the_sign_in_pages_list_the_service(browser):
    for path in ("/compte/login/", "/compte/login/code/", "/compte/signup/"):
        assert "Service d’essai" in text(browser.get(path))


def test_the_page_before_leaving_lets_the_form_go_there_and_nowhere_else(browser, provider):
    page = browser.get(LOGIN)
    assert f"form-action 'self' {provider.url}" in page["Content-Security-Policy"]
    assert "Se connecter avec Service d’essai" in text(page)
    assert provider.url not in browser.get("/compte/login/")["Content-Security-Policy"]


def test_a_first_visit_opens_an_account_with_a_home(browser, town, provider):
    come_back(browser, provider)
    assert is_signed_in(browser)
    person = Resident.objects.of(town).get()
    assert (person.name, person.email) == ("Agathe Tremblay", "agathe@exemple.ca")
    assert EmailAddress.objects.get().verified
    assert [place.kind for place in Place.objects.of(town)] == ["home"]
    assert letters.texts() == []


def test_a_second_visit_enters_the_same_account(browser, town, provider):
    come_back(browser, provider)
    browser.post("/compte/logout/")
    assert not is_signed_in(browser)
    come_back(browser, provider)
    assert is_signed_in(browser)
    assert Resident.objects.of(town).count() == 1


def test_the_same_person_has_an_account_in_each_town(browser, town, other_town, provider):
    come_back(browser, provider)
    there = make.visitor(Client(), other_town)
    with as_town(other_town.pk):
        away = there.post(LOGIN)["Location"]
        there.get(provider.consent(away).replace("http://isle.localhost", ""))
        assert is_signed_in(there)
        assert SocialAccount.objects.count() == 1
    assert SocialAccount.objects.count() == 1


@pytest.mark.parametrize("said", [False, "false", "true", None])
def test_an_address_that_is_not_verified_must_be_confirmed(browser, town, provider, said):
    provider.claims["email_verified"] = said
    page = come_back(browser, provider)
    assert page["Location"] == "/compte/confirm-email/"
    assert not is_signed_in(browser)
    assert not EmailAddress.objects.get().verified
    browser.post("/compte/confirm-email/", {"code": letters.code()})
    assert is_signed_in(browser)


@pytest.mark.parametrize("said", [True, False])
def test_no_service_takes_over_an_account_that_stands(browser, town, provider, said):
    mine = make.resident(town, email="agathe@exemple.ca")
    provider.claims["email_verified"] = said
    come_back(browser, provider)
    assert not is_signed_in(browser)
    assert not SocialAccount.objects.exists()
    assert Resident.objects.of(town).count() == 1
    assert letters.texts()[-1].startswith("Vous avez déjà un compte")
    mine.refresh_from_db()
    assert mine.check_password(make.PASSWORD)


@pytest.mark.parametrize(
    "lies",
    [
        {"nonce": "another"},
        {"nonce": ""},
        {"exp": int(time.time()) - 3600},
        {"iss": "https://elsewhere.example"},
        {"aud": "another-client"},
        {"signed_by_another": True},
        {"unsigned": True},
        {"userinfo": {"sub": "someone-else"}},
        {"down": "/token"},
        {"down": "/keys"},
        {"down": "/userinfo"},
    ],
    ids=lambda lies: next(iter(lies)),
)
def test_a_lie_opens_nothing_and_says_so_in_french(browser, town, provider, lies):
    provider.lies = lies
    page = come_back(browser, provider)
    assert FAILED in text(page)
    assert not is_signed_in(browser)
    assert not Resident.objects.of(town).exists()


def test_a_state_of_another_browser_opens_nothing(browser, town, provider):
    away = browser.post(LOGIN)["Location"]
    back = provider.consent(away).replace("http://alma.localhost", "")
    other = make.visitor(Client(), town)
    assert FAILED in text(other.get(back))
    assert FAILED in text(browser.get(back.split("&state=")[0] + "&state=forged"))
    assert not Resident.objects.of(town).exists()


def test_coming_back_twice_with_one_code_opens_nothing_more(browser, town, provider):
    away = browser.post(LOGIN)["Location"]
    back = provider.consent(away).replace("http://alma.localhost", "")
    browser.get(back)
    browser.post("/compte/logout/")
    assert FAILED in text(browser.get(back))
    assert not is_signed_in(browser)


def test_a_service_that_is_down_says_so_before_leaving(browser, provider):
    provider.lies = {"down": "/.well-known/openid-configuration"}
    assert FAILED in text(browser.get(LOGIN))
    assert FAILED in text(browser.post(LOGIN))


def test_an_unknown_service_does_not_exist(browser):
    assert browser.get("/compte/oidc/autre/login/").status_code == 404


def test_someone_who_changes_their_mind_is_told(browser, provider):
    away = browser.post(LOGIN)["Location"]
    state = away.split("state=")[1].split("&")[0]
    page = browser.get(
        f"/compte/oidc/double/login/callback/?error=access_denied&state={state}", follow=True
    )
    assert "Connexion annulée" in text(page)


def test_a_name_of_any_length_fits(browser, town, provider):
    provider.claims |= {"given_name": "a" * 300, "family_name": "<b>" + "é" * 300}
    come_back(browser, provider)
    assert is_signed_in(browser)
    assert len(Resident.objects.of(town).get().first_name) == 80


@pytest.mark.django_db(transaction=True)
def test_while_the_service_thinks_no_connection_is_held(client, settings):
    town = municipalities.municipality("alma")
    seen: dict[str, list[str]] = {}
    with serving(settings) as provider, psycopg.connect(os.environ["DATABASE_URL"]) as watch:
        watch.autocommit = True

        def others() -> dict[int, str]:
            return dict(
                watch.execute(
                    "SELECT pid, state || ': ' || query FROM pg_stat_activity WHERE usename = "
                    "current_user AND datname = current_database() AND pid <> pg_backend_pid()"
                ).fetchall()
            )

        # What a thread of an earlier test left open is not this request's.
        left = others().keys() - {connection.connection.info.backend_pid}

        def look() -> None:
            seen[provider.calls[-1]] = [what for pid, what in others().items() if pid not in left]

        provider.while_asked = look
        browser = make.visitor(client, town)
        come_back(browser, provider)
        assert is_signed_in(browser)
    assert seen == {
        "/.well-known/openid-configuration": [],
        "/token": [],
        "/userinfo": [],
        "/keys": [],
    }
    with as_town(town.pk):
        assert Resident.objects.of(town).get().email == "agathe@exemple.ca"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("down", ["/.well-known/openid-configuration", "/token", "/keys"])
def test_a_service_that_fails_on_the_way_back_writes_nothing(client, settings, down):
    town = municipalities.municipality("alma")
    with serving(settings) as provider:
        browser = make.visitor(client, town)
        away = browser.post(LOGIN)["Location"]
        cache.clear()
        provider.lies = {"down": down}
        back = provider.consent(away).replace("http://alma.localhost", "")
        page = browser.get(back)
        assert FAILED in text(page)
        assert down in provider.calls
        # Nothing was asked for a return that this browser has already made.
        provider.calls.clear()
        assert FAILED in text(browser.get(back))
        assert provider.calls == []
    with as_town(town.pk):
        assert not Resident.objects.of(town).exists()
        assert not EmailAddress.objects.exists()
        assert not SocialAccount.objects.exists()


def test_what_the_way_back_wrote_before_it_crashed_is_undone(town, provider):
    def crash(request):
        make.resident(request.municipality)
        assert Resident.objects.of(town).exists()
        return HttpResponse(status=500)

    back = RequestFactory(headers={"host": "alma.localhost"}).get(f"{LOGIN}callback/?code=x")
    assert hasattr(view_of(back)[0], "asks_first")
    assert middleware(crash)(back).status_code == 500
    assert not Resident.objects.of(town).exists()
