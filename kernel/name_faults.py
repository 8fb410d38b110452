"""Names that a model cannot have, or that hide another one: of columns, tables and backrefs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from peewee import CompositeKey, Field, ForeignKeyField, Model

from kernel.arguments import is_model, is_text, shown
from kernel.fields import NAME_BYTES

Slip = tuple[str, str, str]

# The engine's own tables, which generate never writes a migration for; a test holds the list.
RESERVED = (
    *("migratehistory", "migratejournal", "migratereading"),
    *("migrateenvironment", "migrateroles", "migratekeys"),
)
# What every table of PostgreSQL has.
SYSTEM_COLUMNS = {"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"}


def column_names(model: Any) -> Iterator[Slip]:
    """Fields that hide a method or one another, and columns that PostgreSQL would not make."""
    columns = Counter(field.column_name for field in model._meta.sorted_fields)
    for field in model._meta.sorted_fields:
        if hasattr(Model, field.name):
            yield (
                field.name,
                f"hides {field.name}() of the model, which Peewee needs",
                f'write {field.name}_ = …(column_name="{field.name}")',
            )
        if field.model is not model:
            fix = "make a field of its own for each model"
            yield field.name, f"is the same object as a field of {field.model.__name__}", fix
        if columns[field.column_name] > 1:
            yield (
                field.name,
                f"has the column {field.column_name}, as another field of the model has",
                "give one of the two another name or column_name",
            )
        if field.column_name in SYSTEM_COLUMNS:
            what = f"has the column {field.column_name}, which every table of PostgreSQL has anyway"
            yield field.name, what, "give it another name or column_name"
        if is_text(field.column_name) and (what := _cut(field.column_name)):
            yield field.name, f"has a column {what}", "give it a shorter name or column_name"


def table_name(model: Any) -> Iterator[Slip]:
    """A table without a name, or with one that is taken or would be cut."""
    meta = model._meta
    if not is_text(meta.table_name) or not meta.table_name.strip():
        yield "Meta", f"has {meta.table_name!r} for its table_name", "write a name"
    elif meta.table_name in RESERVED:
        what = f"has the table_name {meta.table_name}, a table of the migration engine"
        yield "Meta", what, "choose another name"
    elif what := _cut(meta.table_name):
        yield "Meta", f"has a table_name {what}", "choose a shorter name"
    if "\0" in str(model.__doc__):
        yield "", "has the character NUL in its docstring", "remove it"


def backrefs(model: Any) -> Iterator[Slip]:
    """`ForeignKeyField(A, backref="save")` takes A.save() away; of two of one name, the first one
    is lost. What nobody wrote (`slip_set`) is nobody's loss."""
    for field in model._meta.sorted_fields:
        other = getattr(field, "rel_model", None)
        if not isinstance(field, ForeignKeyField) or not is_model(other):
            continue
        backref, title = field.backref, other.__name__
        if backref in ("+", "!", f"{model._meta.name}_set"):
            continue
        if not is_text(backref):
            yield field.name, f"has {shown(backref)} for its backref", "write a name"
        elif hasattr(Model, backref):
            what = f'has backref="{backref}", which hides {backref}() of {title}'
            yield field.name, what, "choose another name, such as the plural of the model's"
        elif backref in other._meta.combined:
            what = f'has backref="{backref}", which hides the field of that name of {title}'
            yield field.name, what, "choose another name, such as the plural of the model's"
        elif getattr(vars(other).get(backref), "field", field) is not field:
            what = f'has backref="{backref}", as another foreign key to {title} has'
            yield field.name, what, "give one of the two another backref, or none"


def composite_key(model: Any) -> Iterator[Slip]:
    """A key over columns that the model does not have."""
    key = model._meta.primary_key
    if isinstance(key, CompositeKey):
        for name in key.field_names:
            if name not in model._meta.fields:
                fix = f"there are: {', '.join(model._meta.fields)}"
                yield "Meta", f"has a primary_key over {shown(name)}, which is not a field", fix
    elif isinstance(key, Field) and key.null:
        yield key.name, "may be null, and is the primary key", "remove null=True"


def _cut(name: str) -> str:
    """What is wrong with the length of a name, or empty."""
    size = len(name.encode("utf-8", "replace"))
    return (
        f"of {size} bytes, and PostgreSQL cuts names at {NAME_BYTES}" if size > NAME_BYTES else ""
    )
