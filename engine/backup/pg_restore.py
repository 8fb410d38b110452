"""PostgreSQL's own pg_restore, which carries an archive into a database: all of it or nothing."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from engine.backup import restore_with_psql
from engine.backup.archive import OF_DATABASE, Archive, chosen
from engine.connect import programs
from engine.connect.programs import for_program
from engine.connect.url import shown
from engine.errors import BackupFailed
from engine.report import Report
from engine.schema import own_sql
from engine.wording import few

BEGUN = "pg_restore: processing data for table "
OWNER = """
    SELECT CASE WHEN r.rolsuper THEN pg_get_userbyid(d.datdba) ELSE r.rolname END
    FROM pg_roles r, pg_database d
    WHERE r.rolname = current_user AND d.datname = current_database()
"""
TABLE = re.compile(r"^\d+; \d+ \d+ TABLE DATA ", re.MULTILINE)
# As pg_restore prints it; WITH GRANT OPTION may follow.
GRANTED = re.compile(
    r'^GRANT .* TO ((?:"(?:[^"]|"")+"|[\w$])+)(?: WITH GRANT OPTION)?;$', re.MULTILINE
)


def owner(connection: Any) -> str:
    """The role that what is restored shall belong to: this one, but where it is a superuser the
    owner of the database, who migrates and is to need nobody for it."""
    with connection.cursor() as cursor:
        own_sql.fetch(cursor, OWNER)
        return str(cursor.fetchone()[0])


@contextmanager
def told(title: str, archive: Archive, report: Report) -> Iterator[None]:
    """Tell that a restore begins, with how many tables it has rows of, and where it fails. More may
    follow it, so its end is told by whom it serves."""
    start = time.perf_counter()
    report.started(title, len(TABLE.findall(archive.contents)))
    try:
        yield
    except BaseException:
        report.failed(title, time.perf_counter() - start)
        raise


def run(
    archive: Archive,
    url: str,
    role: str,
    keeper: Any,
    report: Report,
    first: Sequence[str] = (),
) -> None:
    """Restore the archive in one transaction.

    role: to which all shall belong. keeper: psycopg2 connection to the same database. first:
    statements that begin the transaction. Raises BackupFailed where it cannot be restored whole.
    """
    connection, environment = for_program(url)
    server = keeper.server_version // 10000
    oldest = max(server, archive.made_by)
    installed = programs.clients("pg_restore")
    version = min((v for v in installed if v >= oldest), default=max(installed))
    with chosen(OF_DATABASE.sub("", archive.contents)) as these:  # the rest is carried by itself
        command = [str(installed[version]), "--verbose", "--no-owner", these, f"--role={role}"]
        if first or server < restore_with_psql.KNOWN_SINCE <= version:
            command += ["--file=-", archive.file.content]
            status, said = restore_with_psql.run(command, BEGUN, url, report, first)
        else:
            command += ["--exit-on-error", "--single-transaction", "--no-password"]
            command += [f"--dbname={connection}", archive.file.content]
            status, said = programs.follow(command, BEGUN, lambda _: report.step(), env=environment)
    if status:
        raise BackupFailed(
            f"{archive.path.name} could not be restored into {shown(url)}.",
            why="\n".join([*(f"    {line}" for line in said), "Nothing was restored."]),
            fix=_advice(archive, keeper),
        )


def _advice(archive: Archive, keeper: Any) -> str:
    """What to do. The server may have said it in German, so the dump is asked what it needs."""
    granted = set(GRANTED.findall(archive.script("(?:DEFAULT )?ACL(?! - DATABASE)")))
    with keeper.cursor() as cursor:
        own_sql.fetch(cursor, "SELECT quote_ident(rolname) FROM pg_roles")
        missing = granted - {role for (role,) in cursor.fetchall()} - {"PUBLIC"}
    if missing:
        roles, them = few(sorted(missing)), "the role" if len(missing) == 1 else "these roles"
        return f"rights were given to {roles}; make {them} (CREATE ROLE …), and restore again."
    return "correct what it names, and restore again; the backup is as it was written."
