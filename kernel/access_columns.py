"""Which columns of a table are meant, where a domain states what roles may do with them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from peewee import Field

from kernel.arguments import is_model

# What the database fills in; whoever could write it would forge when a row was made.
STAMPS = ("created_at", "updated_at")


@dataclass(frozen=True)
class AllBut:
    """All columns but these. entered: nor those that the database fills in every table."""

    columns: tuple[Field | str, ...] = ()
    entered: bool = False


ALL = AllBut()
Columns = AllBut | Iterable[Field | str]


def all_but(*columns: Field | str) -> AllBut:
    """All columns of a table but these, now and when it gets others."""
    return AllBut(columns)


def entered_but(*columns: Field | str) -> AllBut:
    """All columns that people and programs enter but these: neither the identity nor the moments
    that the database keeps."""
    return AllBut(columns, entered=True)


def column_name(column: Field | str, thing: Any) -> str:
    """The name of the column; a text may also be that of the field."""
    if isinstance(column, Field):
        return str(column.column_name)
    known = thing._meta.fields.get(column) if is_model(thing) else None
    return str(known.column_name) if known else str(column)


def listed(thing: Any, value: Any) -> str:
    """The columns as GRANT has them, in brackets."""
    if isinstance(value, AllBut):
        without = {column_name(column, thing) for column in value.columns}
        if value.entered:
            without |= {thing._meta.primary_key.column_name, *STAMPS}
        names = [column for column in thing._meta.columns if column not in without]
    else:
        names = [column_name(column, thing) for column in value]
    return f" ({', '.join(map(quoted, names))})"


def quoted(name: str) -> str:
    """The name as an identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'
