"""Whom the engine trusts with what names lead to, and what others may put, or have put, there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine.errors import Refused
from engine.schema import own_sql
from engine.schema.quoting import name as quoted

# Whom the engine trusts with what lies anywhere: whoever asks, the owner of the database, and a
# superuser, to whom nothing is closed. {o}: of pg_roles.
TRUSTED_EVERYWHERE = """
    ({o}.rolsuper OR {o}.rolname = current_user OR {o}.rolname = 'pg_database_owner'
     OR {o}.oid = (SELECT datdba FROM pg_database WHERE datname = current_database()))
"""
# With what lies in a schema also its owner, where somebody has named that schema. n: of
# pg_namespace.
TRUSTED = f"(o.oid = n.nspowner OR {TRUSTED_EVERYWHERE.format(o='o')})"
# The roles that may create in the schema although one need not trust them; empty for PUBLIC.
MAY_CREATE = f"""
    SELECT coalesce(o.rolname::text, '')
    FROM pg_namespace n
    CROSS JOIN LATERAL aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
    LEFT JOIN pg_roles o ON o.oid = a.grantee
    WHERE n.oid = %(here)s AND a.privilege_type = 'CREATE'
      AND a.grantee <> 'pg_database_owner'::regrole AND NOT coalesce({TRUSTED}, false)
    ORDER BY 1
"""
# Functions and operators alone run something where their names are met; the schemas are those in
# which the names of files are looked up.
FOREIGN_CODE = f"""
    SELECT i.type || ' ' || i.identity, o.rolname::text
    FROM pg_namespace n
    JOIN pg_depend m ON m.refclassid = 'pg_namespace'::regclass AND m.refobjid = n.oid
    LEFT JOIN pg_proc p ON m.classid = 'pg_proc'::regclass AND p.oid = m.objid
    LEFT JOIN pg_operator q ON m.classid = 'pg_operator'::regclass AND q.oid = m.objid
    JOIN pg_roles o ON o.oid = coalesce(p.proowner, q.oprowner),
    LATERAL pg_identify_object(m.classid, m.objid, 0) i
    WHERE (n.oid = %(here)s
           OR n.oid IN (SELECT extnamespace FROM pg_extension) AND n.nspname <> 'pg_catalog')
      AND NOT (o.oid = (SELECT nspowner FROM pg_namespace WHERE oid = %(here)s)
               OR {TRUSTED_EVERYWHERE.format(o="o")})
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = m.classid AND d.objid = m.objid
                      AND d.deptype IN ('e', 'i'))
    ORDER BY 1
"""
# The owner of a schema, where it is none whom the engine trusts everywhere.
STRANGE_OWNER = f"""
    SELECT o.rolname::text FROM pg_namespace n JOIN pg_roles o ON o.oid = n.nspowner
    WHERE n.nspname = %(name)s AND NOT {TRUSTED_EVERYWHERE.format(o="o")}
"""


def refuse_owner(cursor: Any, schema: str) -> None:
    """Raise Refused where there is a schema of that name whose owner could put anything there, for
    the files and those who run them to meet."""
    own_sql.fetch(cursor, STRANGE_OWNER, {"name": schema})
    for (owner,) in cursor.fetchall():
        user = quoted(cursor.connection.info.user)
        raise Refused(
            f"the schema {schema!r} belongs to the role {owner}.",
            why=f"Whatever {owner} puts there could run with the rights of {user}. Nothing was "
            "changed.",
            fix="see what is in it, and take it over as an administrator (ALTER SCHEMA "
            f"{quoted(schema)} OWNER TO {user}), or drop it.",
        )


def told(cursor: Any, strangers: list[str]) -> Iterator[str]:
    """A sentence on it, with the way out; none where there is nobody."""
    if strangers:
        schema = quoted(own_sql.place(cursor.connection).name)
        whom = ", ".join(name if name == "PUBLIC" else quoted(name) for name in strangers)
        yield (
            f"{whom} may create in the schema {schema}, and so plant what others run by its name; "
            f"as its owner, run REVOKE CREATE ON SCHEMA {schema} FROM {whom}"
        )


def foreign_code(cursor: Any) -> list[tuple[str, str]]:
    """What such roles have already put there that runs where its name is met: (what, whose)."""
    own_sql.fetch(cursor, FOREIGN_CODE)
    rows: list[tuple[str, str]] = cursor.fetchall()
    return rows
