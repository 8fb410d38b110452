"""Phone numbers in the one form in which they are stored."""

from __future__ import annotations

import re
import unicodedata

from kernel.errors import InvalidValue

HOME_REGION = "ID"
LONGEST_TEXT = 64
# a number that went through a spreadsheet: 812345678901.0
SPREADSHEET = re.compile(r"\+?[0-9]{8,15}\.0")
STORED = re.compile(r"[1-9][0-9]{7,14}")


class Phone(str):
    """A number as it is stored: digits with country code, no plus. It is not read once more, for
    the digits of a Japanese number (81…) would then be taken for an Indonesian one (081…)."""

    __slots__ = ()


def normalise_phone(text: str) -> Phone:
    """Digits with country code: `0812-3456-789` and `+62 812 3456 789` give `628123456789`.

    A number without a plus is Indonesian where the numbering plan has such a number, also without
    its 0 (`8123456789`); otherwise it begins with its country code. `00` in front stands for the
    plus. Raises InvalidValue where no number of the plan of its country comes out.
    """
    if isinstance(text, Phone):
        return text
    plain = _plain(str(text))
    spellings = ["+" + plain[2:]] if plain.startswith("00") else [plain]
    if plain and plain[0] in "123456789":
        spellings.append("+" + plain)
    for is_right in ("is_valid_number", "is_possible_number"):
        for spelling in spellings:
            digits = _digits(spelling, is_right)
            if digits:
                return Phone(digits)
    raise InvalidValue(
        f"not a phone number: {text[:LONGEST_TEXT]!r}; write 08123456789 or +628123456789",
        field="phone",
    )


def _plain(text: str) -> str:
    """The text without what people put around and between digits; empty where there is more."""
    if len(text) > LONGEST_TEXT:
        return ""
    text = unicodedata.normalize("NFKC", text)
    kept = ""
    for character in text:
        # Cf: direction marks that come with a copied number; Pd: dashes of every length
        if character.isspace() or unicodedata.category(character) in ("Cf", "Pd"):
            continue
        digit = unicodedata.decimal(character, None)
        kept += character if digit is None else str(digit)
    if SPREADSHEET.fullmatch(kept):
        kept = kept.removesuffix(".0")
    if re.search(r"\.[0-9]$", kept):
        return ""  # a fraction, not the end of a group of digits
    kept = re.sub(r"[().\u2022\u00b7]", "", kept)
    return kept if re.fullmatch(r"\+?[0-9]{6,20}", kept) else ""


def _digits(spelling: str, is_right: str) -> str:
    import phonenumbers  # late: only who writes a number needs the numbering plans

    try:
        number = phonenumbers.parse(spelling, HOME_REGION)
    except phonenumbers.NumberParseException:
        return ""
    if not getattr(phonenumbers, is_right)(number):
        return ""
    digits = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:]
    return digits if STORED.fullmatch(digits) else ""
