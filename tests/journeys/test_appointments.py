"""An appointment is found, taken, moved; the desk books for a caller and notes who came."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta

import pytest
from django.utils import timezone

from parvis.core.db import as_town
from parvis.municipalities.tests import make as towns
from parvis.reservations import weeks
from parvis.reservations.hours import Span, wall_clock
from parvis.reservations.models import Booking, Taking
from parvis.reservations.tests import make
from parvis.residents.tests import make as people
from tests.journeys.helpers import Keyboard, clerk, sign_in
from tests.journeys.test_reservations import EMAIL, enter, looked_at

pytestmark = pytest.mark.browser

HALF = timedelta(minutes=30)


def at(town, hour: int, minute: int = 0, *, days: int = 2) -> datetime:
    on = timezone.now().astimezone(town.zone).date() + timedelta(days=days)
    return wall_clock(on, time(hour, minute), town.zone)


def slot(page, town, start: datetime):
    return page.locator(f'a.slot[href$="h={weeks.key(start)}"]')


@pytest.fixture
def town(portal):
    return towns.municipality()


@pytest.fixture
def person(town):
    with as_town(town.pk):
        return people.resident(town, email=EMAIL)


@pytest.fixture
def office(town):
    with as_town(town.pk):
        return make.desk(
            town, "Inspecteur en bâtiment", place="2e étage", bring="Le plan\nUne photo"
        )


@pytest.mark.parametrize("width", [390, 1280])
def test_a_visitor_finds_a_moment_signs_in_on_the_way_and_takes_it(
    portal, open_browser, town, person, office, width
):
    page = open_browser(width=width, bypass_csp=True)
    page.goto(portal.url("/reserver/?q=rendez-vous+pour+un+permis"))
    page.get_by_role("link", name="Inspecteur en bâtiment", exact=True).click()
    page.goto(f"{page.url.split('?')[0]}?jour={at(town, 10).astimezone(town.zone):%Y-%m-%d}")
    looked_at(page)
    slot(page, town, at(town, 10)).click()
    enter(page)
    page.wait_for_url("**/reserver/confirmer/**")
    assert page.get_by_text("de 10 h à 10 h 30").first.is_visible()
    looked_at(page)
    page.get_by_role("button", name="Réserver", exact=True).click()
    page.get_by_text("Choisissez comment").first.wait_for()
    page.get_by_label("En personne").check()
    page.get_by_label("De quoi voulez-vous parler").fill("Une clôture")
    page.get_by_role("button", name="Réserver", exact=True).click()
    page.get_by_text("C’est réservé.").wait_for()
    assert page.get_by_text("Une photo").is_visible()
    looked_at(page)
    letter = portal.letter_to(EMAIL)
    assert "Inspecteur en bâtiment" in str(letter["Subject"])
    page.get_by_role("link", name="Modifier").click()
    looked_at(page)
    page.locator(f'input[name="h"][value="{weeks.key(at(town, 11))}"]').check()
    page.get_by_text("de 11 h à 11 h 30").first.wait_for()
    page.get_by_role("button", name="Enregistrer").click()
    page.get_by_text("La réservation est modifiée.").wait_for()
    with as_town(town.pk):
        booking = Booking.objects.of(town).get()
        assert booking.span == Span(at(town, 11), at(town, 11) + HALF)
        assert (booking.way, booking.purpose) == ("here", "Une clôture")


def test_an_appointment_is_taken_with_the_keyboard_alone(
    portal, open_browser, town, person, office
):
    page = open_browser(width=1280)
    sign_in(page, portal, EMAIL)
    keys = Keyboard(page)
    day = f"{at(town, 9).astimezone(town.zone):%Y-%m-%d}"
    page.goto(portal.url(f"/reserver/{office.pk}/?jour={day}"))
    keys.press(slot(page, town, at(town, 9)))
    page.wait_for_url("**/confirmer/**")
    keys.press(page.get_by_label("En personne"), "Space")
    keys.write(page.get_by_label("De quoi voulez-vous parler"), "Piscine")
    keys.press(page.get_by_role("button", name="Réserver", exact=True))
    page.get_by_text("C’est réservé.").wait_for()
    with as_town(town.pk):
        assert Booking.objects.of(town).get().purpose == "Piscine"


def test_without_scripts_it_is_taken_then_moved(portal, open_browser, town, person, office):
    page = open_browser(scripts=False)
    sign_in(page, portal, EMAIL)
    day = f"{at(town, 9).astimezone(town.zone):%Y-%m-%d}"
    page.goto(portal.url(f"/reserver/{office.pk}/?jour={day}"))
    slot(page, town, at(town, 9)).click()
    page.get_by_label("En personne").check()
    page.get_by_role("button", name="Réserver", exact=True).click()
    assert page.get_by_text("C’est réservé.").is_visible()
    page.get_by_role("link", name="Modifier").click()
    page.locator(f'input[name="h"][value="{weeks.key(at(town, 14, 30))}"]').check()
    page.get_by_role("button", name="Enregistrer").click()
    assert page.get_by_text("de 14 h 30 à 15 h").is_visible()


@pytest.mark.parametrize("width", [390, 1280])
def test_the_clerk_books_for_a_caller_and_notes_who_came(
    portal, open_browser, town, person, office, width
):
    with as_town(town.pk):
        clerk(town).roles.create(municipality=town, room="reservations", level="act")
        agathe = make.booking(
            office, person, Span(at(town, 10), at(town, 10) + HALF), now=timezone.now(),
            way="here",
        )  # fmt: skip
        # Its day has come.
        now = timezone.now()
        period = (now - HALF, now + HALF)
        Booking.objects.of(town).filter(pk=agathe.pk).update(period=period)
        Taking.objects.of(town).filter(booking=agathe).update(period=period, blocked=period)
    page = open_browser(width=width, bypass_csp=True)
    sign_in(page, portal, "camille@exemple.ca")
    page.goto(portal.url(f"/bureau/reservations/comptoir/{person.pk}/{office.pk}/"))
    looked_at(page)
    page.locator("a.slot").first.click()
    page.get_by_label("Façon de se rencontrer").select_option("phone")
    page.get_by_role("button", name="Réserver", exact=True).click()
    page.get_by_text("C’est réservé, et la personne en est avertie.").wait_for()
    on = (now - HALF).astimezone(town.zone).date()
    page.goto(portal.url(f"/bureau/reservations/agenda/?jour={on}"))
    looked_at(page)
    page.get_by_role("button", name=re.compile("^Arrivé")).first.click()
    page.get_by_text("C’est noté.").wait_for()
    page.get_by_role("button", name=re.compile("^Servi")).first.click()
    page.wait_for_function("document.body.innerText.includes('Reprendre')")
    looked_at(page)
    with as_town(town.pk):
        assert Booking.objects.of(town).get(pk=agathe.pk).presence == "served"
