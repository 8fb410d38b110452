"""Every operation that an application calls, each with what it needs to succeed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

from application.cleanup import clean_up
from domains.billing.access import isolate, isolate_overdue, restore_access
from domains.billing.bills import bill, finish_ended
from domains.billing.operations import issue, void
from domains.billing.subscriptions import change_plan, end, resume, start, suspend
from domains.customers.models import TransactionLogEntryType
from domains.customers.operations import post, reverse, search
from domains.locations.operations import make_default, today
from domains.mikrotik.operations import expire_due_vouchers, make_batch, pppoe_user, redeem
from domains.notifications import operations as queue
from domains.payments.callbacks import process_event, process_unprocessed, take_callback
from domains.payments.links import expire_links, expire_payments, make_link, open_link, revoke_link
from domains.payments.models import PaymentMethod
from domains.payments.moving import leave, merge, transfer
from domains.payments.operations import (
    allocate,
    confirm,
    record_payment,
    settle_from_balance,
    take_back,
)
from domains.payments.refunds import keep_disputed, refund, reject, to_review
from domains.payments.renewals import renew, renew_due
from domains.payments.revenue import revenue
from domains.system.operations import change_setting, record, setting
from domains.whatsapp import operations as whatsapp
from domains.whatsapp.models import WhatsappSession, WhatsappTemplate
from tests.support import money, samples

WHY: dict[str, Any] = {"by": None, "reason": "Dicoba"}
DAY = timedelta(1)
TOP_UP = TransactionLogEntryType.TOP_UP
number = count(1)


class World:
    """Rows of an ISP, made for one call. cursor: of a connection that commits at once."""

    def __init__(self, cursor: Any) -> None:
        self.cursor = cursor
        self.home = money.main_office(cursor)
        self.who = money.customer(cursor, self.home)
        self.cash: Any = PaymentMethod.get(PaymentMethod.code == "cash")
        self.here = today(self.home)

    def plan(self, kind: str = "pppoe") -> int:
        return samples.profile(self.cursor, self.home, service_type=kind, selling_price=150_000)

    def standing(self) -> Any:
        return start(self.who, self.plan(), by=None, on=self.here - 40 * DAY)

    def settled(self) -> Any:
        """A subscription that owes nothing for the days until today."""
        row = start(self.who, self.plan(), by=None, on=self.here)
        billed = bill(row)
        assert billed is not None
        return record_payment(self.who, self.cash, billed.total, by=None)

    def invoice(self, total: int = 100) -> int:
        return money.issued(self.cursor, self.who, total)

    def paid(self, amount: int = 100) -> int:
        return money.payment(self.cursor, self.who, amount)

    def waiting(self, **values: Any) -> int:
        made = {"provider": "duitku", "external_ref": f"D{next(number)}"}
        return money.payment(self.cursor, self.who, 100, "pending", **made | values)

    def disputed(self) -> int:
        made = self.paid()
        self.cursor.execute("UPDATE payments SET disputed_at = now() WHERE id = %s", (made,))
        return made

    def event(self) -> Any:
        """A callback that came before its payment."""
        key = f"k{next(number)}"
        given = {"signature_ok": True, "amount": 100, "payload": {}}
        event = take_callback("duitku", key, external_ref=key, **given)
        self.waiting(external_ref=key)
        return event

    def line(self) -> tuple[int, str]:
        """A router, and the name of an account on it."""
        router = samples.router(self.cursor, self.home)
        made = samples.pppoe_user(self.cursor, self.who, router, self.plan())
        name = "SELECT username FROM pppoe_users WHERE id = %s"
        return router, money.one(self.cursor, name, made)

    def vouchers(self) -> str:
        batch = make_batch(self.plan("hotspot"), 1, code=f"B{next(number)}", by=None)
        return str(batch.vouchers.get().code)

    def item(self) -> Any:
        return queue.enqueue("sms", "08123456789", "Halo")  # type: ignore[arg-type]

    def claimed(self) -> Any:
        item = self.item()
        claimed = {each.id: each for each in queue.claim("worker", limit=1000)}
        return claimed[item.id]

    def given_up(self) -> Any:
        item = self.claimed()
        queue.give_up(item, "no")
        return item

    def overdue(self) -> None:
        router = samples.router(self.cursor, self.home)
        samples.pppoe_user(self.cursor, self.who, router, self.plan())
        self.cursor.execute(
            "UPDATE invoices SET due_on = current_date - 60 WHERE id = %s", (self.invoice(),)
        )


def _suspended(world: World) -> Any:
    row = world.standing()
    suspend(row, on=world.here - 5 * DAY, **WHY)
    return row


def _allocation(world: World) -> int:
    return money.allocation(world.cursor, world.paid(), world.invoice(), 100)


def _session(world: World) -> int:
    return samples.session(world.cursor, world.home)


def _link(world: World) -> Any:
    return make_link(world.invoice())


# Which operation is meant: what it needs is made at once, and gives the call.
OPERATIONS: dict[str, Callable[[World], Callable[[], Any]]] = {
    "post": lambda w: lambda: post(w.who, TOP_UP, 5, "x"),
    "search": lambda w: lambda: search("x"),
    "reverse": lambda w: _of(post(w.who, TOP_UP, 5, "x"), lambda row: reverse(row, "x")),
    "start": lambda w: _of(w.plan(), lambda row: start(w.who, row, by=None)),
    "suspend": lambda w: _of(w.standing(), lambda row: suspend(row, **WHY)),
    "resume": lambda w: _of(_suspended(w), lambda row: resume(row, **WHY)),
    "end": lambda w: _of(w.standing(), lambda row: end(row, **WHY)),
    "change_plan": lambda w: _of((w.standing(), w.plan()), lambda rows: change_plan(*rows, **WHY)),
    "bill": lambda w: _of(w.standing(), lambda row: bill(row)),
    "finish_ended": lambda w: lambda: finish_ended(),
    "issue": lambda w: _of(money.draft(w.cursor, w.who, 100), lambda row: issue(row)),
    "void": lambda w: _of(w.invoice(), lambda row: void(row, **WHY)),
    "renew": lambda w: _of(w.standing(), lambda row: renew(row)),
    "renew_due": lambda w: _of(w.standing(), lambda row: renew_due()),
    "record_payment": lambda w: _of(
        w.invoice(), lambda row: record_payment(w.who, w.cash, 100, by=None)
    ),
    "confirm": lambda w: _of(w.waiting(), lambda row: confirm(row, 100, by=None)),
    "allocate": lambda w: _of((w.paid(), w.invoice()), lambda rows: allocate(*rows, 100)),
    "take_back": lambda w: _of(_allocation(w), lambda row: take_back(row)),
    "settle_from_balance": lambda w: _of(
        (w.paid(), w.invoice()), lambda row: settle_from_balance(w.who)
    ),
    "make_link": lambda w: _of(_link(w)[0].invoice_id, lambda row: make_link(row)),
    "open_link": lambda w: _of(_link(w), lambda made: open_link(made[1])),
    "revoke_link": lambda w: _of(_link(w), lambda made: revoke_link(made[0])),
    "expire_links": lambda w: lambda: expire_links(),
    "expire_payments": lambda w: _of(
        w.waiting(expires_at="2026-01-01"), lambda row: expire_payments()
    ),
    "take_callback": lambda w: _of(
        f"k{next(number)}",
        lambda key: take_callback(
            "duitku", key, signature_ok=True, external_ref=key, amount=1, payload={}
        ),
    ),
    "process_event": lambda w: _of(w.event(), lambda event: process_event(event)),
    "process_unprocessed": lambda w: _of(w.event(), lambda event: process_unprocessed()),
    "refund": lambda w: _of(_allocation(w), lambda row: refund(_payment_of(w), **WHY)),
    "reject": lambda w: _of(
        money.payment(w.cursor, w.who, 100, "review"), lambda row: reject(row, **WHY)
    ),
    "keep_disputed": lambda w: _of(w.disputed(), lambda row: keep_disputed(row, **WHY)),
    "to_review": lambda w: lambda: to_review(),
    "isolate_overdue": lambda w: _of(w.overdue(), lambda nothing: isolate_overdue()),
    "isolate": lambda w: _of(w.overdue(), lambda nothing: isolate(w.who)),
    "restore_access": lambda w: lambda: restore_access(w.who),
    "transfer": lambda w: _of(
        (w.standing(), money.branch(w.cursor, f"X{next(number)}")),
        lambda rows: transfer(w.who, rows[1], **WHY),
    ),
    "merge": lambda w: _of(
        (w.settled(), money.customer(w.cursor, w.home)), lambda rows: merge(w.who, rows[1], **WHY)
    ),
    "leave": lambda w: lambda: leave(w.who, **WHY),
    "revenue": lambda w: lambda: revenue(w.home, w.here, w.here + DAY),
    "make_batch": lambda w: _of(
        w.plan("hotspot"), lambda row: make_batch(row, 1, code=f"B{next(number)}", by=None)
    ),
    "redeem": lambda w: _of(w.vouchers(), lambda code: redeem(code)),
    "pppoe_user": lambda w: _of(w.line(), lambda row: pppoe_user(*row)),
    "expire_due_vouchers": lambda w: lambda: expire_due_vouchers(),
    "enqueue": lambda w: lambda: w.item(),
    "claim": lambda w: _of(w.item(), lambda item: queue.claim("worker")),
    "finish": lambda w: _of(w.claimed(), lambda item: queue.finish(item)),
    "fail": lambda w: _of(w.claimed(), lambda item: queue.fail(item, "x")),
    "defer": lambda w: _of(w.claimed(), lambda item: queue.defer(item, "x")),
    "give_up": lambda w: _of(w.claimed(), lambda item: queue.give_up(item, "x")),
    "retry": lambda w: _of(w.given_up(), lambda item: queue.retry(item)),
    "cancel": lambda w: _of(w.item(), lambda item: queue.cancel(item, "x")),
    "release_stuck": lambda w: lambda: queue.release_stuck(),
    "default_template": lambda w: lambda: whatsapp.default_template("invoice_issued"),  # type: ignore[arg-type]
    "make_default_template": lambda w: _of(
        WhatsappTemplate.get(), lambda row: whatsapp.make_default_template(row)
    ),
    "default_session": lambda w: _of(
        WhatsappSession.get_or_none(is_default=True, location=w.home) or _default(w),
        lambda row: whatsapp.default_session(w.home),
    ),
    "make_default_session": lambda w: _of(
        _session(w), lambda row: whatsapp.make_default_session(row)
    ),
    "make_default": lambda w: _of(
        money.branch(w.cursor, f"X{next(number)}"), lambda row: make_default(row)
    ),
    "today": lambda w: lambda: today(w.home),
    "record": lambda w: lambda: record("customers.write", by=None),
    "setting": lambda w: lambda: setting("days_to_pay", w.home),
    "change_setting": lambda w: lambda: change_setting("days_to_pay", 9, by=None),
    "clean_up": lambda w: lambda: clean_up(),
}


def _of(made: Any, call: Callable[[Any], Any]) -> Callable[[], Any]:
    return lambda: call(made)


def _payment_of(world: World) -> int:
    who = "SELECT max(id) FROM payments WHERE customer_id = %s"
    return int(money.one(world.cursor, who, world.who))


def _default(world: World) -> int:
    made = _session(world)
    whatsapp.make_default_session(made)
    return made
