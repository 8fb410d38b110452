"""What each object of a schema needs: from pg_depend, never guessed from a text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from engine.schema.catalog_queries import OUR_RELATIONS, OUR_ROUTINES, OUR_TYPES, SIGNATURE
from engine.schema.kinds import Key, Kind
from engine.schema.model import Schema, Table, View
from engine.schema.part_settings import OFF

# Whatever has a key, by its address in pg_depend. The index of a constraint, the default of a
# column, the rule of a view, the type of a table's rows and the array of a type stand for what
# they belong to. The first branch decides of what type a column is: a `name` would cut the
# signature of a function, f(timestamp with time zone, …), at 63 bytes. OFFSET 0 has pg_depend asked
# by its index: it is large where the database has many schemas, and this one a small part of it.
DEPENDS = f"""
    WITH relation AS MATERIALIZED (
        SELECT c.oid, c.relname::text AS name, c.reltype,
               CASE WHEN c.relkind IN ('v', 'm') THEN 'view' ELSE 'table' END AS kind,
               CASE WHEN c.relkind IN ('v', 'm') THEN 'view' ELSE 'column' END AS part
        FROM pg_class c WHERE c.oid = ANY (%(relations)s)
    ), thing (class, oid, part, kind, owner, name) AS MATERIALIZED (
        SELECT 'pg_class'::regclass, r.oid, 0, r.kind, '', r.name FROM relation r
        UNION ALL
        SELECT 'pg_type'::regclass, unnest(ARRAY[t.oid, t.typarray]), 0, r.kind, '', r.name
        FROM relation r JOIN pg_type t ON t.oid = r.reltype
        UNION ALL SELECT 'pg_class'::regclass, r.oid, a.attnum, r.part,
               CASE r.kind WHEN 'view' THEN '' ELSE r.name END,
               CASE r.kind WHEN 'view' THEN r.name ELSE a.attname END
        FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0
        UNION ALL SELECT 'pg_attrdef'::regclass, d.oid, 0, r.part,
               CASE r.kind WHEN 'view' THEN '' ELSE r.name END,
               CASE r.kind WHEN 'view' THEN r.name ELSE a.attname END
        FROM relation r JOIN pg_attrdef d ON d.adrelid = r.oid
        JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum = d.adnum
        UNION ALL SELECT 'pg_rewrite'::regclass, w.oid, 0, 'view', '', r.name
        FROM relation r JOIN pg_rewrite w ON w.ev_class = r.oid AND w.rulename = '_RETURN'
        UNION ALL SELECT 'pg_constraint'::regclass, k.oid, 0,
               CASE k.contype WHEN 'f' THEN 'foreign key' ELSE 'constraint' END, r.name, k.conname
        FROM relation r JOIN pg_constraint k ON k.conrelid = r.oid AND k.conparentid = 0
        WHERE k.contype IN ('p', 'u', 'c', 'f', 'x')
        UNION ALL SELECT 'pg_class'::regclass, k.conindid, 0, 'constraint', r.name, k.conname
        FROM relation r JOIN pg_constraint k ON k.conrelid = r.oid
        WHERE k.contype IN ('p', 'u', 'x')
        UNION ALL SELECT 'pg_class'::regclass, i.indexrelid, 0, 'index', r.name, c.relname
        FROM relation r JOIN pg_index i ON i.indrelid = r.oid
        JOIN pg_class c ON c.oid = i.indexrelid
        WHERE NOT EXISTS (SELECT FROM pg_constraint k
                          WHERE k.conrelid = i.indrelid AND k.conindid = c.oid
                            AND k.contype <> 'f')
        UNION ALL SELECT 'pg_trigger'::regclass, t.oid, 0, 'trigger', r.name, t.tgname
        FROM relation r JOIN pg_trigger t ON t.tgrelid = r.oid AND NOT t.tgisinternal
        UNION ALL SELECT 'pg_policy'::regclass, p.oid, 0, 'policy', r.name, p.polname
        FROM relation r JOIN pg_policy p ON p.polrelid = r.oid
        UNION ALL SELECT 'pg_class'::regclass, c.oid, 0, 'sequence', '', c.relname
        FROM pg_class c WHERE {OUR_RELATIONS} AND c.relkind = 'S'
        UNION ALL SELECT 'pg_class'::regclass, c.oid, a.attnum, 'sequence', '', c.relname
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
        WHERE {OUR_RELATIONS} AND c.relkind = 'S'
        UNION ALL SELECT 'pg_proc'::regclass, p.oid, 0, 'function', '', {SIGNATURE}
        FROM pg_proc p WHERE {OUR_ROUTINES} AND p.prokind IN ('f', 'p', 'w')
        UNION ALL
        SELECT 'pg_type'::regclass, unnest(ARRAY[t.oid, t.typarray]), 0,
               CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' ELSE 'composite' END,
               '', t.typname
        FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
        WHERE {OUR_TYPES} AND (t.typtype IN ('e', 'd') OR c.relkind = 'c')
        UNION ALL SELECT 'pg_class'::regclass, c.oid, a.attnum, 'composite', '', c.relname
        FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid AND c.relkind = 'c'
        JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE {OUR_TYPES}  -- its class depends on the type, and no schema
        UNION ALL SELECT 'pg_constraint'::regclass, k.oid, 0, 'domain', '', t.typname
        FROM pg_type t JOIN pg_constraint k ON k.conrelid = 0 AND k.contypid = t.oid
        WHERE {OUR_TYPES}
        UNION ALL SELECT d.classid::regclass, d.objid, d.objsubid, 'extension', '', e.extname
        FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
        WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
    )
    SELECT DISTINCT a.kind, a.owner, a.name, b.kind, b.owner, b.name
    FROM thing a
    CROSS JOIN LATERAL (SELECT refclassid, refobjid, refobjsubid FROM pg_depend
                        WHERE (classid, objid, objsubid) = (a.class, a.oid, a.part) OFFSET 0) d
    JOIN thing b ON (b.class, b.oid, b.part) = (d.refclassid, d.refobjid, d.refobjsubid)
    WHERE (a.kind, a.owner, a.name) <> (b.kind, b.owner, b.name) AND a.kind <> 'extension'
