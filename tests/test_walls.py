"""Between two towns: nothing is read, written, changed, removed or referenced across."""

from __future__ import annotations

import psycopg
import pytest
from django.apps import apps
from django.db import connection, models

from parvis.core.db import as_town, current_town, is_owned, owned_references

NOT_WALLED = {
    "municipalities_municipality": "looked up before a town is known",
    "municipalities_hostname": "looked up before a town is known",
    "notifications_work": "dispatchers serve all towns; no personal data in it",
    "notifications_line": "pace of senders that serve all towns; no personal data in it",
    "django_session": "read before a user is known; its user is found behind the wall",
    "django_migrations": "of the instance",
    "django_content_type": "of the instance",
    "auth_permission": "of the instance; not used",
    "auth_group": "of the instance; not used",
    "auth_group_permissions": "of the instance; not used",
    "core_cache": "throttling counters; keys are hashes",
    "socialaccount_socialapp": "providers are settings; the table stays empty",
    "procrastinate_jobs": "workers serve all towns; arguments are identifiers",
    "procrastinate_events": "of the queue",
    "procrastinate_periodic_defers": "of the queue",
    "procrastinate_workers": "of the queue",
}


def tables() -> dict[str, tuple[bool, bool]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class c "
            "JOIN pg_namespace n ON n.oid = relnamespace "
            "WHERE relkind IN ('r', 'p') AND nspname = 'public'"
        )
        return {name: (on, forced) for name, on, forced in cursor.fetchall()}


@pytest.mark.django_db
def test_every_table_is_walled_or_listed_with_its_reason():
    open_tables = {name for name, (on, forced) in tables().items() if not (on and forced)}
    assert open_tables == set(NOT_WALLED)


@pytest.mark.django_db
def test_the_suite_runs_as_a_role_that_no_wall_lets_through():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolsuper, rolbypassrls, rolname = (SELECT tableowner FROM pg_tables "
            "WHERE tablename = 'residents_resident') FROM pg_roles WHERE rolname = current_user"
        )
        assert cursor.fetchone() == (False, False, False)


@pytest.mark.django_db
def test_references_between_walled_rows_are_kept_within_the_town_by_the_database():
    expected = {
        (model._meta.db_table, column)
        for model in apps.get_models()
        if is_owned(model) and model._meta.db_table not in NOT_WALLED
        for column, _target in owned_references(model)
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.conrelid::regclass::text, a.attname FROM pg_constraint c "
            "JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[2] "
            "WHERE c.contype = 'f' AND array_length(c.conkey, 1) = 2"
        )
        assert set(cursor.fetchall()) == expected


@pytest.mark.django_db
def test_without_a_town_no_row_exists(town):
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM municipalities_pushkey")
        assert cursor.fetchone()[0] == 1
        cursor.execute("SELECT set_config('parvis.municipality', '', true)")
        cursor.execute("SELECT count(*) FROM municipalities_pushkey")
        assert cursor.fetchone()[0] == 0


@pytest.mark.django_db(transaction=True)
def test_a_connection_does_not_carry_the_town_over():
    from parvis.municipalities.tests import make

    municipality = make.municipality()
    with as_town(municipality.pk):
        assert current_town() == municipality.pk
    assert current_town() is None
    with pytest.raises(ZeroDivisionError), as_town(municipality.pk):
        _ = 1 / 0
    assert current_town() is None


def samples(municipality) -> dict[type[models.Model], models.Model]:
    """One row of every walled model, made as generically as its fields allow."""
    from tests.one_of_each import one_of_each

    return one_of_each(municipality)


@pytest.mark.django_db
def test_raw_sql_as_one_town_cannot_touch_anothers_rows(town, other_town):
    with as_town(other_town.pk):
        theirs = samples(other_town)
    mine = samples(town)
    walled = {
        model
        for model in apps.get_models()
        if is_owned(model) and model._meta.db_table not in NOT_WALLED
    }
    assert set(theirs) == walled, "tests/one_of_each.py must make a row of every walled model"
    for model, row in theirs.items():
        table = model._meta.db_table
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT count(*) FROM "{table}" WHERE id = %s', [row.pk])
            assert cursor.fetchone()[0] == 0, f"{table} read"
            if table not in APPEND_ONLY:
                cursor.execute(
                    f'UPDATE "{table}" SET municipality_id = municipality_id WHERE id = %s',
                    [row.pk],
                )
                assert cursor.rowcount == 0, f"{table} changed"
                cursor.execute(f'DELETE FROM "{table}" WHERE id = %s', [row.pk])
                assert cursor.rowcount == 0, f"{table} removed"
        assert refused(insert_copy, mine[model], other_town.pk), f"{table} written into"
        for column, target in owned_references(model):
            assert refused(point_across, mine[model], column, theirs[target].pk), (
                f"{table}.{column} references across"
            )


REFUSALS = (
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.ForeignKeyViolation,
    psycopg.errors.UniqueViolation,
)
APPEND_ONLY = {
    "municipalities_auditline", "municipalities_auditseal", "notifications_outcome",
    "announcements_version", "cases_event", "alerts_capfile",
    "alerts_visit",
}  # fmt: skip


def refused(attempt, *args) -> bool:
    """Whether the database refuses this, checking deferred constraints at once."""
    from django.db import DatabaseError, transaction

    try:
        with transaction.atomic():
            attempt(*args)
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    except DatabaseError as error:
        # A one-to-one column is refused by its uniqueness before the wall is asked.
        assert isinstance(error.__cause__, REFUSALS), error
        return True
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    return False


def insert_copy(row: models.Model, into: int) -> None:
    columns = [f.column for f in row._meta.local_fields if not (f.primary_key or f.generated)]
    names = ", ".join(f'"{c}"' for c in columns)
    values = ", ".join("%s" if c == "municipality_id" else f'"{c}"' for c in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO "{row._meta.db_table}" ({names}) SELECT {values} '
            f'FROM "{row._meta.db_table}" WHERE id = %s',
            [into, row.pk],
        )
        assert cursor.rowcount == 1


def point_across(row: models.Model, column: str, target: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f'UPDATE "{row._meta.db_table}" SET "{column}" = %s WHERE id = %s', [target, row.pk]
        )
        assert cursor.rowcount == 1


@pytest.mark.django_db
@pytest.mark.parametrize("table", sorted(APPEND_ONLY))
def test_what_is_append_only_can_neither_be_changed_nor_removed(town, table):
    samples(town)
    for statement in (f'DELETE FROM "{table}"', f'UPDATE "{table}" SET id = id'):
        assert refused(run, statement)


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.django_db
def test_tables_of_accounts_are_walled_through_their_resident(town, other_town):
    from allauth.account.models import EmailAddress

    from parvis.residents.tests import make

    with as_town(other_town.pk):
        theirs = make.resident(other_town, email="meme@exemple.ca")
        assert EmailAddress.objects.filter(user=theirs).count() == 1
    mine = make.resident(town, email="meme@exemple.ca")
    assert list(EmailAddress.objects.values_list("user_id", flat=True)) == [mine.pk]
