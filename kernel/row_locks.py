"""What operations do with rows: lock them, and write some of their fields."""

from __future__ import annotations

from typing import Any

from kernel.errors import Missing


def lock(model: Any, identity: int) -> Any:
    """The row, locked against other writers until the transaction ends. Raises Missing."""
    rows = lock_all(model.select().where(model.id == identity))
    if not rows:
        raise Missing(f"{model._meta.table_name}: there is no row {identity}")
    return rows[0]


def lock_all(query: Any) -> list[Any]:
    """The rows of a query, locked in its order, against other writers alone: rows that refer to
    them may still be added."""
    return list(query.for_update("FOR NO KEY UPDATE"))


def change(row: Any, **values: Any) -> None:
    """Write these fields of the row, and no other; the object in hand stays as it was read."""
    type(row).update(values).where(type(row).id == row.id).execute()
