"""Emptying a schema: what our files made, and nothing else unless that was asked for; never what
the project knows as another program's.

Nothing is ever dropped with CASCADE, so what another schema holds is safe: PostgreSQL refuses, and
says what depends on what. Extensions and their objects stay.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import Any

import peewee

from engine.connect.connection import connect
from engine.errors import Refused
from engine.explain import postgres_errors
from engine.explain.remedies import LET_PASS, MORE_LOCKS
from engine.files import history, migration_folder
from engine.files.history import History
from engine.files.migration_file import Migration
from engine.project import Project
from engine.report import Report, timed
from engine.run.options import RunOptions
from engine.run.replay import replayed
from engine.run.session import Session, exclusive
from engine.schema import own_sql
from engine.schema.kinds import without_arguments
from engine.schema.own_tables import OWN_TABLES, STAYING_TABLES
from engine.schema.quoting import unquoted
from engine.wording import listed

# Everything that lies in a schema depends on it; what belongs to an extension, to a column or to
# another object goes with that. The columns of a partition key belong to their table in this way.
OBJECTS = """
    SELECT i.type, i.identity, replace(i.identity, i.schema || '.', '')
    FROM pg_depend d, LATERAL pg_identify_object(d.classid, d.objid, 0) i
    WHERE d.refclassid = 'pg_namespace'::regclass
      AND d.refobjid = %(here)s AND d.deptype = 'n'
      AND d.classid <> 'pg_extension'::regclass
      AND NOT EXISTS (SELECT FROM pg_depend o WHERE o.classid = d.classid AND o.objid = d.objid
                      AND o.objsubid = 0 AND o.deptype IN ('e', 'a', 'i'))
    ORDER BY d.objid DESC
"""
FIRST = ("view", "materialized view")
TOGETHER = "table"
LAST = "type"
DEPENDENTS_EXIST = "2BP01"


@dataclass(frozen=True)
class Object:
    """Something in the schema. kind: as PostgreSQL calls it. identity: with the schema's name."""

    kind: str
    identity: str
    name: str

    @property
    def bare(self) -> str:
        """Its name without quotes, and without the arguments of a function."""
        return unquoted(without_arguments(self.name))

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True)
class Wipe:
    """What will be dropped, and the statements that do it.

    rehearsed: the files that have just been run in a scratch database, as they were then.
    """

    objects: tuple[Object, ...]
    statements: tuple[str, ...]
    rehearsed: tuple[Migration, ...] = ()


def plan(project: Project, *, everything: bool) -> Wipe:
    """What it takes to empty the schema. everything: also what the migrations did not make.

    Raises Refused where there is such a thing and `everything` is False. What the project knows as
    another program's stays, unless a file has made it.
    """
    migrations = migration_folder.find(project.migrations)
    with closing(connect(project, autocommit=True, writing=True)) as connection:
        objects = _objects(connection)
        with connection.cursor() as cursor:
            known = history.read(cursor, migrations, project)
    made = {f"table {name}" for name in OWN_TABLES}
    ours: list[Migration] = []
    if not everything or any(project.is_foreign(thing.bare) for thing in objects):
        ours = _run(migrations, known)
        made |= _made(project, ours)
        objects = _without_theirs(objects, made, project)
    if not everything:
        _refuse_others([thing for thing in objects if str(thing) not in made])
    return Wipe(tuple(objects), tuple(_statements(objects)), tuple(ours))


def _run(migrations: list[Migration], known: History) -> list[Migration]:
    """The files that have run, or have begun to."""
    names = known.recorded | {file.name for file in known.unfinished}
    return [migration for migration in migrations if migration.name in names]


def _refuse_others(others: list[Object]) -> None:
    """Raise Refused where there is what no file has made."""
    if others:
        raise Refused(
            "the schema holds what the migrations did not make:",
            why=f"{listed(others)}\nNothing was dropped.",
            fix="where it is another program's, name it in the project's `foreign`, and it stays; "
            "or move it to another schema (ALTER … SET SCHEMA), or drop it yourself; to drop it "
            "together with the rest, add --all.",
        )


