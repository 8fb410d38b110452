"""What roles of the database may do with the tables and functions of a domain, as it is stated.

    domain.role("clerks")
    domain.access(Customer, "app", select=ALL, insert=ALL, update=("name", Customer.phone))
    domain.access(AdminUser, "report", select=all_but("password_hash"))
    domain.access(rules.POST_ENTRY, "app", execute=True)

A role is an abstract name; which role of the cluster it is, `DB_ROLES` says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from peewee import AutoField, Field, Model

from kernel.access_columns import ALL, AllBut, Columns, column_name, listed, quoted
from kernel.arguments import is_model, is_text, shown
from kernel.faults import Fault
from kernel.models import sequence_name
from kernel.object_statements import named
from kernel.stated import Stated

PUBLIC = "PUBLIC"
ROLE = re.compile(r"(?!pg_|public$)[a-z][a-z0-9_]{0,30}")
# What may be stated of what a statement makes.
CALLED = ("function", "procedure")
KINDS = {
    "table": ("TABLE", ("select", "insert", "update", "delete", "usage")),
    "view": ("TABLE", ("select", "insert", "update", "delete")),
    **dict.fromkeys(CALLED, ("ROUTINE", ("execute",))),
    "sequence": ("SEQUENCE", ("usage",)),
    **dict.fromkeys(("enum", "domain", "composite"), ("TYPE", ("usage",))),
}
EXAMPLE = 'write domain.access(models.One, "app", select=ALL)'
FLAGS = ("delete", "execute", "usage")


@dataclass(kw_only=True)
class Accessible:
    """The part of a Domain that states what roles may do. privileges: (role, what it may as GRANT
    has it). models_accessed: (place, model) of those calls that are about a model. reasons: what a
    privilege is for that no operation needs."""

    roles: list[str] = field(default_factory=list)
    privileges: list[tuple[str, str]] = field(default_factory=list)
    models_accessed: list[tuple[Stated, type[Model]]] = field(default_factory=list)
    reasons: dict[tuple[str, str], str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def role(self, *names: str) -> None:
        """Declare abstract roles, which any domain may then give access.
        Example: domain.role("clerks")"""
        for name in names:
            if is_text(name) and ROLE.fullmatch(name):
                self.roles.append(Stated(name))
            else:
                self._refuse(
                    f"domain.role takes names of roles, not {shown(name)}",
                    'write domain.role("clerks"), in small letters; DB_ROLES says which role of '
                    "the cluster that is",
                )

    def access(
        self,
        thing: type[Model] | str,
        role: str,
        *,
        select: Columns = (),
        insert: Columns = (),
        update: Columns = (),
        delete: bool = False,
        execute: bool = False,
        usage: bool = False,
        reason: str = "",
    ) -> None:
        """State what a role may do with a table, or with what a statement of this domain makes.

        thing: the model, or the text that domain.sql takes. role: one that a domain declares, or
        PUBLIC. select, insert, update: ALL, all_but(…), entered_but(…), or the columns. Who may
        insert may also take numbers from the sequence of a serial column. usage: of a sequence or
        a type, or of the sequence from which a model's rows get their identity, for who takes one
        before a row is there, as a SecretField does. reason: what it is for, where no operation of
        a domain needs it; a call of its own.
        Example: domain.access(models.AdminUser, "report", select=all_but("password_hash"))"""
        given = _given(
            {"select": select, "insert": insert, "update": update}
            | {"delete": delete, "execute": execute, "usage": usage}
        )
        slips = list(_slips(thing, role, given))
        if not isinstance(reason, str):
            slips.append((f"reason is a text, not {shown(reason)}", EXAMPLE))
        for what, fix in slips:
            self._refuse(what, fix)
        if not slips:
            if is_model(thing):
                self.models_accessed.append((Stated(role), thing))
                if given.pop("usage", False):
                    self._grant(role, _usage(thing), reason)
            if given:
                self._grant(role, _granted(thing, given), reason)

    def _grant(self, role: str, text: str, reason: str) -> None:
        self.privileges.append((Stated(role), text))
        if reason:
            self.reasons[role, text] = reason

    def _refuse(self, what: str, fix: str) -> None:
        raise NotImplementedError


def _given(asked: dict[str, Any]) -> dict[str, Any]:
    """What is asked for at all, columns as a tuple."""
    given = {}
    for right, value in asked.items():
        if isinstance(value, Iterable) and not isinstance(value, str | Field):
            value = tuple(value)
        if value is not False and not (isinstance(value, tuple) and not value):
            given[right] = value
    return given


def _slips(thing: Any, role: object, given: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if not is_text(role) or not (role == PUBLIC or ROLE.fullmatch(role)):
        yield f"domain.access takes a role by its name, not {shown(role)}", EXAMPLE
    kind = _kind(thing)
    if not kind:
        yield (
            "domain.access takes a model, or the statement of a view, function, sequence or type, "
            f"not {shown(thing)}",
            EXAMPLE,
        )
        return
    if not given:
        yield "domain.access says nothing that the role may do", EXAMPLE
    for right, value in given.items():
        fitting = KINDS[kind][1]
        if right not in fitting:
            yield f"{right} is no right on a {kind}", f"there are {', '.join(fitting)}"
        elif right not in FLAGS:
            yield from _column_slips(thing, right, value)
        else:
            yield from _flag_slips(thing, right, value)


def _flag_slips(thing: Any, right: str, value: Any) -> Iterator[tuple[str, str]]:
    if value is not True:
        yield f"{right} is True or left out, not {shown(value)}", f"write {right}=True"
    elif is_model(thing) and not isinstance(thing._meta.primary_key, AutoField):
        yield (
            f"{thing.__name__} has no sequence to use: its key is not counted",
            f"leave out {right}",
        )


def _kind(thing: Any) -> str:
    """What it is; empty for what nobody may be given access to."""
    if is_model(thing):
        return "table"
    made = named(thing) if is_text(thing) else None
    return made[0] if made and made[0] in KINDS else ""


def _column_slips(thing: Any, right: str, value: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(value, AllBut | tuple):
        yield (
            f"{right} is ALL, all_but(…) or columns in brackets, not {shown(value)}",
            f'write {right}=("name",) for one column',
        )
        return
    named_columns = value.columns if isinstance(value, AllBut) else value
    if is_text(thing):
        if isinstance(value, AllBut) and value != ALL:
            yield "the columns of a view are not known to all_but", "name those that are meant"
        return
    columns = thing._meta.columns
    for column in named_columns:
        other = isinstance(column, Field) and column.model is not thing
        if other or column_name(column, thing) not in columns:
            yield (
                f"{right} names a column that {thing.__name__} does not have: {shown(column)}",
                f"there are {', '.join(columns)}",
            )


def _granted(thing: Any, given: dict[str, Any]) -> str:
    """As GRANT has it: `SELECT (id, name), DELETE ON TABLE items`."""
    rights = []
    for right, value in given.items():
        columns = "" if right in FLAGS or value == ALL else listed(thing, value)
        rights.append(f"{right.upper()}{columns}")
    if is_model(thing):
        return f"{', '.join(rights)} ON TABLE {quoted(thing._meta.table_name)}"
    kind, title = named(thing) or ("", "")
    title = title.partition("(")[0] if kind in CALLED else title
    return f"{', '.join(rights)} ON {KINDS[kind][0]} {quoted(title)}"


def _usage(model: Any) -> str:
    return f"USAGE ON SEQUENCE {quoted(sequence_name(model))}"


def undeclared_roles(domains: Sequence[Any]) -> Iterator[Fault]:
    """A slip in a name would grant nobody anything."""
    declared = {PUBLIC}
    registered: set[type[Model]] = set()
    for domain in domains:
        declared |= set(domain.roles)
        registered |= set(domain.tables)
    for domain in domains:
        for role, _ in domain.privileges:
            if role not in declared:
                yield Fault(
                    domain.where(role),
                    f"gives access to the role {role}, which no domain declares",
                    f'correct the name, or add domain.role("{role}") to register',
                )
        for place, model in domain.models_accessed:
            if model not in registered:
                yield Fault(
                    domain.where(place),
                    f"gives access to {model.__name__}, which no domain registers",
                    "add it to domain.models(…) in the domain that it belongs to",
                )
