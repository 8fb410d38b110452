"""A month in the life of a customer, from the first subscription to the good-bye."""

from __future__ import annotations

from typing import Any

import pytest

from application.integrity import audit
from demo.month import live
from domains.customers.models import Customer, TransactionLog
from domains.mikrotik.models import PppoeUser, PppoeUserStatus
from domains.payments.models import Payment
from kernel.secrets import new_key
from tests.support.as_app import as_owner

pytestmark = pytest.mark.as_app


def test_a_customer_lives_through_a_month(billing: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BILLING_SECRET_KEYS", new_key())
    lines = list(live())
    print("\n".join(lines))
    who = Customer.get()
    assert who.deleted_at is not None
    assert who.balance == sum(entry.amount for entry in TransactionLog.select()) == 0
    assert "away for ten days: the balance is" in "\n".join(lines)
    assert any(line == "forgotten: the line is isolated" for line in lines)
    assert any(line == "paid by the link (applied): the line is active" for line in lines)
    assert PppoeUser.get().status == PppoeUserStatus.DISABLED
    assert {payment.refunded for payment in Payment.select()} == {0, 20_000}
    assert audit(billing.connection()) == [], "as the application, which reads no sequence"
    with as_owner(billing.cursor()):
        assert audit(billing.connection()) == []
