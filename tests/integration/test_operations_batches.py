"""Work on many rows: what is due is done, whatever stands before it, and what failed is told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from application.integrity import audit
from domains import BatchIncomplete, Missing, RuleViolation, TryAgain, Unavailable, one_by_one
from domains.billing.access import isolate_overdue
from domains.billing.models import Invoice, Subscription
from domains.customers.models import Customer
from domains.locations.operations import today
from domains.mikrotik.models import PppoeUser
from domains.payments.callbacks import process_unprocessed, take_callback
from domains.payments.links import (
    LinkRefused,
    expire_links,
    expire_payments,
    make_link,
    open_link,
    revoke_link,
)
from domains.payments.models import Payment, PaymentEvent, PaymentLink
from domains.payments.moving import NotSettled, leave
from domains.payments.operations import confirm
from domains.payments.refunds import keep_disputed, refund, reject, to_review
from domains.payments.renewals import renew_due
from domains.system.operations import change_setting
from tests.support import money, samples
from tests.support.as_app import as_owner

pytestmark = pytest.mark.as_app

DAY = timedelta(1)
REASON: dict[str, Any] = {"by": None, "reason": "Dicek"}


@pytest.fixture
def home(models: Any) -> Iterator[int]:
    yield money.main_office(models)
    models.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with as_owner(models):
        assert audit(models.connection) == []


@pytest.fixture
def who(models: Any, home: int) -> int:
    return money.customer(models, home)


def later(models: Any, table: str, **values: Any) -> None:
    """Write what only time may bring, behind the back of the rules."""
    with as_owner(models):
        models.execute("SET LOCAL session_replication_role = replica")
        parts = ", ".join(f"{column} = %s" for column in values)
        models.execute(f"UPDATE {table} SET {parts}", list(values.values()))
        models.execute("SET LOCAL session_replication_role = origin")


def test_one_that_fails_stops_none_behind_it() -> None:
    tried: list[int] = []

    def work(key: int) -> int:
        tried.append(key)
        if key == 2:
            raise Missing("gone")
        if key == 3 and tried.count(3) == 1:
            raise TryAgain("in the way")
        return key % 2

    with pytest.raises(BatchIncomplete, match=r"1 failed:\n2: gone") as caught:
        one_by_one(range(1, 6), work, limit=10)
    assert (caught.value.count, list(caught.value.failures)) == (3, [2])
    assert not caught.value.retryable
    assert tried == [1, 2, 3, 3, 4, 5]
    assert one_by_one(range(1, 6), work, limit=2) == 2  # a caller goes on; it is told at the end
    with pytest.raises(Unavailable):
        one_by_one([1], lambda key: _unreachable(), limit=1)


def _unreachable() -> int:
    raise Unavailable("broken off")


def test_what_is_due_is_renewed_whatever_fails_before_it(models: Any, home: int) -> None:
    """The first one's period is billed already, by hand; the last one's customer is not served."""
    here = today(home)
    rows = []
    for began in (here - 70 * DAY, here - 40 * DAY, here, here + DAY, here - 3 * DAY):
        person = money.customer(models, home)
        values = {"next_billing_on": began, "anchor_day": began.day, "price": 150_000}
        rows.append(money.subscription(models, person, str(began), **values))
    double = Subscription.get_by_id(rows[0])
    period = f"[{here - 70 * DAY},{here - 60 * DAY})"
    money.draft(models, double.customer_id, 100, subscription_id=rows[0], period=period)
    Customer.update(status="suspended").where(Customer.id == person).execute()
    with pytest.raises(BatchIncomplete) as caught:
        while renew_due(limit=1):
            pass
    (failure,) = caught.value.failures.items()
    assert (failure[0], type(failure[1])) == (rows[0], RuleViolation)
    counts = [Invoice.select().where(Invoice.subscription == row).count() for row in rows]
    assert counts == [1, 2, 1, 0, 0]


def test_each_branch_has_grace_of_its_own(models: Any, home: int, who: int) -> None:
    """Of one who moved, too: what is owed in the old branch has the old branch's grace."""
    away = money.branch(models, "AWAY")
    change_setting("isolation_grace_days", 30, by=None, location=home)
    change_setting("isolation_grace_days", 0, by=None, location=away)
    late = money.issued(models, who, 100)
    Invoice.update(due_on=today(home) - 20 * DAY).where(Invoice.id == late).execute()
    Customer.update(location=away).where(Customer.id == who).execute()
    plan = samples.profile(models, away, service_type="pppoe")
    line = samples.pppoe_user(models, who, samples.router(models, away), plan)
    new = money.issued(models, who, 100)
    assert isolate_overdue() == 0
    Invoice.update(due_on=today(away) - DAY).where(Invoice.id == new).execute()
    assert isolate_overdue() == 1
    assert PppoeUser.get_by_id(line).status == "isolated"


