"""What the catalogs said after the last run, kept in the database that it was said of.

A schema goes into a table of ours as JSON: what is there now can be held against it without a
scratch database, a right or a second server. Kept with it are the version of PostgreSQL and the
format: other ones may say the same thing in other words.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from psycopg2 import errors

from engine.citus import open_policies
from engine.drift import schema_json
from engine.drift.schema_json import Damaged
from engine.errors import ConfigError
from engine.files import own_table
from engine.files.entry import State
from engine.files.history import History
from engine.files.migration_file import number_of
from engine.project import Project
from engine.schema.model import Schema
from engine.schema.own_tables import READING_TABLE

# One row, known by its key: a publication FOR ALL TABLES lets nobody delete or update rows of a
# table that has none ("does not have a replica identity and publishes deletes").
CREATE = f"""
    CREATE TABLE {READING_TABLE} (
        id boolean PRIMARY KEY DEFAULT true CHECK (id),
        reading json NOT NULL, files json NOT NULL, format integer NOT NULL,
        server_version integer NOT NULL, taken_at timestamptz NOT NULL
    )
"""
# What the first version of the engine made; the rights that were granted on it stay.
UPGRADE = f"""
    TRUNCATE {READING_TABLE};
    ALTER TABLE {READING_TABLE} DROP COLUMN reader,
        ADD COLUMN format integer NOT NULL,
        ADD COLUMN id boolean PRIMARY KEY DEFAULT true CHECK (id)
"""
KEEP = f"""
    INSERT INTO {READING_TABLE} (reading, files, format, server_version, taken_at)
    VALUES (%s, %s, %s, %s, clock_timestamp())
    ON CONFLICT (id) DO UPDATE SET reading = EXCLUDED.reading, files = EXCLUDED.files,
        format = EXCLUDED.format, server_version = EXCLUDED.server_version,
        taken_at = EXCLUDED.taken_at
