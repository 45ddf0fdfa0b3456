"""Money at the counter, what the room knows of a person, and what it forgets."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from parvis.core.errors import Refused
from parvis.municipalities.tests.make import NOW
from parvis.reservations import actions, erasure, till
from parvis.reservations.models import (
    CalendarFeed,
    Organisation,
    OrganisationMember,
    Payment,
    Rate,
    Taking,
)
from parvis.reservations.tests import make
from parvis.reservations.tests.make import span
from parvis.residents.erasure import erase_resident, rows_about
from parvis.residents.tests import make as residents


@pytest.fixture
def agathe(town):
    return residents.resident(town)


@pytest.fixture
def clerk(town):
    return residents.staff(town).person


@pytest.fixture
def booking(town, agathe):
    room = make.space(town, deposit=50, free_hours=48, kept_percent=50)
    Rate.objects.create(municipality=town, resource=room, unit="flat", amount=30)
    return make.booking(room, agathe)


def pay(booking, clerk, amount, kind="fee", **facts):
    facts.setdefault("means", "cash")
    return till.record_payment(
        booking, kind=kind, amount=Decimal(amount), clerk=clerk, now=NOW, **facts
    )


def test_what_is_taken_and_given_back_adds_up(booking, clerk):
    pay(booking, clerk, "20")
    pay(booking, clerk, "50", "deposit")
    has = till.balance(booking)
    assert (has.due, has.deposit_due, has.deposit_held) == (10, 0, 50)
    pay(booking, clerk, "10")
    pay(booking, clerk, "50", "return")
    has = till.balance(booking)
    assert (has.due, has.deposit_held) == (0, 0)


@pytest.mark.parametrize(
    ("amount", "kind"),
    [("30.01", "fee"), ("0.01", "refund"), ("50.01", "deposit"), ("0.01", "return"), ("0", "fee"),
     ("-1", "fee"), ("0.001", "fee"), ("1000000", "fee"), ("1", "gift")],
)  # fmt: skip
def test_no_more_than_is_owed_or_held(booking, clerk, amount, kind):
    with pytest.raises(Refused):
        pay(booking, clerk, amount, kind)
    pay(booking, clerk, "30")


def test_a_receipt_serves_once_and_a_mistake_stays_to_be_seen(booking, clerk):
    first = pay(booking, clerk, "10", receipt="R-12")
    with pytest.raises(Refused, match="reçu"):
        pay(booking, clerk, "10", receipt="R-12")
    till.withdraw_payment(first, clerk=clerk, now=NOW)
    till.withdraw_payment(first, clerk=clerk, now=NOW)
    assert till.balance(booking).due == 30
    pay(booking, clerk, "30", receipt="R-12")
    assert Payment.objects.of(booking.municipality).count() == 2


def test_a_double_press_is_one_payment(booking, clerk):
    first, second = (pay(booking, clerk, "10", key="k") for _press in range(2))
    assert first == second
    assert till.balance(booking).paid == 10
    pay(booking, clerk, "10", key="other")


def test_the_database_takes_no_amount_of_nothing(booking, clerk):
    with pytest.raises(IntegrityError), transaction.atomic():
        Payment.objects.create(
            municipality=booking.municipality, booking=booking, amount=0, means="cash", at=NOW,
            by_id=clerk.pk,
        )  # fmt: skip


def test_a_late_cancellation_leaves_its_part_to_keep_and_the_rest_to_give_back(booking, clerk):
    pay(booking, clerk, "30")
    ended = actions.cancel(booking, now=span().start - (span().end - span().start))
    assert till.balance(ended).due == -15
    pay(ended, clerk, "15", "refund")
    assert till.balance(ended).due == 0


def test_the_archive_of_a_person_holds_their_bookings(town, booking, agathe, clerk):
    pay(booking, clerk, "30", receipt="R-12")
    other = residents.resident(town)
    make.booking(make.space(town), other)
    found = rows_about(agathe)
    assert [row["numero"] for row in found["reservations"]] == [booking.reference]
    assert [row["recu"] for row in found["paiements_de_reservations"]] == ["R-12"]
    assert found["organismes"] == []


def test_of_an_erased_person_only_numbers_and_receipts_remain(town, agathe, clerk):
    room = make.space(town)
    club = Organisation.objects.create(municipality=town, name="Club", created_at=NOW)
    OrganisationMember.objects.create(
        municipality=town, organisation=club, resident=agathe, created_at=NOW
    )
    past = make.booking(room, agathe, span(10, days=1), purpose="Anniversaire d’Agathe")
    coming = make.booking(room, agathe, span(10, days=9), purpose="Anniversaire de Luc")
    actions.renew_feed(agathe, now=NOW)
    erase_resident(agathe, actor=agathe, now=span(10, days=2).start)
    past.refresh_from_db()
    coming.refresh_from_db()
    assert (past.state, coming.state) == ("confirmed", "cancelled")
    assert (past.purpose, coming.purpose, past.answers) == ("", "", [])
    assert not Taking.objects.of(town).filter(booking=coming, stands=True).exists()
    assert not CalendarFeed.objects.of(town).exists()
    assert not OrganisationMember.objects.of(town).exists()
    erasure.forget(agathe, now=NOW)
