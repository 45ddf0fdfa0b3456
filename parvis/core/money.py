"""Dollars and cents: how they are rounded. How they are written is in `typography`."""

from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
ZERO = Decimal("0.00")


def round_cents(amount: Decimal) -> Decimal:
    """To the cent; half a cent counts as one (Excise Tax Act, s. 165.2; Québec's tax, likewise)."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)
