"""The file of a change of seeds: rows that the seed functions want and the files do not make.

Structure and rows never share a file, so that a value added to an enum is committed before a row
uses it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from engine.connect.peewee_database import EngineDatabase
from engine.diff.change import FORCED
from engine.files.template import Statement
from engine.generate import row_diff, seeder
from engine.generate.natural_keys import NaturalKeys
from engine.generate.ownership import Ownership, SeededDomain
from engine.generate.row_snapshot import Comparable, Snapshot, differences, read
from engine.generate.workbench import Bench, Generated
from engine.report import Report
from engine.rows.hidden import all_rows, unforce
from engine.schema import catalog
from engine.schema.model import Schema
from engine.schema.quoting import name


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
        if not any(domain.seeds for domain in self.domains):
            return []
        self.report.message("running the seeds")
        before, after = self._seeded()
        up = self._statements(before, after)
        if not up:
            return []
        down = self._statements(after, before)
        counts = Counter(f"{sql.partition(' ')[0].lower()} rows of {table}" for table, sql in up)
        schema = after.keys.schema
        file = self.bench.add(
            title, self._owned(up, schema), self._owned(down, schema), list(counts)
        )

        def comparable(bench: Bench) -> Comparable:
            with all_rows(bench.connection, schema) as cursor:
                return read(cursor, after.keys).comparable()

        self.report.message(f"proving {file.name}: migrate, rollback, migrate")
        self.bench.prove(file, comparable, before.comparable(), after.comparable(), differences)
        return [file]

    def _statements(self, old: Snapshot, new: Snapshot) -> list[tuple[str, str]]:
        return list(row_diff.changes(old, new, self.ownership.rank_of_table))

    def _owned(self, statements: list[tuple[str, str]], schema: Schema) -> list[Statement]:
        """As a file has them. Policies that hold for the owner, too, are lifted meanwhile: an
        UPDATE or DELETE of a row that one hides would do nothing, and say nothing."""
        forced = {
            name(table.name): table.settings[FORCED]
            for table in schema.tables.values()
            if FORCED in table.settings
        }
        owner = self.ownership.owner_of_table
        owned = [Statement(owner(table), sql) for table, sql in statements]
        text = "\n".join(step.sql for step in owned)
        named = [written for written in forced if written in text]
        if not named:
            return owned
        lift = [Statement(owned[0].group, forced[written].reset) for written in named]
        # "cannot ALTER TABLE because it has pending trigger events", of keys that are deferred
        settled = Statement(owned[-1].group, "SET CONSTRAINTS ALL IMMEDIATE")
        force = [Statement(owned[-1].group, forced[written].statement) for written in named]
        return [*lift, *owned, settled, *force]

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
            schema = catalog.read(database.connection(), depends=False)
            unforce(cursor, schema)
            before = read(cursor, NaturalKeys(schema))
            seeder.run(functions, seeds)
            keys = NaturalKeys(schema, seeds.keys, seeds.expressions)
            after = read(cursor, keys)
            seeder.run(functions, seeds)
            seeder.refuse_unsettled(after.rows, read(cursor, keys).rows)
            transaction.rollback()
        return replace(before, keys=keys), after
