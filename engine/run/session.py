"""The two connections of a run: a keeper that holds the lock and watches, a worker that works."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import peewee
import psycopg2
from psycopg2 import errors, extensions

from engine.connect import pinned_settings, roles, transaction_pooler
from engine.connect.connection import connect
from engine.connect.peewee_database import EngineDatabase
from engine.connect.url import shown
from engine.errors import ConnectionFailed
from engine.explain import postgres_errors
from engine.files import history_table, role_table
from engine.project import Project
from engine.report import Report
from engine.run import advisory_lock, interrupt, time_zone
from engine.run.lock_waits import Blockers
from engine.run.options import RunOptions
from engine.schema import function_path, own_sql

# Whatever a file may have said for the session: a role, a path, timeouts, a time zone. What has to
# be known then, too, comes with it, since each question of its own costs every file its time.
RESET = f"RESET SESSION AUTHORIZATION; RESET ROLE; SET search_path = {own_sql.PATH}; "
KNOWN_THEN = f"""({history_table.STATE}),
           set_config('search_path', ({function_path.FILES_PATH}), false)"""
SETTLE = f"""
    {roles.USE};
    SELECT {advisory_lock.HAS_KEEPERS}, {KNOWN_THEN}
"""
# To look through all locks of the server takes half the time of a settling. Between two files who
# has the worker's lock at once need not do so: no other runner works without that, and before the
# next commit the keeper's is looked for again.
SETTLE_AND_TAKE = f"""
    {roles.USE};
    SELECT CASE WHEN w.taken THEN true ELSE {advisory_lock.HAS_KEEPERS} END, {KNOWN_THEN}, w.taken
    FROM (SELECT {advisory_lock.TAKES_WORKERS} AS taken OFFSET 0) w
"""
# What DISCARD ALL does, in one message, which the timeout that RESET ALL brings back could end.
RENEW = f"""
    RESET SESSION AUTHORIZATION; RESET ROLE; CLOSE ALL; RESET ALL; SET statement_timeout = 0;
    DEALLOCATE ALL; UNLISTEN *; DISCARD PLANS; DISCARD TEMP; DISCARD SEQUENCES;
    SET search_path = {own_sql.PATH}; SELECT pg_advisory_unlock_all()
"""
KEPT = """
    SELECT name, current_setting(name, true)
    FROM (VALUES ('TimeZone'), ('client_connection_check_interval')) s (name)
"""
# A run begins only where this is off; a file that turns it on would stop its own next step.
WRITING = {"default_transaction_read_only": "off"}
EXTENSION = re.compile(r"\bCREATE\s+EXTENSION\s+IF\s+NOT\s+EXISTS\b", re.IGNORECASE)
MOST_NOTICES = 20
# A server that works for a client that is gone notices that only when it answers.
NOTICE_GONE = "SET client_connection_check_interval = '5s'"

OPENED = "this is Citus, which takes no policy that looks something up: all …{} let every row pass"


@dataclass(frozen=True)
class Session:
    """A run that holds the lock. keeper: psycopg2 connection in autocommit that holds it.

    takes_back: the statements that undo what a file has set. worker: what a signal cancels.
    looked: at the table of the history, in this run.
    """

    project: Project
    database: EngineDatabase
    keeper: Any
    blockers: Blockers
    options: RunOptions
    report: Report
    takes_back: str
    worker: interrupt.Worker
    looked: history_table.Looked

    def cursor(self) -> Any:
        """A psycopg2 cursor on the connection that works."""
        return self.database.connection().cursor()

    @property
    def info(self) -> Any:
        """What libpq knows of the connection that works."""
        return self.database.connection().info

    @property
    def in_transaction(self) -> bool:
        """Whether the connection that works is in a transaction, be it a failed one."""
        return self.info.transaction_status in (
            extensions.TRANSACTION_STATUS_INTRANS,
            extensions.TRANSACTION_STATUS_INERROR,
        )

    def settle(self) -> bool:
        """Take back what a file has set for the session: the role, search_path, timeouts, zone.
        Gives whether this is still the only runner."""
        return self._settle(self.takes_back + SETTLE)[0]

    def settle_alone(self) -> None:
        """The same. Raises ConnectionFailed where the lock is gone, and with it the certainty that
        nobody else runs migrations."""
        if not self.settle():
            raise _no_longer_alone(self.project)

    def _settle(self, statements: str) -> list[bool]:
        """Whether the keeper has its lock; and what SETTLE_AND_TAKE asks for besides. statements:
        one message to the server."""
        here = own_sql.place(self.database.connection())
        values = {
            **advisory_lock.parameters(here, self.keeper.pid),
            "here": here.oid,
            "roles": roles.setting(self.project.roles),
        }
        cursor = self.cursor()
        cursor.execute(statements, values)
        is_keeping, self.looked.state, _, *more = cursor.fetchone()
        return [is_keeping, *more]

    def renew(self, *, new: bool) -> None:
        """See to it that nothing that one file has left reaches the next.

        new: whether to go on in a new session, as nothing takes back what code may have done: after
        `set_config('my.setting', 'x', false)` the setting stays for ever, though empty; the seed of
        random(), libraries, dblink's connections and the variables of PL/Perl stay as well. The old
        one is emptied before, since the server ends it in its own time, and what it held would be
        in the next file's way; behind a pooler of sessions it may be the same one.
        """
        statements = self.takes_back + SETTLE_AND_TAKE
        if new:
            self.cursor().execute(RENEW)
            connection = self.database.connect_again()
            self.worker.take(connection)
            self.blockers.pid = connection.info.backend_pid
        else:
            statements = f"{RENEW};{statements}"
        is_keeping, is_working = self._settle(statements)
        if not is_keeping:
            raise _no_longer_alone(self.project)
        if not is_working:
            self._take_again()

    def _take_again(self) -> None:
        """Wait for the worker's lock, which somebody else was quick to take."""
        advisory_lock.take_again(
            self.database.connection(),
            advisory_lock.WORKER,
            self.report.message,
            self.options.wait,
        )

    def wished_zone(self) -> str | None:
        """The time zone that the database shall have, or None where nobody cares."""
        return _wished_zone(self.cursor(), self.project, self.options)

    @contextmanager
    def hearing(self, place: str, sql: str) -> Iterator[None]:
        """Pass on what PostgreSQL tells meanwhile in its own words (NOTICE, WARNING); of very many
        the last ones. place: of the statement, for the message. That an extension is there
        already, for another schema of the database, is no news."""
        notices: list[str] = self.database.connection().notices
        del notices[:]
        try:
            yield
        finally:
            if notices and EXTENSION.search(sql):
                del notices[:]
            for text in notices[-MOST_NOTICES:]:
                self.report.message(f"{place}: {' '.join(text.split())}")
            if len(notices) > MOST_NOTICES:
                self.report.message(f"{place}: these are the last of many")


