"""What visitors find, and how a resident reserves: pages, parts, refusals, alternatives."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from parvis.core.db import as_town
from parvis.reservations import actions, weeks
from parvis.reservations.hours import Span, wall_clock
from parvis.reservations.models import (
    Booking,
    Organisation,
    OrganisationMember,
    Question,
    Rate,
)
from parvis.reservations.readings import Line
from parvis.reservations.tests import make
from parvis.residents.tests import make as people

HOUR = timedelta(hours=1)
CONFIRM = "/reserver/confirmer/"


def at(town, hour: int, *, days: int = 3) -> datetime:
    """An hour of a day to come, by the clock of the town."""
    on = timezone.now().astimezone(town.zone).date() + timedelta(days=days)
    return wall_clock(on, time(hour), town.zone)


def text_of(answer) -> str:
    words = re.sub(r"<[^>]*>", " ", answer.content.decode())
    return re.sub(r"[\s\u00a0\u202f]+", " ", words)


def take(town, resource, start, *, hours: int = 1, quantity: int = 1) -> Booking:
    """Someone else has it."""
    return actions.book(
        resident=people.resident(town), lines=[Line(resource.pk, quantity)],
        span=Span(start, start + hours * HOUR), now=timezone.now(), accepted=True,
    )  # fmt: skip


@pytest.fixture
def person(town):
    return people.resident(town)


@pytest.fixture
def signed_in(client, person):
    return people.sign_in(client, person)


def chosen(space, *starts) -> dict:
    return {"lieu": space.pk, "h": [weeks.key(one) for one in starts]}


def fields(answer) -> dict[str, str]:
    """The hidden fields of the page that confirms."""
    found = re.findall(
        r'<input type="hidden" name="(\w+)" value="([^"]*)"', answer.content.decode()
    )
    return {name: value for name, value in found if name != "csrfmiddlewaretoken"}


# --- to choose --------------------------------------------------------------------------------


def test_the_week_shows_what_is_taken_and_offers_the_rest(client, town):
    hall = make.space(town)
    take(town, hall, at(town, 10))
    answer = people.visitor(client, town).get(hall.get_absolute_url(), {"jour": at(town, 8).date()})
    html = answer.content.decode()
    assert f'value="{weeks.key(at(town, 9))}"' in html
    assert f'value="{weeks.key(at(town, 10))}"' not in html
    assert "pris" in html


def test_the_price_comes_as_a_part_when_hours_are_ticked(client, town):
    hall = make.space(town)
    Rate.objects.create(
        municipality=town, resource=hall, unit="hour", amount=22, gst=True, qst=True
    )
    data = {"h": [weeks.key(at(town, 10)), weeks.key(at(town, 11))]}
    page = people.visitor(client, town)
    part = page.get(hall.get_absolute_url(), data, headers={"HX-Request": "true"})
    assert "<html" not in part.content.decode()
    said = text_of(part)
    assert "de 10 h à 12 h" in said
    assert "2 heures × 22 $ 44,00 $" in said
    assert "TPS 2,20 $" in said and "TVQ 4,39 $" in said and "Total 50,59 $" in said
    apart = {"h": [weeks.key(at(town, 10)), weeks.key(at(town, 14))]}
    said = text_of(page.get(hall.get_absolute_url(), apart))
    assert "Choisissez des heures qui se suivent" in said


def test_equipment_shows_what_is_left_at_the_time_that_is_said(client, town):
    tables = make.equipment(town, "Tables", total=10)
    take(town, tables, at(town, 9), hours=4, quantity=7)
    page = people.visitor(client, town)
    day = at(town, 9).astimezone(town.zone).date().isoformat()
    when = {"jour_du": day, "heure_du": "10:00", "jour_au": day, "heure_au": "12:00"}
    said = text_of(page.get("/reserver/materiel/", when))
    assert "3 disponibles à ce moment" in said
    said = text_of(page.get("/reserver/materiel/", {**when, f"q{tables.pk}": "4"}))
    assert "Il en reste 3 à ce moment : Tables" in said
    assert "Au plus près" in said
    said = text_of(page.get("/reserver/materiel/", {**when, "heure_au": "08:00"}))
    assert "La fin doit suivre le début" in said


# --- to reserve -------------------------------------------------------------------------------


def test_a_visitor_signs_in_and_comes_back_to_the_choice(client, town):
    hall = make.space(town)
    query = chosen(hall, at(town, 10), at(town, 11))
    answer = people.visitor(client, town).get(CONFIRM, query)
    assert answer.status_code == 302
    back = parse_qs(urlsplit(answer.headers["Location"]).query)["next"][0]
    assert parse_qs(urlsplit(back).query)["h"] == query["h"]


def test_a_free_place_is_reserved_in_two_steps_and_twice_is_once(signed_in, person, town):
    hall = make.space(town)
    page = signed_in.get(CONFIRM, chosen(hall, at(town, 10), at(town, 11)))
    assert "de 10 h à 12 h" in text_of(page)
    data = {**fields(page), "purpose": "Badminton", "people": "8"}
    done = signed_in.post(CONFIRM, data)
    booking = Booking.objects.of(town).get()
    assert (done.status_code, done.headers["Location"]) == (302, booking.get_absolute_url())
    assert (booking.state, booking.purpose, booking.people) == ("confirmed", "Badminton", 8)
    assert booking.span == Span(at(town, 10), at(town, 12))
    again = signed_in.post(CONFIRM, data)
    assert again.headers["Location"] == booking.get_absolute_url()
    assert Booking.objects.of(town).count() == 1


def test_an_hour_taken_meanwhile_is_refused_with_the_nearest_and_nothing_is_lost(
    signed_in, person, town
):
    hall = make.space(town)
    data = fields(signed_in.get(CONFIRM, chosen(hall, at(town, 10)))) | {"purpose": "Chorale"}
    take(town, hall, at(town, 10))
    refused = signed_in.post(CONFIRM, data)
    said = text_of(refused)
    assert refused.status_code == 422
    assert "Cette plage vient d’être prise." in said
    assert 'value="Chorale"' in refused.content.decode()
    offered = re.findall(r'name="plutot" value="([^"]+)"', refused.content.decode())
    assert f"{weeks.key(at(town, 11))}-{weeks.key(at(town, 12))}" in offered
    assert Booking.objects.of(town).filter(resident=person).count() == 0
    moved = signed_in.post(CONFIRM, {**data, "plutot": offered[-1]})
    assert moved.status_code == 200
    assert 'value="Chorale"' in moved.content.decode()
    assert signed_in.post(CONFIRM, {**fields(moved), "purpose": "Chorale"}).status_code == 302
    assert Booking.objects.of(town).get(resident=person).span == Span(at(town, 11), at(town, 12))


def test_what_is_taken_is_refused_without_a_lock_and_ones_own_is_found_again(
    signed_in, person, town
):
    hall = make.space(town)
    data = fields(signed_in.get(CONFIRM, chosen(hall, at(town, 10))))
    other = fields(signed_in.get(CONFIRM, chosen(hall, at(town, 12))))
    take(town, hall, at(town, 10))

    def locks(asked: dict) -> tuple[int, int]:
        with CaptureQueriesContext(connection) as done:
            status = signed_in.post(CONFIRM, asked).status_code
        return status, sum("FOR NO KEY UPDATE" in one["sql"] for one in done.captured_queries)

    assert locks(data) == (422, 0)
    status, taken = locks(other)
    assert status == 302 and taken
    # Sent again, its own booking takes the place: it is asked of the action, which knows the key.
    assert locks(other)[0] == 302
    assert Booking.objects.of(town).filter(resident=person).count() == 1


def test_conditions_and_questions_are_asked_before(signed_in, person, town):
    hall = make.space(town, mode="approval", conditions="Pas de feux d’artifice.", capacity=20)
    question = Question.objects.create(municipality=town, resource=hall, label="De la musique ?")
    page = signed_in.get(CONFIRM, chosen(hall, at(town, 10)))
    assert "Pas de feux d’artifice." in text_of(page)
    assert "Envoyer ma demande" in text_of(page)
    data = {**fields(page), f"question_{question.pk}": "Un piano"}
    refused = signed_in.post(CONFIRM, data)
    assert refused.status_code == 422
    assert "Acceptez les conditions" in text_of(refused)
    assert "Un piano" in refused.content.decode()
    data |= {"accepted": "on"}
    assert signed_in.post(CONFIRM, {**data, f"question_{question.pk}": ""}).status_code == 422
    assert signed_in.post(CONFIRM, {**data, "people": "21"}).status_code == 422
    assert signed_in.post(CONFIRM, {**data, "people": "20"}).status_code == 302
    booking = Booking.objects.of(town).get()
    assert (booking.state, booking.conditions) == ("asked", "Pas de feux d’artifice.")
    assert booking.answers == [{"question": "De la musique ?", "answer": "Un piano"}]


def test_several_things_are_borrowed_in_one_request(signed_in, town):
    tables, chairs = make.equipment(town, "Tables"), make.equipment(town, "Chaises", total=80)
    day = at(town, 9).astimezone(town.zone).date().isoformat()
    asked = {
        "jour_du": day, "heure_du": "09:00", "jour_au": day, "heure_au": "17:00",
        f"q{tables.pk}": "6", f"q{chairs.pk}": "40", "q": "",
    }  # fmt: skip
    page = signed_in.get(CONFIRM, asked)
    assert "6 × Tables" in text_of(page) and "40 × Chaises" in text_of(page)
    assert signed_in.post(CONFIRM, fields(page)).status_code == 302
    booking = Booking.objects.of(town).get()
    taken = {one.resource_id: one.quantity for one in booking.takings.all()}
    assert taken == {tables.pk: 6, chairs.pk: 40}
    assert booking.span == Span(at(town, 9), at(town, 17))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"q{tables}": "0"}, "Choisissez au moins une chose"),
        ({"q{tables}": "1000000000"}, "La Ville n’en prête que 10"),
        ({"q{tables}": "-3"}, "Écrivez les quantités en chiffres"),
        ({"q{tables}": "9999999999999999999999"}, "Écrivez les quantités en chiffres"),
        ({"q{theirs}": "1"}, "n’existe pas, ou n’est plus offert"),
        ({"q{space}": "1"}, "n’existe pas, ou n’est plus offert"),
        ({"jour_du": "2020-01-01", "jour_au": "2020-01-01"}, "Ce moment est passé"),
        ({"heure_au": "08:00"}, "La fin doit suivre le début"),
        ({"heure_du": "05:00"}, "Le prêt est fermé à ce moment"),
        ({"jour_du": "le 3"}, "Choisissez quand vous prenez le matériel"),
        ({"jour_du": "2027-03-14", "heure_du": "02:30", "jour_au": "2027-03-15"}, "n’existe pas"),
        ({"du": "hier", "au": "demain"}, "Cette heure n’existe pas"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(signed_in, town, other_town, changes, said):
    tables, hall = make.equipment(town, "Tables"), make.space(town)
    with as_town(other_town.pk):
        theirs = make.equipment(other_town)
    names = {"tables": tables.pk, "theirs": theirs.pk, "space": hall.pk}
    day = at(town, 9).astimezone(town.zone).date().isoformat()
    asked = {
        "jour_du": day, "heure_du": "09:00", "jour_au": day, "heure_au": "17:00",
        f"q{tables.pk}": "2",
    }  # fmt: skip
    assert signed_in.get(CONFIRM, asked).status_code == 200
    asked |= {name.format(**names): value for name, value in changes.items()}
    answer = signed_in.get(CONFIRM, asked)
    assert answer.status_code == 422
    assert said in text_of(answer)
    assert Booking.objects.of(town).count() == 0


def test_another_price_must_be_seen_before_it_is_owed(signed_in, person, town):
    hall = make.space(town)
    rate = Rate.objects.create(municipality=town, resource=hall, unit="hour", amount=20)
    data = fields(signed_in.get(CONFIRM, chosen(hall, at(town, 10))))
    rate.amount = 30
    rate.save()
    refused = signed_in.post(CONFIRM, data)
    assert refused.status_code == 422
    assert "Le prix est maintenant de 30,00 $" in text_of(refused)
    assert signed_in.post(CONFIRM, fields(refused)).status_code == 302
    assert Booking.objects.of(town).get().total == 30


def test_an_organisation_pays_its_own_price_and_strangers_may_not_speak_for_it(
    signed_in, person, town
):
    hall = make.space(town)
    for of_class, amount in (("", 20), ("non_profit", 0)):
        Rate.objects.create(
            municipality=town, resource=hall, unit="hour", amount=amount, price_class=of_class
        )
    day = timezone.now().date() + timedelta(days=90)
    clubs = [
        Organisation.objects.create(
            municipality=town, name=name, recognised_until=day, created_at=timezone.now()
        )
        for name in ("Club", "Autre club")
    ]
    OrganisationMember.objects.create(
        municipality=town, organisation=clubs[0], resident=person, created_at=timezone.now()
    )
    page = signed_in.get(CONFIRM, chosen(hall, at(town, 10)))
    assert "Autre club" not in text_of(page)
    times = f"{fields(page)['du']}-{fields(page)['au']}"
    for strange in ("9" * 5000, "x", clubs[1].pk):
        sent = {**fields(page), "organisation": strange}
        assert signed_in.post(CONFIRM, sent).status_code == 422
        assert signed_in.post(CONFIRM, {**sent, "plutot": times}).status_code == 200
    stranger = signed_in.post(CONFIRM, {**fields(page), "organisation": clubs[1].pk})
    assert stranger.status_code == 422
    mine = signed_in.post(CONFIRM, {**fields(page), "organisation": clubs[0].pk})
    assert "Le prix est maintenant de 0,00 $" in text_of(mine)
    assert signed_in.post(CONFIRM, {**fields(mine), "organisation": clubs[0].pk}).status_code == 302
    booking = Booking.objects.of(town).get()
    assert (booking.organisation, booking.total) == (clubs[0], 0)


def test_a_place_is_reserved_with_equipment_for_the_same_hours(signed_in, person, town):
    hall = make.space(town, "Gymnase")
    nets = make.equipment(town, "Filets", family="sport", total=4)
    make.equipment(town, "Chapiteau", family="tent", total=4)
    page = signed_in.get(hall.get_absolute_url(), {"h": weeks.key(at(town, 10)), f"q{nets.pk}": 2})
    said = text_of(page)
    assert "4 disponibles à ce moment" in said and "2 × Filets" in said
    assert "Chapiteau" not in said
    choice = chosen(hall, at(town, 10)) | {f"q{nets.pk}": "2"}
    assert signed_in.post(CONFIRM, fields(signed_in.get(CONFIRM, choice))).status_code == 302
    taken = Booking.objects.of(town).get().takings
    assert {(one.resource_id, one.quantity) for one in taken.all()} == {(hall.pk, 1), (nets.pk, 2)}
    too_many = chosen(hall, at(town, 10, days=4)) | {f"q{nets.pk}": "5"}
    refused = signed_in.get(CONFIRM, too_many)
    assert refused.status_code == 422
    assert "La Ville n’en prête que 4" in text_of(refused)
    back = re.search(r'href="([^"]+)">\s*Changer mon choix', refused.content.decode())[1]
    assert f"q{nets.pk}=5" in back
