"""What somebody has switched on a partition alone: a trigger of its table, or the triggers that
hold a foreign key. Each partition has its own, and rows that are written to the table fire these.

Partitions come and go as the data does, and no schema that files lead to has them. Here alone,
where a database is held against what the last run left, they count; what was set on one that is
gone does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from engine.schema import catalog, function_path, own_sql
from engine.schema.catalog_queries import APART, OUR_RELATIONS, TRIGGER_STATE
from engine.schema.kinds import Key, Kind, TriggerState
from engine.schema.model import Schema, Setting, Table
from engine.schema.part_settings import ConstraintTrigger, all_fire
from engine.schema.quoting import name

PARTITIONS = f"""
    SELECT c.relname::text, t.relid::regclass::text, t.relid::oid::bigint
    FROM pg_class c, pg_partition_tree(c.oid) t
    WHERE {OUR_RELATIONS} AND c.relkind = 'p' AND {APART} AND t.relid <> c.oid
    ORDER BY 2
"""
# Of each trigger the one of the whole table that it stands for.
TRIGGERS = f"""
    WITH RECURSIVE origin (oid, top) AS (
        SELECT t.oid, t.tgparentid FROM pg_trigger t
        WHERE t.tgrelid = ANY (%(partitions)s) AND t.tgparentid <> 0
        UNION ALL
        SELECT o.oid, t.tgparentid FROM origin o JOIN pg_trigger t ON t.oid = o.top
        WHERE t.tgparentid <> 0
    )
    SELECT t.tgrelid::bigint, t.tgname::text, w.tgname::text, {TRIGGER_STATE.format("t")},
           {TRIGGER_STATE.format("w")}
    FROM origin o JOIN pg_trigger t ON t.oid = o.oid JOIN pg_trigger w ON w.oid = o.top
    WHERE w.tgparentid = 0 AND NOT w.tgisinternal AND t.tgenabled <> w.tgenabled
    ORDER BY 1, 2
"""
# The same by the constraints, since PostgreSQL 14 does not say it of these triggers. A partitioned
# table of that version has none of its own for a foreign key.
CONSTRAINT_TRIGGERS = f"""
    WITH RECURSIVE origin (oid, top) AS (
        SELECT DISTINCT k.oid, k.conparentid
        FROM pg_trigger t JOIN pg_constraint k ON k.oid = t.tgconstraint
        WHERE t.tgrelid = ANY (%(partitions)s) AND t.tgisinternal AND k.conparentid <> 0
        UNION ALL
        SELECT o.oid, k.conparentid FROM origin o JOIN pg_constraint k ON k.oid = o.top
        WHERE k.conparentid <> 0
    )
    SELECT t.tgrelid::bigint, k.conrelid::regclass::text, k.conname::text, p.proname::text,
           w.conname::text, {TRIGGER_STATE.format("t")},
           coalesce((SELECT {TRIGGER_STATE.format("u")} FROM pg_trigger u
                     WHERE u.tgconstraint = w.oid AND u.tgfoid = t.tgfoid LIMIT 1), 'ENABLE')
    FROM origin o JOIN pg_constraint k ON k.oid = o.oid JOIN pg_constraint w ON w.oid = o.top
    JOIN pg_trigger t ON t.tgconstraint = k.oid JOIN pg_proc p ON p.oid = t.tgfoid
    WHERE w.conparentid = 0 AND t.tgisinternal AND t.tgrelid = ANY (%(partitions)s)
    ORDER BY 1, 2, 3, 4
"""


def read(connection: Any, *, depends: bool = True) -> Schema:
    """The schema as engine.schema.catalog reads it, and what is set on partitions."""
    schema = catalog.read(connection, depends=depends)
    if not any(table.partitioned for table in schema.tables.values()):
        return schema
    partitions: dict[int, tuple[str, str]] = {}
    for table, title, oid in _ask(connection, PARTITIONS):
        if table in schema.tables:
            partitions[oid] = (table, title)
    tables, needs = dict(schema.tables), dict(schema.depends)
    for table, setting in _settings(connection, partitions):
        tables[table] = _with(tables[table], setting)
        of = setting.of or Key(Kind.TABLE, "", table)
        needs[Key(Kind.SETTING, table, setting.name)] = frozenset({of})
    titles = frozenset(title for _, title in partitions.values())
    return replace(schema, tables=tables, partitions=titles, depends=needs)


def without_gone(known: Schema, live: Schema) -> Schema:
    """The known schema without what was set on partitions that are not there any more."""
    tables = dict(known.tables)
    for table in known.tables.values():
        settings = dict(table.settings)
        for setting in table.settings.values():
            if setting.partition and setting.partition not in live.partitions:
                del settings[setting.name]
        tables[table.name] = replace(table, settings=settings)
    return replace(known, tables=tables)


def _ask(connection: Any, query: str, **values: Any) -> list[tuple[Any, ...]]:
    """With the names of relations as files have them: on a connection of ours the path leads to
    PostgreSQL's own alone, and each would have its schema."""
    path = function_path.files_path(connection)
    with connection.cursor() as cursor:
        own_sql.fetch(cursor, query, values, path)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def _with(table: Table, setting: Setting) -> Table:
    return replace(table, settings={**table.settings, setting.name: setting})


def _settings(
    connection: Any, partitions: dict[int, tuple[str, str]]
) -> Iterator[tuple[str, Setting]]:
    """(the table, what is set on a partition of it). partitions: (table, partition) by its oid."""
    oids = list(partitions)
    for oid, trigger, whole, *states in _ask(connection, TRIGGERS, partitions=oids):
        table, title = partitions[oid]
        made, back = (
            f"ALTER TABLE ONLY {title} {TriggerState(state)} TRIGGER {name(trigger)}"
            for state in states
        )
        of = Key(Kind.TRIGGER, table, whole)
        told = f"trigger {whole} of partition {title}"
        yield table, Setting(told, made, back, of, partition=title)
    by_partition: dict[int, list[tuple[Any, ...]]] = {}
    for oid, *values in _ask(connection, CONSTRAINT_TRIGGERS, partitions=oids):
        by_partition.setdefault(oid, []).append(tuple(values))
    for oid, rows in by_partition.items():
        table, title = partitions[oid]
        yield from ((table, setting) for setting in _of_constraints(title, rows))


def _of_constraints(title: str, rows: Iterable[tuple[Any, ...]]) -> Iterator[Setting]:
    """Where all are switched off, and those of the table are not, that is said once."""
    states = {tuple(map(TriggerState, values[-2:])) for values in rows}
    if states == {(TriggerState.DISABLE, TriggerState.ENABLE)}:
        made, back = (all_fire(title, state) for state in next(iter(states)))
        told = f"foreign keys of partition {title} switched off"
        yield Setting(told, made, back, partition=title)
        return
    for holder, constraint, function, whole, *both in rows:
        if both[0] != both[1]:
            trigger = ConstraintTrigger(title, holder, constraint, function)
            made, back = (trigger.fires(TriggerState(state)) for state in both)
            told = f"trigger {function} of {whole} of partition {title}"
            yield Setting(told, made, back, partition=title)
