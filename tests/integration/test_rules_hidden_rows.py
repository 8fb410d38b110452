"""What row-level security hides from a role does not pass for what it should be."""

from __future__ import annotations

import re
import secrets
from typing import Any

import psycopg2
import psycopg2.errors
import pytest

from application.integrity import partly_seen
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


@pytest.mark.only("newest")
def test_an_audit_says_what_it_sees_a_part_of(cursor: Any) -> None:
    assert partly_seen(cursor.connection) == [], "for a superuser no policy holds"
    cursor.execute("ALTER TABLE settings ENABLE ROW LEVEL SECURITY")
    cursor.execute(f"SET LOCAL ROLE {app(cursor, 'pg_read_all_data')}")
    assert "settings" in partly_seen(cursor.connection)


def app(cursor: Any, *grants: str) -> str:
    """A role that may do just that."""
    role = f"app_{secrets.token_hex(4)}"
    cursor.execute(f"CREATE ROLE {role}; GRANT USAGE ON SCHEMA public TO {role}")
    for grant in grants:
        cursor.execute(f"GRANT {grant} TO {role}")
    return role


# Rule: (the table with a policy, what that shows of it, what is done then).
PARTLY_HIDDEN = {
    "admin_users_last_super_admin_stays": [
        ("admin_users", "username = 'admin'", "DELETE FROM admin_users"),
        ("roles", "false", "UPDATE admin_users SET is_active = false"),
    ],
    "locations_one_is_default": [("locations", "is_default", "DELETE FROM locations")],
    "customers_subscriber_stays": [
        ("subscriptions", "false", "UPDATE customers SET location_id = {east} WHERE id = {who}"),
        ("subscriptions", "false", "UPDATE customers SET deleted_at = now()"),
    ],
    "pppoe_users_subscribed_line_stays": [
        ("subscriptions", "false", "UPDATE pppoe_users SET customer_id = {other}"),
    ],
    "roles_system_role_stays": [("admin_users", "false", "DELETE FROM roles WHERE is_system")],
}


@pytest.mark.only("newest")
@pytest.mark.parametrize(
    ("rule", "table", "seen", "statement"),
    [(rule, *case) for rule, cases in PARTLY_HIDDEN.items() for case in cases],
)
def test_a_rule_sees_what_its_caller_does_not(
    rule: str, table: str, seen: str, statement: str, cursor: Any
) -> None:
    if table == "locations":
        cursor.execute("INSERT INTO locations (code, name) VALUES ('EAST', 'East')")
        values = {}
    else:
        values = rows(cursor)
        cursor.execute(
            "INSERT INTO admin_users (username, full_name, role_id, password_hash) SELECT 'budi',"
            " 'Budi', r.id, a.password_hash FROM roles r, admin_users a WHERE r.code = 'cashier'"
        )
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    role = app(cursor, "SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public")
    cursor.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    cursor.execute(f"CREATE POLICY hidden ON {table} USING ({seen})")
    cursor.execute(f"SET LOCAL ROLE {role}")
    with money.refused(cursor, rule):
        cursor.execute(statement.format(**values))


@pytest.mark.only("newest")
def test_what_not_even_the_owner_sees_passes_no_rule(cursor: Any) -> None:
    """FORCE ROW LEVEL SECURITY, and no policy for the owner, who is no superuser."""
    values = rows(cursor)
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    owner = app(cursor)
    cursor.execute(
        f"GRANT SELECT, UPDATE ON ALL TABLES IN SCHEMA public TO {owner};"
        f"GRANT CREATE ON SCHEMA public TO {owner};"
        f"ALTER TABLE subscriptions OWNER TO {owner};"
        f"ALTER FUNCTION keep_subscriber() OWNER TO {owner};"
        "ALTER TABLE subscriptions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"
    )
    with pytest.raises(psycopg2.errors.InsufficientPrivilege, match="row-level security"):
        cursor.execute("UPDATE customers SET location_id = %(east)s WHERE id = %(who)s", values)


