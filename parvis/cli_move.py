"""`parvis town export` and `parvis town import`: one town whole, from one instance to another.

Under the wall the application sees one town's rows and no other's: what it can read is what leaves.
In an instance of its own a town keeps its numbers, and its audit trail stands as it was sealed.
Beside other towns every number grows by one same amount, said in the trail
(docs/how-to/move-a-town.md).
"""

from __future__ import annotations

import base64
import json
import os
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from parvis.cli_backup import FLEETING
from parvis.cli_place import Stop, say

FORMAT = 1
BATCH = 500
STEP = 1_000_000
TOWN, HOSTS, WORK = "municipalities_municipality", "municipalities_hostname", "notifications_work"
# Before those that their triggers and walls look at.
FIRST = ("residents_resident", "territory_sector", "territory_street", "account_emailaddress",
         "socialaccount_socialaccount", "reservations_resource",
         "reservations_unit")  # fmt: skip
TRAIL = ("municipalities_auditline", "municipalities_auditseal")
NUMBERED = re.compile(r"\A([a-z_]+:)(\d+)\Z")
"""A reference in words, announcement:12."""
PAGE = re.compile(
    r"(/(?:avis|alertes|mes-demandes|bureau/demandes|reserver/mes-reservations|"
    r"reserver/mes-reservations/attente|"
    r"bureau/reservations)/)(\d+)(?=[-/])"
)
# Numbers that are not of this town's rows.
FOREIGN = frozenset({"content_type_id", "municipality_id"})
SECRETS = {
    ("municipalities_pushkey", "private"): "vapid",
    ("alerts_signingkey", "private"): "cap",
    ("mfa_authenticator", "data"): "mfa",
}


def walled_tables(cursor: Any) -> list[str]:
    cursor.execute(
        "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace "
        "WHERE nspname = 'public' AND relkind = 'r' AND relforcerowsecurity ORDER BY relname"
    )
    # What serves once, here, does not move.
    names = [row[0] for row in cursor.fetchall() if row[0] not in FLEETING]
    return sorted(names, key=lambda name: (FIRST.index(name) if name in FIRST else 99, name))


def columns(cursor: Any, table: str) -> dict[str, str]:
    """Column → type, those left out that the database computes."""
    cursor.execute(
        "SELECT column_name, udt_name FROM information_schema.columns WHERE table_schema = "
        "'public' AND table_name = %s AND is_generated = 'NEVER' ORDER BY ordinal_position",
        [table],
    )
    return dict(cursor.fetchall())


def schema_state(cursor: Any) -> list[str]:
    cursor.execute("SELECT app || '.' || name FROM django_migrations ORDER BY 1")
    return [row[0] for row in cursor.fetchall()]


def number_columns(kinds: dict[str, str]) -> set[str]:
    """Columns that hold numbers of rows: keys, references, and arrays of them."""
    return {
        name
        for name, kind in kinds.items()
        if kind in {"int4", "int8", "_int8", "_int4"}
        and name not in FOREIGN
        and (name == "id" or name.endswith(("_id", "_ids")) or name in {"recipients", "intent"})
    }


@contextmanager
def one_snapshot() -> Iterator[None]:
    """A transaction in which every table is read as it stood at one instant."""
    from django.db import connection, transaction

    with transaction.atomic():
        if not connection.savepoint_ids:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def export_town(slug: str, target: Path) -> int:
    """Write one town's rows and files into a zip, whole or not at all."""
    from django.conf import settings
    from django.db import connection

    from parvis.core.db import as_town
    from parvis.municipalities.models import Municipality

    town = Municipality.objects.filter(slug=slug).first()
    if town is None:
        raise Stop(f"Aucune ville ne s’appelle «\u00a0{slug}\u00a0» ici.")
    partial = target.with_name(f".{target.name}.partial")
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    counts: dict[str, int] = {}
    try:
        with (
            os.fdopen(descriptor, "wb") as raw,
            zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive,
            one_snapshot(),
            as_town(town.pk),
            connection.cursor() as cursor,
        ):
            own = {TOWN: "id", HOSTS: "municipality_id", WORK: "municipality_id"}
            for table in [*own, *walled_tables(cursor)]:
                where = f'WHERE "{own[table]}" = {town.pk}' if table in own else ""
                counts[table] = _write_rows(archive, cursor, table, where)
                say(f"  {table}\u00a0: {counts[table]}")
            files = _write_files(archive, Path(settings.DATA), town.pk)
            manifest = {
                "format": FORMAT,
                "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
                "town": {"id": town.pk, "slug": town.slug, "name": town.name},
                "schema": schema_state(cursor),
                "rows": counts,
                "files": files,
            }
            archive.writestr("manifest.json", json.dumps(manifest, indent=1, ensure_ascii=False))
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)
    say(
        f"{town.name} est dans {target}\u00a0: {sum(counts.values())} lignes, {files} fichiers. Ce "
        "fichier contient des renseignements personnels et des clés\u00a0: gardez-le fermé."
    )
    return 0


