"""Everything at once against every rule: afterwards the audit is silent."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg2
import pytest

from application.integrity import audit
from tests.support.attack import Attacker, make_views
from tests.support.money import committed
from tests.support.two_branches import populate

CLIENTS = 8


@pytest.mark.parametrize(
    "rounds",
    [250, pytest.param(20_000, marks=pytest.mark.campaign)],
    ids=["short", "long"],
)
@pytest.mark.parametrize("seed", [1])
def test_whatever_is_written_the_audit_is_silent(migrated_url: str, rounds: int, seed: int) -> None:
    with committed(migrated_url) as cursor:
        populate(cursor)
        make_views(cursor)
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
        assert not [slip for attacker in attackers for slip in attacker.slips]
