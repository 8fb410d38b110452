"""What the author of a domain needs, in one place; the domains are the packages beside this file.

    from domains import BaseModel, Domain, MoneyField

Each name is documented where it is defined, in `kernel/`.
"""

from kernel.access_columns import ALL, all_but, entered_but
from kernel.batches import BatchIncomplete, one_by_one, retried
from kernel.database_rules import operation, rule_violations
from kernel.domain import Domain
from kernel.errors import (
    BillingError,
    InvalidValue,
    Missing,
    RuleViolation,
    TryAgain,
    Unavailable,
)
from kernel.fields import (
    BasisPointsField,
    CheckedField,
    DateRangeField,
    DayField,
    DigestField,
    EnumField,
    InetField,
    MacField,
    MoneyField,
    PhoneField,
    TextArrayField,
    TimestampField,
)
from kernel.function_calls import call_function
from kernel.models import BaseModel, IdentityField, TimestampedModel
from kernel.money import portion, share, whole_rupiah
from kernel.permissions import UnknownPermission, check_permission, declared_permissions
from kernel.phone import normalise_phone
from kernel.row_locks import change, get, identity, lock, lock_all
from kernel.rule_statements import AS_OWNER, BY_THE_OWNER, acted_for, fixed, of_acting, touch
from kernel.secret_fields import SecretField
from kernel.secret_values import Secret
from kernel.secrets import SecretDamaged, SecretError, SecretKeyMissing
from kernel.seeder import Seeder
from kernel.status_machine import StatusMachine
from kernel.text_fields import DocumentField, LineField, NoteField, readable
from kernel.text_rules import clear_json, clear_name, email, one_line, spelled

__all__ = [
    "ALL",
    "AS_OWNER",
    "BY_THE_OWNER",
    "BaseModel",
    "BasisPointsField",
    "BatchIncomplete",
    "BillingError",
    "CheckedField",
    "DateRangeField",
    "DayField",
    "DigestField",
    "DocumentField",
    "Domain",
    "EnumField",
    "IdentityField",
    "InetField",
    "InvalidValue",
    "LineField",
    "MacField",
    "Missing",
    "MoneyField",
    "NoteField",
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
    "TryAgain",
    "Unavailable",
    "UnknownPermission",
    "acted_for",
    "all_but",
    "call_function",
    "change",
    "check_permission",
    "clear_json",
    "clear_name",
    "declared_permissions",
    "email",
    "entered_but",
    "fixed",
    "get",
    "identity",
    "lock",
    "lock_all",
    "normalise_phone",
    "of_acting",
    "one_by_one",
    "one_line",
    "operation",
    "portion",
    "readable",
    "retried",
    "rule_violations",
    "share",
    "spelled",
    "touch",
    "whole_rupiah",
]
