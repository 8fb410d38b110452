"""From the difference between the files and the domains to proven, numbered migrations.

Known is what the files lead to, wanted is what the domains register; PostgreSQL builds both, and
nothing live is asked. A file is written only after it was run in a scratch database. Structure and
rows never share a file, so that a value added to an enum is committed before a row uses it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from engine import catalog, ddl, files, rows, seeding
from engine.build import DomainLike, build
from engine.change import Change
from engine.database import connect
from engine.diff import diff, with_new_labels
from engine.errors import ConfigError, GenerateError
from engine.natural import Tables
from engine.order import ordered
from engine.peewee_database import EngineDatabase
from engine.proof import Bench, Generated
from engine.report import Report
from engine.schema import Schema
from engine.scratch import scratch
from engine.source import Statement, empty_text

TITLE = re.compile(r"[a-z][a-z0-9_]{0,59}")
SEED_TITLE = "seed_data"
REMOVED = "removed"


class SeededDomain(DomainLike, Protocol):
    """A domain that may have seeds, and tells what it owns."""

    seeds: list[seeding.SeedFunction]

    def objects(self) -> Iterator[tuple[str, str, object]]: ...


class Generator:
    """Works out the next migrations.

    domains: in dependency order. folder: of the migrations. url: a server to make scratch
    databases on. allow_drop: the names of what may be lost.
    """

    def __init__(
        self,
        domains: Sequence[SeededDomain],
        folder: Path,
        url: str,
        *,
        allow_drop: Iterable[str] = (),
        report: Report | None = None,
    ) -> None:
        self.domains = domains
        self.folder = folder
        self.url = url
        self.allow_drop = frozenset(allow_drop)
        self.report = report or Report()
        self.ranks = {domain.name: rank for rank, domain in enumerate(domains)}
        self.owners = {
            (kind, name.partition("(")[0]): domain.name
            for domain in reversed(domains)
            for kind, name in [
                *(("extension", name) for name in domain.extensions),
                *((kind, name) for kind, name, _ in domain.objects()),
            ]
        }
        self.optional = frozenset(
            name for d in domains for name, optional in d.extensions.items() if optional
        )

    def generate(self, title: str) -> list[Generated]:
        """The files that bring the migrations up to the domains; none where nothing changed.

        title: of the file, or of the first where there are two. Raises GenerateError where no
        right file exists, ConfigError for a title, and whatever running the files so far raises.
        """
        _refuse_title(title)
        with (
            scratch(self.url) as known,
            scratch(self.url) as wanted,
            files.copied(self.folder) as folder,
        ):
            bench = Bench(known, folder, self.optional)
            self.report.message("running the migrations so far in a scratch database")
            bench.runner.migrate()
            self.report.message("building what the domains ask for in another")
            structure = self._structure(title, bench, self._wanted(wanted, bench))
            seeds = self._seeds(SEED_TITLE if structure else title, bench)
        return [*structure, *seeds]

    def empty(self, title: str) -> list[Generated]:
        """The next file with nothing in it yet, to be written by hand."""
        _refuse_title(title)
        name = f"{files.next_number(files.find(self.folder)):03}_{title}"
        return [Generated(name, empty_text(name), ["a skeleton to fill in"])]

    def write(self, generated: Iterable[Generated]) -> list[Path]:
        """Write the files (their paths)."""
        paths = []
        for file in generated:
            path = self.folder / f"{file.name}.py"
            with path.open("x", encoding="utf-8", newline="\n") as handle:
                handle.write(file.text)
            paths.append(path)
        return paths

    def _wanted(self, url: str, bench: Bench) -> Schema:
        build(EngineDatabase(url), self.domains)
        with closing(connect(url, autocommit=True)) as connection:
            schema = catalog.read(connection)
        return replace(schema, extensions=schema.extensions | bench.unoffered)

    def _structure(self, title: str, bench: Bench, wanted: Schema) -> list[Generated]:
        """One file; two where a value that is added to an enum is used at once."""
        known = bench.read()
        plan = self._plan(known, wanted)
        self._refuse_loss(plan)
        _refuse_unfillable(plan)
        steps = [(title, wanted)]
        if (added := with_new_labels(known, wanted)) not in (known, wanted) and any(
            change.kind == "enum" and change.action == "alter" and not change.in_place
            for change in plan
        ):
            steps.insert(0, (f"{title}_values", added))
        files = []
        for name, aim in steps:
            files += self._step(name, bench, known, aim)
            known = aim
        return files

    def _step(self, title: str, bench: Bench, known: Schema, wanted: Schema) -> list[Generated]:
        """The file from one schema to the next; proven."""
        up = self._plan(known, wanted)
        if not up:
            return []
        losing = [change.losing for change in up if change.losing]
        file = bench.add(
            title,
            self._statements(up),
            self._statements(self._plan(wanted, known)),
            [str(change) for change in up if change.kind != "comment"] or ["change comments"],
            *([f"It loses {', '.join(losing)}."] if losing else []),
        )
        self.report.message(f"proving {file.name}: migrate, rollback, migrate")
        bench.prove(file, bench.read, known, wanted, lambda a, b: [str(c) for c in diff(a, b)])
        return [file]

    def _statements(self, changes: list[Change]) -> list[Statement]:
        """Functions are written without reading their bodies, which may name what comes later."""
        found = [Statement(self._group(change), ddl.sql(change)) for change in changes]
        if any(change.kind == "function" and change.new for change in changes):
            found.insert(0, Statement(found[0].group, "SET LOCAL check_function_bodies = off"))
        return found

    def _seeds(self, title: str, bench: Bench) -> list[Generated]:
        self.report.message("running the seeds")
        before, after = self._seeded(bench)
        up = list(rows.changes(before, after, self._rank_of_table))
        if not up:
            return []
        counts = Counter(f"{sql.partition(' ')[0].lower()} rows of {table}" for table, sql in up)
        file = bench.add(
            title,
            [Statement(self._owner("table", table), sql) for table, sql in up],
            [
                Statement(self._owner("table", table), sql)
                for table, sql in rows.changes(after, before, self._rank_of_table)
            ],
            list(counts),
        )

        def read() -> rows.Comparable:
            with closing(connect(bench.url)) as connection:
                return rows.read(connection.cursor(), after.tables).comparable()

        self.report.message(f"proving {file.name}: migrate, rollback, migrate")
        bench.prove(file, read, before.comparable(), after.comparable(), rows.differences)
        return [file]

    def _seeded(self, bench: Bench) -> tuple[rows.Snapshot, rows.Snapshot]:
        """The rows before and after the seed functions; what these did is undone."""
        database = EngineDatabase(bench.url)
        for domain in self.domains:
            for model in domain.tables:
                model.bind(database, bind_refs=False, bind_backrefs=False)
        functions = [function for domain in self.domains for function in domain.seeds]
        seeder = seeding.Seeder()
        with database.connection_context(), database.transaction() as transaction:
            cursor = database.connection().cursor()
            schema = catalog.read(database.connection())
            before = rows.read(cursor, Tables(schema))
            seeding.run(functions, seeder)
            tables = Tables(schema, seeder.keys, seeder.expressions)
            after = rows.read(cursor, tables)
            seeding.run(functions, seeder)
            seeding.refuse_unsettled(after.rows, rows.read(cursor, tables).rows)
            transaction.rollback()
        return replace(before, tables=tables), after

    def _plan(self, old: Schema, new: Schema) -> list[Change]:
        return ordered(diff(old, new, optional=self.optional), old, new, self._rank)

    def _group(self, change: Change) -> str:
        kind = change.new[0][0] if change.kind == "comment" else change.kind
        name = change.old.name if kind == "enum" and change.old else change.name
        if kind == "trigger":
            name = f"{name} on {change.table}"
        own = self.owners.get((kind, name.partition("(")[0].strip('"')))
        return own or self._owner("table", change.table or change.name)

    def _owner(self, kind: str, name: str) -> str:
        return self.owners.get((kind, name), REMOVED)

    def _rank(self, change: Change) -> int:
        return self.ranks.get(self._group(change), len(self.ranks))

    def _rank_of_table(self, table: str) -> int:
        return self.ranks.get(self._owner("table", table), len(self.ranks))

    def _refuse_loss(self, changes: Iterable[Change]) -> None:
        lost = [c for c in changes if c.losing and c.target not in self.allow_drop]
        if lost:
            raise GenerateError(
                "the domains no longer ask for what holds data:",
                why="\n".join(f"  - {change}: loses {change.losing}" for change in lost)
                + "\nNo migration was written.",
                fix="restore the domain, model or field; if the data is to go, add "
                + " ".join(f"--allow-drop {change.target}" for change in lost),
            )


def _refuse_title(title: str) -> None:
    if not TITLE.fullmatch(title):
        raise ConfigError(
            f"{title!r} cannot be the name of a migration.",
            fix="use lower case letters, digits and _, for example add_fiber_lines.",
        )


def _refuse_unfillable(changes: Iterable[Change]) -> None:
    """A new NOT NULL column needs a value for the rows that are there."""
    for change in changes:
        column = change.new
        if (change.action, change.kind) == ("create", "column") and (
            column.not_null
            and column.default is None
            and not column.identity
            and not column.generated
            and "serial" not in column.type
        ):
            raise GenerateError(
                f"the column {change.target} is NOT NULL and has no default: the rows that are "
                "there would have no value for it.",
                why="No migration was written.",
                fix="give the field a default, or null=True and fill it before a later migration "
                "makes it NOT NULL.",
            )
