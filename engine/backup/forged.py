"""Whether a dump says only what pg_dump writes.

An archive is a file that anybody can write, and pg_restore runs each of its texts as SQL, whatever
kind of entry it says it is: what stands for a comment may make a superuser, and what stands for the
beginning of a table's rows may run a program. So every text is read before anything runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from engine.backup.archive import DATABASE, Archive

# A name as PostgreSQL prints it, alone or behind that of its schema.
PART = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'
NAMED = rf"{PART}(?:\.{PART})*"
ENTRY = re.compile(r"\d+; \d+ \d+ \S.* .*|;.*|")
# What is said of things; then the rows, and what is said of the database, which is carried by
# itself (database_settings); all else makes things.
SAYING = "(?:(?:DEFAULT )?ACL|COMMENT|SECURITY LABEL)(?! - DATABASE )"
ROWS = "TABLE DATA|BLOBS"
MAKING = rf"(?!(?:{SAYING}|{ROWS}|{DATABASE}) )\S+"
SAYS = re.compile(
    r"COMMENT ON |SECURITY LABEL |ALTER DEFAULT PRIVILEGES |(?:GRANT|REVOKE) [A-Z(][^;']* ON "
)
THINGS = (
    "TABLE|UNLOGGED TABLE|FOREIGN TABLE|SEQUENCE|INDEX|UNIQUE INDEX|VIEW|RECURSIVE VIEW|TYPE|DOMAIN"
    "|MATERIALIZED VIEW|FUNCTION|PROCEDURE|AGGREGATE|OPERATOR|CAST|COLLATION|CONVERSION|SCHEMA"
    "|DEFAULT CONVERSION|TEXT SEARCH|STATISTICS|TRIGGER|CONSTRAINT TRIGGER|EVENT TRIGGER|RULE"
    "|POLICY|EXTENSION|PUBLICATION|SUBSCRIPTION|SERVER|FOREIGN DATA WRAPPER|USER MAPPING"
    "|TRANSFORM|(?:TRUSTED )?(?:PROCEDURAL )?LANGUAGE|ACCESS METHOD|LARGE OBJECT"
)
LITERAL = "'(?:[^']|'')*'"
MAKES = re.compile(
    rf"(?:CREATE (?:OR REPLACE )?|ALTER )(?:{THINGS}) |REFRESH MATERIALIZED VIEW {NAMED}$"
    rf"|SELECT pg_catalog\.setval\({LITERAL}, -?\d+, (?:true|false)\)$"
    rf"|SELECT pg_catalog\.lo_create\({LITERAL}\)$"
    rf"|SELECT \* FROM pg_catalog\.pg_restore_\w+_stats\([^()]*\)$"
)
SETTINGS = (
    "statement_timeout|lock_timeout|idle_in_transaction_session_timeout|transaction_timeout"
    "|check_function_bodies|xmloption|row_security|client_min_messages|default_tablespace"
    "|default_table_access_method|escape_string_warning"
)
# How pg_restore begins and ends; psql is told by a word of its own to run none of its commands. In
# another encoding, or where strings do not conform, a text would end elsewhere than it is read to.
FRAME = re.compile(
    rf"\\(?:un)?restrict \w+|SET (?:{SETTINGS}) = (?:\w+|{PART}|{LITERAL})"
    r"|SET client_encoding = 'UTF8'|SET standard_conforming_strings = on"
    rf"|SELECT pg_catalog\.set_config\('search_path', '', false\)"
)
COPY = re.compile(
    rf"COPY {NAMED}(?: \({PART}(?:, {PART})*\)| )? FROM stdin;"  # a table may have no column
    rf"|SELECT pg_catalog\.lo_open\({LITERAL}, \d+\);|SELECT pg_catalog\.lowrite\(0, {LITERAL}\);"
    r"|SELECT pg_catalog\.lo_close\(0\);"
)
END_OF_ROWS = "\\."
AROUND = re.compile(r"--.*|BEGIN;|COMMIT;|")
SHOWN = 60  # characters of a statement


def listed(archive: Archive, making: Iterable[str]) -> Iterator[str]:
    """What pg_dump does not write, one a line. making: the statements of MAKING."""
    for line in archive.contents.split("\n"):
        if not ENTRY.fullmatch(line):
            yield f"an entry that is no entry: {line[:SHOWN]}"
    yield from _strange(archive.statements(SAYING), SAYS)
    yield from _strange(making, MAKES)
    yield from _between(archive.lines(ROWS))


def _strange(statements: Iterable[str], known: re.Pattern[str]) -> Iterator[str]:
    for code in statements:
        if not known.match(code) and not FRAME.fullmatch(code):
            yield f"a statement that pg_dump does not write: {code[:SHOWN]}"


def _between(lines: Iterable[str]) -> Iterator[str]:
    """What stands between the rows of one table and those of the next."""
    in_rows = False
    for line in lines:
        if in_rows:
            in_rows = line != END_OF_ROWS
        elif COPY.fullmatch(line):
            in_rows = line.startswith("COPY")
        elif not AROUND.fullmatch(line) and not FRAME.fullmatch(line.removesuffix(";")):
            yield f"a line that pg_dump does not write: {line[:SHOWN]}"
