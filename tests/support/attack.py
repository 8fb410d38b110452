"""Statements drawn from the registry: for every table and column, values at every edge, in every
way to write. What is lawful is done, what is not must be refused; the audit tells."""

from __future__ import annotations

import csv
import io
import json
import random
from collections import Counter
from contextlib import closing, suppress
from typing import Any

import psycopg2
from peewee import (
    BlobField,
    BooleanField,
    DateField,
    ForeignKeyField,
    JSONField,
    TextField,
)
from psycopg2 import extensions

import registry
from kernel.fields import (
    DateRangeField,
    EnumField,
    InetField,
    MacField,
    MoneyField,
    TextArrayField,
    TimestampField,
)
from kernel.secret_fields import SecretField

LEVELS = (
    extensions.ISOLATION_LEVEL_READ_COMMITTED,
    extensions.ISOLATION_LEVEL_REPEATABLE_READ,
    extensions.ISOLATION_LEVEL_SERIALIZABLE,
)
TEXTS = (
    *("", " ", "\u200b", "\u202e", "x", "X" * 300, "x" * 100_000, "Siti", "ستي", "四", "a\nb"),
    *("08123", "628123456789", "cash", "duitku", "Duitku", "MAIN", "'; DROP TABLE customers; --"),
)
MOMENTS = (
    *("now", "infinity", "-infinity", "20206-11-27", "2001-01-01", "1999-12-31", "2100-01-01"),
    *("tomorrow", "yesterday", "2026-11-27 10:00+07", "294276-01-01"),
)
DAYS = ("today", "infinity", "2026-01-31", "20206-11-27", "2001-02-03", "4000-01-01", "tomorrow")
AMOUNTS = (0, 1, -1, 60, 100, 100, 100, 150, 10**12, 10**15, 10**15 + 1, 2**63 - 1, -(2**63))
RANGES = (
    "empty",
    "[2026-01-01,2026-02-01)",
    "[2026-01-15,2026-03-01)",
    "[,)",
    "[2026-01-01,infinity)",
)
DOCUMENTS = ({}, [], None, "x", 5, {"pin": 1}, {"a": [{"apiKey": "x"}]}, {"k": "x" * 200_000})
# What people do all day, so that rows get into every state; {name} is some row of that table.
LAWFUL = (
    "UPDATE invoices SET status = 'open', due_on = '2026-12-01', subtotal = s.a, discount = s.d,"
    " tax = s.t, total = s.a - s.d + s.t FROM (SELECT sum(amount) a, sum(discount) d, sum(tax) t"
    " FROM invoice_items WHERE invoice_id = {invoices}) s WHERE id = {invoices}",
    "INSERT INTO invoice_items (invoice_id, kind, description, unit_price, amount) VALUES"
    " ({invoices}, 'other', 'x', 100, 100)",
    "INSERT INTO payment_allocations (payment_id, invoice_id, amount) SELECT p.id, i.id, least("
    "p.amount - p.allocated - p.refunded, i.total - i.paid) FROM payments p JOIN invoices i"
    " USING (customer_id) WHERE i.id = {invoices} ORDER BY random() LIMIT 1",
    "INSERT INTO payments (location_id, customer_id, method_id, amount, status, paid_at) SELECT"
    " location_id, id, {payment_methods}, 100, 'paid', now() FROM customers WHERE id = {customers}",
    "INSERT INTO invoices (location_id, customer_id) SELECT location_id, id FROM customers"
    " WHERE id = {customers}",
    "INSERT INTO payment_links (invoice_id, token_hash, amount, expires_at) SELECT id,"
    " sha256(random()::text::bytea), total - paid, '2027-01-01' FROM invoices"
    " WHERE id = {invoices}",
    "UPDATE payments SET refunded = refunded + 30 WHERE id = {payments}",
    "UPDATE payments SET status = 'refunded' WHERE id = {payments}",
    "UPDATE invoices SET status = 'void' WHERE id = {invoices}",
    "DELETE FROM payment_allocations WHERE id = {payment_allocations}",
    "UPDATE vouchers SET status = 'used', used_at = now() WHERE id = {vouchers}",
    "INSERT INTO transaction_logs (customer_id, entry_type, amount, description) VALUES"
    " ({customers}, 'top_up', 100, 'x'), ({customers}, 'adjustment', -50, 'x')",
    "INSERT INTO transaction_logs (customer_id, entry_type, amount, description, reverses_id)"
    " SELECT customer_id, 'reversal', -amount, 'x', id FROM transaction_logs"
    " WHERE id = {transaction_logs}",
    "INSERT INTO transaction_logs (customer_id, entry_type, amount, description, reference_type,"
    " reference_id) SELECT customer_id, 'adjustment', 30, 'x', 'invoice_credit', id FROM invoices"
    " WHERE id = {invoices}",
    "UPDATE customers SET location_id = {locations} WHERE id = {customers}",
    "UPDATE subscriptions SET status = 'suspended' WHERE id = {subscriptions}",
    "UPDATE subscriptions SET status = 'ended', ended_on = started_on, next_billing_on = NULL"
    " WHERE id = {subscriptions}",
    "UPDATE locations SET code = 'X' || id, timezone = 'Asia/Jayapura' WHERE id = {locations}",
    "WITH a AS (DELETE FROM payment_allocations WHERE id = {payment_allocations}"
    " RETURNING payment_id, invoice_id, amount) INSERT INTO payment_allocations (payment_id,"
    " invoice_id, amount) SELECT * FROM a",
    "UPDATE subscriptions SET status = 'active' WHERE id = {subscriptions}",
    "UPDATE subscriptions SET pppoe_user_id = {pppoe_users} WHERE id = {subscriptions}",
    "UPDATE pppoe_users SET customer_id = {customers} WHERE id = {pppoe_users}",
    "UPDATE payments SET disputed_at = now() WHERE id = {payments}",
    "UPDATE payments SET status = 'paid', paid_at = now() WHERE id = {payments}",
    "UPDATE invoices SET status = 'paid', paid_at = now() WHERE id = {invoices}",
    "UPDATE customers SET deleted_at = now() WHERE id = {customers}",
    "UPDATE locations SET is_default = id = {locations}",
    "UPDATE admin_users SET is_active = NOT is_active WHERE id = {admin_users}",
    "UPDATE admin_users SET role_id = {roles} WHERE id = {admin_users}",
    "UPDATE vouchers SET status = 'expired' WHERE id = {vouchers}",
    "UPDATE vouchers SET status = 'disabled' WHERE id = {vouchers}",
    "SET CONSTRAINTS ALL IMMEDIATE",
    "TRUNCATE {table}",
    "TRUNCATE {table} CASCADE",
)
# From PostgreSQL 15 on.
MERGES = (
    "MERGE INTO payments p USING (SELECT {payments} AS id) s ON p.id = s.id"
    " WHEN MATCHED THEN UPDATE SET refunded = p.refunded + 10",
    "MERGE INTO payment_allocations a USING (SELECT {payment_allocations} AS id) s ON a.id = s.id"
    " WHEN MATCHED THEN DELETE",
    "MERGE INTO payment_allocations a USING (SELECT p.id, i.id AS invoice FROM payments p"
    " JOIN invoices i USING (customer_id) WHERE p.id = {payments}) s"
    " ON (a.payment_id, a.invoice_id) = (s.id, s.invoice)"
    " WHEN NOT MATCHED THEN INSERT (payment_id, invoice_id, amount) VALUES (s.id, s.invoice, 20)"
    " WHEN MATCHED THEN DELETE",
    "MERGE INTO invoice_items i USING (SELECT {invoices} AS id) s ON i.invoice_id = s.id"
    " WHEN MATCHED THEN UPDATE SET unit_price = 50, amount = 50",
)

