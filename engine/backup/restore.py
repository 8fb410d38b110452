"""Restoring a dump into an empty database, with PostgreSQL's own pg_restore: all of it or nothing.

What is restored belongs to the role that restores it; rights that were given to other roles are
restored, so these roles have to be there.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.backup import restore_with_psql
from engine.backup.dump import sidecar
from engine.connect import programs
from engine.connect.url import for_program, shown
from engine.errors import BackupFailed, Refused
from engine.files import own_table
from engine.project import Project
from engine.report import Action, Report
from engine.run import time_zone
from engine.run.options import RunOptions
from engine.run.session import exclusive
from engine.schema import own_sql
from engine.schema.catalog import ENVIRONMENT_TABLE, OWN_TABLES

RESTORED_TABLES = tuple(table for table in OWN_TABLES if table != ENVIRONMENT_TABLE)
BEGUN = "pg_restore: processing data for table "
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
    SELECT 'schema ' || quote_ident(nspname) FROM pg_namespace n
    WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'public')
      AND NOT EXISTS (SELECT FROM pg_depend o WHERE o.classid = 'pg_namespace'::regclass
                      AND o.objid = n.oid AND o.deptype = 'e')
    ORDER BY 1
"""
MADE_BY = re.compile(r"^; +Dumped by pg_dump version: (\d+)", re.MULTILINE)
TABLE = re.compile(r"^\d+; \d+ \d+ TABLE DATA ", re.MULTILINE)
# A database that has the extension already has its comment, too, and only its owner may set it.
# Which rights new tables get is set up with the roles of the server that it is restored on.
NEEDLESS = re.compile(r"^\d+; \d+ \d+ (?:COMMENT - EXTENSION|DEFAULT ACL) .*\n", re.MULTILINE)
EXTENSION = re.compile(r"^\d+; \d+ \d+ EXTENSION - (.*?) *\n", re.MULTILINE)
ZONE = re.compile(r' SET "?TimeZone"? TO \'((?:[^\']|\'\')*)\';$', re.MULTILINE)


@dataclass(frozen=True)
class Archive:
    """A dump, looked into. contents: pg_restore's list of it. made_by: major version of pg_dump."""

    path: Path
    contents: str
    made_by: int

    def zone(self, project: Project, report: Report) -> str | None:
        """The time zone that the dumped database was set to, or None."""
        chosen = re.findall(r"^\d+; .* DATABASE PROPERTIES .*\n", self.contents, re.MULTILINE)
        with tempfile.NamedTemporaryFile("w+") as entries:
            entries.write("".join(chosen))
            entries.flush()
            options = ["--create", f"--use-list={entries.name}", "--file=-"]
            command = [str(_newest()), *options, str(self.path)]
            done = subprocess.run(
                command, capture_output=True, text=True, env=programs.environment()
            )
        if done.returncode:
            report.message(
                f"its time zone is not known, {project.settings.time_zone} sets it: "
                f"{done.stderr.strip()}"
            )
        match = ZONE.search(done.stdout)
        return match[1].replace("''", "'") if match else None


def restore(project: Project, path: Path, options: RunOptions, report: Report) -> None:
    """Restore the file into the database, which has to be empty, and its time zone with it.

    Raises Refused where the file is not the one that was written or the database holds something,
    BackupFailed where it cannot be restored whole; then the database is as it was.
    """
    start = time.perf_counter()
    _verify(path, project)
    archive = _look(path, project)
    with exclusive(project, options, report) as session:
        _refuse_full(session.keeper, project)
        archive = _without_unoffered(archive, session.keeper, report)
        report.started(f"restore of {path.name}", len(TABLE.findall(archive.contents)))
        try:
            _run(archive, project.url, session.keeper.server_version // 10000, report)
        except BaseException:
            report.failed(f"restore of {path.name}", time.perf_counter() - start)
            raise
        # What default privileges give the application on new tables, it shall not have on ours.
        own_table.take_from_others(session.keeper.cursor(), RESTORED_TABLES)
        if zone := archive.zone(project, report):
            time_zone.keep(session.keeper, zone, report)
        session.cursor().execute("ANALYZE")
    report.finished(path.name, Action.RESTORED, time.perf_counter() - start)


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


def _look(path: Path, project: Project) -> Archive:
    try:
        command = [str(_newest()), "--list", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, env=programs.environment())
    except (OSError, UnicodeDecodeError) as error:
        raise BackupFailed(f"pg_restore cannot read {path}: {error}.") from error
    made_by = MADE_BY.search(done.stdout)
    if done.returncode or not made_by:
        raise BackupFailed(
            f"pg_restore cannot read {path}: {done.stderr.strip()}",
            why="Nothing was restored.",
            fix=f"name a file that `{project.task('backup')}` wrote; if a newer PostgreSQL wrote "
            "it, install the client programs of that version.",
        )
    return Archive(path, NEEDLESS.sub("", done.stdout), int(made_by[1]))


def _newest() -> Path:
    return list(programs.clients("pg_restore").values())[-1]


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


def _without_unoffered(archive: Archive, connection: Any, report: Report) -> Archive:
    """Leave out extensions that the server lacks; where something needs one, it will say so."""
    with connection.cursor() as cursor:
        own_sql.fetch(cursor, "SELECT name FROM pg_available_extensions")
        offered = {name for (name,) in cursor.fetchall()}
    lacking = set(EXTENSION.findall(archive.contents)) - offered
    for name in sorted(lacking):
        report.message(f"left out, the server does not offer it: extension {name}")
    contents = EXTENSION.sub(lambda m: "" if m[1] in lacking else m[0], archive.contents)
    return replace(archive, contents=contents)


def _run(archive: Archive, url: str, server: int, report: Report) -> None:
    connection, environment = for_program(url)
    oldest = max(server, archive.made_by)
    installed = programs.clients("pg_restore")
    version = min((v for v in installed if v >= oldest), default=max(installed))
    with tempfile.NamedTemporaryFile("w+") as entries:
        entries.write(archive.contents)
        entries.flush()
        command = [str(installed[version]), "--verbose", "--no-owner", f"--use-list={entries.name}"]
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
            fix=_advice("\n".join(said)),
        )


def _advice(said: str) -> str:
    if match := re.search(r'role "(.+)" does not exist', said):
        return f"rights were given to {match[1]}; make the role (CREATE ROLE …), and restore again."
    return "correct what it names, and restore again; the backup is as it was written."
