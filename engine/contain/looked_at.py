"""Cursors as code of a file gets them while somebody looks at each text of SQL before it runs: it
may take one from the connection itself, past Peewee."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from psycopg2 import extensions

Look = Callable[[str], None]


class LookedAt(extensions.cursor):
    """A cursor whose connection says who looks: before a text runs, and when it has."""

    def execute(self, query: Any, vars: Any = None) -> None:
        """Run a statement."""
        with self._looked_at(self.mogrify(query, vars).decode()):
            super().execute(query, vars)

    def executemany(self, query: Any, vars_list: Any) -> None:
        """Run it for each of many values."""
        for values in vars_list:
            self.execute(query, values)

    def callproc(self, procname: Any, *parameters: Any) -> Any:
        """Call a function."""
        with self._looked_at(f"SELECT {procname}()"):
            return super().callproc(procname, *parameters)

    def copy_expert(self, sql: Any, *rest: Any) -> None:
        """Run a COPY."""
        with self._looked_at(self.mogrify(sql).decode()):
            super().copy_expert(sql, *rest)

    @contextmanager
    def _looked_at(self, text: str) -> Iterator[None]:
        connection: Any = self.connection
        looks = connection.looks
        if looks:
            looks[0](text)
        yield
        if looks:
            looks[1](text)


@contextmanager
def looked_at(connection: Any, before: Look, after: Look) -> Iterator[None]:
    """Let these look at what is run with cursors that are made in there. connection: psycopg2."""
    connection.looks, connection.cursor_factory = (before, after), LookedAt
    try:
        yield
    finally:
        connection.looks, connection.cursor_factory = None, None
