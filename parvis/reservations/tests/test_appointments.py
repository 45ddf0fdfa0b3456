"""Appointments: taken, moved, recalled, noted at the desk; never more at once than who receives."""

from __future__ import annotations

from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, transaction

from parvis.core.errors import Refused
from parvis.municipalities.models import AuditLine
from parvis.municipalities.tests.make import NOW
from parvis.notifications.models import Message
from parvis.reservations import (
    actions,
    appointments,
    blocks,
    desk,
    erasure,
    lending,
    moments,
)
from parvis.reservations.hours import Opening, Span, wall_clock
from parvis.reservations.models import Booking, Resource, Taking
from parvis.reservations.readings import Line, offer
from parvis.reservations.rules import Taken
from parvis.reservations.tests import make
from parvis.reservations.tests.make import span
from parvis.residents.models import Phone
from parvis.residents.tests import make as people

HALF = timedelta(minutes=30)
ZONE = ZoneInfo("America/Toronto")


@pytest.fixture
def agathe(town):
    return people.resident(town)


@pytest.fixture
def office(town):
    return make.desk(town, "Inspecteur en bâtiment", desks=2, bring="Le plan\nUne photo")


def take(office, person, when=None, *, now=NOW, **facts):
    facts.setdefault("way", "here")
    return make.booking(office, person, when or span(10, 0.5), now=now, **facts)


# --- rules, without a database ----------------------------------------------------------------


def test_the_only_way_need_not_be_said_and_an_unknown_one_is_refused():
    assert appointments.chosen_way(["phone"], "") == "phone"
    assert appointments.chosen_way(["here", "phone"], "here") == "here"
    for ways, asked in ((["here", "phone"], ""), (["here"], "video"), ([], "")):
        with pytest.raises(Refused, match="Choisissez comment"):
            appointments.chosen_way(ways, asked)


@pytest.mark.parametrize(
    ("before", "after", "minutes", "allowed"),
    [
        ("", "arrived", -30, True), ("", "served", -30, True), ("", "absent", -1, False),
        ("", "absent", 0, True), ("", "absent", 3 * 1440, True), ("", "arrived", -1440, False),
        ("arrived", "served", 10, True), ("arrived", "absent", 10, False),
        ("served", "arrived", 10, True), ("served", "absent", 10, False),
        ("absent", "arrived", 10, True), ("absent", "served", 10, False),
        ("arrived", "", -1440, True), ("absent", "", 10, True), ("", "gone", 10, False),
    ],
)  # fmt: skip
def test_what_the_desk_may_note_and_when(before, after, minutes, allowed):
    when = span(10, 0.5)
    now = when.start + timedelta(minutes=minutes)
    note = lambda: appointments.check_presence(before, after, when, now=now, zone=ZONE)  # noqa: E731
    if allowed:
        note()
    else:
        with pytest.raises(Refused):
            note()


# --- taken, moved, cancelled ------------------------------------------------------------------


def test_as_many_at_once_as_receive_and_the_next_one_is_offered_the_nearest(town, office):
    for _n in range(2):
        take(office, people.resident(town))
    with pytest.raises(Taken) as full:
        take(office, people.resident(town))
    assert span(9, 0.5).start <= full.value.nearest[0].start < span(11).start
    assert span(10, 0.5) not in full.value.nearest
    assert Taking.objects.of(town).filter(resource=office).count() == 2


def test_an_appointment_lasts_what_the_sheet_says_at_an_hour_that_it_offers(office, agathe):
    take(office, agathe)
    odd = span(11).start + timedelta(minutes=10)
    for wrong in (span(11, 1), span(11, 0.25), span(16, 0.5), Span(odd, odd + HALF)):
        with pytest.raises(Refused):
            take(office, agathe, wrong)


def test_an_appointment_is_taken_alone_and_by_a_way_that_is_offered(town, office, agathe):
    tables = make.equipment(town, shortest=30)
    with pytest.raises(Refused, match="se prend seul"):
        actions.book(
            resident=agathe, lines=[Line(office.pk), Line(tables.pk, 2)],
            span=span(10, 0.5), now=NOW, way="here",
        )  # fmt: skip
    for way in ("", "video"):
        with pytest.raises(Refused, match="Choisissez comment"):
            take(office, agathe, way=way)
    assert take(office, agathe).way == "here"
    assert make.booking(make.space(town), agathe, span(14), way="phone").way == ""


def test_who_is_to_be_called_has_a_number_unless_a_clerk_hears_them(town, office, agathe):
    with pytest.raises(Refused, match="numéro de téléphone"):
        take(office, agathe, way="phone")
    clerk = people.staff(town).person
    assert take(office, agathe, way="phone", clerk=clerk).by_id == clerk.pk
    Phone.objects.create(municipality=town, resident=agathe, number="+14185550123", created_at=NOW)
    assert take(office, agathe, span(13, 0.5), way="phone").way == "phone"


def test_the_letter_says_how_it_takes_place_and_what_to_bring(town, agathe):
    office = make.desk(
        town, ways=["video"], meeting="https://exemple.ca/salle", bring="Le plan\nUne photo"
    )
    sure = take(office, agathe, way="")
    body = Message.objects.of(town).get(reference=f"booking:{sure.pk}").content["fr"]["body"]
    assert "https://exemple.ca/salle" in body
    assert "Le plan, Une photo" in body
    # Nothing of the address before the town says yes, nor after it is off.
    office.mode = "approval"
    office.save()
    asked = take(office, agathe, span(13, 0.5), way="")
    actions.cancel(sure, now=NOW)
    for kind, pk in (("reservations.asked", asked.pk), ("reservations.cancelled", sure.pk)):
        body = Message.objects.of(town).get(kind=kind, reference=f"booking:{pk}").content["fr"]
        assert "https://exemple.ca/salle" not in body["body"]


