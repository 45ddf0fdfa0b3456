"""Booking, changing, deciding, cancelling: on the real database, each refusal next to a success."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from time import perf_counter

import pytest
from django.db import IntegrityError, transaction

from parvis.announcements.tests.make import address
from parvis.core.db import as_town
from parvis.core.errors import Refused
from parvis.municipalities.models import AuditLine
from parvis.municipalities.tests.make import NOW
from parvis.notifications.models import Message
from parvis.reservations import actions, rules
from parvis.reservations.hours import Span
from parvis.reservations.models import (
    Booking,
    Closure,
    Limit,
    Organisation,
    OrganisationMember,
    Question,
    Rate,
    Taking,
)
from parvis.reservations.readings import Line
from parvis.reservations.tests import make
from parvis.reservations.tests.make import span
from parvis.residents.models import Place
from parvis.residents.tests import make as residents

HOUR = timedelta(hours=1)


@pytest.fixture
def agathe(town):
    return residents.resident(town)


@pytest.fixture
def luc(town):
    return residents.resident(town, first_name="Luc")


def deeds(town):
    return list(
        AuditLine.objects.of(town)
        .filter(deed__startswith="reservations.")
        .order_by("id")
        .values_list("deed", flat=True)
    )


def kinds(town):
    return list(Message.objects.of(town).order_by("id").values_list("kind", flat=True))


def test_a_free_room_is_booked_at_once_with_its_line_and_its_message(town, agathe):
    room = make.space(town, "Gymnase de Naudville")
    booking = make.booking(room, agathe, purpose="  Badminton   entre voisins ")
    booking.refresh_from_db()
    assert (booking.state, booking.purpose) == ("confirmed", "Badminton entre voisins")
    taking = booking.takings.get()
    assert (taking.resource, taking.unit, taking.span) == (room, room.units.get(), span())
    assert deeds(town) == ["reservations.booked"]
    message = Message.objects.of(town).get()
    assert message.kind == "reservations.booked"
    assert message.targeted == 1
    assert message.content["fr"]["title"] == "Réservé\u00a0: Gymnase de Naudville"
    said = message.content["fr"]["body"]
    assert said.startswith("Samedi 23\u00a0mai, de 10\u00a0h à 12\u00a0h.")


def test_what_is_taken_is_refused_with_the_nearest_times_and_nothing_is_written(town, agathe, luc):
    room = make.space(town)
    make.booking(room, agathe, span(10))
    with pytest.raises(rules.Taken, match="vient d’être prise") as refused:
        make.booking(room, luc, span(11))
    assert [one.start for one in refused.value.nearest] == [
        span(8).start, span(12).start, span(13).start
    ]  # fmt: skip
    assert Booking.objects.of(town).count() == Taking.objects.of(town).count() == 1
    assert deeds(town) == ["reservations.booked"]
    # What was offered instead can be had.
    make.booking(room, luc, refused.value.nearest[1])


def test_bookings_may_follow_each_other_and_preparation_keeps_them_apart(town, agathe, luc):
    room = make.space(town)
    make.booking(room, agathe, span(10))
    make.booking(room, luc, span(12))
    hall = make.space(town, before=30, after=30)
    make.booking(hall, agathe, span(10))
    with pytest.raises(rules.Taken):
        make.booking(hall, luc, span(12))
    make.booking(hall, luc, span(13))


def test_like_courts_are_given_one_by_one_until_none_is_left(town, agathe):
    courts = make.space(town, "Tennis", units=2)
    first, second = (make.booking(courts, agathe) for _n in range(2))
    assert {first.takings.get().unit, second.takings.get().unit} == set(courts.units.all())
    with pytest.raises(rules.Taken):
        make.booking(courts, agathe)


def test_a_certain_court_may_be_asked_for(town, agathe):
    courts = make.space(town, "Tennis", units=2)
    last = courts.units.last()
    line = Line(courts.pk, unit_id=last.pk)
    actions.book(resident=agathe, lines=[line], span=span(), now=NOW)
    with pytest.raises(rules.Taken):
        actions.book(resident=agathe, lines=[line], span=span(), now=NOW)
    two = [Line(courts.pk), Line(courts.pk)]
    with pytest.raises(rules.Taken):
        actions.book(resident=agathe, lines=two, span=span(), now=NOW)
    assert actions.book(resident=agathe, lines=two, span=span(12), now=NOW).takings.count() == 2


def test_equipment_is_lent_up_to_what_there_is_and_no_more(town, agathe, luc):
    tables = make.equipment(town, "Tables pliantes", total=12)
    make.booking(tables, agathe, quantity=8)
    with pytest.raises(rules.Taken, match="Il en reste 4 à ce moment"):
        make.booking(tables, luc, quantity=5)
    make.booking(tables, luc, quantity=4)
    with pytest.raises(rules.Taken, match="Il n’en reste plus"):
        make.booking(tables, luc, quantity=1)
    # They come back at noon, and may leave again then.
    make.booking(tables, luc, span(12), quantity=12)


def test_a_room_and_its_equipment_come_together_or_not_at_all(town, agathe, luc):
    room, tables = make.space(town), make.equipment(town, total=3)
    make.booking(tables, luc, quantity=2)
    lines = [Line(room.pk), Line(tables.pk, 2)]
    with pytest.raises(rules.Taken) as refused:
        actions.book(resident=agathe, lines=lines, span=span(), now=NOW)
    assert Taking.objects.of(town).count() == 1
    assert refused.value.nearest[0].start == span(8).start
    booking = actions.book(resident=agathe, lines=lines, span=span(12), now=NOW)
    assert [one.quantity for one in booking.takings.all()] == [1, 2]


def test_the_database_itself_refuses_what_is_beyond_measure(town, agathe):
    tables, room = make.equipment(town, total=3), make.space(town)
    one = make.booking(tables, agathe, quantity=2).takings.get()
    for facts in ({"quantity": 4}, {"resource": room}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Taking.objects.of(town).filter(pk=one.pk).update(**facts)
    court = make.booking(room, agathe).takings.get()
    with pytest.raises(IntegrityError, match="unit_taken_once"), transaction.atomic():
        court.pk = None
        court.save()
    with pytest.raises(IntegrityError, match="not of this resource"), transaction.atomic():
        Taking.objects.of(town).filter(pk=court.pk or one.pk).update(unit=room.units.get())


def test_the_same_key_is_the_same_booking_and_another_request_is_refused(town, agathe):
    room = make.space(town)
    first = make.booking(room, agathe, key="k1")
    assert make.booking(room, agathe, key="k1") == first
    assert (deeds(town), len(kinds(town))) == (["reservations.booked"], 1)
    with pytest.raises(Refused, match="Rechargez"):
        make.booking(room, agathe, span(14), key="k1")
    make.booking(room, agathe, span(14), key="k2")


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        (Span(span(10).end, span(10).start), "La fin doit suivre le début"),
        (span(10, days=-1), "passé"),
        (span(10, days=200), "jours à l’avance"),
        (span(10, 5), "au plus 4"),
        (span(7), "fermé"),
        (span(21), "fermé"),
        (Span(span(10).start + timedelta(minutes=7), span(12).start), "heures proposées"),
    ],
)
def test_bad_times_are_refused_in_a_sentence_with_what_is_free(town, agathe, wish, sentence):
    room = make.space(town)
    with pytest.raises(rules.Taken, match=sentence):
        make.booking(room, agathe, wish)
    assert not Booking.objects.of(town).exists()


def test_a_wish_of_centuries_is_refused_at_once(town, agathe):
    tables = make.equipment(town)
    for wish in (span(10, 24 * 60_000), span(10, days=60_000)):
        began = perf_counter()
        with pytest.raises(Refused) as refused:
            make.booking(tables, agathe, wish)
        assert perf_counter() - began < 2
    # Too far: the last days that may be booked are proposed.
    assert refused.value.nearest[-1].start > span(10, days=80).start


@pytest.mark.parametrize("quantity", [0, -3, 11, 10**9])
def test_impossible_quantities_are_refused(town, agathe, quantity):
    tables = make.equipment(town, total=10)
    with pytest.raises(Refused):
        make.booking(tables, agathe, quantity=quantity)
    with pytest.raises(Refused):
        make.booking(make.space(town), agathe, quantity=quantity)
    make.booking(tables, agathe, quantity=10)


def test_another_towns_resource_does_not_exist_here(town, other_town, agathe):
    with as_town(other_town.pk):
        theirs = make.space(other_town)
    with pytest.raises(Refused, match="n’existe pas"):
        make.booking(theirs, agathe)


def test_what_is_not_offered_is_not_lent(town, agathe):
    for state in ("draft", "closed"):
        with pytest.raises(Refused, match="plus offert"):
            make.booking(make.space(town, state=state), agathe)


def test_a_closed_day_is_refused_with_its_reason_and_the_next_days_are_proposed(town, agathe):
    room = make.space(town)
    on = span().start.date()
    Closure.objects.create(
        municipality=town, first_on=on, last_on=on, reason="Fête des patriotes", created_at=NOW
    )
    with pytest.raises(rules.Taken, match="Fête des patriotes") as refused:
        make.booking(room, agathe)
    assert refused.value.nearest
    assert all(one.start.astimezone(make.ZONE).date() != on for one in refused.value.nearest)


def test_quotas_of_a_person_and_of_a_household_at_one_verified_address(town, agathe, luc):
    room = make.space(town)
    Limit.objects.create(municipality=town, resource=room, whose="household", most=1, per="week")
    door = address(town)
    Place.objects.of(town).filter(resident__in=[agathe, luc]).update(address=door)
    make.booking(room, agathe, span(10))
    # Nobody has shown yet that they live there.
    make.booking(room, luc, span(12))
    Place.objects.of(town).filter(resident__in=[agathe, luc]).update(verified_at=NOW)
    paul = residents.resident(town, address=door)
    Place.objects.of(town).filter(resident=paul).update(verified_at=NOW)
    with pytest.raises(Refused, match="ménage"):
        make.booking(room, paul, span(14))
    make.booking(room, paul, span(14, days=10))
    # At the counter, the clerk judges.
    clerk = residents.staff(town).person
    make.booking(room, paul, span(16), clerk=clerk)


def test_a_cancelled_booking_counts_no_more(town, agathe):
    room = make.space(town)
    Limit.objects.create(municipality=town, resource=room, most=1, per="day")
    first = make.booking(room, agathe)
    with pytest.raises(Refused, match="limite"):
        make.booking(room, agathe, span(14))
    actions.cancel(first, now=NOW)
    make.booking(room, agathe, span(14))


def test_who_may_have_it(town, agathe):
    home = Place.objects.of(town).filter(resident=agathe)
    verified = make.space(town, open_to="verified")
    locals_only = make.space(town, open_to="residents")
    clubs = make.space(town, open_to="organisations")
    for resource, word in (
        (verified, "vérifiée"),
        (locals_only, "habitent"),
        (clubs, "organismes"),
    ):
        with pytest.raises(Refused, match=word):
            make.booking(resource, agathe)
    home.update(address=address(town), verified_at=NOW)
    make.booking(verified, agathe)
    make.booking(locals_only, agathe)
    club = Organisation.objects.create(municipality=town, name="Club", created_at=NOW)
    with pytest.raises(Refused, match="au nom de"):
        make.booking(clubs, agathe, organisation_id=club.pk)
    OrganisationMember.objects.create(
        municipality=town, organisation=club, resident=agathe, created_at=NOW
    )
    with pytest.raises(Refused, match="organismes reconnus"):
        make.booking(clubs, agathe, organisation_id=club.pk)
    Organisation.objects.of(town).update(recognised_until=date(2026, 12, 31))
    assert make.booking(clubs, agathe, organisation_id=club.pk).price_class == "non_profit"


def test_the_price_is_of_the_class_and_stays_when_rates_change(town, agathe):
    room = make.space(town)
    hourly = Rate.objects.create(
        municipality=town, resource=room, unit="hour", amount=22, gst=True, qst=True
    )
    Rate.objects.create(
        municipality=town, resource=room, unit="hour", amount=11, price_class="resident"
    )
    away = make.booking(room, agathe, span(10))
    assert (away.price_class, away.total) == ("non_resident", Decimal("50.59"))
    Place.objects.of(town).filter(resident=agathe).update(address=address(town))
    here = make.booking(room, agathe, span(12))
    assert (here.price_class, here.total) == ("resident", Decimal("22.00"))
    hourly.amount = 30
    hourly.save()
    away.refresh_from_db()
    assert away.quote["lines"][0]["each"] == "22.00"
    assert (
        "À payer à la Ville\u00a0: 50,59\u00a0$"
        in (Message.objects.of(town).order_by("id").first().content["fr"]["body"])
    )


def test_questions_and_conditions(town, agathe):
    room = make.space(town, conditions="Rien sur les murs.")
    cars = Question.objects.create(
        municipality=town, resource=room, label="Combien de voitures\u202f?", kind="number"
    )
    floor = Question.objects.create(
        municipality=town, resource=room, label="Plancher", kind="choice", choices=["Bois", "Tapis"]
    )
    good = {cars.pk: "12", floor.pk: "Bois"}
    for answers, accepted, word in (
        ({floor.pk: "Bois"}, True, "Combien"),
        ({**good, cars.pk: "douze"}, True, "nombre"),
        ({**good, floor.pk: "Glace"}, True, "liste"),
        (good, False, "conditions"),
    ):
        with pytest.raises(Refused, match=word):
            make.booking(room, agathe, answers=answers, accepted=accepted)
    booking = make.booking(room, agathe, answers=good, accepted=True)
    assert booking.conditions == "Rien sur les murs."
    assert booking.answers == [
        {"question": "Combien de voitures\u202f?", "answer": "12"},
        {"question": "Plancher", "answer": "Bois"},
    ]


def test_more_people_than_the_room_holds_are_refused(town, agathe):
    room = make.space(town, capacity=60)
    with pytest.raises(Refused, match="60 personnes"):
        make.booking(room, agathe, people=61)
    make.booking(room, agathe, people=60)


def test_what_waits_for_an_approval_keeps_its_place_until_it_is_decided(town, agathe, luc):
    room = make.space(town, mode="approval")
    clerk = residents.staff(town).person
    asked = make.booking(room, agathe)
    assert asked.state == "asked"
    with pytest.raises(rules.Taken):
        make.booking(room, luc)
    actions.approve(asked, clerk=clerk, now=NOW)
    actions.approve(asked, clerk=clerk, now=NOW)
    asked.refresh_from_db()
    assert (asked.state, asked.decided_by_id) == ("confirmed", clerk.pk)
    with pytest.raises(Refused, match="n’attend plus"):
        actions.refuse(asked, clerk=clerk, now=NOW, note="Non")
    assert deeds(town) == ["reservations.asked", "reservations.approved"]
    assert kinds(town) == ["reservations.asked", "reservations.approved"]


def test_a_refusal_says_why_and_frees_the_place(town, agathe, luc):
    room = make.space(town, mode="approval")
    clerk = residents.staff(town).person
    asked = make.booking(room, agathe)
    with pytest.raises(Refused, match="pourquoi"):
        actions.refuse(asked, clerk=clerk, now=NOW, note=" ")
    actions.refuse(asked, clerk=clerk, now=NOW, note="La salle est en travaux.")
    assert (
        "La salle est en travaux."
        in (Message.objects.of(town).get(kind="reservations.refused").content["fr"]["body"])
    )
    make.booking(room, luc)


def test_what_has_passed_is_not_approved(town, agathe):
    asked = make.booking(make.space(town, mode="approval"), agathe)
    clerk = residents.staff(town).person
    with pytest.raises(Refused, match="passé"):
        actions.approve(asked, clerk=clerk, now=span().start)
    actions.refuse(asked, clerk=clerk, now=span().start, note="Trop tard.")


def test_a_clerk_books_for_a_caller_without_waiting_and_it_is_traced(town, agathe):
    room = make.space(town, mode="approval", notice=7 * 1440)
    clerk = residents.staff(town).person
    with pytest.raises(Refused, match="à l’avance"):
        make.booking(room, agathe)
    booking = make.booking(room, agathe, clerk=clerk)
    assert (booking.state, booking.by_id) == ("confirmed", clerk.pk)
    assert AuditLine.objects.of(town).get(deed="reservations.booked").actor_id == clerk.pk
    with pytest.raises(Refused, match="passé"):
        make.booking(room, agathe, span(10, days=-2), clerk=clerk)
