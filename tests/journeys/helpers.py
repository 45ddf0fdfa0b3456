"""What several journeys do: enter, walk by the keyboard, receive pushes, ask without a browser."""

from __future__ import annotations

import http.client
import re
import time
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Locator, Page

from parvis.core import secret
from parvis.municipalities import actions as municipalities
from parvis.municipalities.models import PushKey, StaffMember
from parvis.municipalities.tests.make import NOW
from parvis.notifications.channels.webpush_crypto import decode
from parvis.residents.tests import make

PASSWORD = "trois bacs bleus au chemin"
TOTP_SECRET = "PARVISJOURNEYSOFTHETESTSUITEABCD"
HOME = re.compile(r"localhost:\d+/$")

PUSH_OF_A_BROWSER = """
// A closed network has no push service: the browser's part is played here, the rest is real.
const point = new Uint8Array(%s), auth = new Uint8Array(%s);
let subscription = null;
Notification.requestPermission = async () => "granted";
PushManager.prototype.subscribe = async ({ applicationServerKey }) => subscription = {
  endpoint: "%s", options: { applicationServerKey: applicationServerKey.buffer },
  getKey: (name) => (name === "auth" ? auth : point).buffer, unsubscribe: async () => true,
};
PushManager.prototype.getSubscription = async () => subscription;
"""


def clerk(town, email: str = "camille@exemple.ca") -> StaffMember:
    """Someone who may publish, and enters with a password and the code of an application."""
    from allauth.mfa.models import Authenticator

    person = make.resident(town, email=email, first_name="Camille")
    enciphered = secret.encipher("mfa", TOTP_SECRET.encode()).decode()
    Authenticator.objects.create(
        user=person, type=Authenticator.Type.TOTP, data={"secret": enciphered}
    )
    return municipalities.add_staff(
        town, person=person, now=NOW, roles={"announcements": "act"}, is_administrator=False
    )


def totp() -> str:
    """What the clerk's application shows now."""
    from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value

    return format_hotp_value(hotp_value(TOTP_SECRET, int(time.time()) // 30))


def sign_up(page: Page, portal, email: str, *, town: str = "alma") -> None:
    page.goto(portal.url("/compte/signup/", town))
    page.get_by_label("Prénom").fill("Agathe")
    page.get_by_label("Nom", exact=True).fill("Tremblay")
    page.get_by_label("Courriel").fill(email)
    page.get_by_label("Mot de passe").fill(PASSWORD)
    page.get_by_role("button", name="Ouvrir mon compte").click()
    page.get_by_label("Code à 6 chiffres").fill(portal.code_for(email))
    page.get_by_role("button", name="Continuer").click()
    page.wait_for_url(HOME)


def sign_in(page: Page, portal, email: str, *, town: str = "alma") -> None:
    """With the password, and the code of the application when the portal asks for it."""
    page.goto(portal.url("/compte/login/", town))
    page.get_by_label("Votre courriel").fill(email)
    page.get_by_label("Mot de passe", exact=True).fill(make.PASSWORD)
    page.get_by_role("button", name="Se connecter", exact=True).click()
    page.wait_for_url(lambda url: "/compte/login/" not in url)
    if "/2fa/authenticate/" in page.url:
        page.locator("#id_code").fill(totp())
        page.locator("#id_code").press("Enter")
        page.wait_for_url(lambda url: "/2fa/authenticate/" not in url)


class Keyboard:
    """Someone without a mouse: what is not reached by Tab is not there."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def to(self, target: Locator, *, most: int = 120) -> None:
        """Press Tab until the target has the focus, seen and not hidden under anything."""
        target.wait_for()
        for _ in range(most):
            if target.evaluate("each => each === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab never reaches {target}")

    def write(self, target: Locator, words: str) -> None:
        self.to(target)
        self.page.keyboard.type(words)

    def press(self, target: Locator, key: str = "Enter") -> None:
        self.to(target)
        self.page.keyboard.press(key)


@dataclass
class PushAddress:
    """One browser's address at the push service of the tests."""

    service: Any
    endpoint: str

    def messages(self, *, count: int = 1, seconds: float = 10) -> list[Any]:
        """What the service decrypted for this browser, waiting for so many."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            found = self.service.messages(self.endpoint)
            if len(found) >= count:
                return found
            time.sleep(0.05)
        raise AssertionError(f"no push; faults of the sender: {self.service.faults}")


def with_push(page: Page, portal, town) -> PushAddress:
    """A browser that would be given an address at the push service, for this town's key alone."""
    key = PushKey.objects.of(town).get(retired_at__isnull=True)
    endpoint, p256dh, auth = portal.push.new_subscription(sender_key=key.public)
    page.add_init_script(PUSH_OF_A_BROWSER % (list(decode(p256dh)), list(decode(auth)), endpoint))
    return PushAddress(portal.push, endpoint)


def ask(
    portal, path: str, *, town: str = "alma", method: str = "GET", body: str = "", cookie: str = ""
) -> tuple[int, str]:
    """A request without a browser: status and text."""
    connection = http.client.HTTPConnection("127.0.0.1", portal.port, timeout=10)
    headers = {"Host": f"{town}.localhost:{portal.port}"}
    if cookie:
        headers["Cookie"] = cookie
    if body:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    connection.request(method, path, body=body or None, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read().decode(errors="replace")
