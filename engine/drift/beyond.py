"""What there is in a schema beside what the files grant: rights of roles that no abstract one
stands for, objects of other owners, and what a role may for another reason than a grant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from engine.connect import roles
from engine.schema import access, catalog, own_sql
from engine.schema.access import Access
from engine.schema.catalog_queries import HERE, OUR_RELATIONS, OUR_ROUTINES, OUR_TYPES
from engine.schema.kinds import Key, Kind
from engine.schema.model import Schema
from engine.schema.own_tables import HISTORY_TABLE, OWN_TABLES
from engine.schema.sequences import sequences_in

OTHER = "role "
"""Before the name of a role that has no abstract one."""
# Whoever owns a thing may do everything with it, and lets others do so.
OWNERS = f"""
    SELECT i.type || ' ' || replace(i.identity, quote_ident(n.nspname) || '.', ''), o.rolname::text,
           c.name::text
    FROM (SELECT 'pg_class'::regclass AS class, c.oid, c.relowner AS owner, c.relname AS name
          FROM pg_class c
          WHERE {OUR_RELATIONS} AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
            AND c.relname NOT IN {OWN_TABLES}
          UNION ALL SELECT 'pg_proc'::regclass, p.oid, p.proowner, p.proname
          FROM pg_proc p WHERE {OUR_ROUTINES}
          UNION ALL SELECT 'pg_type'::regclass, t.oid, t.typowner, t.typname
          FROM pg_type t LEFT JOIN pg_class s ON s.oid = t.typrelid
          WHERE {OUR_TYPES} AND (t.typtype IN ('e', 'd', 'r') OR s.relkind = 'c')) c
    JOIN pg_namespace n ON n.oid = %(here)s JOIN pg_roles o ON o.oid = c.owner,
    LATERAL pg_identify_object(c.class, c.oid, 0) i
    WHERE o.oid <> n.nspowner
      AND o.oid <> (SELECT datdba FROM pg_database WHERE datname = current_database())
      AND o.oid <> (SELECT relowner FROM pg_class
                    WHERE relname = %(history)s AND relnamespace = %(here)s)
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = c.class AND d.objid = c.oid
                      AND d.objsubid = 0 AND d.deptype IN ('e', 'i'))
    ORDER BY 1
"""
# The role of the cluster itself: whatever the files grant it, by these it may more.
POWERS = """
    SELECT quote_ident(r.rolname) || ' ' || what
    FROM pg_roles r JOIN pg_namespace n ON n.oid = %(here)s
    JOIN pg_database b ON b.datname = current_database(),
    LATERAL (
        SELECT 'is a superuser' AS what WHERE r.rolsuper
        UNION ALL SELECT 'passes by row-level security (BYPASSRLS)' WHERE r.rolbypassrls
        UNION ALL SELECT 'may make roles (CREATEROLE)' WHERE r.rolcreaterole
        UNION ALL SELECT 'may make schemas in the database'
        WHERE has_database_privilege(r.oid, b.oid, 'CREATE')
        UNION ALL SELECT 'may become ' || quote_ident(m.rolname) FROM pg_roles m
        WHERE m.oid <> r.oid AND pg_has_role(r.oid, m.oid, 'MEMBER')
          AND (m.rolsuper OR m.rolbypassrls OR m.rolcreaterole OR m.oid IN (n.nspowner, b.datdba)
               OR m.rolname ~ '^pg_(read|write)_(all_data|server_files)$'
               OR m.rolname = 'pg_execute_server_program')
    ) w
    WHERE r.rolname = ANY (%(named)s) AND (NOT r.rolsuper OR what = 'is a superuser')
    ORDER BY 1
"""
# What a role makes from now on is somebody else's to use at once: tables of later files, too.
DEFAULTS = """
    SELECT 'what ' || d.defaclrole::regrole || ' makes from now on gives '
           || CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END || ' '
           || string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type) || ' on each '
           || CASE d.defaclobjtype WHEN 'r' THEN 'table' WHEN 'S' THEN 'sequence'
                                   WHEN 'f' THEN 'function' WHEN 'T' THEN 'type' ELSE 'schema' END
    FROM pg_default_acl d, aclexplode(d.defaclacl) a
    WHERE d.defaclnamespace IN (0, %(here)s) AND a.grantee <> d.defaclrole
      AND NOT (a.grantee = 0 AND d.defaclobjtype IN ('f', 'T'))
    GROUP BY d.oid, d.defaclrole, d.defaclobjtype, a.grantee
    UNION ALL
    SELECT 'what ' || d.defaclrole::regrole || ' makes from now on no longer gives '
           || CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END || ' '
           || string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type) || ' on each '
           || CASE d.defaclobjtype WHEN 'r' THEN 'table' WHEN 'S' THEN 'sequence'
                                   WHEN 'f' THEN 'function' WHEN 'T' THEN 'type' ELSE 'schema' END
    FROM pg_default_acl d, aclexplode(acldefault(
        CASE d.defaclobjtype WHEN 'S' THEN 's' ELSE d.defaclobjtype END, d.defaclrole)) a
    WHERE d.defaclnamespace = 0 AND d.defaclobjtype IN ('r', 'S', 'f', 'T', 'n')
      AND NOT EXISTS (SELECT FROM aclexplode(d.defaclacl) k
                      WHERE (k.grantee, k.privilege_type) = (a.grantee, a.privilege_type))
    GROUP BY d.oid, d.defaclrole, d.defaclobjtype, a.grantee
    ORDER BY 1
