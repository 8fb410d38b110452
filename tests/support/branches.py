"""Two branches, with somebody who works in each, somebody who works in both, and their sessions."""

from __future__ import annotations

from contextlib import closing

import psycopg2

from engine.files import key_table
from tests.support import as_app, two_branches

KEY = "5a" * 32
# Who works in one branch has a role without permissions elsewhere.
STAFF = """
    INSERT INTO roles (code, name, permissions) VALUES ('nobody', 'Nobody', '{}');
    INSERT INTO admin_users (username, full_name, role_id, password_hash)
    SELECT v.name, v.name, r.id, a.password_hash
    FROM (VALUES ('west', 'nobody'), ('east', 'nobody'), ('idle', 'nobody')) v (name, role)
    JOIN roles r ON r.code = v.role, admin_users a WHERE a.username = 'admin';
    INSERT INTO location_users (location_id, admin_user_id, role_id)
    SELECT l.id, a.id, r.id FROM locations l
    JOIN admin_users a ON a.username = CASE l.code WHEN 'MAIN' THEN 'west' ELSE 'east' END
    JOIN roles r ON r.code = 'cashier';
    INSERT INTO user_sessions (admin_user_id, token_hash, expires_at)
    SELECT id, sha256(username::bytea), now() + interval '1 day' FROM admin_users;
    INSERT INTO settings (location_id, key, value, type, category, description)
    SELECT id, 'sign', '"x"', 'string', 'shop', 'Over the door.' FROM locations;
    INSERT INTO activity_logs (username, action, location_id)
    SELECT 'system', 'shop.opened', id FROM locations;
    INSERT INTO whatsapp_messages (session_id, direction, recipient, body)
    SELECT id, 'outbound', '628123456789', 'Halo' FROM whatsapp_sessions;
    INSERT INTO payment_links (invoice_id, token_hash, amount, expires_at)
    SELECT id, sha256(number::bytea), total - paid, now() + interval '1 day'
    FROM invoices WHERE status = 'open';
    INSERT INTO payment_allocations (payment_id, invoice_id, amount)
    SELECT DISTINCT ON (p.id) p.id, i.id, 10
    FROM payments p JOIN invoices i USING (customer_id) WHERE i.status = 'open';
    INSERT INTO payment_events (provider, event_key, signature_ok, payload, payment_id)
    SELECT 'duitku', 'e' || id, true, '{}', id FROM payments;
"""


def furnish(url: str, *, on: bool) -> None:
    """Fill a migrated database, and turn branches on."""
    as_app.grant(url)
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        two_branches.populate(cursor)
        cursor.execute(STAFF)
        if on:
            key_table.keep(cursor, "branches", KEY)


def sessions(url: str) -> dict[str, int]:
    """User name to the identity of their session."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT username, s.id FROM user_sessions s"
            " JOIN admin_users a ON a.id = s.admin_user_id WHERE revoked_at IS NULL"
        )
        return dict(cursor.fetchall())
