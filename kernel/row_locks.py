"""What operations do with rows: lock them, and write some of their fields."""

from __future__ import annotations

from typing import Any

from kernel.errors import InvalidValue, Missing

LARGEST = 2**63 - 1


def identity(row: Any) -> int:
    """The identity of a row, which is given as itself or by its identity."""
    key = getattr(row, "id", row)
    if isinstance(key, bool) or not isinstance(key, int) or not -LARGEST <= key <= LARGEST:
        raise InvalidValue(f"{row!r} is neither a row nor the identity of one", field="id")
    return key


def get(model: Any, row: Any) -> Any:
    """The row as it is now. row: itself, or its identity. Raises Missing."""
    key = identity(row)
    there = model.get_or_none(model.id == key)
    if there is None:
        raise Missing(f"{model._meta.table_name}: there is no row {key}")
    return there


def lock(model: Any, row: Any) -> Any:
    """The row as it is now, locked against other writers until the transaction ends. row: itself,
    or its identity. Raises Missing."""
    key = identity(row)
    rows = lock_all(model.select().where(model.id == key))
    if not rows:
        raise Missing(f"{model._meta.table_name}: there is no row {key}")
    return rows[0]


def lock_all(query: Any) -> list[Any]:
    """The rows of a query, locked in its order, against other writers alone: rows that refer to
    them may still be added."""
    return list(query.for_update("FOR NO KEY UPDATE"))


def change(row: Any, **values: Any) -> None:
    """Write these fields of the row, and no other; the object in hand stays as it was read."""
    type(row).update(values).where(type(row).id == row.id).execute()
