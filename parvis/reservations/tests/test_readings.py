"""What decides about a resource is read as text: it must say what the rows say."""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal

import pytest
from django.db.models import Model

from parvis.municipalities.tests.make import NOW
from parvis.reservations.models import Closure, Hours, Limit, Question, Rate, Unit
from parvis.reservations.readings import Offer, offers
from parvis.reservations.tests import make


def facts(one: Model) -> dict[str, object]:
    return {field.attname: getattr(one, field.attname) for field in one._meta.concrete_fields}


def as_django_reads(town, resource) -> Offer:
    """The same by a query for each table."""
    mine = {"municipality": town, "resource": resource}
    closures = Closure.objects.filter(**mine), Closure.objects.filter(resource=None)
    return Offer(
        resource=resource,
        openings=tuple(one.opening for one in Hours.objects.filter(**mine)),
        closures=tuple(one for found in closures for one in found),
        units=tuple(Unit.objects.filter(**mine, retired_at=None)),
        rates=tuple(Rate.objects.filter(**mine)),
        limits=tuple(Limit.objects.filter(**mine)),
        questions=tuple(Question.objects.filter(**mine)),
    )


@pytest.fixture
def hall(town):
    found = make.space(town, units=3)
    found.units.filter(position=1).update(retired_at=NOW)
    mine = {"municipality": town, "resource": found}
    Hours.objects.create(
        **mine, weekday=2, opens=time(22, 30), closes=time(1, 15), season_first=1201,
        season_last=229,
    )  # fmt: skip
    Closure.objects.create(
        municipality=town,
        first_on=date(2026, 12, 25),
        last_on=date(2026, 12, 26),
        reason="Noël",
        created_at=NOW,
    )
    Closure.objects.create(
        **mine, first_on=date(2026, 1, 1), last_on=date(2026, 1, 2), created_at=NOW
    )
    Rate.objects.create(
        **mine, unit="hour", amount=Decimal("22.50"), gst=True, first_on=date(2026, 7, 1)
    )
    Rate.objects.create(**mine, unit="hour", amount=Decimal(0), price_class="nonprofit")
    Limit.objects.create(**mine, most=2, per="week")
    Question.objects.create(
        **mine, label="Œuvre « d’été »\u00a0?", kind="choice", choices=["a,b", 'c"d']
    )
    return found


def test_what_is_read_as_text_is_what_the_rows_say(town, hall):
    ours, theirs = offers(town, [hall])[hall.pk], as_django_reads(town, hall)
    assert ours.openings == theirs.openings
    for name in ("closures", "units", "rates", "limits", "questions"):
        found = [facts(one) for one in getattr(ours, name)]
        assert found == [facts(one) for one in getattr(theirs, name)]
        assert found


def test_a_change_is_read_at_once(town, hall):
    before = offers(town, [hall])[hall.pk]
    Rate.objects.filter(resource=hall).update(amount=Decimal("30.00"))
    Closure.objects.filter(resource=None).delete()
    after = offers(town, [hall])[hall.pk]
    assert {one.amount for one in before.rates} == {Decimal("22.50"), Decimal(0)}
    assert {one.amount for one in after.rates} == {Decimal("30.00")}
    assert len(after.closures) == len(before.closures) - 1
    assert after.openings == before.openings


def test_what_is_over_may_be_left_out_and_comes_back(town, hall):
    late = offers(town, [hall], since=date(2026, 6, 1))[hall.pk]
    assert [one.reason for one in late.closures] == ["Noël"]
    assert len(offers(town, [hall])[hall.pk].closures) == 2
