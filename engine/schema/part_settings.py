"""What is set on parts of tables and views: when the triggers fire by which PostgreSQL itself holds
foreign keys and deferred keys, and what goes with an extension.

Such a trigger has a name with a number in it (RI_ConstraintTrigger_c_16412), which no two databases
share; so it is known by its constraint and by the function that it calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from engine.schema.catalog_queries import TRIGGER_STATE
from engine.schema.kinds import Key, Kind, TriggerState
from engine.schema.model import Setting
from engine.schema.quoting import literal, name

# All of a table where one of them is not as it is by default.
CONSTRAINT_TRIGGERS = f"""
    SELECT t.tgrelid, r.relname::text, c.relname::text, k.conname::text, p.proname::text,
           {TRIGGER_STATE.format("t")}, k.contype = 'f'
    FROM pg_trigger t JOIN pg_class r ON r.oid = t.tgrelid
    JOIN pg_constraint k ON k.oid = t.tgconstraint JOIN pg_class c ON c.oid = k.conrelid
    JOIN pg_proc p ON p.oid = t.tgfoid
    WHERE t.tgrelid = ANY (%(relations)s) AND t.tgisinternal AND k.conparentid = 0
      AND EXISTS (SELECT FROM pg_trigger o WHERE o.tgrelid = t.tgrelid AND o.tgisinternal
                  AND o.tgenabled <> 'O')
    ORDER BY t.tgrelid, c.relname, k.conname, p.proname
"""
# What goes with an extension by somebody's will: DROP EXTENSION takes it along unasked, where it
# would refuse without (DEPENDENCY_AUTO_EXTENSION, deptype x:
# https://www.postgresql.org/docs/current/catalog-pg-depend.html).
GO_WITH_EXTENSIONS = """
    WITH bond AS (
        SELECT d.classid, d.objid, e.extname::text AS extension
        FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
        WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'x'
    )
    SELECT c.oid, 'materialized view', c.relname::text, b.extension, false
    FROM bond b JOIN pg_class c ON b.classid = 'pg_class'::regclass AND c.oid = b.objid
    WHERE c.oid = ANY (%(relations)s)
    UNION ALL
    SELECT i.indrelid, 'index', c.relname::text, b.extension,
           EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = i.indrelid
                   AND k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
    FROM bond b JOIN pg_index i ON b.classid = 'pg_class'::regclass AND i.indexrelid = b.objid
    JOIN pg_class c ON c.oid = i.indexrelid
    WHERE i.indrelid = ANY (%(relations)s)
    UNION ALL
    SELECT t.tgrelid, 'trigger', t.tgname::text, b.extension, false
    FROM bond b JOIN pg_trigger t ON b.classid = 'pg_trigger'::regclass AND t.oid = b.objid
    WHERE t.tgrelid = ANY (%(relations)s)
    ORDER BY 2, 3, 4
"""

OFF = "foreign keys switched off"
FIRES = """DO $$
DECLARE
    title name;
BEGIN
    FOR title IN
        SELECT t.tgname FROM pg_catalog.pg_trigger t
        JOIN pg_catalog.pg_constraint k ON k.oid = t.tgconstraint
        JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
        WHERE t.tgrelid = {relation}::regclass AND t.tgisinternal{which}
    LOOP
        EXECUTE format('ALTER TABLE ONLY %s {state} TRIGGER %I', {relation}, title);
    END LOOP;
END
$$"""
ONE = """
          AND k.conrelid = {holder}::regclass AND k.conname = {constraint}
          AND p.proname = {function}"""


class ConstraintTrigger(NamedTuple):
    """One of them. table: on which it is; holder: which has the constraint; both as SQL.
    function: what it calls."""

    table: str
    holder: str
    constraint: str
    function: str

    def fires(self, state: TriggerState) -> str:
        """The statement that says when it fires."""
        which = ONE.format(
            holder=literal(self.holder),
            constraint=literal(self.constraint),
            function=literal(self.function),
        )
        return FIRES.format(relation=literal(self.table), which=which, state=state)


def all_fire(table: str, state: TriggerState) -> str:
    """The statement that says when all of a table fire. table: as SQL."""
    return FIRES.format(relation=literal(table), which="", state=state)


def of_triggers(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[int, Setting]]:
    """(oid of the table, what is set there). rows: what CONSTRAINT_TRIGGERS gives. Where all are
    switched off, that is said once."""
    tables: dict[int, list[tuple[Any, ...]]] = {}
    for oid, *values in rows:
        tables.setdefault(oid, []).append(tuple(values))
    for oid, triggers in tables.items():
        if {state for *_, state, _ in triggers} == {TriggerState.DISABLE.value}:
            table = name(triggers[0][0])
            off = all_fire(table, TriggerState.DISABLE)
            yield oid, Setting(OFF, off, all_fire(table, TriggerState.ENABLE))
            continue
        for trigger in triggers:
            if trigger[-2] != TriggerState.ENABLE:
                yield oid, _setting(*trigger)


def _setting(
    table: str, holder: str, constraint: str, function: str, state: str, foreign: bool
) -> Setting:
    trigger = ConstraintTrigger(name(table), name(holder), constraint, function)
    return Setting(
        f"trigger {function} of {constraint} of {holder}",
        trigger.fires(TriggerState(state)),
        trigger.fires(TriggerState.ENABLE),
        Key(Kind.FOREIGN_KEY if foreign else Kind.CONSTRAINT, holder, constraint),
    )


def bond(relation: str, kind: str, title: str, extension: str, constraint: bool) -> Setting:
    """What is said of a part of a relation, or of a materialized view itself. constraint: whether
    the index is that of a constraint of its name."""
    place = f" ON {name(relation)}" if kind == Kind.TRIGGER else ""
    start = f"ALTER {kind.upper()} {name(title)}{place}"
    part = Kind.CONSTRAINT if constraint else Kind(kind)
    of = Key(part, relation, title) if part is not Kind.MATERIALIZED_VIEW else None
    return Setting(
        f"extension {extension} of {kind} {title}",
        f"{start} DEPENDS ON EXTENSION {name(extension)}",
        f"{start} NO DEPENDS ON EXTENSION {name(extension)}",
        of,
        extension=extension,
    )
