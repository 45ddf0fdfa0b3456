"""What a case tells the rooms above."""

from django.dispatch import Signal

moved = Signal()  # case: Case, from_state: str, by: Resident | None, now: datetime
