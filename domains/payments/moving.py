"""Customers who move to another branch, turn out to be one, or leave.

What was billed and paid stays with the branch and the customer that it was for.

BillingError
└── NotSettled   the customer still owes, has money in the balance, or has a payment under way
"""

from __future__ import annotations

from typing import Any

from peewee import fn

from domains import BillingError, InvalidValue, change, get, identity, lock, lock_all, operation
from domains.billing.beginnings import go_on
from domains.billing.merged import move_balance
from domains.billing.models import Invoice, InvoiceStatus, Subscription, SubscriptionStatus
from domains.billing.subscriptions import end, suspend
from domains.customers.models import Customer, CustomerStatus
from domains.locations.models import Location
from domains.locations.operations import today
from domains.mikrotik.models import PppoeUser, PppoeUserStatus, SyncState
from domains.payments.models import Payment, PaymentStatus
from domains.system.operations import Actor, record

OPEN_INVOICES = (InvoiceStatus.DRAFT, InvoiceStatus.OPEN, InvoiceStatus.PARTIAL)
UNDER_WAY = (PaymentStatus.PENDING, PaymentStatus.PROCESSING, PaymentStatus.REVIEW)


class NotSettled(BillingError):
    """A customer who still owes, has money in the balance, or has a payment under way."""


def transfer(
    customer: int | Customer,
    location: int | Location,
    *,
    by: Actor,
    reason: str,
    number: str | None = None,
) -> Customer:
    """Move a customer to another branch (the customer).

    The subscriptions end with yesterday, what was billed beyond that is credited, and the lines are
    disabled: the new branch has profiles and routers of its own, for which `start` begins again.
    Balance, invoices and payments stay. number: the customer's number there, the same by default.
    Raises Missing, InvalidValue where the customer is there already, RuleViolation:
    customers_location_id_number_key where the number is taken.
    """
    with operation(Customer._meta.database):
        who: Any = lock(Customer, customer)
        there = get(Location, location)
        if who.location_id == there.id:
            raise InvalidValue(f"customer {who.id} is in branch {there.code} already", "location")
        left = who.location_id
        _end_service(who, by, reason)
        change(who, location=there, number=who.number if number is None else number)
        record("customers.transfer", who, by=by, reason=reason, location=left, to=there.id)
        return Customer.get_by_id(who.id)


def merge(customer: int | Customer, into: int | Customer, *, by: Actor, reason: str) -> Customer:
    """Make one of two customers who are the same (the one that is left).

    The first one's balance, lines and running subscriptions go over to the second, in the same
    branch; the first is deleted, and keeps its history; a refund of what it paid takes from the
    second what is not there any more. Raises Missing, InvalidValue for one and the same, of two
    branches, or deleted, NotSettled where the first one has open invoices, payments under way, or
    days that were served and not billed, RuleViolation.
    """
    with operation(Customer._meta.database):
        pair = sorted((identity(customer), identity(into)))
        for key in pair:
            lock(Customer, key)
        old, new = get(Customer, customer), get(Customer, into)
        if old.id == new.id or old.location_id != new.location_id:
            raise InvalidValue(
                f"customers {old.id} and {new.id} are one already, or of two branches", "into"
            )
        if old.deleted_at or new.deleted_at:
            raise InvalidValue(f"customer {old.id} or {new.id} is deleted", "into")
        running = _running(old)
        day = today(old.location_id)
        for row in running:
            end(row, by=by, reason=reason)
        _refuse_unsettled(old)  # which may owe more by now: what was served and not billed yet
        lines = PppoeUser.update(customer=new).where(PppoeUser.customer == old)
        lines.execute()
        for row in running:
            first = max(day, row.started_on)
            if row.ended_on is not None and row.ended_on < first:
                continue
            begun = go_on(row, new, row.profile_id, row.price, first, by=by)
            if row.status == SubscriptionStatus.SUSPENDED:
                suspend(begun, by=by, reason=reason, on=first)
        move_balance(get(Customer, old), new, by=by)
        change(old, status=CustomerStatus.INACTIVE, deleted_at=fn.now())
        record("customers.merge", old, by=by, reason=reason, location=old.location_id, into=new.id)
        return Customer.get_by_id(new.id)


def leave(customer: int | Customer, *, by: Actor, reason: str) -> Customer:
    """Let a customer go for good (the customer, deleted): the subscriptions end with yesterday, the
    lines are disabled, the history stays, and the phone number is free for another.

    Raises Missing, NotSettled: settle, void or refund first.
    """
    with operation(Customer._meta.database):
        who: Any = lock(Customer, customer)
        _end_service(who, by, reason)
        who = get(Customer, who)
        _refuse_unsettled(who)
        if who.balance != 0:
            raise NotSettled(
                f"customer {who.id} has a balance of {who.balance}; refund or adjust it first"
            )
        change(who, status=CustomerStatus.INACTIVE, deleted_at=fn.now())
        record("customers.delete", who, by=by, reason=reason, location=who.location_id)
        return Customer.get_by_id(who.id)


def _running(who: Any) -> list[Any]:
    rows = Subscription.select().where(
        Subscription.customer == who, Subscription.status != SubscriptionStatus.ENDED
    )
    return lock_all(rows.order_by(Subscription.id))


def _end_service(who: Any, by: Actor, reason: str) -> None:
    for row in _running(who):
        end(row, by=by, reason=reason)
    PppoeUser.update(
        status=PppoeUserStatus.DISABLED, sync_state=SyncState.PENDING, sync_error=None
    ).where(PppoeUser.customer == who, PppoeUser.status != PppoeUserStatus.DISABLED).execute()


def _refuse_unsettled(who: Any) -> None:
    owed = Invoice.select().where(Invoice.customer == who, Invoice.status.in_(OPEN_INVOICES))
    waits = Payment.select().where(
        Payment.customer == who,
        Payment.status.in_(UNDER_WAY) | Payment.disputed_at.is_null(False),
    )
    if owed.exists() or waits.exists():
        raise NotSettled(
            f"customer {who.id} has open invoices, days to be billed, or payments under way; "
            "settle or void the one, and wait for, or decide on, the other"
        )
