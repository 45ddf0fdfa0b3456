"""What residents tell the rooms above."""

from django.dispatch import Signal

export = Signal()  # resident: Resident → each receiver answers (name, rows as list of dicts)
erase = Signal()  # resident: Resident, now: datetime
signed_out = Signal()  # resident: Resident, endpoint: str, keep_emergencies: bool, now: datetime
phone_ways = Signal()  # phone: Phone → each receiver answers the ways a code can take to it
phone_code = Signal()  # phone: Phone, code: str, way: str, now: datetime
phone_proved = Signal()  # phone: Phone, how: str, now: datetime; how is empty: its number changed
