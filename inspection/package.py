"""A whole database as one domain: models, and statements for what Peewee has no word for."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from engine.diff.change import Change
from engine.diff.compare import diff
from engine.diff.ordering import ordered
from engine.schema import kinds
from engine.schema.kinds import Key, Kind
from engine.schema.model import Schema, Table
from engine.sql import statements
from engine.sql.lexer import split
from inspection.fields import Fields, enum_classes
from inspection.names import class_name, docstring, free, is_one_line, member_name
from inspection.rights import Rights
from kernel.object_statements import named

OURS = ("BaseModel", "EnumField", "IdentityField")
SQL_TYPE = '''
class SqlField(Field):
    """A column of a type that Peewee has no field for."""

    def __init__(self, sql_type: str, **options: Any) -> None:
        super().__init__(**options)
        self.field_type = sql_type

'''
READ = "What was read from the database {}. Divide it into domains as you like."
REGISTER = '''{docstring}

from domains import {names}

from . import models, statements


def register(domain: Domain) -> None:
    """Register what was read."""
{lines}
'''


@dataclass
class Package:
    """files: text by name. left_out: what no domain can state, as a person reads it."""

    files: dict[str, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def package(schema: Schema, database: str, shared: Collection[str]) -> Package:
    """What makes the schema again. shared: the functions that every domain has already, by their
    names."""
    return _Reader(schema, set(shared)).package(database)


class _Reader:
    def __init__(self, schema: Schema, shared: set[str]) -> None:
        self.schema = schema
        self.shared = shared
        labels = {enum.name: enum.labels for enum in schema.enums.values()}
        self.enums = enum_classes({name: labels[name] for name in self._used(labels)})
        self.classes: dict[str, str] = {}
        for name in schema.tables:
            taken = {*self.classes.values(), *self.enums.values()}
            self.classes[name] = free(class_name(name), taken)
        self.made: list[str] = []
        self.imports: set[str] = set()
        self.by_model: set[Key] = set()
        self.uses_sql_type = False
        # where the statement of an object stands among those that no model says
        self.places: dict[Key, int] = {}

    def package(self, database: str) -> Package:
        made = Package()
        order = _after_what_they_refer_to(self.schema.tables)
        texts = [self._enum(name, title) for name, title in self.enums.items()]
        texts += [self._model(self.schema.tables[name]) for name in order]
        rest = self._rest(made)
        extensions = [f"    domain.extension({name!r})" for name in sorted(self.schema.extensions)]
        models = ",\n        ".join(f"models.{self.classes[name]}" for name in order)
        lines = [*extensions, f"    domain.models(\n        {models},\n    )" if order else ""]
        lines.append("    domain.sql(*statements.STATEMENTS)" if rest else "")
        rights = Rights(self.schema, self.classes, self.places)
        lines += rights.lines
        made.left_out += rights.left_out
        body = "\n".join(filter(None, lines)) or "    # there was nothing"
        made.files["__init__.py"] = REGISTER.format(
            docstring=docstring(READ.format(database)),
            lines=body,
            names="ALL, Domain" if any("ALL" in line for line in rights.lines) else "Domain",
        )
        made.files["models.py"] = self._head() + "\n\n".join(texts).rstrip() + "\n"
        made.files["statements.py"] = _statements_text(rest)
        return made

    def _used(self, labels: Iterable[str]) -> list[str]:
        """The enums that a column is of; a model has no other ones."""
        types = set()
        for table in self.schema.tables.values():
            types |= {column.type for column in table.columns.values()}
        return [name for name in labels if name in types]

    def _enum(self, name: str, title: str) -> str:
        lines: list[str] = []
        taken: set[str] = set()
        for label in self.schema.enums[name].labels:
            member = free(member_name(label), taken)
            taken.add(member)
            lines.append(f"    {member} = {label!r}")
        self.by_model.add(Key(Kind.ENUM, "", name))
        self.imports.add("StrEnum")
        return "\n".join([f"class {title}(StrEnum):", f'    """{title}."""', "", *lines, ""])

    def _model(self, table: Table) -> str:
        title = self.classes[table.name]
        fields = Fields(table, self.schema.tables, self.classes, self.made, self.enums)
        trigger = f"{table.name}_updated_at"
        keeps = trigger in table.triggers and "set_updated_at()" in self.shared
        lines = fields.lines(keeps)
        if keeps:
            self.by_model.add(Key(Kind.TRIGGER, table.name, trigger))
        self.made.append(table.name)
        self.imports |= fields.imports
        self.uses_sql_type |= fields.uses_sql_type
        text = [f"class {title}(Model):"]
        if table.comment and is_one_line(table.comment):
            text += [f"    {docstring(table.comment)}", ""]
        text += [*lines, "", *self._meta(table, fields), ""]
        self._note_parts(table, fields)
        return "\n".join(text)

    def _meta(self, table: Table, fields: Fields) -> Iterator[str]:
        yield "    class Meta:"
        yield f"        table_name = {table.name!r}"
        if table.partitioned:
            yield f"        table_settings = {f'PARTITION BY {table.partitioned}'!r}"
        keys = fields.key_columns()
        if len(keys) > 1:
            names = ", ".join(repr(fields.names[column]) for column in keys)
            yield f"        primary_key = CompositeKey({names})"
            self.imports.add("CompositeKey")
        elif not keys:
            yield "        primary_key = False"
        parts = []
        for constraint in table.constraints.values():
            is_key = bool(keys) and constraint.name == f"{table.name}_pkey"
            known = not constraint.target or constraint.target in self.made
            if not is_key and constraint.name not in fields.referring and known:
                text = f'CONSTRAINT "{constraint.name}" {constraint.definition}'
                parts.append(f"            SQL({text!r}),")
        if parts:
            self.imports.add("SQL")
            yield from ["        constraints = [", *parts, "        ]"]

    def _note_parts(self, table: Table, fields: Fields) -> None:
        """Take down what the model says by itself."""
        for constraint in table.constraints.values():
            known = not constraint.target or constraint.target in self.made
            if constraint.name in fields.referring or known:
                self.by_model.add(Key(constraint.part, table.name, constraint.name))

    def _rest(self, made: Package) -> list[str]:
        """The statements for all that no model says, in an order that works."""
        texts: list[str] = []
        nothing = Schema()
        changes = diff(nothing, self.schema)
        for change in ordered(changes, nothing, self.schema, lambda _: 0):
            if self._is_said(change):
                continue
            for statement in self._statements(change):
                if named(statement):
                    self.places.setdefault(change.key, len(texts))
                    texts.append(statement)
                else:
                    made.left_out.append(str(change))
        return texts

    def _is_said(self, change: Change) -> bool:
        if change.kind in (Kind.EXTENSION, Kind.TABLE, Kind.ACCESS) or change.key in self.by_model:
            return True
        return change.kind is Kind.FUNCTION and change.name in self.shared

    def _statements(self, change: Change) -> list[str]:
        if change.kind is not Kind.COMMENT:
            parts = split(statements.sql(change))
            if change.kind is not Kind.DOMAIN_TYPE:
                return parts
            checks = [part.partition(" ADD ")[2] for part in parts[1:]]  # as CREATE DOMAIN has them
            return ["\n    ".join([parts[0], *checks])]
        texts: list[str] = []
        for kind, part, text in change.new:
            table = self.schema.tables.get(change.table or change.name)
            by_model = kind is Kind.COLUMN and text.strip() and table
            by_model = by_model or (kind is Kind.TABLE and text and is_one_line(text))
            shared = kind is Kind.FUNCTION and part in self.shared
            if not by_model and not shared:
                texts.append(kinds.comment(Key(kind, change.table, part), text))
        return texts

    def _head(self) -> str:
        peewee = sorted({*self.imports} - {*OURS, "StrEnum", "SqlField"} | {"Model"})
        if self.uses_sql_type:
            peewee = sorted({*peewee, "Field"})
        ours = sorted(self.imports & {*OURS})
        lines = ['"""The tables that were read from a database."""', ""]
        lines += ["from enum import StrEnum"] if "StrEnum" in self.imports else []
        lines += ["from typing import Any"] if self.uses_sql_type else []
        lines += ["", f"from peewee import {', '.join(peewee)}", ""]
        lines += [f"from domains import {', '.join(ours)}", ""] if ours else []
        return "\n".join(lines) + (SQL_TYPE if self.uses_sql_type else "") + "\n\n"


def _after_what_they_refer_to(tables: dict[str, Table]) -> list[str]:
    """The tables, each after those that it refers to, as far as they go in no circle."""
    order: list[str] = []
    waiting = sorted(tables)
    while waiting:
        free_now = [name for name in waiting if _targets(tables[name]) <= {*order, name}]
        order += free_now or waiting[:1]
        waiting = [name for name in waiting if name not in order]
    return order


def _targets(table: Table) -> set[str]:
    return {constraint.target for constraint in table.constraints.values() if constraint.target}


def _statements_text(texts: list[str]) -> str:
    lines = ['"""What Peewee has no word for."""', "", "STATEMENTS = ["]
    for text in texts:
        raw = "r" if "\\" in text else ""
        plain = '"""' not in text and not text.endswith('"') and not re.search(r"\\$", text)
        lines.append(f'    {raw}"""\n{text}\n""",' if plain else f"    {text!r},")
    return "\n".join([*lines, "]", ""])
