"""What a provider sent, in a form that the database can keep, whatever it was."""

from __future__ import annotations

import hashlib
import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any

from domains import BillingError, InvalidValue, whole_rupiah

LONGEST = 200
MOST_PAYLOAD = 65_536
# Characters by which jsonb may write a float out that has an exponent in JSON: 1e21 becomes 22
# digits, and a list of nine thousand of them more than the column holds.
LONGEST_NUMBER = 40
PROVIDER = re.compile(r"[a-z][a-z0-9_]{0,62}")


class CallbackRefused(BillingError):
    """A callback that is not kept; the message says why, and the provider is to be told."""


def provider_name(value: Any) -> str:
    """The provider's name, in small letters. Raises CallbackRefused where it is none."""
    name = str(value).strip().lower() if isinstance(value, str) else ""
    if not PROVIDER.fullmatch(name):
        raise CallbackRefused(f"{str(value)[:LONGEST]!r} is not the name of a provider")
    return name


def key_text(value: Any) -> str:
    """A key or a reference as one line that the database can index: what is too long, or has
    characters that cannot be stored, is known by its sha256."""
    text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
    text = text.strip()
    if text and len(text) <= LONGEST and text.isascii() and text.isprintable():
        return text
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()


def amount_of(value: Any) -> int | None:
    """Rupiah that came, or None where no whole amount can be read: 150000, "150000", 150000.0 and
    "150000.00" are the same."""
    try:
        number = Decimal(value.strip()) if isinstance(value, str) else value
        amount = whole_rupiah(number)
    except (InvalidValue, InvalidOperation, ValueError):
        return None
    return amount if amount >= 0 else None


def storable(payload: Any) -> Any:
    """The payload, if jsonb can hold it; else a text that shows what it was, cut where it is long.

    jsonb has no NUL characters, no lone surrogates, no NaN and no infinity; bytes are no JSON.
    """
    try:
        if payload is None:
            return {}
        text = json.dumps(payload, allow_nan=False, ensure_ascii=False)
        size = len(text.encode()) + LONGEST_NUMBER * (text.count("e+") + text.count("e-"))
        if size <= MOST_PAYLOAD and "\\u0000" not in text and _numbers_fit(payload):
            return payload
    except (TypeError, ValueError, RecursionError):
        pass
    shown = payload.decode("latin-1") if isinstance(payload, bytes) else _shown(payload)
    plain = shown.encode("ascii", "backslashreplace").decode().replace("\0", "\\x00")
    return {
        "unreadable": plain[: MOST_PAYLOAD // 2],
        "characters": len(plain),
        "sha256": hashlib.sha256(plain.encode()).hexdigest(),
    }


def _shown(payload: Any) -> str:
    try:
        return repr(payload)
    except (RecursionError, ValueError):
        return f"a {type(payload).__name__} that cannot be shown"


def _numbers_fit(value: Any) -> bool:
    """Whether PostgreSQL can hold the numbers: it takes 131,072 digits, Python any number."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and _numbers_fit(part) for key, part in value.items())
    if isinstance(value, list | tuple):
        return all(map(_numbers_fit, value))
    if isinstance(value, float):
        # jsonb writes 1e300 out, digit by digit
        return value == 0 or 1e-22 < abs(value) < 1e22
    return not isinstance(value, int) or value.bit_length() < 10_000
