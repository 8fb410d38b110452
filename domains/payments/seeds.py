"""The payment methods that a fresh installation offers."""

from __future__ import annotations

from typing import Any

from domains import Seeder
from domains.payments.models import PaymentMethod, PaymentMethodType
from domains.plugins.models import PaymentPlugin


def methods(seeder: Seeder) -> None:
    """Cash, transfer and the balance are on; Duitku is off until its account is configured."""
    manual = PaymentPlugin.get(PaymentPlugin.name == "manual")
    rows: list[dict[str, Any]] = [
        {
            "code": "cash",
            "name": "Tunai",
            "type": PaymentMethodType.MANUAL,
            "plugin": manual,
        },
        {
            "code": "transfer",
            "name": "Transfer Bank",
            "type": PaymentMethodType.MANUAL,
            "plugin": manual,
            "config": {"bank": "", "account_number": "", "account_holder": ""},
        },
        {
            "code": "balance",
            "name": "Saldo",
            "type": PaymentMethodType.WALLET,
        },
        {
            "code": "duitku",
            "name": "Duitku",
            "type": PaymentMethodType.GATEWAY,
            "plugin": PaymentPlugin.get(PaymentPlugin.name == "duitku"),
            "fee_bp": 250,
            "is_active": False,
        },
    ]
    seeder.ensure(PaymentMethod, rows, key="code")
