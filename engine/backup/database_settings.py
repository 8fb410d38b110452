"""What a dump says of the database itself: its rights, its comment, and what it sets for everybody
who connects, such as the time zone, timeouts and the search_path.

PostgreSQL restores these only into a database that the restore creates, under its old name.
"""

from __future__ import annotations

import re
from typing import Any

import psycopg2

from engine.backup.archive import Archive
from engine.errors import BackupFailed
from engine.project import Project
from engine.report import Report
from engine.schema.quoting import name as quoted
from engine.sql import lexer
from engine.wording import one_line

KINDS = "DATABASE PROPERTIES|ACL - DATABASE|COMMENT - DATABASE"
NAME = r'(?:"(?:[^"]|"")+"|[^\s"]+)'
# As pg_dump writes it, so that nothing else gets in: a file that is a dump may say anything.
VALUE = r"(?:'(?:[^']|'')*'|E'(?:[^'\\]|''|\\.)*')"
SET = rf" SET {NAME} TO {VALUE}(?:, {VALUE})*"
# Group 1 and 3 are what stands before and after the name of the database.
STATEMENTS = (
    re.compile(rf"(ALTER DATABASE )({NAME})({SET})", re.DOTALL),
    re.compile(rf"(ALTER ROLE {NAME} IN DATABASE )({NAME})({SET})", re.DOTALL),
    re.compile(rf"((?:GRANT|REVOKE) [A-Z, ]+ ON DATABASE )({NAME})( (?:TO|FROM) .*)", re.DOTALL),
    re.compile(rf"(COMMENT ON DATABASE )({NAME})( IS .*)", re.DOTALL),
)
# What loads a library into every session, or turns off the rules of all tables, is for whoever runs
# the server to decide.
OF_SERVER = re.compile(
    r' SET "?(?:\w+_preload_libraries|dynamic_library_path|session_replication_role'
    r'|allow_system_table_mods)"? TO ',
    re.IGNORECASE,
)


def carry(archive: Archive, connection: Any, project: Project, said: bool, report: Report) -> None:
    """Give the database what the dumped one was set to; what the role may not set is told.

    connection: psycopg2, in autocommit. said: whether the database says itself what it is for.
    """
    try:
        script = archive.script(KINDS)
    except BackupFailed as error:
        report.message(f"the settings of the database are not known: {error}")
        return
    for statement in lexer.split(script):
        rewritten = _rewritten(statement, str(connection.info.dbname))
        if not rewritten or (said and f" SET {_parameter(project)} " in rewritten):
            continue
        if OF_SERVER.search(rewritten):
            whose = "it is for whoever runs the server to set"
            report.message(f"left out, {whose}: {one_line(rewritten)}")
            continue
        try:
            with connection.cursor() as cursor:
                cursor.execute(rewritten)
        except psycopg2.Error as error:
            report.message(
                f"left out: {one_line(error.diag.message_primary)}; as a role that may, run: "
                f"{one_line(rewritten)}"
            )


def _parameter(project: Project) -> str:
    """As pg_dump writes it: each part in double quotes where it has to be."""
    return ".".join(quoted(part) for part in project.settings.parameter.split("."))


def _rewritten(statement: str, database: str) -> str:
    """The statement for the database of that name; empty where it is about something else."""
    code = statement[lexer.after_comments(statement) :]
    for pattern in STATEMENTS:
        if match := pattern.fullmatch(code):
            return f"{match[1]}{quoted(database)}{match[3]}"
    return ""
