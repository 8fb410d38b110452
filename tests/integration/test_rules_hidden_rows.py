"""What row-level security hides from a role does not pass for what it should be."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from tests.support import money, samples

HIDDEN = (
    *("customers", "profiles", "vendors", "routers", "invoices", "payments"),
    "voucher_batches",
)
# Each is of another branch or customer than it says, or of an invoice that is issued.
WRITTEN = {
    "invoices_branch_of_customer": "INSERT INTO invoices (location_id, customer_id)"
    " VALUES (%(east)s, %(who)s)",
    "payments_branch_of_customer": "INSERT INTO payments (location_id, customer_id, method_id,"
    " amount) VALUES (%(east)s, %(who)s, %(method)s, 100)",
    "subscriptions_branch_of_customer": "INSERT INTO subscriptions (location_id, customer_id,"
    " profile_id, price, anchor_day, started_on, next_billing_on)"
    " VALUES (%(east)s, %(who)s, %(pppoe)s, 1, 1, '2026-01-01', '2026-01-01')",
    "voucher_batches_agree_with_branch": "INSERT INTO voucher_batches (code, quantity, location_id,"
    " profile_id, cost_price, selling_price) VALUES ('X', 1, %(east)s, %(hotspot)s, 1, 1)",
    "vouchers_agree_with_batch": "INSERT INTO vouchers (code, batch_id, location_id, profile_id,"
    " cost_price, selling_price) VALUES ('XXXXX', %(batch)s, %(east)s, %(hotspot)s, 1, 1)",
    "pppoe_users_agree_with_router": "INSERT INTO pppoe_users (username, password, customer_id,"
    " router_id, profile_id) VALUES ('x@isp', %(secret)s, %(who)s, %(far)s, %(pppoe)s)",
    "pppoe_users_subscribed_line_stays": "UPDATE pppoe_users SET customer_id = %(other)s",
    "payment_allocations_same_customer": "INSERT INTO payment_allocations (payment_id, invoice_id,"
    " amount) VALUES (%(paid)s, %(foreign)s, 10)",
    "invoice_items_issued_is_frozen": "INSERT INTO invoice_items (invoice_id, kind, description,"
    " unit_price, amount) VALUES (%(issued)s, 'other', 'x', 1, 1)",
}


def rows(cursor: Any) -> dict[str, Any]:
    """Rows of two customers in two branches."""
    place, east = money.main_office(cursor), money.branch(cursor, "EAST")
    who, other = money.customer(cursor, place), money.customer(cursor, east)
    hotspot = samples.profile(cursor, place)
    pppoe = samples.profile(cursor, place, service_type="pppoe")
    line = samples.pppoe_user(cursor, who, samples.router(cursor, place), pppoe)
    money.subscription(cursor, who, pppoe_user_id=line)
    return {
        "east": east,
        "who": who,
        "other": other,
        "method": money.method(cursor),
        "hotspot": hotspot,
        "pppoe": pppoe,
        "batch": samples.batch(cursor, hotspot),
        "far": samples.router(cursor, east),
        "secret": samples.SECRET,
        "paid": money.payment(cursor, who, 100),
        "issued": money.issued(cursor, who, 100),
        "foreign": money.issued(cursor, other, 100),
    }


@pytest.mark.only("newest")
def test_hidden_rows_let_nothing_pass(cursor: Any) -> None:
    values = rows(cursor)
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    role = f"app_{secrets.token_hex(4)}"
    cursor.execute(
        f"CREATE ROLE {role};"
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}"
    )
    for table in HIDDEN:
        cursor.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        cursor.execute(f"CREATE POLICY hidden ON {table} FOR INSERT WITH CHECK (true)")
    cursor.execute(f"SET LOCAL ROLE {role}")
    for rule, statement in WRITTEN.items():
        with money.refused(cursor, rule):
            cursor.execute(statement, values)
