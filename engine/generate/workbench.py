"""The bench: a scratch database at the state of the files, where a new file is tried for real."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from copy import copy
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import psycopg2

from engine.connect import roles
from engine.connect.connection import connect
from engine.diff.change import Change
from engine.diff.renames import Rename
from engine.errors import GenerateError, MigrationFailed
from engine.explain import postgres_errors
from engine.files import history, migration_file, migration_folder
from engine.files.template import TOGETHER, WRITTEN_BY, Statement, migration_text
from engine.generate.completion import offered
from engine.rows.hidden import all_rows
from engine.run.replay import Leg, Replay, replayed, round_trip
from engine.schema import catalog, own_sql
from engine.schema.kinds import Key, Kind
from engine.schema.model import Schema
from engine.schema.quoting import name
from engine.sql.filling import filling_statements
from engine.unmanaged.bystanders import Bystander
from engine.unmanaged.listing import unmanaged

State = TypeVar("State")
# The kinds of changes that may rewrite a table: a column's type, SET UNLOGGED.
WRITING = (Kind.COLUMN, Kind.SETTING)
# Of one table and its partitions: to ask for all at each of n changes takes n² lines.
TABLE_FILES = """
    WITH RECURSIVE t (oid) AS (
        SELECT oid FROM pg_class WHERE relnamespace = %(here)s AND relname = %(table)s
        UNION ALL SELECT i.inhrelid FROM pg_inherits i JOIN t ON i.inhparent = t.oid
    )
    SELECT oid::bigint, pg_relation_filenode(oid)::bigint FROM t
