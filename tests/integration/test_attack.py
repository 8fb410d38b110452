"""Everything at once against every rule: afterwards the audit is silent."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import psycopg2
import pytest

from application.integrity import audit
from tests.support import money, samples
from tests.support.attack import Attacker
from tests.support.money import committed

CLIENTS = 8


def populate(cursor: Any) -> None:
    """Some rows of everything that people work with, in two branches."""
    for place in (money.main_office(cursor), money.branch(cursor, "EAST", "Asia/Jayapura")):
        hotspot = samples.profile(cursor, place)
        pppoe = samples.profile(cursor, place, service_type="pppoe")
        router, vendor = samples.router(cursor, place), samples.vendor(cursor, place)
        batch = samples.batch(cursor, hotspot, vendor_id=vendor)
        samples.session(cursor, place)
        for _ in range(4):
            who = money.customer(cursor, place)
            line = samples.pppoe_user(cursor, who, router, pppoe)
            money.insert(
                cursor,
                "subscriptions",
                location_id=place,
                customer_id=who,
                profile_id=pppoe,
                pppoe_user_id=line,
                price=100,
                anchor_day=1,
                started_on="2026-01-01",
                next_billing_on="2026-01-01",
            )
            money.issued(cursor, who, 100)
            money.draft(cursor, who, 100)
            money.payment(cursor, who, 100)
            samples.voucher(cursor, batch)
            samples.notification(cursor, customer_id=who)
    money.method(cursor, "wallet")


@pytest.mark.parametrize(
    "rounds",
    [400, pytest.param(20_000, marks=pytest.mark.campaign)],
    ids=["short", "long"],
)
@pytest.mark.parametrize("seed", [1])
def test_whatever_is_written_the_audit_is_silent(migrated_url: str, rounds: int, seed: int) -> None:
    with committed(migrated_url) as cursor:
        populate(cursor)
    url = migrated_url + "?application_name=attack"
    attackers = [Attacker(url, seed * 1_000 + number) for number in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as pool:
        counts = sum(pool.map(lambda each: each.run(rounds // CLIENTS), attackers), Counter())
    print(f"{rounds} transactions of {CLIENTS} clients: {dict(counts.most_common())}")
    with closing(psycopg2.connect(migrated_url)) as connection:
        assert audit(connection) == []
        cursor = connection.cursor()
        cursor.execute("SELECT count(*) FROM payment_allocations")
        assert counts["committed"] > rounds // 10
        assert counts["done"] > rounds // 4
        assert counts["CheckViolation"] > 10
        # errors of PostgreSQL itself, or of a rule that was not written for what it met
        slips = {"InternalError_", "SyntaxError", "UndefinedColumn", "AmbiguousColumn"}
        assert not slips & set(counts)
