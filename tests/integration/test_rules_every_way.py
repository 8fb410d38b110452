"""Every rule that a trigger keeps, beside every way to write what breaks it, at every isolation
level: none gets past. The rules are those of the catalogs; there is no list of exceptions."""

from __future__ import annotations

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