"""
LOAD = f"""
    SELECT reading::text, files::text, format, server_version,
           to_char(taken_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')
    FROM {READING_TABLE}
"""
OURS = frozenset({"id", "reading", "files", "format", "server_version", "taken_at"})
FIRST_VERSION = (OURS - {"id", "format"}) | {"reader"}


@dataclass(frozen=True)
class Reading:
    """A reading of an earlier run. document: the schema, encoded. files: the state of the history
    then. format: of the document. version: PostgreSQL's major version. taken_at: in UTC. writers:
    who else may write it, and how."""

    document: Any
    files: Any
    format: int
    version: int
    taken_at: str
    writers: tuple[str, ...] = ()

    @cached_property
    def schema(self) -> Schema:
        """What the catalogs said. Raises Damaged where that cannot be read."""
        return schema_json.decode(self.document)

    def misfit(self, version: int, history: History, roles: Collection[str]) -> str:
        """Why it says nothing about that version with that history, or not of these abstract roles;
        empty where it does."""
        if self.writers:
            return f"others may have written it: {', '.join(self.writers)}"
        if self.version != version:
            return f"it was taken on PostgreSQL {self.version}, and this is {version}"
        if self.format != schema_json.FORMAT:
            return "it was taken by a version of this engine that writes it in another form"
        if self.files != state(history, roles):
            if isinstance(self.files, list) and self.files[:2] == state(history):
                return "it tells of other roles than those that are somebody here"
            return "files were applied or undone since by something else than this engine"
        return ""

    def damage(self) -> str:
        """Why it cannot be read; empty where it can."""
        try:
            _ = self.schema
        except Damaged as error:
            return f"somebody has changed it: {error}"
        return ""

    def elsewhere(self, project: Project) -> str:
        """Why its policies are not those of such a server; empty where they are. A schema comes to
        Citus (citus_schema_distribute), and from there in a dump, with the reading that it has."""
        for table in self.schema.tables.values():
            for policy in table.policies.values():
                if not open_policies.is_named(policy.name, table.name, project.opened_on_citus):
                    continue
                looks_up = policy.definition != open_policies.without_look_ups(policy.definition)
                if looks_up if project.on_citus else open_policies.OPEN in policy.definition:
                    kind = "PostgreSQL alone" if looks_up else "Citus"
                    return f"it was taken on {kind}, where the policy {policy.name} is another one"
        return ""


def load(cursor: Any) -> Reading | None:
    """The reading that the database keeps, or None. Raises ConfigError where the role may not read
    it, or the table is somebody else's."""
    columns = own_table.columns(cursor, READING_TABLE)
    if not columns or columns == FIRST_VERSION:
        return None
    _refuse_another(columns)
    try:
        own_table.fetch(cursor, LOAD)
    except errors.InsufficientPrivilege as error:
        role = cursor.connection.info.user
        raise ConfigError(
            f"the role {role} may not read what the last run left ({READING_TABLE}).",
            fix=f"as its owner run GRANT SELECT ON {READING_TABLE} TO {role}",
        ) from error
    row = cursor.fetchone()
    if not row:
        return None
    document, files, *rest = row
    rights = own_table.rights(cursor, [READING_TABLE])
    writers = tuple(str(right) for right in rights if right.writes)
    form, version, taken_at = rest
    return Reading(_parsed(document), _parsed(files), form, version, taken_at, writers)


def keep(
    cursor: Any,
    document: Mapping[str, Any],
    history: History,
    version: int,
    roles: Collection[str] = (),
) -> None:
    """Keep the encoded schema in the place of an earlier one. Where no file is applied, none is
    kept. roles: the abstract ones of which it tells. cursor: psycopg2, in autocommit. Raises
    ConfigError where the table is somebody else's."""
    columns = own_table.columns(cursor, READING_TABLE)
    if columns and columns != FIRST_VERSION:
        _refuse_another(columns)
    if not history.recorded and not history.unfinished:
        own_table.run(cursor, f"DROP TABLE IF EXISTS {READING_TABLE}")
        return
    if not columns:
        own_table.create(cursor, CREATE, READING_TABLE)
    elif columns != OURS:
        own_table.run(cursor, UPGRADE)
    texts = [json.dumps(value, ensure_ascii=False) for value in (document, state(history, roles))]
    own_table.run(cursor, KEEP, (*texts, schema_json.FORMAT, version))


def keep_access(cursor: Any, live: Schema, history: History) -> None:
    """Let the reading that is kept say of what roles may do what is so now. One that fits nothing
    any more stays as it is, and fits nothing."""
    kept, version = load(cursor), cursor.connection.server_version // 10000
    files = kept.files if kept and isinstance(kept.files, list) else []
    if kept and files[:2] == state(history):
        told = replace(kept, files=state(history))
        if not (told.misfit(version, history, ()) or told.damage()):
            document = {**kept.document, "access": schema_json.encode(live.access)}
            keep(cursor, document, history, version, live.roles)


def follow(cursor: Any, before: History, after: History) -> None:
    """Let a reading that fits the history before fit the one after, in which files have other
    names."""
    kept = load(cursor)
    files = kept.files if kept and isinstance(kept.files, list) else []
    if files[:2] == state(before):
        text = json.dumps([*state(after), *files[2:]], ensure_ascii=False)
        own_table.run(cursor, f"UPDATE {READING_TABLE} SET files = %s", (text,))


def state(history: History, roles: Collection[str] = ()) -> list[Any]:
    """What tells one history from another: the files applied, and those that stopped half-way; and
    the roles, where there are any."""
    names = []
    for entry in history.entries:
        if entry.state is not State.PENDING:
            names.append(entry.recorded_as or entry.name)
    names.sort(key=lambda name: (number_of(name), name))
    unfinished = {file.key: file.done for file in history.unfinished}
    return [names, unfinished, *([sorted(roles)] if roles else [])]


def _parsed(text: str) -> Any:
    """The document; None for one that nobody can have written in earnest, nested beyond reason."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _refuse_another(columns: set[str]) -> None:
    if columns != OURS:
        raise ConfigError(
            f"the table {READING_TABLE} is not ours.",
            why="What the catalogs say after a run is kept under that name; it has the columns "
            f"{', '.join(sorted(columns))}.",
            fix=f"rename it (ALTER TABLE {READING_TABLE} RENAME TO …)",
        )