def _write_rows(archive: zipfile.ZipFile, cursor: Any, table: str, where: str) -> int:
    names = columns(cursor, table)
    listed = ", ".join(f'"{name}"' for name in names)
    last, count = -1, 0
    with archive.open(f"rows/{table}.jsonl", "w", force_zip64=True) as file:
        while True:
            condition = f"{where} {'AND' if where else 'WHERE'} id > {last}"
            cursor.execute(
                f'SELECT id, row_to_json(t)::text FROM (SELECT {listed} FROM "{table}" '
                f"{condition} ORDER BY id LIMIT {BATCH}) t"
            )
            rows = cursor.fetchall()
            for last, text in rows:  # noqa: B007 - the last number begins the next batch
                line = json.loads(text)
                for (of, column), purpose in SECRETS.items():
                    if of == table:
                        line[column] = opened_secret(line[column], purpose)
                file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
            count += len(rows)
            if len(rows) < BATCH:
                return count


def opened_secret(value: Any, purpose: str) -> Any:
    """A value without the cipher of this instance; the next one puts its own on."""
    from parvis.core import secret

    if isinstance(value, str):
        plain = secret.decipher(purpose, bytes.fromhex(value.removeprefix("\\x")))
        return {"plain": base64.b64encode(plain).decode()}
    return {
        key: {"plain": secret.decipher(purpose, text.encode()).decode()}
        if key in {"secret", "seed"} and text
        else text
        for key, text in value.items()
    }


def closed_secret(value: Any, purpose: str) -> Any:
    from parvis.core import secret

    if set(value) == {"plain"}:
        return "\\x" + secret.encipher(purpose, base64.b64decode(value["plain"])).hex()
    return {
        key: secret.encipher(purpose, one["plain"].encode()).decode()
        if isinstance(one, dict) and set(one) == {"plain"}
        else one
        for key, one in value.items()
    }


def folders(town_id: int) -> dict[str, str]:
    """Where a town's files are under the data folder → where they are in the zip."""
    return {f"files/{town_id}": "files/own", f"files/towns/{town_id}": "files/town"}


def _write_files(archive: zipfile.ZipFile, data: Path, town_id: int) -> int:
    count = 0
    for folder, name in folders(town_id).items():
        for path in sorted((data / folder).rglob("*")):
            if path.is_file() and not path.is_symlink():
                archive.write(path, f"{name}/{path.relative_to(data / folder)}")
                count += 1
    anchor = data / "audit" / f"{town_id}.jsonl"
    if anchor.exists():
        archive.write(anchor, "audit.jsonl")
    return count


def import_town(source: Path) -> int:
    """Bring a town in from a zip, whole or not at all, or raise Stop."""
    from django.conf import settings
    from django.db import IntegrityError, connections, transaction

    from parvis.municipalities.models import Municipality

    owner = connections["owner"]
    try:
        archive = zipfile.ZipFile(source)
        manifest = json.loads(archive.read("manifest.json"))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise Stop(f"{source} n’est pas une ville exportée de Parvis ({error}).") from error
    if manifest.get("format") != FORMAT:
        raise Stop("Cette ville vient d’une autre version de Parvis.")
    old = int(manifest["town"]["id"])
    with archive, transaction.atomic(using="owner"), owner.cursor() as cursor:
        check_schema(manifest["schema"], schema_state(cursor))
        tables = [TOWN, HOSTS, *walled_tables(cursor), WORK]
        shift = (
            0 if not Municipality.objects.using("owner").exists() else free_shift(cursor, tables)
        )
        new = old + shift
        cursor.execute("SELECT set_config('parvis.municipality', %s, true)", [str(new)])
        for table in tables:
            if shift and table == TRAIL[1]:
                continue  # The seals cover the numbers: the sealer chains the lines anew.
            try:
                count = _read_rows(archive, cursor, table, shift=shift, old=old)
            except IntegrityError as error:
                raise Stop(
                    f"{table}\u00a0: une ligne existe déjà ici ({error}). Le nom d’hôte ou "
                    "l’identifiant de la ville est sans doute pris."
                ) from error
            if count != manifest["rows"][table]:
                raise Stop(
                    f"{table}\u00a0: {count} lignes lues, {manifest['rows'][table]} écrites."
                )
        set_sequences(cursor, tables)
        try:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        except IntegrityError as error:
            raise Stop(f"Des lignes renvoient à d’autres qui manquent\u00a0: {error}") from error
        _read_files(archive, Path(settings.DATA), new, keep_trail=not shift)
    note_import(new, shift=shift, manifest=manifest)
    say(f"{manifest['town']['name']} est ici\u00a0: {sum(manifest['rows'].values())} lignes.")
    if shift:
        say(f"Chaque numéro a grandi de {shift}, pour ne pas croiser ceux des autres villes.")
    return 0


