"""What the author of a domain needs, in one place; the domains are the packages beside this file.

    from domains import BaseModel, Domain, MoneyField

Each name is documented where it is defined, in `kernel/`.
"""

from kernel.database_rules import rule_violations
from kernel.domain import Domain
from kernel.errors import BillingError, Missing, RuleViolation
from kernel.fields import (
    BasisPointsField,
    CheckedField,
    DateRangeField,
    DigestField,
    EnumField,
    InetField,
    MacField,
    MoneyField,
    PhoneField,
    SecretField,
    TextArrayField,
    TimestampField,
)
from kernel.models import BaseModel, IdentityField, TimestampedModel
from kernel.money import portion
from kernel.permissions import UnknownPermission, check_permission, declared_permissions
from kernel.phone import normalise_phone
from kernel.row_locks import change, lock, lock_all
from kernel.secrets import Secret, SecretDamaged, SecretError, SecretKeyMissing
from kernel.seeder import Seeder
from kernel.status_machine import StatusMachine

__all__ = [
    "BaseModel",
    "BasisPointsField",
    "BillingError",
    "CheckedField",
    "DateRangeField",
    "DigestField",
    "Domain",
    "EnumField",
    "IdentityField",
    "InetField",
    "MacField",
    "Missing",
    "MoneyField",
    "PhoneField",
    "RuleViolation",
    "Secret",
    "SecretDamaged",
    "SecretError",
    "SecretField",
    "SecretKeyMissing",
    "Seeder",
    "StatusMachine",
    "TextArrayField",
    "TimestampField",
    "TimestampedModel",
    "UnknownPermission",
    "change",
    "check_permission",
    "declared_permissions",
    "lock",
    "lock_all",
    "normalise_phone",
    "portion",
    "rule_violations",
]
