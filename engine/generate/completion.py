"""What is added to what the domains state, since PostgreSQL leaves it open: the path of functions,
who may call those that run with their owner's rights, sequences for whoever may insert; and what
models say for which Peewee has no word, and files make that no domain can state, which may have to
step aside for a change."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg2
from peewee import Model
from psycopg2 import sql

from engine.files.template import Statement
from engine.schema import own_sql
from engine.schema.catalog_queries import ALONE
from engine.schema.function_path import FROM_CURRENT
from engine.schema.kinds import Key
from engine.unmanaged.bystanders import Bystander, bystanders

STEPPING_ASIDE = "made by hand, and in the way"

# A procedure that has a path may not end transactions: "invalid transaction termination".
WITHOUT_PATH = rf"""
    SELECT p.oid::regprocedure FROM pg_proc p
    WHERE p.pronamespace = %(here)s
      AND p.prokind IN ('f', 'p', 'w')
      AND NOT (p.prokind = 'p' AND p.prosrc ~* '\m(commit|rollback)\M')
      AND NOT EXISTS (SELECT FROM unnest(p.proconfig) c WHERE starts_with(c, 'search_path='))
      AND {ALONE.format("pg_proc", "p")}
    ORDER BY p.oid
"""


DEFINERS = f"""
    SELECT p.oid::regprocedure FROM pg_proc p
    WHERE p.pronamespace = %(here)s AND p.prosecdef AND p.proacl IS NULL
      AND {ALONE.format("pg_proc", "p")}
    ORDER BY p.oid
"""


SERIALS = """
    SELECT DISTINCT s.oid::regclass::text,
           CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END
    FROM pg_class t JOIN pg_depend d ON d.refobjid = t.oid AND d.deptype = 'a'
    JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S',
    LATERAL (SELECT t.relacl
             UNION ALL SELECT attacl FROM pg_attribute WHERE attrelid = t.oid) l (acl),
    LATERAL aclexplode(l.acl) a
    WHERE t.relnamespace = %(here)s AND a.privilege_type = 'INSERT' AND a.grantee <> t.relowner
    ORDER BY 1, 2
"""


def without_path(cursor: Any) -> list[str]:
    """The functions that state no path of their own, as ALTER ROUTINE has them."""
    own_sql.fetch(cursor, WITHOUT_PATH)
    return [function for (function,) in cursor.fetchall()]


def fix_paths(cursor: Any) -> None:
    """Let each function carry the path under which it was made, unless it states one itself."""
    for function in without_path(cursor):
        cursor.execute(f"ALTER ROUTINE {function} {FROM_CURRENT}")


def close_definers(cursor: Any) -> None:
    """Let nobody call what runs with the rights of its owner, unless that is stated: PostgreSQL
    gives EXECUTE on a new function to everybody. A trigger calls it all the same."""
    own_sql.fetch(cursor, DEFINERS)
    for (function,) in cursor.fetchall():
        cursor.execute(f"REVOKE EXECUTE ON ROUTINE {function} FROM PUBLIC")


def lend_sequences(cursor: Any) -> None:
    """Let who may insert into a table take numbers from the sequence of its serial column."""
    own_sql.fetch(cursor, SERIALS)
    for sequence, grantee in cursor.fetchall():
        cursor.execute(f"GRANT USAGE ON SEQUENCE {sequence} TO {grantee}")


def offered(connection: Any, extension: str) -> bool:
    """Whether the server has the extension to offer."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_available_extensions WHERE name = %s", (extension,))
        return bool(cursor.rowcount)


def make_some(connection: Any, statements: list[str]) -> bool:
    """Run those that can be run; the others stay in the list. Whether there was one.

    A statement that fails waits for what it needs, or has nothing to do, as what it makes needed
    nothing that was dropped. connection: psycopg2, in autocommit.
    """
    before = list(statements)
    statements.clear()
    with connection.cursor() as cursor:
        for statement in before:
            try:
                cursor.execute(statement)
            except psycopg2.Error:
                statements.append(statement)
    return len(statements) < len(before)


def defaults_and_comments(model: Any) -> Iterator[sql.Composable]:
    """What gives a plain SQL writer the constant defaults that Python has, and the comments."""
    table = sql.Identifier(model._meta.table_name)
    for field in model._meta.sorted_fields:
        value = _constant_default(field)
        if value is not None:
            column = sql.Identifier(field.column_name)
            statement = sql.SQL("ALTER TABLE {} ALTER COLUMN {} SET DEFAULT {}")
            yield statement.format(table, column, sql.Literal(value))
    if text := _first_paragraph(model):
        yield sql.SQL("COMMENT ON TABLE {} IS {}").format(table, sql.Literal(text))
    for field in model._meta.sorted_fields:
        if field.help_text:
            column = sql.Identifier(field.column_name)
            comment = sql.Literal(field.help_text)
            yield sql.SQL("COMMENT ON COLUMN {}.{} IS {}").format(table, column, comment)


def _constant_default(field: Any) -> Any:
    """The field's Python default as the driver takes it, or None where it is no constant.

    `dict` and `list`, Peewee's way to say {} and [], count as constants.
    """
    default = field.default
    if default is dict or default is list:
        default = default()
    if default is None or callable(default):
        return None
    value = field.db_value(default)
    return "" if value == {} else value  # an hstore: the driver has no form for a dict


def _first_paragraph(model: type[Model]) -> str:
    """The docstring of the model itself; Peewee's models inherit none that says anything."""
    text = inspect.cleandoc(model.__doc__ or "")
    return " ".join(text.split("\n\n")[0].split())


@dataclass(frozen=True)
class Aside:
    """What files made by hand steps aside while another one changes what it needs. What needs a
    column that goes for good comes again with that. up, back: what is in the way of either way."""

    up: Sequence[Bystander]
    back: Sequence[Bystander]

    def around(self, up: list[Statement]) -> list[Statement]:
        """The statements of the way up, with what steps aside."""
        creates = [each.create for each in self.up if not each.gone]
        return _between([each.drop for each in self.up], up, creates)

    def around_way_back(self, down: list[Statement]) -> list[Statement]:
        """Those of the way back."""
        drops = [each.drop for each in self.back if not each.gone]
        return _between(drops, down, [each.create for each in self.back])


def in_the_way(connection: Any, plan: Mapping[Key, bool], back: Mapping[Key, bool]) -> Aside:
    """What is in the way of what a plan touches, or its way back. connection: psycopg2."""
    returning = {key: True for key, gone in plan.items() if gone}
    staying = {key: False for key, gone in back.items() if not gone}
    touched = {**returning, **staying}
    return Aside(bystanders(connection, plan), bystanders(connection, touched))


def _between(drops: list[str], lines: list[Statement], creates: list[str]) -> list[Statement]:
    before = [Statement(STEPPING_ASIDE, sql) for sql in drops]
    after = [Statement(STEPPING_ASIDE, sql) for sql in reversed(creates)]
    return [*before, *lines, *after] if lines else lines
