"""What ties the relations of a drawn schema together, a function for each way: it gives the SQL
where what it needs is drawn, else nothing.

All are named from one pool, so that one name is an index in one schema and a key, a view or a type
in the other, and two may swap theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from engine.schema.quoting import literal, name
from engine.testing import table_links
from engine.testing.table_links import LISTS, Draft

TITLES = ("k1", "k2", 'K "3"', "k4")
Link = Callable[["Draft", str, str, int], Iterator[str]]


def _rows_in(draft: Draft, title: str, relation: str, form: int) -> Iterator[str]:
    """A function that is given a row of a table or a view."""
    if columns := [*draft.columns(relation)]:
        value = f"($1).{name(columns[form % len(columns)])}::text"
        yield (
            f"CREATE FUNCTION {name(title)}({name(relation)}) RETURNS text LANGUAGE sql "
            f"BEGIN ATOMIC SELECT {value}; END"
        )


def _rows_out(draft: Draft, title: str, relation: str, form: int) -> Iterator[str]:
    """A function that gives rows of a table or a view."""
    if relation in draft.relations and draft.relations[relation]["kind"] != "sequence":
        many = "" if form == 1 else "SETOF "
        yield (
            f"CREATE FUNCTION {name(title)}() RETURNS {many}{name(relation)} LANGUAGE sql "
            f"AS {literal(f'SELECT * FROM {name(relation)}')}"
        )


def _holder(draft: Draft, title: str, relation: str, form: int) -> Iterator[str]:
    """A table whose columns hold drawn types inside others."""
    inside = []
    if "d" in draft.types:
        inside += ["x d[]", "y d NOT NULL DEFAULT 9"][form % 2 :]
        yield f"CREATE TYPE {name('in ' + title)} AS (a d, b d[])"
        yield f"COMMENT ON TYPE {name('in ' + title)} IS 'two'"
        inside.append(f"p {name('in ' + title)}{'[]' * (form == 1)}")
    if "c" in draft.types:
        inside.append("c c" + "[]" * (form == 2))
    if "e" in draft.types:
        inside += ["e e[]", f"g text GENERATED ALWAYS AS ({_label('f')}) STORED"][: form + 1]
    unlogged = "UNLOGGED " if form == 2 else ""
    yield f"CREATE {unlogged}TABLE {name(title)} ({', '.join(['id int', *inside])})"


def _label(column: str) -> str:
    return f"'{column}' || id"


def _type_of_types(draft: Draft, title: str, relation: str, form: int) -> Iterator[str]:
    """A domain over a drawn type, or over a plain one with a list."""
    if form == 0 and "e" in draft.types:
        first = literal(draft.types["e"][1][0])
        yield f"CREATE DOMAIN {name(title)} AS e DEFAULT {first} CHECK (VALUE <> {first} OR 1 = 1)"
    elif form == 1 and "d" in draft.types:
        yield f"CREATE DOMAIN {name(title)} AS d CONSTRAINT small CHECK (VALUE < 99999)"
    else:
        yield f"CREATE DOMAIN {name(title)} AS varchar(9) CHECK (VALUE IN ({LISTS[form]}))"
    yield f"COMMENT ON DOMAIN {name(title)} IS {literal(LISTS[form])}"
    yield f"CREATE TABLE {name('of ' + title)} (v {name(title)}, w {name(title)}[])"


def _row_view(draft: Draft, title: str, relation: str, form: int) -> Iterator[str]:
    """A view of whole rows, or one that lets only some rows in."""
    if not draft.columns(relation):
        return
    table, first = name(relation), name(next(iter(draft.columns(relation))))
    texts = (
        f"VIEW {name(title)} AS SELECT x, x.* FROM {table} x",
        f"VIEW {name(title)} WITH (security_barrier) AS SELECT * FROM {table} "
        f"WHERE {first} IS NOT NULL WITH CASCADED CHECK OPTION",
        f"MATERIALIZED VIEW {name(title)} AS SELECT {first} AS one, row_number() OVER () AS two "
        f"FROM {table}",
    )
    yield f"CREATE {texts[form]}"
    if form == 2:
        yield f"CREATE UNIQUE INDEX {name(title + ' one')} ON {name(title)} (two)"
        yield f"COMMENT ON INDEX {name(title + ' one')} IS 'two'"
    else:
        yield f"COMMENT ON COLUMN {name(title)}.{first} IS 'the first'"
    if form == 1:
        yield (
            f"CREATE TRIGGER {name(title)} INSTEAD OF UPDATE ON {name(title)} FOR EACH ROW "
            "EXECUTE FUNCTION kept()"
        )


def _routine(draft: Draft, title: str, relation: str, form: int) -> Iterator[str]:
    """A function with drawn types among its arguments, and one that calls it."""
    arguments = ["a int DEFAULT 1 + 1"]
    if "e" in draft.types:
        arguments.append(f"e e DEFAULT {literal(draft.types['e'][1][-1])}")
    if "d" in draft.types and form:
        arguments.append("d d[] DEFAULT '{}'")
    if "c" in draft.types and form == 2:
        arguments.append("c c DEFAULT NULL")
    yield (
        f"CREATE FUNCTION {name(title)}({', '.join(arguments)}) RETURNS int IMMUTABLE LANGUAGE sql "
        f"AS 'SELECT $1 + {form}'"
    )
    yield (
        f"CREATE FUNCTION {name('calls ' + title)}() RETURNS int LANGUAGE sql "
        f"BEGIN ATOMIC SELECT {name(title)}({form}); END"
    )


LINKS: Mapping[str, Link] = {
    "rows in": _rows_in,
    "rows out": _rows_out,
    "listed trigger": table_links.listed_trigger,
    "listed policy": table_links.listed_policy,
    "listed check": table_links.listed_check,
    "key": table_links.key,
    "index": table_links.index,
    "exclusion": table_links.exclusion,
    "holder": _holder,
    "type of types": _type_of_types,
    "row view": _row_view,
    "counter": table_links.counter,
    "columns": table_links.columns,
    "routine": _routine,
    "guard": table_links.guard,
}
"""The ways, by what they are called."""


def in_order(links: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The links as they can be made, by title: a table gets no column with a default while a body
    that is SQL has rows of it."""
    return sorted(links.items(), key=lambda item: item[1][0] != "columns")
