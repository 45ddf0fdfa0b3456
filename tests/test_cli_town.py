"""`parvis town create`, as a person types it."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from django.test import Client

from parvis.core.db import as_town
from parvis.municipalities import hosts
from parvis.municipalities.models import AuditLine, Invitation, Municipality
from parvis.municipalities.tests import make
from parvis.notifications.models import Subject
from tests.cluster import ROOT

pytestmark = pytest.mark.django_db(transaction=True)


def create(slug: str, *more: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "parvis.cli", "town", "create", slug, "--name", f"Ville de {slug}",
         "--host", f"{slug}.localhost", *more],
        cwd=ROOT, env=dict(os.environ), capture_output=True, text=True,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_a_new_town_has_its_code_its_subjects_and_a_way_in_for_its_administrator():
    code, said = create("matane", "--code", "08053", "--admin", "Lise@exemple.ca")
    assert code == 0, said
    town = Municipality.objects.get(slug="matane")
    assert (town.name, town.code) == ("Ville de matane", "08053")
    with as_town(town.pk):
        subjects = Subject.objects.of(town).values_list("name", "is_emergency")
        assert list(subjects) == [
            ("Urgences", True),
            ("Eau", False),
            ("Rues et travaux", False),
            ("Collectes", False),
            ("Loisirs et culture", False),
            ("Vie municipale", False),
        ]
        deeds = list(AuditLine.objects.of(town).values_list("deed", flat=True))
        assert deeds.count("notifications.subject_added") == 6
        invitation = Invitation.objects.of(town).get()
    assert (invitation.email, invitation.is_administrator) == ("lise@exemple.ca", True)
    link = re.search(r"http://matane\.localhost(/\S+)", said)
    assert link, said
    # Leads to the door of this invitation, by way of signing in.
    page = Client(headers={"host": "matane.localhost"}).get(link[1], follow=True)
    assert page.status_code == 200


def test_a_code_that_is_none_opens_no_town():
    code, said = create("matane", "--code", "8053", "--admin", "lise@exemple.ca")
    assert (code, "cinq chiffres" in said) == (1, True), said
    assert "est ouverte" not in said
    assert not Municipality.objects.exists()


def test_without_an_administrator_nobody_is_invited():
    code, said = create("matane")
    assert code == 0 and "Invitation" not in said, said
    town = Municipality.objects.get(slug="matane")
    with as_town(town.pk):
        assert not Invitation.objects.of(town).exists()
    code, said = create("matane")
    assert (code, "sert déjà" in said) == (1, True), said


def host(*arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "parvis.cli", "town", "host", *arguments],
        cwd=ROOT, env=dict(os.environ), capture_output=True, text=True,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_the_operator_sees_accepts_and_refuses_the_names_that_towns_claim():
    town = make.municipality("matane")
    make.municipality("isle")
    with as_town(town.pk):
        for name in ("avis.matane.exemple", "autre.matane.exemple"):
            hosts.add_host_name(town, name=name, actor=None)
    said = host("list")[1]
    assert "avis.matane.exemple (à accepter)" in said
    assert "matane.localhost (principal)" in said
    assert host("accept", "isle", "avis.matane.exemple")[0] == 1
    assert host("accept", "matane", "Avis.matane.exemple.")[0] == 0
    assert "avis.matane.exemple (sert)" in host("list", "matane")[1]
    assert host("refuse", "matane", "autre.matane.exemple")[0] == 0
    assert "autre.matane" not in host("list")[1]
    # The main name is not refused: the town would have no address.
    assert host("refuse", "matane", "matane.localhost")[0] == 1
    page = Client(headers={"host": "avis.matane.exemple"}).get("/")
    assert page.status_code == 200
