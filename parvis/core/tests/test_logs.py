"""What never reaches a log."""

from __future__ import annotations

import logging
import sys
from copy import copy

import pytest
from django.db import IntegrityError

from parvis.municipalities.models import HostName


def written(record: logging.LogRecord) -> str:
    """The line as the handler of the settings writes it."""
    formatter = next(
        each.formatter
        for each in logging.getLogger().handlers
        if each.formatter and each.get_name() == "stderr"
    )
    assert formatter is not None
    return formatter.format(copy(record))


@pytest.mark.django_db
def test_a_refused_row_is_not_quoted_in_a_traceback(town):
    try:
        HostName.objects.create(municipality=town, name="alma.localhost")
    except IntegrityError:
        record = logging.LogRecord("x", logging.ERROR, "", 1, "work failed", (), sys.exc_info())
    assert "(alma.localhost)" in logging.Formatter().format(copy(record))
    line = written(record)
    assert "municipalities_hostname_name" in line
    assert "(alma.localhost)" not in line


def test_a_path_that_is_a_right_to_act_is_cut():
    for path in (
        "/bureau/invitation/sEcReT-token_1/",
        "/moi/menage/invitation/sEcReT-token_1/",
        "/mes-avis/desabonnement/sEcReT-token_1:2:3/",
        "/compte/confirmer/sEcReT-token_1:2:3/",
        "/reserver/calendrier/sEcReT-token_1.ics",
        "/live/?t=sEcReT-token_1",
    ):
        record = logging.LogRecord("x", logging.WARNING, "", 1, "Gone: %s", (path,), None)
        line = written(record)
        assert "sEcReT" not in line
        assert path.split("sEcReT")[0] in line
