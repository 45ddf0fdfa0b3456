"""Money that a clerk takes or gives back: fees, refunds, deposits, with their receipts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from parvis.core import typography
from parvis.core.db import violated_constraint
from parvis.core.errors import Refused
from parvis.core.money import ZERO, round_cents
from parvis.municipalities.actions import record
from parvis.reservations import holds
from parvis.reservations.models import Booking, Payment
from parvis.residents.models import Resident

Kind = Payment.Kind
MOST = Decimal("99999.99")


@dataclass(frozen=True)
class Balance:
    """What is owed for a booking, and what the town has of it."""

    owed: Decimal
    paid: Decimal
    deposit_owed: Decimal
    deposit_held: Decimal

    @property
    def due(self) -> Decimal:
        """Still to pay; negative when some must be given back."""
        return self.owed - self.paid

    @property
    def deposit_due(self) -> Decimal:
        return max(ZERO, self.deposit_owed - self.deposit_held)


def balance(booking: Booking) -> Balance:
    """Of a cancelled booking only what the town keeps is owed; of a refused one, nothing."""
    sums = dict.fromkeys(Kind.values, ZERO)
    for one in booking.payments.all():
        if one.withdrawn_at is None:
            sums[one.kind] += one.amount
    stands = booking.state in {Booking.State.ASKED, Booking.State.CONFIRMED}
    owed = booking.total if stands else booking.kept
    return Balance(
        owed=owed,
        paid=sums[Kind.FEE] - sums[Kind.REFUND],
        deposit_owed=booking.deposit if stands else ZERO,
        deposit_held=sums[Kind.DEPOSIT] - sums[Kind.RETURN],
    )


@transaction.atomic
def record_payment(
    booking: Booking,
    *,
    kind: str,
    amount: Decimal,
    means: str,
    clerk: Resident,
    now: datetime,
    receipt: str = "",
    key: str = "",
) -> Payment:
    """Write down what was taken or given back, or raise Refused. One receipt serves once.

    The same key again is the same payment.
    Two clerks at once: the second sees what the first wrote.
    """
    fresh = holds.lock_booking(booking)
    key = key[:64]
    before: Payment | None = fresh.payments.filter(key=key).first() if key else None
    if before is not None:
        return before
    if kind not in Kind.values or means not in Payment.Means.values:
        raise Refused(_("Choisissez une opération et un moyen de la liste."))
    if amount != round_cents(amount) or not ZERO < amount <= MOST:
        raise Refused(_("Écrivez un montant de 0,01\u00a0$ à 99\u00a0999,99\u00a0$."))
    check_amount(balance(fresh), kind, amount)
    try:
        with transaction.atomic():
            made = Payment.objects.create(
                municipality=fresh.municipality, booking=fresh, kind=kind, amount=amount,
                means=means, receipt=" ".join(receipt.split())[:40], at=now, by_id=clerk.pk,
                key=key,
            )  # fmt: skip
    except IntegrityError as error:
        if violated_constraint(error) == "one_payment_per_receipt":
            raise Refused(_("Ce numéro de reçu a déjà servi.")) from error
        raise
    record(
        "reservations.paid", municipality=fresh.municipality_id, actor=clerk, booking=fresh.pk,
        payment=made.pk,
    )  # fmt: skip
    return made


def check_amount(now_has: Balance, kind: str, amount: Decimal) -> None:
    """Raise Refused if more is taken than is owed, or more given back than was taken."""
    most = {
        Kind.FEE: max(ZERO, now_has.due),
        Kind.REFUND: max(ZERO, now_has.paid),
        Kind.DEPOSIT: now_has.deposit_due,
        Kind.RETURN: max(ZERO, now_has.deposit_held),
    }[Kind(kind)]
    if amount > most:
        raise Refused(
            _("Le montant va jusqu’à {most} pour cette opération.").format(
                most=typography.money(most)
            )
        )


@transaction.atomic
def withdraw_payment(payment: Payment, *, clerk: Resident, now: datetime) -> None:
    """Take back what was entered by mistake; it stays to be seen, and counts no more."""
    town = payment.municipality_id
    gone = (
        Payment.objects.of(town)
        .filter(pk=payment.pk, withdrawn_at__isnull=True)
        .update(withdrawn_at=now, withdrawn_by_id=clerk.pk)
    )
    if gone:
        record(
            "reservations.payment_withdrawn", municipality=town, actor=clerk,
            booking=payment.booking_id, payment=payment.pk,
        )  # fmt: skip
