"""What a database has to tell its operator: the texts of its functions `notice_…()`.

The schema itself brings them, so nothing but a connection is needed to read them.
"""

from __future__ import annotations

from typing import Any

import psycopg2

FUNCTIONS = r"""
    SELECT quote_ident(proname) FROM pg_proc
    WHERE pronamespace = quote_ident(current_schema())::regnamespace AND proname LIKE 'notice\_%'
      AND pronargs = 0 AND proretset AND prorettype = 'text'::regtype
    ORDER BY proname
"""


def read(cursor: Any) -> tuple[str, ...]:
    """The texts. cursor: of a psycopg2 connection in autocommit.

    A function that fails tells that: whoever asked wanted to know something else.
    """
    cursor.execute(FUNCTIONS)
    names = [name for (name,) in cursor.fetchall()]
    texts: list[str] = []
    for name in names:
        texts += _ask(cursor, name)
    return tuple(texts)


def _ask(cursor: Any, name: str) -> list[str]:
    try:
        cursor.execute(f"SELECT {name}()")
    except psycopg2.Error as error:
        return [f"{name}() cannot be asked: {error.diag.message_primary}"]
    return [text for (text,) in cursor.fetchall()]
