"""Calling the functions of the database through which alone some tables are written."""

from __future__ import annotations

from typing import Any

from peewee import Select, Value, fn


def call_function(name: str, model: Any, values: dict[str, Any]) -> Any:
    """What the function gives that takes these values of the model's fields, in that order."""
    arguments = []
    for field_name, given in values.items():
        value = model._meta.fields[field_name].db_value(given)
        argument: Any = Value(value, unpack=False)
        # PostgreSQL finds no function for the numeric that a number beyond bigint is to it.
        arguments.append(argument.cast("bigint") if isinstance(value, int) else argument)
    query = Select(columns=[getattr(fn, name)(*arguments)])
    return query.bind(model._meta.database).scalar()
