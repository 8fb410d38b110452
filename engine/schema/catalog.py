"""A live schema, read into values: the only reader of PostgreSQL's catalogs for that purpose.

One query for each kind of object, whatever the number of tables. What an extension made is the
extension's; what is of a kind that the engine does not manage is only listed (engine.unmanaged).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from engine.schema import (
    abstract_roles,
    access,
    function_path,
    own_sql,
    table_settings,
)
from engine.schema import catalog_queries as queries
from engine.schema.dependencies import DEPENDS, needs
from engine.schema.function_path import FilesPath
from engine.schema.kinds import ConstraintKind, Key, Kind, TriggerState
from engine.schema.model import (
    Column,
    Composite,
    Constraint,
    DomainType,
    Enum,
    Function,
    Index,
    Policy,
    Schema,
    Sequence,
    Table,
    Trigger,
    View,
)
from engine.schema.own_tables import OWN_TABLES
from engine.schema.sequences import SERIAL, is_serial, usual

# Of which kinds there is anything, theirs included: PostgreSQL plans a query for a millisecond also
# where it finds nothing, and most schemas have no views, enums, domains or composites.
KINDS = f"""
    SELECT DISTINCT c.relkind::text FROM pg_class c WHERE {queries.OUR_RELATIONS}
    UNION ALL SELECT DISTINCT 'type ' || t.typtype::text FROM pg_type t WHERE {queries.OUR_TYPES}
    UNION ALL SELECT 'routine' WHERE EXISTS (SELECT FROM pg_proc p WHERE {queries.OUR_ROUTINES})
