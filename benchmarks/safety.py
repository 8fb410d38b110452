"""What the rules that nobody gets past cost: a ledger entry, a claim from the queue, a log-in.

    export DATABASE_URL=postgresql://…/postgres      # as an administrator of a server to try it on
    python -m benchmarks.safety

It makes three databases and a role, and drops them: one without the safety (functions without a
path of their own that run as whoever calls, no policies, all done by the owner of the tables), one
as the files make it, used by the role of the application, and that one with branches on. The work
is done in turn in each, five times (a thousand entries of the ledger in all), so that a machine
that drifts drifts for all; the table has the medians, and what counts are the ratios.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import replace
from statistics import median
from typing import Any

import psycopg2
from psycopg2 import extensions

import application
from application import branches
from application.acting import SETTING, new_key
from domains.auth.limits import LoginLimits
from domains.auth.login import log_in
from domains.customers.models import Customer, TransactionLogEntryType
from domains.customers.operations import post
from domains.locations.models import Location
from domains.notifications.models import NotificationQueueChannel
from domains.notifications.operations import claim, enqueue, finish
from engine.connect.url import as_url
from engine.run.runner import Runner
from project import PROJECT

ROUNDS = 5
ROLE = "safety_app"
# benchmarks.engine has databases of its own, bench_plain among them.
PLAIN, SAFE, BRANCHES = "safety_without", "safety_with", "safety_branches"
ADMIN = "admin", "admin123"
UNSAFE = """
    DO $$ DECLARE f regprocedure; t regclass; BEGIN
        FOR f IN SELECT oid FROM pg_proc p WHERE pronamespace = 'public'::regnamespace
                 AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = p.oid AND deptype = 'e') LOOP
            EXECUTE format('ALTER ROUTINE %s SECURITY INVOKER', f);
            EXECUTE format('ALTER ROUTINE %s RESET ALL', f);
        END LOOP;
        FOR t IN SELECT oid FROM pg_class WHERE relrowsecurity LOOP
            EXECUTE format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', t);
        END LOOP;
    END $$
"""


def main() -> int:
    """Print the table."""
    url = os.environ.get("DATABASE_URL")
    if not url:
        print("Error: DATABASE_URL names no server to try it on.", file=sys.stderr)
        return 1
    os.environ[SETTING] = new_key()
    with _databases(url):
        times: dict[str, dict[str, list[float]]] = {name: {} for name in WORKS}
        for number in range(ROUNDS + 1):  # the first one warms up
            for database in (PLAIN, SAFE, BRANCHES):
                role = "" if database == PLAIN else ROLE
                for name, seconds in _measured(_at(url, database, role), not role, number):
                    times[name].setdefault(database, []).append(seconds)
    print("| work | without | with | ratio | branches on | ratio |\n|---|---|---|---|---|---|")
    for name, by in times.items():
        plain, safe, acting = (median(by[database][1:]) for database in (PLAIN, SAFE, BRANCHES))
        print(
            f"| {name} | {plain * 1000:,.0f} ms | {safe * 1000:,.0f} ms | {safe / plain:.2f} "
            f"| {acting * 1000:,.0f} ms | {acting / plain:.2f} |"
        )
    return 0


def _measured(url: str, as_owner: bool, number: int) -> Iterator[tuple[str, float]]:
    """(work, seconds it took) in that database. number: of the round."""
    database = application.connect(url, size=1, as_owner=as_owner)
    try:
        acting = nullcontext() if as_owner else database.acting_for_all("a measurement")
        with database.connection_context(), acting:
            branch: Any = Location.get(Location.is_default)
            customer: Any = Customer.create(location=branch, number=f"B{number}", name="Siti")
            for item in range(40):
                enqueue(NotificationQueueChannel.EMAIL, f"a{item}@example.net", "Halo")
            for name, work in WORKS.items():
                start = time.perf_counter()
                work(customer)
                yield name, time.perf_counter() - start
    finally:
        application.disconnect()


def _entries(customer: Any) -> None:
    for _ in range(200):
        post(customer, TransactionLogEntryType.TOP_UP, 1000, "a measurement")


def _claims(customer: Any) -> None:
    for _ in range(40):
        for item in claim("bench", limit=1):
            finish(item)


def _log_in(customer: Any) -> None:
    log_in(*ADMIN, LoginLimits())


WORKS: dict[str, Callable[[Any], None]] = {
    "200 ledger entries": _entries,
    "40 claims from the queue, each reported": _claims,
    "a log-in": _log_in,
}


@contextmanager
def _databases(url: str) -> Iterator[None]:
    """The three databases and the role, for that time."""
    _drop(url)
    _run(url, f"CREATE ROLE {ROLE} LOGIN")
    try:
        _run(url, f"CREATE DATABASE {SAFE} TEMPLATE template0 ENCODING 'UTF8'")
        project = replace(PROJECT.at(_at(url, SAFE)), roles={"app": ROLE})
        Runner(project).migrate()
        _run(url, f"CREATE DATABASE {PLAIN} TEMPLATE {SAFE}")
        _run(_at(url, PLAIN), UNSAFE)
        _run(url, f"CREATE DATABASE {BRANCHES} TEMPLATE {SAFE}")
        branches.switch(replace(project, url=_at(url, BRANCHES)), True)
        yield
    finally:
        _drop(url)


def _drop(url: str) -> None:
    for name in (PLAIN, SAFE, BRANCHES):
        _run(url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    _run(url, f"DROP ROLE IF EXISTS {ROLE}")


def _run(url: str, statement: str) -> None:
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        connection.cursor().execute(statement)


def _at(url: str, database: str, role: str = "") -> str:
    """The URL of another database of the server, in which all is done as that role."""
    settings = {"options": f"-c role={role}"} if role else {}
    return as_url(extensions.make_dsn(url, dbname=database, **settings))


if __name__ == "__main__":
    sys.exit(main())
