"""What a dump leaves out, since it is not ours: other roles' schemas, and tables and large objects
that this role may not read. Where one is met that may not be read, pg_dump gives up."""

from __future__ import annotations

from typing import Any

from engine.report import Report
from engine.schema import own_sql
from engine.schema.own_tables import HISTORY_TABLE
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
# FreeRADIUS's tables beside ours with their sequences, and the views over them. One of ours that
# may not be read is no reason to leave it out of a backup: pg_dump refuses.
UNREADABLE_TABLES = """
    WITH RECURSIVE closed (oid) AS (
        SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
          AND NOT n.nspname = ANY (%(others)s)
          AND NOT CASE c.relkind WHEN 'S' THEN has_sequence_privilege(c.oid, 'SELECT')
                                 ELSE has_table_privilege(c.oid, 'SELECT') END
          AND c.relkind IN ('r', 'p', 'm', 'S', 'f') AND c.relowner <> n.nspowner
          AND c.relowner <> (SELECT datdba FROM pg_database WHERE datname = current_database())
          AND c.relowner <> ALL (SELECT h.relowner FROM pg_class h
                                 WHERE h.relname = %(history)s AND h.relnamespace = %(here)s)
          AND NOT EXISTS (SELECT FROM pg_depend d
                          WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                            AND d.deptype = 'e')
        UNION SELECT r.ev_class
        FROM closed JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass
          AND d.refobjid = closed.oid AND d.classid = 'pg_rewrite'::regclass
        JOIN pg_rewrite r ON r.oid = d.objid AND r.rulename = '_RETURN'
    )
    SELECT n.nspname::text, c.relname::text, c.relowner::regrole::text
    FROM closed JOIN pg_class c USING (oid) JOIN pg_namespace n ON n.oid = c.relnamespace
    ORDER BY 1, 2
"""


def pattern(name: str) -> str:
    """What has that very name, as pg_dump's options have it."""
    return '"' + name.replace('"', '""') + '"'


def options(cursor: Any, report: Report) -> list[str]:
    """The options of pg_dump that leave it out; tells what that is. cursor: psycopg2."""
    chosen = []
    own_sql.fetch(cursor, OTHERS)
    others = cursor.fetchall()
    for schema, owner in others:
        whose = one_line(f"it belongs to {owner}: schema {schema}")
        report.message(f"left out, {whose} (--whole dumps it, too)")
        chosen.append(f"--exclude-schema={pattern(schema)}")
    known = {"others": [schema for schema, _ in others], "history": HISTORY_TABLE}
    own_sql.fetch(cursor, UNREADABLE_TABLES, known)
    for schema, table, owner in cursor.fetchall():
        report.message(f"left out, as it may not be read: {one_line(table)} (of {one_line(owner)})")
        chosen.append(f"--exclude-table={pattern(schema)}.{pattern(table)}")
    own_sql.fetch(cursor, UNREADABLE)
    (unreadable,) = cursor.fetchone()
    if unreadable:
        report.message(f"left out, as {unreadable} of them may not be read: all large objects")
        chosen.append("--no-blobs")
    return chosen
