"""Restoring a dump into an empty database, with PostgreSQL's own pg_restore: all of it or nothing.

What is restored belongs to the role that restores it, or to the owner of the database where that is
a superuser; rights that were given to other roles are restored, so these roles have to be there.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.backup import database_settings, foreign_code, left_out, restore_with_psql
from engine.backup.archive import Archive, look
from engine.backup.dump import sidecar
from engine.connect import programs
from engine.connect.url import for_program, shown
from engine.errors import BackupFailed, Refused
from engine.files import own_table
from engine.manage.environment import SHOW
from engine.project import Project
from engine.report import Action, Report
from engine.run.options import RunOptions
from engine.run.session import exclusive
from engine.schema import own_sql
from engine.schema.own_tables import ENVIRONMENT_TABLE, OWN_TABLES
from engine.wording import few

BEGUN = "pg_restore: processing data for table "
# A schema for extensions is often there before anything else is.
HELD = f"""
    SELECT i.type || ' ' || i.identity
    FROM pg_depend d JOIN pg_namespace n ON n.oid = d.refobjid,
         LATERAL pg_identify_object(d.classid, d.objid, 0) i
    WHERE d.refclassid = 'pg_namespace'::regclass AND d.deptype = 'n'
      AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND d.classid <> 'pg_extension'::regclass
      AND NOT (i.type = 'table' AND i.name IS NOT DISTINCT FROM '{ENVIRONMENT_TABLE}')
      AND NOT EXISTS (SELECT FROM pg_depend o WHERE o.classid = d.classid AND o.objid = d.objid
                      AND o.deptype IN ('e', 'a', 'i'))
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
OWNER = """
    SELECT CASE WHEN r.rolsuper THEN pg_get_userbyid(d.datdba) ELSE r.rolname END
    FROM pg_roles r, pg_database d
    WHERE r.rolname = current_user AND d.datname = current_database()
"""
TABLE = re.compile(r"^\d+; \d+ \d+ TABLE DATA ", re.MULTILINE)
# A database that has the extension already has its comment, too, and only its owner may set it.
# Which rights new tables get is set up with the roles of the server that it is restored on.
NEEDLESS = re.compile(r"^\d+; \d+ \d+ (?:COMMENT - EXTENSION|DEFAULT ACL) .*\n", re.MULTILINE)
ENVIRONMENT = re.compile(rf"^\d+; .* {ENVIRONMENT_TABLE} .*\n", re.MULTILINE)
# As pg_restore prints it; WITH GRANT OPTION may follow.
GRANTED = re.compile(
    r'^GRANT .* TO ((?:"(?:[^"]|"")+"|[\w$])+)(?: WITH GRANT OPTION)?;$', re.MULTILINE
)
Approve = Callable[[list[str]], bool]


def nobody(foreign: list[str]) -> bool:
    """Where there is nobody to say that code which no migration made shall run."""
    return False


def restore(
    project: Project,
    path: Path,
    options: RunOptions,
    report: Report,
    approve: Approve = nobody,
) -> None:
    """Restore the file into the database, which has to be empty, and with it what the database was
    set to: its rights, time zone, search_path and timeouts, and what it is for, unless this one
    says that itself.

    approve: is asked where the dump has code that the migrations did not make. Raises Refused
    where the file is not the one that was written, the database holds something or the code is not
    wanted; BackupFailed where it cannot be restored whole. Then the database is as it was.
    """
    start = time.perf_counter()
    _verify(path, project)
    archive = look(path, project).without(NEEDLESS)
    _refuse_foreign(archive, project, approve)
    with exclusive(project, options, report) as session:
        _refuse_full(session.keeper, project)
        role = _owner(session.keeper)
        archive = left_out.without(archive, session.keeper, role, report)
        says_what_for = bool(own_table.columns(session.keeper.cursor(), ENVIRONMENT_TABLE))
        if says_what_for:
            archive = archive.without(ENVIRONMENT)
        report.started(f"restore of {path.name}", len(TABLE.findall(archive.contents)))
        try:
            _run(archive, project.url, role, session.keeper, report)
        except BaseException:
            report.failed(f"restore of {path.name}", time.perf_counter() - start)
            raise
        # What default privileges give the application on new tables, it shall not have on ours.
        own_table.take_from_others(session.keeper.cursor(), OWN_TABLES)
        if own_table.columns(session.keeper.cursor(), ENVIRONMENT_TABLE):
            own_table.run(session.keeper.cursor(), SHOW)
        database_settings.carry(archive, session.keeper, project, says_what_for, report)
        session.cursor().execute("ANALYZE")
    report.finished(path.name, Action.RESTORED, time.perf_counter() - start)


