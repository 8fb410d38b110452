"""From the difference between the files and the domains to proven, numbered migrations.

Known is what the files lead to, wanted is what the domains register; PostgreSQL builds both, and
nothing live is asked. A file is written only after it was run in a scratch database.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

from engine.connect import roles
from engine.connect.connection import connect
from engine.connect.scratch import left_out_note
from engine.diff.typed_names import NAME, normal
from engine.errors import ConfigError, GenerateError, LosesData
from engine.files import migration_file, migration_folder
from engine.files.migration_file import Migration
from engine.files.migration_folder import Files
from engine.files.template import empty_text
from engine.generate.ownership import Ownership, SeededDomain
from engine.generate.renaming import Questions, Renaming, Said
from engine.generate.schema_migrations import SchemaMigrations
from engine.generate.seed_migrations import SeedMigrations
from engine.generate.wanted_schema import printed_again, wanted_beside, wanted_schema
from engine.generate.workbench import Bench, Generated
from engine.project import Project
from engine.proofs import nothing_to_generate, wanted
from engine.proofs.proofs import Proofs
from engine.report import Report
from engine.run.replay import Replay, replayed
from engine.schema.model import Schema
from engine.unmanaged.bystanders import needed_extensions

SEED_TITLE = "seed_data"
FILL = re.compile(rf"(?P<column>{NAME}\.{NAME})=\s*(?P<value>\S.*)", re.DOTALL)


class Generator:
    """Works out the next migrations.

    domains: in dependency order. project: its database is a server to make scratch databases on,
    and not asked itself. allow_drop: the names of what may be lost. renames: as
    engine.diff.renames reads them. fills: `table.column=SQL`, what rows get which have no value for
    a column that becomes NOT NULL. questions: asks what was not said; None where nobody answers.
    offline: whether tables may be locked for long, so that one short file does. files: the
    migrations so far, where they are not to be read from the project's folder. proofs: where is
    kept what was found; the domains have to be loaded inside of that context. replay: a
    scratch database at the state of the files, where there is one; it is used up.
    """

    def __init__(
        self,
        domains: Sequence[SeededDomain],
        project: Project,
        *,
        allow_drop: Iterable[str] = (),
        renames: Iterable[str] = (),
        fills: Iterable[str] = (),
        questions: Questions | None = None,
        offline: bool = False,
        report: Report | None = None,
        files: Sequence[Migration] | None = None,
        proofs: Proofs | None = None,
        replay: Replay | None = None,
    ) -> None:
        self.domains = domains
        self.project = project
        self.options = nothing_to_generate.Options(
            frozenset(map(normal, allow_drop)), tuple(renames), offline, tuple(fills)
        )
        self.said = Said(list(self.options.renames), dict(map(_fill, self.options.fills)))
        self.questions = questions
        self.report = report or Report()
        self.files: Files = project.migrations if files is None else files
        self.proofs = proofs
        self.replay = replay
        self.notes: list[str] = []

    def generate(self, title: str) -> list[Generated]:
        """The files that bring the migrations up to the domains; none where nothing changed.

        title: of the file, or of the first where there are two; empty for one that is made from
        the change. Raises GenerateError where no
        right file exists, ConfigError for a title, and whatever running the files so far raises.
        """
        if title:
            migration_file.refuse_title(title)
        migrations = migration_folder.find(self.files)
        self.notes.clear()
        files = self._generated(title, migrations)
        if self.proofs and not files:
            nothing_to_generate.keep(self.proofs, migrations, self.options, self.notes)
        return files

    def _generated(self, title: str, migrations: list[Migration]) -> list[Generated]:
        with self._asking() as built, self._bench(migrations) as bench:
            wanted = self._wanted(bench, built)
            try:
                return self._files(title, wanted, bench)
            except LosesData:
                raise
            except GenerateError:
                optional = self._optional_extensions()
                printed = printed_again(self.project, wanted, optional)
                if printed == wanted:
                    raise
        with self._bench(migrations) as bench:
            return self._files(title, printed, bench)

    @contextmanager
    def _bench(self, migrations: list[Migration]) -> Iterator[Bench]:
        """A bench on which the migrations so far have run."""
        given, self.replay = self.replay, None
        if not given:
            self.report.message("running the migrations so far in a scratch database")
        with (
            nullcontext(given)
            if given
            else replayed(self.project, migrations, staying=True) as replay,
            closing(connect(replay.project, autocommit=True, files=True)) as connection,
        ):
            for domain in self.domains:
                roles.stand_in(replay.project, domain.roles)
            yield Bench(replay, connection, self._optional_extensions())
            if note := left_out_note(replay.project):
                self._note(note)

    def empty(self, title: str) -> list[Generated]:
        """The next file with nothing in it yet, to be written by hand."""
        migration_file.refuse_title(title)
        migrations = migration_folder.find(self.files)
        name = f"{migration_folder.next_number(migrations):03}_{title}"
        return [Generated(name, empty_text(name), ["a skeleton to fill in"])]

    def write(self, generated: Iterable[Generated]) -> list[Path]:
        """Write the files (their paths)."""
        paths = []
        self.project.migrations.mkdir(exist_ok=True)  # git keeps no folder without a file
        for file in generated:
            path = self.project.migrations / f"{file.name}.py"
            with path.open("x", encoding="utf-8", newline="\n") as handle:
                handle.write(file.text)
            paths.append(path)
        return paths

    def _files(self, title: str, wanted: Schema, bench: Bench) -> list[Generated]:
        """Of the structure, then of the rows."""
        ownership = Ownership(self.domains)
        declared: list[str] = []
        for domain in self.domains:
            declared += domain.renames
        options = self.options
        renaming = Renaming(bench, declared, self.said, options.allow_drop, self.questions)
        schema_files = SchemaMigrations(
            bench,
            ownership,
            self._optional_extensions(),
            self.report,
            offline=options.offline,
            zone=os.environ.get(self.project.settings.time_zone) or self.project.time_zone or "UTC",
            fills=self.said.fills,
        ).generate(title, wanted, renaming, options.allow_drop)
        seed_title = SEED_TITLE if schema_files else title or SEED_TITLE
        seeds = SeedMigrations(bench, self.domains, ownership, self.report)
        return [*schema_files, *seeds.generate(seed_title)]

    @contextmanager
    def _asking(self) -> Iterator[Callable[[], Schema]]:
        """What gives what the domains ask for, where it can be built alone: it is known, or is
        being built meanwhile, so that neither of two databases waits for the other."""
        known = wanted.recall(self.proofs) if self.proofs else None
        if known is not None:
            yield lambda: known
            return
        self.report.message("building what the domains ask for in a scratch database")
        with ThreadPoolExecutor(1) as pool:
            schema = pool.submit(wanted_schema, self.project, self.domains)

            def built() -> Schema:
                if self.proofs:
                    wanted.keep(self.proofs, schema.result())
                return schema.result()

            yield built

    def _wanted(self, bench: Bench, built: Callable[[], Schema]) -> Schema:
        unmanaged = bench.unmanaged()
        for thing in unmanaged:
            self._note(f"left alone, as generate does not manage it: {thing}")
        try:
            schema = built()
        except GenerateError:
            if not unmanaged:
                raise
            schema = wanted_beside(self.project, self.domains, bench.migrations)
        kept = needed_extensions(bench.connection) | bench.unoffered
        return replace(schema, extensions=schema.extensions | kept)

    def _note(self, text: str) -> None:
        """Tell what has to be told again where the result was kept."""
        self.notes.append(text)
        self.report.message(text)

    def _optional_extensions(self) -> frozenset[str]:
        names = set()
        for domain in self.domains:
            names |= {name for name, optional in domain.extensions.items() if optional}
        return frozenset(names)


def _fill(text: str) -> tuple[str, str]:
    """(column, SQL) of `table.column=SQL`."""
    match = FILL.fullmatch(text)
    if not match:
        raise ConfigError(
            f"--fill {text}: that is not table.column=SQL.",
            fix="write for example --fill \"items.code='none'\", or "
            "--fill 'items.code=upper(name)'",
        )
    return normal(match["column"]), match["value"]