def test_a_link_that_is_revoked_or_over_leads_nowhere(models: Any, who: int) -> None:
    links = [make_link(money.issued(models, who, 100)) for _ in range(3)]
    revoke_link(links[0][0])
    later(models, "payment_links", expires_at="2026-01-01")
    fresh, token = make_link(money.issued(models, who, 100))
    assert (expire_links(limit=1), expire_links(), expire_links()) == (1, 1, 0)
    revoke_link(links[1][0])
    statuses = [PaymentLink.get_by_id(link.id).status for link, _ in [*links, (fresh, "")]]
    assert statuses == ["revoked", "expired", "expired", "open"]
    for _, old in links:
        with pytest.raises(LinkRefused):
            open_link(old)
    again, newer = make_link(fresh.invoice_id)
    assert (again.id, again.regenerated_count, open_link(newer).id) == (fresh.id, 1, fresh.id)
    for wrong in (token, "", "\0", "\ud800", "x" * 100_000):
        with pytest.raises(LinkRefused):
            open_link(wrong)
    with pytest.raises(Missing):
        revoke_link(0)


def test_an_attempt_whose_time_is_over_is_given_up(models: Any, who: int) -> None:
    waits = [money.payment(models, who, 100, "pending", expires_at="2026-01-01") for _ in "ab"]
    money.payment(models, who, 100, "pending")
    money.payment(models, who, 100, "pending", expires_at="2099-01-01")
    money.payment(models, who, 100, "processing", expires_at="2026-01-01")
    assert (expire_payments(limit=1), expire_payments(), expire_payments()) == (1, 1, 0)
    over = Payment.select().where(Payment.status == "expired").order_by(Payment.id)
    assert [row.id for row in over] == waits


@pytest.fixture
def event(billing: Any) -> Iterator[Any]:
    """Takes a callback of a reference; at the end the audit is silent."""
    count = iter(range(100_000))

    def take(reference: str, **values: Any) -> Any:
        given = {"signature_ok": True, "amount": 100, "payload": {}} | values
        return take_callback("duitku", f"k{next(count)}", external_ref=reference, **given)

    yield take
    with as_owner(billing.cursor()):
        assert audit(billing.connection()) == []


def test_callbacks_that_name_no_payment_keep_no_other_waiting(billing: Any, event: Any) -> None:
    for number in range(5):
        event(f"unknown {number}")
    early = event("D1")
    who = money.customer(billing.cursor())
    made = {"provider": "duitku", "external_ref": "D1"}
    paid = money.payment(billing.cursor(), who, 100, "pending", **made)
    assert (process_unprocessed(limit=1), process_unprocessed(limit=1)) == (1, 0)
    assert PaymentEvent.get_by_id(early.id).outcome == "applied"
    assert Payment.get_by_id(paid).status == "paid"


