"""What a town tells the rooms above."""

from django.dispatch import Signal

opened = Signal()  # municipality: Municipality, now: datetime
