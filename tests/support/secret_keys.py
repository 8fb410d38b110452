"""Two keys for secrets, how a test says which ones there are, and envelopes of earlier versions."""

from __future__ import annotations

import os
from collections.abc import Callable

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kernel import secrets

OLD, NEW = secrets.new_key(), secrets.new_key()

Keys = Callable[..., None]


def key_id(keys: Keys, key: str) -> str:
    """The identity of a key, which is then the only one. keys: the fixture of that name."""
    keys(key)
    return secrets.current_key_id().hex()


def earlier(version: int, text: str, place: str, row: int = 0) -> bytes:
    """An envelope as version 1 or 2 made it, under the current key; the first knew no row."""
    key = secrets._keys()[secrets.current_key_id()]
    bound = row.to_bytes(8, "big", signed=True) if version == 2 else b""
    head, nonce = bytes([version]) + secrets.current_key_id() + bound, os.urandom(12)
    return head + nonce + AESGCM(key).encrypt(nonce, text.encode(), head + place.encode())
