"""What a database has to tell its operator: the texts of its functions `notice_…()`.

The schema itself brings them, so nothing but a connection is needed to read them.
"""

from __future__ import annotations

from typing import Any

FUNCTIONS = r"""
    SELECT quote_ident(proname) FROM pg_proc
    WHERE pronamespace = current_schema()::regnamespace AND proname LIKE 'notice\_%'
      AND pronargs = 0 AND proretset AND prorettype = 'text'::regtype
    ORDER BY proname
"""


def read(cursor: Any) -> tuple[str, ...]:
    """The texts; a psycopg2 cursor of any user who may read the tables will do."""
    cursor.execute(FUNCTIONS)
    names = [name for (name,) in cursor.fetchall()]
    if not names:
        return ()
    cursor.execute(" UNION ALL ".join(f"SELECT {name}()" for name in names))
    return tuple(text for (text,) in cursor.fetchall())
