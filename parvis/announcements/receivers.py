"""What this room answers when another asks: who may open its files."""

from __future__ import annotations

from django.http import HttpRequest

from parvis.announcements.drafts import STORE
from parvis.announcements.models import Announcement, Attachment, Picture
from parvis.core import files
from parvis.residents.doors import has_second_factor, may_enter, staff_member


@files.door(STORE)
def may_open(request: HttpRequest, folder: str) -> files.Access:
    """Anyone may open what belongs to a published announcement; the room's staff, drafts too."""
    town = request.municipality  # type: ignore[attr-defined]
    state = None
    for part in (Picture, Attachment):
        found = part.objects.of(town).filter(folder=folder).values_list("announcement__state")
        state = state or found.first()
    if state is None:
        return files.Access.NONE
    if Announcement(state=state[0]).is_public:
        return files.Access.PUBLIC
    if may_enter(staff_member(request), "announcements", "see") and has_second_factor(request):
        return files.Access.PRIVATE
    return files.Access.NONE
