"""What to do about an error of PostgreSQL's, by its SQLSTATE."""

from __future__ import annotations

from collections.abc import Mapping

from engine.files.migration_file import Migration
from engine.project import Project
from engine.schema.own_tables import HISTORY_TABLE, JOURNAL_TABLE

LOCK_NOT_AVAILABLE = "55P03"
DEADLOCK = "40P01"
NOT_SERIALIZABLE = "40001"
# What PostgreSQL says inside a transaction of a command that has to have its own, and of a COMMIT
# in a block or procedure.
NOT_INSIDE = ("25001", "2D000")
ALREADY_THERE = ("42P06", "42P07", "42710", "42723", "42701")
NO_RIGHT = "42501"
# With the setting's name in the hint, in any language: the table of locks is full, and not memory.
OUT_OF_MEMORY = "53200"
LOCKS_SETTING = "max_locks_per_transaction"
MORE_LOCKS = (
    f"raise {LOCKS_SETTING} on the server and restart it, since one transaction holds a lock on "
    "every table and index that it makes, changes or drops; or do it in smaller portions"
)
# The session is over, whatever the code says: shut down, crashed, ended by somebody.
SESSION_OVER = ("57P01", "57P02", "57P03", "57P05", "25P03", "25P04")


def for_state(state: str, migration: Migration, project: Project, *, atomic: bool) -> str:
    """What to do about an error that is neither a lock's nor a right's; how the sentence begins.

    state: SQLSTATE. Empty where the file itself has to be fixed.
    """
    number = f"{migration.number:03}"
    if state in ALREADY_THERE:
        return (
            f"if the database has already what {migration.name} makes, take it over with "
            f"`{project.task('adopt', migration.number)}`; else move what is in the way"
        )
    if state in NOT_INSIDE and (atomic or state == "25001"):
        return (
            f"give that command a migrator.sql() of its own in {migration.path}"
            if not atomic
            else "PostgreSQL runs that only outside a transaction: move it to a file of its own "
            f"that says `atomic = False` above migrate() (or say so in {migration.path})"
        )
    if state == "55P04":
        return (
            f"a new enum value has to be committed before it is used: add it in a file before "
            f"{number}, or say `atomic = False` above migrate() in {migration.path}"
        )
    return of_server(state) or _of(OF_FILES, state)


def of_server(state: str) -> str:
    """The same of what the server is short of, or does no more, whoever asks for what."""
    return _of(OF_SERVERS, state)


def of_task(state: str) -> str:
    """The same where no file runs: a table or function that a task needs may not be made yet."""
    return MIGRATE_FIRST if state in NOT_BUILT else of_server(state)


def _of(known: Mapping[str, str], state: str) -> str:
    """By the whole code, else by its class."""
    return known.get(state) or known.get(state[:2], "")


def without_place(schema: str, known: str) -> str:
    """The same where the engine no longer finds its own tables. schema: what others see that the
    schema of the run is called now, empty where they see none. known: what it was called."""
    if schema == known:
        return (
            f"let the file leave the schema {known}, and {HISTORY_TABLE} and {JOURNAL_TABLE} in "
            "it, as they are: they say what is applied"
        )
    now = f"is called {schema} now" if schema else "is gone"
    return f"the schema {known} {now}: nobody may change that while files run; see who did"


MIGRATE_FIRST = "apply the migrations, if some are pending"
NOT_BUILT = ("42P01", "42703", "42704", "42883")
NOT_THERE = ("3F000", "42P01", "42703", "42704")
CANCELLED = "57014"
LET_PASS = "have the event trigger that is named above let it pass, or switched off meanwhile"
SPARE = "let the file spare the sessions of its own run: WHERE application_name <> '{application}'"
ENDED = "PostgreSQL runs, and has ended that session alone: see its log, and who did it"
LONGER = "see who ended it; a timeout that the file itself sets has to be longer"
READ_ONLY = "25006"
MADE_READ_ONLY = (
    "take what makes its transaction read-only (SET TRANSACTION READ ONLY, transaction_read_only) "
    "out of the file"
)
OF_SERVERS = {
    "53100": "free space on the server's disk",
    "53200": "give the server more memory, or let it do less at the same time",
    "53300": "wait for connections to end, or raise max_connections",
    "53400": "raise the limit that the message names",
    "54023": "raise the limit that the message names",
    CANCELLED: "see who cancelled it",
    READ_ONLY: "the server takes no writes any more (is it a standby now?): find the primary",
    "58P01": "if an extension is missing, install its package on the server (Debian: "
    "postgresql-contrib); else see the server's log",
    "53": "give the server what it is short of",
    "58": "see the server's log, and fix what it names",
    "XX": "see the server's log, and fix what it names",
}
OF_FILES = {
    "3F000": "create the schema, or correct the search_path that the file sets",
    "0A000": "if it says that an extension is not available, install its package on the server "
    "(Debian: postgresql-contrib); else PostgreSQL cannot do that: write it in another way",
    "22": "correct the value that the message names, in the rows or in the file",
    "23502": "give these rows a value first; a column that is made anew has none in any row, and "
    "comes only with a DEFAULT, or where the table is empty",
    "23514": "correct the rows that do not meet this condition",
    "23": "correct the rows that the message names",
}
