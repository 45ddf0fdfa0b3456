"""A portal as in production, for whole journeys: web, dispatcher, mail, push, Chromium."""

from __future__ import annotations

import http.client
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

ROOT = Path(__file__).parent.parent.parent
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

FORGIVEN = re.compile("status of 4|htmx:(sendAbort|afterRequest),")
"""Refusals that a test asks for, and requests that htmx gives up for a newer one."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Portal:
    """Where the portal answers, what its mail server took in, its push service and its texts."""

    port: int
    mailbox: object
    push: object
    phones: object

    def url(self, path: str = "/", town: str = "alma") -> str:
        return f"http://{town}.localhost:{self.port}{path}"

    def letter_to(self, address: str, *, seconds: float = 10, count: int = 1):
        """The newest letter to this address, waiting for it."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            letters = self.mailbox.to(address)
            if len(letters) >= count:
                return letters[-1]
            time.sleep(0.1)
        raise AssertionError(f"no letter to {address}: {[m['To'] for m in self.mailbox.letters]}")

    def text_to(self, number: str, *, seconds: float = 15) -> str:
        """The newest text to this number, waiting for it."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if texts := self.phones.to(number):
                return texts[-1]["Body"]
            time.sleep(0.1)
        raise AssertionError(f"no text to {number}: {self.phones.asked}")

    def code_for(self, address: str, *, count: int = 1) -> str:
        """The code in the newest letter to this address, as it must be typed."""
        text = self.letter_to(address, count=count).get_body(("plain",)).get_content()
        found = re.search(r"^\s*([A-Z0-9]{3}-?[A-Z0-9]{3,6})\s*$", text, re.MULTILINE)
        assert found, text
        return found[1]


def answers(port: int) -> bool:
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False


@pytest.fixture(scope="module")
def _servers(django_db_setup) -> Iterator[Portal]:
    """For one module: a dispatcher that lived longer would take the work of later tests."""
    from parvis.notifications.tests.make import mail_server
    from parvis.notifications.tests.phone_service import PhoneService
    from parvis.notifications.tests.push_service import PushService

    port = free_port()
    with mail_server() as mailbox, PushService() as push, PhoneService() as phones:
        from django.conf import settings

        environment = os.environ | {
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(settings.EMAIL_PORT),
            "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "PUSH_CA_FILE": str(push.ca_file),
            "PUSH_PRIVATE_ADDRESSES": "1",
            "PUSH_HOSTS": push.origin.removeprefix("https://"),
            "TELEPHONY": phones.setting(),
            "PARVIS_PUBLIC_PORT": str(port),
            "DJANGO_SETTINGS_MODULE": "parvis.settings",
            "LOG_LEVEL": "WARNING",
        }
        environment.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)
        log = Path(os.environ["PARVIS_DATA"])
        log.mkdir(parents=True, exist_ok=True)
        with (log / "portal.log").open("wb") as out:
            processes = [
                subprocess.Popen(
                    [
                        sys.executable, "-m", "granian", "--interface", "asgi", "--workers", "1",
                        "--host", "127.0.0.1", "--port", str(port), "--no-ws",
                        # Open streams would keep it from stopping.
                        "--workers-kill-timeout", "2", "parvis.asgi:app",
                    ],
                    cwd=ROOT, env=environment, stdout=out, stderr=out,
                ),
                subprocess.Popen(
                    [sys.executable, "-m", "parvis.notifications"],
                    cwd=ROOT, env=environment, stdout=out, stderr=out,
                ),
            ]  # fmt: skip
            try:
                until = time.monotonic() + 30
                while not answers(port):
                    assert time.monotonic() < until, (log / "portal.log").read_text()
                    time.sleep(0.1)
                yield Portal(port, mailbox, push, phones)
            finally:
                for process in processes:
                    process.terminate()
                for process in processes:
                    process.wait(20)


@pytest.fixture
def portal(_servers: Portal, transactional_db) -> Iterator[Portal]:
    """The portal, with an empty database and an empty mailbox."""
    _servers.mailbox.letters.clear()
    _servers.phones.taken.clear()
    yield _servers


@pytest.fixture
def open_browser(browser: Browser) -> Iterator[Callable[..., Page]]:
    """`open_browser(width=390, dark=False, scripts=True)`: a new person's browser."""
    contexts: list[BrowserContext] = []

    def start(*, width: int = 390, dark: bool = False, scripts: bool = True, **more) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 844 if width < 700 else 900},
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
            locale="fr-CA",
            **more,
        )
        context.set_default_timeout(8000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on(
            "console",
            lambda said: (
                troubles.append(said.text)
                if said.type == "error" and not FORGIVEN.search(said.text)
                else None
            ),
        )
        return page

    troubles: list[str] = []
    yield start
    for context in contexts:
        context.close()
    assert not troubles, troubles


def axe(page: Page) -> list[str]:
    """What axe-core finds wrong on the page, one line each."""
    page.evaluate(AXE.read_text())
    found = page.evaluate(
        "tags => axe.run(document, "
        "{runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})",
        AXE_TAGS,
    )
    return [
        f"{page.url} {fault['id']}: {node['target']} {node['html'][:120]}"
        for fault in found["violations"]
        for node in fault["nodes"]
    ]


def fits(page: Page) -> bool:
    """Nothing to scroll sideways."""
    return page.evaluate(
        "document.documentElement.scrollWidth <= document.documentElement.clientWidth + 1"
    )
