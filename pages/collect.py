"""The facts, collected: what PostgreSQL's catalogs say of what the domains ask for."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from engine.connect.connection import connect
from engine.connect.peewee_database import EngineDatabase
from engine.connect.scratch import scratch
from engine.diff.compare import diff
from engine.diff.ordering import ordered
from engine.generate.build_models import build
from engine.project import Project
from engine.schema import catalog
from engine.schema.model import Constraint, Schema, Table
from engine.sql import statements
from kernel.domain import Domain
from kernel.status_machine import StatusMachine
from pages import in_words
from pages.facts import (
    ColumnFacts,
    Coverage,
    DomainFacts,
    EnumFacts,
    MachineFacts,
    Reference,
    RuleFacts,
    SchemaFacts,
    TableFacts,
)
from pages.rights import rights

KEY_COLUMNS = re.compile(r"\(([^()]*)\)")
ON_DELETE = re.compile(r"ON DELETE (CASCADE|RESTRICT|SET NULL|SET DEFAULT|NO ACTION)")


def collect(project: Project, title: str, domains: Sequence[Domain]) -> SchemaFacts:
    """Build what the domains ask for in a scratch database on the project's server, and read it.

    domains: in dependency order, the ground that all share first. Raises GenerateError for what
    cannot be built, ConfigError where no scratch database can be made.
    """
    with scratch(project) as database:
        build(EngineDatabase(database), domains)
        connection = connect(database, autocommit=True)
        try:
            schema = catalog.read(connection)
            version = connection.server_version // 10000
        finally:
            connection.close()
    references = _references(schema)
    chapters = [
        _domain(domain, schema, references) for domain in domains if domain.tables or domain.seeds
    ]
    return SchemaFacts(
        title, version, tuple(chapters), tuple(_coverage(schema)), _sql(schema, domains)
    )


def _references(schema: Schema) -> list[Reference]:
    """All foreign keys, by table and name."""
    found = []
    for table in schema.tables.values():
        for constraint in table.constraints.values():
            if constraint.target:
                found.append(_reference(table, constraint))
    return sorted(found, key=lambda reference: (reference.table, reference.name))


def _reference(table: Table, constraint: Constraint) -> Reference:
    columns = _columns(constraint.definition)
    action = ON_DELETE.search(constraint.definition)
    optional = any(not table.columns[column].not_null for column in columns)
    return Reference(
        constraint.name,
        table.name,
        columns,
        constraint.target,
        action[1] if action else "",
        optional,
    )


def _columns(definition: str) -> tuple[str, ...]:
    """The columns between the first parentheses of a key's definition."""
    match = KEY_COLUMNS.search(definition)
    if not match:
        return ()
    return tuple(part.strip().strip('"').replace('""', '"') for part in match[1].split(","))


def _domain(domain: Domain, schema: Schema, references: list[Reference]) -> DomainFacts:
    names = [model._meta.table_name for model in domain.tables]
    enums = [schema.enums[name] for name in domain.enums.values() if name in schema.enums]
    return DomainFacts(
        domain.name,
        domain.description,
        tuple(sorted(domain.requirements)),
        tuple(_table(domain, schema.tables[name], schema, references) for name in names),
        tuple(EnumFacts(enum.name, enum.labels, enum.comment or "") for enum in enums),
        tuple(_machine(machine) for machine in domain.machines),
        tuple(sorted(domain.permission_names)),
        tuple(_said(function) for function in domain.seeds),
    )


def _said(function: Any) -> str:
    """A seed function's name and the first line of its docstring."""
    first = (inspect.getdoc(function) or "").partition("\n")[0]
    return f"{function.__name__}: {first}" if first else str(function.__name__)


def _table(
    domain: Domain, table: Table, schema: Schema, references: Iterable[Reference]
) -> TableFacts:
    references = list(references)
    return TableFacts(
        table.name,
        domain.name,
        table.comment or "",
        tuple(_columns_of(table)),
        tuple(reference for reference in references if reference.table == table.name),
        tuple(reference for reference in references if reference.target == table.name),
        tuple(_checks(table)),
        tuple(_indexes(table)),
        tuple(_triggers(table, schema)),
        tuple(rights(table, schema, domain.reasons)),
    )


