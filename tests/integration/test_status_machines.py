"""Every status machine of every domain: all moves are tried, allowed or not, on each server."""

from __future__ import annotations

import re
from typing import Any

import psycopg2
import pytest

import registry
from kernel.fields import EnumField
from kernel.status_machine import StatusMachine
from tests.support.samples import refused, update

REGISTRY = registry.load()
MACHINES = [machine for domain in REGISTRY for machine in domain.machines]
NAMES = [machine.name for machine in MACHINES]
each_machine = pytest.mark.parametrize("machine", MACHINES, ids=NAMES)


@each_machine
def test_every_move_is_allowed_or_refused_as_declared(cursor: Any, machine: StatusMachine) -> None:
    column, enum = machine.field.column_name, machine.field
    assert isinstance(enum, EnumField)
    # the machine's own trigger, on a table of the same name that has no other rules
    cursor.execute(f"CREATE TEMP TABLE {machine.table} (id int, {column} {enum.enum_name})")
    cursor.execute(machine.trigger)
    for before in enum.enum:
        cursor.execute(f"ALTER TABLE pg_temp.{machine.table} DISABLE TRIGGER USER")
        cursor.execute(f"TRUNCATE pg_temp.{machine.table}")
        cursor.execute(f"INSERT INTO {machine.table} VALUES (1, %s)", (before,))
        cursor.execute(f"ALTER TABLE pg_temp.{machine.table} ENABLE TRIGGER USER")
        for after in enum.enum:
            cursor.execute("SAVEPOINT before_move")
            if after == before or after in machine.moves.get(before, set()):
                update(cursor, machine.table, 1, **{column: after})
            else:
                refused(cursor, machine.name, update, machine.table, 1, **{column: after})
            cursor.execute("ROLLBACK TO SAVEPOINT before_move")
        if before in machine.start:
            insert(cursor, machine.table, before)
        else:
            refused(cursor, machine.name, insert, machine.table, before)


def insert(cursor: Any, table: str, status: str) -> None:
    cursor.execute(f"INSERT INTO {table} VALUES (2, %s)", (status,))
    assert cursor.rowcount == 1


@each_machine
def test_the_trigger_is_on_the_table_and_on(cursor: Any, machine: StatusMachine) -> None:
    cursor.execute(
        "SELECT tgenabled::text, tgtype, encode(tgargs, 'escape') FROM pg_trigger "
        "WHERE tgrelid = %s::regclass AND tgname = %s",
        (machine.table, machine.name),
    )
    ((enabled, kind, arguments),) = cursor.fetchall()
    row, before, insert, update = 1, 2, 4, 16
    assert (enabled, kind) == ("O", row | before | insert | update)
    assert arguments.split("\\000")[:-1] == re.findall(r"'([^']*)'", machine.trigger)


def test_a_refusal_says_what_was_tried(cursor: Any) -> None:
    machine = next(machine for machine in MACHINES if machine.name == "vouchers_status_move")
    cursor.execute("CREATE TEMP TABLE vouchers (id int, status voucher_status)")
    cursor.execute(machine.trigger)
    with pytest.raises(psycopg2.errors.CheckViolation) as caught:
        insert(cursor, "vouchers", "expired")
    diag = caught.value.diag
    assert diag.message_primary == "vouchers: the status (new) may not become expired"
    assert (diag.table_name, diag.column_name) == ("vouchers", "status")
