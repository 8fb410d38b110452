"""Rows to test with, made with plain SQL: a test names only what it is about."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Barrier
from typing import Any, TypeVar

import psycopg2
import pytest

from engine.connect.peewee_database import EngineDatabase
from tests.support.money import isolated

Result = TypeVar("Result")

SECRET = b"\x01" + bytes(40)
DIGEST = bytes(32)
CLIENTS = 8
number = count(1)


def insert(cursor: Any, table: str, **values: Any) -> int:
    """Insert a row and return its identity."""
    columns, marks = ", ".join(values), ", ".join(["%s"] * len(values))
    cursor.execute(
        f"INSERT INTO {table} ({columns}) VALUES ({marks}) RETURNING id", list(values.values())
    )
    identity: int = cursor.fetchone()[0]
    return identity


def update(cursor: Any, table: str, identity: int, **values: Any) -> None:
    """Change columns of a row; a value that is a tuple of one text is SQL."""
    parts = [f"{c} = {v[0] if isinstance(v, tuple) else '%s'}" for c, v in values.items()]
    plain = [v for v in values.values() if not isinstance(v, tuple)]
    cursor.execute(
        f"UPDATE {table} SET {', '.join(parts)} WHERE id = %s RETURNING id", [*plain, identity]
    )
    assert cursor.rowcount == 1


def refused(cursor: Any, rule: str, make: Any, *arguments: Any, **values: Any) -> None:
    """Assert that the database refuses, naming the rule; the transaction goes on."""
    cursor.execute("SAVEPOINT before_refusal")
    with pytest.raises(psycopg2.IntegrityError) as caught:
        make(cursor, *arguments, **values)
    assert caught.value.diag.constraint_name == rule, caught.value
    cursor.execute("ROLLBACK TO SAVEPOINT before_refusal")


def together(database: EngineDatabase, work: Callable[[int], Result]) -> list[Result]:
    """What CLIENTS clients make of the same work at the same time, each on its own connection, at
    each isolation level some of them."""
    start = Barrier(CLIENTS)

    def client(number: int) -> Result:
        with isolated(database, number):
            start.wait(timeout=30)
            return work(number)

    with ThreadPoolExecutor(CLIENTS) as pool:
        return list(pool.map(client, range(CLIENTS)))


def location(cursor: Any, **values: Any) -> int:
    n = next(number)
    return insert(cursor, "locations", **{"code": f"L{n}", "name": f"Branch {n}"} | values)


def customer(cursor: Any, location_id: int, **values: Any) -> int:
    n = next(number)
    given = {"number": f"C{n}", "name": "Siti", "phone": f"628{n:09}"}
    return insert(cursor, "customers", location_id=location_id, **given | values)


def profile(cursor: Any, location_id: int, **values: Any) -> int:
    n = next(number)
    given = {
        "name": f"Profile {n}",
        "service_type": "hotspot",
        "cost_price": 3000,
        "selling_price": 5000,
        "duration": 1,
        "duration_unit": "day",
        "mikrotik_name": f"profile-{n}",
    }
    return insert(cursor, "profiles", location_id=location_id, **given | values)


def vendor(cursor: Any, location_id: int, **values: Any) -> int:
    given = {"name": f"Vendor {next(number)}"}
    return insert(cursor, "vendors", location_id=location_id, **given | values)


def router(cursor: Any, location_id: int, **values: Any) -> int:
    given = {"name": f"Router {next(number)}", "host": "10.0.0.1", "api_username": "billing"}
    values = given | {"api_password": SECRET} | values
    return insert(cursor, "routers", location_id=location_id, **values)


def batch(cursor: Any, profile_id: int, **values: Any) -> int:
    """A batch of the profile's branch, at the profile's prices."""
    cursor.execute(
        "SELECT location_id, cost_price, selling_price FROM profiles WHERE id = %s", (profile_id,)
    )
    terms = zip(("location_id", "cost_price", "selling_price"), cursor.fetchone(), strict=True)
    given = {"code": f"B{next(number)}", "quantity": 10, **dict(terms)}
    return insert(cursor, "voucher_batches", profile_id=profile_id, **given | values)


def voucher(cursor: Any, batch_id: int, **values: Any) -> int:
    """An unused voucher that agrees with its batch."""
    names = ("location_id", "profile_id", "cost_price", "selling_price")
    cursor.execute(f"SELECT {', '.join(names)} FROM voucher_batches WHERE id = %s", (batch_id,))
    given = {"code": f"V{next(number):05}", **dict(zip(names, cursor.fetchone(), strict=True))}
    return insert(cursor, "vouchers", batch_id=batch_id, **given | values)


def pppoe_user(
    cursor: Any, customer_id: int, router_id: int, profile_id: int, **values: Any
) -> int:
    given = {"username": f"user{next(number)}@isp", "password": SECRET}
    return insert(
        cursor,
        "pppoe_users",
        customer_id=customer_id,
        router_id=router_id,
        profile_id=profile_id,
        **given | values,
    )


def notification(cursor: Any, **values: Any) -> int:
    given = {"channel": "whatsapp", "recipient": "628123456789", "body": "Halo"}
    return insert(cursor, "notification_queue", **given | values)


def session(cursor: Any, location_id: int, **values: Any) -> int:
    given = {"name": f"Session {next(number)}"}
    return insert(cursor, "whatsapp_sessions", location_id=location_id, **given | values)


def template(cursor: Any, **values: Any) -> int:
    given = {"name": f"template_{next(number)}", "category": "broadcast", "body": "Halo"}
    return insert(cursor, "whatsapp_templates", **given | values)


def message(cursor: Any, session_id: int, **values: Any) -> int:
    given = {"recipient": "628123456789", "body": "Halo"}
    return insert(cursor, "whatsapp_messages", session_id=session_id, **given | values)
