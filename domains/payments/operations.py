"""Recording payments, allocating them to invoices, and refunding them.

What each of these does to the ledger, the database does itself: see `domains.payments.rules`. A
payment goes into the balance whole, and each allocation takes its part out again; what is left over
stays in the balance, and settles later invoices when `settle_from_balance` is called.

Locks are taken in the order customer, payment, invoice, as the triggers do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from peewee import fn

from domains import Missing, change, lock, lock_all, portion, rule_violations
from domains.billing.models import Invoice, InvoiceStatus
from domains.customers.models import Customer
from domains.payments.models import Payment, PaymentAllocation, PaymentMethod, PaymentStatus

OWING = (InvoiceStatus.OPEN, InvoiceStatus.PARTIAL)


def record_payment(
    customer: int,
    method: int,
    amount: int,
    *,
    invoices: Sequence[int] | None = None,
    vendor: int | None = None,
    received_by: int | None = None,
    paid_at: datetime | None = None,
    notes: str | None = None,
) -> Payment:
    """Record money that has come in, and allocate it (the payment, paid).

    amount: rupiah, without the fee, which follows from the method's rates. invoices: those to
    settle, in this order; None: all that the customer owes, oldest first; (): none. What is left
    over stays in the balance. paid_at: when it came in, now by default.

    Raises Missing where customer, method or invoice is not there, RuleViolation where the database
    refuses, such as a wallet payment of more than there is
    (customers_balance_within_credit_check).
    """
    with rule_violations(), Payment._meta.database.atomic():
        payer: Any = lock(Customer, customer)
        way: Any = PaymentMethod.get_or_none(PaymentMethod.id == method)
        if way is None:
            raise Missing(f"payment_methods: there is no row {method}")
        payment: Any = Payment.create(
            location=payer.location_id,
            customer=payer,
            invoice=invoices[0] if invoices and len(invoices) == 1 else None,
            method=way,
            vendor=vendor,
            amount=amount,
            fee=portion(amount, way.fee_bp) + way.fee_fixed,
            status=PaymentStatus.PAID,
            paid_at=paid_at or datetime.now(UTC),
            received_by=received_by,
            notes=notes,
        )
        if invoices is None:
            spend(payment, owing(customer))
        else:
            spend(payment, (lock(Invoice, invoice) for invoice in invoices))
        return Payment.get_by_id(payment.id)


def confirm(payment: int, amount: int) -> Payment:
    """Confirm that money came in for an attempt that waits, or is in review (the payment, paid).

    amount: rupiah that really came. The invoice it was made for is settled, if that is still owed.
    Raises Missing where there is no such payment, RuleViolation where it was paid before
    (payments_settled_is_frozen) or given up (payments_status_move).
    """
    with rule_violations(), Payment._meta.database.atomic():
        row = lock_payment(payment)
        row.amount = amount
        pay(row)
        return Payment.get_by_id(payment)


def allocate(payment: int, invoice: int, amount: int) -> PaymentAllocation:
    """Allocate rupiah of a payment to an invoice, besides what already is (the allocation).

    Raises Missing where one of the two is not there, RuleViolation with the rule
    payments_not_overspent_check, invoices_not_overpaid_check, payments_only_paid_is_allocated_check
    or invoices_paid_fits_status_check (a draft or void invoice) where it does not fit.
    """
    with rule_violations(), PaymentAllocation._meta.database.atomic():
        return _allocate(lock_payment(payment), lock(Invoice, invoice), amount)


def take_back(allocation: int) -> None:
    """Take an allocation back: its money returns to the balance, and the invoice is owed again.

    Raises Missing where there is no such allocation.
    """
    with rule_violations(), PaymentAllocation._meta.database.atomic():
        row: Any = PaymentAllocation.get_or_none(PaymentAllocation.id == allocation)
        if row is not None:
            lock_payment(row.payment_id)
        if row is None or not row.delete_instance():
            raise Missing(f"payment_allocations: there is no row {allocation}")


def settle_from_balance(customer: int) -> int:
    """Settle what a customer owes, oldest first, with payments that are not spent (rupiah).

    No more than the balance is spent. Credit that no payment brought in, such as an adjustment, is
    spent by recording a wallet payment. Raises Missing where there is no such customer.
    """
    with rule_violations(), Payment._meta.database.atomic():
        balance: int = max(lock(Customer, customer).balance, 0)
        available = balance
        unspent = Payment.select().where(
            Payment.customer == customer,
            Payment.status == PaymentStatus.PAID,
            Payment.allocated < Payment.amount,
        )
        for payment in lock_all(unspent.order_by(Payment.id)):
            available -= spend(payment, owing(customer), limit=available)
        return balance - available


def refund(payment: int) -> Payment:
    """Give a payment back: it is taken off its invoices and out of the balance (the payment).

    Money in review is sent back without having been in the balance. Refunding again changes
    nothing. Raises Missing where there is no such payment, RuleViolation where it was not paid
    (payments_status_move), or its money was spent otherwise
    (customers_balance_within_credit_check).
    """
    with rule_violations(), Payment._meta.database.atomic():
        row = lock_payment(payment)
        PaymentAllocation.delete().where(PaymentAllocation.payment == payment).execute()
        change(row, status=PaymentStatus.REFUNDED, paid_at=row.paid_at or fn.now())
        return Payment.get_by_id(payment)


def lock_payment(payment: int) -> Any:
    """The payment, locked after its customer. Raises Missing."""
    customer = Payment.select(Payment.customer).where(Payment.id == payment).scalar()
    if customer is not None:
        lock(Customer, customer)
    return lock(Payment, payment)


def pay(payment: Any) -> None:
    """Mark a locked payment paid, of its `amount` in hand, and settle the invoice it was made for,
    if that is still owed."""
    change(payment, amount=payment.amount, status=PaymentStatus.PAID, paid_at=fn.now())
    wanted = Invoice.select().where(Invoice.id == payment.invoice_id, Invoice.status.in_(OWING))
    spend(payment, lock_all(wanted))


def owing(customer: int) -> list[Any]:
    """The invoices that a customer owes, oldest first, locked."""
    rows = Invoice.select().where(Invoice.customer == customer, Invoice.status.in_(OWING))
    return lock_all(rows.order_by(Invoice.due_on, Invoice.id))


def spend(payment: Any, invoices: Iterable[Any], limit: int | None = None) -> int:
    """Allocate what is left of a payment, `limit` at the most, to invoices in turn (rupiah).

    The rows were read when they were locked.
    """
    most: int = payment.amount - payment.allocated
    if limit is not None:
        most = min(most, limit)
    left = most
    for invoice in invoices:
        share = min(left, invoice.total - invoice.paid)
        if share > 0:
            _allocate(payment, invoice, share)
            left -= share
    return most - left


def _allocate(payment: Any, invoice: Any, amount: int) -> PaymentAllocation:
    """Allocate; a pair has one allocation, so one that is there is made anew with the sum."""
    held = PaymentAllocation.get_or_none(
        PaymentAllocation.payment == payment, PaymentAllocation.invoice == invoice
    )
    if held and amount > 0:
        held.delete_instance()
        amount += held.amount
    return PaymentAllocation.create(payment=payment, invoice=invoice, amount=amount)
