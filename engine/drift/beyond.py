"""What others have in a schema beside what the files grant: roles that no abstract one stands for,
and objects of other owners."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.connect import roles
from engine.schema import access, catalog, own_sql
from engine.schema.access import Access
from engine.schema.model import Schema
from engine.schema.own_tables import HISTORY_TABLE, OWN_TABLES

OTHER = "role "
"""Before the name of a role that has no abstract one."""
# Whoever owns a thing may do everything with it, and lets others do so.
OWNERS = f"""
    SELECT i.type || ' ' || replace(i.identity, quote_ident(n.nspname) || '.', ''), o.rolname::text
    FROM (SELECT 'pg_class'::regclass AS class, oid, relowner AS owner, relnamespace AS schema
          FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'S') AND relname NOT IN {OWN_TABLES}
          UNION ALL SELECT 'pg_proc'::regclass, oid, proowner, pronamespace FROM pg_proc) c
    JOIN pg_namespace n ON n.oid = c.schema JOIN pg_roles o ON o.oid = c.owner,
    LATERAL pg_identify_object(c.class, c.oid, 0) i
    WHERE n.oid = %(here)s AND o.oid <> n.nspowner
      AND o.oid <> (SELECT datdba FROM pg_database WHERE datname = current_database())
      AND o.oid <> (SELECT relowner FROM pg_class
                    WHERE relname = %(history)s AND relnamespace = %(here)s)
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = c.class AND d.objid = c.oid
                      AND d.deptype IN ('e', 'i'))
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


def beyond(connection: Any, named: Mapping[str, str], live: Schema) -> list[str]:
    """What there is, a line for each. live: the schema that is compared: what is not in it is not
    told of. The connection of psycopg2 is in a transaction, and has another mapping after it."""
    lines = []
    with connection.cursor() as cursor:
        if others := grantees(cursor, named):
            roles.use(connection, others, local=True)
            there = catalog.read(connection, depends=False)
            for one in there.access.values():
                if one.role in others and one.on.name in live.standing().get(one.on.kind, {}):
                    lines.append(f"{others[one.role]} may {told(one)}")
        own_sql.fetch(cursor, OWNERS, {"history": HISTORY_TABLE})
        lines += [f"{thing} belongs to {owner}" for thing, owner in cursor.fetchall()]
    return lines