"""


@dataclass(frozen=True)
class Generated:
    """A file to be written. summary: a line for each thing that it does."""

    name: str
    text: str
    summary: list[str]


class Bench:
    """A scratch database, and the migrations, to which those are added that are tried.

    replay: the scratch database, and the migrations that are there; those that are tried are added
    to them. connection: psycopg2 in autocommit, to it. optional: extensions a server may lack.
    """

    def __init__(self, replay: Replay, connection: Any, optional: Iterable[str]) -> None:
        self.migrations = replay.migrations
        self.before = len(self.migrations)
        self.connection = connection
        self.project = replay.project
        self.runner = replay.runner
        self.version = connection.server_version // 10000
        self.unoffered = {name for name in optional if not offered(connection, name)}

    def read(self, *, depends: bool = True) -> Schema:
        """The schema that the files lead to. An optional extension that this server lacks leaves
        no trace in the catalogs; there the files are asked. depends: as engine.schema.catalog has
        it."""
        roles.use(self.connection, self.project.roles)
        schema = catalog.read(self.connection, depends=depends)
        cursor = self.connection.cursor()
        applied = history.read(cursor, self.migrations, self.project).recorded
        texts = "\n".join(m.text for m in self.migrations if m.name in applied)
        asked = {name for name in self.unoffered if f"name = '{name}'" in texts}
        return replace(schema, extensions=schema.extensions | asked)

    def unmanaged(self) -> list[str]:
        """What the files have made that is never compared, made or dropped."""
        return unmanaged(self.connection)

    def rehearse(
        self, changes: Iterable[Change | Rename], aside: Iterable[Bystander] = ()
    ) -> tuple[Schema, set[Key]]:
        """What the changes lead to, and the keys of the changes that rewrite a whole table;
        all is undone. aside: what steps aside after the renames. Raises GenerateError for what
        PostgreSQL refuses."""
        rewriting = set()
        drops = [each.drop for each in aside]
        roles.use(self.connection, self.project.roles)
        with _undone(self.connection) as cursor:
            cursor.execute("SET LOCAL check_function_bodies = off")
            for change in changes:
                if isinstance(change, Rename):
                    _try(cursor, change, change.sql)
                    continue
                while drops:
                    cursor.execute(drops.pop(0))
                files = _files(cursor, change.table) if change.kind in WRITING else {}
                _try(cursor, change, ";\n".join(filling_statements(change)))
                if files and files.items() - _files(cursor, change.table).items():
                    rewriting.add(change.key)
            return catalog.read(self.connection), rewriting

    def add(
        self,
        title: str,
        up: list[Statement],
        down: list[Statement] | None,
        summary: list[str],
        *remarks: str,
        atomic: bool = True,
    ) -> Generated:
        """Add the next file to the migrations. down: None where each statement says what undoes
        it. remarks: paragraphs of its header."""
        number = migration_folder.next_number(self.migrations)
        file_name = f"{number:03}_{title}"
        proof = (
            f"{WRITTEN_BY.format(task=self.project.task('generate'))} and proven on PostgreSQL "
            f"{self.version}: migrate, rollback and migrate again gave what the domains ask for, "
            "what was there before, and what the domains ask for."
        )
        together = [TOGETHER] if len(self.migrations) > self.before else []
        text = migration_text(file_name, [proof, *together, *remarks], up, down, atomic=atomic)
        path = self.project.migrations / f"{file_name}.py"
        self.migrations.append(migration_file.written(path, text))
        return Generated(file_name, text, summary)

    def filled(self, tables: Iterable[str]) -> list[str]:
        """Those of the tables that have rows, in order."""
        asked = sorted(set(tables))
        if not asked:
            return []
        filled = []
        with all_rows(self.connection, self.read(depends=False)) as cursor:
            for table in asked:
                cursor.execute(f"SELECT FROM {name(table)} LIMIT 1")
                if cursor.rowcount:
                    filled.append(table)
        return filled

    def prove(
        self,
        file: Generated,
        read: Callable[[Bench], State],
        known: State,
        wanted: State,
        differences: Callable[[State, State], list[str]],
        emptied: Sequence[str] = (),
    ) -> None:
        """Run the newest file up, back and up again; read the state each time. emptied: tables
        whose rows have to go before the way back, which is then tried in a database of its own.

        Raises GenerateError where the state is not the one known before or the one wanted.
        """

        if emptied:
            # With its rows the table has to go up, too; there it stays for the files to come.
            try:
                self.runner.migrate()
            except MigrationFailed as error:
                raise _failed(file, Leg.UP, error) from error
        with self._emptied(emptied) as bench:
            trip = round_trip(
                bench.runner.migrate,
                lambda: bench.runner.rollback(losing=True),
                lambda: read(bench),
                known,
                wanted,
            )
            for passed in trip:
                leg, got, expected = passed.leg, passed.got, passed.expected
                if isinstance(passed.error, MigrationFailed):
                    raise _failed(file, leg, passed.error) from passed.error
                if passed.error:
                    raise passed.error
                if got is not None and expected is not None and got != expected:
                    listed = "\n".join(f"  - {line}" for line in differences(got, expected))
                    raise _unproven(file, f"after {leg} these differences are left:\n{listed}")

    @contextmanager
    def _emptied(self, tables: Sequence[str]) -> Iterator[Bench]:
        """A bench like this one without the rows of the tables; itself where there are none."""
        if not tables:
            yield self
            return
        with (
            replayed(self.project, self.migrations, staying=True) as replay,
            closing(connect(replay.project, autocommit=True, files=True)) as connection,
        ):
            connection.cursor().execute(f"TRUNCATE {', '.join(map(name, tables))} CASCADE")
            bench = copy(self)
            bench.connection, bench.project = connection, replay.project
            bench.runner = replay.runner
            yield bench


@contextmanager
def _undone(connection: Any) -> Iterator[Any]:
    """A cursor in a transaction that is rolled back."""
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        try:
            yield cursor
        finally:
            cursor.execute("ROLLBACK")


def _try(cursor: Any, change: Change | Rename, sql: str) -> None:
    try:
        cursor.execute(sql)
    except psycopg2.Error as error:
        raise _refused(change, error) from error


def _files(cursor: Any, table: str) -> dict[int, int]:
    """The files of a table and its partitions, each of which changes where it is rewritten."""
    own_sql.fetch(cursor, TABLE_FILES, {"table": table})
    return dict(cursor.fetchall())


def _refused(change: Change | Rename, error: psycopg2.Error) -> GenerateError:
    message = error.diag.message_primary or str(error)
    fix = "make the change in smaller steps, or write this part of it by hand."
    if isinstance(change, Change) and change.fill:
        fix = (
            f"correct the value of --fill {change.target}, which was {change.fill.value}: it is "
            "SQL, where a text stands in quotes, such as 'none'."
        )
    return GenerateError(
        f"{change}: PostgreSQL refuses it: {message}.",
        why=f"{postgres_errors.server_detail(error)}\nNo file was written.",
        fix=fix,
    )


def _failed(file: Generated, leg: Leg, error: MigrationFailed) -> GenerateError:
    return _unproven(file, f"{leg} fails: {error.what}\n{error.why}")


def _unproven(file: Generated, reason: str) -> GenerateError:
    return GenerateError(
        f"the migration {file.name} that was worked out is not right, so it was not written.",
        why=reason,
        fix="make the change in smaller steps, or write this part of it by hand.",
    )
