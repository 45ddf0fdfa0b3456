"""Rules of the house that a linter cannot say, and who may open which door."""

from __future__ import annotations

import ast
import subprocess
import sys
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
from django.db import transaction
from django.test import Client

from parvis.announcements.models import Announcement, Attachment, Picture
from parvis.core.db import as_town
from parvis.municipalities.models import HostName
from parvis.municipalities.tests.make import NOW
from parvis.residents.models import HouseholdMember
from parvis.residents.tests import make
from tests.doors import (
    CLOSED_IN_OPEN_ROOMS,
    OPEN_DOORS,
    OPEN_ROOMS,
    Door,
    doors,
    resident_doors,
    staff_doors,
)
from tests.one_of_each import one_of_each

ROOT = Path(__file__).parent.parent
LONGEST = 400


def sources(*folders: str, suffixes: tuple[str, ...] = (".py",)):
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in suffixes and not {"vendor", "migrations"} & set(path.parts):
                yield path


# --- files ----------------------------------------------------------------------------------------


def test_no_file_is_longer_than_a_reader_can_hold():
    long = {
        str(path.relative_to(ROOT)): lines
        for path in sources("parvis", "tests", "bench", "tools", suffixes=(".py", ".js", ".html"))
        if (lines := path.read_text().count("\n")) > LONGEST
    }
    assert long == {}


FACES = (
    "views", "staff", "household_views", "feeds", "pages", "team", "town", "trail", "file_urls",
)  # fmt: skip
READ_WITHOUT_TOWN = {
    "Authenticator": "the library's table, walled through the resident's row",
    "EmailAddress": "the library's table, walled through the resident's row",
    "HostName": "not walled; another town's is tried below",
    "Municipality": "the town itself",
}


def unscoped_readings(path: Path):
    """Uses of `.objects` that do not begin with `.of(…)`."""
    tree = ast.parse(path.read_text())
    scoped = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "of"
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == "objects" and id(node) not in scoped:
            yield ast.unparse(node.value)


def test_pages_read_rows_of_their_own_town_only():
    faces = [path for path in sources("parvis") if path.stem.startswith(FACES)]
    faces = [path for path in faces if "tests" not in path.parts and "demo" not in path.parts]
    assert len(faces) > 10
    assert {use for path in faces for use in unscoped_readings(path)} <= set(READ_WITHOUT_TOWN)


def test_a_planted_fault_of_french_is_found(tmp_path):
    """Each is seen in a template and in a string; the same text corrected is not."""
    folder = tmp_path / "parvis" / "templates"
    folder.mkdir(parents=True)
    page, code = folder / "page.html", tmp_path / "parvis" / "views.py"
    command = [sys.executable, str(ROOT / "tools" / "check_french.py"), str(tmp_path / "parvis")]

    def faults(template: str, string: str) -> int:
        page.write_text(f'{{% load i18n %}}{{% translate "{template}" %}}')
        code.write_text(f"x = _({string!r})\n")
        done = subprocess.run(command, capture_output=True, text=True)
        count = 0 if "no fault" in done.stdout else int(done.stdout.splitlines()[-1].split()[0])
        assert (done.returncode == 0) == (count == 0), done.stdout + done.stderr
        return count

    fine = "Que voulez-vous faire\u202f? Écrivez-nous\u00a0: c’est «\u00a0simple\u00a0»."
    assert faults(fine, fine) == 0
    planted = (
        "Que faire ?", "Que faire?", "Ceci : cela", "Ceci: cela", "un ; deux", "« mot »",
        "10 $ de plus", "100 % gratuit", "C'est l’heure", "Votre email", "Un SMS suffit",
        "Acceptez les cookies", "Attendez...", "Un “mot”", "Ce week-end", "Cliquez ici",
    )  # fmt: skip
    for text in planted:
        assert faults(text, fine) > 0, text
        assert faults(fine, text) > 0, text


# --- doors ----------------------------------------------------------------------------------------


def test_every_door_without_a_lock_is_listed_with_its_reason():
    rooms = tuple(OPEN_ROOMS)
    found = {door.route for door in doors() if door.is_open and not door.route.startswith(rooms)}
    assert found == set(OPEN_DOORS)


def test_the_librarys_pages_about_ones_account_are_closed():
    closed = {door.route for door in doors() if not door.is_open}
    assert set(CLOSED_IN_OPEN_ROOMS) <= closed


def test_every_door_of_the_bureau_asks_for_a_role():
    bureau = {door.route for door in doors() if door.route.startswith("bureau/")}
    guarded = {door.route for door in staff_doors()}
    assert bureau - guarded == {route for route in OPEN_DOORS if route.startswith("bureau/")}


# --- who may open what ----------------------------------------------------------------------------

LOGIN, SECOND_FACTOR = "/compte/login/", "/compte/2fa/"


