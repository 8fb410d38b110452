"""Vouchers: printed month by month, sold by the branch and its resellers, used and run out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import TYPE_CHECKING

from demo import payments, staff, tokens
from demo.customers import Person
from demo.ledger import post
from demo.moments import DAY, HOUR, add_months
from demo.network import Product, synchronised
from demo.world import Branch
from domains.customers.models import TransactionLogEntryType
from domains.mikrotik.models import Voucher, VoucherBatch, VoucherStatus

if TYPE_CHECKING:
    from demo.story import Story

# How many vouchers a customer's branch prints in a month, and how they spread over the products.
A_CUSTOMER = 0.25
SPREAD = (0.40, 0.35, 0.17, 0.08)
FEWEST = 6
SHARE_USED = 0.88
SHARE_DISABLED = 0.015
DAYS_TO_SELL = 50
SHARE_KNOWN = 0.6
# The router takes a voucher out within minutes of its end.
EXPIRED_WITHIN = 10 * 60


@dataclass
class Batch:
    """Vouchers printed together."""

    code: str
    prefix: str
    quantity: int
    product: Product
    id: int = 0


def begin(story: Story) -> None:
    """Await the first month's printing in every branch."""
    for branch in story.branches:
        _await(story, branch, story.plan.start, 0)


def _await(story: Story, branch: Branch, month: date, number: int) -> None:
    moment = branch.zone.moment(month, 7 * HOUR + 20 * branch.id)
    story.at(moment, _print, branch, number)


def _print(story: Story, moment: int, branch: Branch, number: int) -> None:
    """Print the vouchers of a month; hotspot customers will take some of them."""
    _await(story, branch, add_months(story.plan.start, number + 1, 1), number + 1)
    buyers = iter(list(branch.guests))
    wanted = story.plan.customers * branch.share * A_CUSTOMER
    for place, (product, share) in enumerate(zip(branch.passes, SPREAD, strict=True)):
        chance = story.plan.chance("vouchers", branch.code, number, place)
        author = chance.choice(branch.staff)
        batch = Batch(
            code=f"{branch.code}-{number + 1:02}-{place + 1}",
            prefix=branch.code[:8],
            quantity=max(FEWEST, int(wanted * share)),
            product=product,
        )
        batch.id = story.book[VoucherBatch].add(
            location=branch.id,
            profile=product.id,
            vendor=chance.choice(branch.vendors) if place % 2 else None,
            code=batch.code,
            prefix=batch.prefix,
            quantity=batch.quantity,
            cost_price=product.cost,
            selling_price=product.price,
            created_by=author.id,
            created_at=moment,
        )
        staff.did(story, moment, branch, author, "vouchers.write", "voucher_batch", batch.id)
        for _ in range(batch.quantity):
            _voucher(story, moment, chance, branch, batch, buyers)


def _voucher(
    story: Story,
    moment: int,
    chance: Random,
    branch: Branch,
    batch: Batch,
    buyers: Iterator[Person],
) -> None:
    """A voucher as it is at the end of the history."""
    product, sheet = batch.product, story.book[Voucher]
    used_at = moment + HOUR + int(chance.random() ** 1.5 * DAYS_TO_SELL * DAY)
    expires_at = used_at + product.seconds
    status = _status(story, chance.random(), used_at, expires_at)
    is_used = status in (VoucherStatus.USED, VoucherStatus.EXPIRED)
    buyer = next(buyers, None) if is_used and chance.random() < SHARE_KNOWN else None
    voucher = sheet.add(
        batch=batch.id,
        location=branch.id,
        profile=product.id,
        customer=buyer.id if buyer else None,
        code=batch.prefix + tokens.code(sheet.last_id + 1, story.first_code),
        status=status,
        cost_price=product.cost,
        selling_price=product.price,
        created_at=moment,
        **(_times(story, used_at, expires_at) if is_used else {}),
        **synchronised(chance),
    )
    if buyer:
        story.at(used_at, _sell, buyer, voucher, product, chance.random())


def _times(story: Story, used_at: int, expires_at: int) -> dict[str, int]:
    updated = expires_at if expires_at < story.now else used_at
    return {"used_at": used_at, "expires_at": expires_at, "updated_at": updated}


def _status(story: Story, luck: float, used_at: int, expires_at: int) -> VoucherStatus:
    if luck < SHARE_DISABLED:
        return VoucherStatus.DISABLED
    if luck > SHARE_DISABLED + SHARE_USED or used_at >= story.now:
        return VoucherStatus.UNUSED
    over = expires_at < story.now - EXPIRED_WITHIN
    return VoucherStatus.EXPIRED if over else VoucherStatus.USED


def _sell(
    story: Story, moment: int, person: Person, voucher: int, product: Product, luck: float
) -> None:
    """A customer pays for a voucher at the counter, through the balance."""
    cashier = person.branch.cashiers[int(luck * len(person.branch.cashiers))]
    payments.top_up(story, moment, person, product.price, cashier)
    post(
        story,
        moment,
        person,
        TransactionLogEntryType.CHARGE,
        -product.price,
        f"Voucher {product.name}",
        reference_type="voucher",
        reference_id=voucher,
    )
