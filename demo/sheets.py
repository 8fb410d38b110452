"""Rows on their way into the tables: completed, given an identity, written as CSV, copied."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import Any, NamedTuple

from peewee import BlobField, Field, JSONField, Model

from demo import moments
from domains import TimestampField


class Page(NamedTuple):
    """So many rows of a table, as CSV in UTF-8."""

    table: str
    rows: int
    text: bytes


class Sheet:
    """The rows of one table that wait to be copied.

    Columns that are not given get the model's default, null where it has none, and `updated_at`
    the time of `created_at`. rows, seconds: what was copied so far, and how long that took.
    """

    def __init__(self, cursor: Any, model: type[Model]) -> None:
        names = [field.name for field in model._meta.sorted_fields]
        self.table: str = model._meta.table_name
        self.waiting: list[tuple[Any, ...]] = []
        self.rows = 0
        self.seconds = 0.0
        self._names = set(names)
        self._defaults = {
            field.name: value
            for field in model._meta.sorted_fields
            if (value := _default(field)) is not None or field.null
        }
        self._converters = [
            (field.name, convert)
            for field in model._meta.sorted_fields
            if (convert := _converter(field)) is not None
        ]
        self._row = itemgetter(*names)
        columns = ", ".join(f'"{field.column_name}"' for field in model._meta.sorted_fields)
        self._copy = f'COPY "{self.table}" ({columns}) FROM STDIN (FORMAT csv)'
        cursor.execute(f'SELECT coalesce(max(id), 0) FROM "{self.table}"')
        self.last_id: int = cursor.fetchone()[0]

    def add(self, **values: Any) -> int:
        """Take a row; its identity. Moments are whole seconds, JSON is given as it is.

        Raises TypeError for a column that the table does not have, KeyError for one that it needs.
        """
        self.last_id += 1
        if not values.keys() <= self._names:
            unknown = ", ".join(sorted(values.keys() - self._names))
            raise TypeError(f"{self.table} has no column for {unknown}")
        row = {**self._defaults, "updated_at": values["created_at"], **values, "id": self.last_id}
        for name, convert in self._converters:
            if row.get(name) is not None:
                row[name] = convert(row[name])
        self.waiting.append(self._row(row))
        return self.last_id

    def copy(self, cursor: Any, page: Page) -> None:
        """Copy a page of this table."""
        begun = time.perf_counter()
        cursor.copy_expert(self._copy, io.BytesIO(page.text))
        self.rows += page.rows
        self.seconds += time.perf_counter() - begun


class Book:
    """A sheet for every model: book[Customer].add(name=…).

    Models stand behind those that they refer to, which is the order of copying.
    """

    def __init__(self, cursor: Any, models: Iterable[type[Model]]) -> None:
        self._sheets = {model: Sheet(cursor, model) for model in models}

    def __getitem__(self, model: type[Model]) -> Sheet:
        return self._sheets[model]

    def __iter__(self) -> Iterator[Sheet]:
        return iter(self._sheets.values())

    def last_ids(self) -> dict[str, int]:
        """The last identity given in each table."""
        return {sheet.table: sheet.last_id for sheet in self}

    def take(self) -> Batch:
        """All rows that wait; none waits any more."""
        batch = [(sheet, sheet.waiting) for sheet in self if sheet.waiting]
        for sheet, _ in batch:
            sheet.waiting = []
        return batch


Batch = list[tuple[Sheet, list[tuple[Any, ...]]]]


def as_csv(rows: Iterable[tuple[Any, ...]]) -> bytes:
    """Rows as COPY … (FORMAT csv) reads them."""
    lines = io.StringIO()
    csv.writer(lines).writerows(rows)
    return lines.getvalue().encode()


def _default(field: Field) -> Any:
    return field.default() if callable(field.default) else field.default


def _converter(field: Field) -> Any:
    if isinstance(field, TimestampField):
        return moments.text
    if isinstance(field, JSONField):
        return json.dumps
    if isinstance(field, BlobField):
        return _hex
    return None


def _hex(value: bytes) -> str:
    return "\\x" + value.hex()
