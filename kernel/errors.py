"""What an application may have to react to, as one small tree.

BillingError               an operation that was not carried out; nothing of it remains
├── Missing                a row that the operation was to work on is not there
├── InvalidValue           a value that cannot be meant: `field` names it
├── RuleViolation          a rule refused: `rule` names it, `table` and `field` where known
├── TryAgain               another transaction was in the way; retryable
├── Unavailable            the database cannot be reached, broke off, or takes no such work
├── SecretError            a secret that cannot be encrypted or read
│   ├── SecretKeyMissing   the key that is needed is not in BILLING_SECRET_KEYS
│   └── SecretDamaged      the column holds something else than was encrypted for it
├── UnknownPermission      no domain declares it
├── RotationIncomplete     some secrets are still under an old key
└── BatchIncomplete        some of many rows failed, all others are done; `failures` says which

`retryable` says of each whether the whole transaction may be run again as it is. Each domain
derives its own from BillingError, in the module that raises it.
"""

from __future__ import annotations


class BillingError(Exception):
    """An operation that was not carried out; its transaction is rolled back."""

    retryable = False


class Missing(BillingError):
    """A row that the operation was to work on is not there."""


class InvalidValue(BillingError, ValueError):
    """A value that cannot be meant. field: what it was given for."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class RuleViolation(BillingError):
    """A rule refused. rule: the name of the constraint or trigger that says why.

    table, field: where it is known which; else empty.
    """

    def __init__(self, message: str, rule: str, *, table: str = "", field: str = "") -> None:
        super().__init__(message)
        self.rule = rule
        self.table = table
        self.field = field


class TryAgain(BillingError):
    """Another transaction was in the way (deadlock, serialization failure, lock timeout); run the
    whole transaction again."""

    retryable = True


class Unavailable(BillingError):
    """The database cannot be reached, or the connection broke off; whether the work was done is
    not known where it broke off during a commit. Or it takes no such work: a standby that only
    reads, a role without the right, tables that no migration has made yet."""
