"""A schema as JSON: what was written by the format of today is read, and written the same again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.drift import schema_json
from engine.drift.schema_json import ATTRIBUTES, FIELDS, Damaged
from engine.schema.model import Schema
from tests.support import golden


def parts(value: Any) -> Iterator[Any]:
    """All that a value of the schema is made of, itself first."""
    if is_dataclass(value):
        yield value
        for field in fields(value):
            yield from parts(getattr(value, field.name))
    elif isinstance(value, dict):
        for item in value.values():
            yield from parts(item)


def names(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        for name, item in document.items():
            yield name
            yield from names(item)


@pytest.mark.parametrize("path", golden.files(), ids=lambda path: path.stem)
def test_what_was_kept_is_read_and_written_the_same(path: Path) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    schema = schema_json.decode(document)
    assert schema_json.encode(schema) == document
    assert {type(part) for part in parts(schema)} == FIELDS.keys()


def test_a_golden_file_shows_every_field() -> None:
    """Else one could be renamed unseen. An index is invalid, or a column virtual, only where the
    server makes it so."""
    shown: set[str] = set()
    for path in golden.files():
        shown |= set(names(json.loads(path.read_text(encoding="utf-8"))))
    every = {name for known in FIELDS.values() for name in known}
    assert every - shown <= {"valid", "virtual"}


def test_every_field_that_counts_is_written() -> None:
    for kind, known in FIELDS.items():
        attributes = [ATTRIBUTES.get((kind, name), name) for name in known]
        assert sorted(attributes) == sorted(f.name for f in fields(kind) if f.compare), kind


BROKEN = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.sampled_from(["name", "x"]), inner)
    ),
    max_leaves=4,
)


def places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(document, (dict, list)):
        for key in document if isinstance(document, dict) else range(len(document)):
            yield from places(document[key], (*path, key))


DOCUMENT = golden.files()[-1].read_text(encoding="utf-8")
PLACES = sorted(places(json.loads(DOCUMENT)), key=str)


@settings(max_examples=2 * settings.default.max_examples)
@given(st.sampled_from(PLACES), BROKEN)
def test_what_somebody_has_changed_is_damaged_or_a_schema(place: tuple[Any, ...], by: Any) -> None:
    """Never a traceback, and never a schema that holds what none can hold."""
    document = json.loads(DOCUMENT)
    if place:
        owner = document
        for key in place[:-1]:
            owner = owner[key]
        owner[place[-1]] = by
    else:
        document = by
    try:
        schema = schema_json.decode(document)
    except Damaged:
        return
    assert isinstance(schema, Schema)
    assert schema_json.decode(schema_json.encode(schema)) == schema
