"""Re-encrypting every secret under the current key, bound to its row and its schema."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from peewee import SQL, Model, ModelUpdate, ValuesList, fn

from kernel.errors import BillingError
from kernel.rotation_limits import Inside, await_writers, unknown_columns
from kernel.secret_fields import SecretField, schema_of
from kernel.secret_queries import secrets_of
from kernel.secret_values import Secret
from kernel.secrets import (
    ID_BYTES,
    NO_ROW,
    SCHEMA_BYTES,
    SCHEMA_END,
    SCHEMA_START,
    VERSION,
    SecretError,
    current_key_id,
    encrypt,
    schema_mark,
)

BATCH_ROWS = 500
PATIENCE_SECONDS = 30.0
SHOWN = 20


class RotationIncomplete(BillingError):
    """Some secrets are still under another key, which must be kept; the message says which."""


def secret_fields(models: Iterable[type[Model]]) -> list[SecretField]:
    """Every column that holds secrets."""
    fields: list[SecretField] = []
    for model in models:
        fields += secrets_of(model)
    return fields


def key_ids(fields: Iterable[SecretField]) -> Counter[str]:
    """Id of a key (hexadecimal) to the number of secrets under it."""
    counts: Counter[str] = Counter()
    for field in fields:
        key_id = fn.encode(_key_id(field), "hex").coerce(False)
        query = field.model.select(key_id, fn.count(SQL("*"))).where(field.is_null(False))
        counts.update(dict(query.group_by(key_id).tuples()))
    return counts


def rotate(
    models: Iterable[type[Model]],
    report: Any,
    *,
    batch: int = BATCH_ROWS,
    former: str = "",
    inside: Inside = nullcontext,
    patience: float = PATIENCE_SECONDS,
) -> tuple[str, int]:
    """Re-encrypt what is not under the current key, or not of the current version and so bound to
    no row or to no schema (id of the key, number of secrets re-encrypted).

    report: told of progress, with the methods started, step and finished of the engine's Report.
    batch: rows of one transaction. former: the name that the schema had, or that of the one that
    its rows are from; what was encrypted there is carried over. inside: what each transaction is
    in, such as a tenant's block. patience: seconds to wait at the end for transactions that write
    in these tables, whose rows nobody sees yet. It may be interrupted and run again while the
    application goes on: a row that another transaction holds is skipped, so nobody waits for it and
    no newer value is overwritten. Raises RotationIncomplete where another key is still in use, or
    may be.
    """
    key = current_key_id().hex()
    fields = secret_fields(models)
    rotation = _Rotation(report, batch, former, inside, [])
    total = sum(rotation.rotate(field) for field in fields)
    rotation.refuse_rest(fields)
    writers, left = await_writers(fields, inside, patience)
    _refuse_unseen(left, unknown_columns(fields, inside))
    if writers:
        rotation.refuse_rest(fields)
    return key, total


@dataclass
class _Rotation:
    """One rotation, as rotate() has it. unreadable: a line for each secret that could not be
    read."""

    report: Any
    batch: int
    former: str
    inside: Inside
    unreadable: list[str]

    def rotate(self, column: SecretField) -> int:
        """Re-encrypt one column (how many)."""
        start = time.perf_counter()
        with self.inside():
            self.report.started(column.place, _outdated(column).count())
        done, last = 0, NO_ROW
        while True:
            with self.inside(), column.model._meta.database.atomic():
                rows = list(
                    _outdated(column)
                    .where(column.model.id > last)
                    .order_by(column.model.id)
                    .limit(self.batch)
                    .for_update("FOR NO KEY UPDATE SKIP LOCKED")
                )
                done += _replace(column, self._renewed(column, rows))
            if not rows:
                break
            last = rows[-1].id
            for _ in rows:
                self.report.step()
        self.report.finished(column.place, f"{done} re-encrypted", time.perf_counter() - start)
        return done

    def refuse_rest(self, fields: list[SecretField]) -> None:
        """Raise RotationIncomplete where a secret of these columns is outdated still."""
        with self.inside():
            counts, left = key_ids(fields), sum(_outdated(field).count() for field in fields)
        _refuse_rest(current_key_id().hex(), counts, left, self.unreadable)

    def _renewed(self, column: SecretField, rows: Iterable[Any]) -> list[tuple[int, bytes, bytes]]:
        """(identity, old envelope, new envelope) of each row; what cannot be read is noted."""
        renewed = []
        here = schema_of(column.model)
        for row in rows:
            secret = getattr(row, column.name)
            mark = secret.envelope[SCHEMA_START:SCHEMA_END]
            if self.former and mark == schema_mark(self.former):
                secret = Secret(secret.envelope, column.place, row.id, self.former)
            try:
                new = encrypt(secret.reveal(), column.place, row.id, here)
            except SecretError as error:
                self.unreadable.append(f"id {row.id}: {error}")
            else:
                renewed.append((row.id, secret.envelope, new))
        return renewed


def _replace(field: SecretField, renewed: list[tuple[int, bytes, bytes]]) -> int:
    """Write the new envelopes over the old ones, and over nothing else (number written)."""
    if not renewed:
        return 0
    pairs = ValuesList(renewed, columns=("id", "old", "new"), alias="pairs")
    # Peewee's own: field.model.update refuses what SQL copies, and these are sealed for their rows.
    query = ModelUpdate(field.model, {field: pairs.c.new}).from_(pairs)
    return int(query.where(field.model.id == pairs.c.id, field == pairs.c.old).execute())


def _refuse_unseen(writing: list[str], unknown: list[str]) -> None:
    """Raise RotationIncomplete where secrets may be that no count of the models' rows has."""
    if writing:
        raise RotationIncomplete(
            "Transactions write where secrets are, and what they write nobody sees before they end "
            f"(process {', '.join(writing)}).\nKeep all keys, then rotate once more when they have "
            "ended."
        )
    if unknown:
        raise RotationIncomplete(
            f"Secrets are in columns that no domain here states: {', '.join(unknown)}. They were "
            "left as they are, under the keys that they have.\nKeep all keys, install what states "
            "them or drop them, then rotate once more."
        )


