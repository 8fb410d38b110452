"""What a provider's callback does: it pays once, or goes to review."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from domains.billing.models import Invoice, InvoiceStatus
from domains.customers.models import TransactionLog
from domains.payments.callbacks import (
    FORGED_PER_HOUR,
    process_event,
    process_unprocessed,
    take_callback,
)
from domains.payments.models import Payment, PaymentEvent, PaymentStatus
from domains.payments.operations import confirm, record_payment
from domains.payments.refunds import refund, to_review
from tests.support import money
from tests.support.books import balance, broken, issued, owed
from tests.support.databases import execute
from tests.support.money import CLIENTS, at_once, audit, customer, isolated, payment, until_done

pytestmark = pytest.mark.as_app


@pytest.fixture
def cursor(billing: Any) -> Any:
    """A cursor on a bound database of one's own; each statement is committed at once."""
    return billing.cursor()


@pytest.fixture
def own(billing: Any) -> Iterator[Any]:
    """The same, with the audit at the end."""
    cursor = billing.cursor()
    yield cursor
    audit(cursor)


def callback(key: str, reference: str = "D1", amount: int | None = 100, **options: Any) -> Any:
    values = {"signature_ok": True, "payload": {"k": key}} | options
    return take_callback("duitku", key, external_ref=reference, amount=amount, **values)


def attempt(cursor: Any, amount: int = 100, reference: str = "D1") -> tuple[int, int, int]:
    """A customer's pending attempt through the gateway (customer, invoice, payment)."""
    who = customer(cursor)
    (invoice,) = issued(cursor, who, amount)
    waiting = payment(
        cursor,
        who,
        amount,
        "pending",
        invoice_id=invoice,
        provider="duitku",
        external_ref=reference,
    )
    return who, invoice, waiting


def test_a_callback_pays_and_settles_once(own: Any) -> None:
    who, invoice, waiting = attempt(own)
    first = callback("k1")
    assert (first.outcome, first.payment_id, first.error) == ("applied", waiting, None)
    assert (owed(invoice), balance(who)) == ([("paid", 0)], 0)
    again = callback("k1", amount=999, payload={"other": 1})
    assert (again.id, again.payload, again.outcome) == (first.id, {"k": "k1"}, "applied")
    assert PaymentEvent.select().count() == 1
    assert TransactionLog.select().count() == 2


def test_a_forged_callback_is_kept_and_blocks_nothing(own: Any) -> None:
    _, invoice, waiting = attempt(own)
    forged = [callback("k1", signature_ok=False) for _ in range(2)]
    assert {event.outcome for event in forged} == {"rejected"}
    assert Payment.get_by_id(waiting).status == PaymentStatus.PENDING
    assert callback("k1").outcome == "applied"
    assert owed(invoice) == [("paid", 0)]


@pytest.mark.parametrize("status", ["expired", "cancelled", "failed"])
def test_late_money_goes_to_review(own: Any, status: str) -> None:
    who, invoice, waiting = attempt(own)
    own.execute("UPDATE payments SET status = %s", (status,))
    event = callback("k1")
    assert (event.outcome, event.error) == ("failed", f"100 came after the payment was {status}")
    assert Payment.get_by_id(waiting).status == PaymentStatus.REVIEW
    assert (owed(invoice), balance(who)) == ([("open", 100)], 0)
    assert callback("k2").outcome == "review"
    assert len(to_review()) == 2


@pytest.mark.parametrize("amount", [99, 101, None])
def test_another_amount_goes_to_review(own: Any, amount: int | None) -> None:
    who, _, waiting = attempt(own)
    event = callback("k1", amount=amount)
    assert (event.outcome, event.error) == ("failed", f"{amount} came instead of 100")
    assert Payment.get_by_id(waiting).status == PaymentStatus.REVIEW
    assert balance(who) == 0


def test_what_is_in_review_is_confirmed_or_sent_back(own: Any) -> None:
    who, invoice, waiting = attempt(own)
    callback("k1", amount=70)
    assert confirm(waiting, 70, by=None).allocated == 70
    assert (owed(invoice), balance(who)) == ([("partial", 30)], 0)
    broken("payments_settled_is_frozen", confirm, waiting, 100, by=None)
    other, _, doubtful = attempt(own, reference="D2")
    callback("k2", "D2", amount=70)
    assert refund(doubtful, by=None, reason="Salah").status == PaymentStatus.REFUNDED
    assert (balance(other), TransactionLog.select().count()) == (0, 2)
    broken("payments_settled_is_frozen", confirm, doubtful, 70, by=None)
    given_up = payment(own, who, 100, "pending")
    own.execute("UPDATE payments SET status = 'expired' WHERE id = %s", (given_up,))
    broken("payments_status_move", confirm, given_up, 100, by=None)


def test_a_callback_without_a_reference_finds_no_payment(own: Any) -> None:
    waiting = payment(own, customer(own), 100, "pending", provider="duitku")
    event = take_callback(
        "duitku", "k1", signature_ok=True, external_ref=None, amount=100, payload={}
    )
    assert (event.processed_at, event.payment) == (None, None)
    assert Payment.get_by_id(waiting).status == PaymentStatus.PENDING


