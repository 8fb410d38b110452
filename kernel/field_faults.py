"""Options of a field that Peewee takes and that the database could not mean."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import peewee
from peewee import Check, ForeignKeyField, Node

from kernel.arguments import is_model, is_text, shown
from kernel.fields import EnumField
from kernel.secret_fields import SecretField

ACTIONS = ("CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT", "NO ACTION")
FLAGS = ("null", "unique", "index", "primary_key")
# The longest varchar and the largest numeric that PostgreSQL makes.
MOST_LETTERS, MOST_DIGITS = 10_485_760, 1000
LIST = 'write constraints=[Check("amount > 0")], as a list'
# Types of PostgreSQL's own: an enum of such a name is made and never used, for pg_catalog wins.
BUILT_IN = {
    *("bit", "bool", "box", "bpchar", "bytea", "char", "cid", "cidr", "circle", "date"),
    *("daterange", "float4", "float8", "inet", "int2", "int4", "int4range", "int8"),
    *("int8range", "interval", "json", "jsonb", "jsonpath", "line", "lseg", "macaddr"),
    *("macaddr8", "money", "name", "numeric", "numrange", "oid", "path", "point", "polygon"),
    *("record", "text", "tid", "time", "timestamp", "timestamptz", "timetz", "tsquery"),
    *("tsrange", "tstzrange", "tsvector", "uuid", "varbit", "varchar", "void", "xid", "xml"),
}


def field_slips(field: Any) -> Iterator[tuple[str, str]]:
    """(what, fix) of each option that cannot be meant."""
    if type(field) is peewee.TimestampField:
        what = "is Peewee's TimestampField, which is a number of seconds"
        yield what, "import TimestampField from domains: a moment with its time zone"
    if isinstance(field, EnumField):
        yield from _enum_slips(field)
    if isinstance(field, ForeignKeyField):
        yield from _action_slips(field)
        yield from _target_slips(field)
    yield from _flag_slips(field)
    yield from _size_slips(field)
    if isinstance(field, SecretField) and "id" not in field.model._meta.columns:
        what = "is a secret, bound to the id of its row, and the model has no id"
        yield what, "derive the model from BaseModel of domains"
    yield from constraint_slips(field.constraints)
    if field.help_text is not None and not is_text(field.help_text):
        yield f"has {shown(field.help_text)} for its help_text", "write one text"
    if not is_text(field.column_name) or not field.column_name:
        yield f"has {shown(field.column_name)} for its column_name", "write a text"


def _flag_slips(field: Any) -> Iterator[tuple[str, str]]:
    """`TextField("Name")`, where Django has the label, is null="Name": it may be null."""
    for flag in FLAGS:
        value = getattr(field, flag)
        if not isinstance(value, bool) and value not in (0, 1, None):
            what = f"has {flag}={shown(value)}, and that is True or False"
            yield what, "name each argument; a label goes into help_text"
    if field.choices is not None:
        what = "has choices, which neither Peewee nor the database holds anybody to"
        yield what, 'write class State(StrEnum): NEW = "new", and EnumField(State)'


def _size_slips(field: Any) -> Iterator[tuple[str, str]]:
    most = getattr(field, "max_length", None) if isinstance(field, peewee.CharField) else None
    if most is not None and not _between(1, most, MOST_LETTERS):
        fix = f"write a number from 1 to {MOST_LETTERS:,}, or use a TextField"
        yield f"has max_length={shown(most)}", fix
    if isinstance(field, peewee.DecimalField):
        digits, places = field.max_digits, field.decimal_places
        if not _between(1, digits, MOST_DIGITS) or not _between(0, places, digits):
            what = f"has max_digits={shown(digits)} and decimal_places={shown(places)}"
            fix = f"write numbers: up to {MOST_DIGITS} digits, of which the places are a part"
            yield what, fix


def _between(least: int, value: object, most: int) -> bool:
    """Whether it is a whole number within these."""
    return type(value) is int and least <= value <= most


def _target_slips(field: Any) -> Iterator[tuple[str, str]]:
    """`ForeignKeyField(A())`: Peewee takes the row for a model."""
    if not is_model(field.rel_model):
        yield f"refers to {shown(field.rel_model)}, which is no model", "write the model's class"


def constraint_slips(constraints: object) -> Iterator[tuple[str, str]]:
    """(what, fix) of constraints that are not a list of what Check and its like make."""
    if constraints is None:
        return
    if not isinstance(constraints, list | tuple):
        yield "has constraints that are not a list", LIST
        return
    for part in constraints:
        if part is Check:
            yield "has Check among its constraints, which is not called", LIST
        elif not isinstance(part, Node):
            yield f"has {shown(part)} among its constraints", LIST


def _enum_slips(field: EnumField) -> Iterator[tuple[str, str]]:
    if slip := field.enum_slip():
        yield slip, 'write class State(StrEnum): NEW = "new", and EnumField(State)'
    elif field.enum_name in BUILT_IN:
        yield (
            f"has the enum {field.enum.__name__}, and {field.enum_name} is a type of PostgreSQL's "
            "own, which the column would have",
            f"give the class another name, such as {field.model.__name__}{field.enum.__name__}",
        )


def _action_slips(field: Any) -> Iterator[tuple[str, str]]:
    for option in ("on_delete", "on_update"):
        action = getattr(field, option)
        if action is None:
            continue
        word = " ".join(action.upper().split()) if isinstance(action, str) else ""
        if word not in ACTIONS:
            yield f"has {option}={shown(action)}", f"write one of {', '.join(ACTIONS)}"
        elif word == "SET NULL" and not field.null:
            yield (
                f'has {option}="SET NULL" and may not be null, so each such delete would fail',
                'add null=True, or choose "CASCADE" or "RESTRICT"',
            )
        elif word == "SET DEFAULT" and field.default is None and not field.constraints:
            what = f'has {option}="SET DEFAULT" and no default'
            yield what, "give it a default, or choose another action"
