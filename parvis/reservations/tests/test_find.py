"""What visitors find: by need, by date, in a list, a week, a month."""

from __future__ import annotations

import re
from datetime import time, timedelta

import pytest
from django.utils import timezone

from parvis.core.db import as_town
from parvis.reservations import pages, readings, weeks
from parvis.reservations.hours import wall_clock
from parvis.reservations.models import Closure
from parvis.reservations.tests import make
from parvis.reservations.tests.test_pages import at, take, text_of
from parvis.residents.tests import make as people


def test_a_visitor_finds_by_need_and_by_date(client, town):
    hall = make.space(town, "Salle du Pont", capacity=50)
    make.space(town, "Petit local", capacity=12)
    make.space(town, "Salle cachée", state="draft", capacity=80)
    page = people.visitor(client, town)
    day = at(town, 10).astimezone(town.zone).date()
    said = text_of(
        page.get(
            "/reserver/", {"q": "une salle l’après-midi pour 40 personnes", "jour": day.isoformat()}
        )
    )
    assert "Salle du Pont" in said
    assert "Petit local" not in said
    assert "Salle cachée" not in said
    assert "de 12 h à 13 h" in said and "de 8 h à 9 h" not in said
    take(town, hall, at(town, 12), hours=4)
    take(town, hall, at(town, 16), hours=2)
    said = text_of(
        page.get("/reserver/", {"moment": "apres-midi", "jour": day.isoformat(), "quoi": "room"})
    )
    assert "Rien de libre à ce moment. Au plus près" in said
    assert "de 11 h à 12 h" in said and "de 18 h à 19 h" in said


def test_words_of_a_name_narrow_the_list_and_others_do_not_empty_it(client, town):
    make.space(town, "Gymnase de Naudville", family="gym")
    make.space(town, "Gymnase Saint-Pierre", family="gym")
    page = people.visitor(client, town)
    said = text_of(page.get("/reserver/", {"q": "gymnase naudville"}))
    assert "Naudville" in said and "Saint-Pierre" not in said
    said = text_of(page.get("/reserver/", {"q": "gymnase abracadabra"}))
    assert "Naudville" in said and "Saint-Pierre" in said


@pytest.mark.parametrize(
    "query",
    ["q=%00&jour=hier&personnes=-4&duree=x&page=zzz", "q=" + "a" * 4000, "jour=9999-12-31",
     "personnes=99999999999999999999999", "quoi=<script>"],
)  # fmt: skip
def test_the_search_survives_whatever_is_asked(client, town, query):
    make.space(town)
    assert people.visitor(client, town).get(f"/reserver/?{query}").status_code == 200


def test_the_list_takes_the_same_queries_however_many_there_are(
    client, town, django_assert_num_queries
):
    page = people.visitor(client, town)
    make.space(town)
    make.equipment(town)
    page.get("/reserver/")
    with django_assert_num_queries(10):
        page.get("/reserver/")
    for _each in range(4):
        make.space(town)
        make.equipment(town)
    with django_assert_num_queries(10):
        page.get("/reserver/")


def test_another_towns_resource_is_nowhere(client, town, other_town):
    with as_town(other_town.pk):
        theirs = make.space(other_town)
    page = people.visitor(client, town)
    assert page.get(f"/reserver/{theirs.pk}/").status_code == 404
    assert page.get(f"/reserver/{make.space(town).pk}/").status_code == 200
    assert page.get(f"/reserver/{make.space(town, state='draft').pk}/").status_code == 404


def test_a_week_of_everything_says_what_each_day_has_left(client, town, django_assert_num_queries):
    hall = make.space(town, "Salle du Pont", opens=time(9), closes=time(12))
    make.equipment(town, "Tables", total=10)
    take(town, hall, at(town, 9, days=8))
    day = at(town, 12, days=8).astimezone(town.zone).date()
    page = people.visitor(client, town)
    query = {"vue": "semaine", "jour": day.isoformat()}
    page.get("/reserver/", query)
    with django_assert_num_queries(10):
        html = page.get("/reserver/", query).content.decode()
    cells = re.findall(r"jour=([\d-]+)\"><b>(\d+)</b>", html)
    assert (day.isoformat(), "2") in cells
    assert (day.isoformat(), "10") in cells
    other = day + timedelta(days=-1 if day.weekday() else 1)
    assert (other.isoformat(), "3") in cells


def test_a_month_says_which_days_are_free_nearly_full_full_or_closed(client, town):
    hall = make.space(town, opens=time(8), closes=time(13), days_ahead=90, longest=300)
    first = (timezone.now().astimezone(town.zone).date() + timedelta(days=32)).replace(day=2)
    ahead = (first - timezone.now().astimezone(town.zone).date()).days
    take(town, hall, at(town, 8, days=ahead), hours=5)
    take(town, hall, at(town, 8, days=ahead + 1), hours=4)
    Closure.objects.create(
        municipality=town, resource=hall, first_on=first + timedelta(days=2),
        last_on=first + timedelta(days=2), created_at=timezone.now(),
    )  # fmt: skip
    month = pages.month(town, readings.offer(hall), first, now=timezone.now())
    found = {day.on: day.state for day in month.days}
    states = [found[first + timedelta(days=n)] for n in range(4)]
    assert states == ["full", "few", "closed", "many"]
    assert month.days[0].on.weekday() == 0 and month.days[-1].on.weekday() == 6
    shown = people.visitor(client, town).get(hall.get_absolute_url(), {"jour": first.isoformat()})
    assert f'href="?jour={(first + timedelta(days=1)).isoformat()}"' in shown.content.decode()


def test_without_a_day_the_next_one_that_has_some_is_shown(client, town):
    hall = make.space(town, "Salle du Pont", opens=time(9), closes=time(12), notice=3 * 1440)
    page = people.visitor(client, town)
    shown = re.findall(r"h=(\d{8}T\d{6}Z)", page.get("/reserver/").content.decode())
    days = {weeks.instant(one).astimezone(town.zone).date() for one in shown}
    assert len(days) == 1
    first = days.pop()
    assert first >= (timezone.now() + timedelta(days=3)).astimezone(town.zone).date()
    for hour in (9, 10, 11):
        start = wall_clock(first, time(hour), town.zone)
        if weeks.key(start) in shown:
            take(town, hall, start)
    shown = re.findall(r"h=(\d{8}T\d{6}Z)", page.get("/reserver/").content.decode())
    assert {weeks.instant(one).astimezone(town.zone).date() for one in shown} == {
        first + timedelta(days=1)
    }
