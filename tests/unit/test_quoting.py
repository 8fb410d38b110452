"""Names and texts as they stand in a statement: the lexer reads back what was written."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from engine.schema.quoting import LONGEST_NAME, literal, name, suffixed, unquoted
from engine.sql.lexer import Lexeme, pieces

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)


@given(TEXT.filter(bool))
@example("select")
@example("Order")
@example("a$b$")
@example('a"b')
@example("é")
@example("1a")
def test_a_name_is_one_word_or_stands_in_quotes(identifier: str) -> None:
    written = name(identifier)
    lexemes = {piece.lexeme for piece in pieces(f"{written} ")}
    if written == identifier:
        assert lexemes == {Lexeme.WORD}
        assert identifier == identifier.lower()
    else:
        assert lexemes == {Lexeme.NAME}
        assert unquoted(written) == identifier


def test_words_of_sql_are_no_names() -> None:
    assert name("user") == '"user"'
    assert name("name") == "name"


@given(TEXT)
@example("\\")
@example("\\'; DROP TABLE t; --")
def test_a_text_is_literals_and_nothing_else(text: str) -> None:
    written = literal(text)
    assert "".join(written[p.start : p.end] for p in pieces(written)) == written
    assert {piece.lexeme for piece in pieces(written)} == {Lexeme.LITERAL}
    assert ("\\" in written) == written.startswith("E")
    unescaped = written.removeprefix("E")[1:-1].replace("''", "'")
    assert unescaped.replace("\\\\", "\\") == text


@given(TEXT, st.text(alphabet="_abc", max_size=10))
def test_a_suffix_finds_room(identifier: str, suffix: str) -> None:
    whole = suffixed(identifier, suffix)
    assert len(whole.encode()) <= LONGEST_NAME
    assert whole.endswith(suffix)
    assert identifier.startswith(whole.removesuffix(suffix) if suffix else whole)
