"""The wall between towns, in PostgreSQL: who is asking, and which rows exist for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, connection, models, transaction
from django.db.migrations.operations.base import Operation

if TYPE_CHECKING:
    from django.db.backends.base.schema import BaseDatabaseSchemaEditor
    from django.db.migrations.state import ProjectState

SETTING = "parvis.municipality"
# The sub-select makes PostgreSQL read the setting once for each statement, not for each row.
CURRENT_TOWN = f"(SELECT nullif(current_setting('{SETTING}', true), '')::bigint)"


def _set(value: str) -> str:
    """Set the town for this transaction only; answer what stood there before."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(current_setting(%s, true), ''), set_config(%s, %s, true)",
            [SETTING, SETTING, value],
        )
        before: str = cursor.fetchone()[0]
    return before


@contextmanager
def as_town(municipality_id: int) -> Iterator[None]:
    """Open a transaction in which only this town's rows exist.

    The setting is local to the transaction: a pooled connection, a job or a stream never
    carries it over. Outside, no town is set and no walled row is visible.
    """
    nested = connection.in_atomic_block
    with transaction.atomic():
        before = _set(str(int(municipality_id)))
        yield
        # The end of the transaction forgets the town; so does the rollback after an error.
        if nested and not connection.needs_rollback:
            _set(before)


def current_town() -> int | None:
    """Identifier of the town set in this transaction, if any."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {CURRENT_TOWN}")
        found: int | None = cursor.fetchone()[0]
    return found


def id_array(ids: Iterable[int | None]) -> str:
    """A bigint[] of PostgreSQL as one text: the driver takes ten times as long over a list."""
    return "{" + ",".join("NULL" if one is None else str(int(one)) for one in ids) + "}"


def violated_constraint(error: IntegrityError) -> str | None:
    """Name of the constraint that PostgreSQL says was violated."""
    diag = getattr(error.__cause__, "diag", None)
    return diag.constraint_name if diag else None


def wipe(conn: Any) -> None:
    """Run by the pool when a connection comes back: nothing of the last user stays."""
    conn.execute(f"SELECT set_config('{SETTING}', '', false)")
    conn.commit()


class OneOf(models.Func):
    """A range of one id: GiST compares it without the btree_gist extension."""

    function = "int8range"
    template = "%(function)s(%(expressions)s, '[]')"

    def __init__(self, column: str, **extra: Any) -> None:
        super().__init__(models.F(column), models.F(column), **extra)


def is_owned(model: type[models.Model]) -> bool:
    """Whether rows of this model belong to one town."""
    return any(field.name == "municipality" for field in model._meta.local_fields)


def owned_references(model: type[models.Model]) -> list[tuple[str, type[models.Model]]]:
    """Columns of this model that point to rows of the same town, with the model pointed to."""
    return [
        (field.column, field.related_model)
        for field in model._meta.local_fields
        if isinstance(field, models.ForeignKey)
        and not isinstance(field.related_model, str)
        and getattr(field, "db_constraint", True)
        and is_owned(field.related_model)
    ]


class _TableOperation(Operation):
    reversible = True

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Nothing that Django knows of changes."""

    def _run(self, schema_editor: BaseDatabaseSchemaEditor, statements: list[str]) -> None:
        for statement in statements:
            schema_editor.execute(statement)


