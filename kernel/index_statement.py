"""The statement of an index that Peewee has no word for, and what cannot be one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from peewee import Field, Model

from kernel.arguments import is_model, is_text, shown

Slip = tuple[str, str]
EXAMPLE = 'write domain.index(models.One, models.One.code, "created_at DESC", name="ones_code_idx")'


def index_slips(
    model: object,
    columns: Sequence[object],
    name: object,
    where: object,
    using: object,
    include: Sequence[object],
) -> Iterator[Slip]:
    """(what, fix) of each argument of domain.index that cannot be meant."""
    if not is_model(model):
        yield f"domain.index takes a model first, not {shown(model)}", EXAMPLE
        return
    table = model._meta.table_name
    if not columns:
        yield f"an index on {table} has no columns", EXAMPLE
    for column in [*columns, *include]:
        yield from _column_slips(model, column)
    named_by_hand = all(isinstance(column, Field) for column in columns)
    if name is None and columns and not named_by_hand:
        yield (
            f"an index on {table} has no name, for an expression gives none",
            f'pass name="{table}_…_idx" to domain.index',
        )
    for option, value in (("name", name), ("where", where), ("using", using)):
        if value is not None and not is_text(value):
            yield (
                f"the option {option} of an index on {table} is {type(value).__name__}, not text",
                f"write it as SQL, for example where=\"status = 'cut'\"; {option} takes a str",
            )


def _column_slips(model: type[Model], column: object) -> Iterator[Slip]:
    table = model._meta.table_name
    if isinstance(column, Field):
        owner = getattr(column, "model", None)
        if owner is not model:
            named = owner.__name__ if owner else "no model"
            yield (
                f"an index on {table} takes a field of {named}",
                f"name fields of {model.__name__}",
            )
    elif not is_text(column) or not column.strip():
        yield f"an index on {table} takes fields and SQL texts, not {shown(column)}", EXAMPLE


def derived_name(model: type[Model], columns: Sequence[Any], unique: bool) -> str:
    """PostgreSQL's own pattern: the table, the columns, and `key` or `idx`."""
    names = [column.column_name for column in columns]
    return "_".join([model._meta.table_name, *names, "key" if unique else "idx"])


def index_statement(
    model: type[Model],
    columns: Sequence[Field | str],
    name: str,
    unique: bool,
    where: str,
    using: str,
    include: Sequence[Field | str],
) -> str:
    """CREATE INDEX."""
    included = ", ".join(_column(column) for column in include)
    parts = [
        f'CREATE {"UNIQUE " if unique else ""}INDEX "{name}" ON "{model._meta.table_name}"',
        f"USING {using}" if using else "",
        f"({', '.join(_column(column) for column in columns)})",
        f"INCLUDE ({included})" if included else "",
        f"WHERE {where}" if where else "",
    ]
    return " ".join(part for part in parts if part)


def _column(column: Field | str) -> str:
    return f'"{column.column_name}"' if isinstance(column, Field) else column
