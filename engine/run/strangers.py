"""What others could plant, or have planted, where files look names up; seen before one runs."""

from __future__ import annotations

from typing import Any

from psycopg2 import errors

from engine.project import Project
from engine.report import Report
from engine.schema import own_sql
from engine.schema.own_tables import HISTORY_TABLE
from engine.schema.quoting import name as quoted
from engine.wording import one_line

# The schemas in which other programs have tables; one with a history is a tenant of this one's.
OTHER_PROGRAMS = f"""
    SELECT quote_ident(o.nspname) FROM pg_class c JOIN pg_namespace o ON o.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND o.oid <> %(here)s
      AND o.nspname !~ '^pg_' AND o.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass
                      AND e.objid = c.oid AND e.deptype = 'e')
      AND NOT EXISTS (SELECT FROM pg_class h
                      WHERE h.relname = '{HISTORY_TABLE}' AND h.relkind = 'r'
                        AND h.relnamespace = o.oid AND pg_has_role(h.relowner, 'USAGE'))
"""
# A temporary table hides a table of its name from a function that has no search_path of its own.
# Where other programs have tables in the database they may need temporary ones.
OPEN = f"""
    SELECT EXISTS (SELECT FROM aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
                   WHERE a.grantee = 0 AND a.privilege_type = 'CREATE'),
           pg_has_role(n.nspowner, 'USAGE'),
           EXISTS (SELECT FROM aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
                   WHERE a.grantee = 0 AND a.privilege_type = 'TEMPORARY')
           AND NOT EXISTS ({OTHER_PROGRAMS}),
           pg_has_role(d.datdba, 'USAGE')
    FROM pg_namespace n, pg_database d
    WHERE n.oid = %(here)s AND d.datname = current_database()
"""

DEFAULTS = """
    SELECT DISTINCT CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES'
                                         WHEN 'f' THEN 'FUNCTIONS' ELSE 'TYPES' END,
           coalesce(n.nspname::text, ''), r.rolname::text
    FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace,
    LATERAL aclexplode(d.defaclacl) a JOIN pg_roles r ON r.oid = a.grantee
    WHERE d.defaclrole = (SELECT oid FROM pg_roles WHERE rolname = current_user)
      AND d.defaclnamespace IN (0, %(here)s) AND d.defaclobjtype IN ('r', 'S', 'f', 'T')
      AND r.rolname = ANY (%(roles)s)
    ORDER BY 1, 2, 3
"""


def shut_out(connection: Any, project: Project, report: Report) -> None:
    """Take from PUBLIC the right to create in the schema, and to make temporary tables; and from
    the project's roles what they would get on each new table beside what its file grants. Tell what
    the role may not take. connection: psycopg2, in autocommit."""
    with connection.cursor() as cursor:
        own_sql.fetch(cursor, OPEN)
        creates, owns_schema, makes_temporary, owns_database = cursor.fetchone()
        schema = quoted(own_sql.place(connection).name)
        if creates and owns_schema:
            _revoke(cursor, f"CREATE ON SCHEMA {schema}", report)
        if makes_temporary and owns_database:
            _revoke(cursor, f"TEMPORARY ON DATABASE {quoted(connection.info.dbname)}", report)
        if project.roles:
            own_sql.fetch(cursor, DEFAULTS, {"roles": list(project.roles.values())})
            for kind, place, role in cursor.fetchall():
                inside = f"IN SCHEMA {quoted(place)} " if place else ""
                cursor.execute(
                    f"ALTER DEFAULT PRIVILEGES {inside}REVOKE ALL ON {kind} FROM {quoted(role)}"
                )


def _revoke(cursor: Any, right: str, report: Report) -> None:
    try:
        cursor.execute(f"REVOKE {right} FROM PUBLIC")
    except errors.InsufficientPrivilege as error:
        reasons = [
            str(error.diag.message_primary),
            *own_sql.event_triggers(cursor.connection, error),
        ]
        report.message(f"PUBLIC keeps the right to {right}: {one_line('; '.join(reasons))}")