def test_a_callback_of_failure_ends_an_attempt_and_no_payment(own: Any) -> None:
    _, _, waiting = attempt(own)
    assert callback("k1", amount=None, is_success=False).outcome == "applied"
    assert Payment.get_by_id(waiting).status == PaymentStatus.FAILED
    paid = attempt(own, reference="D2")[2]
    callback("k2", "D2")
    assert callback("k3", "D1", is_success=False).outcome == "ignored"
    assert Payment.get_by_id(paid).status == PaymentStatus.PAID


def test_a_callback_before_its_payment_is_not_lost(own: Any) -> None:
    early = callback("k1")
    assert (early.processed_at, early.outcome) == (None, None)
    assert early.error == "no payment has the reference D1"
    _, invoice, _ = attempt(own)
    done = process_event(early.id)
    assert (done.outcome, done.error, owed(invoice)) == ("applied", None, [("paid", 0)])
    assert callback("k1").processed_at == done.processed_at


def test_money_for_a_settled_invoice_stays_in_the_balance(own: Any) -> None:
    who, invoice, _ = attempt(own)
    record_payment(who, money.method(own), 70, by=None)
    assert callback("k1").outcome == "applied"
    assert (owed(invoice), balance(who)) == ([("paid", 0)], 70)


def test_a_callback_is_kept_once_where_another_is_in_the_way_of_all_that_follows(
    own: Any, migrated_url: str
) -> None:
    """Told to try again after that, the sender of a forged one would have it kept twice."""
    execute(
        migrated_url,
        """CREATE FUNCTION in_the_way() RETURNS trigger LANGUAGE plpgsql
           AS $$ BEGIN RAISE 'another was first' USING ERRCODE = '40001'; END $$;
           CREATE TRIGGER in_the_way BEFORE UPDATE ON payment_events
           FOR EACH ROW EXECUTE FUNCTION in_the_way()""",
    )
    for is_signed in (True, False):
        event = callback("k1", signature_ok=is_signed)
        assert (event.signature_ok, event.processed_at, event.error) == (is_signed, None, None)
    execute(migrated_url, "DROP TRIGGER in_the_way ON payment_events")
    attempt(own)
    assert process_unprocessed() == 2
    assert [str(event.outcome) for event in PaymentEvent.select().order_by(PaymentEvent.id)] == [
        "applied",
        "rejected",
    ]


@pytest.mark.parametrize(
    "attempts", [8, pytest.param(150, marks=pytest.mark.campaign)], ids=["short", "long"]
)
def test_many_clients_send_each_callback_and_it_acts_once(
    billing: Any, cursor: Any, attempts: int
) -> None:
    for number in range(attempts):
        attempt(cursor, reference=f"D{number}")

    def work(client: int) -> Counter[str]:
        done = Counter[str]()
        with isolated(billing, client):
            for number in range(attempts):
                for key in sorted((f"k{number}", f"other{number}"), reverse=client % 2 == 1):
                    event = until_done(lambda k=key, n=number: callback(k, f"D{n}"))
                    done[str(event.outcome)] += 1
            for number in range(FORGED_PER_HOUR // CLIENTS):
                until_done(lambda n=number: callback(f"k{n}", f"D{n}", signature_ok=False))
        return done

    done = at_once(work)
    process_unprocessed()  # what was in another's way three times
    outcomes = Counter(str(event.outcome) for event in PaymentEvent.select())
    print(f"{CLIENTS} clients, {attempts} payments: {dict(done)} of {dict(outcomes)}")
    assert outcomes == {
        "applied": attempts,
        "review": attempts,
        "rejected": CLIENTS * (FORGED_PER_HOUR // CLIENTS),
    }
    assert sum(done.values()) == CLIENTS * attempts * 2
    assert TransactionLog.select().count() == 2 * attempts
    assert Invoice.select().where(Invoice.status == InvoiceStatus.PAID).count() == attempts
    audit(cursor)


def test_money_that_comes_twice_is_for_a_person_to_decide(own: Any) -> None:
    who, _, waiting = attempt(own)
    callback("k1")
    second = callback("k2", amount="70.00")
    assert second.outcome == "review"
    assert second.error == f"70 came again: payment {waiting} is paid already"
    (work,) = to_review()
    assert (work.id, work.amount, work.status) == (second.payment_id, 70, PaymentStatus.REVIEW)
    assert (balance(who), TransactionLog.select().count()) == (0, 2)
    assert confirm(work, 70, by=None).status == PaymentStatus.PAID
    assert (balance(who), to_review()) == (70, [])


def test_money_that_is_taken_back_is_for_a_person_to_decide(own: Any) -> None:
    who, invoice, waiting = attempt(own)
    callback("k1")
    event = callback("k2", is_success=False)
    assert (event.outcome, event.error) == ("review", "the provider takes the money back")
    assert [row.id for row in to_review()] == [waiting]
    refund(waiting, by=None, reason="Ditarik kembali oleh bank")
    assert (owed(invoice), balance(who), to_review()) == ([("open", 100)], 0, [])
