"""One's own reservations: seen by their owner alone, changed and cancelled by their rules."""

from __future__ import annotations

import re
from datetime import time, timedelta

import pytest
from django.utils import timezone

from parvis.core.db import as_town
from parvis.reservations import actions, calendars, decisions, ics, weeks
from parvis.reservations.hours import Span
from parvis.reservations.models import Booking, CalendarFeed, Payment, Rate
from parvis.reservations.readings import Line
from parvis.reservations.tests import make
from parvis.reservations.tests.test_pages import at, fields, text_of
from parvis.residents.tests import make as people

HOUR = timedelta(hours=1)
MINE = "/reserver/mes-reservations/"


@pytest.fixture
def person(town):
    return people.resident(town)


@pytest.fixture
def page(client, person):
    return people.sign_in(client, person)


def book(person, *lines, start, hours=1, **facts) -> Booking:
    facts.setdefault("accepted", True)
    return actions.book(
        resident=person, lines=[Line(*one) for one in lines],
        span=Span(start, start + hours * HOUR), now=timezone.now(), **facts,
    )  # fmt: skip


def test_what_comes_is_listed_before_what_was_and_strangers_see_none_of_it(
    client, page, person, town
):
    hall, court = make.space(town, "Salle du Pont"), make.space(town, "Terrain")
    later = book(person, (hall.pk,), start=at(town, 10, days=5))
    sooner = book(person, (court.pk,), start=at(town, 10, days=2))
    gone = book(person, (court.pk,), start=at(town, 15, days=2))
    actions.cancel(gone, now=timezone.now())
    said = text_of(page.get(MINE))
    assert said.index("Terrain") < said.index("Salle du Pont") < said.index("Passées ou annulées")
    assert "Annulée" in said
    assert page.get(later.get_absolute_url()).status_code == 200
    stranger = people.sign_in(client, people.resident(town))
    assert "Salle du Pont" not in text_of(stranger.get(MINE))
    for row in (later, sooner):
        for more in ("", "modifier/", "annuler/", "porte/", "calendrier.ics"):
            assert stranger.get(f"{row.get_absolute_url()}{more}").status_code == 404


def test_a_hold_is_not_a_reservation_yet(page, person, town):
    hall = make.space(town, "Salle du Pont")
    held = actions.hold(
        resident=person, lines=[Line(hall.pk)], span=Span(at(town, 10), at(town, 11)),
        now=timezone.now(),
    )  # fmt: skip
    assert "Salle du Pont" not in text_of(page.get(MINE))
    assert page.get(held.get_absolute_url()).status_code == 404


def test_the_page_says_how_to_get_in_from_the_day_before_only(page, person, town):
    hall = make.space(town, opens=time(0), closes=time(0), instructions="Le code est 4471.")
    far = book(person, (hall.pk,), start=at(town, 10, days=5))
    soon = timezone.now().replace(minute=0, second=0, microsecond=0) + 3 * HOUR
    near = book(person, (hall.pk,), start=soon)
    said = text_of(page.get(far.get_absolute_url()))
    assert "4471" not in said and "vous parvient la veille" in said
    for more in ("", "porte/"):
        assert "4471" not in text_of(page.get(f"{far.get_absolute_url()}{more}"))
        assert "4471" in text_of(page.get(f"{near.get_absolute_url()}{more}"))


def test_what_is_due_goes_down_as_the_town_is_paid(page, person, town):
    hall = make.space(town)
    Rate.objects.create(municipality=town, resource=hall, unit="hour", amount=20)
    row = book(person, (hall.pk,), start=at(town, 10))
    assert "Reste à payer à la Ville : 20,00 $" in text_of(page.get(row.get_absolute_url()))
    Payment.objects.create(
        municipality=town, booking=row, amount=20, means="cash", at=timezone.now(), by_id=person.pk,
        receipt="118",
    )  # fmt: skip
    said = text_of(page.get(row.get_absolute_url()))
    assert "Reste à payer" not in said
    assert "reçu 118" in said


# --- to cancel --------------------------------------------------------------------------------


def test_cancelling_says_what_is_kept_then_frees_the_place(page, person, town):
    hall = make.space(town, free_hours=24 * 30, kept_percent=25)
    Rate.objects.create(municipality=town, resource=hall, unit="hour", amount=20)
    row = book(person, (hall.pk,), start=at(town, 10))
    asked = page.get(f"{row.get_absolute_url()}annuler/")
    assert "la Ville garde 5,00 $ sur 20,00 $" in text_of(asked)
    done = page.post(f"{row.get_absolute_url()}annuler/", fields(asked))
    assert (done.status_code, done.headers["Location"]) == (302, MINE)
    row.refresh_from_db()
    assert (row.state, row.kept) == ("cancelled", 5)
    assert not row.takings.filter(stands=True).exists()
    again = page.post(f"{row.get_absolute_url()}annuler/", fields(asked))
    assert again.status_code == 302


