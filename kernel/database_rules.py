"""The database's refusals as errors that an application can react to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import peewee
import psycopg2

from kernel.errors import RuleViolation


@contextmanager
def rule_violations() -> Iterator[None]:
    """Turn the database's refusals into RuleViolation, for an operation's body."""
    try:
        yield
    except (peewee.IntegrityError, peewee.DataError) as error:
        cause = error.__cause__ or error.__context__
        if not isinstance(cause, psycopg2.Error) or not cause.diag.constraint_name:
            raise
        message = cause.diag.message_primary or str(cause)
        raise RuleViolation(message, cause.diag.constraint_name) from error
