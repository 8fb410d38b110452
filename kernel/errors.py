"""What an application may have to react to, as one small tree.

BillingError              an operation that was not carried out; nothing of it remains
├── Missing               a row that the operation was to work on is not there
├── RuleViolation         the database refused: `rule` is the name of the constraint or trigger
└── (each domain's own)   derived in the domain that raises it
"""

from __future__ import annotations


class BillingError(Exception):
    """An operation that was not carried out; its transaction is rolled back."""


class Missing(BillingError):
    """A row that the operation was to work on is not there."""


class RuleViolation(BillingError):
    """The database refused. rule: the name of the constraint or trigger that says why."""

    def __init__(self, message: str, rule: str) -> None:
        super().__init__(message)
        self.rule = rule
