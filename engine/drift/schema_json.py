"""A schema as JSON and back: the form in which a database keeps what its catalogs said.

A later version of the engine has to read what an earlier one wrote, so the names in JSON are
stated here and stay; FIELDS says which attribute each stands for where that is called otherwise.
FORMAT is raised by whoever changes what is written: a name, a default, a type, or the words in
which engine.schema.catalog says what it reads. What another format says is then not compared, and
a role that may make no scratch database has no `check --live` until the next run. A test holds
the form to files that were written when the format was new.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from enum import Enum as ClosedSet
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from engine.schema.access import Access
from engine.schema.model import (
    Column,
    Composite,
    Constraint,
    DomainType,
    Enum,
    Function,
    Index,
    Policy,
    Schema,
    Sequence,
    Setting,
    Table,
    Trigger,
    View,
)

FORMAT = 4
SHARED = ("name", "definition", "comment")
# The names in JSON of what counts in a comparison.
FIELDS: dict[type, tuple[str, ...]] = {
    Schema: (
        *("extensions", "enums", "functions", "tables"),
        *("domains", "composites", "sequences", "views", "access"),
    ),
    Access: ("name", "on", "role", "rights", "columns", "comment"),
    Enum: ("name", "labels", "comment"),
    DomainType: ("name", "type", "not_null", "default", "collation", "checks", "comment"),
    Composite: ("name", "attributes", "comment"),
    Sequence: (
        *("name", "type", "start", "increment", "minimum", "maximum", "cache", "cycle"),
        *("owner", "comment"),
    ),
    Function: (*SHARED, "kind", "signature", "extensions"),
    Column: (
        *("name", "type", "not_null", "default", "identity", "generated", "collation"),
        *("comment", "virtual", "numbers"),
    ),
    Constraint: (*SHARED, "kind", "target"),
    Index: (*SHARED, "valid"),
    Trigger: (*SHARED, "state"),
    Policy: SHARED,
    Setting: ("name", "statement", "reset", "of", "comment", "extension", "partition"),
    Table: (
        *("name", "columns", "constraints", "indexes", "triggers", "comment", "partitioned"),
        *("policies", "settings"),
    ),
    View: (*SHARED, "kind", "options", "columns", "indexes", "triggers", "settings"),
}
# The attribute for a name in JSON, where it has been given another one since.
ATTRIBUTES: dict[tuple[type, str], str] = {(Schema, "domains"): "domain_types"}


class Damaged(ValueError):
    """A document that no schema was encoded as."""


@dataclass(frozen=True)
class _Entry:
    """A field of a class. json: its name there. usual: the value that is not written."""

    json: str
    attribute: str
    type: Any
    usual: Any


def encode(value: Any) -> Any:
    """A value of the schema as JSON takes it. What is as it is by default is left out, but for
    collections: two of them can then be merged name by name. Raises TypeError for any other."""
    if isinstance(value, ClosedSet):
        return value.value
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if is_dataclass(value):
        return _encoded_fields(value)
    if isinstance(value, Mapping):
        return {name: encode(item) for name, item in value.items()}
    if isinstance(value, frozenset):
        return dict.fromkeys(sorted(value), True)
    if isinstance(value, tuple):
        return [encode(item) for item in value]
    raise TypeError(f"{value!r} is of no type that a schema has")


def decode(document: Any) -> Schema:
    """The schema that was encoded. Raises Damaged for anything else."""
    try:
        schema: Schema = _decoded(Schema, document)
    except (TypeError, ValueError, KeyError, AttributeError, RecursionError) as error:
        raise Damaged(str(error)) from error
    return schema


def _encoded_fields(value: Any) -> dict[str, Any]:
    document = {}
    for entry in _entries(value.__class__).values():
        item = getattr(value, entry.attribute)
        if item != entry.usual or isinstance(item, (Mapping, frozenset)):
            document[entry.json] = encode(item)
    return document


def _decoded(kind: Any, value: Any) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return None if value is None else _decoded(arguments[0], value)
    if origin is dict:
        return {_checked(str, name): _decoded(arguments[1], value[name]) for name in value}
    if origin is frozenset:
        return frozenset(_checked(dict, value))
    if origin is tuple:
        return _decoded_tuple(arguments, _checked(list, value))
    if hasattr(kind, "_fields"):  # a named tuple
        return kind(*_decoded_tuple(tuple(_hints(kind).values()), _checked(list, value)))
    if is_dataclass(kind):
        return _decoded_fields(kind, _checked(dict, value))
    if issubclass(kind, ClosedSet):
        return kind(value)
    return _checked(kind, value)


def _decoded_tuple(kinds: tuple[Any, ...], values: list[Any]) -> tuple[Any, ...]:
    if kinds[1:] == (...,):
        return tuple(_decoded(kinds[0], value) for value in values)
    return tuple(_decoded(kind, value) for kind, value in zip(kinds, values, strict=True))


def _decoded_fields(kind: Any, document: dict[str, Any]) -> Any:
    entries, values = _entries(kind), {}
    for name, item in document.items():
        values[entries[name].attribute] = _decoded(entries[name].type, item)
    return kind(**values)


def _checked(kind: type, value: Any) -> Any:
    """The value, where it is of just that type: 1 is no text, and True no number."""
    if type(value) is not kind:
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value


@cache
def _entries(kind: type) -> dict[str, _Entry]:
    known, hints = {field.name: field for field in fields(kind)}, _hints(kind)
    entries = {}
    for name in FIELDS[kind]:
        attribute = ATTRIBUTES.get((kind, name), name)
        entries[name] = _Entry(name, attribute, hints[attribute], _default(known[attribute]))
    return entries


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
