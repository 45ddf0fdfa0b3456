"""Signing up and in, as a visitor of one town meets it."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from allauth.account.models import EmailAddress
from django.db import connection
from django.test import Client

from parvis.core.db import as_town
from parvis.municipalities.models import AuditLine
from parvis.municipalities.tests import make as towns
from parvis.notifications.models import Message
from parvis.residents.models import Place, Resident
from parvis.residents.tests import make

NEW = {
    "first_name": "Agathe",
    "last_name": "Côté-L’Écuyer",
    "email": "Agathe@Exemple.ca",
    "password1": "trois bacs bleus au chemin",
}


def letters() -> list[str]:
    """Texts of the letters, oldest first."""
    return [
        f"{message.content['fr']['title']}\n{message.content['fr']['text']}"
        for message in Message.objects.filter(kind="letter").order_by("id")
    ]


def code() -> str:
    found = re.findall(r"^\s+(\d{6})$", letters()[-1], re.MULTILINE)
    assert found, letters()[-1]
    return found[0]


def wrong(right: str) -> str:
    return f"{(int(right) + 1) % 1_000_000:06d}"


def sign_up(client: Client, **changes: str):
    return client.post("/compte/signup/", NEW | changes)


def test_a_visitor_signs_up_and_enters_with_the_code(client, town):
    make.visitor(client, town)
    page = sign_up(client)
    assert page.status_code == 302
    assert page["Location"] == "/compte/confirm-email/"
    page = client.post("/compte/confirm-email/", {"code": code()})
    assert page.status_code == 302

    person = Resident.objects.of(town).get()
    assert (person.email, person.name) == ("agathe@exemple.ca", "Agathe Côté-L’Écuyer")
    assert client.get("/moi/").status_code == 200
    assert EmailAddress.objects.get().verified
    assert [(p.kind, p.address) for p in Place.objects.of(town)] == [("home", None)]
    assert AuditLine.objects.of(town).filter(deed="residents.joined").count() == 1
