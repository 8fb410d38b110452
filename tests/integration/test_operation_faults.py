"""Whatever fails on the way, at whichever statement of an operation: the application is told in one
tree of errors whether it may try again, and nothing of the operation remains."""

from __future__ import annotations

import importlib
import random
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg2
import pytest
from psycopg2 import extensions

from application.integrity import audit
from application.operations import MODULES, operations
from domains import BillingError
from kernel.secrets import new_key
from tests.support.operations import OPERATIONS, World

pytestmark = pytest.mark.as_app

RAISE = "DO $$ BEGIN RAISE 'drawn' USING ERRCODE = '{}'; END $$"
# How a statement may fail, each for real, on the server; and whether all of it may be tried again.
FAULTS = {
    "deadlock": (RAISE.format("40P01"), True),
    "serialization failure": (RAISE.format("40001"), True),
    "lock timeout": (RAISE.format("55P03"), True),
    "statement timeout": ("SET statement_timeout = 1; SELECT pg_sleep(9)", True),
    "cancelled": (RAISE.format("57014"), True),
    "server shuts down": (RAISE.format("57P01"), False),
    "too many connections": (RAISE.format("53300"), False),
    "connection failure": (RAISE.format("08006"), False),
    "disk full": (RAISE.format("53100"), False),
    "read-only": (RAISE.format("25006"), False),
    "lost connection": ("SELECT pg_terminate_backend(pg_backend_pid())", False),
}
# What works on many rows goes on with the others; a callback is tried again, and kept.
OF_MANY = {"renew_due", "isolate_overdue", "process_unprocessed", "take_callback"}
# Helpers of operations, inside whose transaction they run, and what asks no database.
INNER = {"bill_before", "lock_subscription", "fee_of", "lock_payment", "pay", "owing", "spend"}
PURE = {"following", "whole_period", "prorated", "overlap", "refuse_retired", "pause", "render"}
EVERYTHING = """
    SELECT md5(string_agg(t, '')) FROM (
        SELECT p::text FROM payments p UNION ALL SELECT i::text FROM invoices i
        UNION ALL SELECT s::text FROM subscriptions s UNION ALL SELECT t::text
        FROM transaction_logs t UNION ALL SELECT a::text FROM payment_allocations a
        UNION ALL SELECT c::text FROM customers c UNION ALL SELECT l::text FROM payment_links l
        UNION ALL SELECT count(*)::text FROM activity_logs UNION ALL SELECT v::text FROM vouchers v
        UNION ALL SELECT q::text FROM notification_queue q UNION ALL SELECT s::text FROM settings s
        UNION ALL SELECT count(*)::text FROM voucher_batches UNION ALL SELECT l::text
        FROM locations l UNION ALL SELECT u::text FROM pppoe_users u ORDER BY 1) x (t)
"""


class Saboteur:
    """Lets the statement of that number fail, once. statement: what fails in its place."""

    def __init__(self) -> None:
        self.seen, self.at, self.statement = 0, -1, ""

    def cursor(self) -> type[extensions.cursor]:
        saboteur = self

        class Cursor(extensions.cursor):
            def execute(self, query: Any, parameters: Any = None) -> None:
                saboteur.seen += 1
                if saboteur.seen - 1 == saboteur.at:
                    super().execute(saboteur.statement)
                super().execute(query, parameters)

        return Cursor


@contextmanager
def sabotage(database: Any, at: int = -1, statement: str = "") -> Iterator[Saboteur]:
    saboteur = Saboteur()
    saboteur.at, saboteur.statement = at, statement
    connection = database.connection()
    connection.cursor_factory = saboteur.cursor()
    yield saboteur
    connection.cursor_factory = None


def test_every_operation_is_here() -> None:
    names = {f.__name__ for m in MODULES for f in operations(importlib.import_module(m))}
    assert names - INNER - PURE == set(OPERATIONS)


@pytest.fixture
def world(billing: Any, migrated_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A cursor that makes rows on a connection of its own; at the end the audit is silent."""
    monkeypatch.setenv("BILLING_SECRET_KEYS", new_key())
    with closing(psycopg2.connect(migrated_url)) as connection:
        connection.autocommit = True
        yield connection.cursor()
        assert audit(connection) == []


@pytest.mark.parametrize(
    "tries", [1, pytest.param(12, marks=pytest.mark.campaign)], ids=["short", "long"]
)
def test_a_fault_is_told_and_leaves_nothing(billing: Any, world: Any, tries: int) -> None:
    chance = random.Random(1)
    for name, prepare in OPERATIONS.items():
        with sabotage(billing) as counted:
            call = prepare(World(world))
            before = counted.seen
            call()
        length = counted.seen - before
        for _ in range(tries):
            fails(billing, world, name, chance.choice(list(FAULTS)), chance.randrange(length))


def fails(billing: Any, world: Any, name: str, fault: str, at: int) -> None:
    """One call of an operation, one of whose statements fails."""
    statement, is_retryable = FAULTS[fault]
    what = f"{name}: {fault} at statement {at}"
    call = OPERATIONS[name](World(world))
    world.execute(EVERYTHING)
    before = world.fetchall()
    error = None
    with sabotage(billing, at, statement) as saboteur:
        try:
            call()
        except BillingError as caught:
            error = caught
        except Exception as caught:
            raise AssertionError(f"{what}: {type(caught)} {caught}") from caught
    assert billing.transaction_depth() == 0, what
    if fault == "lost connection":
        billing.close()
        billing.connect()
    if name in OF_MANY:
        return
    if saboteur.seen > at:
        assert error is not None, what
        assert error.retryable == is_retryable, what
        world.execute(EVERYTHING)
        assert world.fetchall() == before, what
