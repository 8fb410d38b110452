"""An application sees one tree of errors, whatever the driver, PostgreSQL or the caller does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domains import BillingError, InvalidValue, Missing, RuleViolation, TryAgain
from domains.billing.bills import bill
from domains.billing.models import Invoice
from domains.billing.operations import issue, void
from domains.billing.subscriptions import end, start, suspend
from domains.customers.models import Customer, TransactionLogEntryType
from domains.customers.operations import post
from domains.locations.models import Location
from domains.locations.operations import make_default
from domains.mikrotik.operations import make_batch, redeem
from domains.notifications.models import NotificationQueueChannel
from domains.notifications.operations import enqueue
from domains.payments.callbacks import (
    FORGED_PER_HOUR,
    CallbackRefused,
    process_unprocessed,
    take_callback,
)
from domains.payments.models import PaymentEvent
from domains.payments.operations import record_payment
from domains.payments.refunds import refund
from domains.system.operations import UnknownSetting, change_setting, setting
from kernel.database_rules import operation
from tests.support import money, samples
from tests.support.as_app import as_owner

pytestmark = pytest.mark.as_app

ODD: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.binary(max_size=8),
    st.sampled_from(["\0", "\ud800", "x" * 100_000, 10**20, -(10**30), 2**63 - 1]),
    st.decimals(),
    st.datetimes(),
    st.lists(st.integers(), max_size=3),
)
EMAIL = NotificationQueueChannel.EMAIL
TOP_UP = TransactionLogEntryType.TOP_UP


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(ODD, ODD, st.integers(0, 9))
def test_no_drivers_error_passes(models: Any, value: Any, other: Any, which: int) -> None:
    """But for a value of a wrong type, which is a slip in the code that calls."""
    models.execute("SAVEPOINT example")
    who = money.customer(models)
    invoice = money.draft(models, who, 100)
    calls: list[Callable[[], Any]] = [
        lambda: post(who, TOP_UP, value, "x"),
        lambda: post(value, TOP_UP, 5, "x"),
        lambda: post(who, TOP_UP, 5, value),
        lambda: record_payment(who, money.method(models), value, by=None, notes=other),
        lambda: issue(invoice, days_to_pay=value),
        lambda: void(invoice, by=other, reason="x"),
        lambda: refund(value, other, by=None, reason="x"),
        lambda: start(who, value, by=None, on=other),
        lambda: change_setting("company_name", value, by=None),
        lambda: make_batch(value, 1, code=other, by=None),
    ]
    try:
        calls[which]()
    except BillingError:
        pass
    except (TypeError, AttributeError, ValueError, OverflowError) as error:
        assert not isinstance(error, psycopg2.Error), error
    models.execute("ROLLBACK TO example")


@pytest.mark.parametrize(
    "amount", [150_000.75, 10**20, "x", None, True, float("nan"), Decimal("sNaN")]
)
def test_an_amount_is_not_cut_to_a_whole_one(models: Any, amount: Any) -> None:
    who = money.customer(models)
    with pytest.raises(InvalidValue) as caught:
        record_payment(who, money.method(models), amount, by=None)
    assert caught.value.field == "amount"


def test_what_its_type_allows_and_nobody_can_mean_is_named(models: Any) -> None:
    """A moment is a day to Python, any whole number a number of days, anything a setting."""
    home = money.main_office(models)
    who, plan = money.customer(models), samples.profile(models, home, service_type="pppoe")
    row = start(who, plan, by=None, on=date(2026, 6, 1))
    draft, moment = money.draft(models, who, 100), datetime(2026, 6, 2, tzinfo=UTC)
    why: dict[str, Any] = {"by": None, "reason": "x"}
    odd: list[tuple[str, Callable[[], Any]]] = [
        ("on", lambda: start(who, plan, by=None, on=moment)),
        ("ends_on", lambda: start(who, plan, by=None, ends_on=moment)),
        ("on", lambda: suspend(row, on=moment, **why)),
        ("on", lambda: end(row, on=moment, **why)),
        ("today", lambda: bill(row, today=moment)),
        ("days_to_pay", lambda: issue(draft, days_to_pay=2**40)),
        ("value", lambda: change_setting("tax_rate_bp", Decimal(5), by=None)),
        ("value", lambda: change_setting("tax_rate_bp", float("nan"), by=None)),
        ("payload", lambda: enqueue(EMAIL, "a@b.id", "x", payload={"a": Decimal(5)})),
    ]
    for field, call in odd:
        with pytest.raises(InvalidValue) as caught:
            call()
        assert caught.value.field == field


def test_an_error_names_rule_table_and_field(models: Any) -> None:
    who = money.customer(models)
    with pytest.raises(RuleViolation) as caught:
        post(who, TOP_UP, -5, "x")
    assert (caught.value.rule, caught.value.table) == (
        *("transaction_logs_sign_fits_type_check", "transaction_logs"),
    )
    assert not caught.value.retryable
    with pytest.raises(Missing, match="customers: there is no row 0"):
        post(0, TOP_UP, 5, "x")
    with pytest.raises(InvalidValue):
        redeem("\0")
    with pytest.raises(UnknownSetting):
        setting("no_such")


def test_a_deferred_rule_is_told_by_the_operation_not_by_the_commit_around_it(models: Any) -> None:
    database = Invoice._meta.database
    with pytest.raises(RuleViolation) as caught, operation(database):
        Location.update(is_default=False).execute()
    assert caught.value.rule == "locations_one_is_default"
    other = Location.create(code="NEW", name="New")
    make_default(other)
    assert Location.get(Location.is_default).id == other.id


def test_what_may_be_tried_again_says_so(billing: Any, migrated_url: str) -> None:
    """A lock that another transaction holds, a deadlock, an older snapshot."""
    cursor = billing.cursor()
    who = money.customer(cursor)
    with closing(psycopg2.connect(migrated_url)) as other:
        other.cursor().execute("UPDATE customers SET notes = 'x' WHERE id = %s", (who,))
        billing.execute_sql("SET lock_timeout = '50ms'")
        with pytest.raises(TryAgain) as caught:
            post(who, TOP_UP, 5, "x")
        assert caught.value.retryable
        other.rollback()
    billing.execute_sql("SET lock_timeout = 0")
    with pytest.raises(TryAgain), operation(billing):
        billing.execute_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        billing.execute_sql("SELECT 1 FROM customers")
        thread = threading.Thread(target=_post_elsewhere, args=(migrated_url, who))
        thread.start()
        thread.join()
        post(who, TOP_UP, 5, "x")
    assert Customer.get_by_id(who).balance == 7


def _post_elsewhere(url: str, who: int) -> None:
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        money.entry(cursor, who, 7)


def test_a_callback_is_refused_inside_a_transaction_with_which_it_could_be_lost(
    models: Any,
) -> None:
    with pytest.raises(CallbackRefused, match="outside any transaction"):
        take_callback("duitku", "k", signature_ok=True, external_ref="D", amount=1, payload={})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    JSON,
    st.text() | st.binary(),
    ODD,
    st.text() | st.binary() | st.none(),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["Duitku", " duitku ", "", "d'k", "x" * 99, "\0", "\ud800", None, b"duitku"]),
)
def test_whatever_a_provider_sends_is_kept_or_refused(
    billing: Any,
    payload: Any,
    key: Any,
    amount: Any,
    reference: Any,
    success: bool,
    signed: bool,
    provider: Any,
) -> None:
    """Signed or not, of a provider that there is or not; never an error of another kind."""
    count = PaymentEvent.select().count()
    try:
        event = take_callback(
            provider,
            key,
            signature_ok=signed,
            external_ref=reference,
            amount=amount,
            payload=payload,
            is_success=success,
        )
    except CallbackRefused:
        is_full = PaymentEvent.select().where(~PaymentEvent.signature_ok).count() == FORGED_PER_HOUR
        assert str(provider).strip().lower() != "duitku" or (is_full and not signed)
        assert PaymentEvent.select().count() == count
        return
    assert PaymentEvent.get_by_id(event.id).provider == "duitku"
    if not signed:
        assert (event.outcome, event.processed_at is None) == ("rejected", False)
        return
    assert event.processed_at is None
    assert event.error.startswith("no payment has the reference")


def test_an_event_that_names_no_payment_is_closed_after_a_week(billing: Any) -> None:
    event = take_callback("duitku", "k", signature_ok=True, external_ref="D", amount=1, payload={})
    assert process_unprocessed() == 0
    cursor = billing.cursor()
    with as_owner(cursor):
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("UPDATE payment_events SET received_at = now() - interval '8 days'")
        cursor.execute("SET session_replication_role = origin")
    assert process_unprocessed() == 1
    assert PaymentEvent.get_by_id(event.id).outcome == "failed"


def test_settings_fall_back_from_branch_to_globe_to_seed(models: Any) -> None:
    home = money.main_office(models)
    assert setting("days_to_pay", home) == 7
    change_setting("days_to_pay", 10, by=None)
    change_setting("days_to_pay", 3, by=None, location=home)
    away = money.branch(models, "AWAY")
    assert [setting("days_to_pay", place) for place in (home, away, None)] == [3, 10, 10]
    for value in (-1, 366, "x", 1.5):
        with pytest.raises(RuleViolation):
            change_setting("days_to_pay", value, by=None)
    models.execute("DELETE FROM settings WHERE key = 'days_to_pay'")
    assert setting("days_to_pay") == 7


def test_one_who_opted_out_is_not_written_to_but_when_asking(models: Any) -> None:
    who = money.customer(models)
    Customer.update(opted_out_at=datetime.now(UTC)).where(Customer.id == who).execute()
    arguments: Any = ("whatsapp", "08123456789", "Halo")
    with pytest.raises(BillingError, match="wanted no more messages"):
        enqueue(*arguments, customer=who)
    assert enqueue(*arguments, customer=who, is_wanted=True).customer_id == who
