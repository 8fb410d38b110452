"""The kinds of object that the engine manages: one table, a row a kind, in the order of making.

Whatever differs from kind to kind and is no code of its own stands here. To add a kind:

1. A member of Kind and a row of KINDS, at the place where it can be made: after what it may need.
2. A value in engine.schema.model, and the field of Schema or Table that the row names.
3. A query in catalog_queries, its line in catalog, and its address in pg_depend in dependencies.
4. How it is made and altered, in engine.sql.statements; dropping, renaming and commenting follow
   from the row. What stands alone says in engine.diff.object_changes what is altered in place.
5. Pairs in tests/cases/ and a draft in engine.testing, which try it against the others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from engine.schema.quoting import literal, name


class Kind(StrEnum):
    """What an object is. Its value is what it is called in messages and in kept readings."""

    EXTENSION = "extension"
    ENUM = "enum"
    DOMAIN_TYPE = "domain"
    COMPOSITE = "composite"
    SEQUENCE = "sequence"
    FUNCTION = "function"
    PROCEDURE = "procedure"
    TABLE = "table"
    COLUMN = "column"
    OWNERSHIP = "ownership"
    DEFAULT = "default"
    EXPRESSION = "expression"
    CONSTRAINT = "constraint"
    FOREIGN_KEY = "foreign key"
    VIEW = "view"
    MATERIALIZED_VIEW = "materialized view"
    VIEW_COLUMN = "view column"
    INDEX = "index"
    SETTING = "setting"
    TRIGGER = "trigger"
    POLICY = "policy"
    LABEL = "value"
    ATTRIBUTE = "attribute"
    COMMENT = "comment"
    SCHEMA = "schema"
    ACCESS = "access"


class Key(NamedTuple):
    """How one object of a schema is known. table: to which it belongs, or empty."""

    kind: Kind
    table: str
    name: str


class ConstraintKind(StrEnum):
    """What a constraint holds to, in the order in which CREATE TABLE has them."""

    PRIMARY_KEY = "primary key"
    UNIQUE = "unique"
    EXCLUDE = "exclude"
    CHECK = "check"
    FOREIGN_KEY = "foreign key"


class TriggerState(StrEnum):
    """When a trigger fires, as ALTER TABLE says it: on what is not replicated, never, always, or
    only on what is replicated."""

    ENABLE = "ENABLE"
    DISABLE = "DISABLE"
    ALWAYS = "ENABLE ALWAYS"
    REPLICA = "ENABLE REPLICA"


class Space(StrEnum):
    """What may not have one name twice at one moment."""

    RELATION = "relation"
    """pg_class and pg_type: the rows of a relation are a type of its name, so they share."""
    ROUTINE = "routine"
    """Functions: two may have one name, but a call could then mean both."""
    PRIMARY_KEY = "primary key"
    """Of which a table has one, whatever its name."""
    OWN = "own"
    """One table, or the kind itself; nothing else takes the name."""


@dataclass(frozen=True)
class Row:
    """What is so of all objects of a kind.

    address: how COMMENT ON, DROP and ALTER … RENAME say it; empty where they do not know it.
    alone, part: the field of Schema, or of Table and View, that holds it. space: whose names it
    shares. is_type: columns may be of it. follows_type: ALTER COLUMN TYPE carries it along.
    stays: it is never made again because of another, for the data in it. loosened: it goes before
    anything is made, since it holds others fast. owner: it has parts, which go when it goes. drop,
    rename: where the address does not say it.
    """

    address: str = ""
    alone: str = ""
    part: str = ""
    space: Space = Space.OWN
    is_type: bool = False
    follows_type: bool = False
    stays: bool = False
    loosened: bool = False
    owner: bool = False
    drop: str = "DROP {address}"
    rename: str = "ALTER {address} RENAME TO {new}"


# The name of a function has its arguments, and is SQL as it is: {sql}.
# Keys say `function` of a procedure and `view` of a materialized view; statements do not (written).
# A foreign key is a constraint, but one that needs another table; so it comes after all tables.
# ALTER COLUMN TYPE rebuilds indexes and constraints by itself, and refuses where anything else
# needs the column (tablecmds.c, RememberAllDependentForRebuilding).
# A sequence lets go of its column (ownership) before the column goes, or it would go along.
KINDS: dict[Kind, Row] = {
    Kind.EXTENSION: Row(),
    Kind.ENUM: Row("TYPE {name}", alone="enums", space=Space.RELATION, is_type=True),
    Kind.DOMAIN_TYPE: Row(
        "DOMAIN {name}", alone="domain_types", space=Space.RELATION, is_type=True
    ),
    Kind.COMPOSITE: Row("TYPE {name}", alone="composites", space=Space.RELATION, is_type=True),
    Kind.SEQUENCE: Row("SEQUENCE {name}", alone="sequences", space=Space.RELATION, stays=True),
    Kind.FUNCTION: Row("FUNCTION {sql}", alone="functions", space=Space.ROUTINE),
    Kind.PROCEDURE: Row("PROCEDURE {sql}", space=Space.ROUTINE),
    Kind.TABLE: Row(
        "TABLE {name}",
        alone="tables",
        space=Space.RELATION,
        stays=True,
        owner=True,
    ),
    Kind.COLUMN: Row(
        "COLUMN {table}.{name}",
        part="columns",
        drop="ALTER TABLE {table} DROP COLUMN {name}",
        rename="ALTER TABLE {table} RENAME COLUMN {name} TO {new}",
    ),
    Kind.OWNERSHIP: Row(stays=True, loosened=True, drop="ALTER SEQUENCE {name} OWNED BY NONE"),
    Kind.DEFAULT: Row(loosened=True, drop="ALTER TABLE {table} ALTER COLUMN {name} DROP DEFAULT"),
    Kind.EXPRESSION: Row(
        loosened=True, drop="ALTER TABLE {table} ALTER COLUMN {name} DROP EXPRESSION"
    ),
    Kind.CONSTRAINT: Row(
        "CONSTRAINT {name} ON {table}",
        part="constraints",
        space=Space.RELATION,
        follows_type=True,
        loosened=True,
        drop="ALTER TABLE {table} DROP CONSTRAINT {name}",
        rename="ALTER TABLE {table} RENAME CONSTRAINT {name} TO {new}",
    ),
    Kind.FOREIGN_KEY: Row(loosened=True),
    Kind.VIEW: Row("VIEW {name}", alone="views", space=Space.RELATION, owner=True),
    Kind.MATERIALIZED_VIEW: Row("MATERIALIZED VIEW {name}", space=Space.RELATION),
    Kind.VIEW_COLUMN: Row("COLUMN {table}.{name}"),
    Kind.INDEX: Row(
        "INDEX {name}", part="indexes", space=Space.RELATION, follows_type=True, loosened=True
    ),
    Kind.SETTING: Row(part="settings", loosened=True),
    Kind.TRIGGER: Row("TRIGGER {name} ON {table}", part="triggers", loosened=True),
    Kind.POLICY: Row("POLICY {name} ON {table}", part="policies", loosened=True),
    Kind.LABEL: Row(rename="ALTER TYPE {table} RENAME VALUE {text} TO {new_text}"),
    Kind.ATTRIBUTE: Row(rename="ALTER TYPE {table} RENAME ATTRIBUTE {name} TO {new}"),
    Kind.COMMENT: Row(),
    Kind.SCHEMA: Row(),
    Kind.ACCESS: Row(),
}

ROUTINE_NAME = re.compile(r'"(?:[^"]|"")*"|[^(]*')
PLACES = {kind: place for place, kind in enumerate(KINDS)}
TYPES = frozenset(kind for kind, row in KINDS.items() if row.is_type)
OWNERS = tuple(kind for kind, row in KINDS.items() if row.owner)


def written(kind: Kind, thing: Any) -> Kind:
    """What a statement calls the thing that a key calls so."""
    if kind is Kind.FOREIGN_KEY:
        return Kind.CONSTRAINT
    kind_in_sql: Kind = thing.kind if kind in (Kind.FUNCTION, Kind.VIEW) else kind
    return kind_in_sql


def drop(key: Key) -> str:
    """The statement that takes it away. key: with the kind as it is written."""
    row = KINDS[key.kind]
    return row.drop.format(address=row.address.format(**_quoted(key)), **_quoted(key))


def rename(key: Key, new: str) -> str:
    """The statement that gives it another name. key: with the kind as it is written."""
    row, quoted = KINDS[key.kind], _quoted(key)
    return row.rename.format(
        address=row.address.format(**quoted),
        new=without_arguments(new) if row.space is Space.ROUTINE else name(new),
        text=literal(key.name),
        new_text=literal(new),
        **quoted,
    )


def without_arguments(signature: str) -> str:
    """The name of a function as SQL has it: `twice` of `twice(integer)`."""
    match = ROUTINE_NAME.match(signature)
    return match[0] if match else signature


def comment(key: Key, text: str | None) -> str:
    """The statement that says what is said of it. key: with the kind as it is written."""
    address = KINDS[key.kind].address.format(**_quoted(key))
    return f"COMMENT ON {address} IS {literal(text)}"


def _quoted(key: Key) -> dict[str, str]:
    return {"table": name(key.table), "name": name(key.name), "sql": key.name}
