"""Customers sign up, one after the other."""

from __future__ import annotations

from datetime import date, timedelta
from ipaddress import IPv4Address
from random import Random
from typing import TYPE_CHECKING

from demo import invoices, messages, names, payments, staff, standing, tokens
from demo.attempts import DAYS_TO_PAY, Way
from demo.bills import DAYS_OF_GRACE, bills
from demo.customers import Outlook, Person, Subscriber, foresee
from demo.ledger import post
from demo.moments import DAY, HOUR, add_months
from demo.network import synchronised
from domains.billing.models import SubscriptionCycle
from domains.billing.periods import MONTHS
from domains.customers.models import Customer, CustomerStatus, TransactionLogEntryType
from domains.mikrotik.models import PppoeUser, PppoeUserStatus

if TYPE_CHECKING:
    from demo.plan import Plan
    from demo.story import Story

SHARE_BEFORE = 0.7
SHARE_HOTSPOT = 0.2
DAYS_BEFORE = 730
DAYS_ISOLATED = 30
GUEST_BONUS = 10_000
FIRST_ADDRESS = IPv4Address("100.64.0.0")
CYCLES = (SubscriptionCycle.MONTHLY,) * 46 + (
    SubscriptionCycle.QUARTERLY,
    SubscriptionCycle.QUARTERLY,
    SubscriptionCycle.HALF_YEARLY,
    SubscriptionCycle.YEARLY,
)
WAYS = (Way.GATEWAY,) * 9 + (Way.TRANSFER,) * 5 + (Way.COUNTER,) * 4 + (Way.RESELLER,) * 2


def begin(story: Story) -> None:
    """Await the first customer."""
    story.at(_comes_at(story, 0), sign_up, 0)


def sign_up(story: Story, moment: int, index: int) -> None:
    """The index-th customer signs up, and the next one is awaited."""
    if index + 1 < story.plan.customers:
        story.at(_comes_at(story, index + 1), sign_up, index + 1)
    chance = story.plan.chance("customer", index)
    shares = [branch.share for branch in story.branches]
    branch = chance.choices(story.branches, shares)[0]
    branch.customers += 1
    day = min(branch.zone.day(moment), story.plan.today - timedelta(1))
    created = branch.zone.moment(day, 8 * HOUR + int(chance.random() * 9 * HOUR))
    name = names.person(chance)
    mail = names.mail(chance, name, index) if chance.random() < 0.35 else None
    phone = names.phone(chance, index, story.first_phone)
    code = f"{branch.code}-{branch.customers:06}"
    person = Person(index, branch, code, name, phone, mail)
    if chance.random() < SHARE_HOTSPOT:
        _guest(story, created, chance, person)
    else:
        _subscriber(story, created, chance, person, day)
    if created >= story.begins:
        member = chance.choice(branch.staff)
        staff.did(story, created, branch, member, "customers.write", "customer", person.id)


def _comes_at(story: Story, index: int) -> int:
    """Most were there before the history begins; the others come evenly during it."""
    before = int(story.plan.customers * SHARE_BEFORE)
    if index < before:
        return story.begins - DAYS_BEFORE * DAY * (before - index) // before
    share = (index - before) / (story.plan.customers - before)
    return story.begins + int(share * (story.now - story.begins))


def _guest(story: Story, created: int, chance: Random, person: Person) -> None:
    """Someone who buys vouchers, from a balance or at the counter."""
    credit = chance.choice((0, 0, 20_000, 50_000)) if created >= story.begins else 0
    bonus = GUEST_BONUS if credit and chance.random() < 0.3 else 0
    _add(story, created, chance, person, CustomerStatus.ACTIVE, credit + bonus)
    person.branch.guests.append(person)
    cashier = chance.choice(person.branch.cashiers)
    if credit:
        payments.top_up(story, created, person, credit, cashier)
    if bonus:
        kind = TransactionLogEntryType.ADJUSTMENT
        post(story, created, person, kind, bonus, "Bonus pelanggan baru", created_by=cashier.id)


