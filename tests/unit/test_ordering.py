"""The order of changes: what is smallest comes next, as long as nothing has to come before it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.diff.compare import diff
from engine.diff.ordering import ordered, places, sorted_numbers
from engine.schema.kinds import ConstraintKind, Key, Kind
from engine.schema.model import Column, Constraint, Enum, Schema, Table, View

GRAPH = st.integers(1, 8).flatmap(
    lambda size: st.tuples(
        st.lists(st.tuples(st.integers(0, 3)), min_size=size, max_size=size),
        st.sets(st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)), max_size=12),
    )
)


@given(GRAPH)
def test_every_edge_is_kept_where_there_is_no_circle(
    graph: tuple[list[tuple[int]], set[tuple[int, int]]],
) -> None:
    priorities, drawn = graph
    edges = {(first, then) for first, then in drawn if first < then}
    order = sorted_numbers([*priorities], edges)
    assert sorted(order) == list(range(len(priorities)))
    for first, then in edges:
        assert order.index(first) < order.index(then)
    for place, number in enumerate(order):
        waiting = {then for first, then in edges if order.index(first) >= place}
        ready = set(order[place:]) - waiting
        assert (priorities[number], number) == min((priorities[n], n) for n in ready)


@given(GRAPH)
def test_a_circle_loses_nothing(graph: tuple[list[tuple[int]], set[tuple[int, int]]]) -> None:
    priorities, edges = graph
    assert sorted(sorted_numbers([*priorities], edges)) == list(range(len(priorities)))


def test_a_circle_is_cut_at_its_own_smallest() -> None:
    """What only waits for a circle would come too early, though nothing is wrong with it."""
    assert sorted_numbers([(2,), (1,), (0,)], {(0, 1), (1, 0), (1, 2)}) == [1, 2, 0]
    assert sorted_numbers([(0,), (3,), (2,)], {(1, 2), (2, 1), (1, 0)}) == [2, 1, 0]


def referring(title: str, *targets: str) -> Table:
    keys = {}
    for target in targets:
        key = Constraint(f"{title}_{target}", ConstraintKind.FOREIGN_KEY, "FOREIGN KEY", target)
        keys[key.name] = key
    return Table(title, constraints=keys)


def test_a_table_comes_after_those_that_it_refers_to() -> None:
    tables = {t.name: t for t in (referring("a", "b", "c"), referring("b", "c"), referring("c"))}
    assert sorted(tables, key=places(tables).__getitem__) == ["c", "b", "a"]
    circle = {t.name: t for t in (referring("a", "b"), referring("b", "a"), referring("c", "c"))}
    assert sorted(places(circle).values()) == [0, 1, 2]


def written(old: Schema, new: Schema) -> list[str]:
    return [str(change) for change in ordered(diff(old, new), old, new, lambda change: 0)]


def test_a_name_is_given_up_before_it_is_taken() -> None:
    """Nothing says so but the name: the view needs nothing of the table."""
    table, view = Table("v"), View("v", Kind.VIEW, "SELECT 1")
    old, new = Schema(tables={"v": table}), Schema(views={"v": view})
    assert written(old, new) == ["drop table v", "create view v"]
    assert written(new, old) == ["drop view v", "create table v"]


def test_a_serial_waits_for_the_name_of_its_sequence() -> None:
    old = Schema(tables={"a_id_seq": Table("a_id_seq")})
    new = Schema(tables={"a": Table("a", {"id": Column("id", "serial", not_null=True)})})
    assert written(old, new) == ["drop table a_id_seq", "create table a"]


def test_what_is_needed_comes_first_and_goes_last() -> None:
    """The table is of the enum by its column, which is made with it."""
    table = Table("t", {"a": Column("a", "mood")})
    needs = {Key(Kind.COLUMN, "t", "a"): frozenset({Key(Kind.ENUM, "", "mood")})}
    full = Schema(enums={"mood": Enum("mood", ("x",))}, tables={"t": table}, depends=needs)
    assert written(Schema(), full) == ["create enum mood", "create table t"]
    assert written(full, Schema()) == ["drop table t", "drop enum mood"]
