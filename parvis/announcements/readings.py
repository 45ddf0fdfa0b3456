"""Which announcements are which: published, in force, coming, over, about a place, about words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Self

from django.contrib.postgres.search import SearchQuery, SearchRank
from django.db import models
from django.db.models import Case, F, Q, TextField, Value, When
from django.db.models.functions import Coalesce

from parvis.announcements import rules
from parvis.municipalities.models import OwnedQuerySet


class Fold(models.Func):
    """Our own `fold()` in PostgreSQL: lower case, no accents, «œ» as «oe»."""

    function = "fold"
    output_field = TextField()


AHEAD = Case(When(concerns_at__isnull=True, then=F("in_force_from")), default=F("concerns_at"))
"""The date it is about, else when it takes force. Not COALESCE: PostgreSQL takes that for leaky,
and behind the wall would not look it up in an index."""


BRIEF = (
    "municipality_id", "title", "summary", "slug", "severity", "state", "takes_force",
    "in_force_from", "in_force_until", "expires_at", "concerns_at", "published_at", "sector_ids",
    "subject__name", "subject__icon", "subject__is_emergency",
)  # fmt: skip


class AnnouncementQuerySet(OwnedQuerySet):
    def briefly(self) -> Self:
        """With what a line in a list shows, and nothing of the text and the areas."""
        return self.select_related("subject").only(*BRIEF)

    def published(self, now: datetime) -> Self:
        """What lists and feeds show: in force or not, and not yet expired or archived."""
        return self.filter(state__in=[rules.PUBLISHED, rules.LIFTED]).filter(
            Q(expires_at__isnull=True) | Q(expires_at__gt=now)
        )

    def readable(self) -> Self:
        """What has a public page: everything that was ever published."""
        return self.filter(state__in=rules.PUBLIC)

    def standing(self, now: datetime) -> Self:
        """In force at this instant («avis en vigueur»), emergencies and pinned first."""
        return (
            self.published(now)
            .filter(state=rules.PUBLISHED, takes_force=True, in_force_from__lte=now)
            .filter(Q(in_force_until__isnull=True) | Q(in_force_until__gt=now))
            .order_by("-subject__is_emergency", "-pinned", "-in_force_from", "-id")
        )

    def upcoming(self, now: datetime) -> Self:
        """Published, and taking force later."""
        return (
            self.published(now)
            .filter(state=rules.PUBLISHED, takes_force=True, in_force_from__gt=now)
            .order_by("in_force_from", "id")
        )

    def dated(self, now: datetime) -> Self:
        """Published, with a date ahead: the one it is about, else when it takes force."""
        return (
            self.published(now)
            .filter(state=rules.PUBLISHED)
            .alias(ahead_at=AHEAD)
            .filter(ahead_at__gte=now)
            .order_by("ahead_at", "id")
        )

    def news(self, now: datetime) -> Self:
        """Published, without a force of its own: news, not a notice that stands."""
        return (
            self.published(now)
            .filter(state=rules.PUBLISHED, takes_force=False)
            .order_by("-pinned", "-published_at", "-id")
        )

    def ended(self, now: datetime) -> Self:
        """Lifted, or past its planned end, the last first."""
        over = Q(state=rules.LIFTED) | Q(
            state=rules.PUBLISHED, takes_force=True, in_force_until__lte=now
        )
        return (
            self.published(now)
            .filter(over)
            .order_by(Coalesce("lifted_at", "in_force_until").desc(), "-id")
        )

    def archives(self, now: datetime) -> Self:
        """No longer in the lists, still at its address."""
        gone = Q(state__in=[rules.EXPIRED, rules.ARCHIVED]) | Q(
            state__in=[rules.PUBLISHED, rules.LIFTED], expires_at__lte=now
        )
        return self.filter(gone).order_by("-published_at", "-id")

    def concerning(
        self, *, sector_ids: Sequence[int] = (), address_ids: Sequence[int] = ()
    ) -> Self:
        """For the whole town, or for one of these sectors or addresses."""
        everyone = Q(sector_ids=[], address_ids=[], area__isnull=True)
        return self.filter(
            everyone
            | Q(sector_ids__overlap=list(sector_ids))
            | Q(address_ids__overlap=list(address_ids))
            | Q(area_address_ids__overlap=list(address_ids))
        )

    def search(self, query: str) -> Self:
        """Full text in French, the last word possibly unfinished; the best first."""
        words = re.findall(r"\w+", query)[:12]
        if not words:
            return self.none()
        raw = " & ".join(words) + ":*"
        wanted = SearchQuery(Fold(Value(raw)), config="french", search_type="raw")
        return (
            self.filter(search=wanted)
            .annotate(rank=SearchRank(F("search"), wanted))
            .order_by("-rank", "-published_at", "-id")
        )