def knock(client: Client, address: str) -> str:
    """What a door answers, in one word; nothing stays changed behind it."""
    cookies = SimpleCookie({name: one.value for name, one in client.cookies.items()})
    with transaction.atomic():
        answer = client.get(address)
        if answer.status_code == 405:
            answer = client.post(address)
        transaction.set_rollback(True)
    client.cookies = cookies  # Some doors end the session.
    location = answer.headers.get("Location", "")
    if answer.status_code == 302 and location.startswith(LOGIN):
        return "login"
    if answer.status_code == 302 and location.startswith(SECOND_FACTOR):
        return "second factor"
    assert answer.status_code < 500, f"{address}: {answer.status_code}"
    words = {401: "login", 403: "forbidden", 404: "absent", 422: "refused"}
    return words.get(answer.status_code, "open")


def surprises(client: Client, list_of_doors: list[Door], rows, expected) -> dict[str, str]:
    """Doors that answer otherwise than expected: one word for all, or a function of the door."""
    found = {}
    for door in list_of_doors:
        said = knock(client, door.address(rows))
        wanted = expected(door) if callable(expected) else expected
        # An empty form is refused by the page behind the door: the door was open.
        if said != wanted and (said, wanted) != ("refused", "open"):
            found[door.route] = f"{said}, not {wanted}"
    return found


@pytest.fixture
def rows(town):
    made = one_of_each(town)
    made[HouseholdMember].accepted_at = NOW
    made[HouseholdMember].save()
    for number, model in enumerate((Picture, Attachment)):
        made[model].folder = f"a-folder-of-the-town-{number}"
        made[model].save()
    # It has a version: it was published.
    made[Announcement].state, made[Announcement].published_at = "published", NOW
    made[Announcement].save()
    made[HostName] = HostName.objects.get(municipality=town)
    return made


@pytest.fixture
def their_rows(other_town):
    with as_town(other_town.pk):
        made = one_of_each(other_town)
    made[HostName] = HostName.objects.get(municipality=other_town)
    return made


def opened_by(door: Door, roles: dict[str, str]) -> str:
    held = roles.get(door.room or "")
    if door.room == "" or held == "act" or (held == "see" and door.level == "see"):
        return "open"
    return "forbidden"


def test_a_visitor_is_asked_to_sign_in_at_every_closed_door(client, town, rows):
    make.visitor(client, town)
    closed = staff_doors() + resident_doors()
    assert len(closed) > 80
    assert surprises(client, closed, rows, "login") == {}


def test_a_resident_opens_no_door_of_the_bureau(client, town, rows):
    make.sign_in(client, make.resident(town), second_factor=True)
    assert surprises(client, staff_doors(), rows, "forbidden") == {}


def test_without_a_second_factor_staff_open_no_door_of_the_bureau(client, town, rows):
    make.sign_in(client, make.staff(town).person)
    assert surprises(client, staff_doors(), rows, "second factor") == {}


@pytest.mark.parametrize(
    "roles",
    [
        {},
        {"announcements": "see"},
        {"announcements": "act"},
        {"cases": "see"},
        {"cases": "act"},
        {"reservations": "see"},
        {"reservations": "act"},
        {"residents": "see"},
        {"residents": "act"},
        {"alerts": "see"},
        {"alerts": "act"},
        {"rescue": "see"},
        {"rescue": "act"},
    ],
    ids=lambda roles: " ".join(f"{room}-{level}" for room, level in roles.items()) or "none",
)
def test_a_role_opens_its_own_room_and_no_other(client, town, rows, roles):
    make.sign_in(client, make.staff(town, roles=roles).person, second_factor=True)
    assert surprises(client, staff_doors(), rows, lambda door: opened_by(door, roles)) == {}


def test_an_administrator_opens_every_door_of_their_own_town(client, town, rows):
    make.sign_in(client, make.staff(town).person, second_factor=True)
    assert surprises(client, staff_doors(), rows, "open") == {}


def test_another_towns_row_does_not_exist_for_an_administrator(client, town, their_rows):
    make.sign_in(client, make.staff(town).person, second_factor=True)
    named = [door for door in staff_doors() if door.models()]
    assert len(named) > 25
    assert surprises(client, named, their_rows, "absent") == {}


def test_a_session_carried_to_another_town_is_a_visitors_there(client, town, their_rows):
    make.sign_in(client, make.staff(town).person, second_factor=True)
    client.defaults["HTTP_HOST"] = "isle.localhost"
    closed = staff_doors() + resident_doors()
    assert surprises(client, closed, their_rows, "login") == {}


def test_a_resident_opens_their_own_doors(client, town, rows):
    make.sign_in(client, rows[make.Resident])
    assert surprises(client, resident_doors(), rows, "open") == BEHIND_THE_DOOR


BEHIND_THE_DOOR = {
    "mes-avis/choix/": "absent, not open",  # an empty form names no address
    "moi/protection/deconnecter/": "login, not open",  # that is what it is for
}


def test_another_residents_row_does_not_exist_for_a_resident(client, town, rows):
    make.sign_in(client, make.resident(town))
    named = [door for door in resident_doors() if door.models()]
    assert len(named) > 8
    found = surprises(client, named, rows, "absent")
    # Said in a sentence («cet appareil n’est plus là»), and the same whoever's it is.
    expected = {door.route: "refused, not absent" for door in named if "device" in door.route}
    # What the town lends is nobody's own: everyone with an account may wait for it.
    assert found == expected | {"reserver/<int:resource_id>/attente/": "open, not absent"}
