"""A committed town, a real mail server and a push service, for tests of what is sent."""

from __future__ import annotations

import pytest

from parvis.notifications.tests import make as notify
from parvis.notifications.tests.push_service import PushService


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
