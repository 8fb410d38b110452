"""Seeds: what the seed functions want in the tables, found as a difference of rows.

The functions run in a scratch database on top of what the migrations seeded. What that changes,
row by row, is what the next migration must do. Rows are named by their natural keys, never by
their identities, which differ from database to database.
"""

from __future__ import annotations

import contextlib
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from peewee import SQL, Context, Field, Model, Value

from engine.errors import GenerateError, pass_on_interrupt

SeedFunction = Callable[["Seeder"], None]


class Seeder:
    """What a seed function is given.

    keys: the natural key that was declared for each table. expressions: the SQL given for a
    column of a row, by (table, column, values of the natural key as text).
    """

    def __init__(self) -> None:
        self.keys: dict[str, tuple[str, ...]] = {}
        self.expressions: dict[tuple[str, str, tuple[str | None, ...]], str] = {}

    def ensure(
        self, model: type[Model], rows: Iterable[Mapping[str, Any]], *, key: str | Sequence[str]
    ) -> None:
        """Want these rows: a missing one is inserted, a declared value that changed is updated.

        rows: field name to value; a peewee SQL(…) is computed when the row is inserted and never
        compared. key: the field or fields by which a row is known. A migration made from this
        updates only rows that still hold the old value, so an operator's edit stays.
        """
        names = (key,) if isinstance(key, str) else tuple(key)
        fields = [_field(model, name) for name in names]
        self.keys[model._meta.table_name] = tuple(field.column_name for field in fields)
        for row in rows:
            if not isinstance(row, Mapping):
                raise GenerateError(
                    f"a seed row of {model.__name__} is {row!r}, not a dict.",
                    fix='write rows as a list: [{"code": "a"}, {"code": "b"}].',
                )
            missing = [name for name in names if name not in row]
            if missing:
                raise GenerateError(
                    f"a seed row of {model.__name__} lacks its key {', '.join(missing)}: {row!r}.",
                    fix="give every row all fields of the key.",
                )
            for name in row:
                _field(model, name)
            self._ensure_row(model, dict(row), fields)

    def _ensure_row(self, model: type[Model], row: dict[str, Any], key: list[Field]) -> None:
        known = [_is(field, row[field.name]) for field in key]
        expressions = {name: value for name, value in row.items() if isinstance(value, SQL)}
        for name, value in expressions.items():
            self._note(model, name, value, tuple(_text(row[field.name]) for field in key))
        present = model.select().where(*known).first()
        if present is None:
            model.insert(row).execute()
            return
        changed = {}
        for name, value in row.items():
            field = model._meta.fields[name]
            if name not in expressions and _differs(field, present, value):
                changed[field] = value
        if changed:
            model.update(changed).where(*known).execute()

    def _note(self, model: type[Model], name: str, value: SQL, key: tuple[str | None, ...]) -> None:
        column = model._meta.fields[name].column_name
        text, _ = Context().sql(value).query()
        self.expressions[(model._meta.table_name, column, key)] = text


def _is(field: Field, value: Any) -> Any:
    """The condition that a row has this value, NULL included. A list is one value, of which Peewee
    would make a row of values: "operator does not exist: text[] = record"."""
    if value is None:
        return field.is_null()
    return field == Value(value, converter=field.db_value, unpack=False)


def _field(model: type[Model], name: str) -> Field:
    """The field of that name; raises GenerateError where the model has none."""
    fields: dict[str, Field] = model._meta.fields
    if name not in fields:
        raise GenerateError(
            f"a seed row of {model.__name__} names {name}, which is not a field.",
            fix=f"there are: {', '.join(fields)}.",
        )
    return fields[name]


def run(functions: Iterable[SeedFunction], seeder: Seeder) -> None:
    """Run the seed functions in order; their models are bound to the scratch database."""
    for function in functions:
        try:
            # What one prints is none of what a task prints, such as the JSON of --json.
            with contextlib.redirect_stdout(sys.stderr):
                function(seeder)
        except BaseException as error:
            pass_on_interrupt(error)
            raise _failed(function, error) from error


def _failed(function: SeedFunction, error: BaseException) -> GenerateError:
    """What to say of a seed function, with the line of its file that it stopped at."""
    lines = [
        f"{Path(frame.f_code.co_filename).name}:{line}"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if frame.f_globals.get("__name__") == function.__module__
    ]
    where = f" ({lines[-1]})" if lines else ""
    reason = f"{type(error).__name__}: {error}"
    fix = "fix that line; it runs on what the migrations have seeded so far."
    if isinstance(error, GenerateError):
        reason, fix = error.said, error.fix
    return GenerateError(
        f"the seed function {function.__module__}.{function.__qualname__}{where} failed: "
        f"{reason.strip()}",
        why="No migration was written.",
        fix=fix,
    )


def refuse_unsettled(first: Mapping[str, Any], second: Mapping[str, Any]) -> None:
    """Raise GenerateError where the second run of the seeds left other rows than the first."""
    moved = [table for table, rows in second.items() if rows != first[table]]
    if moved:
        raise GenerateError(
            f"the seeds change {', '.join(moved)} again when they run a second time.",
            why="What a seed function wants must not depend on chance, on the clock, or on "
            "whether it ran before. No migration was written.",
            fix="seed constants (one fixed hash, not a new one each time); for a moment of the "
            "installation give a peewee SQL(…) expression.",
        )


def _differs(field: Field, present: Model, value: Any) -> bool:
    current = present.__data__[field.name]
    return bool(current != field.python_value(_plain(value)))


def _plain(value: Any) -> Any:
    return value.get_id() if isinstance(value, Model) else value


def _text(value: Any) -> str | None:
    return None if value is None else str(_plain(value))
