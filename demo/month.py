"""A month in the life of a customer, by operations alone: what an application calls, and when.

    from application import connect
    from demo.month import live

    with connect():
        for line in live():
            print(line)

Siti subscribes on the 40th day before today, pays in cash, is away for ten days, takes a faster
plan, forgets an invoice and is isolated, pays it by a link, gets some money back, and leaves.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from domains.billing.access import isolate_overdue
from domains.billing.models import Invoice
from domains.billing.subscriptions import change_plan, end, resume, start, suspend
from domains.customers.models import Customer, TransactionLog, TransactionLogEntryType
from domains.customers.operations import post
from domains.locations.models import Location
from domains.locations.operations import today
from domains.mikrotik.models import PppoeUser, Profile, Router
from domains.payments.callbacks import take_callback
from domains.payments.links import make_link, open_link
from domains.payments.models import Payment, PaymentMethod
from domains.payments.moving import leave
from domains.payments.operations import record_payment
from domains.payments.refunds import refund
from domains.payments.renewals import renew

PLAN = {"service_type": "pppoe", "duration": 1, "duration_unit": "month"}


def live(number: str = "M0001") -> Iterator[str]:
    """Live through it in the default branch, one line of text for each step.

    number: the customer's. Each operation is a transaction of its own.
    """
    month = Month(number)
    yield from month.begin()
    yield from month.pause_and_change()
    yield from month.forget()
    yield from month.pay_by_link()
    yield from month.say_good_bye()


class Month:
    """Siti's month. number: of the customer, and of what is made for her."""

    def __init__(self, number: str) -> None:
        self.number = number
        self.branch: Any = Location.get(Location.is_default)
        self.here = today(self.branch)
        self.began = self.here - timedelta(40)
        self.cash: Any = PaymentMethod.get(PaymentMethod.code == "cash")
        self.slow, self.fast = self._plan("10M", 150_000), self._plan("50M", 300_000)
        router = Router.create(
            location=self.branch, name=number, host="10.0.0.1", api_username="x", api_password="x"
        )
        self.siti: Any = Customer.create(location=self.branch, number=number, name="Siti Rahma")
        self.line: Any = PppoeUser.create(
            customer=self.siti,
            router=router,
            profile=self.slow,
            username=number,
            password="rahasia",
        )
        self.standing: Any = None
        self.invoice: Any = None

    def begin(self) -> Iterator[str]:
        """The first subscription, billed and paid."""
        self.standing = start(self.siti, self.slow, by=None, on=self.began, line=self.line)
        invoice: Any = renew(self.standing, self.began, days_to_pay=0)
        period = invoice.period
        yield f"billed {invoice.total} for {period.lower} to {period.upper}"
        paid: Any = record_payment(self.siti, self.cash, 200_000, by=None)
        yield f"paid {paid.amount}: {paid.allocated} for the invoice, the rest is in the balance"

    def pause_and_change(self) -> Iterator[str]:
        """Ten days away, then a faster plan."""
        suspend(self.standing, by=None, reason="Mudik", on=self.began + timedelta(10))
        resume(self.standing, by=None, on=self.began + timedelta(20))
        yield f"away for ten days: the balance is {self._balance()}"
        day = self.began + timedelta(25)
        self.standing = change_plan(self.standing, self.fast, by=None, reason="Lebih cepat", on=day)
        yield f"a faster plan: the balance is {self._balance()}"

    def forget(self) -> Iterator[str]:
        """What is due is billed, and not paid in time."""
        while (invoice := renew(self.standing, days_to_pay=0)) is not None:
            self.invoice = invoice
            yield f"billed {invoice.total}, of which {invoice.paid} were paid from the balance"
        late = Invoice.update(due_on=self.here - timedelta(9))
        late.where(Invoice.id == self.invoice.id).execute()
        isolate_overdue()
        yield f"forgotten: the line is {self._line()}"

    def pay_by_link(self) -> Iterator[str]:
        """A link, an attempt through the gateway, and the provider's callback."""
        _, token = make_link(self.invoice)
        owed: Any = open_link(token).amount
        attempt: Any = Payment.create(
            location=self.branch,
            customer=self.siti,
            invoice=self.invoice,
            method=PaymentMethod.get(PaymentMethod.code == "duitku"),
            amount=owed,
            provider="duitku",
            external_ref=self.number,
        )
        event = take_callback(
            "duitku",
            f"{self.number}:00",
            signature_ok=True,
            external_ref=self.number,
            amount=f"{owed}.00",
            payload={"resultCode": "00"},
        )
        yield f"paid by the link ({event.outcome}): the line is {self._line()}"
        refund(attempt, 20_000, by=None, reason="Gangguan dua hari")
        now: Any = Invoice.get_by_id(self.invoice.id)
        yield f"20000 given back: the invoice owes {now.total - now.paid} again"
        record_payment(self.siti, self.cash, 20_000, by=None)

    def say_good_bye(self) -> Iterator[str]:
        """The end of the service; what is left in the balance is paid out."""
        end(self.standing, by=None, reason="Pindah kota")
        left = self._balance()
        if left:
            why = "Dibayar tunai saat berhenti"
            post(self.siti, TransactionLogEntryType.ADJUSTMENT, -left, why)
        yield f"good-bye: {left} were left in the balance, and paid out"
        leave(self.siti, by=None, reason="Pindah kota")
        count = TransactionLog.select().where(TransactionLog.customer == self.siti).count()
        yield f"the ledger has {count} entries, the balance is {self._balance()}"

    def _plan(self, name: str, price: int) -> Any:
        name = f"{self.number} {name}"
        return Profile.create(
            location=self.branch, name=name, mikrotik_name=name, selling_price=price, **PLAN
        )

    def _balance(self) -> int:
        balance: int = Customer.get_by_id(self.siti.id).balance
        return balance

    def _line(self) -> str:
        return str(PppoeUser.get_by_id(self.line.id).status)