def _refuse_rest(current: str, counts: Counter[str], outdated: int, unreadable: list[str]) -> None:
    if not outdated:
        return
    others = {key: count for key, count in counts.most_common() if key != current}
    lines = [f"{_are(count)} still under the key {key}." for key, count in others.items()]
    lines = _shown(lines, "other keys")
    outdated -= sum(others.values())
    if outdated > 0:
        lines.append(
            f"{_are(outdated)} still of version 1 or 2, which open in other rows or schemas, or of "
            "another schema."
        )
    lines += _shown(unreadable, "that could not be read")
    if not unreadable:
        lines.append("They were in use, or a process with the old setting wrote them just now.")
    raise RotationIncomplete("\n".join([*lines, "Keep these keys, then rotate once more."]))


def _shown(lines: list[str], what: str) -> list[str]:
    more = len(lines) - SHOWN
    return lines if more <= 0 else [*lines[:SHOWN], f"… and {more} more {what}."]


def _are(count: int) -> str:
    return "1 secret is" if count == 1 else f"{count} secrets are"


def _outdated(field: SecretField) -> Any:
    """The rows whose envelope begins otherwise than one that is made now for that row."""
    here = schema_mark(schema_of(field.model))
    other_version = fn.substring(field.column, 1, len(VERSION)) != VERSION
    other_key = _key_id(field) != current_key_id()
    other_schema = fn.substring(field.column, SCHEMA_START + 1, SCHEMA_BYTES) != here
    outdated = other_version | other_key | other_schema
    return field.model.select(field.model.id, field).where(field.is_null(False), outdated)


def _key_id(field: SecretField) -> Any:
    """The part of an envelope that names its key, as SQL."""
    return fn.substring(field.column, len(VERSION) + 1, ID_BYTES)
