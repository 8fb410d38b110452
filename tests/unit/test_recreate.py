"""What has to go and come again because of something that it needs."""

from __future__ import annotations

from engine.diff.change import Action, Change, is_rebuilt, is_retyped
from engine.diff.compare import diff
from engine.schema.kinds import Key, Kind
from engine.schema.model import Column, DomainType, Enum, Index, Schema, Table, View

COLUMN = Key(Kind.COLUMN, "t", "a")
VIEW = Key(Kind.VIEW, "", "v")
ABOVE = Key(Kind.VIEW, "", "w")
MOOD = Key(Kind.ENUM, "", "mood")


def schema(column: Column, needs: dict[Key, set[Key]], **more: object) -> Schema:
    views = {name: View(name, Kind.VIEW, "SELECT 1") for name in ("v", "w")}
    table = Table("t", {"a": column}, indexes={"i": Index("i", "CREATE INDEX i ON t (a)")})
    depends = {key: frozenset(needed) for key, needed in needs.items()}
    return Schema(tables={"t": table}, views=views, depends=depends, **more)  # type: ignore[arg-type]


def told(changes: list[Change]) -> list[str]:
    return sorted(str(change) for change in changes)


def test_views_on_views_go_with_a_column_and_indexes_stay() -> None:
    """PostgreSQL carries an index over to the new type by itself."""
    needs = {VIEW: {COLUMN}, ABOVE: {VIEW}, Key(Kind.INDEX, "t", "i"): {COLUMN}}
    old, new = schema(Column("a", "integer"), needs), schema(Column("a", "bigint"), needs)
    assert told(diff(old, new)) == [
        *("alter column t.a", "create view v", "create view w", "drop view v", "drop view w"),
    ]


def test_two_that_need_each_other_go_once() -> None:
    needs = {VIEW: {COLUMN, ABOVE}, ABOVE: {VIEW}}
    old, new = schema(Column("a", "integer"), needs), schema(Column("a", "bigint"), needs)
    assert told(diff(old, new)).count("drop view v") == 1


def test_a_default_goes_where_the_column_may_not() -> None:
    """The column holds data; its default calls a function that is made again."""
    needs = {COLUMN: {MOOD}}
    old = schema(
        Column("a", "text", default="'x'::mood"), needs, enums={"mood": Enum("mood", "ab")}
    )
    new = schema(
        Column("a", "text", default="'x'::mood"), needs, enums={"mood": Enum("mood", "ba")}
    )
    assert told(diff(old, new)) == [
        *("alter enum mood", "create default t.a", "drop default t.a", "drop enum mood_before"),
    ]


def test_a_column_moves_to_the_new_type_by_the_labels_of_the_old() -> None:
    needs = {COLUMN: {MOOD}, VIEW: {COLUMN}}
    old = schema(Column("a", "mood[]"), needs, enums={"mood": Enum("mood", ("x", "y"))})
    new = schema(Column("a", "mood[]"), needs, enums={"mood": Enum("mood", ("y", "x"))})
    changes = diff(old, new)
    (moved,) = [change for change in changes if change.does(Action.ALTER, Kind.COLUMN)]
    assert (moved.old.type, moved.new.type) == ("mood_before[]", "mood[]")
    assert (moved.by_text, moved.losing, is_retyped(moved)) == (True, "", True)
    assert [change.name for change in changes if is_rebuilt(change)] == ["mood"]
    assert {"drop view v", "create view v", "drop enum mood_before"} <= set(told(changes))


def test_a_domain_goes_aside_with_its_base_and_so_does_what_needs_its_columns() -> None:
    domain = Key(Kind.DOMAIN_TYPE, "", "d")
    needs = {domain: {MOOD}, COLUMN: {domain}, VIEW: {COLUMN}}
    types = {"domain_types": {"d": DomainType("d", "mood")}}
    old = schema(Column("a", "d"), needs, enums={"mood": Enum("mood", ("x", "y"))}, **types)
    new = schema(Column("a", "d"), needs, enums={"mood": Enum("mood", ("x",))}, **types)
    changes = told(diff(old, new))
    assert {"alter domain d", "alter column t.a", "drop domain d_before"} <= set(changes)
    assert {"drop view v", "create view v"} <= set(changes)
