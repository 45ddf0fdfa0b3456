"""The tests' own way to a database server."""

import os

import psycopg
import pytest

from tests.cluster import OwnServer, cluster


def test_every_role_has_its_own_way_to_a_server_of_ones_own():
    own = OwnServer("postgresql://root:s%40cret@db.example.org:5433/postgres?sslmode=require")
    assert own.dsn("superuser", "a b") == (
        "postgresql://root:s%40cret@db.example.org:5433/a%20b?sslmode=require"
    )
    roles = ("owner", "app", "backup")
    assert len({own.password(role) for role in roles}) == 3
    for role in roles:
        assert own.dsn(role, "test") == (
            f"postgresql://parvis_{role}:{own.password(role)}@db.example.org:5433/test"
            "?sslmode=require"
        )


def test_a_server_in_use_is_refused_before_its_passwords_change():
    superuser, name = cluster.dsn("superuser", "postgres"), f"portal_{os.getpid()}"
    with psycopg.connect(superuser, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name} OWNER parvis_owner")
        try:
            with pytest.raises(SystemExit, match="take another server"):
                OwnServer(superuser).prepare()
        finally:
            conn.execute(f"DROP DATABASE {name}")
    with psycopg.connect(cluster.dsn("app", "postgres")) as conn:
        assert conn.execute("SELECT current_user").fetchone() == ("parvis_app",)
