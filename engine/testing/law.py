"""The law of a change, for tests: what diff finds leads from one schema to the other and back, in a
real database; the catalogs are equal each time, and rows that can stay do."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from itertools import chain
from typing import Any

from engine.connect import roles
from engine.diff.change import Action, Change
from engine.diff.compare import diff
from engine.diff.ordering import ordered
from engine.run.replay import Leg, Passed, round_trip
from engine.schema import catalog
from engine.schema.kinds import Kind
from engine.schema.model import Schema
from engine.schema.quoting import name
from engine.sql import statements as ddl

Rows = dict[str, list[dict[str, Any]]]
# Abstract roles; those of PostgreSQL's that stand for them are the first of its STAND_INS.
ROLES = ("app", "report")
Statements = str | Sequence[str]
# As to_jsonb writes it; where a column of times gets a zone, UTC is meant.
MOMENT = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)(?:[T ](?P<time>\d\d:\d\d:\d\d))?(?P<zone>[+-]\d\d(:\d\d)?)?"
)
# As text it is what its type prints: 10 is 10.00 as numeric(12,2). With a zero in front it is none.
NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?")


class Law:
    """Builds schemas and changes them, on a psycopg2 connection to a database that is of no other
    use. Nothing is committed: whoever made the connection rolls back."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def build(self, schema: str, statements: Statements) -> Schema:
        """Make a PostgreSQL schema with the statements in it, and stay there."""
        statements = as_text(statements)
        self._run(f"CREATE SCHEMA {schema}; SET LOCAL search_path = {schema}, pg_temp")
        self._run("SET LOCAL check_function_bodies = off")
        roles.use(self.connection, dict(zip(ROLES, roles.STAND_INS, strict=False)))
        if statements.strip():
            self._run(statements)
        return catalog.read(self.connection)

    def lead(self, old: Schema, new: Schema) -> list[Change]:
        """Carry out what leads from one to the other, where the first one is."""
        changes = ordered(diff(old, new), old, new, lambda change: 0)
        for statement in [ddl.sql(change) for change in changes]:
            self._run(statement)
        return changes

    def holds(self, old: Statements, new: Statements, rows: str = "") -> list[Change]:
        """Go from the old statements to the new ones, back, and there again.

        old, new: SQL that makes a whole schema, as one text or one by one. rows: what to put in
        before.

        Gives the changes of the way up. Raises AssertionError where the law does not hold, and
        GenerateError where a change has no safe statement.
        """
        wanted = self.build("wanted", new)
        known = self.build("known", old)
        if rows.strip():
            self._run(rows)
        rows_before = rows_of(self.connection, known) if rows.strip() else {}
        ways: list[list[Change]] = []
        legs = round_trip(
            lambda: ways.append(self.lead(known, wanted)),
            lambda: ways.append(self.lead(wanted, known)),
            lambda: catalog.read(self.connection, depends=False),
            known,
            wanted,
        )
        for passed in legs:
            if passed.error:
                raise passed.error
            goal = known if passed.leg is Leg.DOWN else wanted
            equal(passed, goal)
            rows_now = rows_of(self.connection, goal) if rows_before else {}
            keeps(rows_before, rows_now, known, goal, list(chain(*ways)))
        up = ways[0]
        assert (up != []) == (known != wanted), "there are changes just where there is a difference"
        return up

    def _run(self, statements: str) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(statements)


def as_text(statements: Statements) -> str:
    """The statements as one text."""
    return statements if isinstance(statements, str) else ";\n".join(statements)


def rows_of(connection: Any, schema: Schema) -> Rows:
    """All rows of all tables."""
    rows: Rows = {}
    with connection.cursor() as cursor:
        for table in schema.tables:
            # Of `to_jsonb(x)` a column x would be taken, where there is one.
            cursor.execute(f"SELECT to_jsonb(x.*) FROM {name(table)} x")
            rows[table] = [row for (row,) in cursor.fetchall()]
    return rows


def keeps(before: Rows, after: Rows, known: Schema, now: Schema, changes: list[Change]) -> None:
    """Rows stay, with the values of every column that is there before and after. before: those of
    the known schema. after: those of the schema that there is now."""
    lost = _lost(changes, now)
    for table in before.keys() & now.tables.keys() - {title for owner, title in lost if not owner}:
        columns = known.tables[table].columns.keys() & now.tables[table].columns.keys()
        kept = sorted(column for column in columns if (table, column) not in lost)
        kept = [column for column in kept if not _becomes_text(known, now, table, column)]
        changing = _changing_attributes(known, now)
        were, are = (_values(rows[table], kept, changing) for rows in (before, after))
        assert were == are, f"rows of {table}: {were - are} are gone"


def _lost(changes: list[Change], now: Schema) -> set[tuple[str, str]]:
    """(table or empty, name) of what goes with its data, or is computed again."""
    going = [change for change in changes if change.losing or _is_computed_again(change, now)]
    return {(change.table, change.name) for change in going}


def _is_computed_again(change: Change, now: Schema) -> bool:
    """Whether a column goes and comes with other values by right: what PostgreSQL computed and is
    a plain column from then on keeps them, unless no row held them."""
    if not change.does(Action.DROP, Kind.COLUMN):
        return False
    columns = now.tables[change.table].columns if change.table in now.tables else {}
    column = columns.get(change.name)
    return change.old.virtual or column is None or bool(column.generated)


def _becomes_text(known: Schema, now: Schema, table: str, column: str) -> bool:
    """Whether the column holds a composite, or a list of them, before or after, and else its text,
    as which the value looks otherwise."""
    types = {schema.tables[table].columns[column].type for schema in (known, now)}
    composites = known.composites.keys() | now.composites.keys()
    return len(types) > 1 and any(kind.removesuffix("[]") in composites for kind in types)


def _changing_attributes(known: Schema, now: Schema) -> set[str]:
    """The attributes that a composite type gets or loses, or the rows of a table as a type."""
    changing: set[str] = set()
    for title in known.tables.keys() & now.tables.keys():
        changing |= known.tables[title].columns.keys() ^ now.tables[title].columns.keys()
    for title in known.composites.keys() & now.composites.keys():
        before, after = known.composites[title].attributes, now.composites[title].attributes
        changing |= before.keys() ^ after.keys()
    return changing


def _values(rows: list[dict[str, Any]], columns: list[str], changing: set[str]) -> Counter[str]:
    """The rows without regard to their order; a number and its digits are one value. changing:
    attributes that do not count."""
    values: Counter[str] = Counter()
    for row in rows:
        values[json.dumps([_plain(row[column], changing) for column in columns])] += 1
    return values


def _plain(value: Any, changing: set[str]) -> Any:
    if isinstance(value, dict):
        kept = value.keys() - changing
        return {part: _plain(value[part], changing) for part in sorted(kept)}
    if isinstance(value, list):
        return [_plain(inner, changing) for inner in value]
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if is_number or NUMBER.fullmatch(str(value)):
        return f"{Decimal(str(value)).normalize():f}"
    if moment := MOMENT.fullmatch(str(value)):
        zone = (moment["zone"] or "+00").removesuffix(":00")  # a column of text has none of these
        return f"{moment['day']}T{moment['time'] or '00:00:00'}{zone}"
    return str(value)


def equal(passed: Passed[Schema], goal: Schema) -> None:
    """Whether what is there is the goal, to diff and by itself."""
    got = passed.got or goal
    left = [str(change) for change in diff(got, goal)]
    assert not left, f"after {passed.leg} these differences are left: {left}"
    assert got == goal, f"after {passed.leg} there is a difference that diff does not see"
