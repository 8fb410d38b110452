"""Peewee's database over the engine's one way to connect; it can show SQL, or only show it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import peewee
from peewee import PostgresqlDatabase
from psycopg2 import extensions

from engine.citus import open_policies
from engine.citus.cluster import is_citus, tell_nodes
from engine.connect import environment
from engine.connect.connection import connect
from engine.contain import contained
from engine.project import Project
from engine.schema import own_sql
from engine.schema.own_sql import Place
from engine.sql import lexer
from engine.sql.text_forms import dedented

NAMES_CITUS = re.compile("citus", re.IGNORECASE)
MATTERS_NEXT = re.compile(
    r"\b(?:FUNCTION|PROCEDURE|TRIGGER|VIEW|RULE|DEFAULT|EXTENSION|SEARCH_PATH)\b", re.IGNORECASE
)
MOST_IN_PLACE = 20_000_000
GRANTS = re.compile(r"\b(?:GRANT|REVOKE)\b", re.IGNORECASE)


class EngineDatabase(PostgresqlDatabase):
    """A Peewee database for migrations and seeds.

    project: whose database it is. show: called with every statement. dry: nothing is executed.
    place: the schema that is meant, as the first connection found it. has_citus: whether the
    server's database is one of Citus; None before that was asked. has_opened: whether
    a policy was made that lets every row pass since it is (engine.citus.open_policies). before,
    after: called with each text of SQL, before it runs and when it has.
    """

    def __init__(
        self,
        project: Project,
        *,
        show: Callable[[str], None] | None = None,
        dry: bool = False,
    ) -> None:
        super().__init__(project.url)
        self.project = project
        self.show = show
        self.dry = dry
        self.place: Place | None = None
        self.has_citus: bool | None = None
        self.has_opened = False
        self.before: Callable[[str], None] | None = None
        self.after: Callable[[str], None] | None = None

    @property
    def url(self) -> str:
        """What libpq takes."""
        return self.project.url

    def schema_of_tables(self) -> str:
        """The name of the schema in which the models find their tables."""
        return own_sql.place(self.connection()).name

    def is_production(self) -> bool:
        """Whether the database, or the process, says now that it is a production one."""
        return environment.is_production(self.cursor(), self.project)

    def _connect(self) -> Any:
        connection = connect(
            self.project, autocommit=True, files=True, unlooked=True, place=self.place
        )
        self.place, self.has_citus = connection.place, None
        return connection

    def connect_again(self) -> Any:
        """Go on with a new connection, in the connection_context() that there is (the connection).
        connect() would forget that context."""
        state: Any = vars(self)["_state"]
        state.conn.close()
        state.conn = self._connect()
        return state.conn

    def execute_sql(self, sql: str, params: Any = None, *rest: Any) -> Any:
        """Execute, show, or both; a dry database answers with a cursor that found nothing."""
        sql = self._as_taken(sql)
        if self.show:
            self.show(dedented(self.text_of(sql, params)))
        if self.dry:
            cursor = self.cursor()
            cursor.execute("SELECT WHERE false")
            return cursor
        if self.project.left_out is None:
            statements = [sql] if params else self._one_by_one(sql)
            if NAMES_CITUS.search(sql):  # a file may make that extension
                self.has_citus = None
            for statement in statements:
                last = self._executed(statement, params, *rest)
            return last
        text = self.text_of(sql, params)
        with peewee.__exception_wrapper__:  # type: ignore[attr-defined]
            return contained.run(self.cursor(), text, self.project.left_out)

    def _executed(self, sql: str, params: Any, *rest: Any) -> Any:
        text = self.text_of(sql, params) if self.before or self.after else ""
        if self.before:
            self.before(text)
        cursor = super().execute_sql(sql, params, *rest)
        if self.after:
            self.after(text)
        return cursor

    def text_of(self, sql: str, params: Any) -> str:
        """The statement with its parameters, as it would be executed."""
        if not params and "%" not in sql:  # which a long one is too long to be made again for
            return sql
        text: str = self.cursor().mogrify(sql, params or ()).decode()
        return text

    def _one_by_one(self, sql: str) -> list[str]:
        """The statements of a text that Citus does not take together, inside a transaction: "cannot
        insert multiple commands into a prepared statement". Before one that grants, the path: the
        nodes look the types of a routine up by their own ("type … does not exist"). Where each is
        looked at before it runs, what one of them makes, or sets, has to be there for the next."""
        cursor = self.cursor()
        status = cursor.connection.info.transaction_status
        if status != extensions.TRANSACTION_STATUS_INTRANS:
            return [sql]
        is_looked_at = self.before and _matters_by_parts(sql)
        grants = GRANTS.search(sql)
        may_be_citus = self.has_citus is not False and (grants or ";" in sql)
        on_citus = may_be_citus and self._is_citus(cursor)
        if grants and on_citus:
            tell_nodes(cursor)
        return lexer.in_place(sql) or [sql] if on_citus or is_looked_at else [sql]

    def _as_taken(self, sql: str) -> str:
        """The text as the project's database takes it: see engine.citus.open_policies. A scratch
        database is no cluster, and has to lead to the same."""
        text = open_policies.opened(sql, self.project.opened_on_citus)
        if text == sql or not (self.project.on_citus or self._is_citus(self.cursor())):
            return sql
        self.has_opened = True
        return text

    def _is_citus(self, cursor: Any) -> bool:
        if self.has_citus is None:  # asked once: 001 has some 120 such steps
            self.has_citus = is_citus(cursor)
        return self.has_citus


def _matters_by_parts(sql: str) -> bool:
    """Whether a statement of the text may change what a later one does. In place, the statements of
    a very long text are many times its length."""
    return len(sql) * sql.count(";") < MOST_IN_PLACE and bool(MATTERS_NEXT.search(sql))
