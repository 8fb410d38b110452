"""What a database has to tell its operator: the texts of its functions `notice_…()`.

The schema itself brings them, so nothing but a connection is needed to read them. They run with the
rights of whoever asks, so only those of a trusted owner do, they can change nothing, and none does
in a schema where anybody else may have planted what they call.
"""

from __future__ import annotations

from typing import Any

import psycopg2

from engine.schema import function_path, own_sql, trust
from engine.schema.abstract_roles import MAPPED
from engine.schema.catalog_queries import OUR_RELATIONS
from engine.schema.quoting import name as quoted
from engine.wording import one_line

# GRANT by a role that does not own the schema changes nothing, with a warning.
SHUT_OUT = f"""
    SELECT quote_ident(r.rolname) FROM json_each_text({MAPPED}) m
    JOIN pg_roles r ON r.rolname = m.value
    WHERE NOT has_schema_privilege(r.oid, %(here)s::oid, 'USAGE')
      AND EXISTS (SELECT FROM pg_class c, aclexplode(c.relacl) a
                  WHERE {OUR_RELATIONS} AND a.grantee = r.oid)
    ORDER BY 1
"""
ASKED = rf"""
    SELECT ARRAY({trust.MAY_CREATE}), ARRAY({SHUT_OUT}), ARRAY(
    SELECT ARRAY[format('%%I.%%I', n.nspname, p.proname), quote_ident(p.proname)]
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    JOIN pg_roles o ON o.oid = p.proowner
    WHERE n.oid = %(here)s AND p.proname LIKE 'notice\_%%' AND {trust.TRUSTED}
      AND p.pronargs = 0 AND p.proretset AND p.prorettype = 'text'::regtype
    ORDER BY p.proname), ({function_path.FILES_PATH})
"""


def read(cursor: Any) -> tuple[str, ...]:
    """The texts. cursor: of a psycopg2 connection in autocommit.

    A function that fails tells that: whoever asked wanted to know something else.
    """
    own_sql.fetch(cursor, ASKED)
    strangers, shut_out, functions, path = cursor.fetchone()
    texts = list(trust.told(strangers))
    schema = quoted(own_sql.place(cursor.connection).name)
    for role in shut_out:
        texts.append(
            one_line(
                f"{role} may not use the schema {schema}, and so nothing that the files grant it; "
                f"as the owner of the schema, run GRANT USAGE ON SCHEMA {schema} TO {role}"
            )
        )
    if strangers and functions:
        names = ", ".join(f"{name}()" for _, name in functions)
        return (*texts, f"not asked for as long as that is so: {names}")
    for function, name in functions:
        texts += _ask(cursor, function, name, path)
    return tuple(texts)


def _ask(cursor: Any, function: str, name: str, path: str) -> list[str]:
    """Its texts, or why there are none. The transaction is read only, whatever the function is, and
    one message long: a pooler may lend no session for longer. It does not wait for a run that has
    changed what it reads: `status` is asked just then."""
    try:
        cursor.execute(
            "SET TRANSACTION READ ONLY; "
            "SELECT pg_catalog.set_config('search_path', %(path)s, true), "
            "pg_catalog.set_config('lock_timeout', '200ms', true); "
            f"SELECT {function.replace('%', '%%')}()",
            {"path": path},
        )
        return [text for (text,) in cursor.fetchall()]
    except psycopg2.Error as error:
        return [f"{name}() cannot be asked: {error.diag.message_primary}"]
