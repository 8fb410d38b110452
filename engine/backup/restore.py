"""Restoring a dump into an empty database, with PostgreSQL's own pg_restore: all of it or nothing.

What is restored belongs to the role that restores it, or to the owner of the database where that is
a superuser; rights that were given to other roles are restored, so these roles have to be there.
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

from engine.backup import database_settings, left_out, pg_restore
from engine.backup.archive import DumpFile, look
from engine.backup.trusted_file import Approve, nobody, opened, refuse_foreign
from engine.connect.url import shown
from engine.errors import Refused
from engine.files import own_table
from engine.manage.environment import SHOW
from engine.project import Project
from engine.report import Action, Report
from engine.run.options import RunOptions
from engine.run.session import exclusive
from engine.schema import own_sql
from engine.schema.own_tables import ENVIRONMENT_TABLE, OWN_TABLES, STAYING_TABLES
from engine.wording import listed

STAYING = ", ".join(f"'{table}'" for table in STAYING_TABLES)
# A schema for extensions is often there before anything else is, and so is what `reset` leaves.
HELD = f"""
    SELECT i.type || ' ' || i.identity
    FROM pg_depend d JOIN pg_namespace n ON n.oid = d.refobjid,
         LATERAL pg_identify_object(d.classid, d.objid, 0) i
    WHERE d.refclassid = 'pg_namespace'::regclass AND d.deptype = 'n'
      AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND d.classid <> 'pg_extension'::regclass
      AND NOT (i.type = 'table' AND coalesce(i.name, '') IN ({STAYING}))
      AND NOT EXISTS (SELECT FROM pg_depend o WHERE o.classid = d.classid AND o.objid = d.objid
                      AND o.objsubid = 0 AND o.deptype IN ('e', 'a', 'i'))
    UNION ALL
    SELECT 'large object ' || oid FROM pg_largeobject_metadata
    UNION ALL
    SELECT 'schema ' || quote_ident(nspname) FROM pg_namespace n
    WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'public', 'extensions')
      AND NOT EXISTS (SELECT FROM pg_extension WHERE extnamespace = n.oid)
      AND NOT EXISTS (SELECT FROM pg_depend o WHERE o.classid = 'pg_namespace'::regclass
                      AND o.objid = n.oid AND o.deptype = 'e')
    ORDER BY 1
"""
# A database that has the extension already has its comment, too, and only its owner may set it.
# Which rights new tables get is set up with the roles of the server that it is restored on.
NEEDLESS = re.compile(r"^\d+; \d+ \d+ (?:COMMENT - EXTENSION|DEFAULT ACL) .*\n", re.MULTILINE)


def entries_of(table: str) -> re.Pattern[str]:
    """Matches the lines of a table of ours: the table, its rows, its key, its rights."""
    return re.compile(rf"^\d+; .* {table} .*\n", re.MULTILINE)


def staying(cursor: Any) -> list[str]:
    """The tables of ours that are there and stay as they are now: a role or a key that was replaced
    since, as it had leaked, would be good again."""
    return [table for table, there in own_table.columns_of(cursor, STAYING_TABLES).items() if there]


def restore(
    project: Project,
    path: Path,
    options: RunOptions,
    report: Report,
    approve: Approve = nobody,
) -> None:
    """Restore the file into the database, which has to be empty, and with it what the database was
    set to: its rights, time zone, search_path and timeouts, and what it is for, who its roles are
    and its keys, unless this one says that itself, as one does that was emptied.

    approve: is asked where the dump has code that the migrations did not make. Raises Refused
    where the file is not the one that was written, the database holds something or the code is not
    wanted; BackupFailed where it cannot be restored whole. Then the database is as it was.
    """
    with opened(path, project) as file:
        _restore(project, file, options, report, approve)


def _restore(
    project: Project, file: DumpFile, options: RunOptions, report: Report, approve: Approve
) -> None:
    start = time.perf_counter()
    archive = look(file, project).without(NEEDLESS)
    refuse_foreign(archive, project, approve)
    with exclusive(project, options, report) as session:
        _refuse_full(session.keeper, project)
        role = pg_restore.owner(session.keeper)
        archive = left_out.without(archive, session.keeper, role, report)
        stay = staying(session.keeper.cursor())
        for table in stay:
            archive = archive.without(entries_of(table))
        with pg_restore.told(f"restore of {file.path.name}", archive, report):
            pg_restore.run(archive, project.url, role, session.keeper, report)
        settle_rights(session.keeper.cursor())
        says_what_for = ENVIRONMENT_TABLE in stay
        database_settings.carry(archive, session.keeper, project, says_what_for, report)
        session.cursor().execute("ANALYZE")
    report.finished(file.path.name, Action.RESTORED, time.perf_counter() - start)


def settle_rights(cursor: Any) -> None:
    """Of our tables, let each role have what the engine gives it, after a restore: default
    privileges give the application more on new tables."""
    own_table.take_from_others(cursor, OWN_TABLES)
    if own_table.columns(cursor, ENVIRONMENT_TABLE):
        own_table.run(cursor, SHOW)


def _refuse_full(connection: Any, project: Project) -> None:
    with connection.cursor() as cursor:
        own_sql.fetch(cursor, HELD)
        objects = [thing for (thing,) in cursor.fetchall()]
    if objects:
        more = [f"  … and {len(objects) - 10} more"] if len(objects) > 10 else []
        raise Refused(
            f"{shown(project.url)} is not empty; it holds:",
            why="\n".join([listed(objects[:10]), *more, "Nothing was restored."]),
            fix="make an empty database (CREATE DATABASE … TEMPLATE template0 ENCODING 'UTF8') and "
            f"name it in {project.settings.url}; or empty this one: {project.task('reset')}, and "
            "for each large object SELECT lo_unlink(NUMBER).",
        )
