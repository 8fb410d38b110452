"""What a domain's `register` function receives, and what it may state with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from peewee import Field, Model

from kernel.access import Accessible
from kernel.access_columns import quoted
from kernel.arguments import is_model, is_text, runs_when_called, shown, takes_one
from kernel.branches import Branched
from kernel.faults import Fault, calling_place, model_place
from kernel.fields import EnumField
from kernel.functions import notice_function, updated_at_trigger
from kernel.index_statement import derived_name, index_slips, index_statement
from kernel.models import indexes_of, primary_key_name
from kernel.object_statements import TAKEN, named
from kernel.seeder import Seeder
from kernel.stated import Stated
from kernel.status_machine import StatusMachine, machine_slips

PERMISSION = re.compile(r"[a-z_]+\.[a-z_]+")


@dataclass
class Domain(Accessible, Branched):
    """One domain's table of contents.

    name: the package's or the entry point's name. origin: where it came from, for messages.
    faults: what was stated that cannot be meant; the registry refuses the domain for it.
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
        """Name the domains whose models this one refers to.
        Example: domain.requires("auth", "locations")"""
        self.requirements.extend(self._texts("requires", names, '"auth", "locations"'))

    def models(self, *models: type[Model]) -> None:
        """Register Peewee models; one with an `updated_at` field gets the trigger that keeps it.
        Example: domain.models(models.Role, models.AdminUser)"""
        for model in models:
            if not is_model(model):
                self._refuse(
                    f"domain.models takes Peewee models, not {shown(model)}",
                    "write domain.models(models.One, models.Two)",
                )
            elif model in self.tables:
                self._refuse(
                    f"the model {model.__name__} is registered twice", "name it once in register"
                )
            else:
                self.tables.append(model)
                if "updated_at" in model._meta.fields:
                    self._state(updated_at_trigger(model))

    def renamed_from(self, thing: type[Model] | Field, old: str) -> None:
        """Say what a model's table or a field's column was called, so that its rows are kept.

        It may stand there for good: where the new name is there already it means nothing. The old
        name may be used again for something else.
        Example: domain.renamed_from(models.AdminUser.full_name, "name")"""
        known = is_model(thing) or isinstance(thing, Field)
        if not known or not is_text(old) or not old:
            self._refuse(
                f"domain.renamed_from takes a model or a field and its old name, not "
                f"{shown(thing)} and {shown(old)}",
                'write domain.renamed_from(models.One.meters, "length_m")',
            )
        elif isinstance(thing, Field):
            table = quoted(thing.model._meta.table_name)
            self.renames.append(f"{table}.{quoted(old)}:{quoted(thing.column_name)}")
        else:
            self.renames.append(f"{quoted(old)}:{quoted(thing._meta.table_name)}")

    def extension(self, name: str, *, optional: bool = False) -> None:
        """Ask for an extension; an optional one is created only where the server offers it.
        Example: domain.extension("pg_trgm")"""
        for text in self._texts("extension", (name,), '"pg_trgm"'):
            self.extensions[text] = optional

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
        Example: domain.index(models.AdminUser, "lower(email)", name="admin_users_mail_idx")"""
        listed = isinstance(include, Iterable) and not isinstance(include, str)
        included: list[Any] = list(include) if listed else [include]
        slips = list(index_slips(model, columns, name, where, using, included))
        for what, fix in slips:
            self._refuse(what, fix)
        if not slips:
            title = name or derived_name(model, columns, unique)
            self._state(index_statement(model, columns, title, unique, where, using, included))

    def sql(self, *statements: str) -> None:
        """Register statements that Peewee has no word for, one object each: CREATE, and what can
        only be said by ALTER or COMMENT (see kernel.object_statements).
        Example: domain.sql(rules.REFUSE_CODE_CHANGE, rules.CODE_STAYS)"""
        for statement in self._texts("sql", statements, "rules.STAYS, rules.REFUSE"):
            if named(statement):
                self.statements.append(statement)
            else:
                self._refuse(
                    f"domain.sql takes {TAKEN}, not: {statement.strip()[:60]!r}",
                    "state what the database shall hold; `invoke generate` writes the change",
                )

    def status(self, *machines: StatusMachine) -> None:
        """Register status machines: no row moves along a path that its machine does not have.
        Example: domain.status(statuses.PAYMENTS)"""
        for machine in machines:
            slips = list(machine_slips(machine))
            for what, fix in slips:
                self._refuse(what, fix)
            if not slips:
                self.machines.append(machine)
                self._state(machine.trigger)

    def permissions(self, *names: str) -> None:
        """Declare permissions, each `resource.action`.
        Example: domain.permissions("payments.read", "payments.refund")"""
        for name in self._texts("permissions", names, '"payments.read", "payments.refund"'):
            if not PERMISSION.fullmatch(name):
                self._refuse(f"{name!r} is not a permission", "write it like payments.refund")
            elif name in self.permission_names:
                self._refuse(f"the permission {name} is declared twice", "declare it once")
            else:
                self.permission_names.append(name)

    def grants(self, *names: str) -> None:
        """Name the permissions that the domain's seeds give to roles; some domain declares them.
        Example: domain.grants("payments.read")"""
        self.granted_names.extend(self._texts("grants", names, '"payments.read"'))

    def notice(self, name: str, query: str) -> None:
        """Register what an operator must be told as long as it is so.

        query: SQL that gives one text for each thing to tell, and no row where all is well.
        `invoke migrate` and `invoke status` print the texts.
        Example: domain.notice("no_branch", rules.NO_BRANCH)"""
        both = is_text(name) and is_text(query)
        if not both or not re.fullmatch("[a-z_][a-z0-9_]*", name) or not query.strip():
            self._refuse(
                "domain.notice takes a name in small letters and an SQL query, not "
                f"{shown(name)} and {shown(query)}",
                'write domain.notice("seeded_password", rules.SEEDED_PASSWORD)',
            )
        else:
            self._state(notice_function(name, query.strip().rstrip(";")))

    def seed(self, *functions: Callable[[Seeder], None]) -> None:
        """Register seed functions; each is called with the seeder.
        Example: domain.seed(seeds.roles)"""
        for function in functions:
            name = shown(function)
            if not callable(function) or not takes_one(function):
                self._refuse(
                    f"domain.seed takes functions that are called with the seeder, not {name}",
                    "write `def rows(seeder): …` and domain.seed(seeds.rows), without brackets",
                )
            elif not runs_when_called(function):
                what = f"domain.seed has a function that would not run: {name} is async, or yields"
                self._refuse(what, "write `def rows(seeder): …` without `async` and `yield`")
            else:
                self.seeds.append(function)

    @property
    def enums(self) -> dict[type[StrEnum], str]:
        """The models' enums, in order of use, with the names of their types."""
        enums: dict[type[StrEnum], str] = {}
        for model in self.tables:
            for column in model._meta.sorted_fields:
                if isinstance(column, EnumField) and not column.enum_slip():
                    enums[column.enum] = column.enum_name
        return enums

    def objects(self) -> Iterator[tuple[str, str, object]]:
        """Everything registered that has a name of its own: (kind, name, the thing itself)."""
        for model in self.tables:
            yield "table", model._meta.table_name, model
            if model._meta.primary_key:
                yield "primary key", primary_key_name(model), model
            for index in indexes_of(model):
                yield "index", index._name, index
        for enum, name in self.enums.items():
            yield "enum", name, enum
        for permission in self.permission_names:
            yield "permission", permission, permission
        for role in self.roles:
            yield "role", role, role
        for statement in self.statements:
            if made := named(statement):
                yield *made, statement

    def where(self, thing: object = None) -> str:
        """The place of something registered, as messages begin; else that of the domain."""
        if isinstance(thing, Stated):
            return f"{thing.place}: domain {self.name}"
        owner = getattr(thing, "_model", thing)
        return (
            model_place(owner) if isinstance(owner, type) else f"{self.origin}: domain {self.name}"
        )

    def _state(self, statement: str) -> None:
        self.statements.append(Stated(statement))

    def _refuse(self, what: str, fix: str) -> None:
        self.faults.append(Fault(f"{calling_place()}: domain {self.name}", what, fix))

    def _texts(self, call: str, values: Sequence[object], example: str) -> list[Stated]:
        """The values that are texts, each with its place; each other one is a fault."""
        texts = []
        for value in values:
            if is_text(value) and value.strip():
                texts.append(Stated(value))
            else:
                self._refuse(
                    f"domain.{call} takes texts, one by one, not {shown(value)}",
                    f"write domain.{call}({example})",
                )
        return texts
