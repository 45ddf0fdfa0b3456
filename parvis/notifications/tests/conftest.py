"""A committed town, a real mail server and a push service, for tests of what is sent."""

from __future__ import annotations

import pytest

from parvis.core.db import as_town
from parvis.notifications.tests import make as notify
from parvis.notifications.tests.push_service import PushService
from parvis.notifications.tests.texting import followers, send


@pytest.fixture
def open_town(transactional_db):
    """A town in a committed database: dispatchers work in transactions of their own."""
    from parvis.municipalities.tests import make as towns

    return towns.municipality("alma")


@pytest.fixture
def mailbox():
    with notify.mail_server() as box:
        yield box


@pytest.fixture
def service(settings):
    with PushService() as service:
        settings.PUSH_CA_FILE = str(service.ca_file)
        settings.PUSH_PRIVATE_ADDRESSES = True
        from parvis.notifications.channels import push

        push._pool = None
        yield service
        push._pool = None


@pytest.fixture
def texts(settings):
    """A provider of texts that the portal is set to use."""
    from parvis.notifications.tests.phone_service import PhoneService

    with PhoneService() as service:
        settings.TELEPHONY = (service.provider,)
        settings.TELEPHONY_TIMEOUT = 1
        yield service


@pytest.fixture
def planned(open_town, texts):
    """Plan a message to so many by text; answer it and their telephones."""

    def plan(count: int = 1, *, emergency: bool = False, **facts):
        with as_town(open_town.pk):
            subject = notify.subject(
                open_town, "Urgences" if emergency else "Eau", is_emergency=emergency
            )
            _subject, phones = followers(open_town, count, subject=subject)
            return send(open_town, subject, **facts), phones

    return plan
