"""SQL without the indentation of the file that it stands in: laws of the function that shows it."""

from __future__ import annotations

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.sql.lexer import Lexeme, pieces
from engine.sql.text_forms import dedented

PIECE = st.sampled_from(
    [
        "UPDATE t",
        "SET a = E'\\'\n  '",
        "SET a = 'x\n   y'",
        "DO $$\n   BEGIN\n   END $$",
        "-- why\n",
        "/* a\n  b */",
        " ",
    ]
)


@pytest.mark.parametrize(
    ("sql", "shown"),
    [
        ("\n        UPDATE t\n        SET a = 1\n    ", "UPDATE t\nSET a = 1"),
        ("\n    CREATE TABLE t (\n        a int\n    )\n", "CREATE TABLE t (\n    a int\n)"),
        ("UPDATE t\n    SET a = 1", "UPDATE t\n    SET a = 1"),
        ("\n    SELECT 'a\n  b'\n    FROM t", "SELECT 'a\n  b'\nFROM t"),
        ("\n    DO $$\n    BEGIN\n    END\n    $$", "DO $$\n    BEGIN\n    END\n    $$"),
        ("\n    SELECT E'it\\'s\n    ', 'b\n    '", "SELECT E'it\\'s\n    ', 'b\n    '"),
        ("\n    /* why\n    so */\n    SELECT 1", "/* why\nso */\nSELECT 1"),
        ("", ""),
    ],
)
def test_a_statement_is_shown_without_the_indentation_of_its_file(sql: str, shown: str) -> None:
    assert dedented(sql) == shown


@given(st.lists(PIECE, min_size=1, max_size=6), st.integers(0, 9))
def test_no_letter_of_a_quoted_text_changes(parts: list[str], margin: int) -> None:
    sql = textwrap.indent("\n".join(parts), " " * margin)
    shown = dedented(sql)
    assert _quoted(shown) == _quoted(sql)
    assert shown.split() == sql.split()
    assert dedented(shown) == shown


def _quoted(sql: str) -> list[str]:
    return [sql[p.start : p.end] for p in pieces(sql) if p.lexeme is Lexeme.LITERAL]
