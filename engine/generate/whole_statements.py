"""What the domains' statements make, held to what a file can carry: one object a text, nothing on
it that would be lost, and functions with a path of their own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine.errors import GenerateError
from engine.schema import own_sql
from engine.schema.function_path import FROM_CURRENT
from engine.sql.lexer import after_comments, split

# A procedure that has a path may not end transactions: "invalid transaction termination".
WITHOUT_PATH = r"""
    SELECT p.oid::regprocedure FROM pg_proc p
    WHERE p.pronamespace = %(here)s
      AND p.prokind IN ('f', 'p', 'w')
      AND NOT (p.prokind = 'p' AND p.prosrc ~* '\m(commit|rollback)\M')
      AND NOT EXISTS (SELECT FROM unnest(p.proconfig) c WHERE starts_with(c, 'search_path='))
      AND NOT EXISTS (
          SELECT FROM pg_depend d
          WHERE (d.classid, d.objid, d.deptype) = ('pg_proc'::regclass, p.oid, 'e'))
    ORDER BY p.oid
"""
LOST_COMMENTS = """
    SELECT pg_describe_object(d.classoid, d.objoid, d.objsubid) FROM pg_description d
    LEFT JOIN pg_constraint c ON d.classoid = 'pg_constraint'::regclass AND c.oid = d.objoid
    LEFT JOIN pg_class r ON d.classoid = 'pg_class'::regclass AND r.oid = d.objoid
    WHERE c.contypid <> 0 AND c.connamespace = %(here)s
       OR r.relkind = 'c' AND r.relnamespace = %(here)s AND d.objsubid > 0
    ORDER BY 1
"""


def refuse_second_statements(domain: str, origin: str, statements: Iterable[str]) -> None:
    """Raise GenerateError for a text with two statements. The second would be run here, and what it
    did be in no file, as the REVOKE of `CREATE FUNCTION … SECURITY DEFINER …; REVOKE …`."""
    for statement in statements:
        if len(parts := split(statement)) > 1:
            raise GenerateError(
                f"domain {domain} ({origin}): a second statement follows in one text: "
                f"{_first_line(parts[1])}.",
                why=f"It follows {_first_line(parts[0])}. Each text states one object.",
                fix="give domain.sql each statement as a text of its own.",
            )


def fix_paths(cursor: Any) -> None:
    """Let each function carry the path under which it was made, unless it states one itself."""
    own_sql.fetch(cursor, WITHOUT_PATH)
    for (function,) in cursor.fetchall():
        cursor.execute(f"ALTER ROUTINE {function} {FROM_CURRENT}")


def refuse_lost_comments(cursor: Any) -> None:
    """Raise GenerateError for a comment on what is part of a type: no file would carry it."""
    own_sql.fetch(cursor, LOST_COMMENTS)
    for (thing,) in cursor.fetchall():
        raise GenerateError(
            f"a domain registers a comment on {thing}.",
            why="Comments on parts of types are not managed, so no migration would have it.",
            fix="say it in the comment of the type, or write it by hand in a migration.",
        )


def _first_line(statement: str) -> str:
    return statement[after_comments(statement) :].strip().partition("\n")[0]
