"""What the catalogs said after the last run, kept in the database that it was said of.

A schema goes into a table of ours as JSON: what is there now can be held against it without a
scratch database, a right or a second server. The code that read it is kept with it, as is the
version of PostgreSQL: other ones may say the same thing in other words.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from psycopg2 import errors

from engine.errors import ConfigError
from engine.files.history import History
from engine.schema import catalog, catalog_queries, sequences
from engine.schema import model as schema
from engine.schema.catalog import READING_TABLE
from engine.schema.model import Schema

IS_THERE = f"""
    SELECT FROM pg_class
    WHERE relname = '{READING_TABLE}' AND relnamespace = quote_ident(current_schema())::regnamespace
"""
# One message to the server, so one transaction.
KEEP = f"""
    CREATE TABLE IF NOT EXISTS {READING_TABLE} (
        reading json NOT NULL, files json NOT NULL, reader text NOT NULL,
        server_version integer NOT NULL, taken_at timestamptz NOT NULL
    );
    DELETE FROM {READING_TABLE};
    INSERT INTO {READING_TABLE} VALUES (%s, %s, %s, %s, clock_timestamp())
"""
LOAD = f"""
    SELECT reading, files, reader, server_version,
           to_char(taken_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')
    FROM {READING_TABLE}
"""


@dataclass(frozen=True)
class Reading:
    """A reading of an earlier run. files: the state of the history then. reader: the code that read
    it. version: PostgreSQL's major version. taken_at: in
    UTC."""

    document: dict[str, Any]
    files: Any
    reader: str
    version: int
    taken_at: str

    @property
    def schema(self) -> Schema:
        """What the catalogs said."""
        value: Schema = decode(Schema, self.document)
        return value

    def misfit(self, version: int, history: History) -> str:
        """Why it says nothing about that version with that history; empty where it does."""
        if self.version != version:
            return f"it was taken on PostgreSQL {self.version}, and this is {version}"
        if self.reader != reader():
            return "it was taken by another version of this engine"
        if self.files != state(history):
            return "files were applied or undone since by something else than this engine"
        return ""


def load(cursor: Any) -> Reading | None:
    """The reading that the database keeps, or None. Raises ConfigError where the role may not read
    it, or the table is somebody else's."""
    cursor.execute(IS_THERE)
    if cursor.rowcount == 0:
        return None
    try:
        cursor.execute(LOAD)
    except errors.InsufficientPrivilege as error:
        role = cursor.connection.info.user
        raise ConfigError(
            f"the role {role} may not read what the last run left ({READING_TABLE}).",
            fix=f"as its owner run GRANT SELECT ON {READING_TABLE} TO {role}",
        ) from error
    except errors.UndefinedColumn as error:
        raise ConfigError(
            f"the table {READING_TABLE} is not ours.",
            why="What the catalogs say after a run is kept under that name.",
            fix=f"rename it (ALTER TABLE {READING_TABLE} RENAME TO …)",
        ) from error
    row = cursor.fetchone()
    return Reading(*row) if row else None


def keep(cursor: Any, document: Mapping[str, Any], history: History, version: int) -> None:
    """Keep the encoded schema in the place of an earlier one. Where no file is applied, none is
    kept. cursor: psycopg2, in autocommit."""
    if not history.count("applied", "edited", "missing") and not history.unfinished:
        cursor.execute(f"DROP TABLE IF EXISTS {READING_TABLE}")
        return
    texts = (json.dumps(value, ensure_ascii=False) for value in (document, state(history)))
    cursor.execute(KEEP, (*texts, reader(), version))


def state(history: History) -> list[Any]:
    """What tells one history from another: the files applied, and those that stopped half-way."""
    names = [entry.name for entry in history.entries if entry.state != "pending"]
    return [names, dict(sorted(history.unfinished.items()))]


@cache
def reader() -> str:
    """The digest of the code that reads catalogs and of what it reads them into."""
    modules = (catalog, catalog_queries, schema, sequences)
    sources = (Path(str(module.__file__)).read_bytes() for module in modules)
    return hashlib.sha256(b"".join(sources)).hexdigest()


def encode(value: Any) -> Any:
    """A value of the schema as JSON takes it; only collections are written where they are as they
    are by default."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if is_dataclass(value):
        kept = ((name, getattr(value, name), usual) for name, usual in _compared(value.__class__))
        return {
            name: encode(item)
            for name, item, usual in kept
            if item != usual or isinstance(item, (Mapping, frozenset))
        }
    if isinstance(value, Mapping):
        return {name: encode(item) for name, item in value.items()}
    if isinstance(value, frozenset):
        return dict.fromkeys(sorted(value), True)
    if isinstance(value, tuple):
        return [encode(item) for item in value]
    raise TypeError(f"{value!r} is of no type that a schema has")


def decode(kind: Any, value: Any) -> Any:
    """The value of that type that was encoded."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return None if value is None else decode(arguments[0], value)
    if origin is dict:
        return {name: decode(arguments[1], item) for name, item in value.items()}
    if origin is frozenset:
        return frozenset(value)
    if origin is tuple:
        return tuple(_items(arguments, value))
    if isinstance(kind, type) and is_dataclass(kind):
        hints = _hints(kind)
        return kind(**{name: decode(hints[name], item) for name, item in value.items()})
    return value


@cache
def _compared(kind: type) -> list[tuple[str, Any]]:
    """The fields that tell one value from another, and what each is by default."""
    return [(field.name, _default(field)) for field in fields(kind) if field.compare]


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def _items(kinds: tuple[Any, ...], values: Iterable[Any]) -> Iterable[Any]:
    if kinds[1:] == (...,):
        return (decode(kinds[0], value) for value in values)
    return (decode(kind, value) for kind, value in zip(kinds, values, strict=True))


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
