"""The public calendar of what is lent: hours and nothing of who has them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from parvis.core.db import as_town
from parvis.reservations import actions, blocks
from parvis.reservations.hours import Span
from parvis.reservations.readings import Line
from parvis.reservations.tests import make
from parvis.reservations.tests.test_ics import read
from parvis.reservations.tests.test_pages import at, text_of
from parvis.residents.tests import make as people

HOUR = timedelta(hours=1)


@pytest.fixture
def visitor(client, town):
    return people.visitor(client, town)


def feed(visitor, resource):
    return visitor.get(f"/reserver/{resource.pk}/calendrier.ics")


def events(answer) -> list[dict[str, str]]:
    """The events of a file, each as its properties."""
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    found: list[dict[str, str]] = []
    for name, value in read(answer.content.decode()):
        if (name, value) == ("BEGIN", "VEVENT"):
            found.append({})
        elif found:
            found[-1].setdefault(name, value)
    return found


def stamp(at_) -> str:
    return at_.strftime("%Y%m%dT%H%M%SZ")


def book(town, resource, start, *, quantity=1, **facts):
    return actions.book(
        resident=people.resident(town, first_name="Zénobie", last_name="Chouinard"),
        lines=[Line(resource.pk, quantity)], span=Span(start, start + HOUR), now=timezone.now(),
        accepted=True, **facts,
    )  # fmt: skip


def test_hours_are_told_and_nothing_of_who_has_them(visitor, town):
    hall = make.space(town, "Salle du Pont", after=30, instructions="Code 4321")
    row = book(town, hall, at(town, 10), purpose="Noces d’or", people=12)
    answer = feed(visitor, hall)
    (one,) = events(answer)
    # The half hour of cleaning is nobody else's either.
    assert (one["DTSTART"], one["DTEND"]) == (
        stamp(row.span.start),
        stamp(row.span.end + timedelta(minutes=30)),
    )
    assert (one["SUMMARY"], one["STATUS"]) == ("Pris", "CONFIRMED")
    text = answer.content.decode()
    for hidden in ("Zénobie", "Chouinard", "Noces", row.resident.email, row.code, "4321"):
        assert hidden not in text
    assert f"R-{row.pk}" not in text and "mes-reservations" not in text


def test_what_waits_what_is_blocked_and_closed_days_are_told_too(visitor, town):
    courts = make.space(town, units=2, mode="approval")
    tables = make.equipment(town, total=10)
    clerk = people.staff(town).person
    book(town, courts, at(town, 10))
    book(town, tables, at(town, 10), quantity=4)
    blocks.block(
        town, lines=[Line(courts.pk, unit_id=courts.units.last().pk)], reason="Lignes repeintes",
        span=Span(at(town, 14), at(town, 16)), clerk=clerk, now=timezone.now(),
    )  # fmt: skip
    on = at(town, 10, days=5).astimezone(town.zone).date()
    blocks.close_days(
        town, resource=None, first_on=on, last_on=on, reason="Fête nationale", clerk=clerk,
        now=timezone.now(),
    )  # fmt: skip
    found = {(one["SUMMARY"], one["STATUS"]) for one in events(feed(visitor, courts))}
    assert found == {
        ("Pris, Terrain 1", "TENTATIVE"),
        ("Lignes repeintes, Terrain 2", "CONFIRMED"),
        ("Fermé\u00a0: Fête nationale", "CONFIRMED"),
    }
    assert "Pris\u00a0: 4" in [one["SUMMARY"] for one in events(feed(visitor, tables))]


def test_what_is_held_or_cancelled_is_not_told(visitor, town):
    hall = make.space(town)
    actions.hold(
        resident=people.resident(town), lines=[Line(hall.pk)],
        span=Span(at(town, 10), at(town, 11)), now=timezone.now(),
    )  # fmt: skip
    gone = book(town, hall, at(town, 14))
    actions.cancel(gone, now=timezone.now())
    assert events(feed(visitor, hall)) == []


def test_asked_again_it_costs_nothing_until_something_changes(visitor, town):
    hall = make.space(town)
    first = feed(visitor, hall)
    assert "max-age=300" in first.headers["Cache-Control"]
    etag = {"If-None-Match": first.headers["ETag"]}
    url = f"/reserver/{hall.pk}/calendrier.ics"
    assert visitor.get(url, headers=etag).status_code == 304
    row = book(town, hall, at(town, 10))
    changed = visitor.get(url, headers=etag)
    assert changed.status_code == 200
    actions.cancel(row, now=timezone.now())
    assert visitor.get(url, headers={"If-None-Match": changed.headers["ETag"]}).status_code == 200


def test_only_what_this_town_offers_has_a_calendar_and_its_page_leads_there(
    visitor, town, other_town
):
    with as_town(other_town.pk):
        theirs = make.space(other_town)
    desk = make.desk(town)
    closed = [make.space(town, state=state) for state in ("draft", "closed")]
    for hidden in (*closed, theirs, desk):
        assert feed(visitor, hidden).status_code == 404
    for shown in (make.space(town), make.equipment(town)):
        page = visitor.get(f"/reserver/{shown.pk}/")
        assert f'href="/reserver/{shown.pk}/calendrier.ics"' in page.content.decode()
        assert "Les heures prises, pour votre agenda" in text_of(page)
    assert visitor.post(f"/reserver/{shown.pk}/calendrier.ics").status_code == 405