"""


def needs(
    rows: Iterable[tuple[Any, ...]], schema: Schema, folded: Mapping[str, Key]
) -> dict[Key, frozenset[Key]]:
    """What each object needs. rows: what DEPENDS gives. folded: the columns that have the sequences
    in themselves."""
    needed: dict[Key, set[Key]] = {}
    for needing, other in [
        *_recorded(rows, folded),
        *_of_sequences(schema),
        *_of_settings(schema),
        *_of_functions(schema),
        *_of_unlogged(schema),
    ]:
        needed.setdefault(needing, set()).add(other)
    return {key: frozenset(keys) for key, keys in needed.items()}


def needing(schema: Schema) -> dict[Key, list[Key]]:
    """What needs each object, in order."""
    needing: dict[Key, list[Key]] = {}
    for key in sorted(schema.depends):
        for needed in schema.depends[key]:
            needing.setdefault(needed, []).append(key)
    return needing


def _recorded(
    rows: Iterable[tuple[Any, ...]], folded: Mapping[str, Key]
) -> Iterator[tuple[Key, Key]]:
    """What pg_depend says.

    `CREATE TABLE t (a int DEFAULT nextval('s')); ALTER SEQUENCE s OWNED BY t.a` has the sequence
    need the column, and the column the sequence: to go with it is a thing of its own (ownership),
    or neither could be made before the other.
    """
    for kind, owner, name, other_kind, other_owner, other_name in rows:
        needing = _unfolded(Key(Kind(kind), owner, name), folded)
        needed = _unfolded(Key(Kind(other_kind), other_owner, other_name), folded)
        if needing.kind is Kind.SEQUENCE:
            needing = needing._replace(kind=Kind.OWNERSHIP)
        if needing != needed:
            yield needing, needed


def _unfolded(key: Key, folded: Mapping[str, Key]) -> Key:
    """The column that has the sequence in itself, or what the key says."""
    return folded.get(key.name, key) if key.kind is Kind.SEQUENCE else key


def _of_sequences(schema: Schema) -> Iterator[tuple[Key, Key]]:
    """A sequence can only go with a column once it is there."""
    for sequence in schema.sequences:
        yield Key(Kind.OWNERSHIP, "", sequence), Key(Kind.SEQUENCE, "", sequence)


def _of_settings(schema: Schema) -> Iterator[tuple[Key, Key]]:
    """What a setting is of, and the extension that it speaks of; pg_depend knows nothing of
    settings."""
    owners: list[Table | View] = [*schema.tables.values(), *schema.views.values()]
    for owner in owners:
        for setting in owner.settings.values():
            key = Key(Kind.SETTING, owner.name, setting.name)
            yield key, setting.of or Key(schema.relation(owner.name), "", owner.name)
            if setting.extension:
                yield key, Key(Kind.EXTENSION, "", setting.extension)
            if setting.name == OFF:
                yield from ((key, of) for of in _constraints_at(owner.name, schema))


def _constraints_at(table: str, schema: Schema) -> Iterator[Key]:
    """The constraints for which PostgreSQL has triggers on the table. One that is made anew has new
    ones, which fire."""
    for other in schema.tables.values():
        for constraint in other.constraints.values():
            if table in (other.name, constraint.target):
                yield Key(constraint.part, other.name, constraint.name)


def _of_functions(schema: Schema) -> Iterator[tuple[Key, Key]]:
    """The extensions with which they go."""
    for function in schema.functions.values():
        for extension in function.extensions:
            needing = Key(Kind.FUNCTION, "", function.name)
            yield needing, Key(Kind.EXTENSION, "", extension)


def _of_unlogged(schema: Schema) -> Iterator[tuple[Key, Key]]:
    """A foreign key needs both its ends to be logged or not: `ALTER TABLE t SET LOGGED` fails while
    one refers to an unlogged table (tablecmds.c, ATPrepChangePersistence)."""
    for table in schema.tables.values():
        for part in table.constraints.values():
            for end in (table.name, part.target) if part.target else ():
                if end in schema.tables and "unlogged" in schema.tables[end].settings:
                    yield Key(part.part, table.name, part.name), Key(Kind.SETTING, end, "unlogged")