def _columns_of(table: Table) -> Iterator[ColumnFacts]:
    keys: dict[str, list[str]] = {}
    short = {"primary key": "PK", "foreign key": "FK", "unique": "UK"}
    for constraint in table.constraints.values():
        word = short.get(str(constraint.kind))
        for part in _columns(constraint.definition) if word else ():
            keys.setdefault(part, []).append(str(word))
    for index in table.indexes.values():
        columns = _columns(index.definition)
        if "CREATE UNIQUE INDEX" in index.definition and len(columns) == 1:
            keys.setdefault(columns[0], []).append("UK")
    for column in table.columns.values():
        own = keys.get(column.name, [])
        yield ColumnFacts(
            column.name,
            column.type,
            not column.not_null,
            column.default or column.generated or (column.identity and "identity") or "",
            column.comment or "",
            tuple(word for word in ("PK", "FK", "UK") if word in own),
        )


def _checks(table: Table) -> Iterator[RuleFacts]:
    for constraint in table.constraints.values():
        if constraint.kind == "check":
            words = in_words.check(constraint.definition)
        elif constraint.kind == "exclude":
            words = f"`{constraint.definition}`"
        else:
            continue
        yield RuleFacts(constraint.name, words, constraint.definition)


def _indexes(table: Table) -> Iterator[RuleFacts]:
    for constraint in table.constraints.values():
        if constraint.kind in ("primary key", "unique"):
            yield RuleFacts(constraint.name, f"`{constraint.definition}`", constraint.definition)
    for index in table.indexes.values():
        _, _, how = index.definition.partition(" USING ")
        unique = "unique " if index.definition.startswith("CREATE UNIQUE") else ""
        yield RuleFacts(index.name, f"{unique}`{how}`", index.definition)


def _triggers(table: Table, schema: Schema) -> Iterator[RuleFacts]:
    notes = {name.partition("(")[0]: f.comment or "" for name, f in schema.functions.items()}
    for trigger in table.triggers.values():
        function = trigger.definition.rpartition("EXECUTE FUNCTION ")[2].partition("(")[0]
        comment = trigger.comment or notes.get(function, "")
        words = in_words.trigger(trigger.definition, comment)
        yield RuleFacts(trigger.name, words, trigger.definition)


def _machine(machine: StatusMachine) -> MachineFacts:
    moves = [("", str(status)) for status in machine.field.enum if status in machine.start]
    final = []
    for status in machine.field.enum:
        targets = machine.moves.get(status, set())
        moves += [(str(status), str(target)) for target in machine.field.enum if target in targets]
        if not targets:
            final.append(str(status))
    return MachineFacts(machine.table, machine.field.column_name, tuple(moves), tuple(final))


def _coverage(schema: Schema) -> Iterator[Coverage]:
    tables = list(schema.tables.values())
    columns = [column for table in tables for column in table.columns.values()]
    triggers = [trigger for table in tables for trigger in table.triggers.values()]
    for kind, things in (
        ("tables", tables),
        ("columns", columns),
        ("enums", list(schema.enums.values())),
        ("functions", list(schema.functions.values())),
        ("triggers", triggers),
    ):
        commented = sum(bool(thing.comment) for thing in things)
        yield Coverage(kind, commented, len(things))


def _sql(schema: Schema, domains: Iterable[Domain]) -> str:
    """The schema as statements, in an order in which PostgreSQL takes them; with the extensions
    that this server happens to lack, so that the page is the same wherever it is written."""
    asked: dict[str, bool] = {}
    for domain in domains:
        asked |= domain.extensions
    optional = frozenset(name for name, is_optional in asked.items() if is_optional)
    whole = replace(schema, extensions=schema.extensions | asked.keys())
    changes = ordered(diff(Schema(), whole, optional=optional), Schema(), whole, lambda change: 0)
    texts = [statements.sql(change).strip() for change in changes]
    return "".join(f"{text};\n\n" for text in texts).rstrip() + "\n"
