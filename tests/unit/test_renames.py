"""Which drop and which add are one rename: only where nothing else could be meant."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from peewee import Model, TextField

from engine.diff.compare import diff
from engine.diff.rename_meanings import Meanings
from engine.diff.renames import plain, possible, specification
from engine.diff.typed_names import normal, typed
from engine.errors import ConfigError
from engine.schema.model import Column, Enum, Index, Schema, Table
from kernel.domain import Domain


def table(title: str, *columns: str, **indexes: str) -> Table:
    made = {
        name: Index(name, f"CREATE INDEX {name} ON {title} ({on})") for name, on in indexes.items()
    }
    return Table(title, {column: Column(column, "integer") for column in columns}, indexes=made)


def schema(*tables: Table, **enums: tuple[str, ...]) -> Schema:
    types = {name: Enum(name, labels) for name, labels in enums.items()}
    return Schema(tables={t.name: t for t in tables}, enums=types)


OLD = schema(table("client", "id", "fone"), mood=("open", "payed"))
NEW = schema(table("customer", "id", "phone"), state=("open", "paid"))


@pytest.mark.parametrize("owner", ["client", "customer"])
def test_a_column_is_found_by_the_old_or_the_new_name_of_its_table(owner: str) -> None:
    renames = Meanings(OLD, NEW).renames([], [f"{owner}.fone:phone", "client:customer"])
    assert [rename.sql for rename in renames] == [
        "ALTER TABLE client RENAME TO customer",
        "ALTER TABLE customer RENAME COLUMN fone TO phone",
    ]
    assert [rename.back.sql for rename in renames] == [
        "ALTER TABLE customer RENAME TO client",
        "ALTER TABLE customer RENAME COLUMN phone TO fone",
    ]


def test_a_label_is_renamed_in_its_type() -> None:
    renames = Meanings(OLD, NEW).renames([], ["mood:state", "state.payed:paid"])
    assert renames[1].sql == "ALTER TYPE state RENAME VALUE 'payed' TO 'paid'"
    assert str(renames[1]) == "rename value state.payed to paid"


def test_two_that_swap_names_go_by_way_of_a_third() -> None:
    both = schema(table("t", "a", "b", "c"))
    renames = Meanings(both, both).renames([], ["t.a:b", "t.b:c", "t.c:a"])
    assert [(rename.old, rename.new) for rename in renames] == [
        *(("a", "a_before"), ("c", "a"), ("b", "c"), ("a_before", "b")),
    ]
    with pytest.raises(ConfigError):  # b keeps its name
        Meanings(both, both).renames([], ["t.a:b"])


@pytest.mark.parametrize("text", ["client:other", "no:customer", "customer.id:phone", "client", ""])
def test_what_fits_nothing_is_told_or_left(text: str) -> None:
    assert Meanings(OLD, NEW).renames([text], []) == []
    with pytest.raises(ConfigError, match="--rename"):
        Meanings(OLD, NEW).renames([], [text])


def test_a_rename_waits_until_its_name_is_free() -> None:
    """A domain that goes on saying that two swap their names means nothing by it."""
    old, new = schema(table("t", "a", "b")), schema(table("t", "b", "c"))
    renames = Meanings(old, new).renames(["t.a:b"], ["t.b:c"])
    assert [(rename.old, rename.new) for rename in renames] == [("b", "c"), ("a", "b")]
    assert Meanings(old, old).renames(["t.a:b", "t.b:a"], []) == []
    one = plain(
        schema(table("t", "a", "b", x="a", y="b")), schema(table("t", "a", "b", y="a", z="b"))
    )
    assert [(rename.old, rename.new) for rename in one] == [("y", "z"), ("x", "y")]


def test_indexes_that_swap_their_names_go_by_way_of_a_third() -> None:
    """Dropped and made again, unique ones would let twins in meanwhile; a name that is taken for
    good leads nowhere."""
    old = schema(table("t", "a", "b", "c", x="a", y="b", z="c"))
    new = schema(table("t", "a", "b", "c", y="a", z="b", x="c"))
    assert [(rename.old, rename.new) for rename in plain(old, new)] == [
        *(("x", "x_before"), ("z", "x"), ("y", "z"), ("x_before", "y")),
    ]
    old = schema(table("t", "a", "b", x="a", y="b"), table("u", "a", x_before="a"))
    new = schema(table("t", "a", "b", y="a", x="b"), table("u", "a", x_before="a"))
    assert plain(old, new) == []


def test_an_index_that_is_the_only_one_of_its_definition_has_another_name() -> None:
    one = plain(schema(table("t", "a", x="a")), schema(table("t", "a", y="a")))
    assert [rename.sql for rename in one] == ["ALTER INDEX x RENAME TO y"]
    assert not plain(schema(table("t", "a", x="a", z="a")), schema(table("t", "a", y="a")))
    assert not plain(schema(table("t", "a", x="a")), schema(table("t", "a", y="a", z="a")))
    assert not plain(schema(table("t", "a", "b", x="a")), schema(table("t", "a", "b", y="b")))


def test_what_could_be_a_rename_is_asked_about() -> None:
    pairs = possible(diff(schema(table("t", "a", "b")), schema(table("t", "a", "c", "d"))))
    assert sorted(specification(*pair) for pair in pairs) == ["t.b:c", "t.b:d"]
    pairs = possible(diff(schema(table("t", "a")), schema(table("u", "a"), table("v", "a", "b"))))
    assert [specification(*pair) for pair in pairs] == ["t:u"]


HOSTILE = st.text(st.sampled_from('ab.:="( )é'), min_size=1, max_size=6)


@given(names=st.lists(HOSTILE, min_size=4, max_size=4, unique=True))
def test_any_name_can_be_typed(names: list[str]) -> None:
    """As a domain declares it, and as the option that a refusal names."""
    old_table, new_table, old, new = names
    kept = [f"{letter}{number}" for number, letter in enumerate("xyz")]
    before, after = schema(table(old_table, *kept, old)), schema(table(new_table, *kept, new))
    changes = diff(before, after)
    dropped, created = possible(changes)[0]
    text = specification(dropped, created)
    column = f"{typed(old, new_table)}:{typed(new)}"
    done = Meanings(before, after).renames([], [text, column])
    assert [(rename.old, rename.new, rename.table) for rename in done] == [
        (old_table, new_table, ""),
        (old, new, new_table),
    ]
    domain = Domain("shop", "domains/shop")
    fields = {"field": TextField(column_name=new)}
    meta = type("Meta", (), {"table_name": new_table})
    model: Any = type("Thing", (Model,), fields | {"Meta": meta})
    domain.renamed_from(model, old_table)
    domain.renamed_from(model.field, old)
    assert Meanings(before, after).renames(domain.renames, []) == done
    assert normal(typed(old, new_table)) == typed(old, new_table)
