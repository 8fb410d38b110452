"""Who may do what in a database, what is missing of what the files grant, and bringing it about:
after the setting has named roles, other ones, or none any more."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from psycopg2 import errors

from engine.citus.cluster import tell_nodes
from engine.connect import roles
from engine.connect.connection import connect
from engine.diff.access_changes import access_changes
from engine.diff.change import Change
from engine.drift import baseline
from engine.drift.beyond import OTHER, grantees, told
from engine.drift.comparison import expected
from engine.drift.differences import as_seen
from engine.drift.replays import Replays
from engine.errors import Refused
from engine.files import history, migration_folder, role_table
from engine.files.migration_file import Migration
from engine.project import Project
from engine.report import Report
from engine.run.options import RunOptions
from engine.run.session import exclusive
from engine.schema import catalog, own_sql
from engine.schema.abstract_roles import PUBLIC
from engine.schema.access import Access
from engine.schema.kinds import Kind
from engine.schema.model import Schema
from engine.sql import access_statements
from engine.wording import one_line


@dataclass(frozen=True)
class Rights:
    """Who may do what. roles: the role of the cluster for each abstract one that files or the
    setting name, None for nobody. asked: those that files name. access: what is so now. statements:
    what brings about what the files grant, and takes what a role has kept that is no longer one of
    these."""

    project: Project
    database: str
    schema: str
    roles: dict[str, str | None]
    asked: frozenset[str]
    access: tuple[Access, ...]
    statements: tuple[str, ...]

    @property
    def others(self) -> list[Access]:
        """What roles may do that no abstract one stands for."""
        return [one for one in self.access if one.role.startswith(OTHER)]

    def as_json(self) -> str:
        """The form that `roles --json` prints."""
        listed = []
        for one in self.access:
            role, rights = one.role.removeprefix(OTHER), list(one.rights)
            entry = {"abstract": None, "role": role, "kind": one.on.kind, "name": one.on.name}
            if not one.role.startswith(OTHER) and role != PUBLIC:
                entry |= {"abstract": role, "role": self.roles[role]}
            columns = {column: list(them) for column, them in one.columns.items()}
            listed.append({**entry, "rights": rights, "columns": columns})
        value = {
            "database": self.database,
            "schema": self.schema,
            "roles": self.roles,
            "access": listed,
            "missing": list(self.statements),
        }
        return json.dumps(value, indent=2, ensure_ascii=False)

    def as_text(self) -> str:
        """The form for people."""
        lines = [f"database {one_line(self.database)}, schema {one_line(self.schema)}"]
        setting = self.project.settings.roles
        for name, role in self.roles.items():
            lines.append(f"{name} is {role or f'nobody here ({setting}={name}:ROLE names one)'}")
            if name not in self.asked:
                lines.append(f"  {self._unasked(name)}")
            lines += [f"  {one_line(told(one))}" for one in self.access if one.role == name]
        for one in self.access:
            if one.role == PUBLIC:
                lines.append(f"everybody: {one_line(told(one))}")
        for one in self.others:
            whose = f"{one.role.removeprefix(OTHER)}, whom no file names: {told(one)}"
            lines.append(one_line(whose))
        if self.statements:
            task = self.project.task("roles", "--apply")
            lines.append(f"Not as the files have it; `{task}` runs this:")
            lines += [f"    {statement};" for statement in self.statements]
        return "\n".join(lines)

    def _unasked(self, name: str) -> str:
        """What is told of a name in the setting that no file has: it may be a slip."""
        like = get_close_matches(name, self.asked, n=1)
        return f"no file grants {name} anything" + (f"; is {like[0]} meant?" if like else "")


def look(project: Project, replays: Replays | None = None) -> Rights:
    """Who may do what in the database; nothing is changed. replays: as expected() has it. Raises
    ConfigError for roles that are not there, or where nobody knows what the files grant."""
    with closing(connect(project)) as connection:
        return _look(connection, role_table.settled(connection, project), replays)


def apply(
    project: Project, options: RunOptions, report: Report, replays: Replays | None = None
) -> list[str]:
    """Bring about what the files grant, all or nothing, and keep the roles (the statements).

    replays: as expected() has it. Raises what look() raises, and Refused with the statements where
    this role may not run them.
    """
    with exclusive(project, options, report) as session:
        connection, cursor = session.database.connection(), session.cursor()
        with session.database.atomic():
            rights = _look(connection, session.project, replays)
        if options.dry:
            return list(rights.statements)
        try:
            with session.database.atomic():
                if session.project.on_citus:
                    tell_nodes(cursor)
                for statement in rights.statements:
                    cursor.execute(statement)
                role_table.keep(cursor, session.project.roles or {})
        except errors.InsufficientPrivilege as error:
            if own_sql.event_triggers(connection, error):  # no right helps
                raise
            lines = "\n".join(f"{statement};" for statement in rights.statements)
            raise Refused(
                f"{session.info.user} may not do that: {error.diag.message_primary}.",
                why="Nothing was changed.",
                fix=f"let the owner, or an administrator, run in {rights.database}:\n{lines}",
            ) from error
        roles.use(connection, session.project.roles)
        migrations = migration_folder.find(project.migrations)
        past = history.read(cursor, migrations, project)
        baseline.keep_access(cursor, catalog.read(connection, depends=False), past)
        return list(rights.statements)


def _look(connection: Any, project: Project, replays: Replays | None) -> Rights:
    """project: with the roles that there are. The connection is in a transaction, which has another
    mapping after it."""
    migrations = migration_folder.find(project.migrations)
    cursor = connection.cursor()
    named = dict(project.roles or {})
    former = set(role_table.kept(cursor).values()) - set(named.values())
    mapping = {**named, **grantees(cursor, named)}
    roles.use(connection, mapping, local=True)
    live = catalog.read(connection, depends=False)
    wanted = _wanted(connection, project, migrations, live, named, replays)
    moved = {PUBLIC, *named, *(OTHER + role for role in former)}
    changes = [
        change for change in access_changes([], live, wanted) if _counts(change, live, moved)
    ]
    place = own_sql.place(connection).name
    return Rights(
        project,
        str(connection.info.dbname),
        place,
        role_table.all_named(cursor, project, migrations),
        frozenset(role_table.asked(migrations)),
        tuple(live.access.values()),
        tuple(access_statements.spelled(changes, mapping, place)),
    )


def _wanted(
    connection: Any,
    project: Project,
    migrations: Sequence[Migration],
    live: Schema,
    named: Iterable[str],
    replays: Replays | None,
) -> Schema:
    """The live schema with what the files grant on it."""
    past = history.read(connection.cursor(), migrations, project)
    if not past.recorded:
        return replace(live, access={})
    mine = replace(live, roles=frozenset(named))
    known, _ = expected(connection, project, migrations, past, mine.roles, replays)
    return replace(live, access=as_seen(known, mine).access)


def _counts(change: Change, live: Schema, roles: set[str]) -> bool:
    """Whether it is about a thing that is there, and about a role that the files may speak of."""
    on = change.new.on
    there = on.kind in (Kind.SEQUENCE, Kind.SCHEMA) or on.name in live.standing()[on.kind]
    return there and change.new.role in roles
