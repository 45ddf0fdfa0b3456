"""What the room holds about a person: given to them, or made to say nothing of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from parvis.municipalities.models import Municipality
from parvis.notifications.erasure import forget_words
from parvis.reservations import holds
from parvis.reservations.models import (
    Booking,
    CalendarFeed,
    OrganisationMember,
    Payment,
    Wait,
)
from parvis.residents.models import Resident

State = Booking.State


def bookings_of(resident: Resident) -> list[dict[str, Any]]:
    """Everything that the person ever reserved, with its price and answers."""
    rows = (
        Booking.objects.of(resident.municipality_id)
        .filter(resident=resident)
        .select_related("organisation")
        .prefetch_related("takings__resource", "takings__unit")
        .order_by("pk")
    )
    return [
        {
            "numero": one.reference,
            "etat": one.state,
            "du": one.period.lower,
            "au": one.period.upper,
            "quoi": "; ".join(
                f"{taking.quantity} × {taking.resource.name}" for taking in one.takings.all()
            ),
            "organisme": str(one.organisation or ""),
            "activite": one.purpose,
            "personnes": one.people,
            "facon": one.way,
            "presence": one.presence,
            "presence_notee_le": one.presence_at,
            "reponses": "; ".join(f"{said['question']} {said['answer']}" for said in one.answers),
            "total": one.total,
            "depot": one.deposit,
            "mot_de_la_ville": one.note,
            "demandee_le": one.created_at,
        }
        for one in rows
    ]


def payments_of(resident: Resident) -> list[dict[str, Any]]:
    rows = (
        Payment.objects.of(resident.municipality_id)
        .filter(booking__resident=resident)
        .select_related("booking")
        .order_by("pk")
    )
    return [
        {
            "reservation": one.booking.reference,
            "operation": one.kind,
            "montant": one.amount,
            "moyen": one.means,
            "recu": one.receipt,
            "le": one.at,
            "retire_le": one.withdrawn_at,
        }
        for one in rows
    ]


def organisations_of(resident: Resident) -> list[dict[str, Any]]:
    rows = (
        OrganisationMember.objects.of(resident.municipality_id)
        .filter(resident=resident)
        .select_related("organisation")
        .order_by("pk")
    )
    return [{"organisme": one.organisation.name, "depuis": one.created_at} for one in rows]


def waits_of(resident: Resident) -> list[dict[str, Any]]:
    """Every place in line that the person ever had."""
    rows = (
        Wait.objects.of(resident.municipality_id)
        .filter(resident=resident)
        .select_related("resource", "organisation")
        .order_by("pk")
    )
    return [
        {
            "quoi": f"{one.quantity} × {one.resource.name}",
            "du": one.period.lower,
            "au": one.period.upper,
            "organisme": str(one.organisation or ""),
            "personnes": one.people,
            "etat": one.state,
            "depuis": one.created_at,
            "fini_le": one.ended_at,
        }
        for one in rows
    ]


def forget(resident: Resident, *, now: datetime) -> None:
    """Cancel what is to come and wipe what was said; receipts stay, by number, for the accounts."""
    town: Municipality | int = resident.municipality_id
    mine = Booking.objects.of(town).filter(resident=resident)
    standing = mine.filter(
        state__in=[State.HELD, State.ASKED, State.CONFIRMED], period__endswith__gt=now
    )
    for booking in standing.select_for_update():
        holds.end(booking, State.CANCELLED, at=now)
    Wait.objects.of(town).filter(resident=resident).standing().update(
        state=Wait.State.LEFT, ended_at=now
    )
    Wait.objects.of(town).filter(resident=resident).update(people=None)
    references = [f"booking:{pk}" for pk in mine.values_list("pk", flat=True)]
    forget_words(resident.municipality_id, references)
    mine.update(purpose="", answers=[], note="", people=None, key="", key_digest="", way="",
                presence="", presence_at=None, presence_by_id=None)  # fmt: skip
    CalendarFeed.objects.of(town).filter(resident=resident).delete()
    OrganisationMember.objects.of(town).filter(resident=resident).delete()
