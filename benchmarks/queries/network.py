"""The queries that run all day: vouchers and PPPoE accounts."""

from __future__ import annotations

from benchmarks.queries.query import NOW, Query

QUERIES = (
    Query(
        "voucher by code",
        "SELECT id, status, profile_id, expires_at FROM vouchers WHERE code = %(code)s",
        "SELECT code FROM vouchers ORDER BY id DESC OFFSET 5 LIMIT 1",
        "vouchers_code_key",
        8,
        "295 ms → 4 pages",
    ),
    Query(
        "vouchers to expire",
        """
        SELECT id FROM vouchers WHERE status = 'used' AND expires_at <= %(now)s
        ORDER BY expires_at LIMIT 100
        """,
        f"SELECT {NOW} + interval '1 day' AS now",
        "vouchers_to_expire_idx",
        120,
        "331 → 0.16 ms",
    ),
    Query(
        "unused stock of a location and profile",
        """
        SELECT count(*) FROM vouchers
        WHERE status = 'unused' AND location_id = %(location)s AND profile_id = %(profile)s
        """,
        """
        SELECT location_id AS location, profile_id AS profile FROM vouchers
        WHERE status = 'unused' GROUP BY 1, 2 ORDER BY count(*), 1, 2 LIMIT 1
        """,
        "vouchers_stock_idx",
        400,
    ),
    Query(
        "PPPoE accounts to isolate",
        """
        SELECT id, router_id, username FROM pppoe_users
        WHERE status = 'active' AND expires_at <= %(now)s ORDER BY expires_at LIMIT 100
        """,
        f"SELECT {NOW} + interval '1 day' AS now",
        "pppoe_users_to_isolate_idx",
        120,
    ),
    Query(
        "PPPoE account by router and name",
        """
        SELECT id, status, profile_id FROM pppoe_users
        WHERE router_id = %(router)s AND lower(username) = lower(%(name)s)
        """,
        "SELECT router_id AS router, username AS name FROM pppoe_users ORDER BY id DESC LIMIT 1",
        "pppoe_users_router_id_username_key",
        8,
        held="""
        SELECT id, status, profile_id FROM pppoe_users
        WHERE id = (SELECT find_pppoe_user(%(router)s, %(name)s))
        """,
    ),
    Query(
        "PPPoE accounts to send to a router",
        """
        SELECT id, username, status FROM pppoe_users
        WHERE router_id = %(router)s AND sync_state <> 'synced' LIMIT 100
        """,
        "SELECT router_id AS router FROM pppoe_users WHERE sync_state <> 'synced' LIMIT 1",
        "pppoe_users_to_sync_idx",
        120,
    ),
)
