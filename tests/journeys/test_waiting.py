"""A place is taken, one waits for it, it comes free, one press and it is reserved."""

from __future__ import annotations

import re

import pytest
from django.utils import timezone

from parvis.core.db import as_town
from parvis.reservations import actions, lineup, weeks
from parvis.reservations.hours import Span
from parvis.reservations.models import Booking, Wait
from parvis.reservations.readings import Line
from parvis.reservations.tests import make
from parvis.residents.tests import make as people
from tests.journeys.helpers import Keyboard, sign_in
from tests.journeys.test_reservations import EMAIL, at, looked_at, person, town

__all__ = ["person", "town"]
pytestmark = pytest.mark.browser


def taken_by_another(town, name="Salle du Pont"):
    with as_town(town.pk):
        hall = make.space(town, name)
        booked = actions.book(
            resident=people.resident(town), lines=[Line(hall.pk)],
            span=Span(at(town, 10), at(town, 11)), now=timezone.now(),
        )  # fmt: skip
    return hall, booked


def comes_free(town, booked):
    with as_town(town.pk):
        actions.cancel(booked, now=timezone.now())
    lineup.serve_town(town.pk, draw=actions.draw_up, now=timezone.now())
    with as_town(town.pk):
        return Wait.objects.of(town).get().get_absolute_url()


@pytest.mark.parametrize(("width", "scripts"), [(390, True), (1280, True), (390, False)])
def test_one_waits_for_a_full_hour_and_takes_it_when_it_is_free(
    portal, open_browser, town, person, width, scripts
):
    hall, booked = taken_by_another(town)
    page = open_browser(width=width, scripts=scripts, **({"bypass_csp": True} if scripts else {}))
    look = looked_at if scripts else (lambda _page: None)
    sign_in(page, portal, EMAIL)
    key = weeks.key(at(town, 10))
    page.goto(portal.url(f"/reserver/confirmer/?lieu={hall.pk}&h={key}"))
    look(page)
    page.get_by_role("link", name="M’avertir si une place se libère").click()
    assert page.get_by_label("À partir de").input_value() == "10:00"
    look(page)
    page.get_by_role("button", name="M’avertir").click()
    page.get_by_text("Vous êtes en tête de la liste.").wait_for()
    look(page)
    address = comes_free(town, booked)
    page.goto(portal.url("/reserver/mes-reservations/"))
    look(page)
    page.get_by_role("link", name="Salle du Pont").click()
    assert page.url.endswith(address)
    page.get_by_role("heading", name="Une place s’est libérée").wait_for()
    look(page)
    page.get_by_role("button", name="Réserver", exact=True).click()
    page.get_by_text("C’est réservé.").wait_for()
    with as_town(town.pk):
        mine = Booking.objects.of(town).get(resident=person)
        assert (mine.state, mine.span) == ("confirmed", Span(at(town, 10), at(town, 11)))


def test_with_the_keyboard_alone_one_leaves_a_place_to_the_next(portal, open_browser, town, person):
    hall, booked = taken_by_another(town)
    page = open_browser()
    sign_in(page, portal, EMAIL)
    start, end = weeks.key(at(town, 10)), weeks.key(at(town, 11))
    page.goto(portal.url(f"/reserver/{hall.pk}/attente/?du={start}&au={end}"))
    keys = Keyboard(page)
    keys.press(page.get_by_role("button", name="M’avertir"))
    page.get_by_text("Vous êtes en tête de la liste.").wait_for()
    page.goto(portal.url(comes_free(town, booked)))
    keys.press(page.get_by_role("button", name=re.compile("Laisser la place")))
    page.get_by_text("Vous n’êtes plus sur cette liste").wait_for()
    with as_town(town.pk):
        assert Wait.objects.of(town).get().state == "left"
