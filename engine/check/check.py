"""All that can be found out about the files before they are applied anywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import groupby

from engine.check import citus_rules, lint, squawk
from engine.check.finding import Checked, Finding, Level, RuleName
from engine.check.ignore_comments import obeyed
from engine.check.kept_trips import KeptTrips
from engine.check.lint import Sizes
from engine.check.observer import Observed
from engine.check.round_trip import Walk
from engine.citus.cluster import is_citus
from engine.connect.connection import connect
from engine.errors import ConfigError, ConnectionFailed, EngineError
from engine.files import history, migration_folder
from engine.files.entry import State
from engine.files.history import History
from engine.files.migration_file import Migration
from engine.generate.generator import Generator
from engine.generate.ownership import SeededDomain
from engine.project import Project
from engine.proofs import nothing_to_generate
from engine.proofs.proofs import Proofs
from engine.proofs.reads import aside
from engine.report import Report
from engine.rows import obstacles
from engine.rows.obstacles import Obstacle
from engine.run.file_run import earlier_models
from engine.run.replay import Replay
from engine.schema import own_sql


@dataclass(frozen=True)
class Live:
    """The database that the files are for; empty where it cannot be reached. is_citus: whether it
    is spread over several machines by Citus."""

    history: History | None = None
    sizes: Sizes = field(default_factory=lambda: Sizes({}))
    is_citus: bool = False

    def pending(self, migrations: Sequence[Migration]) -> set[str]:
        """The names of the files that it has not applied."""
        done = self.history.in_state(State.APPLIED, State.EDITED) if self.history else set()
        return {migration.name for migration in migrations} - done


class Check:
    """Looks through a folder of migrations.

    project: its database is the one that they are for, which is only read. scratch: the project at
    a server for scratch databases. domains: what the files have to lead to, in dependency order;
    or what loads them, which is called where they are needed. proofs: what is known from earlier
    runs; the domains have to be loaded inside of that context.
    """

    def __init__(
        self,
        project: Project,
        scratch: Project,
        domains: Sequence[SeededDomain] | Callable[[], Sequence[SeededDomain]],
        report: Report,
        proofs: Proofs | None = None,
    ) -> None:
        self.project = project
        self.proofs = proofs
        self.scratch = scratch
        self.domains = domains
        self.report = report
        self.notes: list[str] = []

    def run(self) -> Checked:
        """Everything, in turn. Where the files cannot be read or put in an order, nothing else."""
        migrations, kept, findings = self._files()
        if findings:
            if migrations:
                self.notes.append("the rest is looked at once this is fixed")
            return self._checked(migrations, findings, 0)
        with aside():  # git may be asked where a file is that is gone
            live = self._live(migrations)
        pending = live.pending(migrations)
        findings += self._history(live)
        try:
            fresh = len(pending) == len(migrations)
            citus = self.project.citus or live.is_citus
            with Walk(self.scratch, pending, kept, fresh=fresh, citus=citus) as walk:
                irreversible = walk.findings(migrations, self.report)
                kept.keep()
                self.notes += filter(None, [walk.note()])
                with aside():  # squawk is a program
                    dangers = self._dangers(migrations, walk.seen, live)
                dangers += self._obstacles(migrations, live)
                findings += _left(migrations, [*irreversible, *dangers], walk, pending)
                if not walk.stopped:
                    findings += self._models(migrations, walk.replay)
        except (ConfigError, ConnectionFailed) as error:
            findings.append(_told(RuleName.SCRATCH, error))
        return self._checked(migrations, findings, len(pending))

    def _checked(
        self, migrations: list[Migration], findings: list[Finding], pending: int
    ) -> Checked:
        order = {migration.name: n for n, migration in enumerate(migrations)}
        findings.sort(
            key=lambda finding: (order.get(finding.file, -1), finding.line, finding.level)
        )
        return Checked(len(migrations), pending, tuple(findings), tuple(self.notes))

    def _files(self) -> tuple[list[Migration], KeptTrips, list[Finding]]:
        try:
            migrations = migration_folder.find(self.project.migrations)
        except EngineError as error:
            return [], KeptTrips(None, []), [_told(RuleName.FILES, error)]
        findings = []
        kept = KeptTrips(self.proofs, migrations)
        for migration in migrations:
            try:
                if not kept.trip(migration):  # else it has run
                    with kept.watching(migration):
                        _ = migration.functions
            except EngineError as error:
                findings.append(_told(RuleName.FILES, error))
        for number, group in groupby(migrations, key=lambda migration: migration.number):
            names = [migration.name for migration in group]
            if len(names) > 1:
                what = f"the number {number:03} is used twice: {', '.join(names)}."
                renumber = self.project.task("renumber")
                fix = f"`{renumber}` gives one of them the next free number."
                findings.append(Finding("", 0, RuleName.FILES, Level.ERROR, what, fix=fix))
        return migrations, kept, findings

    def _live(self, migrations: list[Migration]) -> Live:
        try:
            with closing(connect(self.project, autocommit=True)) as connection:
                cursor = connection.cursor()
                known = history.read(cursor, migrations, self.project)
                own_sql.fetch(cursor, lint.SIZES)
                sizes = Sizes({name: sizes for name, *sizes in cursor.fetchall()})
                return Live(known, sizes, is_citus(cursor))
        except ConnectionFailed as error:
            self.notes.append(f"all files are taken as pending: {error.what}")
            return Live()

    def _history(self, live: Live) -> list[Finding]:
        problems = live.history.problems if live.history else []
        return [Finding("", 0, RuleName.HISTORY, Level.ERROR, str(problem)) for problem in problems]

    def _dangers(
        self, migrations: list[Migration], seen: list[Observed], live: Live
    ) -> list[Finding]:
        """What the statements of pending files do to tables that were there."""
        dangers = list(lint.lint(seen, live.sizes))
        if self.project.citus or live.is_citus:
            dangers += citus_rules.findings(seen, self.project.opened_on_citus)
        path = squawk.program()
        if not path:
            self.notes.append(squawk.INSTALL)
            return dangers
        for migration in migrations:
            statements = [statement for statement in seen if statement.file == migration.name]
            if statements:
                atomic = migration.functions.atomic
                dangers += squawk.findings(path, statements, atomic=atomic)
        return dangers

    def _obstacles(self, migrations: list[Migration], live: Live) -> list[Finding]:
        """The rows of the database that are in the way of pending files."""
        pending = live.pending(migrations)
        if not live.history or len(pending) == len(migrations):
            return []
        files = []
        for migration in migrations:
            if migration.name in pending:
                learn = earlier_models(migrations, migration.number, self.project)
                files.append((migration, learn))
        with closing(connect(self.project, autocommit=True, files=True)) as connection:
            in_the_way, unseen = obstacles.of_files(connection.cursor(), self.project, files)
        self.notes += unseen
        return [_in_the_way(obstacle) for obstacle in in_the_way]

    def _models(self, migrations: list[Migration], replay: Replay | None) -> list[Finding]:
        """Whether the files lead to what the domains ask for. replay: a scratch database at their
        state, if there is one."""
        if self.proofs and nothing_to_generate.recall(self.proofs, migrations) is not None:
            return []
        self.report.message("comparing with what the domains ask for")
        domains = self.domains() if callable(self.domains) else self.domains
        generator = Generator(
            domains, self.scratch, files=migrations, proofs=self.proofs, replay=replay
        )
        try:
            files = generator.generate("check")
        except (ConfigError, ConnectionFailed):
            raise
        except EngineError as error:
            return [_told(RuleName.MODELS, error)]
        lines: list[str] = []
        for file in files:
            lines += file.summary
        if not lines:
            return []
        what = "the files do not lead to what the domains ask for; this would be written:"
        fix = f"Run: {self.project.task('generate', 'NAME')}"
        return [Finding("", 0, RuleName.MODELS, Level.ERROR, what, "\n".join(lines), fix)]


def _left(
    migrations: list[Migration], findings: list[Finding], walk: Walk, pending: set[str]
) -> list[Finding]:
    """What is found, less what the comments of the files allow. Those of a file that stopped are
    not read: what they speak of has not run. A file that is applied can only be irreversible."""
    left = []
    for migration in migrations:
        of_file = [finding for finding in findings if finding.file == migration.name]
        if migration.name not in walk.done:
            left += of_file
            continue
        lines = [statement.line for statement in walk.seen if statement.file == migration.name]
        rules = {finding.rule for finding in of_file}
        for finding in obeyed(of_file, migration, lines, rules):
            if migration.name in pending or finding.rule == RuleName.IRREVERSIBLE:
                left.append(finding)
    return left


def _in_the_way(obstacle: Obstacle) -> Finding:
    rule, fix = RuleName.ROWS_IN_THE_WAY, f"Correct them first; all of them:\n{obstacle.select};"
    what, why = f"{obstacle.what}.", obstacle.examples
    return Finding(obstacle.file, obstacle.line, rule, Level.ERROR, what, why, fix)


def _told(rule: RuleName, error: EngineError) -> Finding:
    return Finding(error.file, error.line, rule, Level.ERROR, error.said, error.why, error.fix)
