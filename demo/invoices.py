"""Invoices with their items and links, issued as the subscribers' bills come due."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from demo import messages, payments, tokens
from demo.attempts import Way
from demo.bills import VAT_BP, Away, Bill, Item
from demo.customers import Person, Subscriber
from demo.ledger import post
from demo.moments import DAY, HOUR, written
from domains.billing.models import Invoice, InvoiceItem, InvoiceStatus
from domains.customers.models import INVOICE_CREDIT, TransactionLogEntryType
from domains.payments.models import PaymentLink, PaymentLinkStatus

if TYPE_CHECKING:
    from demo.story import Story
    from demo.world import Branch

LINK_DAYS = 14


class Issued(NamedTuple):
    """An invoice: its identity and its number."""

    id: int
    number: str


def await_next(story: Story, subscriber: Subscriber) -> None:
    """Await the subscriber's next bill, if there is one."""
    bill = next(subscriber.coming, None)
    if bill is not None:
        if bill.mistaken:
            story.at(bill.issued - HOUR, _issue_wrongly, subscriber, bill)
        story.at(bill.issued, _issue, subscriber, bill)


def draft(story: Story, moment: int, person: Person, items: tuple[Item, ...]) -> None:
    """Begin an invoice that nobody has issued yet."""
    amount, tax = sum(item.amount for item in items), sum(item.tax for item in items)
    invoice = story.book[Invoice].add(
        location=person.branch.id,
        customer=person.id,
        subtotal=amount,
        tax=tax,
        total=amount + tax,
        created_at=moment,
    )
    _items(story, moment, invoice, items)


def _issue(story: Story, moment: int, subscriber: Subscriber, bill: Bill) -> None:
    """Issue a bill's invoice; the attempts to pay it follow, and the next bill."""
    invoice = _invoice(story, moment, subscriber, bill, bill.status)
    if subscriber.way == Way.GATEWAY:
        _link(story, moment, invoice, bill, _link_status(story, moment, bill))
    for attempt in bill.attempts:
        story.at(attempt.begun, payments.begin, subscriber, invoice, attempt)
    if bill.away:
        story.at(bill.away.credited, _credit, subscriber, invoice, bill.away)
    messages.invoice_issued(story, moment, subscriber, bill, invoice)
    await_next(story, subscriber)


def _credit(story: Story, moment: int, subscriber: Subscriber, invoice: Issued, away: Away) -> None:
    """What `resume` gives back of a month in which the service paused."""
    days = (away.last - away.first).days
    text = f"Not used: {days} days from {written(away.first)} of {invoice.number}"
    kind = TransactionLogEntryType.ADJUSTMENT
    origin = {"reference_type": INVOICE_CREDIT, "reference_id": invoice.id}
    post(story, moment, subscriber.person, kind, away.amount, text, **origin)


def _issue_wrongly(story: Story, moment: int, subscriber: Subscriber, bill: Bill) -> None:
    """Issue an invoice that is voided soon after."""
    invoice = _invoice(story, moment, subscriber, bill, InvoiceStatus.VOID)
    _link(story, moment, invoice, bill, PaymentLinkStatus.REVOKED)


def _invoice(
    story: Story, moment: int, subscriber: Subscriber, bill: Bill, status: InvoiceStatus
) -> Issued:
    is_void = status == InvoiceStatus.VOID
    paid_at = None if is_void else bill.paid_at
    branch = subscriber.person.branch
    number, month, seq = _number(story, branch, moment)
    identity = story.book[Invoice].add(
        location=branch.id,
        customer=subscriber.person.id,
        subscription=subscriber.subscription,
        number=number,
        number_month=month,
        number_seq=seq,
        period=f"[{bill.begins},{bill.ends})",
        status=status,
        subtotal=bill.subtotal,
        discount=bill.discount,
        tax=bill.tax,
        total=bill.total,
        paid=0 if is_void else bill.paid,
        issued_at=moment,
        due_on=bill.due_on,
        paid_at=paid_at,
        notes="Salah cetak, diganti" if is_void else None,
        created_at=moment,
        updated_at=paid_at or moment + (HOUR // 2 if is_void else 0),
    )
    _items(story, moment, identity, bill.items)
    return Issued(identity, number)


def _number(story: Story, branch: Branch, moment: int) -> tuple[str, date, int]:
    """The next number of a branch, the month that it counts in, and its place there."""
    month = branch.zone.day(moment).replace(day=1)
    story.numbers[branch.id, month] += 1
    seq = story.numbers[branch.id, month]
    return f"INV/{branch.code}/{month:%Y/%m}/{seq:04}", month, seq


def _items(story: Story, moment: int, invoice: int, items: tuple[Item, ...]) -> None:
    for item in items:
        story.book[InvoiceItem].add(
            invoice=invoice,
            kind=item.kind,
            description=item.description,
            unit_price=item.amount,
            amount=item.amount,
            discount=item.discount,
            tax_rate_bp=VAT_BP,
            tax=item.tax,
            created_at=moment,
        )


def _link_status(story: Story, moment: int, bill: Bill) -> PaymentLinkStatus:
    if bill.status == InvoiceStatus.PAID:
        return PaymentLinkStatus.PAID
    is_open = moment + LINK_DAYS * DAY > story.now
    return PaymentLinkStatus.OPEN if is_open else PaymentLinkStatus.EXPIRED


def _link(
    story: Story, moment: int, invoice: Issued, bill: Bill, status: PaymentLinkStatus
) -> None:
    story.book[PaymentLink].add(
        invoice=invoice.id,
        token_hash=tokens.digest(f"{story.plan.seed}/link/{invoice.number}"),
        amount=bill.total - bill.paid if status == PaymentLinkStatus.OPEN else bill.total,
        url=f"https://pay.example.com/{story.plan.seed}/{invoice.id}",
        status=status,
        expires_at=moment + LINK_DAYS * DAY,
        regenerated_count=1 if invoice.id % 40 == 0 else 0,
        created_at=moment,
        updated_at=bill.paid_at or moment,
    )