class Wall(_TableOperation):
    """Put a town's rows behind row-level security, and make references stay within the town.

    Adds the policy, FORCE, `UNIQUE (municipality_id, id)` and, since foreign-key checks bypass
    policies, a composite foreign key for each reference to a walled row. May be given the same
    model again after a reference was added: what stands is left alone.
    """

    def __init__(self, model: str) -> None:
        self.model = model

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return "Wall", [self.model], {}

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model)
        table = model._meta.db_table
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(
                "SELECT conname FROM pg_constraint WHERE conrelid = to_regclass(%s)", [table]
            )
            standing = {row[0] for row in cursor.fetchall()}
            cursor.execute("SELECT 1 FROM pg_policies WHERE tablename = %s", [table])
            walled = cursor.fetchone() is not None
        statements: list[str] = []
        if not walled:
            statements += [
                f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY',
                f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY',
                f'CREATE POLICY wall ON "{table}" USING (municipality_id = {CURRENT_TOWN}) '
                f"WITH CHECK (municipality_id = {CURRENT_TOWN})",
            ]
        if f"{table}_town" not in standing:
            statements.append(
                f'ALTER TABLE "{table}" ADD CONSTRAINT "{table}_town" UNIQUE (municipality_id, id)'
            )
        for column, target in owned_references(model):
            name = f"{table}_{column}_same_town"[:63]
            if name in standing:
                continue
            other = target._meta.db_table
            statements += [
                # Adding a constraint reads both tables; under FORCE the owner would see no rows.
                f'ALTER TABLE "{table}" NO FORCE ROW LEVEL SECURITY',
                f'ALTER TABLE "{other}" NO FORCE ROW LEVEL SECURITY',
                f'ALTER TABLE "{table}" ADD CONSTRAINT "{name}" '
                f"FOREIGN KEY (municipality_id, {column}) "
                f'REFERENCES "{other}" (municipality_id, id) DEFERRABLE INITIALLY DEFERRED',
                f'ALTER TABLE "{other}" FORCE ROW LEVEL SECURITY',
                f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY',
            ]
        self._run(schema_editor, statements)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        table = from_state.apps.get_model(app_label, self.model)._meta.db_table
        self._run(schema_editor, [f'DROP POLICY IF EXISTS wall ON "{table}"'])

    def describe(self) -> str:
        return f"Wall the table of {self.model}"


class WallThrough(_TableOperation):
    """Wall a library's table through the walled row that one of its columns names."""

    def __init__(self, table: str, column: str, through: str) -> None:
        self.table = table
        self.column = column
        self.through = through

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return "WallThrough", [self.table, self.column, self.through], {}

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        # EXISTS rather than IN: one look-up by key, not a list of all residents for each query.
        seen = (
            f'EXISTS (SELECT 1 FROM "{self.through}" t WHERE t.id = "{self.table}"."{self.column}")'
        )
        self._run(
            schema_editor,
            [
                f'ALTER TABLE "{self.table}" ENABLE ROW LEVEL SECURITY',
                f'ALTER TABLE "{self.table}" FORCE ROW LEVEL SECURITY',
                f'CREATE POLICY wall ON "{self.table}" USING ({seen}) WITH CHECK ({seen})',
            ],
        )

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        self._run(schema_editor, [f'DROP POLICY IF EXISTS wall ON "{self.table}"'])

    def describe(self) -> str:
        return f"Wall {self.table} through {self.through}"


class AppendOnly(_TableOperation):
    """The application may add rows to this table and read them, and never change or remove one."""

    def __init__(self, model: str) -> None:
        self.model = model

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return "AppendOnly", [self.model], {}

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        table = to_state.apps.get_model(app_label, self.model)._meta.db_table
        # A trigger as well as a revoked right: it holds whatever the application's role is called.
        self._run(
            schema_editor,
            [
                f'CREATE OR REPLACE FUNCTION "{table}_stays"() RETURNS trigger LANGUAGE plpgsql AS '
                f"$$ BEGIN RAISE EXCEPTION '{table} is append-only' "
                "USING ERRCODE = 'insufficient_privilege'; END $$",
                f'CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON "{table}" '
                f'FOR EACH STATEMENT EXECUTE FUNCTION "{table}_stays"()',
            ],
        )

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        table = from_state.apps.get_model(app_label, self.model)._meta.db_table
        self._run(schema_editor, [f'DROP TRIGGER IF EXISTS stays ON "{table}"'])

    def describe(self) -> str:
        return f"Make {self.model} append-only"
