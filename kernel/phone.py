"""Phone numbers in the one form in which they are stored."""

from __future__ import annotations

import re


def normalise_phone(text: str) -> str:
    """Digits with country code: `0812-3456-789` and `+62 812 3456 789` give `628123456789`.

    Raises ValueError where no valid number (8 to 15 digits, E.164) comes out.
    """
    digits = re.sub(r"[\s().-]", "", text)
    digits = digits.removeprefix("+")
    if digits.startswith("0"):
        digits = "62" + digits[1:]
    if not re.fullmatch(r"[1-9][0-9]{7,14}", digits):
        raise ValueError(f"not a phone number: {text!r}; write 08123456789 or +628123456789")
    return digits
