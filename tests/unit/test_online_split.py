"""What a first file does at once, and what waits for a second one because it looks at every row."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from engine.diff.compare import diff
from engine.diff.ordering import ordered
from engine.schema.kinds import ConstraintKind, Key, Kind, TriggerState
from engine.schema.model import Column, Constraint, Function, Index, Schema, Table, Trigger
from engine.sql.online_split import Split

COLUMN = Key(Kind.COLUMN, "t", "b")
UNIQUE = Constraint("t_b_key", ConstraintKind.UNIQUE, "UNIQUE (b)")
FOREIGN = Constraint("u_b_fkey", ConstraintKind.FOREIGN_KEY, "FOREIGN KEY (b) REFERENCES t(b)", "t")
CHECK = Constraint("t_check", ConstraintKind.CHECK, "CHECK (a > 0)")
INDEX = Index("i", "CREATE INDEX i ON t USING btree (a)")
TABLE = Table("t", {"a": Column("a", "integer"), "b": Column("b", "integer")})
ADDED = {**TABLE.columns, "c": Column("c", "integer", not_null=True, default="random()")}


def schema(*tables: Table, **more: object) -> Schema:
    return Schema(tables={t.name: t for t in tables}, **more)  # type: ignore[arg-type]


def split(old: Schema, new: Schema, rewriting: Iterable[Key] = ()) -> Split:
    return Split(ordered(diff(old, new), old, new, lambda _: 0), old, new, list(rewriting))


def now(parts: Split) -> list[str]:
    return [str(change) for change in parts.now]


@pytest.mark.parametrize(
    "wanted",
    [
        replace(TABLE, indexes={"i": INDEX}),
        replace(TABLE, constraints={"t_check": CHECK}),
        replace(TABLE, constraints={"t_b_key": UNIQUE}),
    ],
    ids=["index", "check", "unique"],
)
def test_what_looks_at_every_row_waits(wanted: Table) -> None:
    for old, new in ((TABLE, wanted), (wanted, TABLE)):
        parts = split(schema(old), schema(new))
        assert (now(parts), parts.later) == ([], True)


def test_of_a_new_table_nothing_waits() -> None:
    parts = split(schema(), schema(replace(TABLE, indexes={"i": INDEX})))
    assert (now(parts), parts.later) == (["create table t", "create index i on t"], False)


def test_a_partitioned_table_cannot_wait() -> None:
    """PostgreSQL builds no index on one CONCURRENTLY."""
    table = replace(TABLE, partitioned="RANGE (a)")
    parts = split(schema(table), schema(replace(table, indexes={"i": INDEX})))
    assert (now(parts), parts.later) == (["create index i on t"], False)


def test_a_key_waits_for_the_unique_constraint_that_it_needs() -> None:
    """Though the table of the key is new, and nothing of it would have to wait."""
    needs = {
        Key(Kind.FOREIGN_KEY, "u", FOREIGN.name): frozenset(
            {Key(Kind.CONSTRAINT, "t", UNIQUE.name)}
        )
    }
    other = Table("u", {"b": Column("b", "integer")}, {FOREIGN.name: FOREIGN})
    new = schema(replace(TABLE, constraints={UNIQUE.name: UNIQUE}), other, depends=needs)
    assert now(split(schema(TABLE), new)) == ["create table u"]


def test_an_index_does_not_wait_where_its_column_goes() -> None:
    old = schema(
        replace(TABLE, indexes={"i": INDEX}),
        depends={Key(Kind.INDEX, "t", "i"): frozenset({Key(Kind.COLUMN, "t", "a")})},
    )
    new = schema(replace(TABLE, columns={"b": TABLE.columns["b"]}))
    assert now(split(old, new)) == ["drop index i on t", "drop column t.a"]


def test_not_null_waits_and_what_else_changes_does_not() -> None:
    column = Column("b", "bigint", not_null=True)
    new = schema(replace(TABLE, columns={**TABLE.columns, "b": column}))
    parts = split(schema(TABLE), new)
    (change,) = parts.now
    assert (change.new.type, change.new.not_null, parts.later) == ("bigint", False, True)


@pytest.mark.parametrize(
    ("body", "filled"), [("NEW.a := 1; RETURN NEW", True), ("RAISE EXCEPTION 'no'", False)]
)
def test_a_new_column_is_filled_later_unless_a_trigger_minds(body: str, filled: bool) -> None:
    definition = "CREATE TRIGGER g BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f()"
    function = Function("f()", Kind.FUNCTION, "", body)
    table = replace(TABLE, triggers={"g": Trigger("g", definition, None, TriggerState.ENABLE)})
    old = schema(table, functions={"f()": function})
    new = schema(replace(table, columns=ADDED), functions={"f()": function})
    key = Key(Kind.COLUMN, "t", "c")
    parts = split(old, new, [key])
    (change,) = parts.now
    assert (change.new.default is None, parts.filled == {key}, parts.later) == (filled,) * 3
