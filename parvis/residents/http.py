"""Requests as the views of the house know them."""

from __future__ import annotations

from django.http import HttpRequest

from parvis.municipalities.models import Municipality, StaffMember
from parvis.residents.models import Resident


class TownRequest(HttpRequest):
    """A request at a town's host name, by anyone."""

    municipality: Municipality
    reference: str


class ResidentRequest(TownRequest):
    """A request by someone signed in."""

    user: Resident


class StaffRequest(ResidentRequest):
    """A request by a staff member who came through `staff_door`."""

    staff: StaffMember
