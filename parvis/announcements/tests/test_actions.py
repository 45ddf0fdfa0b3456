"""What happens to an announcement, on a real database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from parvis.announcements import actions, drafts, rules
from parvis.announcements.models import Announcement, Reminder, Version
from parvis.announcements.tests import make
from parvis.core.errors import Refused
from parvis.municipalities.models import AuditLine
from parvis.municipalities.tests.make import NOW
from parvis.notifications.models import Lane, Message
from parvis.residents.tests.make import resident

HOUR = timedelta(hours=1)


def deeds(town) -> list[str]:
    """The audit trail, the oldest first, without what opening a town writes."""
    lines = AuditLine.objects.of(town).order_by("pk").values_list("deed", flat=True)
    return [deed for deed in lines if not deed.startswith("municipalities.")]


def test_publishing_writes_a_version_a_line_and_plans_one_message(town):
    actor = resident(town)
    announcement = make.published(town, actor=actor)
    assert (announcement.state, announcement.published_at) == ("published", NOW)
    assert announcement.in_force_from == NOW
    assert announcement.slug == "leau-peut-etre-brune-jusqua-vendredi"
    version = Version.objects.of(town).get()
    assert (version.number, version.title, version.notified) == (1, announcement.title, True)
    message = Message.objects.of(town).get()
    assert (message.kind, message.reference, message.lane) == (
        "announcements.published", f"announcement:{announcement.pk}", Lane.NOTICE,
    )  # fmt: skip
    assert message.content["fr"]["url"] == announcement.get_absolute_url()
    assert (message.sector_ids, message.address_ids) == (None, None)
    assert len(message.topic) <= 32
    assert deeds(town) == [
        "announcements.drafted", "notifications.planned", "announcements.published",
    ]  # fmt: skip
