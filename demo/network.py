"""A branch's network: its routers, what is sold on them, the number that messages leave from."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from demo import names, tokens
from demo.moments import DAY, HOUR
from domains.mikrotik.models import (
    Profile,
    ProfileDurationUnit,
    Router,
    RouterStatus,
    ServiceType,
    SyncState,
)
from domains.whatsapp.models import WhatsappSession, WhatsappSessionStatus

if TYPE_CHECKING:
    from demo.plan import Plan
    from demo.sheets import Book
    from demo.world import Branch

# Name, megabits a second, rupiah a month.
LINES = (
    ("Home 10", 10, 150_000),
    ("Home 20", 20, 200_000),
    ("Home 30", 30, 250_000),
    ("Home 50", 50, 350_000),
    ("Bisnis 100", 100, 600_000),
)
# Name, duration, its unit, rupiah.
PASSES = (
    ("3 Jam", 3, ProfileDurationUnit.HOUR, 2_000),
    ("1 Hari", 1, ProfileDurationUnit.DAY, 5_000),
    ("7 Hari", 7, ProfileDurationUnit.DAY, 20_000),
    ("30 Hari", 30, ProfileDurationUnit.DAY, 60_000),
)
SECONDS = {ProfileDurationUnit.HOUR: HOUR, ProfileDurationUnit.DAY: DAY}
CUSTOMERS_A_ROUTER = 1_500
UNANSWERED = "router did not answer"


@dataclass(frozen=True)
class Product:
    """A profile. price, cost: rupiah. seconds: how long a voucher lasts; 0 for a line."""

    id: int
    name: str
    price: int
    cost: int
    seconds: int = 0


def build(book: Book, branch: Branch, plan: Plan, created: int) -> None:
    """Add routers, products and the WhatsApp session of a branch."""
    now = branch.zone.moment(plan.today)
    for number in range(1, 2 + int(plan.customers * branch.share) // CUSTOMERS_A_ROUTER):
        branch.routers.append(_router(book, branch, plan, created, now, number))
    for name, speed, price in LINES:
        branch.lines.append(_line(book, branch, created, name, speed, price))
    for name, duration, unit, price in PASSES:
        branch.passes.append(_pass(book, branch, created, name, duration, unit, price))
    sheet = book[WhatsappSession]
    branch.session = sheet.add(
        location=branch.id,
        name=f"WhatsApp {branch.city}",
        phone=names.phone(plan.chance("session", branch.code), branch.id, 20_000_000),
        status=WhatsappSessionStatus.CONNECTED,
        credentials=tokens.envelope(f"{plan.seed}/session/{branch.code}", sheet.last_id + 1),
        is_default=True,
        last_activity_at=now,
        created_at=created,
    )


def synchronised(chance: Random) -> dict[str, Any]:
    """Whether a router has a voucher or an account as it is here; most are."""
    luck = chance.random()
    if luck < 0.004:
        return {"sync_state": SyncState.FAILED, "sync_error": UNANSWERED}
    return {"sync_state": SyncState.PENDING if luck < 0.012 else SyncState.SYNCED}


def _router(book: Book, branch: Branch, plan: Plan, created: int, now: int, number: int) -> int:
    silent = number % 7 == 2
    sheet = book[Router]
    return sheet.add(
        location=branch.id,
        name=f"{branch.code}-RTR{number:02}",
        host=f"10.{branch.id % 250}.{number % 250}.1",
        api_username="billing",
        api_password=tokens.envelope(
            f"{plan.seed}/router/{branch.code}/{number}", sheet.last_id + 1
        ),
        status=RouterStatus.OFFLINE if silent else RouterStatus.ONLINE,
        last_seen_at=now - (2 * DAY if silent else number % 300),
        last_error="connection timed out" if silent else None,
        created_at=created,
    )


def _line(book: Book, branch: Branch, created: int, name: str, speed: int, price: int) -> Product:
    cost = price * 55 // 100
    identity = book[Profile].add(
        location=branch.id,
        name=name,
        service_type=ServiceType.PPPOE,
        cost_price=cost,
        selling_price=price,
        duration=1,
        duration_unit=ProfileDurationUnit.MONTH,
        rate_limit=f"{speed // 2}M/{speed}M",
        mikrotik_name=f"pppoe-{speed}m",
        created_at=created,
    )
    return Product(identity, name, price, cost)


def _pass(
    book: Book,
    branch: Branch,
    created: int,
    name: str,
    duration: int,
    unit: ProfileDurationUnit,
    price: int,
) -> Product:
    cost = price * 40 // 100
    identity = book[Profile].add(
        location=branch.id,
        name=f"Voucher {name}",
        service_type=ServiceType.HOTSPOT,
        cost_price=cost,
        selling_price=price,
        duration=duration,
        duration_unit=unit,
        rate_limit="3M/5M",
        mikrotik_name=f"hotspot-{duration}{unit[0]}",
        created_at=created,
    )
    return Product(identity, name, price, cost, duration * SECONDS[unit])
