"""The roles of an embedded server: a superuser, an owner who migrates, and the application.

The owner is no superuser, so what a migration may do there it may do on a server that others run.
The application has what the files grant it and nothing else: no statement of its can empty an
append-only table, for neither TRUNCATE nor the triggers are its own.
"""

from __future__ import annotations

from contextlib import closing
from typing import Any

import psycopg2
from psycopg2 import sql

from engine.connect.embedded_server import Server
from engine.schema.own_tables import OWN_TABLES

# The owner makes scratch databases (CREATEDB), and says who is in the way of a migration, which
# PostgreSQL shows to members of pg_read_all_stats only.
ROLES = ("CREATE ROLE {owner} LOGIN CREATEDB", "CREATE ROLE {app} LOGIN")
RIGHTS = """
    GRANT pg_read_all_stats TO {owner};
    ALTER DATABASE {database} OWNER TO {owner};
    REVOKE ALL ON DATABASE {database} FROM PUBLIC;
    GRANT CONNECT ON DATABASE {database} TO {app};
"""
# What is there already, in a server that was made when all belonged to the superuser.
RIGHTS_ON_OLD = """
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {app};
    GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {app};
"""
# REASSIGN OWNED refuses the bootstrap superuser, who has the system catalogs, too. Sequences of
# columns, row types, arrays and multiranges go with what they belong to; what an extension made
# belongs to the superuser in every database.
SUPERUSERS = """
    WITH schemas AS (
        SELECT oid, nspname FROM pg_namespace
        WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
    ), objects (class, oid, owner, schema) AS (
        SELECT 'pg_class'::regclass, oid, relowner, relnamespace FROM pg_class
        WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
        UNION ALL SELECT 'pg_proc'::regclass, oid, proowner, pronamespace FROM pg_proc
        UNION ALL SELECT 'pg_type'::regclass, t.oid, typowner, typnamespace
        FROM pg_type t LEFT JOIN pg_class c ON c.oid = typrelid
        WHERE typtype IN ('d', 'e', 'r') OR c.relkind = 'c'
        UNION ALL SELECT 'pg_collation'::regclass, oid, collowner, collnamespace FROM pg_collation
        UNION ALL SELECT 'pg_operator'::regclass, oid, oprowner, oprnamespace FROM pg_operator
        UNION ALL SELECT 'pg_statistic_ext'::regclass, oid, stxowner, stxnamespace
        FROM pg_statistic_ext
        UNION ALL SELECT 'pg_namespace'::regclass, oid, nspowner, oid FROM pg_namespace
        UNION ALL SELECT 'pg_largeobject'::regclass, oid, lomowner, NULL
        FROM pg_largeobject_metadata
    )
    SELECT replace(upper(i.type), 'STATISTICS OBJECT', 'STATISTICS'), i.identity
    FROM objects o, LATERAL pg_identify_object(o.class, o.oid, 0) i
    WHERE o.owner = 'postgres'::regrole
      AND (o.schema IS NULL OR o.schema IN (SELECT oid FROM schemas))
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = o.class AND d.objid = o.oid
                      AND d.objsubid = 0
                      AND (d.deptype = 'e' OR d.deptype IN ('a', 'i') AND o.class IN
                           ('pg_class'::regclass, 'pg_type'::regclass)
                           AND d.refclassid = 'pg_class'::regclass))
"""
# There is no ALTER EXTENSION … OWNER TO; only its owner may drop or update one, or comment on it.
# The second row is what CREATE EXTENSION by an ordinary role writes.
EXTENSIONS = """
    SET LOCAL allow_system_table_mods = on;
    INSERT INTO pg_shdepend (dbid, classid, objid, objsubid, refclassid, refobjid, deptype)
    SELECT d.oid, 'pg_extension'::regclass, e.oid, 0, 'pg_authid'::regclass, {owner}::regrole, 'o'
    FROM pg_extension e, pg_database d
    WHERE e.extowner = 'postgres'::regrole AND e.extname <> 'plpgsql'
      AND d.datname = current_database();
    UPDATE pg_extension SET extowner = {owner}::regrole
    WHERE extowner = 'postgres'::regrole AND extname <> 'plpgsql';
    SET LOCAL allow_system_table_mods = off;
"""


def arrange(server: Server) -> None:
    """Give the database to the owner, with all that is in it, and the rows to the application.

    In one transaction, so that a crash leaves it as it was; what is right already stays.
    """
    names = {
        "owner": sql.Identifier(server.owner),
        "app": sql.Identifier(server.application),
        "database": sql.Identifier(server.project.name),
    }
    url = server.url(server.superuser)
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        for role, create in zip((server.owner, server.application), ROLES, strict=True):
            cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", (role,))
            if cursor.rowcount == 0:
                cursor.execute(sql.SQL(create).format(**names))
        cursor.execute(sql.SQL(RIGHTS).format(**names))
        _hand_over(cursor, server)
        cursor.execute(sql.SQL(RIGHTS_ON_OLD).format(**names))
        _keep_from_others(cursor, server)


def _hand_over(cursor: Any, server: Server) -> None:
    """Give the owner what belongs to the superuser, schemas other than public included."""
    cursor.execute(SUPERUSERS)
    owner = sql.Identifier(server.owner)
    for kind, identity in cursor.fetchall():
        statement = f"ALTER {kind} {identity} OWNER TO {{}}"
        cursor.execute(sql.SQL(statement).format(owner))
    cursor.execute(sql.SQL(EXTENSIONS).format(owner=sql.Literal(server.owner)))


def _keep_from_others(cursor: Any, server: Server) -> None:
    """Take the engine's own tables from the application: whoever may write them says what has been
    applied."""
    for table in OWN_TABLES:
        cursor.execute("SELECT to_regclass(%s)", (f"public.{table}",))
        if cursor.fetchone()[0]:
            revoke = sql.SQL("REVOKE ALL ON public.{} FROM {}")
            names = sql.Identifier(table), sql.Identifier(server.application)
            cursor.execute(revoke.format(*names))
