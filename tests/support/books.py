"""What the tests of operations on money ask and expect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from domains.billing.models import Invoice
from domains.billing.operations import issue
from domains.customers.models import Customer
from kernel.errors import RuleViolation
from tests.support.money import draft


def broken(rule: str, operation: Callable[..., Any], *arguments: Any, **options: Any) -> None:
    with pytest.raises(RuleViolation) as caught:
        operation(*arguments, **options)
    assert caught.value.rule == rule


def issued(cursor: Any, customer: int, *totals: int) -> list[int]:
    return [issue(draft(cursor, customer, total)).id for total in totals]


def owed(*invoices: int) -> list[tuple[str, int]]:
    return [(row.status, row.total - row.paid) for row in map(Invoice.get_by_id, invoices)]


def balance(customer: int) -> Any:
    return Customer.get_by_id(customer).balance