@pytest.mark.only("newest")
def test_sessions_that_are_hidden_end_with_their_user(cursor: Any) -> None:
    cursor.execute(
        "INSERT INTO admin_users (username, full_name, role_id, password_hash) SELECT 'budi',"
        " 'Budi', r.id, a.password_hash FROM roles r, admin_users a WHERE r.code = 'cashier';"
        "INSERT INTO user_sessions (admin_user_id, token_hash, expires_at)"
        " SELECT id, sha256(username::bytea), now() + interval '1 hour' FROM admin_users"
    )
    role = app(cursor, "SELECT (id, username), UPDATE (is_active) ON admin_users")
    cursor.execute("ALTER TABLE user_sessions ENABLE ROW LEVEL SECURITY")
    cursor.execute(f"SET LOCAL ROLE {role}")
    cursor.execute("UPDATE admin_users SET is_active = false WHERE username = 'budi'")
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; RESET ROLE")
    cursor.execute(
        "SELECT username, revoked_at IS NOT NULL FROM user_sessions s"
        " JOIN admin_users a ON a.id = s.admin_user_id ORDER BY 1"
    )
    assert cursor.fetchall() == [("admin", False), ("budi", True)]


# As a role with all rights on rows, and TRUNCATE besides: rule and statements.
AGAINST_THE_SUPER_ADMIN = {
    "roles_super_admin_keeps_permissions": [
        "UPDATE roles SET permissions = '{}' WHERE code = 'super_admin'",
        "UPDATE roles SET permissions = permissions[2:] || '{x.y}' WHERE code = 'super_admin'",
        "UPDATE roles SET permissions = '{}'",
        "INSERT INTO roles (code, name, is_system) VALUES ('super_admin', 'x', true)"
        " ON CONFLICT (code) DO UPDATE SET permissions = '{}'",
        "MERGE INTO roles r USING (SELECT 1) s ON r.code = 'super_admin'"
        " WHEN MATCHED THEN UPDATE SET permissions = '{}'",
        "UPDATE roles SET code = 'x', permissions = '{}' WHERE code = 'super_admin'",
    ],
    "admin_users_role_id_fkey": ["UPDATE roles SET id = id + 1000"],
    "admin_users_last_super_admin_stays": [
        "DELETE FROM admin_users",
        "UPDATE admin_users SET role_id = (SELECT max(id) FROM roles)",
        "DELETE FROM admin_users; DELETE FROM roles",
    ],
    # CASCADE comes to the tables that are append-only
    "transaction_logs_append_only": ["TRUNCATE admin_users CASCADE", "TRUNCATE roles CASCADE"],
}


@pytest.mark.only("newest")
@pytest.mark.parametrize(
    ("rule", "statement"),
    [(rule, attack) for rule, attacks in AGAINST_THE_SUPER_ADMIN.items() for attack in attacks],
)
def test_the_super_admin_stays_and_keeps_the_permissions(
    rule: str, statement: str, cursor: Any
) -> None:
    rights = "SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA public"
    role = app(cursor, rights)
    cursor.execute(f"SET LOCAL ROLE {role}")
    with money.refused(cursor, rule):
        cursor.execute(statement)
    cursor.execute("UPDATE roles SET permissions = permissions || '{x.y}'")
    cursor.execute("UPDATE roles SET permissions = '{}' WHERE code = 'cashier'")
    cursor.execute("RESET ROLE")
    cursor.execute("UPDATE roles SET permissions = '{}' WHERE code = 'super_admin'")
    cursor.execute("DELETE FROM admin_users; SET CONSTRAINTS ALL IMMEDIATE")  # as undoing 002 does


@pytest.mark.only("newest")
def test_nobody_calls_what_has_the_rights_of_its_owner(cursor: Any) -> None:
    """Else a trigger of one's own would run it, on a table of one's own."""
    cursor.execute(
        "SELECT proname, proconfig::text, proacl::text FROM pg_proc"
        " WHERE prosecdef AND pronamespace = 'public'::regnamespace"
    )
    definers = cursor.fetchall()
    assert len(definers) >= 7
    assert "acting_branches" in {name for name, _, _ in definers}  # it is in every policy
    for name, settings, rights in definers:
        assert "search_path=" in settings, name
        assert "row_security=off" in settings, name
        if name == "acting_branches":
            continue
        assert rights is not None, name
        assert re.findall(r"[{,](=[^,}]*)", rights) == [], name
