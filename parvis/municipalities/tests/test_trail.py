"""The audit trail: append-only for the application, and sealed against the owner."""

from __future__ import annotations

import os
from datetime import timedelta

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from parvis.core.db import as_town
from parvis.municipalities import actions
from parvis.municipalities.models import AuditLine, AuditSeal
from parvis.municipalities.tests.make import municipality as open_town


@pytest.fixture
def sealed(transactional_db, settings, tmp_path):
    """A town whose trail has lines, all sealed, its head noted outside the database."""
    settings.DATA = tmp_path
    town = open_town()
    with as_town(town.pk):
        for number in range(5):
            actions.record("municipalities.changed", municipality=town, number=number)
        actions.seal_lines(town.pk, now=timezone.now())
        actions.note_head(town.pk, now=timezone.now())
    return town


def faults(town) -> list[str]:
    # Unsealed lines are given five minutes; look from later on.
    with as_town(town.pk):
        return actions.verify_trail(town.pk, now=timezone.now() + timedelta(minutes=10))


def as_owner(town, *statements: str) -> None:
    """Do what the application cannot: the owner may lift the triggers."""
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"]) as conn:
        conn.execute("SELECT set_config('parvis.municipality', %s, true)", [str(town.pk)])
        for table in ("municipalities_auditline", "municipalities_auditseal"):
            conn.execute(f"ALTER TABLE {table} DISABLE TRIGGER stays")
        for statement in statements:
            assert conn.execute(statement).rowcount > 0
        conn.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in ("municipalities_auditline", "municipalities_auditseal"):
            conn.execute(f"ALTER TABLE {table} ENABLE TRIGGER stays")


def test_a_whole_trail_has_no_fault(sealed):
    assert faults(sealed) == []


def test_sealing_again_adds_only_what_is_new(sealed):
    with as_town(sealed.pk):
        assert actions.seal_lines(sealed.pk, now=timezone.now()) == 0
        actions.record("municipalities.changed", municipality=sealed)
        assert actions.seal_lines(sealed.pk, now=timezone.now()) == 1
    assert faults(sealed) == []


@pytest.mark.parametrize(
    "change",
    [
        "deed = 'municipalities.opened'",
        "actor_id = 7",
        "facts = '{\"number\": 9}'",
        "at = at + interval '1 second'",
    ],
)
def test_an_altered_line_is_found(sealed, change):
    as_owner(
        sealed,
        f"UPDATE municipalities_auditline SET {change} "
        "WHERE id = (SELECT line_id FROM municipalities_auditseal WHERE sequence = 3)",
    )
    assert len(faults(sealed)) == 1
    assert "modifiée" in faults(sealed)[0]


def test_a_removed_line_is_found(sealed):
    as_owner(
        sealed,
        "DELETE FROM municipalities_auditline WHERE id = "
        "(SELECT line_id FROM municipalities_auditseal WHERE sequence = 2)",
    )
    assert len(faults(sealed)) == 1
    assert "retirée" in faults(sealed)[0]


def test_a_line_removed_with_its_seal_is_found(sealed):
    as_owner(
        sealed,
        "DELETE FROM municipalities_auditline WHERE id = "
        "(SELECT line_id FROM municipalities_auditseal WHERE sequence = 2)",
        "DELETE FROM municipalities_auditseal WHERE sequence = 2",
    )
    assert any("absent" in fault for fault in faults(sealed))


def test_an_inserted_line_is_found(sealed):
    as_owner(
        sealed,
        "INSERT INTO municipalities_auditline (municipality_id, at, deed, facts) "
        f"VALUES ({sealed.pk}, now() - interval '1 hour', 'municipalities.roles_set', '{{}}')",
    )
    assert len(faults(sealed)) == 1
    assert "sans sceau" in faults(sealed)[0]


def test_a_line_inserted_with_a_seal_of_its_own_is_found(sealed):
    as_owner(
        sealed,
        "INSERT INTO municipalities_auditline (municipality_id, at, deed, facts) "
        f"VALUES ({sealed.pk}, now(), 'municipalities.roles_set', '{{}}')",
        "INSERT INTO municipalities_auditseal "
        "(municipality_id, line_id, sequence, hash, sealed_at) SELECT municipality_id, max(id), "
        "(SELECT max(sequence) + 1 FROM municipalities_auditseal), "
        "repeat('0', 64), now() FROM municipalities_auditline GROUP BY 1",
    )
    assert len(faults(sealed)) == 1


def test_a_cut_tail_is_found_by_the_head_noted_outside(sealed):
    with as_town(sealed.pk):
        last = AuditSeal.objects.of(sealed).latest("sequence")
    as_owner(
        sealed,
        f"DELETE FROM municipalities_auditline WHERE id = {last.line_id}",
        f"DELETE FROM municipalities_auditseal WHERE id = {last.pk}",
    )
    assert len(faults(sealed)) == 1
    assert "coupée" in faults(sealed)[0]


def test_a_whole_chain_written_anew_is_found_by_the_head_noted_outside(sealed):
    as_owner(
        sealed,
        "UPDATE municipalities_auditline SET actor_id = 7",
        f"DELETE FROM municipalities_auditseal WHERE municipality_id = {sealed.pk}",
    )
    with as_town(sealed.pk):
        actions.seal_lines(sealed.pk, now=timezone.now())
    assert any("noté hors de la base" in fault for fault in faults(sealed))


def test_a_chain_written_anew_is_found_even_after_its_new_head_was_noted(sealed):
    as_owner(
        sealed,
        "UPDATE municipalities_auditline SET actor_id = 7",
        f"DELETE FROM municipalities_auditseal WHERE municipality_id = {sealed.pk}",
    )
    with as_town(sealed.pk):
        actions.seal_lines(sealed.pk, now=timezone.now())
        actions.note_head(sealed.pk, now=timezone.now())
    assert any("noté hors de la base" in fault for fault in faults(sealed))


@pytest.mark.django_db
@pytest.mark.parametrize("model", [AuditLine, AuditSeal])
def test_the_application_can_neither_change_nor_remove_a_line(town, model):
    actions.seal_lines(town.pk, now=timezone.now())
    assert model.objects.of(town).exists()
    table = model._meta.db_table
    for statement in (
        f"UPDATE {table} SET id = id",
        f"DELETE FROM {table}",
        f"TRUNCATE {table}",
        f"ALTER TABLE {table} DISABLE TRIGGER stays",
        f"DROP TRIGGER stays ON {table}",
        f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY",
        "SET LOCAL session_replication_role = replica",
        "SET ROLE parvis_owner",
    ):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_a_deed_that_is_undone_leaves_no_line(town):
    before = AuditLine.objects.of(town).count()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        actions.change_town(town, actor=None, help_phone="418 555-0123")
        _ = 1 / 0
    assert AuditLine.objects.of(town).count() == before