def rehearse(project: Project, wipe: Wipe) -> list[Migration]:
    """Run all files in a scratch database, so that a file that fails is found before anything is
    dropped; not where the plan has just done that. Gives the files: one that is edited while
    somebody thinks about the question has not been rehearsed. Raises what the runner raises."""
    migrations = migration_folder.find(project.migrations)
    if list(wipe.rehearsed) != migrations:
        with replayed(project, migrations):
            pass
    return migrations


def carry_out(project: Project, wipe: Wipe, options: RunOptions, report: Report) -> None:
    """Drop it all in one transaction, under the lock that migrations take.

    Raises Refused where something outside depends on it; then nothing is dropped.
    """
    with exclusive(project, options, report) as session, session.database.atomic():
        waiting = list(wipe.statements)
        while waiting:
            needed = [s for s in waiting if not _dropped(session, s, report, len(waiting))]
            if len(needed) == len(waiting):
                _execute(session, needed[0], report)
            waiting = needed


def _dropped(session: Session, statement: str, report: Report, left: int) -> bool:
    """Whether it could go; not while something else that is to go needs it. left: how many are
    still to go, this one among them."""
    if left == 1:
        _execute(session, statement, report)
        return True
    try:
        with session.database.atomic():
            _execute(session, statement, report)
    except Refused as refused:
        if refused.sqlstate != DEPENDENTS_EXIST:
            raise
        return False
    return True


def _execute(session: Session, statement: str, report: Report) -> None:
    try:
        with timed(report, 0, statement):
            session.database.execute_sql(statement.replace("%", "%%"))
    except peewee.DatabaseError as error:
        server = postgres_errors.server_error(error)
        diag = server.diag if server else None
        needed = postgres_errors.sqlstate(error) == DEPENDENTS_EXIST  # its hint is CASCADE
        detail = [diag.message_detail, "" if needed else diag.message_hint] if diag else []
        notes = own_sql.event_triggers(session.keeper, server) if diag else []
        raise Refused(
            f"the schema cannot be emptied: {diag.message_primary if diag else error}.",
            why="\n".join([*filter(None, [*detail, *notes]), "Nothing was dropped."]),
            fix=f"{LET_PASS if notes else _way_out(error)}, then run the command again.",
            sqlstate=postgres_errors.sqlstate(error) or "",
        ) from error


def _way_out(error: BaseException) -> str:
    if postgres_errors.is_out_of_locks(error):
        return MORE_LOCKS
    if postgres_errors.sqlstate(error) == DEPENDENTS_EXIST:
        return (
            "take away what depends on it and is not to go (ALTER TABLE … DROP CONSTRAINT …, DROP "
            "VIEW …), which is another program's or lies in another schema"
        )
    return "wait for the session that holds it"


def _objects(connection: Any) -> list[Object]:
    with connection.cursor() as cursor:
        own_sql.fetch(cursor, OBJECTS)
        objects = [Object(*row) for row in cursor.fetchall()]
    stays = {f"table {table}" for table in STAYING_TABLES}
    return [thing for thing in objects if str(thing) not in stays]


def _without_theirs(objects: list[Object], made: set[str], project: Project) -> list[Object]:
    """All but what the project knows as another program's, and no file has made."""
    return [o for o in objects if str(o) in made or not project.is_foreign(o.bare)]


def _made(project: Project, applied: list[Migration]) -> set[str]:
    """What the applied files make: they are run in a scratch database."""
    if not applied:
        return set()
    with (
        replayed(project, applied) as replay,
        closing(connect(replay.project, autocommit=True)) as connection,
    ):
        return {str(thing) for thing in _objects(connection)}


def _statements(objects: list[Object]) -> list[str]:
    """Views first, each after those built on it; tables together, as they may refer to each
    other; then what tables use."""
    views = [thing for thing in objects if thing.kind in FIRST]
    tables = [thing.identity for thing in objects if thing.kind == TOGETHER]
    rest = [thing for thing in objects if thing.kind not in (*FIRST, TOGETHER)]
    rest.sort(key=lambda thing: thing.kind == LAST)
    return [
        *(f"DROP {thing.kind.upper()} {thing.identity}" for thing in views),
        *([f"DROP TABLE {', '.join(tables)}"] if tables else []),
        *(f"DROP {thing.kind.upper()} {thing.identity}" for thing in rest),
    ]