def _refuse_foreign(archive: Archive, project: Project, approve: Approve) -> None:
    foreign = foreign_code.listed(archive, project)
    if foreign and not approve(foreign):
        listed = "\n".join(f"  - {thing}" for thing in foreign)
        raise Refused(
            f"{archive.path} has code that no migration made:",
            why=f"{listed}\nIt would run with the rights of the role that restores it. Nothing was "
            "restored.",
            fix=f"see what it is (pg_restore --file=- {archive.path.name}); if it is wanted: "
            f"{project.task('restore', archive.path, '--yes')}",
        )


def _verify(path: Path, project: Project) -> None:
    """Hold the file against the sha256 that was written beside it."""
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise Refused(
            f"{path} cannot be read: {error.strerror}.",
            why="Nothing was restored.",
            fix=f"name a file that `{project.task('backup')}` wrote; it says where it puts them.",
        ) from error
    try:
        expected = sidecar(path).read_text().split()[0].lower()
    except (OSError, UnicodeDecodeError, IndexError) as error:
        missing = error.filename if isinstance(error, OSError) else sidecar(path)
        raise Refused(
            f"{missing} cannot be read: {getattr(error, 'strerror', None) or 'it has no sha256'}.",
            why="Nothing was restored: without its sha256 nobody knows whether a backup is whole.",
            fix=f"bring both files, FILE and FILE.sha256; where the backup has none and is to be "
            f"trusted, write it: sha256sum {path.name} > {sidecar(path).name}",
        ) from error
    if digest != expected:
        raise Refused(
            f"{path} is not the file that was written: its sha256 is {digest}, and not {expected}.",
            why="Nothing was restored.",
            fix="copy it again from where it was made, or take another backup.",
        )


def _owner(connection: Any) -> str:
    """The role that what is restored shall belong to: this one, but where it is a superuser the
    owner of the database, who migrates and is to need nobody for it."""
    with connection.cursor() as cursor:
        own_sql.fetch(cursor, OWNER)
        return str(cursor.fetchone()[0])


def _refuse_full(connection: Any, project: Project) -> None:
    with connection.cursor() as cursor:
        own_sql.fetch(cursor, HELD)
        objects = [thing for (thing,) in cursor.fetchall()]
    if objects:
        more = [f"  … and {len(objects) - 10} more"] if len(objects) > 10 else []
        listed = "\n".join([*(f"  - {thing}" for thing in objects[:10]), *more])
        raise Refused(
            f"{shown(project.url)} is not empty; it holds:",
            why=f"{listed}\nNothing was restored.",
            fix="make an empty database (CREATE DATABASE … TEMPLATE template0 ENCODING 'UTF8') and "
            f"name it in {project.settings.url}; or empty this one: {project.task('reset')}",
        )


def _run(archive: Archive, url: str, role: str, keeper: Any, report: Report) -> None:
    connection, environment = for_program(url)
    server = keeper.server_version // 10000
    oldest = max(server, archive.made_by)
    installed = programs.clients("pg_restore")
    version = min((v for v in installed if v >= oldest), default=max(installed))
    with tempfile.NamedTemporaryFile("w+") as entries:
        entries.write(archive.contents)
        entries.flush()
        command = [str(installed[version]), "--verbose", "--no-owner", f"--use-list={entries.name}"]
        command.append(f"--role={role}")
        if server < restore_with_psql.KNOWN_SINCE <= version:
            command += ["--file=-", str(archive.path)]
            status, said = restore_with_psql.run(command, BEGUN, url, report)
        else:
            command += ["--exit-on-error", "--single-transaction", "--no-password"]
            command += [f"--dbname={connection}", str(archive.path)]
            status, said = programs.follow(command, BEGUN, lambda _: report.step(), env=environment)
    if status:
        raise BackupFailed(
            f"{archive.path.name} could not be restored into {shown(url)}.",
            why="\n".join([*(f"    {line}" for line in said), "Nothing was restored."]),
            fix=_advice(archive, keeper),
        )


def _advice(archive: Archive, keeper: Any) -> str:
    """What to do. The server may have said it in German, so the dump is asked what it needs."""
    granted = set(GRANTED.findall(archive.script("(?:DEFAULT )?ACL|DATABASE PROPERTIES")))
    with keeper.cursor() as cursor:
        own_sql.fetch(cursor, "SELECT quote_ident(rolname) FROM pg_roles")
        missing = granted - {role for (role,) in cursor.fetchall()} - {"PUBLIC"}
    if missing:
        roles, them = few(sorted(missing)), "the role" if len(missing) == 1 else "these roles"
        return f"rights were given to {roles}; make {them} (CREATE ROLE …), and restore again."
    return "correct what it names, and restore again; the backup is as it was written."