def _no_longer_alone(project: Project) -> ConnectionFailed:
    return ConnectionFailed(
        "the connection that holds the lock on migrations is lost.",
        why="Another runner could start now, so nothing more was run.",
        fix="run the command again; what is applied stays applied. Where that comes at the same "
        "file each time, it ends other sessions: let it spare those of this program "
        f"(application_name <> '{project.application or project.name}').",
    )


@contextmanager
def exclusive(project: Project, options: RunOptions, report: Report) -> Iterator[Session]:
    """Be the only runner on the schema; others wait, and say for whom."""
    show = report.sql if options.show or options.dry else None
    with closing(connect(project, autocommit=True, writing=not options.dry)) as keeper:
        try:
            transaction_pooler.refuse_transaction_pooling(keeper, project, report.message)
            pinned_settings.pin(keeper)
            project = role_table.settled(keeper, project)
            roles.use(keeper, project.roles)
            database = options.database(project, show=show, dry=options.dry)
            start = time.perf_counter()
            with (
                advisory_lock.held(
                    lambda: keeper, advisory_lock.KEEPER, report.message, options.wait
                ),
                database.connection_context(),
                advisory_lock.held(
                    database.connection, advisory_lock.WORKER, report.message, options.wait
                ),
                interrupt.cancelling(database.connection()) as worker,
                Blockers(
                    keeper, database.connection().info.backend_pid, report.message, report.progress
                ) as waits,
            ):
                report.locked(shown(project.url), time.perf_counter() - start)
                back = _prepared(database.connection(), project, options)
                looked = history_table.Looked()
                session = Session(
                    *(project, database, keeper, waits, options, report, back, worker, looked)
                )
                session.settle()
                yield session
                if database.has_opened:
                    report.message(OPENED.format(project.opened_on_citus))
        except (psycopg2.Error, peewee.PeeweeException) as error:
            explained = postgres_errors.translated(error, keeper, writing=True)
            raise explained or error from error


def _prepared(connection: Any, project: Project, options: RunOptions) -> str:
    """Set what a run needs; gives the statements that bring back what holds for every file."""
    cursor = connection.cursor()
    with suppress(errors.InvalidParameterValue):  # a platform that cannot tell
        cursor.execute(NOTICE_GONE)
    if zone := _wished_zone(cursor, project, options):
        time_zone.use(cursor, zone, project.settings.time_zone, given=bool(options.zone))
    # How long a statement waits for a lock, and keeps others waiting behind it.
    lock_timeout = f"{int(options.lock_timeout * 1000)}ms"
    own_sql.fetch(cursor, KEPT)
    kept = {**dict(cursor.fetchall()), "lock_timeout": lock_timeout}
    values = pinned_settings.parameters(
        {**pinned_settings.PINNED, **pinned_settings.PRIVILEGED, **WRITING, **kept}
    )
    pinned = cursor.mogrify(pinned_settings.SET, values).decode()
    return f"{RESET}{pinned.replace('%', '%%')}; "


def _wished_zone(cursor: Any, project: Project, options: RunOptions) -> str | None:
    return options.zone or time_zone.chosen(cursor) or project.time_zone
