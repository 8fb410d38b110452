"""Models that Peewee takes without a word and that mean nothing: one pass, before any database."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from peewee import Field, Index, Model, Node

from kernel import name_faults
from kernel.arguments import is_text
from kernel.default_faults import default_slips
from kernel.faults import (
    Fault,
    assigned,
    class_statements,
    fields_written,
    model_file,
    model_place,
    model_source,
)
from kernel.field_faults import constraint_slips, field_slips

# (attribute, what, fix); the attribute is empty where it is about the model as a whole.
Slip = name_faults.Slip

OPTIONS = (
    *("table_name", "indexes", "primary_key", "constraints", "database", "only_save_dirty"),
    *("depends_on", "options", "table_function", "table_settings", "legacy_table_names"),
)
# Options that say which classes Peewee uses; BaseModel sets the first.
CLASSES = {"model_metadata_class", "schema_manager_class"}
# Of our own: the rows of the model are branches (kernel.branches).
OWN = {"is_branch"}
# Peewee's options for other databases, and those that put a table where generate does not look.
ELSEWHERE = ("schema", "temporary", "without_rowid", "strict_tables")
INDEXES = 'write indexes = ((("branch", "code"), True),), with a comma behind each index'
# Options of Django's, which no option of Peewee's is meant by.
OF_DJANGO = {
    "unique_together": INDEXES,
    "index_together": 'write indexes = ((("branch", "code"), False),)',
    "ordering": "remove it, and say order_by(…) where rows are read",
    "abstract": "remove it: a class that others derive from has no table unless it is registered",
    **dict.fromkeys(
        ("verbose_name", "verbose_name_plural"),
        "remove it: the docstring of the class becomes the comment of the table",
    ),
    **dict.fromkeys(("app_label", "managed"), "remove it: register says whose the model is"),
}
# Annotations that a field was meant by, as dataclasses and SQLModel have them.
PLAIN_TYPES = {
    **{"str": "LineField()", "int": "IntegerField()", "bool": "BooleanField()"},
    **{"float": "DecimalField()", "Decimal": "DecimalField()", "date": "DayField()"},
    **{"datetime": "TimestampField()", "UUID": "UUIDField()"},
}


def model_faults(model: type[Model]) -> Iterator[Fault]:
    """Every slip in a model, whatever the model is."""
    for rule in RULES:
        try:
            for attribute, what, fix in rule(model):
                yield Fault(model_place(model, attribute), what, fix)
        except Exception as error:  # a class may do anything when it is looked at
            what = f"cannot be looked through: {type(error).__name__}: {error}"
            yield Fault(model_place(model), what, "correct what the message names")


def _values_that_are_no_fields(model: Any) -> Iterator[Slip]:
    """`name = TextField` and `name = TextField(),` make no column."""
    for name, value in vars(model).items():
        if isinstance(value, type) and issubclass(value, Field):
            yield name, f"is the class {value.__name__}, not a field", f"write {value.__name__}()"
        elif isinstance(value, Field) and name != "__composite_key__":
            fix = "write it in the body of the class"
            yield name, "is not a column: it was assigned after the class was made", fix
        elif isinstance(value, tuple | list) and any(isinstance(part, Field) for part in value):
            yield name, "is a tuple with a field in it, not a field", "remove the comma behind it"
        elif isinstance(value, type) and name.lower() in ("meta", "metadata"):
            yield name, "holds options that Peewee does not read", "call the class Meta"


def _annotations(model: Any) -> Iterator[Slip]:
    """`name: TextField()` makes no column either, nor does `name: str`."""
    for name, annotation in vars(model).get("__annotations__", {}).items():
        if name in model._meta.combined or name.isupper() or name.startswith("_"):
            continue  # a field, or a constant
        text = annotation if isinstance(annotation, str) else _annotated(annotation)
        plain = PLAIN_TYPES.get(text, "")
        if plain or re.search(r"Field\b", text):
            fix = f"write {name} = {plain or '…'} instead of {name}: …"
            if plain:
                fix += ", or put it below `if TYPE_CHECKING:` where no column is meant"
            yield name, "is an annotation, and no column", fix


def _annotated(annotation: object) -> str:
    """The name of the class that stands behind the colon; a field stands for its class."""
    kind = type(annotation) if isinstance(annotation, Field) else annotation
    is_field = isinstance(kind, type) and issubclass(kind, Field)
    return "Field" if is_field else str(getattr(kind, "__name__", ""))


def _written_twice(model: Any) -> Iterator[Slip]:
    """Of two assignments, or classes, the first one is lost."""
    statement = model_source(model)
    for name in fields_written(statement) if statement else []:
        if statement and len(assigned(statement, name)) > 1:
            fix = "remove one of the two, or give it another name"
            yield name, "is written twice, and the first one is lost", fix
    names = [node.name for node in class_statements(model_file(model)) if not node.col_offset]
    if names.count(model.__name__) > 1:
        what = "is the name of two classes in this file, and the first one is lost"
        yield "", what, "give one of the two another name"


def _meta(model: Any) -> Iterator[Slip]:
    meta = model._meta
    for option in sorted(meta._additional_keys - CLASSES - OWN):
        yield "Meta", f"has {option}, which is not an option", _instead(option)
    for option in ELSEWHERE:
        if getattr(meta, option, None):
            what = f"has {option}, and no migration would be written for such a table"
            yield "Meta", what, f"remove {option}"
    if not isinstance(meta.options or {}, dict | list | tuple):
        yield "Meta", "has options that are not a dict", "remove options, or write a dict"
    settings = meta.table_settings or ()
    if not all(map(is_text, [settings] if isinstance(settings, str) else settings)):
        fix = 'write a text, such as table_settings = "PARTITION BY RANGE (day)"'
        yield "Meta", "has table_settings that are not text", fix
    for what, fix in constraint_slips(meta.constraints):
        yield "Meta", what, fix


def _instead(option: str) -> str:
    """What to write instead of an option that Peewee does not have."""
    close = difflib.get_close_matches(option, OPTIONS, n=1)
    nearest = f"write {close[0]}" if close else f"there are: {', '.join(OPTIONS)}"
    return OF_DJANGO.get(option, nearest)


def _indexes(model: Any) -> Iterator[Slip]:
    for entry in model._meta.indexes:
        for what, fix in _index_slips(model, entry):
            yield "Meta", what, fix
            return
    try:
        model._meta.fields_to_index()
    except Exception as error:
        fix = 'use domain.index(…, name="…") for an index over expressions'
        yield "Meta", f"has indexes that cannot be made: {error}", fix


def _index_slips(model: Any, entry: object) -> Iterator[tuple[str, str]]:
    """What is wrong with one entry of Meta.indexes; Peewee itself would iterate over any text,
    letter by letter."""
    if isinstance(entry, Index):
        return
    if isinstance(entry, Node):
        yield "has an index that is SQL text", "use domain.index or domain.sql for it"
    elif (columns := _index_columns(entry)) is None:
        yield f"has {entry!r} among its indexes", INDEXES
    else:
        yield from _unknown_columns(model, columns)


def _index_columns(entry: object) -> list[Any] | None:
    """The columns of an entry that has the form (columns, unique); None for any other form."""
    if not isinstance(entry, list | tuple) or len(entry) != 2:
        return None
    columns, unique = entry
    if not isinstance(columns, list | tuple) or not isinstance(unique, bool):
        return None
    return list(columns)


def _unknown_columns(model: Any, columns: list[Any]) -> Iterator[tuple[str, str]]:
    known = [str(name) for name in model._meta.combined]
    for column in columns:
        if not isinstance(column, Node) and column not in model._meta.combined:
            close = difflib.get_close_matches(str(column), known, n=1)
            fix = f"write {close[0]}" if close else f"there are: {', '.join(known)}"
            yield f"has an index on {column!r}, which is not a field", fix


def _fields(model: Any) -> Iterator[Slip]:
    for field in model._meta.sorted_fields:
        for what, fix in [*field_slips(field), *default_slips(field)]:
            yield field.name, what, fix


RULES: tuple[Callable[[type[Model]], Iterable[Slip]], ...] = (
    _values_that_are_no_fields,
    _annotations,
    _written_twice,
    name_faults.column_names,
    name_faults.table_name,
    name_faults.composite_key,
    name_faults.backrefs,
    _meta,
    _indexes,
    _fields,
)