def test_after_the_limit_one_is_told_to_call(page, person, town):
    hall = make.space(town, cancel_notice=10 * 1440)
    row = book(person, (hall.pk,), start=at(town, 10))
    refused = page.post(f"{row.get_absolute_url()}annuler/", {"token": row.token})
    assert refused.status_code == 422
    row.refresh_from_db()
    assert row.state == "confirmed"
    assert page.get(f"{row.get_absolute_url()}modifier/").status_code == 302
    said = text_of(page.get(row.get_absolute_url()))
    assert "Pour annuler, appelez la Ville." in said


# --- to change --------------------------------------------------------------------------------


def test_other_hours_are_chosen_among_what_is_free_and_ones_own(page, person, town):
    hall = make.space(town)
    row = book(person, (hall.pk,), start=at(town, 10), hours=2)
    address = f"{row.get_absolute_url()}modifier/"
    first = page.get(address)
    html = first.content.decode()
    assert f'value="{weeks.key(at(town, 10))}" checked' in html
    hours = [weeks.key(at(town, 11)), weeks.key(at(town, 12))]
    part = page.get(address, {"h": hours, "token": row.token}, headers={"HX-Request": "true"})
    assert "de 11 h à 13 h" in text_of(part) and "<html" not in part.content.decode()
    sent = {"h": hours, "token": row.token, "seen": fields(part)["seen"]}
    done = page.post(address, sent)
    assert done.status_code == 302
    row.refresh_from_db()
    assert row.span == Span(at(town, 11), at(town, 13))
    stale = page.post(address, sent)
    assert stale.status_code == 422
    assert "Cette réservation a changé depuis" in text_of(stale)


def test_a_taken_hour_leaves_the_reservation_as_it_was_and_offers_the_nearest(page, person, town):
    hall = make.space(town)
    row = book(person, (hall.pk,), start=at(town, 10))
    book(people.resident(town), (hall.pk,), start=at(town, 14))
    address = f"{row.get_absolute_url()}modifier/"
    refused = page.post(address, {"h": [weeks.key(at(town, 14))], "token": row.token})
    assert refused.status_code == 422
    said = text_of(refused)
    assert "Au plus près" in said and "de 15 h à 16 h" in said
    row.refresh_from_db()
    assert row.span == Span(at(town, 10), at(town, 11))
    nothing = page.post(address, {"token": row.token})
    assert nothing.status_code == 422
    assert "Choisissez vos heures" in text_of(nothing)


def test_quantities_and_times_of_a_loan_change_together(page, person, town):
    tables = make.equipment(town, "Tables")
    row = book(person, (tables.pk, 4), start=at(town, 9), hours=3)
    address = f"{row.get_absolute_url()}modifier/"
    html = page.get(address).content.decode()
    assert f'name="q{tables.pk}"' in html and 'value="4"' in html
    day = at(town, 9, days=4).astimezone(town.zone).date().isoformat()
    asked = {
        "jour_du": day, "heure_du": "10:00", "jour_au": day, "heure_au": "15:00",
        f"q{tables.pk}": "11", "token": row.token,
    }  # fmt: skip
    refused = page.post(address, asked)
    assert refused.status_code == 422
    assert "La Ville n’en prête que 10" in text_of(refused)
    fewer = {**asked, f"q{tables.pk}": "6"}
    fewer |= {"seen": fields(page.get(address, fewer))["seen"]}
    assert page.post(address, fewer).status_code == 302
    row.refresh_from_db()
    assert row.span == Span(at(town, 10, days=4), at(town, 15, days=4))
    assert row.takings.get(stands=True).quantity == 6


def test_another_price_must_be_seen_before_a_change_is_made(page, person, town):
    hall = make.space(town)
    Rate.objects.create(municipality=town, resource=hall, unit="hour", amount=20)
    row = book(person, (hall.pk,), start=at(town, 10))
    address = f"{row.get_absolute_url()}modifier/"
    first = fields(page.get(address))
    hours = [weeks.key(at(town, 10)), weeks.key(at(town, 11))]
    refused = page.post(address, {**first, "h": hours})
    assert refused.status_code == 422
    assert "Le prix est maintenant de 40,00 $" in text_of(refused)
    row.refresh_from_db()
    assert (row.total, row.span) == (20, Span(at(town, 10), at(town, 11)))
    assert page.post(address, {**fields(refused), "h": hours}).status_code == 302
    row.refresh_from_db()
    assert row.total == 40


def test_what_is_kept_must_be_seen_before_one_cancels(page, person, town):
    hall = make.space(town, free_hours=24 * 30, kept_percent=25)
    Rate.objects.create(municipality=town, resource=hall, unit="hour", amount=20)
    row = book(person, (hall.pk,), start=at(town, 10))
    address = f"{row.get_absolute_url()}annuler/"
    refused = page.post(address, {"token": row.token, "seen": "0.00"})
    assert refused.status_code == 422
    assert "La Ville garde maintenant 5,00 $" in text_of(refused)
    row.refresh_from_db()
    assert row.state == "confirmed"
    assert page.post(address, fields(refused)).status_code == 302


