"""The pages of the waiting list: to get in line, to take a place in one press, to leave."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from parvis.reservations import actions, lineup, waiting, weeks
from parvis.reservations.hours import Span
from parvis.reservations.models import Booking, Wait
from parvis.reservations.readings import Line
from parvis.reservations.tests import make
from parvis.reservations.tests.test_pages import at, take, text_of
from parvis.residents.tests import make as people

HOUR = timedelta(hours=1)
MINE = "/reserver/mes-reservations/"


@pytest.fixture
def person(town):
    return people.resident(town)


@pytest.fixture
def page(client, person):
    return people.sign_in(client, person)


def wish(start, hours=1):
    end = start + hours * HOUR
    return {
        "first_on": f"{start:%Y-%m-%d}", "opens": f"{start:%H:%M}", "last_on": "",
        "closes": f"{end:%H:%M}",
    }  # fmt: skip


def local(town, hour):
    return at(town, hour).astimezone(town.zone)


def offered(town, room, person):
    """A place freed for the person, who waited for it."""
    taken = take(town, room, at(town, 10))
    wait = waiting.join(
        resident=person, line=Line(room.pk), span=Span(at(town, 10), at(town, 11)),
        now=timezone.now(),
    )  # fmt: skip
    actions.cancel(taken, now=timezone.now())
    lineup.serve_town(town.pk, draw=actions.draw_up, now=timezone.now())
    wait.refresh_from_db()
    return wait


def test_full_one_is_led_to_the_line_and_the_moment_is_already_written(page, person, town):
    hall = make.space(town, "Salle du Pont")
    take(town, hall, at(town, 10))
    assert f"/reserver/{hall.pk}/attente/" in page.get(f"/reserver/{hall.pk}/").content.decode()
    key = weeks.key(at(town, 10))
    refusal = page.get(f"/reserver/confirmer/?lieu={hall.pk}&h={key}")
    assert "M’avertir si une place se libère" in text_of(refusal)
    form = page.get(f"/reserver/{hall.pk}/attente/?du={key}&au={weeks.key(at(town, 11))}")
    shown = form.content.decode()
    assert 'value="10:00"' in shown and 'value="11:00"' in shown
    answer = page.post(f"/reserver/{hall.pk}/attente/", wish(local(town, 10)), follow=True)
    assert "Vous êtes en tête de la liste." in text_of(answer)
    assert "Listes d’attente" in text_of(page.get(MINE))
    assert Wait.objects.of(town).get().resident == person


def test_what_cannot_be_waited_for_is_refused_in_words(page, town):
    hall = make.space(town, "Salle du Pont")
    url = f"/reserver/{hall.pk}/attente/"
    assert page.get(f"{url}?du=hier&au=demain").status_code == 200
    for asked, said in (
        (wish(local(town, 10)), "C’est libre à ce moment"),
        (wish(local(town, 10), -1), "La fin doit suivre le début"),
        ({}, "obligatoire"),
    ):
        answer = page.post(url, asked)
        assert answer.status_code == 422
        assert said in text_of(answer)
    hall.offer_minutes = 0
    hall.save()
    assert page.get(url).status_code == 404
    assert "M’avertir" not in text_of(page.get(f"/reserver/{hall.pk}/"))
    assert not Wait.objects.of(town).exists()


def test_a_place_that_is_offered_is_reserved_in_one_press(page, person, town):
    hall = make.space(town, "Salle du Pont", conditions="Ramassez tout.")
    wait = offered(town, hall, person)
    shown = text_of(page.get(wait.get_absolute_url()))
    assert "Une place s’est libérée" in shown and "Elle est gardée pour vous" in shown
    assert not Booking.objects.of(town).filter(resident=person, state="confirmed").exists()
    refused = page.post(wait.get_absolute_url(), {"key": "k"})
    assert refused.status_code == 422
    assert "Acceptez les conditions" in text_of(refused)
    answer = page.post(wait.get_absolute_url(), {"key": "k", "accepted": "on"}, follow=True)
    assert "C’est réservé." in text_of(answer)
    again = page.post(wait.get_absolute_url(), {"key": "k", "accepted": "on"})
    assert again.status_code == 302
    assert Booking.objects.of(town).filter(resident=person, state="confirmed").count() == 1


def test_an_offer_gone_says_so_and_leaving_hands_it_on(page, person, town):
    hall = make.space(town, "Salle du Pont")
    wait = offered(town, hall, person)
    answer = page.post(f"{wait.get_absolute_url()}quitter/", follow=True)
    assert "Vous n’êtes plus sur cette liste" in text_of(answer)
    assert "Vous avez quitté cette liste" in text_of(page.get(wait.get_absolute_url()))
    late = page.post(wait.get_absolute_url(), {"key": "k"})
    assert late.status_code == 422
    assert not Booking.objects.of(town).filter(resident=person, state="confirmed").exists()


def test_another_persons_place_in_line_is_no_page(client, person, town):
    wait = offered(town, make.space(town), person)
    stranger = people.sign_in(client, people.resident(town))
    assert stranger.get(wait.get_absolute_url()).status_code == 404
    assert stranger.post(wait.get_absolute_url(), {"key": "k"}).status_code == 404
    assert stranger.post(f"{wait.get_absolute_url()}quitter/").status_code == 404
    wait.refresh_from_db()
    assert wait.state == "offered"


def test_the_bureau_sees_who_waits_in_order(client, town):
    hall = make.space(town, "Salle du Pont")
    take(town, hall, at(town, 10))
    for number, name in enumerate(("Zoé", "Anne")):
        waiting.join(
            resident=people.resident(town, first_name=name), line=Line(hall.pk),
            span=Span(at(town, 10), at(town, 11)), now=timezone.now() + number * HOUR / 60,
        )  # fmt: skip
    desk = people.sign_in(
        client, people.staff(town, roles={"reservations": "see"}).person, second_factor=True
    )
    said = text_of(desk.get("/bureau/reservations/attente/"))
    assert said.index("Zoé") < said.index("Anne")
    assert "Salle du Pont" in said
