"""What a domain's `register` function receives, and what it may state with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from peewee import Field, Model

from kernel.fields import EnumField
from kernel.object_statements import named
from kernel.seeder import Seeder
from kernel.status_machine import StatusMachine

PERMISSION = re.compile(r"[a-z_]+\.[a-z_]+")
UPDATED_AT = """
CREATE TRIGGER "{table}_updated_at" BEFORE UPDATE ON "{table}"
FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION set_updated_at()
"""
# plpgsql: its body is read when it runs, so it neither needs the tables yet nor holds them fast
NOTICE = """
CREATE FUNCTION notice_{name}() RETURNS SETOF text LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY {query};
END
$$
"""


@dataclass
class Domain:
    """One domain's table of contents.

    name: the package's or the entry point's name. origin: where it came from, for messages.
    Every method raises ValueError for what cannot be meant; the registry adds domain and file.
    """

    name: str
    origin: str
    description: str = ""
    requirements: list[str] = field(default_factory=list)
    tables: list[type[Model]] = field(default_factory=list)
    extensions: dict[str, bool] = field(default_factory=dict)
    statements: list[str] = field(default_factory=list)
    machines: list[StatusMachine] = field(default_factory=list)
    permission_names: list[str] = field(default_factory=list)
    granted_names: list[str] = field(default_factory=list)
    seeds: list[Callable[[Seeder], None]] = field(default_factory=list)
    renames: list[str] = field(default_factory=list)

    def requires(self, *names: str) -> None:
        """Name the domains whose models this one refers to."""
        self.requirements.extend(names)

    def models(self, *models: type[Model]) -> None:
        """Register Peewee models; one with an `updated_at` field gets the trigger that keeps it."""
        for model in models:
            if not (isinstance(model, type) and issubclass(model, Model)):
                raise ValueError(f"domain.models takes Peewee models, not {model!r}")
            if model in self.tables:
                raise ValueError(f"the model {model.__name__} is registered twice")
            self.tables.append(model)
            if "updated_at" in model._meta.fields:
                self.statements.append(UPDATED_AT.format(table=model._meta.table_name))

    def renamed_from(self, thing: type[Model] | Field, old: str) -> None:
        """Say what a model's table or a field's column was called, so that its rows are kept.

        It may stand there for good: where the old name is gone it means nothing.
        """
        if isinstance(thing, Field):
            self.renames.append(f"{thing.model._meta.table_name}.{old}:{thing.column_name}")
        else:
            self.renames.append(f"{old}:{thing._meta.table_name}")

    def extension(self, name: str, *, optional: bool = False) -> None:
        """Ask for an extension; an optional one is created only where the server offers it."""
        self.extensions[name] = optional

    def index(
        self,
        model: type[Model],
        *columns: Field | str,
        name: str | None = None,
        unique: bool = False,
        where: str = "",
        using: str = "",
        include: Iterable[Field] = (),
    ) -> None:
        """Register an index that Peewee has no word for.

        columns: fields, or SQL such as `"lower(username)"` or `"created_at DESC"`. where: the
        predicate of a partial index. using: the method (`gin`, `brin`). include: what an
        index-only scan shall find. name: needed where a column is an expression.
        """
        table = model._meta.table_name
        if name is None:
            if not all(isinstance(column, Field) for column in columns):
                raise ValueError(
                    f'an index on {table} has no name: pass name="{table}_…_idx" to domain.index, '
                    "for an expression gives none"
                )
            fields = [column.column_name for column in columns if isinstance(column, Field)]
            name = "_".join([table, *fields, "key" if unique else "idx"])
        parts = [
            f'CREATE {"UNIQUE " if unique else ""}INDEX "{name}" ON "{table}"',
            f"USING {using}" if using else "",
            f"({', '.join(_column(column) for column in columns)})",
            f"INCLUDE ({', '.join(map(_column, include))})" if include else "",
            f"WHERE {where}" if where else "",
        ]
        self.statements.append(" ".join(filter(None, parts)))

    def sql(self, *statements: str) -> None:
        """Register statements that Peewee has no word for, one object each: CREATE, and what can
        only be said by ALTER or COMMENT (see kernel.object_statements)."""
        for statement in statements:
            if not named(statement):
                raise ValueError(
                    "domain.sql takes CREATE FUNCTION, PROCEDURE, TRIGGER, INDEX, VIEW, SEQUENCE, "
                    "POLICY, TYPE and DOMAIN, settings such as ALTER TABLE … ENABLE ROW LEVEL "
                    "SECURITY, and COMMENT, without OR REPLACE, IF NOT EXISTS or the name of a "
                    "schema, not: "
                    f"{statement.strip()[:60]!r}; state what the database shall hold, `invoke "
                    "generate` writes the change"
                )
        self.statements.extend(statements)

    def status(self, *machines: StatusMachine) -> None:
        """Register status machines: no row moves along a path that its machine does not have."""
        for machine in machines:
            self.machines.append(machine)
            self.statements.append(machine.trigger)

    def permissions(self, *names: str) -> None:
        """Declare permissions, each `resource.action`."""
        for name in names:
            if not PERMISSION.fullmatch(name):
                raise ValueError(f"{name!r} is not a permission: write it like payments.refund")
            if name in self.permission_names:
                raise ValueError(f"the permission {name} is declared twice")
            self.permission_names.append(name)

    def grants(self, *names: str) -> None:
        """Name the permissions that the domain's seeds give to roles; some domain declares them."""
        self.granted_names.extend(names)

    def notice(self, name: str, query: str) -> None:
        """Register what an operator must be told as long as it is so.

        query: SQL that gives one text for each thing to tell, and no row where all is well.
        `invoke migrate` and `invoke status` print the texts.
        """
        self.sql(NOTICE.format(name=name, query=query.strip()))

    def seed(self, *functions: Callable[[Seeder], None]) -> None:
        """Register seed functions; each is called with the seeder."""
        self.seeds.extend(functions)

    @property
    def enums(self) -> dict[type[StrEnum], str]:
        """The models' enums, in order of use, with the names of their types."""
        fields = (f for model in self.tables for f in model._meta.sorted_fields)
        return {f.enum: f.enum_name for f in fields if isinstance(f, EnumField)}

    def objects(self) -> Iterator[tuple[str, str, object]]:
        """Everything registered that has a name of its own: (kind, name, the thing itself)."""
        for model in self.tables:
            yield "table", model._meta.table_name, model
            yield from (("index", index._name, index) for index in model._meta.fields_to_index())
        yield from (("enum", name, enum) for enum, name in self.enums.items())
        yield from (("permission", name, object()) for name in self.permission_names)
        for statement in self.statements:
            if made := named(statement):
                yield *made, object()


def _column(column: Field | str) -> str:
    return f'"{column.column_name}"' if isinstance(column, Field) else column
