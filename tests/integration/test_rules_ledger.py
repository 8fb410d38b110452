"""The ledger: append-only, chained, the only way to a balance; whatever is written, and by whom."""

from __future__ import annotations

import io
import random
from collections import Counter
from contextlib import suppress
from typing import Any

import psycopg2
import pytest

from tests.support.money import (
    CLIENTS,
    audit,
    balance,
    clients,
    committed,
    customer,
    entry,
    insert,
    main_office,
    one,
    refused,
    until_done,
)
from tests.support.usual import usually_first

DUPLICATE = "transaction_logs_entry_type_reference_type_reference_id_key"
ENTRY = "INSERT INTO transaction_logs (customer_id, entry_type, amount, description)"
KEYED = (
    "INSERT INTO transaction_logs (customer_id, entry_type, amount, description, reference_type,"
    " reference_id) SELECT %s, 'charge', amount, 'Voucher', 'voucher', event"
    " FROM unnest(%s, %s) u (amount, event) ON CONFLICT DO NOTHING"
)


def copy_entries(cursor: Any, *rows: tuple[int, int]) -> None:
    lines = "".join(f"{who}\tadjustment\t{amount}\tImpor\n" for who, amount in rows)
    columns = ("customer_id", "entry_type", "amount", "description")
    cursor.copy_from(io.StringIO(lines), "transaction_logs", columns=columns)


def test_a_balance_cannot_be_written(cursor: Any) -> None:
    rule = "customers_balance_follows_ledger"
    who = customer(cursor)
    entry(cursor, who, 500)
    for amount in (0, 499, 501):
        with refused(cursor, rule):
            cursor.execute("UPDATE customers SET balance = %s WHERE id = %s", (amount, who))
    with refused(cursor, rule):
        cursor.execute("UPDATE customers SET balance = balance + 1")
    with refused(cursor, rule):
        insert(
            cursor,
            "customers",
            location_id=main_office(cursor),
            number="X1",
            name="X",
            phone="6281111111111",
            balance=1,
        )
    cursor.execute("UPDATE customers SET balance = 500, name = 'Baru' WHERE id = %s", (who,))
    assert balance(cursor, who) == 500


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE transaction_logs SET amount = 1",
        "UPDATE transaction_logs SET description = 'x' WHERE false",
        "DELETE FROM transaction_logs",
        "TRUNCATE transaction_logs",
        "TRUNCATE customers CASCADE",
        "INSERT INTO transaction_logs (id, customer_id, entry_type, amount, description)"
        " SELECT id, customer_id, entry_type, 7, 'x' FROM transaction_logs"
        " ON CONFLICT (id) DO UPDATE SET amount = 7",
    ],
)
def test_the_owner_cannot_change_the_ledger(cursor: Any, statement: str) -> None:
    entry(cursor, customer(cursor), 500)
    owner = "SELECT tableowner = current_user FROM pg_tables WHERE tablename = 'transaction_logs'"
    assert one(cursor, owner)
    with refused(cursor, "transaction_logs_append_only"):
        cursor.execute(statement)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE activity_logs SET ip = null", "TRUNCATE activity_logs"],
)
def test_the_owner_cannot_change_the_activity_log(cursor: Any, statement: str) -> None:
    cursor.execute("INSERT INTO activity_logs (username, action) VALUES ('a', 'a.b')")
    with refused(cursor, "activity_logs_append_only"):
        cursor.execute(statement)


def test_what_was_done_is_kept_for_a_year(cursor: Any) -> None:
    old = (
        "INSERT INTO activity_logs (username, action, created_at) VALUES ('a', 'a.b', '2011-01-01')"
    )
    cursor.execute(old)
    with refused(cursor, "activity_logs_young_is_kept"):
        cursor.execute("DELETE FROM activity_logs")
    cursor.execute("SET LOCAL session_replication_role = replica")
    cursor.execute(old)
    cursor.execute("SET LOCAL session_replication_role = origin")
    cursor.execute("DELETE FROM activity_logs WHERE created_at < '2020-01-01'")
    assert cursor.rowcount == 1


def test_the_chain_is_the_databases_whatever_is_given(cursor: Any) -> None:
    who = customer(cursor)
    for amount in (500, -200):
        entry(cursor, who, amount, seq=77, balance_before=-5, balance_after=9_999)
    cursor.execute(
        "SELECT seq, balance_before, balance_after FROM transaction_logs"
        " WHERE customer_id = %s ORDER BY seq",
        (who,),
    )
    assert cursor.fetchall() == [(1, 0, 500), (2, 500, 300)]
    assert balance(cursor, who) == 300


def test_an_entry_has_an_amount_and_stays_within_the_credit_limit(cursor: Any) -> None:
    who = customer(cursor, credit_limit=1_000)
    with refused(cursor, "transaction_logs_amount_not_zero_check"):
        entry(cursor, who, 0)
    entry(cursor, who, -1_000)
    with refused(cursor, "customers_balance_within_credit_check"):
        entry(cursor, who, -1)
    with refused(cursor, "customers_balance_within_credit_check"):
        cursor.execute("UPDATE customers SET credit_limit = 999 WHERE id = %s", (who,))
    with refused(cursor, "transaction_logs_customer_id_fkey"):
        entry(cursor, 999_999, 5)
    audit(cursor)


def test_an_event_is_posted_once_for_each_type(cursor: Any) -> None:
    who, other = customer(cursor), customer(cursor)
    event: dict[str, Any] = {"reference_type": "voucher", "reference_id": 7}
    entry(cursor, who, 100, **event)
    for account in (who, other):
        with refused(cursor, DUPLICATE):
            entry(cursor, account, 100, **event)
    entry(cursor, who, -100, **event | {"entry_type": "charge"})
    with refused(cursor, "transaction_logs_reference_is_whole_check"):
        entry(cursor, who, 100, reference_type="voucher")


