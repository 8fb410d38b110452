"""The ranges of the settings that are numbers; the database holds each row to them."""

from __future__ import annotations

# key -> (smallest, largest) value of an integer
RANGES = {
    "session_timeout_minutes": (1, 43_200),
    "session_lifetime_hours": (1, 8_760),
    "session_warning_minutes": (0, 1_440),
    "whatsapp_per_minute": (1, 1_000),
    "api_per_minute": (1, 100_000),
    "login_per_minute": (1, 1_000),
    "backup_retention_days": (1, 3_650),
    "cleanup_interval_hours": (1, 720),
    "session_retention_days": (1, 3_650),
    "message_retention_days": (7, 3_650),
    "activity_retention_days": (365, 36_500),
    "callback_retention_days": (7, 3_650),
    "password_min_length": (8, 64),
    "max_login_attempts": (3, 100),
    "lockout_minutes": (1, 1_440),
    "days_to_pay": (0, 365),
    "isolation_grace_days": (0, 365),
    "payment_link_days": (1, 365),
    "tax_rate_bp": (0, 10_000),
}


def known_range() -> str:
    """SQL for a CHECK: a setting that is known here has a range, and none that is wider.

    With `max_login_attempts` at 0 nobody could log in, and with a billion everybody could guess.
    """
    cases = []
    for key, (least, most) in RANGES.items():
        cases.append(f" WHEN '{key}' THEN least >= {least} AND most <= {most}")
    return f"(CASE key{''.join(cases)} ELSE true END) IS TRUE"
