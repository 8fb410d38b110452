"""Secrets that must be read again: router and PPPoE passwords, keys of payment providers.

A column holds an envelope: version, key id, nonce, ciphertext and tag (AES-GCM). It opens under
its key and in its own column only. Keys are in the environment and never in the database:

    BILLING_SECRET_KEYS=<key>[,<older key>…]

Each key is 32 bytes in base64, as `invoke secrets.key` prints one. The first encrypts, all decrypt.
To change keys: put the new one first, restart what uses the database, run `invoke secrets.rotate`,
then take the old one out.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from functools import lru_cache

from kernel.errors import BillingError

SETTING = "BILLING_SECRET_KEYS"
VERSION = b"\x01"
KEY_BYTES, ID_BYTES, NONCE_BYTES, TAG_BYTES = 32, 4, 12, 16
HEAD_BYTES = len(VERSION) + ID_BYTES
LEAST_BYTES = HEAD_BYTES + NONCE_BYTES + TAG_BYTES
MOST_BYTES = 8192


class SecretError(BillingError):
    """A secret that cannot be encrypted or read; nothing is ever returned in its place."""


class SecretKeyMissing(SecretError):
    """The key that is needed is not in BILLING_SECRET_KEYS."""


class SecretDamaged(SecretError):
    """What the column holds is not what was once encrypted for it."""


class Secret:
    """A value that only reveal() shows: not its repr, not a log, not a traceback."""

    __slots__ = ("envelope", "place")

    def __init__(self, envelope: bytes, place: str) -> None:
        """envelope: as stored. place: the `table.column` that it belongs to."""
        self.envelope = envelope
        self.place = place

    @classmethod
    def of(cls, value: str | bytes | Secret, place: str) -> Secret:
        """The value for that column: a str is encrypted, bytes are an envelope already made, a
        Secret of another column is encrypted for this one. Raises SecretError."""
        if isinstance(value, Secret):
            return value if value.place == place else cls.of(value.reveal(), place)
        if isinstance(value, str):
            return cls(encrypt(value, place), place)
        if isinstance(value, bytes | bytearray | memoryview):
            return cls(bytes(value), place)
        raise TypeError(f"{place} takes a str to encrypt, not {type(value).__name__}")

    def reveal(self) -> str:
        """The plain text. Raises SecretKeyMissing, SecretDamaged."""
        return decrypt(self.envelope, self.place)

    def __repr__(self) -> str:
        return f"<secret of {self.place}>"


def new_key() -> str:
    """A random key in the form that BILLING_SECRET_KEYS takes."""
    return base64.urlsafe_b64encode(os.urandom(KEY_BYTES)).decode()


def current_key_id() -> bytes:
    """The id (4 bytes) of the key that encrypts. Raises SecretKeyMissing."""
    return next(iter(_keys()))


def encrypt(text: str, place: str) -> bytes:
    """An envelope under the current key, bound to the `table.column`. Raises SecretError."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    key_id, key = next(iter(_keys().items()))
    plain = text.encode()
    if LEAST_BYTES + len(plain) > MOST_BYTES:
        raise SecretError(
            f"{place}: a secret has at most {MOST_BYTES - LEAST_BYTES} bytes, this one "
            f"{len(plain)}; store a reference to it instead."
        )
    head, nonce = VERSION + key_id, os.urandom(NONCE_BYTES)
    return head + nonce + AESGCM(key).encrypt(nonce, plain, head + place.encode())


def decrypt(envelope: bytes, place: str) -> str:
    """The plain text of an envelope of that column. Raises SecretKeyMissing, SecretDamaged."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    head, rest = envelope[:HEAD_BYTES], envelope[HEAD_BYTES:]
    if len(envelope) < LEAST_BYTES or not head.startswith(VERSION):
        raise SecretDamaged(
            f"{place}: this is not an envelope of version 1; enter the secret again."
        )
    key = _keys().get(head[len(VERSION) :])
    if key is None:
        raise SecretKeyMissing(
            f"{place}: the secret is under the key {head[len(VERSION) :].hex()}, which {SETTING} "
            f"does not have (it has {', '.join(key_id.hex() for key_id in _keys())}); add that "
            "key after the others, or enter the secret again."
        )
    try:
        nonce, sealed = rest[:NONCE_BYTES], rest[NONCE_BYTES:]
        return AESGCM(key).decrypt(nonce, sealed, head + place.encode()).decode()
    except InvalidTag:
        raise SecretDamaged(
            f"{place}: the secret was changed, or was encrypted for another column; restore it "
            "from a backup, or enter it again."
        ) from None


def _keys() -> dict[bytes, bytes]:
    """Key id to key, the current one first. The environment is read each time."""
    return _parsed(os.environ.get("BILLING_SECRET_KEYS", ""))


@lru_cache(maxsize=4)
def _parsed(text: str) -> dict[bytes, bytes]:
    keys: dict[bytes, bytes] = {}
    for number, word in enumerate(text.replace(",", " ").split(), 1):
        key = _decoded(word)
        if key is None:
            raise SecretKeyMissing(
                f"key {number} of {SETTING} is not {KEY_BYTES} bytes in base64; "
                "`invoke secrets.key` prints a good one."
            )
        keys.setdefault(hashlib.sha256(b"key id" + key).digest()[:ID_BYTES], key)
    if not keys:
        raise SecretKeyMissing(
            f"{SETTING} is not set, so no secret can be encrypted or read; put a key there "
            "(environment or .env), which `invoke secrets.key` prints, and keep a copy of it."
        )
    return keys


def _decoded(word: str) -> bytes | None:
    try:
        key = base64.b64decode(word.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == KEY_BYTES else None
