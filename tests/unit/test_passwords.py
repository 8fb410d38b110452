"""Which passwords are refused."""

from __future__ import annotations

import unicodedata

import pytest

from domains.auth import passwords
from domains.auth.common_passwords import is_common
from domains.auth.passwords import PasswordRefused, hash_password


@pytest.mark.parametrize(
    ("password", "message"),
    [
        ("sandi77", "has 7 characters; 8 is the least"),
        ("", "has 0 characters"),
        ("kata\0sandi", "NUL"),
        ("admin123", "in the documentation"),
        ("e\u0301" * 4, "has 4 characters"),
        ("kata\udcffsandi", "half a character"),
        ("Rahasia2024!", "first that are guessed"),
    ],
)
def test_a_bad_password_is_refused(password: str, message: str) -> None:
    with pytest.raises(PasswordRefused, match=message):
        hash_password(password, least=8)


def test_nobody_takes_their_user_name_for_a_password() -> None:
    with pytest.raises(PasswordRefused, match="first that are guessed"):
        hash_password("budi.Santoso", least=8, username="Budi.Santoso")


@pytest.mark.parametrize(
    "password",
    [
        *("password", "P4ssw0rd!", "pa$$word1", "12345678", "87654321", "qwertyuiop"),
        *("sayang123", "Indonesia1945", "bismillah", "1q2w3e4r", "ABCDEFGH", "aaaaaaaaaaaa"),
        *("12121212", "mikrotik2025", "Admin123", "@dmin1234", "password password", "rahasia.123"),
    ],
)
def test_what_is_guessed_first_is_common(password: str) -> None:
    assert is_common(password)


@pytest.mark.parametrize(
    "password",
    ["kata sandi baik", "paku-lumut-sepeda", "sayangkan hujan", "Tr8!kq0vLm", "é ü ö ñ ç"],
)
def test_what_nobody_guesses_is_not_common(password: str) -> None:
    assert not is_common(password)


def test_length_is_looked_at_before_normalisation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Combining characters in the wrong order: the work grows with the square of their number."""
    normalised = []

    class Counted:
        @staticmethod
        def normalize(form: str, text: str) -> str:
            normalised.append(len(text))
            return unicodedata.normalize(form, text)  # type: ignore[arg-type]

    monkeypatch.setattr(passwords, "unicodedata", Counted)
    long = "a" + "\u0315\u0300" * 80_000
    with pytest.raises(PasswordRefused, match="160001 characters"):
        hash_password(long, least=8)
    assert not passwords.matches(long, None, cost=4)
    assert max(normalised) <= passwords.LONGEST_TYPED


def test_whatever_fits_when_normalised_is_short_enough_when_typed() -> None:
    """The reason for LONGEST_TYPED, held against every character that Unicode composes: there is
    none beyond the third plane but for private ones."""
    for number in range(0x40000):
        character = chr(number)
        if unicodedata.is_normalized("NFD", character):
            continue
        typed = unicodedata.normalize("NFD", character)
        if len(typed) > 1 and unicodedata.normalize("NFC", typed) == character:
            fit = passwords.LONGEST_BYTES // len(character.encode())
            assert fit * len(typed) <= passwords.LONGEST_TYPED