def _subscriber(story: Story, created: int, chance: Random, person: Person, day: date) -> None:
    """Someone with a line, who is billed for it."""
    subscriber = _wishes(story, chance, person, day)
    outlook = foresee(subscriber, story.plan, story.now)
    if subscriber.is_gone(story.plan.today):
        status = CustomerStatus.INACTIVE
    else:
        status = CustomerStatus.SUSPENDED if outlook.is_suspended else CustomerStatus.ACTIVE
    _add(story, created, chance, person, status, outlook.balance)
    line = _line(story, created, chance, subscriber, outlook)
    subscriber.subscription = standing.first(story, created, subscriber, outlook, line)
    subscriber.coming = bills(subscriber, story.plan, story.now)
    invoices.await_next(story, subscriber)
    if subscriber.is_new:
        messages.welcome(story, created + HOUR // 4, subscriber)


def _wishes(story: Story, chance: Random, person: Person, day: date) -> Subscriber:
    branch, plan = person.branch, story.plan
    product = chance.choices(branch.lines, (30, 34, 20, 12, 4))[0]
    cycle = chance.choice(CYCLES)
    is_new = day >= plan.start
    billed_from = day
    months = 0
    while billed_from < plan.start:
        months += MONTHS[cycle]
        billed_from = add_months(day, months, day.day)
    stays_until = billed_from + timedelta(int(chance.random() * plan.months * 31))
    leaves = chance.random() < 0.06
    stops = chance.random() < 0.05
    return Subscriber(
        person=person,
        product=product,
        cycle=cycle,
        price=product.price * MONTHS[cycle],
        anchor_day=day.day,
        started_on=day,
        billed_from=billed_from,
        is_new=is_new,
        ends_on=stays_until if leaves else None,
        stops_at=int(chance.random() * plan.months / MONTHS[cycle]) if stops else None,
        tardiness=chance.random() if chance.random() < 0.2 else 0.0,
        way=chance.choice(WAYS),
        other=branch.lines[(branch.lines.index(product) + 1) % len(branch.lines)],
        changes_at=_changes_at(plan, person) if cycle == SubscriptionCycle.MONTHLY else None,
    )


def _changes_at(plan: Plan, person: Person) -> int | None:
    """Some take another plan; dice of their own, so that nothing else depends on it."""
    chance = plan.chance("change", person.number)
    return 1 + int(chance.random() * plan.months) if chance.random() < 0.15 else None


def _add(
    story: Story,
    created: int,
    chance: Random,
    person: Person,
    status: CustomerStatus,
    balance: int,
) -> None:
    deleted = None
    if status == CustomerStatus.INACTIVE and chance.random() < 0.2:
        deleted = story.now - int(chance.random() * DAY)
    person.id = story.book[Customer].add(
        location=person.branch.id,
        number=person.code,
        name=person.name,
        phone=person.phone,
        email=person.email,
        address=person.branch.address(chance),
        status=status,
        balance=balance,
        deleted_at=deleted,
        created_at=created,
        updated_at=deleted or created,
    )


def _line(
    story: Story, created: int, chance: Random, subscriber: Subscriber, outlook: Outlook
) -> int:
    person = subscriber.person
    cut = outlook.covered_until + timedelta(DAYS_TO_PAY + DAYS_OF_GRACE)
    expires = person.branch.zone.moment(cut)
    has_address = chance.random() < 0.03
    sheet = story.book[PppoeUser]
    return sheet.add(
        customer=person.id,
        router=chance.choice(person.branch.routers),
        profile=(subscriber.other if outlook.change else subscriber.product).id,
        username=person.username,
        password=tokens.envelope(f"{story.plan.seed}/line/{person.number}", sheet.last_id + 1),
        status=_line_status(story, subscriber, expires),
        expires_at=expires,
        static_ip=str(FIRST_ADDRESS + person.number) if has_address else None,
        mac=_mac(chance) if chance.random() < 0.5 else None,
        created_at=created,
        **synchronised(chance),
    )


def _line_status(story: Story, subscriber: Subscriber, expires: int) -> PppoeUserStatus:
    if subscriber.is_gone(story.plan.today):
        return PppoeUserStatus.DISABLED
    # What ran out today is isolated in the coming night.
    if expires > story.now - DAY:
        return PppoeUserStatus.ACTIVE
    lately = expires > story.now - DAYS_ISOLATED * DAY
    return PppoeUserStatus.ISOLATED if lately else PppoeUserStatus.EXPIRED


def _mac(chance: Random) -> str:
    # Locally administered: no vendor's.
    return "02:" + ":".join(f"{int(chance.random() * 256):02x}" for _ in range(5))
