"""What stands where a secret would: of the right form, and opened by no key and no password."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha512

from domains.mikrotik.codes import ALPHABET, LENGTH

CODES = len(ALPHABET) ** LENGTH


def digest(name: str) -> bytes:
    """What stands for the sha256 of a token, and is that of none: with the sha256 of the name, the
    name itself would be a token that anybody can guess."""
    return sha512(name.encode()).digest()[:32]


def envelope(name: str, row: int) -> bytes:
    """An envelope of version 3 (see kernel.secrets) for the row with that identity, with 20 bytes
    that never open."""
    noise = sha512(name.encode()).digest()[: 4 + 8 + 12 + 20 + 16]
    return b"\x03" + noise[:4] + row.to_bytes(8, "big") + noise[4:]


def password_hash(name: str) -> str:
    """A bcrypt hash that belongs to no password."""
    return "$2b$12$" + b64encode(sha512(name.encode()).digest(), b"./").decode()[:53]


def code(number: int, start: int) -> str:
    """The number-th voucher code behind its prefix; no two of one start are the same."""
    # The factor has no divisor in common with the number of codes, whose only ones are 2 and 3.
    rest = (start + number * 611_400_714_819_325) % CODES
    symbols = []
    for _ in range(LENGTH):
        rest, digit = divmod(rest, len(ALPHABET))
        symbols.append(ALPHABET[digit])
    return "".join(symbols)
