"""The door-to-door round: which doors, in which order, and a tick that stays written."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from parvis.alerts import answers, rounds, rules
from parvis.alerts.models import Revision, Visit
from parvis.alerts.tests import alerts
from parvis.announcements.tests import make as places
from parvis.core.errors import Refused
from parvis.municipalities.models import AuditLine
from parvis.residents.tests import make
from parvis.territory.models import Address

pytestmark = pytest.mark.django_db


@pytest.fixture
def now():
    return timezone.now()


def door(town, sector, number, street="rue Collard", **facts) -> Address:
    return Address.objects.create(
        municipality=town, number=number, street=street, sector=sector, **facts
    )


def desk_of(member) -> Client:
    return make.sign_in(Client(), member.person, second_factor=True)


@pytest.fixture
def rescuer(town):
    return make.staff(town, roles={"rescue": "act"}, first_name="Bruno", last_name="Gagnon")


@pytest.fixture
def north(town):
    return places.sector(town, "Nord")


def newest(alert) -> Revision:
    return alert.revisions.sent().order_by("-number").first()


def sent_to(town, sector, now):
    """In force in the sector; the one person whom it reaches has answered."""
    lives = make.resident(town, address=door(town, sector, "88", "rue Price"))
    alert = alerts.sent(town, now=now, sector_ids=[sector.pk])
    answers.answer(alert, resident=lives, kind="seen", now=now)
    return alert


def text_of(response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def test_the_round_is_the_doors_never_reached_as_one_walks(town, north, now):
    homes = {number: door(town, north, number) for number in ("2", "1", "4", "3", "10")}
    first = door(town, north, "7", "avenue du Pont")
    door(town, places.sector(town, "Sud", at=1), "9")
    answered = make.resident(town, address=homes["4"])
    alert = alerts.sent(town, now=now, sector_ids=[north.pk])
    answers.answer(alert, resident=answered, kind="safe", now=now)
    found = rounds.doors(alert, newest(alert))
    assert [one.label for one in found] == [
        "7, avenue du Pont", "1, rue Collard", "3, rue Collard", "10, rue Collard",
        "2, rue Collard",
    ]  # fmt: skip
    key = homes["1"].street_key
    assert len(rounds.doors(alert, newest(alert), street=key)) == 4
    far = rounds.progress(alert, newest(alert))
    assert (far.doors, far.done, far.left) == (5, 0, 5)
    assert [(one.key, one.doors) for one in far.streets] == sorted(
        [(first.street_key, 1), (key, 4)]
    )


def test_a_door_that_is_done_stays_on_the_list_and_the_newest_visit_says_how_it_is(
    town, north, now, rescuer
):
    home = door(town, north, "1")
    alert = sent_to(town, north, now)
    for found, done, noticed in (
        ("notice", 0, 1), ("warned", 1, 0), ("again", 0, 0), ("empty", 1, 0),
    ):  # fmt: skip
        rounds.visit(alert, home, found=found, member=rescuer, now=now)
        far = rounds.progress(alert, newest(alert))
        assert (far.doors, far.done, far.noticed) == (1, done, noticed), found
    # Somebody there answers later: the door was visited all the same.
    person = make.resident(town, address=home)
    answers.answer(alert, resident=person, kind="seen", now=now)
    assert rounds.progress(alert, newest(alert)).doors == 1


def test_every_tick_is_traced_once_and_never_changes(town, north, now, rescuer):
    home = door(town, north, "1")
    alert = sent_to(town, north, now)
    written = rounds.visit(alert, home, found="warned", member=rescuer, now=now)
    again = rounds.visit(alert, home, found="warned", member=rescuer, now=now)
    assert again.pk == written.pk
    other = make.staff(town, roles={"rescue": "act"})
    rounds.visit(alert, home, found="warned", member=other, now=now)
    assert list(Visit.objects.of(town).order_by("pk").values_list("by_id", flat=True)) == [
        rescuer.person_id, other.person_id,
    ]  # fmt: skip
    lines = AuditLine.objects.of(town).filter(deed="alerts.door_visited").order_by("pk")
    assert [line.actor_id for line in lines] == [rescuer.person_id, other.person_id]
    assert lines[0].facts == {"alert": alert.pk, "address": home.pk, "found": "warned"}
    for sql in ("UPDATE alerts_visit SET found = 'empty'", "DELETE FROM alerts_visit"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)


def test_what_is_not_of_the_round_is_refused_in_a_sentence(town, north, now, rescuer):
    elsewhere = door(town, places.sector(town, "Sud", at=1), "9")
    home = door(town, north, "1")
    alert = sent_to(town, north, now)
    with pytest.raises(Refused, match="dans la zone"):
        rounds.visit(alert, elsewhere, found="warned", member=rescuer, now=now)
    with pytest.raises(Refused, match="Choisissez"):
        rounds.visit(alert, home, found="autre", member=rescuer, now=now)
    draft = alerts.draft(town, now=now).alert
    with pytest.raises(Refused, match="dans la zone"):
        rounds.visit(draft, home, found="warned", member=rescuer, now=now)
    assert not Visit.objects.of(town).exists()


def test_a_round_goes_on_after_the_alert_is_lifted(town, north, now, rescuer):
    home = door(town, north, "1")
    alert = sent_to(town, north, now)
    alerts.continued(alert, rules.LIFT, now=now + timedelta(seconds=1))
    alert.refresh_from_db()
    rounds.visit(alert, home, found="warned", member=rescuer, now=now)
    assert rounds.progress(alert, newest(alert)).done == 1


def test_the_map_has_a_dot_for_each_door_that_waits(town, north, now, rescuer):
    done = door(town, north, "1", longitude=places.WEST + 0.2, latitude=places.SOUTH + 0.2)
    door(town, north, "3", longitude=places.WEST + 0.8, latitude=places.SOUTH + 0.8)
    # Beside another, as in a building: one dot.
    door(town, north, "5", longitude=places.WEST + 0.8005, latitude=places.SOUTH + 0.8)
    door(town, north, "7")
    alert = sent_to(town, north, now)
    assert rounds.round_map(alert, newest(alert))["dots"].count("h0") == 2
    rounds.visit(alert, done, found="warned", member=rescuer, now=now)
    drawn = rounds.round_map(alert, newest(alert))
    assert (drawn["dots"].count("h0"), drawn["placeless"]) == (1, 1)


def test_a_rescuer_ticks_a_street_from_a_telephone_without_a_script(town, north, now, rescuer):
    home, after = door(town, north, "1", dwellings=6), door(town, north, "3")
    alert = sent_to(town, north, now)
    where = f"/bureau/alertes/{alert.pk}/porte-a-porte/"
    desk = desk_of(rescuer)
    # A rescuer has no menu of alerts: «Ma journée» leads there.
    assert where in desk.get("/bureau/").content.decode()
    page = desk.get(where).content.decode()
    link = re.search(r'href="([^"]*rue/\?rue=[^"]+)"', page)[1]
    page = desk.get(link)
    assert "2 portes à visiter sur 2" in text_of(page) and "6 logements" in text_of(page)
    action = re.search(r'action="([^"]+)"', page.content.decode().split(f"porte-{home.pk}")[1])[1]
    answer = desk.post(action, {"trouve": "warned"})
    assert answer.status_code == 302 and answer["Location"].endswith(f"#porte-{home.pk}")
    page = text_of(desk.get(answer["Location"]))
    assert "1 porte à visiter sur 2" in page
    assert "Gens prévenus" in page and "par Bruno Gagnon" in page
    paper = desk.get(f"{where}feuille/").content.decode()
    assert paper.count('class="tickbox"') == 1 and str(after) in paper
    assert desk.post(action, {"trouve": "x"}, follow=True).status_code == 200
    assert Visit.objects.of(town).count() == 1


def test_who_may_see_the_round_and_who_may_tick(town, other_town, north, now, rescuer):
    home = door(town, north, "1")
    alert = sent_to(town, north, now)
    where = f"/bureau/alertes/{alert.pk}/porte-a-porte/"
    reader = desk_of(make.staff(town, roles={"rescue": "see"}))
    assert reader.get(where).status_code == 200
    page = reader.get(f"{where}rue/?rue={home.street_key}")
    assert page.status_code == 200 and "trouve" not in page.content.decode()
    assert reader.post(f"{where}{home.pk}/", {"trouve": "warned"}).status_code == 403
    clerk = desk_of(make.staff(town, roles={"alerts": "act"}))
    assert clerk.get(where).status_code == 403
    assert where not in clerk.get(f"/bureau/alertes/{alert.pk}/non-jointes/").content.decode()
    desk = desk_of(rescuer)
    assert desk.get(f"{where}rue/?rue=nulle-part").status_code == 404
    assert desk.get(f"{where}rue/").status_code == 302
    assert desk.post(f"{where}999999999/", {"trouve": "warned"}).status_code == 404


def test_a_long_round_costs_what_a_short_one_does(town, north, now, django_assert_num_queries):
    for number in range(8):
        door(town, north, str(number + 1), street=f"rue {number % 3}")
    alert = sent_to(town, north, now)
    revision = newest(alert)
    # Savepoint, planner off, the reading, planner on, release.
    with django_assert_num_queries(5):
        rounds.progress(alert, revision)
    with django_assert_num_queries(5):
        rounds.doors(alert, revision)
