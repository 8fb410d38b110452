"""The file of a change of seeds: rows that the seed functions want and the files do not make.

Structure and rows never share a file, so that a value added to an enum is committed before a row
uses it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from engine.connect.peewee_database import EngineDatabase
from engine.files.template import Statement
from engine.generate import row_diff, seeder
from engine.generate.natural_keys import NaturalKeys
from engine.generate.ownership import Ownership, SeededDomain
from engine.generate.row_snapshot import Comparable, Snapshot, differences, read
from engine.generate.workbench import Bench, Generated
from engine.report import Report
from engine.schema import catalog


class SeedMigrations:
    """Writes the file on a bench that is at the state of the files so far.

    domains: in dependency order.
    """

    def __init__(
        self, bench: Bench, domains: Sequence[SeededDomain], ownership: Ownership, report: Report
    ) -> None:
        self.bench = bench
        self.domains = domains
        self.ownership = ownership
        self.report = report

    def generate(self, title: str) -> list[Generated]:
        """The file; none where no row changed. Raises GenerateError for a seed function that fails
        or is never content, and for rows that nothing tells apart."""
        self.report.message("running the seeds")
        before, after = self._seeded()
        up = self._statements(before, after)
        if not up:
            return []
        down = self._statements(after, before)
        counts = Counter(f"{sql.partition(' ')[0].lower()} rows of {table}" for table, sql in up)
        file = self.bench.add(title, self._owned(up), self._owned(down), list(counts))

        def comparable(bench: Bench) -> Comparable:
            return read(bench.connection.cursor(), after.keys).comparable()

        self.report.message(f"proving {file.name}: migrate, rollback, migrate")
        self.bench.prove(file, comparable, before.comparable(), after.comparable(), differences)
        return [file]

    def _statements(self, old: Snapshot, new: Snapshot) -> list[tuple[str, str]]:
        return list(row_diff.changes(old, new, self.ownership.rank_of_table))

    def _owned(self, statements: list[tuple[str, str]]) -> list[Statement]:
        owner = self.ownership.owner_of_table
        return [Statement(owner(table), sql) for table, sql in statements]

    def _seeded(self) -> tuple[Snapshot, Snapshot]:
        """The rows before and after the seed functions; what these did is undone."""
        database = EngineDatabase(self.bench.project)
        functions: list[seeder.SeedFunction] = []
        for domain in self.domains:
            functions += domain.seeds
            for model in domain.tables:
                model.bind(database, bind_refs=False, bind_backrefs=False)
        seeds = seeder.Seeder()
        with database.connection_context(), database.transaction() as transaction:
            cursor = database.connection().cursor()
            schema = catalog.read(database.connection())
            before = read(cursor, NaturalKeys(schema))
            seeder.run(functions, seeds)
            keys = NaturalKeys(schema, seeds.keys, seeds.expressions)
            after = read(cursor, keys)
            seeder.run(functions, seeds)
            seeder.refuse_unsettled(after.rows, read(cursor, keys).rows)
            transaction.rollback()
        return replace(before, keys=keys), after
