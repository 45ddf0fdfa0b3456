"""What was saved comes back: every row, every wall, every file; and a town moves house whole."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import threading
import zipfile
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from conftest import migrations_digest
from parvis import cli_backup, cli_move
from parvis.cli_place import Stop
from parvis.core import embedded
from parvis.core.db import as_town
from parvis.municipalities import actions
from parvis.municipalities.tests import make
from tests.cluster import ROOT, cluster
from tests.cluster import name as test_database
from tests.one_of_each import one_of_each

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def towns():
    """Two towns with one row of everything, committed, sealed, with a file each."""
    made = [make.municipality("alma"), make.municipality("isle")]
    for town in made:
        with as_town(town.pk):
            one_of_each(town)
        folder = Path(settings.MEDIA_ROOT) / str(town.pk) / "avis" / "a-folder-of-the-town"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "plan.txt").write_text(f"le plan de {town.slug}")
    return made


@pytest.fixture
def elsewhere(tmp_path, request):
    """A second, empty instance: a data folder, a database, and the environment that leads to it."""
    name = f"{test_database}_other"
    superuser = cluster.dsn("superuser", "postgres")

    def drop():
        with psycopg.connect(superuser, autocommit=True) as conn:
            conn.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    drop()
    if getattr(request, "param", "empty") == "migrated":
        with psycopg.connect(superuser, autocommit=True) as conn:
            template = f"template_{migrations_digest()}"
            conn.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" OWNER parvis_owner')
            conn.execute(f'GRANT CONNECT ON DATABASE "{name}" TO parvis_app, parvis_backup')
    else:
        embedded.prepare_database(superuser, name)
    yield {
        "PARVIS_DATA": str(tmp_path / "other"),
        "DATABASE_URL": cluster.dsn("app", name),
        "DATABASE_OWNER_URL": cluster.dsn("owner", name),
        "PARVIS_BACKUP_URL": cluster.dsn("backup", name),
    }
    drop()


def parvis(*arguments, env):
    """The command, as a person types it; answer its code and everything it said."""
    done = subprocess.run(
        [sys.executable, "-m", "parvis.cli", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


def backup_here(tmp_path):
    target = tmp_path / "sauvegarde.tar.gz"
    assert cli_backup.backup(Path(settings.DATA), target) == 0
    return target


def contents(folder):
    """Path → bytes of every file in a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_backup_restored_elsewhere_has_every_row_every_wall_and_every_file(
    towns, elsewhere, tmp_path
):
    target = backup_here(tmp_path)
    assert target.stat().st_mode & 0o077 == 0, "it holds secrets and personal information"
    code, said = parvis("restore", target, env=elsewhere)
    assert code == 0, said
    before = cli_backup.tables(os.environ["PARVIS_BACKUP_URL"])
    after = cli_backup.tables(elsewhere["PARVIS_BACKUP_URL"])
    for name in ("notifications_envelope", "notifications_envelopeblock"):
        assert (before[name]["rows"], after[name]["rows"]) == (2, 0), "each serves once, here"
        before[name]["rows"] = 0
    assert after == before
    assert before["residents_resident"] == {"rows": 2, "walled": True}
    copied = contents(Path(elsewhere["PARVIS_DATA"]) / "files")
    assert copied == contents(Path(settings.DATA) / "files")
    assert {b"le plan de alma", b"le plan de isle"} <= set(copied.values())


def test_a_backup_made_while_people_write_is_whole_and_lets_nobody_in(towns, elsewhere, tmp_path):
    begun, ended = threading.Event(), threading.Event()

    def write() -> None:
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as conn:
            number = 0
            while not ended.is_set():
                number += 1
                conn.execute(
                    "INSERT INTO municipalities_hostname (municipality_id, name, is_main) "
                    "VALUES (%s, %s, false)",
                    [towns[0].pk, f"n{number}.localhost"],
                )
                begun.set()

    with psycopg.connect(os.environ["DATABASE_URL"]) as conn:
        conn.execute("INSERT INTO django_session VALUES ('k', 'd', now() + interval '1 day')")
    writer = threading.Thread(target=write)
    writer.start()
    assert begun.wait(10)
    try:
        target = backup_here(tmp_path)
    finally:
        ended.set()
        writer.join()
    code, said = parvis("restore", target, env=elsewhere)
    assert code == 0, said
    after = cli_backup.tables(elsewhere["PARVIS_BACKUP_URL"])
    assert after["django_session"]["rows"] == 0
    assert after["municipalities_hostname"]["rows"] > 2


