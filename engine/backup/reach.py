"""What a dump leaves out, since it is not ours: other roles' schemas, and large objects that this
role may not read. Where one is met that may not be read, pg_dump gives up."""

from __future__ import annotations

from typing import Any

from engine.report import Report
from engine.schema import own_sql
from engine.wording import one_line

# Ours are the schema that the engine works on, and those of its owner, of the database's owner and
# of this role: a file may make a schema of its own. Those of extensions are needed.
OTHERS = """
    SELECT n.nspname::text, o.rolname::text
    FROM pg_namespace n JOIN pg_roles o ON o.oid = n.nspowner
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.oid <> %(here)s
      AND o.rolname <> current_user
      AND o.oid <> (SELECT nspowner FROM pg_namespace WHERE oid = %(here)s)
      AND o.oid <> (SELECT datdba FROM pg_database WHERE datname = current_database())
      AND NOT EXISTS (SELECT FROM pg_extension WHERE extnamespace = n.oid)
    ORDER BY 1
"""
UNREADABLE = """
    SELECT count(*) FROM pg_largeobject_metadata m
    WHERE NOT pg_has_role(m.lomowner, 'USAGE')
      AND NOT EXISTS (SELECT FROM aclexplode(m.lomacl) a WHERE a.privilege_type = 'SELECT'
                      AND (a.grantee = 0 OR pg_has_role(a.grantee, 'USAGE')))
"""


def pattern(schema: str) -> str:
    """The schema of that very name, as pg_dump's options have it."""
    return '"' + schema.replace('"', '""') + '"'


def options(cursor: Any, report: Report) -> list[str]:
    """The options of pg_dump that leave it out; tells what that is. cursor: psycopg2."""
    chosen = []
    own_sql.fetch(cursor, OTHERS)
    for schema, owner in cursor.fetchall():
        whose = one_line(f"it belongs to {owner}: schema {schema}")
        report.message(f"left out, {whose} (--whole dumps it, too)")
        chosen.append(f"--exclude-schema={pattern(schema)}")
    own_sql.fetch(cursor, UNREADABLE)
    (unreadable,) = cursor.fetchone()
    if unreadable:
        report.message(f"left out, as {unreadable} of them may not be read: all large objects")
        chosen.append("--no-blobs")
    return chosen
