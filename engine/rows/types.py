"""What types are to rows: columns whose values PostgreSQL cannot carry over to another one, values
that are alike as those of another, and what a domain demands of each column that is of it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from typing import Any

import psycopg2
from psycopg2 import errors

from engine.diff.change import Change, is_retyped
from engine.diff.type_widening import holds
from engine.schema import own_sql
from engine.schema.kinds import Key
from engine.schema.quoting import unquoted
from engine.schema.sequences import PLAIN
from engine.sql.demands import Demand, silenced, unique

# A partition has the columns of its table.
COLUMNS = """
    SELECT quote_ident(c.relname), quote_ident(a.attname), a.atttypid = t.typarray
    FROM pg_type t JOIN pg_attribute a ON a.atttypid IN (t.oid, t.typarray)
    JOIN pg_class c ON c.oid = a.attrelid
    WHERE t.oid = to_regtype(%(domain)s) AND t.typtype = 'd' AND NOT a.attisdropped
      AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND pg_table_is_visible(c.oid)
    ORDER BY 1, 2
"""
# An index over an expression, or with a predicate, may be about other values than those.
UNIQUE = """
    SELECT quote_ident(r.relname),
           array_agg(CASE a.attname WHEN %(column)s THEN '' ELSE quote_ident(a.attname) END
                     ORDER BY k.place),
           max(format_type(a.atttypid, a.atttypmod)) FILTER (WHERE a.attname = %(column)s)
    FROM pg_index i JOIN pg_class r ON r.oid = i.indexrelid,
         unnest(i.indkey) WITH ORDINALITY k (attnum, place), pg_attribute a
    WHERE i.indrelid = to_regclass(%(table)s) AND i.indisunique AND k.place <= i.indnkeyatts
      AND i.indexprs IS NULL AND i.indpred IS NULL
      AND a.attrelid = i.indrelid AND a.attnum = k.attnum
    GROUP BY 1 HAVING bool_or(a.attname = %(column)s) ORDER BY 1
"""
VALUE = re.compile(r"\bVALUE\b", re.IGNORECASE)


def _has_cast(connection: Any, old: str, new: str) -> bool:
    """Whether there is a cast from a type to another; of a type that is not there yet nobody knows.
    connection: psycopg2, in autocommit."""
    before, after = (PLAIN.get(kind, kind) for kind in (old, new))
    try:
        connection.cursor().execute(f"SELECT CAST(NULL::{before} AS {after})")
    except errors.CannotCoerce:
        return False
    except psycopg2.Error:
        pass
    return True


def uncast(connection: Any, plan: Iterable[Change]) -> Iterator[Key]:
    """The columns that get a type to which PostgreSQL has no cast from theirs, or back."""
    for change in plan:
        if is_retyped(change) and not change.by_text:
            there = _has_cast(connection, change.old.type, change.new.type)
            if not (there and _has_cast(connection, change.new.type, change.old.type)):
                yield change.key


def of_columns(cursor: Any, demand: Demand) -> Iterator[Demand]:
    """The demand of a domain, for the columns of it and for those of lists of it. What lies deeper,
    in a composite value or in a domain over it, PostgreSQL itself tells. cursor: psycopg2."""
    own_sql.fetch(cursor, COLUMNS, {"domain": demand.domain})
    for table, column, is_list in cursor.fetchall():
        element = "engine_list.engine_value" if is_list else f"{table}.{column}"
        where = _said_of(element, demand.where)
        if is_list:
            values = f"unnest({table}.{column}) engine_list (engine_value)"
            where = f"EXISTS (SELECT FROM {values} WHERE {where})"
        need = f"of {column}, which is of the domain {demand.domain}, {demand.need}"
        yield replace(demand, table=table, need=need, where=where, domain="")


def of_unique_indexes(cursor: Any, demand: Demand, dropped: Collection[str]) -> Iterator[Demand]:
    """What they demand of a column that gets other values: 1.2 and 1.3 are alike as integers, and
    'a' and 'A' under some collations. A type with more room makes none alike that were not, and
    tables are large whose keys get one. dropped: indexes that are gone by then. cursor: psycopg2.
    """
    values = {"table": demand.table, "column": unquoted(demand.column)}
    own_sql.fetch(cursor, UNIQUE, values)
    for index, columns, kind in cursor.fetchall():
        if unquoted(index) not in dropped and not holds(kind, demand.need):
            keys = ", ".join(column or demand.twins for column in columns)
            yield unique(demand.table, keys, "", "")


def _said_of(element: str, condition: str) -> str:
    """The condition with the element in the place of VALUE."""
    for word in reversed(list(VALUE.finditer(silenced(condition)))):
        condition = f"{condition[: word.start()]}({element}){condition[word.end() :]}"
    return condition
