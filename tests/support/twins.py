"""Two databases that are to be the same: what PostgreSQL dumps of them, and their settings."""

from __future__ import annotations

import difflib
import re
import subprocess

from engine.connect.programs import clients
from engine.schema.own_tables import OWN_TABLES
from tests.support.databases import query

ROWS = ["--inserts", "--rows-per-insert=1", "--column-inserts"]
OWN = [f"--exclude-table={table}*" for table in OWN_TABLES]
SETTINGS = """
    SELECT coalesce(r.rolname, 'all'), s.setconfig FROM pg_db_role_setting s
    LEFT JOIN pg_roles r ON r.oid = s.setrole
    WHERE s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
    ORDER BY 1
"""
RIGHTS = "SELECT datacl FROM pg_database WHERE datname = current_database()"
# A word of its own each time, and what a server of 15.20 sets by itself (pg_attver).
NOISE = re.compile(
    r"^(?:\\(?:un)?restrict|--|SET|SELECT pg_catalog.set_config"
    r"|ALTER TABLE .* SET \(pg_attver=).*\n",
    re.MULTILINE,
)


def dumped(url: str) -> list[object]:
    """All that pg_dump says of a database, but for the tables of the engine; its lines."""
    program = str(list(clients("pg_dump").values())[-1])
    done = subprocess.run(
        [program, *ROWS, *OWN, "-d", url], capture_output=True, text=True, timeout=60, check=True
    )
    return list(NOISE.sub("", done.stdout).splitlines())


def whole(url: str) -> dict[str, list[object]]:
    """What has to be equal in two databases that had the same files."""
    return {
        "dump": dumped(url),
        "settings": query(url, SETTINGS),
        "rights": query(url, RIGHTS),
        "history": query(url, "SELECT name, checksum FROM migratehistory ORDER BY id"),
        "owner": query(
            url,
            "SELECT relowner::regrole, relacl FROM pg_class "
            "WHERE relname LIKE 'migratehistory%' ORDER BY relname",
        ),
    }


def differing(one: str, other: str) -> list[str]:
    """What is not the same in the two, a line each."""
    lines: list[str] = []
    first, second = whole(one), whole(other)
    for name in first:
        pair = [str(line) for line in first[name]], [str(line) for line in second[name]]
        lines += [line for line in difflib.ndiff(*pair) if line[:1] in "+-"]
    return lines