"""
# PostgreSQL asks as the owner whether a foreign key has its row; without SELECT it refuses all.
OF_OWNERS = f"""
    WITH thing AS (
        SELECT 'pg_class'::regclass AS class, c.oid, c.relowner AS owner, c.relacl AS acl,
               CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char" AS kind
        FROM pg_class c WHERE {OUR_RELATIONS} AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
        UNION ALL SELECT 'pg_proc'::regclass, p.oid, p.proowner, p.proacl, 'f'
        FROM pg_proc p WHERE {OUR_ROUTINES}
        UNION ALL SELECT 'pg_type'::regclass, t.oid, t.typowner, t.typacl, 'T'
        FROM pg_type t WHERE {OUR_TYPES}
    )
    SELECT t.owner::regrole || ' may not ' || string_agg(a.privilege_type, ', '
           ORDER BY a.privilege_type) || ' on ' || i.type || ' '
           || replace(i.identity, quote_ident(n.nspname) || '.', '') || ', which it owns'
    FROM thing t JOIN pg_namespace n ON n.oid = {HERE},
    LATERAL aclexplode(acldefault(t.kind, t.owner)) a,
    LATERAL pg_identify_object(t.class, t.oid, 0) i
    WHERE t.acl IS NOT NULL AND a.grantee = t.owner
      AND NOT EXISTS (SELECT FROM aclexplode(t.acl) k
                      WHERE (k.grantee, k.privilege_type) = (a.grantee, a.privilege_type))
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE (d.classid, d.objid) = (t.class, t.oid)
                      AND d.deptype = 'e')
    GROUP BY t.class, t.oid, t.owner, i.type, i.identity, n.nspname
    ORDER BY 1
"""
# Who owns the schema may drop all that is in it. PUBLIC may make things in the first one of a
# database before 15 (https://www.postgresql.org/docs/15/release-15.html), which says nothing.
OF_SCHEMA = f"""
    SELECT 'schema ' || quote_ident(n.nspname) || ' belongs to ' || n.nspowner::regrole
    FROM pg_namespace n JOIN pg_roles o ON o.oid = n.nspowner
    WHERE n.oid = {HERE} AND NOT o.rolsuper AND o.rolname <> 'pg_database_owner'
      AND n.nspowner <> (SELECT datdba FROM pg_database WHERE datname = current_database())
      AND n.nspowner <> (SELECT relowner FROM pg_class
                         WHERE relname = %(history)s AND relnamespace = {HERE})
    UNION ALL SELECT 'PUBLIC may CREATE on schema ' || quote_ident(n.nspname)
    FROM pg_namespace n, aclexplode(n.nspacl) a
    WHERE n.oid = {HERE} AND a.grantee = 0 AND a.privilege_type = 'CREATE'
      AND (n.nspname <> 'public' OR current_setting('server_version_num')::integer >= 150000)
    ORDER BY 1
"""
REPLICAS = """
    SELECT 'sessions of ' || CASE s.setrole WHEN 0 THEN 'every role' ELSE s.setrole::regrole::text
           END || ' begin with session_replication_role = replica, so that no trigger and no '
           || 'foreign key acts in them'
    FROM pg_db_role_setting s
    WHERE 'session_replication_role=replica' = ANY (s.setconfig) AND s.setdatabase IN (
        0, (SELECT oid FROM pg_database WHERE datname = current_database()))
    ORDER BY 1
"""


def grantees(cursor: Any, named: Mapping[str, str]) -> dict[str, str]:
    """The other roles that were granted anything in the schema, by names that no abstract one
    has. named: the roles by their abstract names."""
    own_sql.fetch(cursor, access.GRANTEES, {"named": list(named.values())})
    return {OTHER + role: role for (role,) in cursor.fetchall()}


def told(one: Access) -> str:
    """What it is, in words: `SELECT on table items`."""
    return f"{one} on {one.on.kind} {one.on.name}".rstrip()


class Owned(NamedTuple):
    """What another role owns in the schema. thing: its kind and name, in words. name: alone."""

    thing: str
    owner: str
    name: str


def owned_by_others(cursor: Any) -> list[Owned]:
    """All of it. cursor: psycopg2."""
    own_sql.fetch(cursor, OWNERS, {"history": HISTORY_TABLE})
    return [Owned(*row) for row in cursor.fetchall()]


def beyond(
    connection: Any, named: Mapping[str, str], live: Schema, theirs: Iterable[Owned]
) -> list[str]:
    """What there is, a line for each. live: the schema that is compared: what is not in it is not
    told of. theirs: what other roles own. The connection of psycopg2 is in a transaction, and has
    another mapping after it."""
    lines = []
    with connection.cursor() as cursor:
        if others := grantees(cursor, named):
            roles.use(connection, others, local=True)
            there = catalog.read(connection, depends=False)
            known = _known(live)
            for one in there.access.values():
                if one.role in others and (one.on in known or _may_create(one)):
                    lines.append(f"{others[one.role]} may {told(one)}")
        lines += [f"{one.thing} belongs to {one.owner}" for one in theirs]
        for query in (POWERS, DEFAULTS, OF_OWNERS, OF_SCHEMA, REPLICAS):
            own_sql.fetch(cursor, query, {"named": list(named.values()), "history": HISTORY_TABLE})
            lines += [line for (line,) in cursor.fetchall()]
    return lines


def _known(live: Schema) -> set[Key]:
    """What rights are told of: all that stands alone, and the sequences in columns."""
    keys = set()
    for kind, things in live.standing().items():
        keys |= {Key(kind, "", name) for name in things}
    for table in live.tables.values():
        keys |= set(sequences_in(table))
    return keys


def _may_create(one: Access) -> bool:
    """Whether it lets the role make things in the schema, which all others then find there."""
    return one.on.kind is Kind.SCHEMA and any(right.startswith("CREATE") for right in one.rights)
