"""Recording payments, allocating them to invoices, and settling from the balance.

What each of these does to the ledger, the database does itself: see `domains.payments.rules`. A
payment goes into the balance whole, and each allocation takes its part out again; what is left over
stays in the balance, and settles later invoices when `settle_from_balance` is called.

Locks are taken in the order customer, payment, invoice, as the triggers do.

BillingError
└── NotOffered   a payment method that is retired
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from peewee import fn

from domains import BillingError, change, get, identity, lock, lock_all, operation, portion
from domains import whole_rupiah as rupiah
from domains.billing.access import isolate, restore_access
from domains.billing.models import Invoice
from domains.billing.statuses import OWING
from domains.customers.models import Customer
from domains.mikrotik.models import Vendor
from domains.payments.models import (
    Payment,
    PaymentAllocation,
    PaymentMethod,
    PaymentMethodType,
    PaymentStatus,
)
from domains.system.operations import Actor, record


class NotOffered(BillingError):
    """A payment method that is retired."""


def record_payment(
    customer: int | Customer,
    method: int | PaymentMethod,
    amount: int,
    *,
    by: Actor,
    invoices: Sequence[int | Invoice] | None = None,
    vendor: int | Vendor | None = None,
    paid_at: datetime | None = None,
    notes: str | None = None,
) -> Payment:
    """Record money that has come in, and allocate it (the payment, paid).

    amount: rupiah, without the fee, which follows from the method's rates. by: who took it; None
    for the system. invoices: those to settle, in this order; None: all that the customer owes,
    oldest first; (): none. What is left over stays in the balance. vendor: the reseller who took
    it. paid_at: when it came in, now by default, never ahead. Isolated lines of one who then owes
    nothing overdue come back.

    Raises Missing where customer, method or invoice is not there, NotOffered, InvalidValue for a
    fraction, RuleViolation where the database refuses, such as a wallet payment of more than there
    is (customers_balance_within_credit_check).
    """
    with operation(Payment._meta.database):
        payer: Any = lock(Customer, customer)
        way: Any = get(PaymentMethod, method)
        if not way.is_active:
            raise NotOffered(f"the payment method {way.code} is retired")
        payment: Any = Payment.create(
            location=payer.location_id,
            customer=payer,
            invoice=identity(invoices[0]) if invoices and len(invoices) == 1 else None,
            method=way,
            vendor=None if vendor is None else identity(vendor),
            amount=rupiah(amount),
            fee=fee_of(way, rupiah(amount)),
            status=PaymentStatus.PAID,
            paid_at=paid_at or fn.now(),
            received_by=None if by is None else identity(by),
            notes=notes,
        )
        if invoices is None:
            spend(payment, owing(payer.id))
        else:
            spend(payment, (lock(Invoice, invoice) for invoice in invoices))
        restore_access(payer)
        return Payment.get_by_id(payment.id)


def confirm(payment: int | Payment, amount: int, *, by: Actor, reason: str = "") -> Payment:
    """Confirm that money came in for an attempt that waits, or is in review (the payment, paid).

    amount: rupiah that really came. by, reason: who says so, and why; they go on record. The
    invoice it was made for is settled, if that is still owed. Raises Missing where there is no such
    payment, InvalidValue for a fraction, RuleViolation where it was paid before
    (payments_settled_is_frozen) or given up (payments_status_move).
    """
    with operation(Payment._meta.database):
        row = lock_payment(payment)
        row.amount = rupiah(amount)
        pay(row)
        record(
            "payments.confirm", row, by=by, reason=reason, location=row.location_id, amount=amount
        )
        return Payment.get_by_id(row.id)


def allocate(payment: int | Payment, invoice: int | Invoice, amount: int) -> PaymentAllocation:
    """Allocate rupiah of a payment to an invoice, besides what already is (the allocation).

    Raises Missing where one of the two is not there, RuleViolation with the rule
    payments_not_overspent_check, invoices_not_overpaid_check, payments_only_paid_is_allocated_check
    or invoices_paid_fits_status_check (a draft or void invoice) where it does not fit.
    """
    with operation(PaymentAllocation._meta.database):
        row = lock_payment(payment)
        allocation = _allocate(row, lock(Invoice, invoice), rupiah(amount))
        restore_access(row.customer_id)
        return allocation


def take_back(allocation: int | PaymentAllocation) -> None:
    """Take an allocation back: its money returns to the balance, and the invoice is owed again.

    Lines of one who is then overdue by more than the days of grace are isolated. Raises Missing
    where there is no such allocation.
    """
    with operation(PaymentAllocation._meta.database):
        row = get(PaymentAllocation, allocation)
        payment = lock_payment(row.payment_id)
        # once more: another may have taken it back while this one waited
        get(PaymentAllocation, allocation).delete_instance()
        isolate(payment.customer_id)


def settle_from_balance(customer: int | Customer) -> int:
    """Settle what a customer owes, oldest first, with what is in the balance (rupiah).

    Payments that are not spent are spent first; what else is in the balance (an opening balance, an
    adjustment) by a payment with the method of type wallet that is offered first. Raises Missing
    where there is no such customer.
    """
    with operation(Payment._meta.database):
        payer = lock(Customer, customer)
        balance: int = max(payer.balance, 0)
        available = balance
        unspent = Payment.select().where(
            Payment.customer == payer,
            Payment.status == PaymentStatus.PAID,
            Payment.allocated < Payment.amount - Payment.refunded,
        )
        for payment in lock_all(unspent.order_by(Payment.id)):
            available -= spend(payment, owing(payer.id), limit=available)
        available -= _pay_by_wallet(payer, available)
        if available < balance:
            restore_access(payer)
        return balance - available


def fee_of(method: Any, amount: int) -> int:
    """Rupiah of fee for an amount, by the method's rates and bounds."""
    fee: int = portion(amount, method.fee_bp) + method.fee_fixed
    if method.fee_least is not None:
        fee = max(fee, method.fee_least)
    if method.fee_most is not None:
        fee = min(fee, method.fee_most)
    return fee


