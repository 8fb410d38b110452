"""Whom the engine trusts with what names lead to, and what others may put, or have put, there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from engine.errors import HistoryError, Refused
from engine.schema import own_sql
from engine.schema.own_tables import HISTORY_TABLE
from engine.schema.quoting import name as quoted
from engine.wording import few, one_line

# Whom the engine trusts with what lies anywhere: whoever asks, the owner of the database, and a
# superuser, to whom nothing is closed. {o}: of pg_roles.
TRUSTED_EVERYWHERE = """
    ({o}.rolsuper OR {o}.rolname = current_user OR {o}.rolname = 'pg_database_owner'
     OR {o}.oid = (SELECT datdba FROM pg_database WHERE datname = current_database()))
"""
# With what lies in a schema also its owner, where somebody has named that schema. n: of
# pg_namespace.
TRUSTED = f"(o.oid = n.nspowner OR {TRUSTED_EVERYWHERE.format(o='o')})"
# The schemas of extensions in which names may be looked up beside those of the schema t (a row of
# pg_namespace). Whoever may create in the database can make one, with a trusted extension in it:
# on the path of our functions it would lead to whatever its owner puts there. As good as the owner
# of t is who may become that one: the administrator whom a provider gives is no superuser.
EXTENSION_SCHEMAS = f"""
    SELECT e.extnamespace FROM pg_extension e
    JOIN pg_namespace x ON x.oid = e.extnamespace JOIN pg_roles r ON r.oid = x.nspowner
    WHERE x.nspname <> 'pg_catalog'
      AND (pg_has_role(r.oid, t.nspowner, 'MEMBER') OR {TRUSTED_EVERYWHERE.format(o="r")})
"""
# The schema, and these. As one list, by which n is looked up: where a database has a thousand
# schemas, each would be asked about.
LOOKED_UP = f"n.oid = ANY (ARRAY(SELECT t.oid UNION ALL {EXTENSION_SCHEMAS}))"
# The roles that may create there although one need not trust them; empty for PUBLIC.
MAY_CREATE = f"""
    SELECT ARRAY[quote_ident(n.nspname), coalesce(o.rolname::text, '')]
    FROM pg_namespace t CROSS JOIN pg_namespace n
    CROSS JOIN LATERAL aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
    LEFT JOIN pg_roles o ON o.oid = a.grantee
    WHERE t.oid = %(here)s AND {LOOKED_UP} AND a.privilege_type = 'CREATE'
      AND a.grantee <> 'pg_database_owner'::regrole AND NOT coalesce({TRUSTED}, false)
    ORDER BY n.oid <> t.oid, 1
"""
# Functions and operators alone run something where their names are met. What an extension has may
# be anybody's: its owner can take a function of hers into it.
FOREIGN_CODE = f"""
    SELECT i.type || ' ' || i.identity, o.rolname::text
    FROM pg_namespace t CROSS JOIN pg_namespace n
    JOIN pg_depend m ON m.refclassid = 'pg_namespace'::regclass AND m.refobjid = n.oid
    LEFT JOIN pg_proc p ON m.classid = 'pg_proc'::regclass AND p.oid = m.objid
    LEFT JOIN pg_operator q ON m.classid = 'pg_operator'::regclass AND q.oid = m.objid
    JOIN pg_roles o ON o.oid = coalesce(p.proowner, q.oprowner),
    LATERAL pg_identify_object(m.classid, m.objid, 0) i
    WHERE t.oid = %(here)s AND {LOOKED_UP}
      AND NOT (o.oid = t.nspowner OR {TRUSTED_EVERYWHERE.format(o="o")})
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = m.classid AND d.objid = m.objid
                      AND d.deptype = 'i')
    ORDER BY 1
