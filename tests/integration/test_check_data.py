"""`invoke check --data` audits any database, and calls nothing lawful a violation."""

from __future__ import annotations

import json

from tests.support import money, samples
from tests.support.console import call
from tests.support.money import committed


def test_lawful_acts_are_no_violations(migrated_url: str) -> None:
    """A customer moved, the code and the zone of a branch changed; invoices and payments stay."""
    with committed(migrated_url) as cursor:
        who = money.customer(cursor)
        away = money.branch(cursor, "AWAY")
        invoice = money.issued(cursor, who, 100)
        money.issue(cursor, money.draft(cursor, who, 100), 100, "2026-10-31 17:30+00")
        money.allocation(cursor, money.payment(cursor, who, 100), invoice, 60)
        samples.voucher(cursor, samples.batch(cursor, samples.profile(cursor, away)))
        cursor.execute("UPDATE customers SET location_id = %s WHERE id = %s", (away, who))
        cursor.execute("UPDATE locations SET code = 'X' || id, timezone = 'Asia/Jayapura'")
    result = call(migrated_url, "check", "--data")
    assert (result.code, result.out) == (0, "Every rule is kept.\n"), result.err


def test_a_broken_rule_is_told_with_its_rows(migrated_url: str) -> None:
    with committed(migrated_url) as cursor:
        who = money.customer(cursor)
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("UPDATE customers SET balance = 5")
    result = call(migrated_url, "check", "--data")
    assert result.code == 1
    assert f"customer {who} has 5, the ledger says 0" in result.out
    told = json.loads(call(migrated_url, "check", "--data", "--json").out)
    assert [broken["count"] for broken in told["broken"]] == [1, 1]
