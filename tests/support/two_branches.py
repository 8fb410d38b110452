"""An ISP with two branches, to be attacked."""

from __future__ import annotations

from typing import Any

from tests.support import money, samples


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
