"""Which comments have to be said: those that differ, and those of what is made again."""

from __future__ import annotations

from dataclasses import replace

from engine.diff.compare import diff
from engine.schema.kinds import Kind
from engine.schema.model import Column, Enum, Function, Index, Schema, Table, View
from engine.sql import statements

INDEX = Index("i", "CREATE INDEX i ON v (a)", comment="an index")
VIEW = View("v", Kind.MATERIALIZED_VIEW, "SELECT 1 AS a", indexes={"i": INDEX}, comment="a view")
TABLE = Table("t", {"a": Column("a", "integer", comment="it's"), "b": Column("b", "integer")})


def said(old: Schema, new: Schema) -> list[str]:
    return [statements.sql(change) for change in diff(old, new) if change.kind is Kind.COMMENT]


def test_only_what_differs_is_said() -> None:
    other = replace(TABLE, comment="a table", columns={"a": Column("a", "integer")})
    assert said(Schema(tables={"t": TABLE}), Schema(tables={"t": other})) == [
        "COMMENT ON TABLE t IS 'a table';\nCOMMENT ON COLUMN t.a IS NULL"
    ]
    assert not said(Schema(tables={"t": TABLE}), Schema(tables={"t": TABLE}))


def test_with_a_view_that_is_made_anew_the_comments_of_its_parts_are_said_again() -> None:
    other = replace(VIEW, definition="SELECT 2 AS a")
    assert said(Schema(views={"v": VIEW}), Schema(views={"v": other})) == [
        "COMMENT ON MATERIALIZED VIEW v IS 'a view';\nCOMMENT ON INDEX i IS 'an index'"
    ]


def test_a_type_loses_its_comment_where_it_is_made_anew_and_keeps_it_in_place() -> None:
    old = Schema(enums={"mood": Enum("mood", ("x", "y"), "a type")})
    shorter = Schema(enums={"mood": Enum("mood", ("x",), "a type")})
    longer = Schema(enums={"mood": Enum("mood", ("x", "y", "z"), "a type")})
    assert said(old, shorter) == ["COMMENT ON TYPE mood IS 'a type'"]
    assert said(old, longer) == []


def test_a_procedure_is_told_from_a_function() -> None:
    made = Function("p(integer)", Kind.PROCEDURE, "a integer", "CREATE …", "a procedure")
    assert said(Schema(), Schema(functions={"p(integer)": made})) == [
        "COMMENT ON PROCEDURE p(integer) IS 'a procedure'"
    ]
