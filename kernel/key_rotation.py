"""Re-encrypting every secret under the current key."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

from peewee import SQL, Model, ValuesList, fn

from kernel.errors import BillingError
from kernel.fields import SecretField
from kernel.secrets import HEAD_BYTES, ID_BYTES, Secret, SecretError, current_key_id

BATCH_ROWS = 500
SHOWN = 20


class RotationIncomplete(BillingError):
    """Some secrets are still under another key, which must be kept; the message says which."""


def secret_fields(models: Iterable[type[Model]]) -> list[SecretField]:
    """Every column that holds secrets."""
    secrets: list[SecretField] = []
    for model in models:
        secrets += [field for field in model._meta.sorted_fields if isinstance(field, SecretField)]
    return secrets


def key_ids(fields: Iterable[SecretField]) -> Counter[str]:
    """Id of a key (hexadecimal) to the number of secrets under it."""
    counts: Counter[str] = Counter()
    for field in fields:
        key_id = fn.encode(_key_id(field), "hex").coerce(False)
        query = field.model.select(key_id, fn.count(SQL("*"))).where(field.is_null(False))
        counts.update(dict(query.group_by(key_id).tuples()))
    return counts


def rotate(
    models: Iterable[type[Model]], report: Any, *, batch: int = BATCH_ROWS
) -> tuple[str, int]:
    """Re-encrypt what is not under the current key (its id, number of secrets re-encrypted).

    report: told of progress, with the methods started, step and finished of the engine's Report.
    batch: rows of one transaction. It may be interrupted and run again while the application goes
    on: a row that another transaction holds is skipped, so nobody waits for it and no newer value
    is overwritten. Raises RotationIncomplete where another key is still in use.
    """
    key = current_key_id().hex()
    fields = secret_fields(models)
    unreadable: list[str] = []
    total = 0
    for field in fields:
        start = time.perf_counter()
        report.started(field.place, _outdated(field).count())
        done = _rotate_field(field, report, batch, unreadable)
        report.finished(field.place, f"{done} re-encrypted", time.perf_counter() - start)
        total += done
    _refuse_rest(key, key_ids(fields), unreadable)
    return key, total


def _rotate_field(field: SecretField, report: Any, batch: int, unreadable: list[str]) -> int:
    done, last = 0, 0
    while True:
        with field.model._meta.database.atomic():
            rows = list(
                _outdated(field)
                .where(field.model.id > last)
                .order_by(field.model.id)
                .limit(batch)
                .for_update("FOR NO KEY UPDATE SKIP LOCKED")
            )
            if not rows:
                return done
            done += _replace(field, _renewed(field, rows, unreadable))
            last = rows[-1].id
        for _ in rows:
            report.step()


def _renewed(
    field: SecretField, rows: Iterable[Any], unreadable: list[str]
) -> list[tuple[int, bytes, bytes]]:
    """(identity, old envelope, new envelope) of each row; what cannot be read is noted."""
    renewed = []
    for row in rows:
        secret: Secret = getattr(row, field.name)
        try:
            renewed.append(
                (row.id, secret.envelope, Secret.of(secret.reveal(), field.place).envelope)
            )
        except SecretError as error:
            unreadable.append(f"id {row.id}: {error}")
    return renewed


def _replace(field: SecretField, renewed: list[tuple[int, bytes, bytes]]) -> int:
    """Write the new envelopes over the old ones, and over nothing else (number written)."""
    if not renewed:
        return 0
    pairs = ValuesList(renewed, columns=("id", "old", "new"), alias="pairs")
    query = field.model.update({field: pairs.c.new}).from_(pairs)
    return int(query.where(field.model.id == pairs.c.id, field == pairs.c.old).execute())


def _refuse_rest(current: str, counts: Counter[str], unreadable: list[str]) -> None:
    rest = {key: count for key, count in counts.items() if key != current}
    if not rest:
        return
    lines = []
    for key, count in rest.items():
        secrets = "1 secret is" if count == 1 else f"{count} secrets are"
        lines.append(f"{secrets} still under the key {key}.")
    lines += unreadable[:SHOWN]
    if len(unreadable) > SHOWN:
        lines.append(f"… and {len(unreadable) - SHOWN} more that could not be read.")
    if not unreadable:
        lines.append("They were in use, or a process with the old setting wrote them just now.")
    raise RotationIncomplete("\n".join([*lines, "Keep these keys, then rotate once more."]))


def _outdated(field: SecretField) -> Any:
    return field.model.select(field.model.id, field).where(
        field.is_null(False), _key_id(field) != current_key_id()
    )


def _key_id(field: SecretField) -> Any:
    """The part of an envelope that names its key, as SQL."""
    return fn.substring(field, HEAD_BYTES - ID_BYTES + 1, ID_BYTES)
