"""SQL written so that psql sends what the engine sends: psql reads it line by line, and takes some
of it for its own."""

from __future__ import annotations

import re

from engine.sql.lexer import CONTINUED, ESCAPED, Lexeme, Piece, pieces
from engine.sql.text_forms import dedented

# psql puts a variable's value there, and some variables are always set: of `rows[1:PORT]` it makes
# `rows[15432]`. With a blank behind it the colon stays one, for PostgreSQL as well.
VARIABLE = re.compile(r"(?<!:):(?=[A-Za-z_\x80-\U0010ffff{])")
BEFORE_QUOTE = re.compile(r"(?<!:):\Z")


def statement(sql: str) -> str:
    """The statements of a text, the last one ended as well."""
    text = _read_alike(dedented(sql))
    last: Piece | None = None
    for piece in pieces(text):
        last = piece
    if last is None or text[last.end :].strip():
        return f"{text};"
    if last.lexeme is Lexeme.MARK and text[last.start] == ";":
        return text
    # A semicolon behind a comment would be a part of it.
    return f"{text}\n;" if last.lexeme is Lexeme.COMMENT else f"{text};"


def _read_alike(sql: str) -> str:
    parts, position = [], 0
    for piece in pieces(sql):
        between = VARIABLE.sub(": ", sql[position : piece.start + 1])
        between = between[:-1]
        said = sql[piece.start : piece.end]
        if said[0] in "'\"":
            between = BEFORE_QUOTE.sub(": ", between)
        parts += [between, _on_one_piece(said) if piece.lexeme is Lexeme.LITERAL else said]
        position = piece.end
    return "".join([*parts, VARIABLE.sub(": ", sql[position:])])


def _on_one_piece(literal: str) -> str:
    """E'a' and, on a later line, '\\'b' as E'a\\'b': psql takes the second one for a plain one, in
    which a backslash is a letter."""
    if literal[0] not in "eE":
        return literal
    said, position = [literal[:2]], 2
    while (match := ESCAPED.match(literal, position)) and (
        continued := CONTINUED.match(literal, match.end())
    ):
        said.append(literal[position : match.end() - 1])
        position = continued.end()
    return "".join([*said, literal[position:]])
