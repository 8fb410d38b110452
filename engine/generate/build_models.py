"""The wanted schema: what the domains register, built in an empty database.

Peewee writes the DDL of its models, as it would without this engine; what Peewee has no word for
(enum types, server defaults, comments) is added from the fields. Nothing here is ever run on a
live database.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

import peewee
from peewee import Model
from psycopg2 import errors, sql

from engine.connect import roles
from engine.connect.peewee_database import EngineDatabase
from engine.errors import GenerateError
from engine.explain import postgres_errors, rights
from engine.generate import completion, refusals
from engine.generate.completion import defaults_and_comments, make_some, offered
from engine.schema.abstract_roles import PUBLIC

EARLY = re.compile(
    r"(?:\s|--[^\n]*\n)*CREATE\s+(?:FUNCTION|PROCEDURE|TYPE|DOMAIN|SEQUENCE)\s", re.IGNORECASE
)
FUNCTION = re.compile(r"(?P<head>(?:\s|--[^\n]*\n)*CREATE)\s+(?=FUNCTION|PROCEDURE)", re.IGNORECASE)
UNIQUE_INDEX = re.compile(r"(?:\s|--[^\n]*\n)*CREATE\s+UNIQUE\s+INDEX\b", re.IGNORECASE)
NOT_YET_THERE = (
    errors.UndefinedTable,
    errors.UndefinedObject,
    errors.UndefinedFunction,
    errors.UndefinedColumn,
)


class DomainLike(Protocol):
    """What a domain has to offer to be built. roles: the abstract ones that it names. privileges:
    (role, what it may, as GRANT has it: `SELECT ON TABLE items`)."""

    name: str
    origin: str
    tables: list[type[Model]]
    extensions: dict[str, bool]
    statements: list[str]
    roles: list[str]
    privileges: list[tuple[str, str]]

    @property
    def enums(self) -> dict[Any, str]: ...

    def objects(self) -> Iterator[tuple[str, str, object]]: ...

    def where(self, thing: object = None) -> str:
        """`file:line: Model` of a model, an enum or a statement, else the place of the domain."""


def build(
    database: EngineDatabase, domains: Iterable[DomainLike], beside: Sequence[str] = ()
) -> None:
    """Make everything that the domains register, in their order.

    beside: statements of files that make what no domain can state, each run as soon as what it
    needs is there. Raises GenerateError naming the domain and the object that PostgreSQL does not
    accept.
    """
    domains, made, left_alone = list(domains), set[Any](), list(beside)
    for domain in domains:
        roles.stand_in(database.project, domain.roles)
    with database.connection_context():
        connection = database.connection()
        connection.cursor().execute("SET check_function_bodies = off")
        builders = [_Builder(database, connection, domain) for domain in domains]
        for builder in builders:
            refusals.refuse_second_statements(
                builder.domain.name, builder.domain.origin, builder.domain.statements
            )
        for number, builder in enumerate(builders, 1):
            builder.extensions()
            builder.enums(made)
            late = builder.tables(builder.early(left_alone))
            builder.statements(late, domains[number:])
        connection.cursor().execute("SET check_function_bodies = on")
        for builder in builders:
            builder.check_functions()
        refusals.refuse_names_of_postgresql(connection.cursor())
        completion.fix_paths(connection.cursor())
        completion.close_definers(connection.cursor())
        for builder in builders:
            builder.privileges()
        completion.lend_sequences(connection.cursor())
        refusals.refuse_lost_comments(connection.cursor())


class _Builder:
    """Builds one domain."""

    def __init__(self, database: EngineDatabase, connection: Any, domain: DomainLike) -> None:
        self.database = database
        self.connection = connection
        self.domain = domain

    def extensions(self) -> None:
        for name, optional in self.domain.extensions.items():
            if not optional or offered(self.connection, name):
                self._run(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(name)))

    def enums(self, made: set[Any]) -> None:
        for enum, name in self.domain.enums.items():
            if enum not in made:
                made.add(enum)
                labels = sql.SQL(", ").join(sql.Literal(str(label)) for label in enum)
                self._run(
                    sql.SQL("CREATE TYPE {} AS ENUM ({})").format(sql.Identifier(name), labels),
                    enum,
                )

    def early(self, left_alone: list[str]) -> list[str]:
        """Make what a table may be of or call; the rest has to wait (it is returned).

        left_alone: what is made besides, as it may need a function and be needed by a type; of the
        list those stay that wait.
        """
        early = [text for text in self.domain.statements if EARLY.match(text)]
        waiting = self._make(early)
        while make_some(self.connection, left_alone):
            waiting = self._make(waiting)
        return waiting + [text for text in self.domain.statements if text not in early]

    def tables(self, late: list[str]) -> list[str]:
        """Make them, and the unique indexes among the statements that had to wait (late), as a
        foreign key may refer to what one holds. Gives those that still wait."""
        models: list[Any] = list(self.domain.tables)
        foreign_keys = []
        for model in models:
            model.bind(self.database, bind_refs=False, bind_backrefs=False)
            foreign_keys += self._table(model)
            for index in model._schema._create_indexes(safe=False):
                self._peewee(index, model)
            for statement in defaults_and_comments(model):
                self._run(statement, model)
        unique = [text for text in late if UNIQUE_INDEX.match(text)]
        waiting = self._make(unique)
        for key in foreign_keys:
            context = key.model._schema._create_context().literal("ALTER TABLE ").sql(key.model)
            constraint = key.foreign_key_constraint(key.deferred)
            self._peewee(context.literal(" ADD ").sql(constraint), key.model)
        return [text for text in late if text not in unique or text in waiting]

    def _table(self, model: Any) -> list[Any]:
        """Make it (the foreign keys that have to wait: for another table, or for what makes the
        column unique to which they refer)."""
        fields = model._meta.sorted_fields
        keys = [field for field in fields if isinstance(field, peewee.ForeignKeyField)]
        kept = [key for key in keys if not (key.deferred or _is_unique(key))]
        for key in kept:
            key.deferred = True  # for Peewee, which leaves it out of CREATE TABLE then
        try:
            self._peewee(model._schema._create_table(safe=False), model)
            return [key for key in keys if key.deferred]
        finally:
            for key in kept:
                key.deferred = False

    def statements(self, statements: list[str], later: list[DomainLike]) -> None:
        """Make them all, whatever the order in which they were registered. later: the domains that
        are built after this one, which requires none of them."""
        for statement in self._make(statements):
            for other in later:
                refusals.refuse_unrequired(
                    self.domain.name, self.domain.origin, statement, other.name, other.objects()
                )
            self._run(statement, statement)

    def check_functions(self) -> None:
        """Let PostgreSQL read the bodies, now that everything they may name is there."""
        for statement in self.domain.statements:
            if FUNCTION.match(statement):
                text = FUNCTION.sub(r"\g<head> OR REPLACE ", statement, count=1)
                self._run(text, statement)

    def privileges(self) -> None:
        """Grant what the domain says to the roles that stand for its own. Who may do anything in
        the schema may look names up there."""
        place = self.connection.place.name
        for role, text in self.domain.privileges:
            grantee = roles.named(self.database.project, role)
            self._run(sql.SQL("GRANT {} TO {}").format(sql.SQL(text), grantee))
            usage = sql.SQL("GRANT USAGE ON SCHEMA {} TO {}")
            if role != PUBLIC:
                self._run(usage.format(sql.Identifier(place), grantee))

    def _make(self, statements: list[str]) -> list[str]:
        """Make what can be made; what waits for something that is not there is returned."""
        waiting = []
        for statement in statements:
            try:
                self.connection.cursor().execute(statement)
            except NOT_YET_THERE:
                waiting.append(statement)
            except errors.Error as error:
                raise self._refused(error, statement) from error
        return self._make(waiting) if len(waiting) < len(statements) else waiting

    def _peewee(self, context: Any, model: type[Model]) -> None:
        text, parameters = context.query()
        self._run(self.connection.cursor().mogrify(text, parameters or None).decode(), model)

    def _run(self, statement: str | sql.Composable, thing: object = None) -> None:
        """thing: what the domain registered, to say where an error comes from."""
        try:
            self.connection.cursor().execute(statement)
        except errors.Error as error:
            raise self._refused(error, thing) from error

    def _refused(self, error: errors.Error, thing: object) -> GenerateError:
        message = error.diag.message_primary or str(error)
        fix = "fix the model, index or statement that is shown"
        if postgres_errors.is_missing_right(error):
            setting = self.database.project.settings.scratch_url
            fix = rights.way_to_extension(error, self.connection, setting) or fix
        return GenerateError(
            f"{self.domain.where(thing)}: PostgreSQL does not accept it: {message}.",
            why=postgres_errors.server_detail(error),
            fix=f"{fix}; no migration was written.",
        )


def _is_unique(key: Any) -> Any:
    """Whether what it refers to is that before its table is there: the index is made after it."""
    return key.rel_field.primary_key or (key.rel_field.unique and key.rel_model is not key.model)