def test_a_reversal_mirrors_one_entry_once(cursor: Any) -> None:
    rule = "transaction_logs_reversal_mirrors_entry"
    who, other = customer(cursor), customer(cursor)
    original = entry(cursor, who, 500)
    entry(cursor, other, 500)
    back: dict[str, Any] = {"entry_type": "reversal", "reverses_id": original}
    for account, amount in ((who, 500), (who, -499), (other, -500)):
        with refused(cursor, rule):
            entry(cursor, account, amount, **back)
    for values in ({"entry_type": "reversal"}, {"reverses_id": original}):
        with refused(cursor, "transaction_logs_reversal_names_entry_check"):
            entry(cursor, who, -500, **values)
    reversal = entry(cursor, who, -500, **back)
    with refused(cursor, "transaction_logs_reverses_id_key"):
        entry(cursor, who, -500, **back)
    with refused(cursor, rule):
        entry(cursor, who, 500, **back | {"reverses_id": reversal})
    assert balance(cursor, who) == 0
    audit(cursor)


def test_every_way_of_writing_keeps_the_chain(cursor: Any) -> None:
    a, b = customer(cursor), customer(cursor)
    entry(cursor, a, 1_000)
    cursor.execute(
        ENTRY + " VALUES (%s, 'adjustment', 10, 'x'), (%s, 'adjustment', 20, 'x'),"
        " (%s, 'adjustment', -5, 'x')",
        (a, b, a),
    )
    for _ in range(2):
        cursor.execute(KEYED, (a, [-100], [1]))
    cursor.execute(KEYED, (a, [-1, -2, -4, -8], [1, 2, 2, 3]))
    assert cursor.rowcount == 2
    cursor.execute("SAVEPOINT s")
    entry(cursor, a, 100_000)
    cursor.execute("ROLLBACK TO s")
    copy_entries(cursor, *[(a, 1), (b, 1)] * 50)
    cursor.execute(ENTRY + " SELECT id, 'adjustment', 3, 'x' FROM customers WHERE id = %s", (a,))
    assert balance(cursor, a) == 1_000 + 10 - 5 - 100 - 2 - 8 + 50 + 3
    assert balance(cursor, b) == 20 + 50
    assert one(cursor, "SELECT max(seq) FROM transaction_logs WHERE customer_id = %s", a) == 57
    audit(cursor)


def test_a_stale_snapshot_is_refused_and_not_lost(migrated_url: str) -> None:
    with committed(migrated_url) as cursor:
        who = customer(cursor)
    late = psycopg2.connect(migrated_url)
    late.set_session(isolation_level="REPEATABLE READ")
    with late.cursor() as stale, pytest.raises(psycopg2.errors.SerializationFailure):
        balance(stale, who)
        with committed(migrated_url) as cursor:
            entry(cursor, who, 500)
        entry(stale, who, 70)
    late.close()
    with committed(migrated_url) as cursor:
        assert balance(cursor, who) == 500
        audit(cursor)


@pytest.mark.parametrize(
    "rounds", [15, pytest.param(400, marks=pytest.mark.campaign)], ids=["short", "long"]
)
@pytest.mark.parametrize("accounts", usually_first([1, 40]))
def test_many_clients_lose_and_double_nothing(
    migrated_url: str, accounts: int, rounds: int
) -> None:
    with committed(migrated_url) as cursor:
        everyone = [customer(cursor, credit_limit=10**9) for _ in range(accounts)]

    def work(connection: Any, cursor: Any, number: int) -> Counter[str]:
        chance, done = random.Random(number), Counter[str]()
        for turn in range(rounds):
            a, b, c = sorted(chance.choices(everyone, k=3))
            done += _write(connection, cursor, (a, b, c), turn, chance)
        return done

    done = clients(migrated_url, work)
    with committed(migrated_url) as cursor:
        audit(cursor)
        there = one(cursor, "SELECT count(*) FROM transaction_logs")
        keyed = one(cursor, "SELECT count(*) FROM transaction_logs WHERE reference_id IS NOT NULL")
    print(f"{CLIENTS} clients, {accounts} customers: {dict(done)}; {there} entries, no drift")
    assert there == done["written"]
    assert (keyed, done["dropped"]) == (rounds, (CLIENTS - 1) * rounds)


def _write(
    connection: Any, cursor: Any, whose: tuple[int, int, int], turn: int, chance: Any
) -> Counter[str]:
    """Six ways of writing, each a transaction (how many entries were written)."""
    a, b, c = whose
    amount = chance.randint(1, 900)

    def keyed() -> int:
        cursor.execute(KEYED, (a, [-50], [turn]))
        return int(cursor.rowcount)

    def partly() -> None:
        entry(cursor, a, 11)
        cursor.execute("SAVEPOINT s")
        entry(cursor, b, 10_000_000)
        cursor.execute("ROLLBACK TO s")

    many = f"{ENTRY} SELECT u, 'adjustment', -3, 'x' FROM unnest(%s) u"
    until_done(lambda: entry(cursor, a, amount), connection)
    until_done(lambda: cursor.execute(many, ([a, b, c],)), connection)
    written = until_done(keyed, connection)
    until_done(partly, connection)
    until_done(lambda: copy_entries(cursor, (a, 5), (b, -6), (c, 7)), connection)
    with suppress(psycopg2.errors.SerializationFailure):
        entry(cursor, c, -77)
    connection.rollback()
    return Counter(transactions=6, written=1 + 3 + written + 1 + 3, dropped=1 - written)
