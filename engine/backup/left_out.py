"""What a database does not take of a dump: what it has already, what the server does not offer, and
what only a superuser may make. It is left out and told, for the rows do not depend on it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from engine.backup.archive import Archive
from engine.report import Report
from engine.schema import own_sql
from engine.wording import one_line

EXTENSION = re.compile(r"^\d+; \d+ \d+ EXTENSION - (.*?) *\n", re.MULTILINE)
FOR_ALL = re.compile(r"CREATE PUBLICATION (\S+) FOR (?:ALL |TABLES IN SCHEMA )")
ONLY_SUPERUSERS = "EVENT TRIGGER|SUBSCRIPTION|FOREIGN DATA WRAPPER|PUBLICATION TABLES IN SCHEMA"
# trusted: an extension that whoever may create in the database may make.
TAKEN = """
    SELECT o.rolsuper,
           ARRAY(SELECT name::text FROM pg_available_extensions),
           ARRAY(SELECT v.name::text FROM pg_available_extensions a
                 JOIN pg_available_extension_versions v
                   ON v.name = a.name AND v.version = a.default_version
                 WHERE a.installed_version IS NULL AND v.superuser AND NOT v.trusted),
           ARRAY(SELECT nspname::text FROM pg_namespace
                 WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'public'))
    FROM pg_roles o WHERE o.rolname = %(role)s
"""


def without(archive: Archive, connection: Any, role: str, report: Report) -> Archive:
    """The archive as the role can restore it into the empty database; tells what is left out."""
    with connection.cursor() as cursor:
        own_sql.fetch(cursor, TAKEN, {"role": role})
        is_superuser, offered, closed, schemas = cursor.fetchone()
    for schema in schemas:
        archive = archive.without(_entry(f"SCHEMA - {re.escape(schema)}"))
        archive = archive.without(_entry(f"(?:ACL|COMMENT) - SCHEMA {re.escape(schema)}"))
    gone = [
        *((name, "the server does not offer it") for name in _extensions(archive, offered)),
        *((name, "only a superuser may make it") for name in closed if not is_superuser),
    ]
    for name, why in sorted(gone):
        entry = _entry(f"EXTENSION - {re.escape(name)}")
        if entry.search(archive.contents):
            report.message(f"left out, {why}: extension {one_line(name)}")
        archive = archive.without(entry)
    return archive if is_superuser else _without_privileged(archive, report)


def _extensions(archive: Archive, offered: list[str]) -> set[str]:
    return set(EXTENSION.findall(archive.contents)) - set(offered)


def _without_privileged(archive: Archive, report: Report) -> Archive:
    for text in _told(archive):
        report.message(f"left out, only a superuser may make it: {one_line(text)}")
    names = [re.escape(name.strip('"')) for name in FOR_ALL.findall(archive.script("PUBLICATION"))]
    archive = archive.without(_entry(rf"(?:{ONLY_SUPERUSERS}) .*"))
    archive = archive.without(_entry(r"COMMENT - (?:EVENT TRIGGER|SUBSCRIPTION) .*"))
    for name in names:
        archive = archive.without(_entry(f"(?:PUBLICATION|COMMENT) - (?:PUBLICATION )?{name}"))
    return archive


def _told(archive: Archive) -> Iterator[str]:
    for entry in archive.entries(ONLY_SUPERUSERS):
        yield entry.partition("; ")[2].split(" ", 2)[2].strip()
    for name in FOR_ALL.findall(archive.script("PUBLICATION")):
        yield f"publication {name}"


def _entry(what: str) -> re.Pattern[str]:
    """Matches the line of an entry, whoever owns it."""
    return re.compile(rf"^\d+; \d+ \d+ {what} .*\n", re.MULTILINE)
