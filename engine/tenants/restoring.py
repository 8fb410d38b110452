"""One tenant's schema out of a dump, beside all others: from its own dump, or one of the database.

The tenant that is there stays until the other one is whole: it is renamed and the dump restored in
one transaction, and what it was is deleted after that. A schema cannot come back under another
name, since its functions carry it in their path.
"""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Sequence
from contextlib import closing, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.backup import pg_restore
from engine.backup.archive import Archive, DumpFile, look
from engine.backup.restore import NEEDLESS, entries_of, settle_rights, staying
from engine.backup.trusted_file import Approve, nobody, opened, refuse_foreign
from engine.citus.cluster import is_citus
from engine.connect import environment
from engine.connect.connection import connect
from engine.errors import Refused
from engine.project import Project
from engine.report import Action, Report
from engine.run.options import RunOptions
from engine.run.session import exclusive
from engine.schema import own_sql
from engine.schema.own_sql import Place
from engine.schema.own_tables import ENVIRONMENT_TABLE
from engine.schema.quoting import LONGEST_NAME
from engine.schema.quoting import name as quoted
from engine.tenants import lifecycle, listing, schemas
from engine.tenants.listing import Tenant
from engine.wording import few, one_line

# Whether this database has such a publication is its own affair.
PUBLISHED = re.compile(r"^\d+; \d+ \d+ PUBLICATION TABLES?\b.*\n", re.MULTILINE)
SCHEMAS = re.compile(r"^\d+; \d+ \d+ SCHEMA - (.*) \S+ *$", re.MULTILINE)
TABLES = """
    SELECT format('%%I.%%I', n.nspname, c.relname)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.oid = %(here)s AND c.relkind IN ('r', 'p') ORDER BY 1
"""


def restore(
    project: Project,
    name: str,
    path: Path,
    options: RunOptions,
    report: Report,
    approve: Approve = nobody,
) -> None:
    """Restore that tenant out of a file, in the place of the one that there is, if there is one.
    Extensions, and what the database is set to and is for, stay as they are.

    approve: is asked where the dump has code that the migrations did not make. Raises ConfigError
    for a name that no tenant has, Refused where the server is one of Citus, the file is not the one
    that was written or has nothing of that schema, or the schema holds what no migration made;
    BackupFailed where it cannot be restored whole. Then everything is as it was.
    """
    lifecycle.refuse_name(name)
    _refuse_citus(project)
    with opened(path, project) as file:
        archive = _of_one(file, project, name)
        refuse_foreign(archive, project, approve, ("--tenant", shlex.quote(name)))
        is_new = listing.find(project, name) is None
        with lifecycle.new_schema(project, name) if is_new else nullcontext():
            former = _swap(project, name, archive, options, report)
    try:
        lifecycle.drop(project, Tenant(former, None), options, report)
    except Refused as error:
        drop = project.task("tenants.drop", shlex.quote(former.name))
        kept = f"what was there is kept as {one_line(former.name)}: {error}"
        report.message(f"{kept}\nAfter that: {one_line(drop)}")


def _refuse_citus(project: Project) -> None:
    """Raise Refused where the server is one of Citus: it knows neither the statement that makes a
    column of a table an identity, as pg_dump writes it, nor rows that come before their triggers;
    and each of its nodes numbers by itself, so that ids would be given a second time."""
    with schemas.whole_database(project) as cursor:
        if is_citus(cursor):
            raise Refused(
                "Citus cannot restore a dump of pg_dump into a schema that it has placed.",
                why="Nothing was restored.",
                fix="restore it into a database of PostgreSQL alone, and carry over what is "
                "missing here.",
            )


def _of_one(file: DumpFile, project: Project, name: str) -> Archive:
    """What the file has of that schema. Raises Refused where that is nothing."""
    archive, whole = look(file, project, name), look(file, project)
    if not archive.entries("TABLE"):
        schemas = SCHEMAS.findall(whole.contents) or ["public"]
        raise Refused(
            f"{file.path.name} has no table of a schema {name!r}.",
            why="Nothing was restored. A tenant comes back under the name that it had: its "
            "functions carry it.",
            fix=f"name one of its schemas: {few(schemas)}.",
        )
    # Of the schema itself pg_restore lists nothing. A name with spaces is quoted here.
    plain = [] if " " in name else [re.escape(name)]
    spelled = "|".join([*plain, re.escape('"' + name.replace('"', '""') + '"')])
    own = whole.entries(rf"(?:ACL|COMMENT) - SCHEMA (?:{spelled})")
    with_own = replace(archive, contents="".join([archive.contents, *own]))
    return with_own.without(NEEDLESS).without(PUBLISHED)


def _swap(
    project: Project, name: str, archive: Archive, options: RunOptions, report: Report
) -> Place:
    """Put the dump in the place of the schema (the schema as it was, under its new name)."""
    start, at = time.perf_counter(), schemas.at(project, name)
    title = f"restore of {name} from {archive.path.name}"
    with exclusive(at, options, report) as session:
        keeper, cursor = session.keeper, session.keeper.cursor()
        stay = staying(cursor)
        said = [ENVIRONMENT_TABLE] if environment.words(cursor, project) else []
        for table in {*stay, *said}:
            archive = archive.without(entries_of(table))
        here = own_sql.place(keeper)
        former = Place(here.oid, _former(here))
        role = pg_restore.owner(keeper)
        with pg_restore.told(title, archive, report):
            first = _set_aside(cursor, former, stay, role, options)
            pg_restore.run(archive, project.url, role, keeper, report, first)
    _settle(at)
    report.finished(title, Action.RESTORED, time.perf_counter() - start)
    return former


def _set_aside(
    cursor: Any, former: Place, stay: Sequence[str], role: str, options: RunOptions
) -> list[str]:
    """The statements that make room for the schema. What others write meanwhile would be lost, so
    they have to wait until the new tables are there. stay: the tables that a backup of an earlier
    day does not speak for: who the roles are, and which keys are good."""
    own_sql.fetch(cursor, TABLES)
    tables = [table for (table,) in cursor.fetchall()]
    name = quoted(own_sql.place(cursor.connection).name)
    return [
        f"SET LOCAL lock_timeout = {round(options.lock_timeout * 1000)}",
        *([f"LOCK TABLE {', '.join(tables)}"] if tables else []),
        f"ALTER SCHEMA {name} RENAME TO {quoted(former.name)}",
        f"CREATE SCHEMA {name} AUTHORIZATION {quoted(role)}",
        *(f"ALTER TABLE {former.of(table)} SET SCHEMA {name}" for table in stay),
    ]


def _former(here: Place) -> str:
    """A name that no other schema has, and that says whose it was."""
    name = f"former {here.oid} {here.name}".encode()[:LONGEST_NAME]
    return name.decode(errors="ignore")


def _settle(at: Project) -> None:
    """What no dump brings along."""
    with closing(connect(at, autocommit=True, writing=True)) as connection:
        cursor = connection.cursor()
        settle_rights(cursor)
        lifecycle.let_in(cursor, own_sql.place(connection).name)
        own_sql.fetch(cursor, TABLES)
        tables = ", ".join(table for (table,) in cursor.fetchall())
        own_sql.run(cursor, f"ANALYZE {tables}".replace("%", "%%"))