"""
# `IN ('a', 'b')` on a varchar is kept as the first; what PostgreSQL makes of that text is the
# second, and stays. They mean the same.
LISTED = re.compile(
    r"ARRAY\[((?:'(?:[^']|'')*'::character varying(?:\(\d+\))?(?:, )?)+)\]::text\[\]"
)
VALUE = re.compile(r"('(?:[^']|'')*'::character varying(?:\(\d+\))?)")


def read(connection: Any, *, depends: bool = True, only: list[int] | None = None) -> Schema:
    """Read the current schema of a psycopg2 connection (Schema); nothing is changed.

    depends: whether it shall say what needs what, without which no changes can be ordered. only:
    the oids of the relations, types and routines to read, where these are not all; with a table
    the sequences that go with its columns.
    """
    ask = _Reader(connection, only)
    path = FilesPath(*ask(function_path.SCHEMAS)[0])
    ask.begin(path)
    tables = {
        oid: Table(name, comment=comment, partitioned=by)
        for oid, name, comment, by in ask(queries.TABLES, own=list(OWN_TABLES))
    }
    views = {oid: _view(*values) for oid, *values in ask.some(queries.VIEWS, "v", "m")}
    _fill(ask, tables, views)
    sequences, folded = _sequences(ask, tables)
    schema = Schema(
        extensions=frozenset(name for (name,) in ask(queries.EXTENSIONS)),
        enums=_named(ask.some(queries.ENUMS, "type e"), _enum),
        functions=_named(ask.some(queries.FUNCTIONS, "routine"), partial(_function, path)),
        tables={table.name: table for table in tables.values()},
        domain_types=_named(ask.some(queries.DOMAIN_TYPES, "type d"), _domain_type),
        composites=_named(ask.some(queries.COMPOSITES, "type c"), _composite),
        sequences=sequences,
        views={view.name: view for view in views.values()},
    )
    rows = ask(DEPENDS, relations=[*tables, *views]) if depends and ask.kinds else []
    return replace(
        schema,
        access=access.read(ask, _accessible(schema, folded)),
        depends=needs(rows, schema, folded),
        roles=frozenset(name for (name,) in ask(abstract_roles.NAMES)),
    )


def _accessible(schema: Schema, folded: Mapping[str, Key]) -> set[Key]:
    """What roles may have rights on. folded: by the names of the sequences in columns."""
    keys = {Key(Kind.SCHEMA, "", "")} | {Key(Kind.SEQUENCE, "", name) for name in folded}
    for kind, things in schema.standing().items():
        keys |= {Key(kind, "", name) for name in things}
    return keys


class _Reader:
    """Asks of the schema of a psycopg2 connection, once it is known which one that is.

    Definitions are printed as files would write them; on a connection that somebody else has opened
    its own search_path decides that.
    """

    def __init__(self, connection: Any, only: list[int] | None) -> None:
        self.connection = connection
        self.only = only
        self.here = own_sql.place(connection).oid
        self.path = ""
        self.kinds: set[str] = set()

    def begin(self, path: FilesPath) -> None:
        """Find out of which kinds there is anything. path: under which definitions are printed,
        where the connection is ours."""
        if hasattr(self.connection, "place"):
            self.path = path.text
        self.kinds = {kind for (kind,) in self(KINDS)}

    def some(self, query: str, *kinds: str) -> list[tuple[Any, ...]]:
        """The rows of a query for things of these kinds, which is not asked where there is none."""
        return self(query) if self.kinds.intersection(kinds) else []

    def __call__(self, query: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with self.connection.cursor() as cursor:
            values = {"here": self.here, "only": self.only, **parameters}
            own_sql.fetch(cursor, query, values, self.path, printing=True)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows


def _fill(ask: _Reader, tables: dict[int, Table], views: dict[int, View]) -> None:
    """Give the tables and views, by their oid, all that belongs to them."""
    both: dict[int, Table | View] = {**tables, **views}
    if not both:
        return
    for oid, *values in ask(queries.COLUMNS, relations=list(both)):
        both[oid].columns[values[0]] = _column(*values)
    for oid, *values in ask(queries.INDEXES, relations=list(both)):
        both[oid].indexes[values[0]] = _index(*values)
    for oid, name, text, comment, state in ask(queries.TRIGGERS, relations=list(both)):
        both[oid].triggers[name] = Trigger(name, _listed(text), comment, TriggerState(state))
    for oid, name, kind, text, *rest in ask(queries.CONSTRAINTS, relations=list(tables)):
        constraint = Constraint(name, ConstraintKind(kind), _listed(text), *rest)
        tables[oid].constraints[name] = constraint
    for oid, name, text, comment in ask(queries.POLICIES, relations=list(tables)):
        tables[oid].policies[name] = Policy(name, _listed(text), comment)
    table_settings.fill(ask, both)


def _sequences(
    ask: _Reader, tables: dict[int, Table]
) -> tuple[dict[str, Sequence], dict[str, Key]]:
    """The sequences that stand alone, and the columns that have the others in themselves.

    One that goes with a table which is not ours goes without saying.
    """
    alone: dict[str, Sequence] = {}
    folded: dict[str, Key] = {}
    for *values, oid, name, inner, comment in ask.some(queries.SEQUENCES, "S"):
        sequence = replace(Sequence(*values), comment=comment)
        if oid is None:
            alone[sequence.name] = sequence
        elif oid in tables:
            table = tables[oid]
            owned = replace(sequence, owner=(table.name, name))
            column = _with_sequence(table, table.columns[name], owned, inner)
            if column is None:
                alone[sequence.name] = owned
            else:
                table.columns[name] = column
                folded[sequence.name] = Key(Kind.COLUMN, table.name, name)
    return alone, folded


def _with_sequence(table: Table, column: Column, sequence: Sequence, inner: bool) -> Column | None:
    """The column with its sequence in itself: an identity (inner) or a serial; None if neither."""
    if inner:
        plain = usual("", sequence.type, sequence.increment)
        bare = replace(sequence, name="", comment=None, owner=())
        usually = bare == plain and sequence.increment == 1
        return replace(column, numbers=None if usually else bare)
    if is_serial(table.name, column, sequence):
        return replace(column, type=SERIAL[column.type], default=None)
    return None


def _named(rows: Iterable[tuple[Any, ...]], make: Callable[..., Any]) -> dict[str, Any]:
    return {row[0]: make(*row) for row in rows}


def _enum(name: str, labels: list[str], comment: str | None) -> Enum:
    return Enum(name, tuple(labels), comment)


def _domain_type(name: str, *values: Any) -> DomainType:
    *plain, checks, comment = values
    texts = {title: _listed(text) for title, text in checks.items()}
    return replace(DomainType(name, *plain), checks=texts, comment=comment)


def _composite(name: str, attributes: list[tuple[str, str]], comment: str | None) -> Composite:
    return Composite(name, dict(attributes), comment)


def _view(name: str, kind: str, text: str, options: list[str], comment: str | None) -> View:
    definition = _listed(text).strip().removesuffix(";")
    return View(name, Kind(kind), definition, tuple(sorted(options)), comment=comment)


def _index(name: str, definition: str, valid: bool, comment: str | None) -> Index:
    return Index(name, _listed(definition), valid, comment)


def _column(*values: Any) -> Column:
    column = Column(*values)
    default = None if column.default is None else _listed(column.default)
    return replace(column, default=default, generated=_listed(column.generated))


def _function(
    path: FilesPath,
    name: str,
    kind: str,
    signature: str,
    text: str,
    comment: str | None,
    setting: str | None,
    extensions: list[str],
) -> Function:
    """pg_get_functiondef alone prints the schema; its first line and the path are brought back to
    the rule."""
    quoted = r'(?:"(?:[^"]|"")+"|[^\s".(]+)\.'
    head, newline, body = path.definition(text, setting).partition("\n")
    head = re.sub(rf"^(CREATE OR REPLACE \w+ ){quoted}", r"\1", head)
    definition = (head + newline + body).rstrip()
    return Function(name, Kind(kind), signature, definition, comment, tuple(extensions))


def _listed(text: str) -> str:
    """The expression, with a list of values as it stays when PostgreSQL reads it again."""
    return LISTED.sub(lambda match: "ARRAY[" + VALUE.sub(r"\1::text", match[1]) + "]", text)
