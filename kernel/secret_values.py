"""A secret as a value: what a column of secrets is in Python."""

from __future__ import annotations

from kernel.secrets import (
    HEAD_BYTES,
    NO_ROW,
    NO_SCHEMA,
    ROW_START,
    SecretError,
    an_envelope,
    decrypt,
    encrypt,
)


class Secret:
    """A value that only reveal() shows: not its repr, not a log, not a traceback."""

    __slots__ = ("envelope", "place", "row", "schema")

    def __init__(
        self, envelope: bytes, place: str, row: int | None = None, schema: str | None = None
    ) -> None:
        """envelope: as stored. place: the `table.column` that it belongs to. row: the identity of
        its row; None where it was read without it. schema: in which its table was read; None where
        it was not read, but given as bytes."""
        self.envelope = envelope
        self.place = place
        self.row = row
        self.schema = schema

    @classmethod
    def of(cls, value: str | bytes | Secret, place: str, row: int, schema: str) -> Secret:
        """The value for that column of that row, in the table of that schema (NO_SCHEMA before that
        is known): a str is encrypted, bytes are an envelope already made, a Secret of another place
        is encrypted for this one. Raises SecretError."""
        if isinstance(value, str):
            return cls(encrypt(value, place, row, schema), place, row, schema)
        if isinstance(value, bytes | bytearray | memoryview):
            return cls(an_envelope(bytes(value), place), place)
        if not isinstance(value, Secret):
            raise TypeError(f"{place} takes a str to encrypt, not {type(value).__name__}")
        in_schema = value.schema in (None, schema) or schema == NO_SCHEMA
        if value.place == place and value.row in (None, row) and in_schema:
            return cls(value.envelope, place, row, value.schema)
        return cls.of(value.reveal(), place, row, schema)

    def reveal(self, row: int | None = None) -> str:
        """The plain text. row: the identity of the row that it was read from, where that row was
        read without its id. Raises SecretKeyMissing, SecretDamaged, SecretError."""
        own = self.row if row is None else row
        if own is None and HEAD_BYTES.get(self.envelope[:1], 0) > ROW_START:
            raise SecretError(
                f"{self.place}: a secret opens in its own row only, and this one was read without "
                "the row's id: read the id as well, or give it: reveal(row=…)."
            )
        row = NO_ROW if own is None else own
        return decrypt(self.envelope, self.place, row, self.schema or NO_SCHEMA)

    def __repr__(self) -> str:
        return f"<secret of {self.place}>"
