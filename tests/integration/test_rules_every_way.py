"""Every rule that a trigger keeps, beside every way to write what breaks it, at every isolation
level: none gets past. The rules are those of the catalogs; there is no list of exceptions."""

from __future__ import annotations

import json
import re
from contextlib import closing
from typing import Any

import psycopg2
import pytest

from tests.support.money import LEVELS
from tests.support.rule_breaks import BREAKS, Shop
from tests.support.ways_to_write import Step

# A rule is named by its trigger, or by the function where that keeps several.
RULES = """
    SELECT tgname, prosrc FROM pg_trigger JOIN pg_proc p ON p.oid = tgfoid
    JOIN pg_class c ON c.oid = tgrelid
    WHERE NOT tgisinternal AND relnamespace = 'public'::regnamespace AND relname !~ '^migrat'
"""
# Constraints that rows of before may break, or that wait for the end; triggers that do not fire;
# indexes that are not whole; views, whose rules could write past all that.
OFF = """
    SELECT conname FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND (NOT convalidated OR condeferrable)
      AND contype IN ('c', 'f', 'u', 'p', 'x', 'n')
    UNION ALL SELECT tgname FROM pg_trigger WHERE tgenabled <> 'O' AND NOT tgisinternal
    UNION ALL SELECT indexrelid::regclass::text FROM pg_index
    WHERE NOT (indisvalid AND indisready AND indislive)
    UNION ALL SELECT relname FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'v'
"""

CHECKS = """
    SELECT relname::text, conname::text, pg_get_expr(conbin, conrelid),
           array_agg(quote_ident(attname) ORDER BY attnum),
           array_agg(format_type(atttypid, NULL) ORDER BY attnum)
    FROM pg_constraint JOIN pg_class c ON c.oid = conrelid
    JOIN pg_attribute a ON attrelid = c.oid AND attnum = ANY (conkey)
    WHERE contype = 'c' AND relnamespace = 'public'::regnamespace AND relname !~ '^migrat'
    GROUP BY 1, 2, 3 ORDER BY 1, 2
"""
# For each type some values, of which some are wrong in every way that a rule may mean.
POOLS: dict[str, list[str | None]] = {
    "text": [None, "", "x", "X y!", "a_key", "tax_rate_bp", "a\nb", "x" * 100_001],
    "smallint": [None, "-1", "0", "1", "32767"],
    "integer": [None, "-1", "0", "1", "5", "2147483647"],
    "bigint": [None, str(-(10**16)), str(-(2**62)), "-1", "0", "1", "5", str(2**62 + 1)],
    "boolean": [None, "false", "true"],
    "timestamp with time zone": [None, "infinity", "2026-01-01", "2026-06-01"],
    "date": [None, "infinity", "2026-01-01", "2026-06-01"],
    "daterange": [None, "empty", "(,)", "[2026-01-01,infinity)", "[2026-01-01,2026-02-01)"],
    "jsonb": [None, "5", "[]", "{}", '{"pin": 1}', json.dumps({"k": "x" * 200_000})],
    "text[]": [None, "{}", "{x}"],
    "bytea": [None, "", "\\x01"],
    "inet": [None, "10.0.0.1/8", "::1"],
}


def test_every_rule_of_the_catalogs_has_a_write_that_breaks_it(cursor: Any) -> None:
    cursor.execute(RULES)
    rules = set()
    for trigger, source in cursor.fetchall():
        rules.update(re.findall(r"(?:CONSTRAINT = |rule := )'(\w+)'", source))
        if "CONSTRAINT = TG_NAME" in source:
            rules.add(trigger)
    assert rules == {name.partition(",")[0] for name in BREAKS}


def test_no_rule_is_switched_off(cursor: Any) -> None:
    """What PostgreSQL itself keeps, it keeps whatever the way to write; but for these."""
    cursor.execute(OFF)
    assert cursor.fetchall() == []


@pytest.mark.parametrize("level", LEVELS)
def test_no_way_to_write_gets_past_a_rule(shared_url: str, level: str) -> None:
    passed = []
    with closing(psycopg2.connect(shared_url)) as connection, connection.cursor() as cursor:
        connection.set_session(isolation_level=level)
        for name, prepare in BREAKS.items():
            cursor.execute("SAVEPOINT rule")
            for way, step in list(prepare(Shop(cursor)).ways(cursor)):
                rules = {name.partition(",")[0]}
                if way == "ON CONFLICT":  # the rules of INSERT are asked first
                    rules = {other.partition(",")[0] for other in BREAKS}
                if told := slips(cursor, rules, step):
                    passed.append(f"{name} by {way}: {told}")
            cursor.execute("ROLLBACK TO rule")
        connection.rollback()
    assert not passed, "\n".join(passed)


def pool(cursor: Any, kind: str) -> list[str | None]:
    """Values of a type: those of above, or all of an enum."""
    if kind not in POOLS:
        cursor.execute("SELECT array_agg(v::text) FROM unnest(enum_range(NULL::" + kind + ")) v")
        POOLS[kind] = [None, *cursor.fetchone()[0]]
    return POOLS[kind]


def slips(cursor: Any, rules: set[str], step: Step) -> str:
    """What became of a write that one of the rules must refuse; empty where it did."""
    cursor.execute("SAVEPOINT way")
    try:
        step(cursor)
        count = cursor.rowcount
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    except psycopg2.IntegrityError as error:
        refused_by = error.diag.constraint_name
        return "" if refused_by in rules else f"refused by {refused_by}: {error}"
    except psycopg2.Error as error:
        return str(error)
    else:
        return f"{count} rows were written"
    finally:
        cursor.execute("ROLLBACK TO way")


def test_every_check_can_be_broken(cursor: Any) -> None:
    """One that nothing breaks, for it is always true or NULL, keeps nothing."""
    cursor.execute(CHECKS)
    vacuous = []
    for table, rule, expression, columns, types in cursor.fetchall():
        sources = ", ".join(
            f"(SELECT unnest(%s::text[])::{kind} AS {column}) AS of_{place}"
            for place, (column, kind) in enumerate(zip(columns, types, strict=True))
        )
        pools = [pool(cursor, kind) for kind in types]
        if len(columns) > 1:  # sums of the very largest are not in range
            pools = [[v for v in values if v is None or len(v) < 18] for values in pools]
        condition = expression.replace("%", "%%")
        cursor.execute(f"SELECT 1 FROM {sources} WHERE ({condition}) IS FALSE LIMIT 1", pools)
        if not cursor.rowcount:
            vacuous.append(f"{table}: {rule}")
    assert not vacuous, "\n".join(vacuous)
