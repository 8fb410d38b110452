"""Columns whose values PostgreSQL cannot carry over to another type."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import psycopg2
from psycopg2 import errors

from engine.diff.change import Change, is_retyped
from engine.schema.kinds import Key
from engine.schema.sequences import PLAIN


def _has_cast(connection: Any, old: str, new: str) -> bool:
    """Whether there is a cast from a type to another; of a type that is not there yet nobody knows.
    connection: psycopg2, in autocommit."""
    before, after = (PLAIN.get(kind, kind) for kind in (old, new))
    try:
        connection.cursor().execute(f"SELECT CAST(NULL::{before} AS {after})")
    except errors.CannotCoerce:
        return False
    except psycopg2.Error:
        pass
    return True


def uncast(connection: Any, plan: Iterable[Change]) -> Iterator[Key]:
    """The columns that get a type to which PostgreSQL has no cast from theirs, or back."""
    for change in plan:
        if is_retyped(change) and not change.by_text:
            there = _has_cast(connection, change.old.type, change.new.type)
            if not (there and _has_cast(connection, change.new.type, change.old.type)):
                yield change.key
