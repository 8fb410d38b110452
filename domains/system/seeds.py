"""The settings that every installation starts with."""

from __future__ import annotations

from typing import Any

from domains import Seeder
from domains.system.models import Setting, SettingType
from domains.system.ranges import RANGES

STRING, INTEGER, BOOLEAN = SettingType.STRING, SettingType.INTEGER, SettingType.BOOLEAN

# category -> (key, type, value, description)
SETTINGS: dict[str, list[tuple[str, SettingType, Any, str]]] = {
    "company": [
        ("company_name", STRING, "My ISP", "Name of the provider, on invoices and in messages."),
        ("company_address", STRING, "", "Postal address of the provider, on invoices."),
        ("company_phone", STRING, "", "Phone of the provider, digits with country code."),
        ("company_email", STRING, "", "E-mail address of the provider."),
    ],
    "regional": [
        ("currency", STRING, "IDR", "Currency of every amount, as an ISO 4217 code."),
        ("currency_symbol", STRING, "Rp", "Symbol to write before an amount."),
        ("date_format", STRING, "DD/MM/YYYY", "How a date is shown, in to_char form."),
        ("time_format", STRING, "HH24:MI", "How a time of day is shown, in to_char form."),
        ("timezone", STRING, "Asia/Jakarta", "Time zone where no location gives its own."),
    ],
    "mikrotik": [
        ("voucher_comment", STRING, "VOUCHER_SYSTEM", "Marks the system's vouchers on a router."),
        ("pppoe_comment", STRING, "PPPOE_SYSTEM", "Marks the system's PPPoE accounts on a router."),
        ("voucher_prefix", STRING, "V", "How a new voucher's code begins."),
        ("pppoe_prefix", STRING, "pppoe", "How a new PPPoE user name begins."),
    ],
    "session": [
        ("session_timeout_minutes", INTEGER, 60, "Minutes without use after which a session ends."),
        ("session_lifetime_hours", INTEGER, 24, "Hours after log-in when a session ends anyway."),
        ("session_warning_minutes", INTEGER, 5, "Minutes before that end to warn the user."),
    ],
    "rate_limit": [
        ("whatsapp_per_minute", INTEGER, 30, "WhatsApp messages that a session sends in a minute."),
        ("api_per_minute", INTEGER, 60, "API requests that a user may make in a minute."),
        ("login_per_minute", INTEGER, 10, "Log-in attempts that an address may make in a minute."),
    ],
    "backup": [
        ("backup_path", STRING, "backups", "Folder of the backup files."),
        ("backup_retention_days", INTEGER, 30, "Days that a backup made by hand is kept."),
    ],
    "cleanup": [
        ("cleanup_enabled", BOOLEAN, True, "Remove expired sessions and old queue items."),
        ("cleanup_interval_hours", INTEGER, 24, "Hours from one clean-up to the next."),
        ("session_retention_days", INTEGER, 30, "Days that an ended session is kept."),
        ("message_retention_days", INTEGER, 180, "Days that a message that left is kept."),
        ("activity_retention_days", INTEGER, 730, "Days that the activity log is kept."),
        ("callback_retention_days", INTEGER, 30, "Days that a forged callback is kept."),
    ],
    "billing": [
        ("days_to_pay", INTEGER, 7, "Days from an invoice's issue to its due day."),
        ("isolation_grace_days", INTEGER, 3, "Days after the due day until a line is isolated."),
        ("payment_link_days", INTEGER, 14, "Days that a payment link works."),
        ("tax_rate_bp", INTEGER, 0, "Tax on subscriptions in basis points; 1100 is 11 %."),
    ],
    "security": [
        ("password_min_length", INTEGER, 8, "Characters that a password has at the least."),
        ("max_login_attempts", INTEGER, 5, "Failed log-ins in a row that lock an account."),
        ("lockout_minutes", INTEGER, 15, "Minutes that a locked account stays locked."),
    ],
}

# For the application on top of these tables: nothing here shows, sends, or asks a router.
FOR_THE_APPLICATION = {
    *("company_name", "company_address", "company_phone", "company_email"),
    *("currency", "currency_symbol", "date_format", "time_format", "timezone"),
    *("voucher_comment", "pppoe_comment", "voucher_prefix", "pppoe_prefix"),
    *("session_warning_minutes", "whatsapp_per_minute", "api_per_minute"),
    *("backup_retention_days", "cleanup_interval_hours"),
}


def settings(seeder: Seeder) -> None:
    """Seed the global settings."""
    rows = [
        {
            "location": None,
            "key": key,
            "value": value,
            "type": kind,
            "least": RANGES.get(key, (None, None))[0],
            "most": RANGES.get(key, (None, None))[1],
            "category": category,
            "description": description,
        }
        for category, group in SETTINGS.items()
        for key, kind, value, description in group
    ]
    seeder.ensure(Setting, rows, key=("location", "key"))
