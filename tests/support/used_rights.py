"""Which rights a connection really used: what PostgreSQL checks of each statement, read from the
query trees that it tells with `debug_print_rewritten`.

Statements inside functions that run as their owner are left out: they need no right of the caller.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# (verb, table, column); the column is empty where the right is on the table, or on any column.
Right = tuple[str, str, str]
# A table that a statement touches, as the tree has it: of 16 and later, else of 14 and 15.
TOUCHED = re.compile(
    r":relid (\d+) (?:[^{}]*? )??:inh (true|false) (?::inFromCl \w+ )?"
    r":requiredPerms (\d+) :checkAsUser \d+ :selectedCols \(b([ \d]*)\) "
    r":insertedCols \(b([ \d]*)\) :updatedCols \(b([ \d]*)\)"
)
CALLED = re.compile(r":funcid (\d+)")
INSERT, SELECT, UPDATE, DELETE = 1, 2, 4, 8
# Columns are counted from the system columns on (FirstLowInvalidHeapAttributeNumber is -7).
FIRST = -7
QUIET = """
    DO $$ DECLARE f regprocedure; BEGIN
        FOR f IN SELECT oid FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace
        LOOP
            EXECUTE format('ALTER FUNCTION %s SET debug_print_rewritten = off', f);
        END LOOP;
    END $$
"""
LOUD = """
    SET client_min_messages = log; SET debug_pretty_print = off; SET debug_print_rewritten = on
"""
COLUMNS = """
    SELECT c.oid, a.attnum, c.relname, a.attname FROM pg_attribute a JOIN pg_class c
    ON c.oid = a.attrelid WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0
"""
FUNCTIONS = "SELECT oid, proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"


class UsedRights:
    """Takes the place of a connection's list of notices. rights: what was used so far."""

    def __init__(self, owner: Any) -> None:
        self.rights: set[Right] = set()
        owner.execute(COLUMNS)
        rows = owner.fetchall()
        self.columns = {(table, number): name for table, number, _, name in rows}
        self.tables = {table: name for table, _, name, _ in rows}
        owner.execute(FUNCTIONS)
        self.functions: dict[int, str] = dict(owner.fetchall())

    def append(self, notice: str) -> None:
        """A query tree, or what else the server says."""
        tree = " ".join(notice.split())  # it comes in lines of 80 characters
        if "rewritten parse tree" not in tree:
            return
        for match in TOUCHED.finditer(tree):
            self._touched(int(match[1]), match[2] == "true", int(match[3]), match.groups()[3:])
        for match in CALLED.finditer(tree):
            if name := self.functions.get(int(match[1])):
                self.rights.add(("EXECUTE", name, ""))

    def _touched(
        self, table: int, with_children: bool, needed: int, columns: tuple[str, ...]
    ) -> None:
        # A foreign key looks at ONLY the other table, as the owner of that.
        if table not in self.tables or not (with_children or needed & INSERT):
            return
        name = self.tables[table]
        if needed & DELETE:
            self.rights.add(("DELETE", name, ""))
        verbs = ((SELECT, "SELECT"), (INSERT, "INSERT"), (UPDATE, "UPDATE"))
        for (bit, verb), listed in zip(verbs, columns, strict=True):
            if not needed & bit:
                continue
            for number in listed.split():
                self.rights.add((verb, name, self.columns.get((table, int(number) + FIRST), "")))
            if not listed:
                self.rights.add((verb, name, ""))


@contextmanager
def recorded(database: Any, owner: Any) -> Iterator[UsedRights]:
    """What the database's connection uses inside. owner: a cursor that commits at once, as the
    owner of the functions."""
    owner.execute(QUIET)
    used = UsedRights(owner)
    connection = database.connection()
    before = connection.notices
    database.execute_sql(LOUD)
    connection.notices = used
    yield used
    database.execute_sql("RESET debug_print_rewritten; RESET client_min_messages")
    connection.notices = before
