"""Secrets that must be read again: router and PPPoE passwords, keys of payment providers.

A column holds an envelope, sealed with AES-GCM. It opens under its key, in its own column, in its
own row by the identity of the row, and in its own schema by the name, which is the tenant's:

    version (1 byte), key id (4), row's identity (8), schema (8), nonce (12), ciphertext, tag (16)

That is version 3. Version 2 has no schema, and version 1 no row either; they are read and no longer
written. Version 2 opens in the row of that identity in every schema, version 1 in every row, so
`invoke secrets.rotate` makes version 3 of them, and what was copied before opens until its key is
taken out.

The name of the schema, and no identity of the tenant's that the database would keep: nobody who may
only write rows can change it, and a backup brings it back. Whoever renames a schema, or fills one
of another name from a dump, has to say which it was (`invoke secrets.rotate --former NAME`). The
schemas of one name in two databases are one to it: give each database its own key.

What this keeps apart is rows, and not what one row was and is: an envelope that was copied from a
row opens there again, also in a new row that was given the identity of one that was deleted. The
application gives identities to rows with secrets itself, from their sequence, so whoever writes as
the application can bring an old secret back; none that the row of that identity never had.

Keys are in the environment and never in the database:

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
from contextlib import suppress
from functools import lru_cache

from kernel.errors import BillingError

SETTING = "BILLING_SECRET_KEYS"
VERSION = b"\x03"
KEY_BYTES, ID_BYTES, ROW_BYTES, SCHEMA_BYTES, NONCE_BYTES, TAG_BYTES = 32, 4, 8, 8, 12, 16
ROW_START = len(VERSION) + ID_BYTES
SCHEMA_START = ROW_START + ROW_BYTES
SCHEMA_END = SCHEMA_START + SCHEMA_BYTES
# What stands before the nonce, for each version.
HEAD_BYTES = {b"\x01": ROW_START, b"\x02": SCHEMA_START, VERSION: SCHEMA_END}
MOST_TEXT_BYTES = 8159
# For a secret of a row that is not stored yet; no row has it for its identity, for the CHECK of the
# column refuses what is sealed for it.
NO_ROW = -(2**63)
# For one that is assigned: in which schema it will be written, only the query knows that writes it.
NO_SCHEMA = ""


class SecretError(BillingError):
    """A secret that cannot be encrypted or read; nothing is ever returned in its place."""


class SecretKeyMissing(SecretError):
    """The key that is needed is not in BILLING_SECRET_KEYS."""


class SecretDamaged(SecretError):
    """What the column holds is not what was once encrypted for it."""


def new_key() -> str:
    """A random key in the form that BILLING_SECRET_KEYS takes."""
    return base64.urlsafe_b64encode(os.urandom(KEY_BYTES)).decode()


def current_key_id() -> bytes:
    """The id (4 bytes) of the key that encrypts. Raises SecretKeyMissing."""
    return next(iter(_keys()))


def encrypt(text: str, place: str, row: int, schema: str) -> bytes:
    """An envelope under the current key, bound to the `table.column`, to the row with that identity
    and to the schema of that name. Raises SecretError."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    key_id, key = next(iter(_keys().items()))
    plain = _encoded(text, place)
    if len(plain) > MOST_TEXT_BYTES:
        raise SecretError(
            f"{place}: a secret has at most {MOST_TEXT_BYTES} bytes, this one "
            f"{len(plain)}; store a reference to it instead."
        )
    identity = row.to_bytes(ROW_BYTES, "big", signed=True)
    head, nonce = VERSION + key_id + identity + schema_mark(schema), os.urandom(NONCE_BYTES)
    return head + nonce + AESGCM(key).encrypt(nonce, plain, head + _bound_to(place, schema))


def decrypt(envelope: bytes, place: str, row: int, schema: str) -> str:
    """The plain text of an envelope of that column, row and schema. Raises SecretKeyMissing,
    SecretDamaged."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    version = an_envelope(envelope, place)[:1]
    size = HEAD_BYTES[version]
    head, nonce = envelope[:size], envelope[size : size + NONCE_BYTES]
    key = _keys().get(envelope[1:ROW_START])
    if key is None:
        raise SecretKeyMissing(
            f"{place}: the secret is under the key {envelope[1:ROW_START].hex()}, which {SETTING} "
            f"does not have (it has {', '.join(key_id.hex() for key_id in _keys())}); add that "
            "key after the others, or enter the secret again."
        )
    sealed_for = int.from_bytes(head[ROW_START:SCHEMA_START], "big", signed=True)
    if size > ROW_START and sealed_for != row:
        raise SecretDamaged(
            f"{place}: the secret of the row {row} was encrypted for the row {sealed_for}, from "
            "where it was moved; restore it from a backup, or enter it again."
        )
    if version == VERSION and head[SCHEMA_START:] != schema_mark(schema):
        raise SecretDamaged(
            f"{place}: the secret of the row {row} was encrypted in another schema than "
            f"{schema or 'none'}, from where it was moved; restore it from a backup, or enter it "
            "again. Where the schema itself had another name: `invoke secrets.rotate --former "
            "NAME`."
        )
    bound = _bound_to(place, schema) if version == VERSION else place.encode()
    try:
        plain = AESGCM(key).decrypt(nonce, envelope[size + NONCE_BYTES :], head + bound)
    except InvalidTag:
        raise SecretDamaged(
            f"{place}: the secret was changed, or was encrypted for another column; restore it "
            "from a backup, or enter it again."
        ) from None
    return _decoded_text(plain, place)


def an_envelope(envelope: bytes, place: str) -> bytes:
    """The envelope itself. Raises SecretDamaged for what is none: plain text, for example, which
    is not to reach SQL, nor the message with which PostgreSQL refuses it."""
    head = HEAD_BYTES.get(envelope[:1])
    if (
        head is None
        or not head <= len(envelope) - NONCE_BYTES - TAG_BYTES <= head + MOST_TEXT_BYTES
    ):
        raise SecretDamaged(
            f"{place}: these bytes are no envelope of version 1 to 3; enter the secret again, as a "
            "str."
        )
    return envelope


def schema_mark(schema: str) -> bytes:
    """What an envelope says of the schema that it was sealed in, for messages and for rotation."""
    return hashlib.sha256(b"schema" + schema.encode()).digest()[:SCHEMA_BYTES]


def _bound_to(place: str, schema: str) -> bytes:
    return f"{place}\0{schema}".encode()  # no name has a zero


# UnicodeError has the whole text among its attributes, so it is neither raised nor chained.


def _encoded(text: str, place: str) -> bytes:
    with suppress(UnicodeEncodeError):
        return text.encode()
    raise SecretError(f"{place}: the secret has half a character in it; enter it again.")


def _decoded_text(plain: bytes, place: str) -> str:
    with suppress(UnicodeDecodeError):
        return plain.decode()
    raise SecretDamaged(f"{place}: the secret is no text in UTF-8; enter it again.")


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
