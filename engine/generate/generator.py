"""From the difference between the files and the domains to proven, numbered migrations.

Known is what the files lead to, wanted is what the domains register; PostgreSQL builds both, and
nothing live is asked. A file is written only after it was run in a scratch database. Structure and
rows never share a file, so that a value added to an enum is committed before a row uses it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from engine.connect.connection import connect
from engine.connect.peewee_database import EngineDatabase
from engine.connect.scratch import scratch
from engine.errors import ConfigError
from engine.files import migration_folder
from engine.files.template import Statement, empty_text
from engine.generate import row_diff
from engine.generate import seeder as seeding
from engine.generate.build_models import build
from engine.generate.natural_keys import Tables
from engine.generate.planning import Planner, SeededDomain
from engine.generate.schema_migrations import Structure
from engine.generate.workbench import Bench, Generated
from engine.report import Report
from engine.schema import catalog
from engine.schema.model import Schema

TITLE = re.compile(r"[a-z][a-z0-9_]{0,59}")
SEED_TITLE = "seed_data"


class Generator:
    """Works out the next migrations.

    domains: in dependency order. folder: of the migrations. url: a server to make scratch
    databases on. allow_drop: the names of what may be lost. renames: as engine.diff.renames reads
    them. offline: whether tables may be locked for long, so that one short file does.
    """

    def __init__(
        self,
        domains: Sequence[SeededDomain],
        folder: Path,
        url: str,
        *,
        allow_drop: Iterable[str] = (),
        renames: Iterable[str] = (),
        offline: bool = False,
        report: Report | None = None,
    ) -> None:
        self.domains = domains
        self.folder = folder
        self.url = url
        self.planner = Planner(domains, allow_drop)
        self.renames = tuple(renames)
        self.offline = offline
        self.report = report or Report()

    def generate(self, title: str) -> list[Generated]:
        """The files that bring the migrations up to the domains; none where nothing changed.

        title: of the file, or of the first where there are two. Raises GenerateError where no
        right file exists, ConfigError for a title, and whatever running the files so far raises.
        """
        _refuse_title(title)
        with (
            scratch(self.url) as known,
            scratch(self.url) as wanted,
            closing(connect(known, autocommit=True)) as connection,
        ):
            bench = Bench(connection, known, self.folder, self.planner.optional)
            self.report.message("running the migrations so far in a scratch database")
            bench.runner.migrate()
            for thing in bench.unmanaged():
                self.report.message(f"left alone, as generate does not manage it: {thing}")
            self.report.message("building what the domains ask for in another")
            structures = Structure(bench, self.planner, self.renames, self.report, self.offline)
            structure = structures.generate(title, self._wanted(wanted, bench))
            seeds = self._seeds(SEED_TITLE if structure else title, bench)
        return [*structure, *seeds]

    def empty(self, title: str) -> list[Generated]:
        """The next file with nothing in it yet, to be written by hand."""
        _refuse_title(title)
        name = f"{migration_folder.next_number(migration_folder.find(self.folder)):03}_{title}"
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

    def _seeds(self, title: str, bench: Bench) -> list[Generated]:
        self.report.message("running the seeds")
        before, after = self._seeded(bench)
        up = list(row_diff.changes(before, after, self.planner.rank_of_table))
        if not up:
            return []
        counts = Counter(f"{sql.partition(' ')[0].lower()} rows of {table}" for table, sql in up)
        file = bench.add(
            title,
            [Statement(self.planner.owner("table", table), sql) for table, sql in up],
            [
                Statement(self.planner.owner("table", table), sql)
                for table, sql in row_diff.changes(after, before, self.planner.rank_of_table)
            ],
            list(counts),
        )

        def read() -> row_diff.Comparable:
            return row_diff.read(bench.connection.cursor(), after.tables).comparable()

        self.report.message(f"proving {file.name}: migrate, rollback, migrate")
        bench.prove(file, read, before.comparable(), after.comparable(), row_diff.differences)
        return [file]

    def _seeded(self, bench: Bench) -> tuple[row_diff.Snapshot, row_diff.Snapshot]:
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
            before = row_diff.read(cursor, Tables(schema))
            seeding.run(functions, seeder)
            tables = Tables(schema, seeder.keys, seeder.expressions)
            after = row_diff.read(cursor, tables)
            seeding.run(functions, seeder)
            seeding.refuse_unsettled(after.rows, row_diff.read(cursor, tables).rows)
            transaction.rollback()
        return replace(before, tables=tables), after


def _refuse_title(title: str) -> None:
    if not TITLE.fullmatch(title):
        raise ConfigError(
            f"{title!r} cannot be the name of a migration.",
            fix="use lower case letters, digits and _, for example add_fiber_lines.",
        )