def test_after_a_restore_the_application_still_sees_one_town_and_alters_no_trail(
    towns, elsewhere, tmp_path
):
    parvis("restore", backup_here(tmp_path), env=elsewhere)
    with psycopg.connect(elsewhere["DATABASE_URL"]) as conn:
        count = "SELECT count(*) FROM residents_resident"
        assert conn.execute(count).fetchone() == (0,)
        conn.execute("SELECT set_config('parvis.municipality', %s, false)", [str(towns[0].pk)])
        assert conn.execute(count).fetchone() == (1,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("DELETE FROM municipalities_auditline")


def test_a_restore_refuses_an_instance_that_holds_something(towns, elsewhere, tmp_path):
    target = backup_here(tmp_path)
    assert parvis("restore", target, env=elsewhere)[0] == 0
    code, said = parvis("restore", target, env=elsewhere)
    assert code == 1 and "n’est pas vide" in said
    other = {**elsewhere, "PARVIS_DATA": str(tmp_path / "third")}
    code, said = parvis("restore", target, env=other)
    assert code == 1 and "base de données n’est pas vide" in said


def test_a_damaged_backup_is_refused_before_anything_is_written(towns, elsewhere, tmp_path):
    target = backup_here(tmp_path)
    unpacked = tmp_path / "unpacked"
    with tarfile.open(target) as archive:
        archive.extractall(unpacked, filter="data")
    plan = next(unpacked.rglob("plan.txt"))
    plan.write_text("autre chose")
    forged = tmp_path / "forged.tar.gz"
    with tarfile.open(forged, "w:gz") as archive:
        for path in unpacked.iterdir():
            archive.add(path, arcname=path.name)
    code, said = parvis("restore", forged, env=elsewhere)
    assert code == 1 and "abîmée" in said
    assert not (Path(elsewhere["PARVIS_DATA"]) / "files").exists()
    with psycopg.connect(elsewhere["DATABASE_OWNER_URL"]) as conn:
        tables = conn.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        assert tables.fetchone() == (0,)


def test_without_the_backup_role_there_is_no_backup(towns, tmp_path, monkeypatch):
    monkeypatch.delenv("PARVIS_BACKUP_URL")
    with pytest.raises(Stop, match="PARVIS_BACKUP_URL"):
        cli_backup.backup(Path(settings.DATA), tmp_path / "x.tar.gz")


# --- a town moves house ---------------------------------------------------------------------------


def rows_of(archive: Path) -> dict[str, list[dict]]:
    with zipfile.ZipFile(archive) as file:
        return {
            Path(name).stem: [json.loads(line) for line in file.read(name).splitlines()]
            for name in file.namelist()
            if name.startswith("rows/")
        }


def exported(slug: str, folder: Path, env=None) -> Path:
    target = folder / f"{slug}.zip"
    if env is None:
        assert cli_move.export_town(slug, target) == 0
    else:
        code, said = parvis("town", "export", slug, target, env=env)
        assert code == 0, said
    return target


def test_a_town_leaves_with_its_own_rows_and_no_others(towns, tmp_path):
    target = exported("alma", tmp_path)
    assert target.stat().st_mode & 0o077 == 0
    for table, rows in rows_of(target).items():
        if table in {"django_migrations", cli_move.TOWN}:
            continue
        foreign = [r for r in rows if r.get("municipality_id", towns[0].pk) != towns[0].pk]
        assert foreign == [], table
        assert rows or table in EMPTY_IN_ONE_OF_EACH, f"{table} is empty"
    with zipfile.ZipFile(target) as file:
        plans = [name for name in file.namelist() if name.endswith("plan.txt")]
        assert [file.read(name).decode() for name in plans] == ["le plan de alma"]


EMPTY_IN_ONE_OF_EACH = {
    "account_emailconfirmation",  # codes are used instead
    "notifications_work",  # one_of_each plans nothing
    "socialaccount_socialaccount",
    "socialaccount_socialtoken",
}


@pytest.mark.parametrize("elsewhere", ["migrated"], indirect=True)
def test_alone_in_its_new_instance_a_town_keeps_its_numbers_and_its_sealed_trail(
    towns, elsewhere, tmp_path
):
    with as_town(towns[0].pk):
        # one_of_each writes a seal that seals nothing: the trail must be true here.
        before = actions.verify_trail(towns[0].pk, now=make.NOW)
    target = exported("alma", tmp_path)
    code, said = parvis("town", "import", target, env=elsewhere)
    assert code == 0, said
    again = exported("alma", tmp_path / "again", env=elsewhere)
    first, second = rows_of(target), rows_of(again)
    for table in first:
        if table not in cli_move.TRAIL:
            assert second[table] == first[table], table
    kept = {row["id"]: row for row in second["municipalities_auditline"]}
    assert [kept[row["id"]] for row in first["municipalities_auditline"]] == first[
        "municipalities_auditline"
    ]
    assert len(before) >= 1 and "Sceau" in before[0]


@pytest.mark.parametrize("elsewhere", ["migrated"], indirect=True)
def test_beside_another_town_every_number_grows_by_the_same(towns, elsewhere, tmp_path):
    for slug in ("isle", "alma"):
        code, said = parvis("town", "import", exported(slug, tmp_path), env=elsewhere)
        assert code == 0, said
    shift = int(re.search(r"a grandi de (\d+)", said)[1])
    before = rows_of(tmp_path / "alma.zip")
    after = rows_of(exported("alma", tmp_path / "again", env=elsewhere))
    for table, rows in before.items():
        if table in cli_move.TRAIL:
            continue
        with connection.cursor() as cursor:
            numbers = cli_move.number_columns(cli_move.columns(cursor, table))
        assert len(after[table]) == len(rows), table
        for old, new in zip(rows, after[table], strict=True):
            for column in numbers - {"municipality_id"}:
                expected = old[column]
                if isinstance(expected, list):
                    expected = [one + shift if one else one for one in expected]
                elif expected:
                    expected += shift
                assert new[column] == expected, f"{table}.{column}"
    # The seals cover the numbers: the lines were chained anew, and stand.
    code, said = parvis("audit", "verify", "--town", "alma", env=elsewhere)
    assert code == 0 and "5 lignes scellées" in said, said
    code, said = parvis("town", "import", tmp_path / "alma.zip", env=elsewhere)
    assert code == 1 and "existe déjà" in said


PLAIN_NUMBERS = {
    "attempt", "bounces", "claims", "dwellings", "endpoint_port", "height", "high", "low",
    "minutes_before", "number", "position", "sequence", "session_epoch", "size", "targeted",
    "token", "width", "widths", "lane", "tries", "failures",
    "year", "last", "working_days",
    "after", "before", "cancel_notice", "capacity", "days_ahead", "free_hours", "kept_percent",
    "longest", "most", "notice", "people", "quantity", "season_first", "season_last", "shortest",
    "offer_minutes", "step", "step_minutes", "total", "weekday",
}  # fmt: skip
"""Columns of whole numbers that count or measure, and name no row."""


def test_each_column_of_numbers_is_known_to_name_rows_or_not_to():
    """A new column must be put on one side, or a town that moves would name others' rows."""
    with connection.cursor() as cursor:
        for table in [cli_move.WORK, *cli_move.walled_tables(cursor)]:
            kinds = cli_move.columns(cursor, table)
            whole = {c for c, k in kinds.items() if k.lstrip("_") in {"int2", "int4", "int8"}}
            unknown = whole - cli_move.number_columns(kinds) - PLAIN_NUMBERS - cli_move.FOREIGN
            assert unknown == set(), table
