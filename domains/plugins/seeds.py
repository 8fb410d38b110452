"""The plugins that ship with the system, configured as far as can be without an account."""

from __future__ import annotations

from typing import Any

from domains import Seeder
from domains.plugins.models import PaymentPlugin, PluginConfiguration

PLUGINS: list[dict[str, Any]] = [
    {
        "name": "manual",
        "version": "1.0.0",
        "description": "Payments that an admin records by hand: cash and bank transfers.",
        "author": "Built in",
        "entry_point": "plugins.manual:ManualPayment",
        "config_schema": {
            "type": "object",
            "properties": {
                "instructions": {"type": "string", "title": "How the customer pays"},
                "proof_required": {"type": "boolean", "title": "Ask for a proof of transfer"},
            },
        },
        "is_enabled": True,
        "is_system": True,
    },
    {
        "name": "duitku",
        "version": "1.0.0",
        "description": "Virtual accounts, QRIS, e-wallets and outlets through Duitku.",
        "author": "Built in",
        "entry_point": "plugins.duitku:DuitkuPayment",
        "config_schema": {
            "type": "object",
            "properties": {
                "merchant_code": {"type": "string", "title": "Merchant code"},
                "api_key": {"type": "string", "title": "API key", "writeOnly": True},
                "sandbox": {"type": "boolean", "title": "Use the sandbox"},
                "callback_url": {"type": "string", "title": "Address that Duitku notifies"},
                "return_url": {"type": "string", "title": "Address the customer returns to"},
                "expiry_minutes": {
                    "type": "integer",
                    "title": "Minutes in which to pay",
                    "minimum": 1,
                },
            },
            "required": ["merchant_code", "api_key", "callback_url", "return_url"],
        },
        "is_enabled": False,
        "is_system": True,
    },
]

CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "manual": {"instructions": "", "proof_required": False},
    "duitku": {
        "merchant_code": "",
        "sandbox": True,
        "callback_url": "",
        "return_url": "",
        "expiry_minutes": 1440,
    },
}


def plugins(seeder: Seeder) -> None:
    """The plugins themselves; Duitku is off until its account is configured."""
    seeder.ensure(PaymentPlugin, PLUGINS, key="name")


def configurations(seeder: Seeder) -> None:
    """One row per value; Duitku's API key has none until an operator enters it."""
    rows = [
        {"plugin": PaymentPlugin.get(PaymentPlugin.name == name), "key": key, "value": value}
        for name, values in CONFIGURATIONS.items()
        for key, value in values.items()
    ]
    seeder.ensure(PluginConfiguration, rows, key=("plugin", "key"))
