"""Which passwords are refused."""

from __future__ import annotations

import pytest

from domains.auth.passwords import (
    PasswordRefused,
    hash_password,
)


@pytest.mark.parametrize(
    ("password", "message"),
    [
        ("sandi77", "has 7 characters; 8 is the least"),
        ("", "has 0 characters"),
        ("kata\0sandi", "NUL"),
        ("admin123", "in the documentation"),
    ],
)
def test_a_bad_password_is_refused(password: str, message: str) -> None:
    with pytest.raises(PasswordRefused, match=message):
        hash_password(password, least=8)