"""
# Another schema with files of ours in which functions of this one look names up before all others:
# it had that name, and was renamed.
ASTRAY = f"""
    SELECT t.nspname::text, n.nspname::text
    FROM pg_namespace t JOIN pg_depend d
      ON d.refclassid = 'pg_namespace'::regclass AND d.refobjid = t.oid
     AND d.classid = 'pg_proc'::regclass
    JOIN pg_proc p ON p.oid = d.objid CROSS JOIN unnest(p.proconfig) path
    JOIN pg_class h ON h.relname = '{HISTORY_TABLE}' JOIN pg_namespace n ON n.oid = h.relnamespace
    WHERE t.oid = %(here)s AND n.oid <> t.oid AND starts_with(path, 'search_path=')
      AND NOT starts_with(path, concat('search_path=', quote_ident(t.nspname), ','))
      AND starts_with(concat(path, ','), concat('search_path=', quote_ident(n.nspname), ','))
    LIMIT 1
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


def told(strangers: Iterable[tuple[str, str]]) -> Iterator[str]:
    """A sentence on each schema of which MAY_CREATE tells, with the way out. strangers: (schema,
    role), as that has them."""
    schemas: dict[str, list[str]] = {}
    for schema, role in strangers:
        whose = one_line(quoted(role)) if role else "PUBLIC"
        schemas.setdefault(one_line(schema), []).append(whose)
    for schema, roles in schemas.items():
        whom = ", ".join(roles)
        yield (
            f"{whom} may create in the schema {schema}, and so plant what others run by its name; "
            f"as its owner, run REVOKE CREATE ON SCHEMA {schema} FROM {whom}"
        )


def unbelieved(cursor: Any, table: str, what: str, owner: str) -> HistoryError:
    """For a table of ours that another role can have put there. what: is wrong with it."""
    role = cursor.connection.info.user
    return HistoryError(
        f"{table} {what}, so it cannot be believed.",
        why=f"Whoever may create in the schema could have put it there, for {role} to run what "
        "it leads to. Nothing was run.",
        fix=f"if it is yours, run ALTER TABLE {table} OWNER TO {quoted(role)} or use the role "
        f"{owner}; else drop it, and take the right to create from others (REVOKE CREATE ON "
        "SCHEMA … FROM …).",
    )


def foreign_code(cursor: Any) -> list[tuple[str, str]]:
    """What such roles have already put there that runs where its name is met: (what, whose)."""
    own_sql.fetch(cursor, FOREIGN_CODE)
    rows: list[tuple[str, str]] = cursor.fetchall()
    return rows


def refuse_planted(cursor: Any) -> None:
    """Raise Refused where others have put functions or operators on the path of the files: a name
    in a file, or in a function of ours, may lead to them, with the rights of whoever runs it. So it
    does where our own look into another schema of ours, since this one was renamed."""
    code = foreign_code(cursor)
    if not code:
        _refuse_astray(cursor)
        return
    owners = sorted({owner for _, owner in code})
    listed = few([f"{what} (of {owner})" for what, owner in code])
    raise Refused(
        f"the schemas in which files look names up hold code of others: {listed}.",
        why="A function or an operator that takes just the types of a call is preferred to "
        "PostgreSQL's own, and would run with the rights of this role. Nothing was run.",
        fix=f"drop it, or where it is yours let it belong to the schema's owner (ALTER … OWNER TO "
        f"…); then take the right to create there from {few(owners)} (REVOKE CREATE ON SCHEMA …).",
    )


def _refuse_astray(cursor: Any) -> None:
    """Raise Refused where triggers of rows that are written here work on another tenant's."""
    own_sql.fetch(cursor, ASTRAY)
    for here, there in cursor.fetchall():
        raise Refused(
            f"functions of the schema {one_line(quoted(here))} work on the rows of "
            f"{one_line(quoted(there))}.",
            why="A schema that is renamed keeps its name of before in its functions, and another "
            "schema of ours has that name now. Nothing was run.",
            fix="give both their names back (ALTER SCHEMA … RENAME TO …), or run what `check "
            "--live` prints for each; what a restore has left under another name is dropped.",
        )
