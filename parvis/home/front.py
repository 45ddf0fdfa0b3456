"""What the front page shows, read in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Prefetch
from django.utils import timezone

from parvis.announcements.models import Announcement, Picture, Reminder
from parvis.announcements.pages import Shown, shown
from parvis.announcements.readings import AnnouncementQuerySet
from parvis.home import concerns
from parvis.notifications import inbox
from parvis.notifications.models import Subscription
from parvis.reservations import mine as bookings
from parvis.residents.http import TownRequest
from parvis.residents.models import Resident

COMING, NEWS = 5, 3
SCENES = {
    "pool": "ticket volleyball heart book-open dog camera waves droplets sun",
    "bridge": "construction route bus square-parking wrench zap wind map",
    "bins": "recycle trash-2 leaf tree-pine refresh-cw",
    "snow": "snowflake cloud-snow",
}
"""Scene of a news without a picture → icons of the subjects that it suits."""


@dataclass(frozen=True)
class Coming:
    """Something with a date ahead."""

    announcement: Announcement
    at: datetime
    on: date
    days: int
    reminder_at: datetime | None


@dataclass(frozen=True)
class Ahead:
    """A line of what comes next: the person's own reservation, or something published."""

    at: datetime
    booking: dict[str, Any] | None = None
    coming: Coming | None = None


def in_order(coming: Iterable[Coming], booking: dict[str, Any] | None) -> list[Ahead]:
    """The soonest first, whatever it is."""
    lines = [Ahead(each.at, coming=each) for each in coming]
    if booking is not None:
        lines.append(Ahead(booking["start"], booking=booking))
    return sorted(lines, key=lambda line: line.at)


def briefly(request: TownRequest) -> AnnouncementQuerySet:
    found: AnnouncementQuerySet = Announcement.objects.of(request.municipality).briefly()
    return found


def coming(request: TownRequest, now: datetime) -> list[Coming]:
    """Dates ahead of what is published: the date that it is about, else when it takes force."""
    open_reminders = Reminder.objects.of(request.municipality).filter(closed_at__isnull=True)
    rows = concerns.mine(request, briefly(request).dated(now)).prefetch_related(
        Prefetch("reminders", open_reminders, to_attr="ahead")
    )[:COMING]
    mine = subscribed(request) if any(row.ahead for row in rows) else set()
    today = timezone.localdate()
    found = []
    for row in rows:
        at = row.concerns_at or row.in_force_from
        on = timezone.localtime(at).date()
        # Who is not subscribed gets no reminder: the page must not promise one.
        due = row.ahead[0].due_at if row.ahead and row.subject_id in mine else None
        found.append(Coming(row, at=at, on=on, days=(on - today).days, reminder_at=due))
    return found


def subscribed(request: TownRequest) -> set[int]:
    """Subjects that the person follows, for any place."""
    if not request.user.is_authenticated:
        return set()
    return set(
        Subscription.objects.of(request.municipality)
        .filter(resident_id=request.user.pk)
        .values_list("subject_id", flat=True)
    )


@dataclass(frozen=True)
class News:
    announcement: Announcement
    picture: Shown | None

    @property
    def scene(self) -> str:
        """Template of the drawing that stands where there is no picture."""
        subject = self.announcement.subject
        icon = subject.icon if subject else ""
        name = next((name for name, icons in SCENES.items() if icon in icons.split()), "hall")
        return f"home/_scene_{name}.html"


def news(request: TownRequest, now: datetime) -> list[News]:
    """The newest, each with its first picture if it has one."""
    pictures = Prefetch("pictures", Picture.objects.of(request.municipality), to_attr="drawn")
    rows = concerns.mine(request, briefly(request).news(now)).prefetch_related(pictures)[:NEWS]
    return [News(row, shown(row.drawn[0]) if row.drawn else None) for row in rows]


def page(request: TownRequest) -> dict[str, Any]:
    now = timezone.now()
    standing = concerns.standing(request)
    emergencies = [each for each in standing if each.is_emergency]
    # The banner already says the first emergency.
    others = [each for each in standing if each not in emergencies[:1]]
    facts: dict[str, Any] = {
        "banner": emergencies[0] if emergencies else None,
        "banner_place": place_of(request, emergencies[:1]),
        "standing": others[: concerns.SHOWN - 1],
        "news": news(request, now),
    }
    booking = None
    if request.user.is_authenticated:
        person: Resident = request.user
        facts |= {"unread": inbox.unread_count(person), "greeting": greeting(person)}
        facts["without_address"] = not concerns.here(request).address_ids
        booking = bookings.next_of(person, now)
    return facts | {"ahead": in_order(coming(request, now), booking)}


def greeting(person: Resident) -> str:
    """First name; an account without a name is greeted without one."""
    return person.first_name.strip()


def place_of(request: TownRequest, announcements: Iterable[Announcement]) -> str:
    """Name of the person's sector that an emergency touches, if any."""
    here = concerns.here(request)
    for announcement in announcements:
        for place in here.places:
            if place.address and place.address.sector_id in announcement.sector_ids:
                return str(place.address.sector)
    return ""
