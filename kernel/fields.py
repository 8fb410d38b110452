"""The fields that all domains share.

A field carries its own rule: its CHECK is made from the column's name when the field is bound
to a model, so that no model can forget it.
"""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from typing import Any

from peewee import (
    SQL,
    BigIntegerField,
    BlobField,
    Check,
    DateField,
    Field,
    IntegerField,
    Model,
    TextField,
)

from kernel.errors import InvalidValue
from kernel.money import MOST_RUPIAH, whole_rupiah
from kernel.phone import Phone, normalise_phone
from kernel.text_rules import spelled

# PostgreSQL cuts longer names, so that two of them may become one, and refuses longer values of an
# enum.
NAME_BYTES = 63


class CheckedField(Field):
    """A field whose type says less than its rule: `check` is SQL with `{column}` in it.

    check_name: how the constraint's name ends, between table and column and `_check`; left empty,
    PostgreSQL gives the name.

    Example: class HourField(CheckedField, IntegerField): check = "{column} BETWEEN 0 AND 23"
    """

    check = ""
    check_name = ""
    made: Any = None

    def bind(self, model: type[Model], name: str, set_attribute: bool = True) -> None:
        super().bind(model, name, set_attribute)
        own = [] if self.constraints is None else self.constraints
        if self.check and isinstance(own, list | tuple):  # else: a slip, which the registry tells
            # A field of a base model is bound to each model that has it, with what it has by then:
            # `created_at` got its rule three times.
            own = [constraint for constraint in own if constraint is not self.made]
            check = self.check.replace("{column}", self.column_name)
            self.made = Check(check, name=self._rule(model))
            self.constraints = [*own, self.made]

    def _rule(self, model: type[Model]) -> str | None:
        if not self.check_name:
            return None
        return f"{model._meta.table_name}_{self.column_name}_{self.check_name}_check"


# Of functions, not of constants: these PostgreSQL would show by each session's own style of dates.
OF_THE_CENTURY = "BETWEEN make_date(2000, 1, 1) AND make_date(2099, 12, 31)"


class TimestampField(CheckedField):
    """A moment of the years 2000 to 2099: `timestamptz`; a naive datetime is refused, for it names
    no moment.

    PostgreSQL takes the year 20206 and infinity as well, which no Python program can read again.
    The bounds are counted in seconds, so that no session's time zone moves them. last: the place
    among the columns that stand behind all others.
    Example: paid_at = TimestampField(null=True, help_text="When it was paid.")"""

    field_type = "TIMESTAMPTZ"
    check = "{column} BETWEEN to_timestamp(946684800) AND to_timestamp(4102444799)"

    def __init__(self, *, last: int = 0, **options: Any) -> None:
        super().__init__(**options)
        if last:
            self._sort_key = (3, last)

    def db_value(self, value: Any) -> Any:
        if isinstance(value, datetime) and value.tzinfo is None:
            raise InvalidValue(
                f"{self.name}: {value!r} has no time zone; pass an aware datetime, "
                "for example datetime.now(timezone.utc)",
                field=self.name,
            )
        return value


class DayField(CheckedField, DateField):
    """A day of the years 2000 to 2099.
    Example: due_on = DayField(help_text="The last day to pay it.")"""

    check = f"{{column}} {OF_THE_CENTURY}"


class MoneyField(CheckedField, BigIntegerField):
    """Whole rupiah in a bigint, up to a quadrillion, never below zero unless `signed`; a fraction
    is refused, not cut.
    Example: price = MoneyField(help_text="For a month.")"""

    def __init__(self, *, signed: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.signed = signed
        self.check = f"{{column}} BETWEEN {-MOST_RUPIAH if signed else 0} AND {MOST_RUPIAH}"

    def db_value(self, value: Any) -> Any:
        return None if value is None else whole_rupiah(value, self.name)


class BasisPointsField(CheckedField, IntegerField):
    """A rate in hundredths of a percent: 250 is 2.5 %; between 0 and 10,000.
    Example: tax = BasisPointsField(default=1100, help_text="1100 is 11 %.")"""

    check = "{column} BETWEEN 0 AND 10000"


class PhoneField(CheckedField, TextField):
    """Digits with country code and no plus (`62812…`); other spellings are normalised.
    Example: phone = PhoneField(null=True, help_text="For messages.")"""

    check = spelled("{column}", "[1-9][0-9]*", 15, least=8)

    def db_value(self, value: Any) -> Any:
        return None if value is None else normalise_phone(value)

    def python_value(self, value: Any) -> Phone | None:
        return None if value is None else Phone(value)


class DigestField(CheckedField, BlobField):
    """The sha256 of a token: 32 bytes; the token itself is not stored.
    Example: token = DigestField(unique=True, help_text="Of what the browser has.")"""

    check = "octet_length({column}) = 32"


class EnumField(Field):
    """A PostgreSQL ENUM made from a StrEnum.

    The type is named after the class (`InvoiceStatus` → `invoice_status`) and has its values in
    the order in which the class lists them.
    Example: status = EnumField(InvoiceStatus, default=InvoiceStatus.DRAFT)"""

    def __init__(self, enum: type[StrEnum], **options: Any) -> None:
        super().__init__(**options)
        self.enum = enum

    @property
    def enum_name(self) -> str:
        """Name of the type in the database."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", self.enum.__name__).lower()

    def enum_slip(self) -> str:
        """What is wrong with the enum, or empty.

        An `Enum` that is no StrEnum has the text 'State.A' for its value, and the type would, too.
        """
        if not (isinstance(self.enum, type) and issubclass(self.enum, StrEnum)):
            return f"has {self.enum!r} for its values, which is no StrEnum"
        if not len(self.enum):
            return f"has the enum {self.enum.__name__}, which has no values"
        for value in self.enum:
            if not value or "\0" in value or len(value.encode()) > NAME_BYTES:
                return f"has the value {str(value)[:70]!r}; one has 1 to {NAME_BYTES} bytes"
        return ""

    def ddl_datatype(self, ctx: Any) -> SQL:
        return SQL(f'"{self.enum_name}"')  # Order, User: words that SQL has for itself

    def db_value(self, value: Any) -> Any:
        return None if value is None else self.enum(value).value

    def python_value(self, value: Any) -> Any:
        return None if value is None else self.enum(value)


class TextArrayField(Field):
    """`text[]`, as a list of str.
    Example: tags = TextArrayField(default=list, help_text="Words to find it by.")"""

    field_type = "TEXT[]"


class InetField(Field):
    """An IPv4 or IPv6 address, as str.
    Example: address = InetField(null=True, help_text="Where it answers.")"""

    field_type = "INET"


class MacField(Field):
    """An Ethernet address, as str.
    Example: mac = MacField(unique=True, help_text="Of its Ethernet port.")"""

    field_type = "MACADDR"


class DateRangeField(CheckedField):
    """A range of days of the years 2000 to 2099, as psycopg2's DateRange.
    Example: period = DateRangeField(help_text="The days that it is for.")"""

    field_type = "DATERANGE"
    check = f"lower({{column}}) {OF_THE_CENTURY} AND upper({{column}}) {OF_THE_CENTURY}"
