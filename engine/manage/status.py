"""Where a database stands: one connection and one look at the files; nothing heavy is imported."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field

from engine.connect.connection import connect
from engine.files import history, migration_folder, own_table, role_table
from engine.files.entry import Entry, State
from engine.files.history import History
from engine.files.unfinished import Direction
from engine.project import Project
from engine.run import operator_notices as notices
from engine.schema import own_sql
from engine.schema.catalog_queries import OUR_RELATIONS, OURS
from engine.schema.own_tables import HISTORY_TABLE, JOURNAL_TABLE, OWN_TABLES, ROLES_TABLE
from engine.wording import counted, few, one_line

# What an extension brings along belongs to nobody's program.
RELATIONS = f"""
    SELECT c.relname FROM pg_class c
    WHERE {OUR_RELATIONS} AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
      AND c.relname NOT IN {OWN_TABLES} AND {OURS.format("pg_class", "c")}
    ORDER BY c.relname COLLATE "C"
"""
# Gives a text the colour of what it stands for: a state, `problem`, `notice`.
Paint = Callable[[str, str], str]


def _plain(text: str, meaning: str) -> str:
    return text


@dataclass(frozen=True)
class Status:
    """The history of one schema of one database, and what the database has to tell. foreign: the
    tables and views that are there although no file was ever applied. roles: of the cluster, by the
    abstract names in the files; None for nobody."""

    database: str
    schema: str
    history: History
    notices: tuple[str, ...]
    foreign: tuple[str, ...] = ()
    roles: Mapping[str, str | None] = field(default_factory=dict)

    def as_json(self, *, only_pending: bool = False) -> str:
        """The form that `status --json` prints. only_pending: leave out what is applied."""
        value = {
            "database": self.database,
            "schema": self.schema,
            "applied": len(self.history.recorded),
            "pending": len(self.history.pending),
            "problems": [str(problem) for problem in self.history.problems],
            "foreign": list(self.foreign),
            "roles": dict(self.roles),
            "unfinished": [file.as_json() for file in self.history.unfinished],
            "migrations": [entry._asdict() for entry in self._entries(only_pending)],
        }
        return json.dumps(value, indent=2, ensure_ascii=False)

    def summary(self) -> str:
        """In one line: which database, and how many files are applied and pending."""
        counts = [f"{len(self.history.recorded)} applied"]
        if pending := len(self.history.pending):
            counts.append(f"{pending} pending")
        if problems := len(self.history.problems):
            counts.append(counted(problems, "problem"))
        place = f"database {one_line(self.database)}, schema {one_line(self.schema)}"
        return f"{place}: {', '.join(counts)}"

    def as_text(
        self, paint: Paint = _plain, *, only_pending: bool = False, columns: int = 0
    ) -> str:
        """The form for people. columns: how wide the terminal is, where there is one; what a file
        has no room for there is left out."""
        lines = [self.summary()]
        width = max((len(entry.name) for entry in self.history.entries), default=0)
        for entry in self._entries(only_pending):
            lines.append(self._line(entry, width, columns, paint))
        if not self.history.entries:
            lines.append("  there are no migrations")
        lines += [paint("problem", "problem") + f": {problem}" for problem in self.history.problems]
        lines += self._nobody()
        if self.foreign:
            adopt = self.history.project.task("adopt", "NUMBER")
            lines += [
                f"No migration made what the schema holds, {counted(len(self.foreign), 'table')} "
                f"or views: {few(self.foreign)}.",
                f"If the migrations make the same, take the database over: {adopt}",
                "If they are another program's, name another database or schema (search_path).",
            ]
        elif self.history.pending and not self.history.problems:
            lines.append(f"To apply what is pending: {self.history.project.task('migrate')}")
            lines += self._half_done()
        return "\n".join(lines)

    def _line(self, entry: Entry, width: int, columns: int, paint: Paint) -> str:
        """A file: its name, its state, and when, how long and by whom it was applied."""
        moment = (entry.applied_at or "")[:19].replace("T", " ")
        took = f"{entry.duration_ms} ms" if entry.duration_ms is not None else ""
        who = f"by {one_line(entry.applied_by)}" if entry.applied_by else ""
        beside, hint = list(filter(None, [moment, took, who])), self._hint(entry.name)
        known = [f"  {entry.name:{width}}", f"{entry.state:7}"]
        while columns and beside and len("  ".join([*known, *beside, hint])) > columns:
            beside.pop()
        words = [known[0], paint(known[1], entry.state), *beside, hint]
        return "  ".join(filter(None, words)).rstrip()

    def _nobody(self) -> list[str]:
        """A line where there are abstract roles that nobody is."""
        nobody = [name for name, role in self.roles.items() if role is None]
        setting = self.history.project.settings.roles
        said = f"No role has what the files grant {', '.join(nobody)}: {setting} names none."
        return [said] if nobody else []

    def _half_done(self) -> list[str]:
        """A line where there is a part of a file."""
        half, task = ", ".join(sorted(self.history.half_done)), self.history.project.task
        return [f"To undo what is done of {half}: {task('rollback')}"] if half else []

    def _entries(self, only_pending: bool) -> list[Entry]:
        entries = self.history.entries
        return [entry for entry in entries if entry.state is State.PENDING or not only_pending]

    def _hint(self, name: str) -> str:
        """Whether the file stopped in the middle."""
        for file in self.history.unfinished:
            if file.name == name:
                way = "rollback " if file.direction is Direction.DOWN else ""
                return f"{way}stopped in the middle, {file.done} of its statements are done"
        return ""


def read_status(project: Project) -> Status:
    """Read it; nothing is changed, so a read-only replica will do."""
    with closing(connect(project, autocommit=True)) as connection, connection.cursor() as cursor:
        place = own_sql.place(connection)
        migrations = migration_folder.find(project.migrations)
        there = own_table.columns_of(cursor, (HISTORY_TABLE, JOURNAL_TABLE, ROLES_TABLE))
        known = history.read(cursor, migrations, project, there)
        foreign: list[str] = []
        if not known.recorded and not known.unfinished:
            own_sql.fetch(cursor, RELATIONS)
            foreign = [name for (name,) in cursor.fetchall()]
        database = str(connection.info.dbname)
        roles = role_table.all_named(cursor, project, migrations, there)
        told = notices.read(cursor)
        return Status(database, place.name, known, told, tuple(foreign), roles)
