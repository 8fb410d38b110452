"""What roles may do with the objects of a schema, where that is not what they may by default."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from engine.schema.abstract_roles import MAPPED, PUBLIC
from engine.schema.catalog_queries import HERE, OUR_RELATIONS, OUR_ROUTINES, OUR_TYPES, SIGNATURE
from engine.schema.kinds import TYPES, Key, Kind
from engine.schema.own_tables import HISTORY_TABLE

GRANTABLE = " WITH GRANT OPTION"
ROLES = f"""
    SELECT r.oid, m.key AS name
    FROM json_each_text({MAPPED}) m JOIN pg_roles r ON r.rolname = m.value
    UNION ALL SELECT 0, '{PUBLIC}'
"""
GRANTED = f"""
    ARRAY(SELECT DISTINCT a.privilege_type
                 || CASE WHEN a.is_grantable THEN '{GRANTABLE}' ELSE '' END
          FROM aclexplode({{}}) a WHERE a.grantee = r.oid ORDER BY 1)
"""
RELATION_KIND = """
    CASE c.relkind WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view' WHEN 'm' THEN 'view'
                   ELSE 'table' END
"""
# What nobody has granted or revoked anything on has no list: all is as it is by default. What
# PUBLIC may with the schema itself is for the database to say, not for its files.
ON_OBJECTS = f"""
    WITH role AS ({ROLES}), thing (kind, name, acl) AS (
        SELECT {RELATION_KIND}, c.relname::text, c.relacl FROM pg_class c
        WHERE {OUR_RELATIONS} AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
        UNION ALL SELECT 'function', {SIGNATURE}, p.proacl FROM pg_proc p
        WHERE {OUR_ROUTINES}
        UNION ALL
        SELECT CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' ELSE 'composite' END,
               t.typname, t.typacl
        FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
        WHERE {OUR_TYPES} AND (t.typtype IN ('e', 'd') OR c.relkind = 'c')
        UNION ALL SELECT 'schema', '', n.nspacl FROM pg_namespace n WHERE n.oid = {HERE}
    )
    SELECT t.kind, t.name, r.name, {GRANTED.format("t.acl")}
    FROM thing t, role r
    WHERE t.acl IS NOT NULL AND NOT (t.kind = 'schema' AND r.oid = 0)
"""
ON_COLUMNS = f"""
    WITH role AS ({ROLES})
    SELECT {RELATION_KIND}, c.relname, r.name, a.attname, {GRANTED.format("a.attacl")}
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid, role r
    WHERE {OUR_RELATIONS} AND c.relkind IN ('r', 'p', 'v', 'm')
      AND a.attacl IS NOT NULL AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attnum
"""

# Who was granted anything in the schema, beside the owners of it and of what lies in it; and beside
# the role that migrates, which has to be granted what it does in a schema of somebody else's.
GRANTEES = f"""
    SELECT DISTINCT r.rolname::text
    FROM (SELECT c.relacl, c.relowner FROM pg_class c WHERE {OUR_RELATIONS}
          UNION ALL SELECT a.attacl, c.relowner
          FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE {OUR_RELATIONS}
          UNION ALL SELECT p.proacl, p.proowner FROM pg_proc p WHERE {OUR_ROUTINES}
          UNION ALL SELECT t.typacl, t.typowner FROM pg_type t WHERE {OUR_TYPES}
          UNION ALL SELECT nspacl, nspowner FROM pg_namespace WHERE oid = {HERE}) o (acl, owner),
    LATERAL aclexplode(o.acl) a JOIN pg_roles r ON r.oid = a.grantee
    WHERE a.grantee <> o.owner AND r.rolname <> ALL (%(named)s)
      AND a.grantee <> (SELECT nspowner FROM pg_namespace WHERE oid = {HERE})
      AND a.grantee NOT IN (SELECT relowner FROM pg_class
                            WHERE relname = '{HISTORY_TABLE}' AND relnamespace = {HERE})
    ORDER BY 1
"""


@dataclass(frozen=True)
class Access:
    """What a role may do with one object. on: its key; the schema has one without a name, and the
    sequence that a column has in itself has its own. role: the abstract one, or PUBLIC. rights: on
    the whole of it (SELECT, EXECUTE, …), columns: on single columns, by the column's name."""

    name: str
    on: Key
    role: str
    rights: tuple[str, ...] = ()
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    comment: None = None

    def __str__(self) -> str:
        parts = list(self.rights)
        for right, columns in by_right(self.columns):
            parts.append(f"{right} ({', '.join(columns)})")
        return ", ".join(parts) or "nothing"


def by_default(on: Key, role: str) -> Access:
    """What the role may do with a new object: everybody may call functions and use types."""
    rights: tuple[str, ...] = ()
    if role == PUBLIC:
        if on.kind is Kind.FUNCTION:
            rights = ("EXECUTE",)
        elif on.kind in TYPES:
            rights = ("USAGE",)
    title = f"{role} on {on.kind} {on.name}".rstrip()
    return Access(title, on, role, rights)


def by_right(columns: dict[str, tuple[str, ...]]) -> Iterator[tuple[str, list[str]]]:
    """(right, the columns that it is for), in the order of the rights."""
    for right in sorted(set().union(*columns.values())):
        yield right, [column for column, rights in columns.items() if right in rights]


def read(ask: Callable[[str], Any], known: Collection[Key]) -> dict[str, Access]:
    """What PUBLIC and the roles that have abstract names may do, by the names of the values.

    ask: gives the rows of a query. known: the objects that count.
    """
    accesses: dict[str, Access] = {}
    for kind, name, role, rights in ask(ON_OBJECTS):
        usual = by_default(Key(Kind(kind), "", name), role)
        if usual.on in known and usual.rights != tuple(rights):
            accesses[usual.name] = Access(usual.name, usual.on, role, tuple(rights))
    for kind, name, role, column, rights in ask(ON_COLUMNS):
        usual = by_default(Key(Kind(kind), "", name), role)
        if usual.on in known and rights:
            accesses.setdefault(usual.name, usual).columns[column] = tuple(rights)
    return dict(sorted(accesses.items()))