def check_schema(theirs: list[str], ours: list[str]) -> None:
    if theirs != ours:
        other = sorted(set(theirs) ^ set(ours))
        raise Stop(
            "Les deux instances n’ont pas la même version de Parvis\u00a0: mettez-les à jour "
            f"d’abord ({len(other)} changements de différence, dont {other[0]})."
        )


def free_shift(cursor: Any, tables: list[str]) -> int:
    """An amount beyond every number given so far; sequences count for all towns, seen or not."""
    highest = 0
    for table in tables:
        cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [f'public."{table}"'])
        cursor.execute(f"SELECT last_value FROM {cursor.fetchone()[0]}")
        highest = max(highest, cursor.fetchone()[0])
    return -(-highest // STEP) * STEP


def set_sequences(cursor: Any, tables: list[str]) -> None:
    for table in tables:
        cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [f'public."{table}"'])
        sequence = cursor.fetchone()[0]
        cursor.execute(
            f"SELECT setval(%s, greatest((SELECT last_value FROM {sequence}), "
            f'(SELECT coalesce(max(id), 1) FROM "{table}")))',
            [sequence],
        )


def _read_rows(archive: zipfile.ZipFile, cursor: Any, table: str, *, shift: int, old: int) -> int:
    kinds = columns(cursor, table)
    listed = ", ".join(f'"{name}"' for name in kinds)
    numbers = number_columns(kinds)
    count = 0
    for batch in _batches(archive, table):
        for line in batch:
            for (of, column), purpose in SECRETS.items():
                if of == table:
                    line[column] = closed_secret(line[column], purpose)
            if shift:
                move(table, line, numbers, shift=shift, old=old)
            if table == WORK:
                line |= {"lease": None, "leased_until": None}
                line["state"] = "waiting" if line["state"] == "leased" else line["state"]
        cursor.execute(
            f'INSERT INTO "{table}" ({listed}) OVERRIDING SYSTEM VALUE SELECT {listed} '
            f'FROM jsonb_populate_recordset(NULL::"{table}", %s::jsonb)',
            [json.dumps(batch)],
        )
        count += cursor.rowcount
    return count


def _batches(archive: zipfile.ZipFile, table: str) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    with archive.open(f"rows/{table}.jsonl") as file:
        for text in file:
            batch.append(json.loads(text))
            if len(batch) == BATCH:
                yield batch
                batch = []
    if batch:
        yield batch


def move(table: str, line: dict[str, Any], numbers: set[str], *, shift: int, old: int) -> None:
    """Give a row the numbers that it has here: each the same amount further."""
    for name in numbers:
        value = line[name]
        if isinstance(value, list):
            # A letter to an address without account has recipient 0, which is nobody.
            line[name] = [one + shift if one else one for one in value]
        elif value:
            line[name] = value + shift
    if "municipality_id" in line:
        line["municipality_id"] += shift
    for name, value in line.items():
        if name == "reference" and isinstance(value, str):
            line[name] = NUMBERED.sub(lambda m: f"{m[1]}{int(m[2]) + shift}", value)
    if table == "notifications_message":
        content = json.dumps(line["content"])
        content = PAGE.sub(lambda m: f"{m[1]}{int(m[2]) + shift}", content)
        line["content"] = json.loads(content)
    if table == TOWN:
        line["crest"] = line["crest"].replace(f"towns/{old}/", f"towns/{old + shift}/", 1)


def _read_files(archive: zipfile.ZipFile, data: Path, new: int, *, keep_trail: bool) -> None:
    for folder, name in folders(new).items():
        for member in archive.namelist():
            relative = member.removeprefix(f"{name}/")
            if relative == member or member.endswith("/"):
                continue
            path = (data / folder / relative).resolve()
            if not path.is_relative_to((data / folder).resolve()):
                raise Stop(f"{member} sort de son dossier\u00a0: ce fichier n’est pas le nôtre.")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(archive.read(member))
    if "audit.jsonl" in archive.namelist():
        (data / "audit").mkdir(exist_ok=True)
        here = data / "audit" / (f"{new}.jsonl" if keep_trail else f"{new}.before.jsonl")
        here.write_bytes(archive.read("audit.jsonl"))
    if not keep_trail:
        # The lines and seals as they were, to be verified for as long as one wishes.
        for table in TRAIL:
            (data / "audit").mkdir(exist_ok=True)
            here = data / "audit" / f"{new}.before.{table}.jsonl"
            here.write_bytes(archive.read(f"rows/{table}.jsonl"))


def note_import(town_id: int, *, shift: int, manifest: dict[str, Any]) -> None:
    from django.utils import timezone

    from parvis.core.db import as_town
    from parvis.municipalities import actions

    now = timezone.now()
    with as_town(town_id):
        actions.record(
            "municipalities.imported",
            municipality=town_id,
            shift=shift,
            exported_at=manifest["made_at"],
        )
        # Sealed at once: lines that came without their seals look like lines slipped in.
        while actions.seal_lines(town_id, now=now):
            pass
        actions.note_head(town_id, now=now)
