"""Nothing carries a town over: not a pooled connection, a job, nor a command."""

from __future__ import annotations

import os
import subprocess
import sys

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from parvis.core.db import SETTING, as_town, current_town, wipe
from parvis.core.jobs import town_job
from parvis.municipalities.models import PushKey
from parvis.municipalities.tests import make


def left_behind(conn: psycopg.Connection) -> tuple[str, int]:
    """The setting that a new holder of this connection finds, and the walled rows it sees."""
    town = conn.execute("SELECT coalesce(current_setting(%s, true), '')", [SETTING]).fetchone()[0]
    rows = conn.execute("SELECT count(*) FROM municipalities_pushkey").fetchone()[0]
    return town, rows


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("reset", "expected"), [(wipe, ("", 0)), (None, None)])
def test_a_connection_comes_back_to_the_pool_without_its_town(reset, expected):
    town = make.municipality()
    with ConnectionPool(
        os.environ["DATABASE_URL"], min_size=1, max_size=1, reset=reset, open=True
    ) as pool:
        with pool.connection() as conn:
            # As a careless session-wide setting would do.
            conn.execute("SELECT set_config(%s, %s, false)", [SETTING, str(town.pk)])
            assert left_behind(conn) == (str(town.pk), 1)
        with pool.connection() as conn:
            # Without the reset the next holder would be in the town: what the test is about.
            assert left_behind(conn) == (expected or (str(town.pk), 1))


@pytest.mark.django_db(transaction=True)
def test_a_job_runs_as_its_town_and_leaves_none():
    alma, isle = make.municipality("alma"), make.municipality("isle")
    seen = []

    @town_job()
    def look(*, municipality_id: int) -> None:
        seen.append(
            (current_town(), set(PushKey.objects.values_list("municipality_id", flat=True)))
        )
        if municipality_id == alma.pk:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        look.func(municipality_id=alma.pk)
    assert current_town() is None
    look.func(municipality_id=isle.pk)
    assert current_town() is None
    assert seen == [(alma.pk, {alma.pk}), (isle.pk, {isle.pk})]


@pytest.mark.django_db(transaction=True)
def test_a_command_begins_without_a_town():
    make.municipality()
    told = subprocess.run(
        [
            sys.executable, "-c",
            "import django; django.setup()\n"
            "from parvis.core.db import current_town\n"
            "from parvis.municipalities.models import PushKey\n"
            "print(current_town(), PushKey.objects.count())",
        ],
        capture_output=True, text=True, check=True,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "parvis.settings"},
    )  # fmt: skip
    assert told.stdout.split() == ["None", "0"]


@pytest.mark.django_db
def test_what_a_view_wrote_before_it_crashed_is_undone(town, client, settings):
    """The request is one transaction: a 500 page keeps nothing."""
    from parvis.municipalities.middleware import town as middleware
    from parvis.municipalities.models import AuditLine

    settings.ALLOWED_HOSTS = ["*"]
    before = AuditLine.objects.of(town).count()

    def view(request):
        from django.http import HttpResponse

        from parvis.municipalities.actions import record

        record("tests.written", municipality=request.municipality)
        assert AuditLine.objects.of(town).count() == before + 1
        return HttpResponse(status=int(request.GET["answer"]))

    from django.test import RequestFactory

    factory = RequestFactory(HTTP_HOST="alma.localhost")
    middleware(view)(factory.get("/?answer=500"))
    with as_town(town.pk):
        assert AuditLine.objects.of(town).count() == before
    middleware(view)(factory.get("/?answer=200"))
    with as_town(town.pk):
        assert AuditLine.objects.of(town).count() == before + 1
