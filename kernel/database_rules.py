"""The database's refusals as errors that an application can react to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import peewee
import psycopg2
from psycopg2 import errors

from kernel.errors import BillingError, InvalidValue, Missing, RuleViolation, TryAgain, Unavailable

AGAIN = (
    errors.SerializationFailure,
    errors.DeadlockDetected,
    errors.LockNotAvailable,
    errors.QueryCanceled,
)


# The database is there, and takes no such work: a standby, a role without the right, no migration.
CLOSED = (
    errors.ReadOnlySqlTransaction,
    errors.InsufficientPrivilege,
    errors.UndefinedTable,
    errors.UndefinedColumn,
)


@contextmanager
def rule_violations() -> Iterator[None]:
    """Turn whatever the driver raises into the errors of kernel.errors, for an operation's body, or
    above the function: `@rule_violations()`."""
    try:
        yield
    except peewee.DoesNotExist as error:
        raise Missing(str(error).strip()) from error
    except (peewee.PeeweeException, psycopg2.Error) as error:
        raise explained(error) from error
    except UnicodeEncodeError as error:
        raise InvalidValue("a text has half a character in it (a lone surrogate)") from error
    except ValueError as error:
        # psycopg2 itself refuses NUL characters
        if isinstance(error, BillingError) or "NUL" not in str(error):
            raise
        raise InvalidValue("a text has a NUL character in it; leave it out") from error


@contextmanager
def operation(database: Any) -> Iterator[None]:
    """A transaction (inside another one a savepoint) for an operation's body, whose refusals are
    those of kernel.errors.

    Rules that are looked at when a transaction ends are looked at when the operation ends, so that
    none of them breaks a transaction around it later.
    """
    nested = database.in_transaction()
    with rule_violations(), database.atomic():
        yield
        if nested:
            database.execute_sql("SET CONSTRAINTS ALL IMMEDIATE")
            database.execute_sql("SET CONSTRAINTS ALL DEFERRED")


def explained(error: Exception) -> BillingError:
    """The error of kernel.errors for one of the driver or of Peewee."""
    cause = error if isinstance(error, psycopg2.Error) else error.__cause__ or error.__context__
    if isinstance(cause, psycopg2.Error):
        return _of_server(cause)
    if isinstance(error, peewee.InterfaceError | peewee.OperationalError):
        return Unavailable(str(error))
    return InvalidValue(str(error))


def _of_server(error: psycopg2.Error) -> BillingError:
    told = error.diag
    message = told.message_primary or str(error).strip()
    if isinstance(error, AGAIN):
        return TryAgain(f"{message}; run the whole transaction again")
    if isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError):
        return Unavailable(message)
    if isinstance(error, CLOSED):
        return Unavailable(message)
    table, field = told.table_name or "", told.column_name or ""
    if isinstance(error, psycopg2.IntegrityError):
        rule = told.constraint_name or f"{table}_{field}_not_null"
        return RuleViolation(message, rule, table=table, field=field)
    return InvalidValue(message, field)
