"""The roles of a database server and what each may do, on our own server or on another's."""

from collections.abc import Mapping
from typing import Literal

import psycopg
from psycopg import sql

Role = Literal["owner", "app", "backup", "superuser"]

NAMES: Mapping[Role, str] = {
    "owner": "parvis_owner",
    "app": "parvis_app",
    "backup": "parvis_backup",
    "superuser": "postgres",
}

_ROLES: tuple[Role, ...] = ("owner", "app", "backup")

_DATABASE = """
    REVOKE ALL ON DATABASE {database} FROM PUBLIC;
    GRANT CONNECT ON DATABASE {database} TO parvis_app, parvis_backup;
"""

# Nothing is granted on tables that exist: a migration may have taken a right away (the audit trail
# is never updated), and a start must not give it back.
_SCHEMA = """
    REVOKE CREATE ON SCHEMA public FROM PUBLIC, parvis_app, parvis_backup;
    GRANT USAGE, CREATE ON SCHEMA public TO parvis_owner;
    GRANT USAGE ON SCHEMA public TO parvis_app, parvis_backup;
    ALTER DEFAULT PRIVILEGES FOR ROLE parvis_owner IN SCHEMA public
        GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO parvis_app;
    ALTER DEFAULT PRIVILEGES FOR ROLE parvis_owner IN SCHEMA public
        GRANT USAGE, SELECT ON SEQUENCES TO parvis_app;
    ALTER DEFAULT PRIVILEGES FOR ROLE parvis_owner IN SCHEMA public
        GRANT SELECT ON TABLES TO parvis_backup;
    ALTER DEFAULT PRIVILEGES FOR ROLE parvis_owner IN SCHEMA public
        GRANT SELECT ON SEQUENCES TO parvis_backup;
"""

_ATTRIBUTES = """
    SELECT rolcanlogin, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls
    FROM pg_roles WHERE rolname = %s
"""

# One preparation at a time, or PostgreSQL says "tuple concurrently updated".
_LOCK = 0x50415256


def prepare_roles(superuser_dsn: str, database: str, passwords: Mapping[Role, str]) -> None:
    """Create or correct the three roles, set the passwords given, and prepare the database.

    It may run again at any time, and two may run at once.
    """
    with psycopg.connect(superuser_dsn, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        for role in _ROLES:
            _prepare_role(connection, role, passwords.get(role))
        connection.execute("GRANT pg_read_all_data TO parvis_backup")
        connection.execute("ALTER ROLE parvis_backup SET default_transaction_read_only = on")
        # An administrator who is not superuser may only give away what is theirs.
        if not _scalar(connection, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
            connection.execute("GRANT parvis_owner TO CURRENT_USER")
        _prepare_database(connection, superuser_dsn, database)


def prepare_database(superuser_dsn: str, name: str) -> None:
    """Create the database unless it exists, and give the roles what they need there."""
    with psycopg.connect(superuser_dsn, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        _prepare_database(connection, superuser_dsn, name)


def _prepare_role(connection: psycopg.Connection, name: Role, password: str | None) -> None:
    role = sql.Identifier(NAMES[name])
    # pg_dump stops at FORCE ROW LEVEL SECURITY for every role that cannot pass it.
    walls = "BYPASSRLS" if name == "backup" else "NOBYPASSRLS"
    found = connection.execute(_ATTRIBUTES, [NAMES[name]]).fetchone()
    if found is None:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN {}").format(role, sql.SQL(walls)))
    elif found != (True, False, False, False, False, name == "backup"):
        # Only when it differs: an administrator who is not superuser may not even say NOSUPERUSER.
        plain = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION"
        connection.execute(sql.SQL(f"ALTER ROLE {{}} {plain} {walls}").format(role))
    if password is not None:
        # Hashed here, so that the password itself never reaches the server's log.
        verifier = connection.pgconn.encrypt_password(
            password.encode(), NAMES[name].encode(), b"scram-sha-256"
        )
        connection.execute(
            sql.SQL("ALTER ROLE {} PASSWORD {}").format(role, sql.Literal(verifier.decode()))
        )


def _prepare_database(connection: psycopg.Connection, dsn: str, name: str) -> None:
    database = sql.Identifier(name)
    if not _scalar(connection, "SELECT 1 FROM pg_database WHERE datname = %s", name):
        connection.execute(
            sql.SQL(
                "CREATE DATABASE {} OWNER parvis_owner TEMPLATE template0 ENCODING 'UTF8'"
            ).format(database)
        )
    connection.execute(sql.SQL(_DATABASE).format(database=database))
    with psycopg.connect(dsn, dbname=name) as inside:
        inside.execute(_SCHEMA)


def _scalar(connection: psycopg.Connection, query: str, *values: str) -> object:
    row = connection.execute(query.encode(), values or None).fetchone()
    return row[0] if row else None