def test_it_is_moved_by_its_person_and_its_hour_is_free_again(town, agathe):
    office = make.desk(town, desks=1)
    booking = take(office, agathe)
    moved = actions.change(booking, span=span(14, 0.5), token=booking.token, now=NOW)
    assert moved.way == "here"
    assert take(office, people.resident(town)).span == span(10, 0.5)


def test_the_free_moments_are_those_when_some_desk_receives(town, office, agathe):
    day = Span(span(0).start, span(0, 24).end)
    assert len(moments.free(office, day, now=NOW)) == 14
    take(office, agathe)
    assert len(moments.free(office, day, now=NOW)) == 14
    # One desk is away all day: the hour that the other one gave is gone.
    busy = Taking.objects.of(town).get().unit
    other = office.units.exclude(pk=busy.pk).get()
    clerk = people.staff(town).person
    blocks.block(
        town, lines=[Line(office.pk, 1, other.pk)], span=Span(span(9).start, span(16).start),
        reason="Formation", clerk=clerk, now=NOW,
    )  # fmt: skip
    left = moments.free(office, day, now=NOW)
    assert len(left) == 13
    assert span(10, 0.5) not in left
    # Who moves may keep their own.
    kept = moments.free_of(offer(office), day, now=NOW, but=Booking.objects.of(town).get().pk)
    assert span(10, 0.5) in kept


def test_the_night_when_the_clock_is_set_back_keeps_its_lengths(town):
    office = make.desk(town, desks=1)
    office.hours.update(opens=time(0), closes=time(4))
    night = wall_clock(date(2026, 11, 1), time(0), ZONE)
    now = night - timedelta(days=2)
    found = moments.free(office, Span(night, night + timedelta(hours=6)), now=now)
    assert len(found) == 10  # five hours pass between midnight and four o'clock
    assert {one.length for one in found} == {HALF}


def test_what_was_held_becomes_an_appointment_once_its_way_is_said(office, agathe):
    held = actions.hold(
        resident=agathe, lines=[Line(office.pk)], span=span(10, 0.5), now=NOW
    )  # fmt: skip
    with pytest.raises(Refused, match="Choisissez comment"):
        actions.confirm_hold(held, now=NOW)
    assert actions.confirm_hold(held, now=NOW, way="here").way == "here"


# --- the sheet --------------------------------------------------------------------------------


def sheet(town, **facts):
    base = {
        "name": "Comptoir", "family": "desk", "step": 30, "shortest": 20, "longest": 20,
        "ways": ["here"],
    }  # fmt: skip
    clerk = people.staff(town).person
    openings = [Opening(weekday=0, opens=time(9), closes=time(12))]
    return lending.add_resource(
        town, kind="appointment", clerk=clerk, now=NOW,
        sheet=lending.Sheet(units=["Guichet 1", "Guichet 2"], openings=openings),
        **(base | facts),
    )  # fmt: skip


def test_a_sheet_has_one_length_a_way_and_the_words_of_the_video(town):
    made = sheet(town)
    assert made.units.count() == 2
    for wrong, why in (
        ({"longest": 40}, "même durée"),
        ({"ways": []}, "au moins une façon"),
        ({"ways": ["smoke"]}, "au moins une façon"),
        ({"ways": ["video"]}, "rejoindre la rencontre"),
    ):
        with pytest.raises(Refused, match=why):
            sheet(town, name="Autre", **wrong)
    with pytest.raises(IntegrityError), transaction.atomic():
        Resource.objects.of(town).filter(pk=made.pk).update(longest=60)


# --- the day at the desk ----------------------------------------------------------------------


def test_arrived_then_served_is_noted_once_and_the_second_clerk_is_told(town, office, agathe):
    booking, clerk = take(office, agathe), people.staff(town).person
    day = booking.span.start

    def note(presence, seen, now=day):
        return desk.note_presence(booking, presence=presence, seen=seen, clerk=clerk, now=now)

    with pytest.raises(Refused, match="pas aujourd’hui"):
        note("arrived", "", NOW)
    assert note("arrived", "").presence_at == day
    assert note("arrived", "").presence == "arrived"
    with pytest.raises(Refused, match="Quelqu’un d’autre"):
        note("absent", "")
    assert note("served", "arrived").presence_by_id == clerk.pk
    lines = AuditLine.objects.of(town).filter(deed="reservations.presence_noted")
    assert [one.facts["presence"] for one in lines.order_by("pk")] == ["arrived", "served"]
    with pytest.raises(Refused, match="déjà noté"):
        actions.cancel_for_town(booking, clerk=clerk, now=day, note="Erreur")


def test_nothing_is_noted_of_a_room_nor_of_what_was_cancelled(town, office, agathe):
    clerk = people.staff(town).person
    room = make.booking(make.space(town), agathe)
    gone = actions.cancel(take(office, agathe), now=NOW)
    for one in (room, gone):
        with pytest.raises(Refused, match="pas en vigueur"):
            desk.note_presence(
                one, presence="arrived", seen="", clerk=clerk, now=one.span.start
            )  # fmt: skip


def test_it_is_given_to_its_person_and_wiped_when_they_leave(town, office, agathe):
    booking, clerk = take(office, agathe), people.staff(town).person
    desk.note_presence(booking, presence="absent", seen="", clerk=clerk, now=booking.span.start)
    (given,) = erasure.bookings_of(agathe)
    assert (given["facon"], given["presence"]) == ("here", "absent")
    erasure.forget(agathe, now=booking.span.end)
    booking.refresh_from_db()
    assert (booking.way, booking.presence, booking.presence_by_id) == ("", "", None)