def lock_payment(payment: int | Payment) -> Any:
    """The payment, locked after its customer. Raises Missing."""
    lock(Customer, get(Payment, payment).customer_id)
    return lock(Payment, payment)


def pay(payment: Any) -> None:
    """Mark a locked payment paid, of its `amount` in hand, and settle the invoice it was made for,
    if that is still owed."""
    change(payment, amount=payment.amount, status=PaymentStatus.PAID, paid_at=fn.now())
    wanted = Invoice.select().where(Invoice.id == payment.invoice_id, Invoice.status.in_(OWING))
    spend(payment, lock_all(wanted))
    restore_access(payment.customer_id)


def owing(customer: int) -> list[Any]:
    """The invoices that a customer owes, oldest first, locked."""
    rows = Invoice.select().where(Invoice.customer == customer, Invoice.status.in_(OWING))
    return lock_all(rows.order_by(Invoice.due_on, Invoice.id))


def spend(payment: Any, invoices: Iterable[Any], limit: int | None = None) -> int:
    """Allocate what is left of a payment, `limit` at the most, to invoices in turn (rupiah).

    The rows were read when they were locked.
    """
    most: int = payment.amount - payment.allocated - payment.refunded
    if limit is not None:
        most = min(most, limit)
    left = most
    for invoice in invoices:
        part = min(left, invoice.total - invoice.paid)
        if part > 0:
            _allocate(payment, invoice, part)
            left -= part
    return most - left


def _pay_by_wallet(payer: Any, available: int) -> int:
    wallets = PaymentMethod.select().where(
        PaymentMethod.type == PaymentMethodType.WALLET, PaymentMethod.is_active
    )
    wallet = wallets.order_by(PaymentMethod.id).first()
    owed = sum(invoice.total - invoice.paid for invoice in owing(payer.id))
    amount: int = min(available, owed)
    if wallet is None or amount <= 0:
        return 0
    record_payment(payer, wallet, amount, by=None)
    return amount


def _allocate(payment: Any, invoice: Any, amount: int) -> PaymentAllocation:
    """Allocate; a pair has one allocation, so one that is there is made again with the sum."""
    allocation = PaymentAllocation.get_or_none(
        PaymentAllocation.payment == payment, PaymentAllocation.invoice == invoice
    )
    if allocation and amount > 0:
        allocation.delete_instance()
        amount += allocation.amount
    return PaymentAllocation.create(payment=payment, invoice=invoice, amount=amount)
