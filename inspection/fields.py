"""Columns as Peewee fields, to the letter: type, default, what is computed, comment."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from engine.schema.model import Column, Table
from inspection.names import attribute, enum_class

PLAIN = {
    "bigint": "BigIntegerField",
    "integer": "IntegerField",
    "smallint": "SmallIntegerField",
    "text": "TextField",
    "boolean": "BooleanField",
    "date": "DateField",
    "bytea": "BlobField",
    "uuid": "UUIDField",
    "real": "FloatField",
    "double precision": "DoubleField",
}
LENGTH = re.compile(r"character varying\((\d+)\)")
REFERENCE = re.compile(
    r"FOREIGN KEY \((?P<column>\w+)\) REFERENCES (?P<table>\w+)\((?P<target>\w+)\)"
    r"(?: ON UPDATE (?P<on_update>CASCADE|RESTRICT|SET NULL|SET DEFAULT))?"
    r"(?: ON DELETE (?P<on_delete>CASCADE|RESTRICT|SET NULL|SET DEFAULT))?"
    r"(?: (?P<deferrable>DEFERRABLE(?: INITIALLY DEFERRED)?))?"
)


@dataclass
class Fields:
    """The fields of one table. tables: all of them. classes: the class of each. made: the tables
    whose models stand before. enums: the class of each enum that is one. imports: what of Peewee
    and of domains they use."""

    table: Table
    tables: Mapping[str, Table]
    classes: Mapping[str, str]
    made: Collection[str]
    enums: Mapping[str, str]
    imports: set[str] = field(default_factory=set)
    uses_sql_type: bool = False
    names: dict[str, str] = field(default_factory=dict)
    referring: set[str] = field(default_factory=set)

    def lines(self, keeps_updated_at: bool) -> list[str]:
        """A line for each column. keeps_updated_at: whether the trigger is there that a field of
        that name brings along."""
        references = self._references()
        lines = []
        for column in self.table.columns.values():
            known = column.name == "updated_at" and not keeps_updated_at
            wanted = "updated_at_" if known else column.name
            if column.name in references:
                wanted = re.sub("_id$", "", column.name)
            name = attribute(
                wanted, {*self.names.values(), *(self.table.columns.keys() - {wanted, column.name})}
            )
            self.names[column.name] = name
            lines.append(f"    {name} = {self._field(column, name, references)}")
        return lines

    def key(self) -> str:
        """The column that is the primary key by itself, under the name that PostgreSQL gives."""
        columns = self.key_columns()
        return columns[0] if len(columns) == 1 else ""

    def key_columns(self) -> list[str]:
        """The columns of the primary key, where it is called as PostgreSQL calls it."""
        constraint = self.table.constraints.get(f"{self.table.name}_pkey")
        match = re.fullmatch(
            r"PRIMARY KEY \(([\w, ]+)\)", constraint.definition if constraint else ""
        )
        return match[1].split(", ") if match else []

    def _references(self) -> dict[str, tuple[str, re.Match[str]]]:
        """Column to (constraint, what it says) of the foreign keys that a field can say."""
        references = {}
        for constraint in self.table.constraints.values():
            match = REFERENCE.fullmatch(constraint.definition)
            if match and self._is_alike(match) and match["column"] not in references:
                references[match["column"]] = (constraint.name, match)
                self.referring.add(constraint.name)
        return references

    def _is_alike(self, match: re.Match[str]) -> bool:
        """Whether the column is of the type of that which it refers to, as a field makes it. One
        that counts by itself hands that on, but for the IdentityField."""
        target = self.tables[match["table"]].columns[match["target"]]
        if (target.identity and not _is_identity(target)) or target.collation:
            return False
        return target.type in PLAIN and self.table.columns[match["column"]].type == target.type

    def _field(
        self, column: Column, name: str, references: Mapping[str, tuple[str, re.Match[str]]]
    ) -> str:
        if column.name in references:
            kind, options = self._reference(column, *references[column.name])
        else:
            kind, options = self._plain(column)
        if column.name != name or column.name in references:
            options.append(f"column_name={column.name!r}")
        if column.name == self.key():
            options.append("primary_key=True")
        elif not column.not_null:
            options.append("null=True")
        constraints = self._constraints(column)
        if constraints:
            options.append(f"constraints=[{', '.join(constraints)}]")
        if column.comment and column.comment.strip():
            options.append(f"help_text={column.comment!r}")
        self.imports.add(kind)
        return f"{kind}({', '.join(options)})"

    def _plain(self, column: Column) -> tuple[str, list[str]]:
        if _is_identity(column) and column.name == self.key():
            return "IdentityField", []
        known = self._known(column.type)
        if known and not (column.identity or column.collation):
            return known
        text = column.type
        if column.collation:
            text += f" COLLATE {column.collation}"
        if column.identity:
            text += f" GENERATED {column.identity} AS IDENTITY"
        self.uses_sql_type = True
        return "SqlField", [repr(text)]

    def _known(self, kind: str) -> tuple[str, list[str]] | None:
        """The field for a type, and what it is given; None where SQL has to say it."""
        if kind in PLAIN:
            return PLAIN[kind], []
        if kind in self.enums:
            return "EnumField", [self.enums[kind]]
        length = LENGTH.fullmatch(kind)
        return ("CharField", [f"max_length={length[1]}"]) if length else None

    def _reference(
        self, column: Column, constraint: str, match: re.Match[str]
    ) -> tuple[str, list[str]]:
        other = match["table"]
        later = other not in {*self.made, self.table.name}
        target = '"self"' if other == self.table.name else self.classes[other]
        options = [
            repr(target) if later else target,
            f"field={match['target']!r}",
            'backref="+"',
            "index=False",
        ]
        for option in ("on_update", "on_delete"):
            if match[option]:
                options.append(f"{option}={match[option]!r}")
        if match["deferrable"]:
            when = match["deferrable"].removeprefix("DEFERRABLE").strip()
            options.append(f"deferrable={when or 'INITIALLY IMMEDIATE'!r}")
        if later or constraint != f"{self.table.name}_{column.name}_fkey":
            options.append(f"constraint_name={constraint!r}")
        return "DeferredForeignKey" if later else "ForeignKeyField", options

    def _constraints(self, column: Column) -> list[str]:
        parts = []
        if column.generated:
            kept = "VIRTUAL" if column.virtual else "STORED"
            parts.append(f"SQL({f'GENERATED ALWAYS AS ({column.generated}) {kept}'!r})")
        elif column.default is not None:
            parts.append(f"Default({column.default!r})")
        self.imports.update(part.partition("(")[0] for part in parts)
        return parts


def _is_identity(column: Column) -> bool:
    """Whether it counts as an IdentityField does."""
    return column.identity == "BY DEFAULT" and column.type == "bigint" and not column.numbers


def enum_classes(labels: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Type to class, of the enums that a class can be: an EnumField has no empty value."""
    classes = {}
    for name, values in labels.items():
        if (made := enum_class(name)) and values and all(values):
            classes[name] = made
    return classes
