"""What holds for schemas that Hypothesis draws."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import psycopg2
from hypothesis import HealthCheck, settings
from psycopg2 import errors

from engine.errors import GenerateError, MigrationFailed
from engine.testing import Law

Drawn = tuple[list[str], list[str], str]
BOUNDED = settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
REFUSED = (
    "rows would have no value",
    "PostgreSQL cannot change by what a table is partitioned",
    "the order of its columns is another one in the migrations than in the domains",
    "there is no statement that carries this out",
    "and it holds an array of them",
)
# A list and what it lists, which PostgreSQL casts neither way: `generate` makes the column anew.
LISTED = re.compile(r"cannot cast type (?:(.+)\[\] to \1|(.+) to \2\[\])")


def holds(bench: Any, pair: Drawn) -> None:
    try:
        held(Law(bench).holds, pair)
    finally:
        bench.rollback()


def held(holding: Callable[..., object], pair: Drawn) -> None:
    """Let the law hold, or say why it cannot: what no statement does, and rows that are in the way
    of what is wanted, as text is of a number."""
    try:
        holding(*pair)
    except GenerateError as error:
        assert any(reason in str(error) for reason in REFUSED), error
    except errors.CannotCoerce as error:
        assert LISTED.fullmatch(error.diag.message_primary or ""), error
    except psycopg2.Error as error:
        assert pair[2] and isinstance(error, (errors.DataError, errors.IntegrityError)), error
    except MigrationFailed as error:
        assert pair[2] and error.sqlstate[:2] in ("22", "23"), error
