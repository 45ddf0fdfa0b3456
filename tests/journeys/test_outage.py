"""The database goes away for some seconds: a clear sentence meanwhile, nothing lost, no restart.

The portal and its database are this test's own: other tests share the cluster of the suite.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from parvis.core import embedded
from tests.journeys.conftest import ROOT, Portal, answers, free_port
from tests.journeys.helpers import ask, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.crash]

AWAY = 8.0
QUIET = {"say": lambda sentence: None}
FILL = "import django; django.setup(); from tests.journeys.test_outage import fill; fill()"


def fill() -> None:
    """Run in a process of its own, on the database of this test: a town, a clerk, a follower."""
    from django.core.management import call_command

    from parvis.announcements.tests import make as announcements
    from parvis.core.db import as_town
    from parvis.municipalities.tests import make as towns
    from parvis.notifications.tests import make as notices
    from parvis.residents.tests import make
    from tests.journeys.helpers import clerk

    call_command("collectstatic", interactive=False, verbosity=0)
    call_command("migrate", database="owner", verbosity=0)
    town = towns.municipality()
    with as_town(town.pk):
        water = notices.subject(town, "Eau")
        person = clerk(town).person
        notices.subscription(make.resident(town, email="agathe@exemple.ca"), water)
        announcements.draft(town, actor=person, title="Eau brune", subject=water)


@contextmanager
def own_portal(folder: Path) -> Iterator[tuple[Portal, list[subprocess.Popen[bytes]]]]:
    """Web and dispatcher as in production (pooled connections), on a cluster under this folder."""
    from django.conf import settings

    from parvis.notifications.tests.make import mail_server

    cluster, port = embedded.start(folder / "data", **QUIET), free_port()
    with mail_server() as mailbox, (folder / "portal.log").open("wb") as out:
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("DATABASE_", "PARVIS_", "DJANGO_"))
        } | {
            "PARVIS_HTTPS": "0", "SECRET_KEY": "of-the-outage",
            "PARVIS_DATA": str(folder / "data"),
            "PARVIS_STATIC": str(folder / "static"), "PARVIS_PUBLIC_PORT": str(port),
            "DATABASE_URL": cluster.dsn("app"), "DATABASE_OWNER_URL": cluster.dsn("owner"),
            "SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(settings.EMAIL_PORT),
            "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "DJANGO_SETTINGS_MODULE": "parvis.settings", "LOG_LEVEL": "WARNING",
        }  # fmt: skip
        subprocess.run(
            [sys.executable, "-c", FILL],
            cwd=ROOT, env=environment | {"DATABASE_POOLED": "0"}, check=True, timeout=120,
        )  # fmt: skip
        web = ["granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", str(port)]
        web += ["--no-ws", "--workers-kill-timeout", "2", "parvis.asgi:app"]
        processes = [
            subprocess.Popen(
                [sys.executable, "-m", *command], cwd=ROOT, env=environment, stdout=out, stderr=out
            )
            for command in (web, ["parvis.notifications"])
        ]
        try:
            until = time.monotonic() + 30
            while not answers(port):
                assert time.monotonic() < until, (folder / "portal.log").read_text()
                time.sleep(0.1)
            yield Portal(port, mailbox, None, None), processes
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait(20)
            embedded.stop(folder / "data", mode="immediate")


def test_a_database_that_goes_away_loses_nothing(tmp_path, browser):
    with own_portal(tmp_path) as (portal, processes):
        # An outage is an error on the console, which `open_browser` does not forgive.
        desk = browser.new_page(locale="fr-CA", viewport={"width": 1280, "height": 900})
        visitor = browser.new_page(locale="fr-CA")
        sign_in(desk, portal, "camille@exemple.ca")
        desk.goto(portal.url("/bureau/avis/"))
        desk.get_by_role("link", name="Modifier").first.click()
        text = desk.get_by_label("Texte", exact=True)
        text.fill("Avant la panne.")
        desk.get_by_text("Enregistré à").wait_for()
        visitor.goto(portal.url("/avis/"))
        visitor.wait_for_timeout(1000)
        # Away.
        embedded.stop(tmp_path / "data", mode="immediate")
        began = time.monotonic()
        text.fill("Avant la panne. Pendant la panne.")
        for path in ("/", "/avis/", "/bureau/avis/", "/compte/login/"):
            status, page = ask(portal, path)
            assert status == 503, (path, status)
            assert "ne répond pas" in page
            assert re.search(r"donnez ce numéro.*[0-9A-F]{8}", page), page
            assert "Traceback" not in page
            assert "psycopg" not in page
        desk.get_by_text("Votre texte reste ici").wait_for(timeout=15000)
        time.sleep(max(0, AWAY - (time.monotonic() - began)))
        # Back.
        embedded.start(tmp_path / "data", **QUIET)
        back = time.monotonic()
        desk.get_by_text("Enregistré à").wait_for(timeout=20000)
        assert text.input_value() == "Avant la panne. Pendant la panne."
        statuses = [ask(portal, path)[0] for path in ["/", "/avis/", "/compte/login/"] * 6]
        assert set(statuses) == {200}, statuses
        desk.reload()
        assert text.input_value() == "Avant la panne. Pendant la panne."
        desk.get_by_role("button", name="Relire et publier").click()
        desk.get_by_role("button", name="Publier", exact=True).click()
        desk.get_by_role("heading", name="Preuve d’envoi").wait_for()
        # The streams and the dispatcher found their way back by themselves.
        visitor.get_by_role("link", name="Eau brune").wait_for()
        letter = portal.letter_to("agathe@exemple.ca", seconds=20)
        assert "Pendant la panne" in letter.get_body(("plain",)).get_content()
        assert time.monotonic() - back < 60
        assert [process.poll() for process in processes] == [None, None]
        for page in (desk, visitor):
            page.context.close()
