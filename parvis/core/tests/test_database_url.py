import os

import psycopg
import pytest
from django.db import OperationalError
from django.db.utils import ConnectionHandler
from psycopg.conninfo import conninfo_to_dict

from parvis.core import live
from parvis.settings import WrongSetting, database

URL = "postgresql://parvis_app:p%40ss@db.example.org:5433/parvis"
TLS = {
    "sslmode": "verify-full",
    "sslrootcert": "/etc/parvis/db ca.pem",
    "sslcert": "/etc/parvis/db.pem",
    "sslkey": "/etc/parvis/db.key",
    "target_session_attrs": "read-write",
    "connect_timeout": "5",
}


def ours(*parameters):
    """The tests' own database, with something more in its address."""
    url = os.environ["DATABASE_URL"]
    return url + ("&" if "?" in url else "?") + "&".join(parameters)


def test_an_address_says_where_and_as_whom():
    made = database(URL)
    assert (made["USER"], made["PASSWORD"], made["HOST"]) == (
        "parvis_app",
        "p@ss",
        "db.example.org",
    )
    assert (made["PORT"], made["NAME"], made["OPTIONS"]) == ("5433", "parvis", {})
    folder = database("postgresql://x:y@/parvis?host=%2Frun%2Fdb&port=5440")
    assert (folder["HOST"], folder["PORT"], folder["OPTIONS"]) == ("/run/db", "5440", {})


def test_what_protects_the_way_there_reaches_the_driver():
    written = "&".join(f"{key}={value.replace(' ', '%20')}" for key, value in TLS.items())
    assert database(f"{URL}?{written}", pool={"max_size": 2})["OPTIONS"] == {
        **TLS,
        "pool": {"max_size": 2},
    }


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ("sslmod=require", "sslmod is not read"),
        ("options=-crow_security%3Doff", "options is not read"),
        ("sslmode=always", "sslmode cannot be “always”"),
        ("sslmode", "sslmode cannot be “”"),
        ("connect_timeout=5s", "connect_timeout cannot be “5s”"),
        ("target_session_attrs=master", "target_session_attrs cannot be “master”"),
    ],
)
def test_what_is_not_read_stops_the_start(written, named):
    with pytest.raises(WrongSetting, match=f"DATABASE_OWNER_URL: {named}"):
        database(f"{URL}?{written}", "DATABASE_OWNER_URL")


@pytest.mark.django_db
def test_a_connection_is_made_as_the_address_asks():
    there, wrong = (
        ConnectionHandler({"default": database(ours(f"target_session_attrs={kind}"))})["default"]
        for kind in ("read-write", "standby")
    )
    with there.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == ("parvis_app",)
    there.close()
    with pytest.raises(OperationalError):
        wrong.ensure_connection()


@pytest.mark.django_db
def test_connections_beside_the_pool_ask_for_the_same(settings, monkeypatch):
    made = database(ours("connect_timeout=7", "target_session_attrs=primary"), pool={})
    monkeypatch.setitem(settings.DATABASES["default"], "OPTIONS", made["OPTIONS"])
    parameters = conninfo_to_dict(live.conninfo())
    assert (parameters["connect_timeout"], parameters["target_session_attrs"]) == ("7", "primary")
    with psycopg.connect(live.conninfo()) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("parvis_app",)
