"""A room is reserved, tables are borrowed, a request is accepted, one changes one's mind."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta

import pytest
from django.utils import timezone

from parvis.core.db import as_town
from parvis.municipalities.tests import make as towns
from parvis.reservations import actions, decisions, weeks
from parvis.reservations.hours import Span, wall_clock
from parvis.reservations.models import Booking, Rate
from parvis.reservations.readings import Line
from parvis.reservations.tests import make
from parvis.residents.tests import make as people
from tests.journeys.conftest import axe, fits
from tests.journeys.helpers import Keyboard, clerk, sign_in
from tests.journeys.test_pwa import CONTROLLED

pytestmark = pytest.mark.browser

HOUR = timedelta(hours=1)
EMAIL = "agathe@exemple.ca"


def at(town, hour: int, *, days: int = 2) -> datetime:
    on = timezone.now().astimezone(town.zone).date() + timedelta(days=days)
    return wall_clock(on, time(hour), town.zone)


def day(town, *, days: int = 2) -> str:
    return f"{at(town, 12, days=days).astimezone(town.zone):%Y-%m-%d}"


@pytest.fixture
def town(portal):
    return towns.municipality()


@pytest.fixture
def person(town):
    with as_town(town.pk):
        return people.resident(town, email=EMAIL)


def enter(page) -> None:
    """Sign in on the page that asks for it, without leaving the way."""
    page.get_by_label("Votre courriel").fill(EMAIL)
    page.get_by_label("Mot de passe", exact=True).fill(people.PASSWORD)
    page.get_by_role("button", name="Se connecter", exact=True).click()


def looked_at(page) -> None:
    """No fault for axe, nothing to scroll sideways."""
    assert axe(page) == []
    assert fits(page)


def slot(page, town, hour: int, *, days: int = 2):
    return page.locator(f'input[name="h"][value="{weeks.key(at(town, hour, days=days))}"]')


@pytest.mark.parametrize("width", [390, 1280])
def test_a_visitor_finds_a_room_signs_in_on_the_way_and_reserves_it(
    portal, open_browser, town, person, width
):
    with as_town(town.pk):
        make.space(town, "Salle du Pont", capacity=60, conditions="Pas de confettis.")
        make.space(town, "Petit local", capacity=8)
    page = open_browser(width=width, bypass_csp=True)
    page.goto(portal.url("/reserver/"))
    looked_at(page)
    page.get_by_label("De quoi avez-vous besoin").fill("un local pour 40 personnes")
    page.get_by_role("button", name="Chercher", exact=True).last.click()
    page.get_by_role("link", name="Salle du Pont", exact=True).wait_for()
    assert page.get_by_text("Petit local").count() == 0
    page.get_by_role("link", name="Salle du Pont", exact=True).click()
    page.goto(f"{page.url.split('?')[0]}?jour={day(town)}")
    for hour in (10, 11):
        slot(page, town, hour).check()
    page.get_by_text("de 10 h à 12 h").wait_for()
    page.get_by_text("Gratuit", exact=True).last.wait_for()
    looked_at(page)
    page.get_by_role("button", name="Continuer").click()
    enter(page)
    page.wait_for_url("**/reserver/confirmer/**")
    assert page.get_by_text("de 10 h à 12 h").is_visible()
    looked_at(page)
    page.get_by_role("button", name="Réserver", exact=True).click()
    page.get_by_text("Acceptez les conditions").first.wait_for()
    page.get_by_label("J’accepte ces conditions").check()
    page.get_by_role("button", name="Réserver", exact=True).click()
    page.get_by_text("C’est réservé.").wait_for()
    looked_at(page)
    letter = portal.letter_to(EMAIL)
    assert "Salle du Pont" in str(letter["Subject"])
    with as_town(town.pk):
        booking = Booking.objects.of(town).get()
        assert booking.span == Span(at(town, 10), at(town, 12))
    page.goto(portal.url("/"))
    assert page.get_by_role("link", name="Salle du Pont").is_visible()


def test_tables_and_chairs_are_borrowed_together_then_changed_then_cancelled(
    portal, open_browser, town, person
):
    with as_town(town.pk):
        tables, chairs = (
            make.equipment(town, "Tables", total=10),
            make.equipment(town, "Chaises", total=80),
        )
        Rate.objects.create(municipality=town, resource=tables, unit="item", amount=2)
    page = open_browser(width=1280, bypass_csp=True)
    sign_in(page, portal, EMAIL)
    page.goto(portal.url("/reserver/materiel/"))
    looked_at(page)
    page.get_by_label("Combien : Tables").fill("12")
    for group, hour in (("Je prends", "09:00"), ("Je rapporte", "17:00")):
        box = page.get_by_role("group", name=group)
        box.get_by_label("Jour").fill(day(town))
        box.get_by_label("Heure").fill(hour)
    page.get_by_label("Combien : Chaises").fill("40")
    page.get_by_label("Combien : Chaises").blur()
    page.get_by_text("La Ville n’en prête que 10").wait_for()
    page.get_by_label("Combien : Tables").fill("6")
    page.get_by_label("Combien : Tables").blur()
    page.get_by_text("12,00 $").first.wait_for()
    page.get_by_text("80 disponibles à ce moment").wait_for()
    looked_at(page)
    page.get_by_role("button", name="Continuer").click()
    page.get_by_label("Pour quelle activité").fill("Épluchette")
    page.get_by_role("button", name="Réserver", exact=True).click()
    page.get_by_text("C’est réservé.").wait_for()
    page.get_by_role("link", name="Modifier").click()
    looked_at(page)
    page.get_by_label("Chaises").fill("30")
    page.get_by_label("Chaises").blur()
    page.get_by_role("button", name="Enregistrer").click()
    page.get_by_text("La réservation est modifiée.").wait_for()
    with as_town(town.pk):
        taken = Booking.objects.of(town).get().takings.filter(stands=True)
        assert {one.resource_id: one.quantity for one in taken} == {tables.pk: 6, chairs.pk: 30}
    page.get_by_role("link", name="Annuler").click()
    looked_at(page)
    page.get_by_role("button", name="Annuler la réservation").click()
    page.get_by_text("La réservation est annulée.").wait_for()
    looked_at(page)
    with as_town(town.pk):
        assert Booking.objects.of(town).get().state == "cancelled"


def test_an_hour_taken_meanwhile_costs_one_press_and_no_word(portal, open_browser, town, person):
    with as_town(town.pk):
        hall = make.space(town, "Salle du Pont")
    page = open_browser(bypass_csp=True)
    sign_in(page, portal, EMAIL)
    page.goto(portal.url(f"/reserver/confirmer/?lieu={hall.pk}&h={weeks.key(at(town, 10))}"))
    page.get_by_label("Pour quelle activité").fill("Chorale")
    with as_town(town.pk):
        actions.book(
            resident=people.resident(town), lines=[Line(hall.pk)],
            span=Span(at(town, 10), at(town, 11)), now=timezone.now(),
        )  # fmt: skip
    page.get_by_role("button", name="Réserver", exact=True).click()
    page.get_by_text("Cette plage vient d’être prise").wait_for()
    looked_at(page)
    page.get_by_role("button", name=re.compile("de 11 h à 12 h")).click()
    page.get_by_text("de 11 h à 12 h").first.wait_for()
    page.get_by_role("heading", name="Au plus près").wait_for(state="detached")
    assert page.get_by_label("Pour quelle activité").input_value() == "Chorale"
    page.get_by_role("button", name="Réserver", exact=True).dblclick()
    page.get_by_text("C’est réservé.").wait_for()
    with as_town(town.pk):
        mine = Booking.objects.of(town).get(resident=person)
        assert (mine.purpose, mine.span) == ("Chorale", Span(at(town, 11), at(town, 12)))


def test_a_request_waits_for_the_town_and_its_answer_is_read(portal, open_browser, town, person):
    with as_town(town.pk):
        hall = make.space(town, "Salle du Pont", mode="approval")
        author = clerk(town).person
    page = open_browser(bypass_csp=True)
    sign_in(page, portal, EMAIL)
    page.goto(portal.url(f"/reserver/{hall.pk}/?h={weeks.key(at(town, 10))}"))
    page.get_by_role("button", name="Continuer").click()
    page.get_by_role("button", name="Envoyer ma demande").click()
    page.get_by_text("Votre demande est envoyée").wait_for()
    assert page.get_by_text("En attente d’une réponse").is_visible()
    with as_town(town.pk):
        booking = Booking.objects.of(town).get()
        decisions.approve(booking, clerk=author, now=timezone.now(), note="La clé est au comptoir.")
    page.reload()
    assert page.get_by_text("Confirmée").is_visible()
    assert page.get_by_text("La clé est au comptoir.").is_visible()
    looked_at(page)


def test_everything_works_without_scripts(portal, open_browser, town, person):
    with as_town(town.pk):
        make.space(town, "Salle du Pont")
        tables = make.equipment(town, "Tables")
    page = open_browser(scripts=False)
    sign_in(page, portal, EMAIL)
    page.goto(portal.url(f"/reserver/?jour={day(town)}&quoi=room"))
    page.get_by_role("link", name=re.compile("de 10 h à 11 h")).click()
    assert page.get_by_text("de 10 h à 11 h").is_visible()
    page.get_by_role("button", name="Continuer").click()
    page.get_by_role("button", name="Réserver", exact=True).click()
    assert page.get_by_text("C’est réservé.").is_visible()
    page.get_by_role("link", name="Modifier").click()
    slot(page, town, 10).uncheck()
    slot(page, town, 14).check()
    page.get_by_role("button", name="Enregistrer").click()
    assert page.get_by_text("de 14 h à 15 h").is_visible()
    page.goto(
        portal.url(f"/reserver/materiel/?q{tables.pk}=4&jour_du={day(town)}&jour_au={day(town)}")
    )
    page.get_by_role("group", name="Je prends").get_by_label("Heure").fill("09:00")
    page.get_by_role("group", name="Je rapporte").get_by_label("Heure").fill("12:00")
    page.get_by_role("button", name="Voir ce qui reste et le prix").click()
    assert page.get_by_text("10 disponibles à ce moment").is_visible()
    page.get_by_role("button", name="Continuer").click()
    page.get_by_role("button", name="Réserver", exact=True).click()
    assert page.get_by_text("C’est réservé.").is_visible()


def test_a_room_is_reserved_with_the_keyboard_alone(portal, open_browser, town, person):
    with as_town(town.pk):
        hall = make.space(town, "Salle du Pont", conditions="Pas de confettis.")
    page = open_browser(width=1280)
    sign_in(page, portal, EMAIL)
    keys = Keyboard(page)
    page.goto(portal.url(f"/reserver/{hall.pk}/?jour={day(town)}"))
    keys.press(slot(page, town, 8), "Space")
    keys.press(slot(page, town, 9), "Space")
    page.get_by_text("de 8 h à 10 h").wait_for()
    keys.press(page.get_by_role("button", name="Continuer"))
    page.wait_for_url("**/confirmer/**")
    keys.write(page.get_by_label("Pour quelle activité"), "Tricot")
    keys.press(page.get_by_label("J’accepte ces conditions"), "Space")
    keys.press(page.get_by_role("button", name="Réserver", exact=True))
    page.get_by_text("C’est réservé.").wait_for()
    with as_town(town.pk):
        assert Booking.objects.of(town).get().purpose == "Tricot"


def test_what_is_shown_at_the_door_needs_no_network_until_one_signs_out(
    portal, browser, town, person
):
    with as_town(town.pk):
        hall = make.space(town, "Salle du Pont")
        booking, other = (
            actions.book(
                resident=person, lines=[Line(hall.pk)],
                span=Span(at(town, hour), at(town, hour + 1)), now=timezone.now(),
            )
            for hour in (10, 14)
        )  # fmt: skip
    # Losing the network is an error on the console, which `open_browser` does not forgive.
    page = browser.new_page(locale="fr-CA")
    sign_in(page, portal, EMAIL)
    page.goto(portal.url("/"))
    page.wait_for_function(CONTROLLED)
    door = portal.url(f"{booking.get_absolute_url()}porte/")
    page.goto(door)
    page.context.set_offline(True)
    page.goto(door)
    assert page.get_by_text(booking.code).is_visible()
    page.goto(portal.url(f"{other.get_absolute_url()}porte/"))
    assert page.get_by_text(other.code).count() == 0
    page.context.set_offline(False)
    page.goto(portal.url("/compte/logout/"))
    page.get_by_role("button", name=re.compile("déconnecter|quitter", re.I)).first.click()
    page.wait_for_url(lambda url: "logout" not in url)
    page.context.set_offline(True)
    page.goto(door)
    assert page.get_by_text(booking.code).count() == 0
    page.context.set_offline(False)
    page.context.close()
