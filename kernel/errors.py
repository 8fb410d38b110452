"""What an application may have to react to, as one small tree.

BillingError               an operation that was not carried out; nothing of it remains
├── Missing                a row that the operation was to work on is not there
├── RuleViolation          the database refused: `rule` is the name of the constraint or trigger
├── SecretError            a secret that cannot be encrypted or read
│   ├── SecretKeyMissing   the key that is needed is not in BILLING_SECRET_KEYS
│   └── SecretDamaged      the column holds something else than was encrypted for it
├── UnknownPermission      no domain declares it
└── RotationIncomplete     some secrets are still under an old key

Each domain derives its own from BillingError, in the module that raises it.
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
