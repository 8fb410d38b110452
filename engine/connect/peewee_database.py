"""Peewee's database over the engine's one way to connect; it can show SQL, or only show it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from peewee import PostgresqlDatabase

from engine.connect.connection import connect
from engine.sql.dedent import dedented


class EngineDatabase(PostgresqlDatabase):
    """A Peewee database for migrations and seeds.

    url: what libpq takes. show: called with every statement. dry: nothing is executed.
    application: what the server's list of sessions shows.
    """

    def __init__(
        self,
        url: str,
        *,
        show: Callable[[str], None] | None = None,
        dry: bool = False,
        application: str = "invoke",
    ) -> None:
        super().__init__(url)
        self.url = url
        self.application = application
        self.show = show
        self.dry = dry

    def _connect(self) -> Any:
        return connect(self.url, autocommit=True, application=self.application)

    def execute_sql(self, sql: str, params: Any = None, *rest: Any) -> Any:
        """Execute, show, or both; a dry database answers with a cursor that found nothing."""
        if self.show:
            self.show(dedented(self.cursor().mogrify(sql, params or ()).decode()))
        if self.dry:
            cursor = self.cursor()
            cursor.execute("SELECT WHERE false")
            return cursor
        return super().execute_sql(sql, params, *rest)
