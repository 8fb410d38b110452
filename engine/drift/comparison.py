"""A live database held against what the last run left in it. Nothing is changed, and nothing made
unless the database keeps no reading that fits."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from engine.connect import roles
from engine.connect.connection import connect
from engine.drift import baseline, partitions
from engine.drift.beyond import beyond, owned_by_others
from engine.drift.differences import Drift, as_seen, differences, without_foreign
from engine.drift.neighbours import turned_on, without_theirs
from engine.drift.out_of_sight import out_of_sight
from engine.drift.replays import Replays
from engine.drift.way_back import WayBack, advice
from engine.errors import ConfigError, EngineError, Refused
from engine.files import history, migration_folder, own_table, role_table
from engine.files.history import History
from engine.files.migration_file import Migration
from engine.project import Project
from engine.schema import function_path, own_sql
from engine.schema.model import Schema
from engine.unmanaged.listing import unmanaged
from engine.wording import counted, few, one_line

NOT_YET = "nothing: no migration is applied"


@dataclass(frozen=True)
class Comparison:
    """A live database beside what the files led to. source: how that is known. back: what brings
    back what drifted. unmanaged: what is there and is not compared. rights: who else
    may write what the engine keeps there, and how. others: what roles of which no file speaks may
    do, and what does not belong to the owner."""

    project: Project
    database: str
    schema: str
    source: str
    drifts: tuple[Drift, ...]
    way_back: WayBack
    unmanaged: tuple[str, ...]
    rights: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def back(self) -> tuple[str, ...]:
        """The statements that bring back what drifted, in order."""
        return self.way_back.statements()

    def as_json(self) -> str:
        """The form that `check --live --json` prints."""
        value = {
            "database": self.database,
            "schema": self.schema,
            "source": self.source,
            "drift": [drift.as_json() for drift in self.drifts],
            "back": list(self.back),
            "back_deletes": self.way_back.losses(),
            "back_untried": self.way_back.untried or None,
            "unmanaged": list(self.unmanaged),
            "rights": list(self.rights),
            "others": list(self.others),
        }
        return json.dumps(value, indent=2, ensure_ascii=False)

    def as_text(self) -> str:
        """The form for people."""
        place = f"database {one_line(self.database)}, schema {one_line(self.schema)}"
        head = f"{place}, beside {self.source}"
        if self.unmanaged:
            head += f"\nNot managed, so not compared: {', '.join(map(one_line, self.unmanaged))}"
        for right in self.rights:
            head += f"\nAnother role can change what is taken as applied: {one_line(right)}"
        for other in self.others:
            head += f"\nBeside what the files grant: {one_line(other)}"
        if not self.drifts:
            return f"{head}\nUnchanged: everything is as the migrations left it."
        lines = [head, *(f"  - {drift}" for drift in self.drifts)]
        return "\n".join([*lines, f"What to do: {advice(self.way_back, self.project)}"])


def compare(project: Project, replays: Replays | None = None) -> Comparison:
    """Hold the live database against what the last run left. Only reads, so a replica and a role
    that may only read will do, as long as the database keeps a reading that fits.

    replays: as expected() has it. Raises ConfigError where it keeps none and no scratch database
    can be made, Refused where no file is applied and yet something is there.
    """
    replays = replays or Replays()
    with closing(connect(project)) as connection, connection.cursor() as cursor:
        project = role_table.settled(connection, project)
        connection.commit()
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        roles.use(connection, project.roles, local=True)
        database, schema = str(connection.info.dbname), own_sql.place(connection).name
        migrations = migration_folder.find(project.migrations)
        past = history.read(cursor, migrations, project)
        live, named = partitions.read(connection), tuple(unmanaged(connection))
        if past.recorded or past.unfinished:
            known, source = expected(connection, project, migrations, past, live.roles, replays)
            known = as_seen(known, live)
        else:
            _refuse_unknown(live, database, schema, project)
            known, source = live, NOT_YET
        version, path = connection.server_version // 10000, function_path.files_path(connection)
        named += turned_on(cursor, live, known)
        live = without_theirs(cursor, live, known)
        rights = tuple(str(right) for right in own_table.rights(cursor) if right.writes)
        theirs = owned_by_others(cursor)
        names = {one.name for one in theirs}
        known, live = without_foreign(known, live, project, names, migrations)
        hidden = out_of_sight(cursor, known, live)
        others = tuple(beyond(connection, project.roles or {}, live, theirs))
    drifts = differences(known, live)
    applied = [migration for migration in migrations if migration.name in past.recorded]
    back = WayBack()
    if drifts:
        back = replays.way_back(project, applied, version, known, live, hidden, schema, path)
    return Comparison(project, database, schema, source, tuple(drifts), back, named, rights, others)


def _refuse_unknown(live: Schema, database: str, schema: str, project: Project) -> None:
    """Raise Refused where there is something of which the files say nothing."""
    objects = sorted(f"{kind} {name}" for (kind, table, name), _ in live.objects() if not table)
    if not objects:
        return
    raise Refused(
        f"no migration is applied to the schema {one_line(schema)} of the database "
        f"{one_line(database)}, so nothing says what it has to hold.",
        why=f"It holds {counted(len(objects), 'object')} that no migration made: {few(objects)}.",
        fix="if the migrations make the same, take the database over with "
        f"`{project.task('adopt', 'NUMBER')}`; if it is another program's, correct "
        f"{project.settings.url}, or give this system a schema of its own (search_path).",
    )


def expected(
    connection: Any,
    project: Project,
    migrations: Sequence[Migration],
    past: History,
    names: Collection[str],
    replays: Replays | None = None,
) -> tuple[Schema, str]:
    """(schema, how it is known): what the applied files led to; from the reading that the database
    keeps, or by running them in a scratch database. names: the abstract roles of which it is to
    tell. replays: those of all tenants, where several are asked about. Raises ConfigError where
    neither is to be had.
    """
    version = connection.server_version // 10000
    kept = baseline.load(connection.cursor())
    misfit = "there is none"
    if kept:
        misfit = kept.misfit(version, past, names) or kept.damage() or kept.elsewhere(project)
    if kept and not misfit:
        return kept.schema, f"what the run of {kept.taken_at} UTC left"
    if past.unfinished:
        stopped = ", ".join(map(str, past.unfinished))
        raise ConfigError(
            f"what the files led to is not known: {stopped} stopped in the middle.",
            fix=f"finish it: {project.task('migrate')} (or rollback, as `{project.task('status')}` "
            "says).",
        )
    applied = [migration for migration in migrations if migration.name in past.recorded]
    try:
        schema = (replays or Replays()).schema(project, applied, version)
    except EngineError as error:
        raise ConfigError(
            f"the database keeps no reading of an earlier run that fits: {misfit}.",
            why=f"The applied files cannot be run in a scratch database instead: {error.what}",
            fix=f"set {project.settings.scratch_url} to a server of PostgreSQL {version} where the "
            f"role may create databases; the next `{project.task('migrate')}` that applies a file "
            "keeps a reading.",
        ) from error
    return schema, "the applied files, run in a scratch database"