def test_a_callback_that_cannot_be_processed_keeps_no_other_waiting(
    billing: Any, event: Any
) -> None:
    cursor = billing.cursor()
    who = money.customer(cursor)
    first, second = event("D1"), event("D2")
    for number in "12":
        made = {"provider": "duitku", "external_ref": f"D{number}"}
        money.payment(cursor, who, 100, "pending", **made)
    rule = "CHECK (external_ref <> 'D1' OR status <> 'paid')"
    with as_owner(cursor):
        cursor.execute(f"ALTER TABLE payments ADD CONSTRAINT x {rule}")
    with pytest.raises(BatchIncomplete) as caught:
        process_unprocessed(limit=1)
    assert (list(caught.value.failures), caught.value.count) == ([first.id], 1)
    assert "violates check constraint" in PaymentEvent.get_by_id(first.id).error
    assert PaymentEvent.get_by_id(second.id).outcome == "applied"
    with as_owner(cursor):
        cursor.execute("ALTER TABLE payments DROP CONSTRAINT x")
    assert process_unprocessed() == 1


@pytest.mark.parametrize("status", ["paid", "review", "refunded"])
def test_money_that_is_taken_back_is_looked_at_wherever_it_is(
    billing: Any, event: Any, status: str
) -> None:
    """What was given back already, and is taken back as well, is lost twice."""
    cursor = billing.cursor()
    who = money.customer(cursor)
    made = {"provider": "duitku", "external_ref": "D1"}
    row = money.payment(cursor, who, 100, "pending", **made)
    event("D1", amount=99 if status == "review" else 100)
    if status == "refunded":
        refund(row, **REASON)
    taken = event("D1", is_success=False)
    assert (taken.outcome, taken.error) == ("review", "the provider takes the money back")
    assert [(each.id, each.status) for each in to_review()] == [(row, status)]
    if status == "review":
        assert confirm(row, 99, by=None).disputed_at is not None
    assert keep_disputed(row, **REASON).disputed_at is None
    assert to_review() == []
    log = "SELECT count(*) FROM activity_logs WHERE action = 'payments.keep'"
    keep_disputed(row, **REASON)
    assert money.one(cursor, log) == 1


def test_what_never_came_is_rejected_with_its_dispute(billing: Any, event: Any) -> None:
    cursor = billing.cursor()
    made = {"provider": "duitku", "external_ref": "D1"}
    row = money.payment(cursor, money.customer(cursor), 100, "pending", **made)
    event("D1", amount=99)
    event("D1", is_success=False)
    assert reject(row, **REASON).status == "cancelled"
    assert to_review() == []


def test_when_an_invoice_was_paid_is_not_chosen(models: Any, who: int) -> None:
    invoice = money.issued(models, who, 100)
    money.allocation(models, money.payment(models, who, 100), invoice, 100)
    for moment in ("2001-01-01", "2026-12-01", "2099-01-01"):
        with money.refused(models, "invoices_issued_is_frozen"):
            samples.update(models, "invoices", invoice, paid_at=moment)
    free, due_on = money.draft(models, who, 0), "2026-12-01"
    for moment, rule in (
        ("2001-01-01", "invoices_paid_once_issued_check"),
        ("2099-01-01", "invoices_paid_not_ahead"),
    ):
        with money.refused(models, rule):
            samples.update(models, "invoices", free, status="paid", due_on=due_on, paid_at=moment)
    samples.update(models, "invoices", free, status="paid", due_on=due_on, paid_at=("now()",))


def test_who_has_a_disputed_payment_does_not_leave(models: Any, who: int) -> None:
    made = money.payment(models, who, 100, refunded=0)
    models.execute("UPDATE payments SET disputed_at = now() WHERE id = %s", (made,))
    money.allocation(models, made, money.issued(models, who, 100), 100)
    with pytest.raises(NotSettled):
        leave(who, **REASON)
    keep_disputed(made, **REASON)
    leave(who, **REASON)
    assert Customer.get_by_id(who).deleted_at is not None
