"""Defaults that would be frozen, shared, or refused by each INSERT that relies on them."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import peewee
import psycopg2
from peewee import Node
from psycopg2 import extensions

from kernel.arguments import is_text, shown
from kernel.faults import assigned, model_source
from kernel.fields import BasisPointsField, EnumField, MoneyField, TimestampField
from kernel.secret_fields import SecretField

SERVER = 'write constraints=[Default("now()")] for what the database is to compute'
# What gives another value each time; called in the body of a class, it gives one for all rows.
CLOCKS_AND_DICE = {
    *("now", "utcnow", "today", "monotonic", "perf_counter", "uuid1", "uuid4", "urandom"),
    *("token_bytes", "token_hex", "token_urlsafe", "random", "randint", "randrange", "choice"),
}
MOMENTS: tuple[tuple[type[Any], Any], ...] = (
    (TimestampField, datetime),
    (peewee.DateTimeField, datetime),
    (peewee.DateField, date),
    (peewee.TimeField, time),
)
WHOLE = (peewee.IntegerField, peewee.BigIntegerField, peewee.SmallIntegerField)
# Peewee leaves a text that is no number as it is.
NUMBERS = (*WHOLE, peewee.FloatField, peewee.DecimalField)
# How many bits a whole number has; Peewee's BigIntegerField and SmallIntegerField are
# IntegerFields, too.
BITS = ((peewee.SmallIntegerField, 16), (peewee.BigIntegerField, 64), (peewee.IntegerField, 32))


def default_slips(field: Any) -> Iterator[tuple[str, str]]:
    """(what, fix) of a default that cannot be meant; one at the most."""
    default = field.default
    if default is None or (isinstance(field, EnumField) and field.enum_slip()):
        return
    if isinstance(default, Node):
        yield "has SQL for its default, and that takes a value of Python", SERVER
    elif isinstance(field, SecretField):
        what = "has a default, which everybody could read in the code"
        yield what, "remove the default, and write a secret for each row"
    elif name := _called_once(field):
        yield (
            f"has the default {name}(), which is called once, when the class is made",
            f"write default={name} without brackets, a function that calls it, or {SERVER[6:]}",
        )
    elif callable(default):
        yield from _function_slips(field, default)
    elif isinstance(default, dict | list | set):
        kind = type(default).__name__
        fix = f"write default={kind}, or a function that makes it: default=lambda: {default!r}"
        yield f"has one {kind} for its default, which all rows would share", fix
    else:
        yield from _constant_slips(field, default)


def _called_once(field: Any) -> str:
    """The clock or the dice whose single value is the default, as the source says; or empty."""
    statement = model_source(field.model)
    for line in assigned(statement, field.name) if statement else []:
        value = getattr(line, "value", None)
        for keyword in value.keywords if isinstance(value, ast.Call) else []:
            if keyword.arg == "default" and isinstance(keyword.value, ast.Call):
                function = ast.unparse(keyword.value.func)
                if function.rpartition(".")[2] in CLOCKS_AND_DICE:
                    return function
    return ""


def _function_slips(field: Any, default: Any) -> Iterator[tuple[str, str]]:
    if isinstance(field, EnumField) and default is field.enum:
        yield "has the enum itself for its default", f"write default={_first(field)}"
        return
    try:
        inspect.signature(default).bind()
    except TypeError:
        what = f"has the default {shown(default)}, which cannot be called without arguments"
        yield what, "write a function without parameters, or a value"
        return
    except ValueError:
        pass  # Python cannot tell, as for dict and list
    if isinstance(field, TimestampField):
        try:
            moment = default()
        except Exception:
            return  # it may need what is only there later
        if isinstance(moment, datetime) and moment.tzinfo is None:
            yield (
                "has a default without a time zone, so that each INSERT would fail",
                "write default=lambda: datetime.now(timezone.utc), or "
                'constraints=[Default("now()")]',
            )


def _constant_slips(field: Any, default: Any) -> Iterator[tuple[str, str]]:
    """The first that applies: the last rule holds for any column, and would say less."""
    for rule in (_no_moment, _no_member, _no_truth, _no_whole_number, _too_long, _not_stored):
        if slip := rule(field, default):
            yield slip
            return


def _no_moment(field: Any, default: Any) -> tuple[str, str] | None:
    """`TimestampField(default="now()")`: Peewee would send the text, not call the function."""
    if not isinstance(default, str):
        return None
    for kind, reader in MOMENTS:
        if isinstance(field, kind) and not _reads(reader, default):
            return f"has the text {default!r} for its default, which is computed only once", SERVER
    return None


def _no_member(field: Any, default: Any) -> tuple[str, str] | None:
    if not isinstance(field, EnumField) or default in set(field.enum):
        return None
    return (
        f"has the default {default!r}, which {field.enum.__name__} does not have",
        f"write one of {', '.join(field.enum)}",
    )


def _no_truth(field: Any, default: Any) -> tuple[str, str] | None:
    """`BooleanField(default="no")` stores true."""
    if not isinstance(field, peewee.BooleanField) or isinstance(default, bool | int):
        return None
    return f"has {default!r} for its default, and any text is true", "write True or False"


def _no_whole_number(field: Any, default: Any) -> tuple[str, str] | None:
    """`IntegerField(default=1.5)` stores 1."""
    if not isinstance(field, WHOLE) or not isinstance(default, float) or default == int(default):
        return None
    return f"has the default {default}, of which {int(default)} would remain", "write an int"


def _too_long(field: Any, default: Any) -> tuple[str, str] | None:
    """A CharField without a max_length has room for any text."""
    if not isinstance(field, peewee.CharField) or not field.max_length:
        return None
    if not len(str(default)) > field.max_length > 0:
        return None
    what = f"has a default that is longer than its max_length {field.max_length}"
    return what, "shorten the default, or use a TextField"


def _not_stored(field: Any, default: Any) -> tuple[str, str] | None:
    reason = _refusal(field, default)
    if not reason:
        return None
    return f"has the default {shown(default)}: {reason}", "write a value that the column can hold"


def _refusal(field: Any, default: Any) -> str:
    """Why the column would not take the value, or empty."""
    try:
        value = field.db_value(default)
        extensions.adapt(value)
    except psycopg2.ProgrammingError:
        return f"PostgreSQL has no form for a {type(default).__name__}"
    except (TypeError, ValueError, ArithmeticError, AttributeError) as error:
        return str(error)
    return _out_of_range(field, value)


def _out_of_range(field: Any, value: Any) -> str:
    if isinstance(value, str) and not is_text(value):
        return "PostgreSQL stores no text with the character NUL"
    if isinstance(field, NUMBERS) and not isinstance(value, int | float | Decimal):
        return "it is not a number"
    if isinstance(field, MoneyField) and not field.signed and value < 0:
        return "it is below zero"
    if isinstance(field, BasisPointsField) and not 0 <= value <= 10_000:
        return "it is not between 0 and 10,000"
    return _too_large(field, value)


def _too_large(field: Any, value: Any) -> str:
    if isinstance(field, peewee.DecimalField):
        whole = field.max_digits - field.decimal_places
        return "" if abs(value) < 10**whole else f"the column holds {whole} digits before the point"
    for kind, bits in BITS:
        if isinstance(field, kind):
            most = 2 ** (bits - 1)
            return "" if -most <= value < most else f"the column holds numbers of {bits} bits"
    return ""


def _first(field: EnumField) -> str:
    member = next(iter(field.enum))
    return f"{field.enum.__name__}.{member.name}"


def _reads(reader: Any, text: str) -> bool:
    try:
        reader.fromisoformat(text)
    except ValueError:
        return False
    return True