def test_a_change_adds_nothing_that_was_not_asked_for_at_first(page, person, town):
    hall, tables = make.space(town), make.equipment(town, conditions="Jamais sous la pluie.")
    row = book(person, (hall.pk,), start=at(town, 10))
    address = f"{row.get_absolute_url()}modifier/"
    hours = [weeks.key(at(town, 11))]
    sent = fields(page.get(address, {"h": hours})) | {"h": hours, f"q{tables.pk}": "2"}
    assert page.post(address, sent).status_code == 302
    assert [one.resource_id for one in row.takings.filter(stands=True)] == [hall.pk]


def test_the_nearest_time_of_a_loan_fills_the_fields(page, person, town):
    tables = make.equipment(town, total=4)
    row = book(person, (tables.pk, 4), start=at(town, 9), hours=2)
    start, end = weeks.key(at(town, 13)), weeks.key(at(town, 15))
    html = page.get(f"{row.get_absolute_url()}modifier/", {"du": start, "au": end}).content.decode()
    assert 'value="13:00"' in html and 'value="15:00"' in html


def test_what_nobody_answered_may_be_taken_back_after_the_limit(page, person, town):
    hall = make.space(town, mode="approval", cancel_notice=10 * 1440)
    row = book(person, (hall.pk,), start=at(town, 10))
    asked = page.get(f"{row.get_absolute_url()}annuler/")
    assert "Annuler la réservation" in text_of(asked)
    assert page.post(f"{row.get_absolute_url()}annuler/", fields(asked)).status_code == 302
    row.refresh_from_db()
    assert row.state == "cancelled"


# --- at the door, and in other calendars ------------------------------------------------------


def test_the_door_page_shows_the_code_and_until_when_a_phone_keeps_it(page, person, town):
    hall = make.space(town)
    row = book(person, (hall.pk,), start=at(town, 10))
    shown = page.get(f"{row.get_absolute_url()}porte/")
    assert row.code in text_of(shown) and person.name in text_of(shown)
    assert "private" in shown.headers["Cache-Control"]
    assert "GMT" in shown.headers["Expires"]
    actions.cancel(row, now=timezone.now())
    assert page.get(f"{row.get_absolute_url()}porte/").status_code == 302


def test_a_reservation_goes_into_a_calendar_without_the_code_of_the_door(page, person, town):
    hall = make.space(town, "Salle du Pont", instructions="Le code est 4471.")
    row = book(person, (hall.pk,), start=at(town, 10))
    answer = page.get(f"{row.get_absolute_url()}calendrier.ics")
    text = answer.content.decode()
    assert answer.headers["Content-Type"] == ics.CONTENT_TYPE
    assert f"DTSTART:{ics.instant(at(town, 10))}" in text
    assert "SUMMARY:Salle du Pont" in text and "STATUS:CONFIRMED" in text
    assert "4471" not in text


def test_a_private_calendar_is_read_with_its_secret_until_it_is_closed(client, page, person, town):
    hall = make.space(town, "Salle du Pont", mode="approval")
    row = book(person, (hall.pk,), start=at(town, 10))
    book(people.resident(town), (make.space(town, "Ailleurs").pk,), start=at(town, 10))
    made = page.post(f"{MINE}calendrier/")
    path = re.search(r"/reserver/calendrier/[\w-]+\.ics", made.content.decode())[0]
    secret = path.rsplit("/", 1)[-1].removesuffix(".ics")
    assert secret not in page.get(f"{MINE}calendrier/").content.decode()
    assert secret not in CalendarFeed.objects.of(town).get().digest
    other = people.visitor(type(client)(), town)
    first = other.get(path)
    assert "Salle du Pont" in first.content.decode() and "Ailleurs" not in first.content.decode()
    assert "STATUS:TENTATIVE" in first.content.decode()
    assert other.get(path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    decisions.approve(row, clerk=people.staff(town).person, now=timezone.now())
    second = other.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert "STATUS:CONFIRMED" in second.content.decode()
    renewed = calendars.renew_feed(person, now=timezone.now())
    assert other.get(path).status_code == 404
    assert other.get(f"/reserver/calendrier/{renewed}.ics").status_code == 200
    assert page.post(f"{MINE}calendrier/fermer/").status_code == 302
    assert other.get(f"/reserver/calendrier/{renewed}.ics").status_code == 404


def test_another_towns_secret_opens_nothing_here(client, town, other_town):
    with as_town(other_town.pk):
        stranger = people.resident(other_town)
        secret = calendars.renew_feed(stranger, now=timezone.now())
    assert people.visitor(client, town).get(f"/reserver/calendrier/{secret}.ics").status_code == 404
