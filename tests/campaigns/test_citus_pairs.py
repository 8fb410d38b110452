"""Each pair in tests/cases/ on a node of Citus, which is where CITUS_DATABASE_URL leads: the
changes lead up, down and up again in a schema that it has placed, but for what it refuses; and that
is what `invoke check` names beforehand, nothing more and nothing less.

docs/citus.md has how a cluster is made. It is left as it was.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg2
import pytest

from engine.check import citus_rules
from engine.check.observer import Observer
from engine.check.table_changes import KnownShapes
from engine.connect import roles
from engine.diff.compare import diff
from engine.diff.ordering import ordered
from engine.run.replay import Leg
from engine.schema import catalog
from engine.schema.model import Schema
from engine.sql import statements as ddl
from engine.sql.lexer import split
from engine.testing import Law, scratch_database
from engine.testing.law import ROLES, rows_of
from project import PROJECT
from tests.support import pairs
from tests.support.citus_cases import NOT_THERE
from tests.support.databases import execute
from tests.support.pairs import Pair
from tests.support.runners import at

URL = os.environ.get("CITUS_DATABASE_URL", "")
pytestmark = pytest.mark.skipif(
    not URL, reason="CITUS_DATABASE_URL names no Citus, which is built from its own source"
)
HERE = f"try_pair_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
# A migration that ran there has given the database its own, and so has a node.
ZONE = "timezone = 'UTC'"
OLDEST = 15
"""What Citus 13.2.2 was built for."""
BUILT = "the old schema"
NOW = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+[-+]\d\d:\d\d")
PAIRS = [
    pair
    for pair in pairs.read()
    # An extension is the database's, and lies in a schema of its own there.
    if pair.oldest <= OLDEST and not pair.refused and "CREATE EXTENSION" not in pair.old + pair.new
]
KINDS = {pair: kind for kind, listed in NOT_THERE.items() for pair in listed}


@dataclass
class Stage:
    """A part of a pair's way. goal, rows: what it leads to on PostgreSQL alone. named: what `invoke
    check` says of its statements."""

    name: str
    statements: list[str]
    goal: Schema
    rows: dict[str, Counter[str]] = field(default_factory=dict)
    named: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def alone() -> Iterator[Any]:
    """A connection to a database of the same server that is none of Citus."""
    with scratch_database(at(URL)) as url, closing(psycopg2.connect(url)) as connection:
        with connection, connection.cursor() as cursor:
            cursor.execute(f"SET {ZONE}")
        yield connection


def test_each_is_listed_once() -> None:
    listed = [pair for several in NOT_THERE.values() for pair in several]
    assert len(listed) == len(KINDS)
    assert KINDS.keys() <= {str(pair) for pair in PAIRS}


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_there_and_back_on_a_node(pair: Pair, alone: Any) -> None:
    kind = KINDS.get(str(pair))
    for stage, wrong in walked(stages_of(pair, alone)):
        if wrong:
            named = any(f" {kind}." in each for each in stage.named)
            assert named, f"{stage.name}: {wrong}\nnamed: {stage.named}"
            return
        assert not stage.named, "Citus takes it"
    assert kind is None, "it works by now"


def stages_of(pair: Pair, alone: Any) -> list[Stage]:
    """What is to be run, each stage as it is on PostgreSQL alone."""
    law = Law(alone)
    try:
        wanted = law.build("wanted", pair.new)
        stages = [Stage(BUILT, split(pair.old) + split(pair.rows), law.build("known", ""))]
        observe(stages[0], alone)
        known = stages[0].goal = catalog.read(alone)
        stages[0].rows = rows_there(alone, known)
        for leg in Leg:
            old, new = (wanted, known) if leg is Leg.DOWN else (known, wanted)
            statements = []
            for change in ordered(diff(old, new), old, new, lambda change: 0):
                statements += split(ddl.sql(change))
            stages.append(Stage(leg, statements, new))
            observe(stages[-1], alone)
            stages[-1].rows = rows_there(alone, new)
        return stages
    finally:
        alone.rollback()


def observe(stage: Stage, alone: Any) -> None:
    """Run the statements one by one as `invoke check` does, and take down what it says."""
    observer = Observer(KnownShapes(lambda: None), citus=True)
    observer.started(stage.name, 0)
    with alone.cursor() as cursor:
        for statement in stage.statements:
            observer.before(cursor, statement)
            cursor.execute(statement)
            observer.after(cursor, statement, cursor.statusmessage, transaction=True)
    findings = citus_rules.findings(observer.seen, PROJECT.opened_on_citus)
    stage.named = [finding.what for finding in findings]


def walked(stages: list[Stage]) -> Iterator[tuple[Stage, str]]:
    """The stages, each in a transaction, in a schema that is placed on a node; with the error, or
    with what is not as it is on PostgreSQL alone."""
    remove()
    execute(URL, f"CREATE SCHEMA {HERE}")
    try:
        for stage in stages:
            yield stage, error_of(stage.statements) or difference(stage)
    finally:
        remove()


def error_of(statements: list[str]) -> str:
    """What Citus says to the statements, or to their COMMIT; empty where it takes them."""
    with closing(psycopg2.connect(URL)) as connection:
        settle(connection)
        statement = "COMMIT"
        try:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
            statement = "COMMIT"
            connection.commit()
        except psycopg2.Error as error:
            return f"{statement}: {error}"
    return ""


def difference(stage: Stage) -> str:
    """What is not as it is on PostgreSQL alone; empty where all is."""
    with closing(psycopg2.connect(URL)) as connection:
        settle(connection)
        # That of Citus is there.
        there = replace(catalog.read(connection), extensions=stage.goal.extensions)
        if changes := diff(there, stage.goal):
            return "; ".join(map(str, changes))
        rows = rows_there(connection, there)
        return "" if rows == stage.rows else f"{rows}, and alone {stage.rows}"


def rows_there(connection: Any, schema: Schema) -> dict[str, Counter[str]]:
    """All rows, in any order."""
    tables = {}
    for table, rows in rows_of(connection, schema).items():
        tables[table] = Counter(NOW.sub("", json.dumps(row, sort_keys=True)) for row in rows)
    return tables


def settle(connection: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL search_path = {HERE}, pg_temp")
        cursor.execute(f"SET LOCAL check_function_bodies = off; SET LOCAL {ZONE}")
    roles.use(connection, dict(zip(ROLES, roles.STAND_INS, strict=False)))


def remove() -> None:
    """The nodes may still be at the last transaction, and call it a deadlock."""
    for _ in range(5):
        try:
            execute(URL, f"SET client_min_messages = error; DROP SCHEMA IF EXISTS {HERE} CASCADE")
            return
        except psycopg2.OperationalError:
            time.sleep(1)
    raise AssertionError(f"{HERE} stays")
