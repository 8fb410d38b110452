"""What PostgreSQL's scanner knows of comments, literals and names, and what is cut by it."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.sql.lexer import Lexeme, after_comments, commands, pieces, split, value
from engine.sql.text_forms import bare, masked, without_values

ONE_STATEMENT = {
    "an escaped quote": r"SELECT E'it\'s done; commit; \'x'",
    "a backslash that escapes nothing": r"SELECT 'C:\', ';'",
    "a doubled quote": "SELECT 'a'';''b', E'a'';''b'",
    "an escaped literal over two lines": "SELECT E'a'\n  -- not the end\n 'b\\';'",
    "a comment inside a comment": "/* a /* ; */ ; */ SELECT 1",
    "a comment to the end of a line": "SELECT 1 -- ; it's\n + 1",
    "dollars": "SELECT $$;$$, $a$ $$ ; $b$ $a$",
    "dollars of another alphabet": "SELECT $é1$ ; $é1$",
    "a name with dollars in it": "SELECT 1 AS a$b$, 2 AS c$b$",
    "a name with an E before a quote": "SELECT date'2026-01-01', ';'",
    "quoted names": 'SELECT 1 AS "a;""b", 2 AS U&"\\0061;"',
    "unicode, national and bit strings": r"SELECT U&'\;', N';', B'1', X'F;'",
    "commands in parentheses": "CREATE RULE r AS ON INSERT TO t DO (DELETE FROM a; DELETE FROM b)",
    "a body": "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE 1 WHEN 1 THEN 2 "
    "END; SELECT 3; END",
    "another body": "create or replace procedure p() begin atomic delete from t; end",
    "what is never closed": "SELECT 'a; b",
}


@pytest.mark.parametrize("sql", ONE_STATEMENT.values(), ids=ONE_STATEMENT)
def test_no_semicolon_inside_a_statement_ends_it(sql: str) -> None:
    assert split(sql) == [sql]
    if not sql.endswith("b"):
        assert split(f"{sql};\nSELECT 2") == [sql, "SELECT 2"]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT a$b$; SELECT $b$ FROM t; $b$", ["SELECT a$b$", "SELECT $b$ FROM t; $b$"]),
        (r"SELECT 'a\'; SELECT 'b'", [r"SELECT 'a\'", "SELECT 'b'"]),
        ("BEGIN; SELECT 1; END;", ["BEGIN", "SELECT 1", "END"]),
        ("CREATE TABLE begin (a int); SELECT 1", ["CREATE TABLE begin (a int)", "SELECT 1"]),
        (";;\n-- nothing\n; /* ; */", []),
    ],
)
def test_a_semicolon_outside_ends_it(sql: str, expected: list[str]) -> None:
    assert split(sql) == expected


def test_of_comments_and_literals_a_command_has_a_blank() -> None:
    sql = "/* x */ DELETE FROM \"a;--b\" WHERE b = E'\\'; COMMIT; ' -- c\n;COMMIT /**/ WORK"
    assert commands(sql) == ['DELETE FROM "a;--b" WHERE b =', "COMMIT   WORK"]


def test_a_mask_leaves_every_character_at_its_place() -> None:
    sql = "SELECT 'é\n;', \"n'\" /* a\n/* b */ */ FROM t"
    assert masked(sql) == 'SELECT   \n  , "n\'"     \n           FROM t'
    assert bare(sql) == 'SELECT  , "n\'"   FROM t'
    assert without_values(sql) == "SELECT '', \"n'\" /* a\n/* b */ */ FROM t"


@pytest.mark.parametrize(
    ("sql", "rest"),
    [
        (" -- a\n /* b /* c */ d */ CREATE", "CREATE"),
        ("/* a */'x'", "'x'"),
        ("- 1 -- a", "- 1 -- a"),
        (" -- a", ""),
    ],
)
def test_what_follows_comments(sql: str, rest: str) -> None:
    assert sql[after_comments(sql) :] == rest


@pytest.mark.parametrize(
    ("literal", "said"), [("$a$ $$ $a$", " $$ "), ("'x'", "x"), (r"E'it\'s ''x'''", "it's 'x'")]
)
def test_what_a_literal_says(literal: str, said: str) -> None:
    assert value(literal) == said


@given(st.text(alphabet="aE$'\"-/*;()\\\n 1é", max_size=40))
def test_pieces_lie_side_by_side_in_any_text(sql: str) -> None:
    end = 0
    for piece in pieces(sql):
        assert end <= piece.start < piece.end <= len(sql)
        end = piece.end
    assert len(masked(sql)) == len(sql)
    assert len(split(sql)) == len(commands(sql))
    short = without_values(sql)
    assert [piece.lexeme for piece in pieces(short)] == [piece.lexeme for piece in pieces(sql)]


@pytest.mark.parametrize(
    "literal",
    [
        "'" + "x''" * 200_000 + "'",
        "E'" + r"\'" * 300_000 + "'",
        "$$" + f"{'a' * 99}\n" * 6_000 + "$$",
    ],
    ids=["plain", "escaped", "dollars"],
)
def test_a_long_literal_costs_little_more_than_itself(literal: str) -> None:
    sql = f"INSERT INTO t VALUES ({literal})"
    tracemalloc.start()
    assert [piece.lexeme for piece in pieces(sql)].count(Lexeme.LITERAL) == 1
    assert split(sql) == [sql]
    assert commands(sql) == ["INSERT INTO t VALUES ( )"]
    assert masked(sql).startswith("INSERT INTO t VALUES (  ")
    assert bare(sql) == "INSERT INTO t VALUES ( )"
    assert without_values(sql) == "INSERT INTO t VALUES ('')"
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5 * len(sql)
