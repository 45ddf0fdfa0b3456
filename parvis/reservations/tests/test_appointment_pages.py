"""Appointments as pages: two steps, another moment, the caller, the agenda, the sheet."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from parvis.core.db import as_town
from parvis.municipalities.tests.make import NOW
from parvis.reservations import weeks
from parvis.reservations.hours import Span, wall_clock
from parvis.reservations.models import Booking, Resource, Taking
from parvis.reservations.readings import occupation, offer
from parvis.reservations.tests import make
from parvis.reservations.tests.make import span
from parvis.reservations.tests.test_staff import sheet_of
from parvis.residents.models import Phone
from parvis.residents.tests import make as people

HALF = timedelta(minutes=30)


@pytest.fixture
def agathe(town):
    return people.resident(town)


@pytest.fixture
def office(town):
    return make.desk(town, "Inspecteur en bâtiment", desks=2, bring="Le plan\nUne photo")


def take(office, person, when, *, now, **facts):
    facts.setdefault("way", "here")
    return make.booking(office, person, when, now=now, **facts)


def said(answer) -> str:
    words = re.sub(r"<(svg|style|script).*?</\1>|<[^>]+>", " ", answer.content.decode(), flags=re.S)
    return re.sub(r"[\s\u00a0\u202f]+", " ", words)


def later(town, hour=10, *, days=3) -> datetime:
    on = timezone.now().astimezone(town.zone).date() + timedelta(days=days)
    return wall_clock(on, time(hour), town.zone)


def test_a_visitor_sees_the_free_moments_and_each_leads_to_the_second_step(client, town, office):
    people.visitor(client, town)
    start = later(town)
    answer = client.get(f"/reserver/{office.pk}/?jour={start.astimezone(town.zone):%Y-%m-%d}")
    assert f"lieu={office.pk}&amp;h={weeks.key(start)}" in answer.content.decode()
    assert "En personne" in said(answer)
    assert "Une photo" in said(answer)
    listed = client.get("/reserver/?quoi=desk").content.decode()
    assert f"/reserver/confirmer/?lieu={office.pk}&amp;h=" in listed


def test_two_steps_then_another_moment_then_cancelled(client, town, office, agathe):
    people.sign_in(client, agathe)
    start = later(town)
    asked = {"lieu": office.pk, "h": weeks.key(start)}
    page = client.get("/reserver/confirmer/", asked)
    assert page.status_code == 200
    key = re.search(r'name="key" value="([^"]+)"', page.content.decode())[1]
    seen = re.search(r'name="seen" value="([^"]+)"', page.content.decode())[1]
    sent = {
        "lieu": office.pk, "du": weeks.key(start), "au": weeks.key(start + HALF), "key": key,
        "seen": seen, "purpose": "Une remise au fond de la cour",
    }  # fmt: skip
    refused = client.post("/reserver/confirmer/", sent)
    assert refused.status_code == 422
    assert "Choisissez comment" in said(refused)
    assert "Une remise" in refused.content.decode()
    assert client.post("/reserver/confirmer/", sent | {"way": "here"}).status_code == 302
    with as_town(town.pk):
        booking = Booking.objects.of(town).get()
    assert booking.span == Span(start, start + HALF)
    mine = client.get(booking.get_absolute_url())
    assert "Une remise au fond de la cour" in said(mine)
    assert "Le plan Une photo" in said(mine)
    change = client.get(f"{booking.get_absolute_url()}modifier/")
    assert f'value="{weeks.key(start)}" checked' in change.content.decode()
    other = start + 2 * HALF
    seen = re.search(r'name="seen" value="([^"]+)"', change.content.decode())[1]
    moved = client.post(
        f"{booking.get_absolute_url()}modifier/",
        {"token": booking.token, "h": weeks.key(other), "seen": seen},
    )
    assert moved.status_code == 302
    booking.refresh_from_db()
    assert booking.span.start == other
    ics = client.get(f"{booking.get_absolute_url()}calendrier.ics").content.decode()
    assert "Une photo" in ics.replace("\r\n ", "")


def test_two_moments_at_once_or_one_that_is_not_offered_are_refused(client, town, office, agathe):
    people.sign_in(client, agathe)
    start = later(town)
    both = {"lieu": office.pk, "h": [weeks.key(start), weeks.key(start + HALF)]}
    assert client.get("/reserver/confirmer/", both).status_code == 422
    odd = {"lieu": office.pk, "h": weeks.key(start + timedelta(minutes=7))}
    assert client.get("/reserver/confirmer/", odd).status_code == 422


@pytest.fixture
def clerk(client, town):
    member = people.staff(town, roles={"reservations": "act"})
    people.sign_in(client, member.person, second_factor=True)
    return member.person


def url(name, *args):
    return reverse(f"reservations_staff:{name}", args=args)


def test_the_clerk_books_for_a_caller_from_the_next_free_moments(client, town, office, clerk):
    caller = people.resident(town)
    door = url("counter_book", caller.pk, office.pk)
    page = client.get(door)
    day, hour = re.search(r"\?jour=([\d-]+)&amp;heure=([\d:]+)", page.content.decode()).groups()
    chosen = client.get(f"{door}?jour={day}&heure={hour}").content.decode()
    assert f'value="{hour}"' in chosen
    key = re.search(r'name="key" value="([^"]+)"', chosen)[1]
    sent = {"first_on": day, "opens": hour, "purpose": "Clôture", "key": key}
    assert client.post(door, sent).status_code == 422
    assert client.post(door, sent | {"way": "phone"}).status_code == 302
    with as_town(town.pk):
        booking = Booking.objects.of(town).get()
    assert booking.span.length == HALF
    assert (booking.way, booking.by_id) == ("phone", clerk.pk)


def test_the_agenda_shows_who_comes_and_notes_who_came(client, town, office, clerk, agathe):
    Phone.objects.create(municipality=town, resident=agathe, number="+14185550123", created_at=NOW)
    now = timezone.now()
    on = now.astimezone(town.zone).date()
    made = take(office, agathe, Span(later(town), later(town) + HALF), way="phone", now=now,
                purpose="Une piscine")  # fmt: skip
    # The day has come.
    start = wall_clock(on, time(0), town.zone)
    Booking.objects.of(town).filter(pk=made.pk).update(period=(start, start + HALF))
    Taking.objects.of(town).filter(booking=made).update(
        period=(start, start + HALF), blocked=(start, start + HALF)
    )
    page = client.get(url("agenda"))
    for word in (agathe.name, "Une piscine", "Par téléphone", "418 555-0123", "Arrivé"):
        assert word in said(page)
    assert agathe.name in said(client.get(url("agenda"), {"vue": "semaine"}))
    note = {"presence": "arrived", "seen": ""}
    assert client.post(url("presence", made.pk), note).status_code == 302
    stale = client.post(url("presence", made.pk), {"presence": "absent", "seen": ""})
    assert stale.status_code == 422
    assert "Quelqu’un d’autre" in said(stale)
    assert "1 absence" not in said(client.get(url("agenda")))


def test_a_number_is_shown_of_those_only_who_are_to_be_called(client, town, office, clerk, agathe):
    Phone.objects.create(municipality=town, resident=agathe, number="+14185550123", created_at=NOW)
    now = timezone.now()
    take(office, agathe, Span(later(town), later(town) + HALF), now=now)
    day = f"{later(town).astimezone(town.zone):%Y-%m-%d}"
    page = client.get(url("agenda"), {"jour": day})
    assert agathe.name in said(page)
    assert "555-0123" not in said(page)
    take(office, agathe, Span(later(town, 13), later(town, 13) + HALF), now=now, way="phone")
    assert said(client.get(url("agenda"), {"jour": day})).count("555-0123") == 1


def test_another_town_sees_neither_agenda_nor_booking(client, town, other_town, clerk):
    with as_town(other_town.pk):
        office = make.desk(other_town, "Ailleurs")
        made = take(office, people.resident(other_town), span(10, 0.5), now=NOW)
    assert client.post(url("presence", made.pk), {"presence": "arrived"}).status_code == 404
    assert "Ailleurs" not in said(client.get(url("agenda")))


def test_the_sheet_is_written_in_minutes_and_offered(client, town, clerk):
    fields = sheet_of(client, url("add", "rendez-vous")) | {
        "name": "Permis", "shortest": "20", "step": "30", "ways": ["here", "phone"],
        "units": "Guichet A\nGuichet B", "bring": "Le plan", "open_to": "anyone",
        "mode": "instant", "h-0": "9 h à 12 h", "meeting": "",
    }  # fmt: skip
    answer = client.post(url("add", "rendez-vous"), fields)
    assert answer.status_code == 302, said(answer)[:1500]
    with as_town(town.pk):
        made = Resource.objects.of(town).get()
        assert (made.kind, made.family, made.shortest, made.longest) == (
            "appointment", "desk", 20, 20,
        )  # fmt: skip
        assert made.units.count() == 2
        day = offer(made)
        assert occupation(town, [made.pk], span(), now=NOW).left(day, span()) == 2
    sheet_again = client.get(url("edit", made.pk)).content.decode()
    assert re.search(r'name="shortest" value="20"', sheet_again)
