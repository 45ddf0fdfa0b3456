"""What residents tell the rooms above."""

from django.dispatch import Signal

export = Signal()  # resident: Resident → each receiver answers (name, rows as list of dicts)
erase = Signal()  # resident: Resident, now: datetime
signed_out = Signal()  # resident: Resident, endpoint: str, keep_emergencies: bool, now: datetime