# Refusals, and statements that make no sense to PostgreSQL itself: TRUNCATE of what others refer
# to, a MERGE or an ON CONFLICT that meets a row twice.
FORESEEN = (
    psycopg2.IntegrityError,
    psycopg2.DataError,
    psycopg2.NotSupportedError,
    psycopg2.errors.CardinalityViolation,
)


def _models() -> dict[str, Any]:
    loaded = registry.load().domains
    return {model._meta.table_name: model for domain in loaded for model in domain.tables}


def make_views(cursor: Any) -> None:
    """A view of each table, through which it can be written."""
    for table in _models():
        cursor.execute(f'CREATE VIEW "view_{table}" AS SELECT * FROM "{table}"')


class Attacker:
    """One client that draws transactions from a seed. counts: what became of its statements.
    slips: errors that are no refusal, so of a rule that was not written for what it met."""

    def __init__(self, url: str, seed: int) -> None:
        self.url = url
        self.chance = random.Random(seed)
        self.counts: Counter[str] = Counter()
        self.slips: list[str] = []
        self.models = _models()

    def run(self, rounds: int) -> Counter[str]:
        """Run so many transactions, on a new connection after each that was killed."""
        done = 0
        while done < rounds:
            options = "-c deadlock_timeout=50ms"
            with closing(psycopg2.connect(self.url, options=options)) as connection:
                while done < rounds and not connection.closed:
                    done += 1
                    self._transaction(connection)
        return self.counts

    def _transaction(self, connection: Any) -> None:
        try:
            connection.set_session(isolation_level=self.chance.choice(LEVELS))
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '1s'")
                if self.chance.random() < 0.05:
                    cursor.execute(f"SET LOCAL statement_timeout = '{self.chance.randint(1, 9)}ms'")
                for _ in range(self.chance.randint(1, 6)):
                    self._step(cursor)
                if self.chance.random() < 0.02:
                    cursor.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname ="
                        " current_database() AND backend_type = 'client backend' AND"
                        " application_name = 'attack' ORDER BY random() LIMIT 1"
                    )
            if self.chance.random() < 0.9:
                connection.commit()
                self.counts["committed"] += 1
            else:
                connection.rollback()
        except psycopg2.Error as error:
            self.counts[type(error).__name__] += 1
            with suppress(psycopg2.Error):  # it may have been killed
                connection.rollback()

    def _step(self, cursor: Any) -> None:
        """One statement in a savepoint, which is mostly kept."""
        cursor.execute("SAVEPOINT step")
        try:
            if self.chance.random() < 0.05:
                self._copy(cursor)
            else:
                cursor.execute(*self._statement(cursor))
            self.counts["done"] += cursor.rowcount > 0
            if self.chance.random() < 0.1:
                cursor.execute("ROLLBACK TO step")
        except psycopg2.OperationalError:  # the whole transaction is over, or the connection
            raise
        except psycopg2.Error as error:
            self.counts[type(error).__name__] += 1
            if not isinstance(error, FORESEEN):
                self.slips.append(str(error))
            cursor.execute("ROLLBACK TO step")

    def _statement(self, cursor: Any) -> tuple[str, Any]:
        if self.chance.random() < 0.6:
            merges = MERGES if cursor.connection.server_version >= 150000 else ()
            text = self.chance.choice(LAWFUL + merges)
            if "{table}" in text and self.chance.random() < 0.9:
                text = LAWFUL[0]
            names = {
                name: self._some(cursor, name) for name in self.models if f"{{{name}}}" in text
            }
            return text.format(table=self.chance.choice(list(self.models)), **names), None
        table, model = self.chance.choice(list(self.models.items()))
        fields = [f for f in model._meta.sorted_fields if f.column_name != "id"]
        place = f"view_{table}" if self.chance.random() < 0.2 else table
        kind = self.chance.random()
        if kind < 0.1:
            return f'DELETE FROM "{place}" WHERE id = %s', [self._some(cursor, table)]
        if kind < 0.5:
            return self._insert(cursor, place, table, fields)
        if kind < 0.52:  # a key that moves
            return f'UPDATE "{place}" SET id = -id WHERE id = %s', [self._some(cursor, table)]
        if kind < 0.55:  # all rows at once
            drawn = self.chance.choice(fields)
            return f'UPDATE "{place}" SET "{drawn.column_name}" = %s', [self._value(cursor, drawn)]
        chosen = self.chance.sample(fields, min(len(fields), self.chance.randint(1, 3)))
        columns = ", ".join(f'"{field.column_name}" = %s' for field in chosen)
        values = [self._value(cursor, field) for field in chosen]
        return f'UPDATE "{place}" SET {columns} WHERE id = %s', [*values, self._some(cursor, table)]

    def _insert(
        self, cursor: Any, place: str, table: str, fields: list[Any]
    ) -> tuple[str, list[Any]]:
        """A row like one that is there, with some of its columns drawn."""
        columns, parts, values = [], [], []
        for field in fields:
            columns.append(f'"{field.column_name}"')
            if self.chance.random() < 0.2:
                parts.append("%s")
                values.append(self._value(cursor, field))
            else:
                parts.append(f'old."{field.column_name}"')
        ending = self.chance.choice(["", "", " ON CONFLICT DO NOTHING", " ON CONFLICT (id)"])
        if ending == " ON CONFLICT (id)":
            # every such row is there, so each is updated
            changed = self.chance.choice(columns)
            ending += f" DO UPDATE SET {changed} = EXCLUDED.{changed}"
            columns.append("id")
            parts.append("old.id")
        return (
            f'INSERT INTO "{place}" ({", ".join(columns)}) SELECT {", ".join(parts)}'
            f' FROM "{table}" old WHERE id = %s{ending}',
            [*values, self._some(cursor, table)],
        )

    def _copy(self, cursor: Any) -> None:
        """A row that is there, copied beside itself with one value changed."""
        table, model = self.chance.choice(list(self.models.items()))
        fields = [f for f in model._meta.sorted_fields if f.column_name != "id"]
        drawn = self.chance.choice(fields)
        parts = ["%s" if field is drawn else f'"{field.column_name}"::text' for field in fields]
        cursor.execute(
            f'SELECT {", ".join(parts)} FROM "{table}" WHERE id = %s',
            [self._value(cursor, drawn), self._some(cursor, table)],
        )
        lines = io.StringIO()
        csv.writer(lines).writerows(cursor.fetchall())
        lines.seek(0)
        names = ", ".join(f'"{field.column_name}"' for field in fields)
        cursor.copy_expert(f'COPY "{table}" ({names}) FROM STDIN (FORMAT csv)', lines)

    def _some(self, cursor: Any, table: str) -> int:
        cursor.execute(f'SELECT id FROM "{table}" ORDER BY random() LIMIT 1')
        row = cursor.fetchone()
        return int(row[0]) if row and self.chance.random() < 0.97 else self.chance.choice((0, -1))

    def _value(self, cursor: Any, field: Any) -> Any:
        choice = self.chance.choice
        if self.chance.random() < 0.1:
            return None
        match field:
            case ForeignKeyField():
                return self._some(cursor, field.rel_model._meta.table_name)
            case EnumField():
                return str(choice(list(field.enum)))
            case TimestampField():
                return choice(MOMENTS)
            case DateField():
                return choice(DAYS)
            case MoneyField():
                return choice(AMOUNTS)
            case BooleanField():
                return choice((True, False))
            case DateRangeField():
                return choice(RANGES)
            case JSONField():
                return json.dumps(choice(DOCUMENTS))
            case SecretField() | BlobField():
                return choice((b"", b"\x01" + bytes(40), bytes(32), bytes(10_000)))
            case TextArrayField():
                return choice(([], ["a.b"], ["x"], ["a.b", "'"]))
            case InetField():
                return choice(("10.0.0.1", "::1", "10.0.0.0/8", "x"))
            case MacField():
                return choice(("08:00:2b:01:02:03", "x"))
            case TextField():
                return choice(TEXTS)
            case _:
                return choice((0, 1, -1, 5, 31, 32, 100, 32_767, 2**31 - 1, 2**63 - 1))
