"""SQL text cut into statements, and its comments and literals told from the rest.

It knows what PostgreSQL's scanner knows (the manual: Lexical Structure; src/backend/parser/scan.l)
with standard_conforming_strings on, and ends a statement where psql does
(src/fe_utils/psqlscan.l). No more than that: what a statement means, PostgreSQL says.

Time and memory are in proportion to the text: a literal is one slice of it, however long.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import lru_cache
from io import StringIO
from typing import NamedTuple


class Lexeme(StrEnum):
    """What a piece of SQL is; white space, numbers and operators are none."""

    COMMENT = "comment"
    LITERAL = "literal"
    NAME = "name"
    WORD = "word"
    MARK = "mark"


SILENT = (Lexeme.COMMENT, Lexeme.LITERAL)


class Piece(NamedTuple):
    """A piece of SQL, from start to before end. NAME: in double quotes. MARK: `;`, `(` or `)`.

    "a""b" is two pieces, side by side, which changes nothing for a reader of statements.
    """

    lexeme: Lexeme
    start: int
    end: int


LETTER = r"A-Za-z_\x80-\U0010ffff"
# U&'…', N'…', B'…' and X'…' are a word and a literal, since a backslash ends none of them; in E'…'
# it may stand before a quote. A dollar inside a word begins no literal: a$b$ is a name.
PIECE = re.compile(
    rf"""
    (?P<comment>--[^\n\r]*)
    |(?P<block>/\*)
    |(?P<escaped>[eE]')
    |(?P<literal>'[^']*+(?:''[^']*+)*+'?)
    |(?P<dollar>\$(?:[{LETTER}][{LETTER}0-9]*)?\$)
    |(?P<name>"[^"]*+"?)
    |(?P<word>[{LETTER}][{LETTER}0-9$]*)
    |(?P<mark>[;()])
    """,
    re.VERBOSE,
)
LEXEMES = {
    **{lexeme.value: lexeme for lexeme in Lexeme},
    "block": Lexeme.COMMENT,
    "escaped": Lexeme.LITERAL,
    "dollar": Lexeme.LITERAL,
}
COMMENT_EDGE = re.compile(r"/\*|\*/")
ESCAPED = re.compile(r"(?:[^'\\]++|\\(?:.|\Z)|'')*+'?", re.DOTALL)
# 'a' and, on a later line, 'b' are one literal; what stands between may be comments to line ends.
CONTINUED = re.compile(r"(?:[ \t\f\v]|--[^\n\r]*)*[\n\r](?:[ \t\f\v\n\r]|--[^\n\r]*[\n\r])*'")
SPACE = re.compile(r"\s*")
# Without any of it a text is one statement, and all of that is command.
TELLING = re.compile(r"['$;]|--|/\*")
# Of a text of as many characters nothing is kept that is as long.
LONG = 10_000


def pieces(sql: str, position: int = 0) -> Iterator[Piece]:
    """The pieces of the text from there on. What is not closed goes on to the end."""
    while match := PIECE.search(sql, position):
        position = match.end()
        group = match.lastgroup or ""
        if group == "dollar":
            position = _after(match[0], sql, position)
        elif group == "escaped":
            position = _after_escaped(sql, position)
        elif group == "block":
            position = _after_comment(sql, position)
        yield Piece(LEXEMES[group], match.start(), position)


def _after(text: str, sql: str, position: int) -> int:
    """Where the text ends that comes next, or all does."""
    start = sql.find(text, position)
    return len(sql) if start < 0 else start + len(text)


def _after_escaped(sql: str, position: int) -> int:
    while True:
        position = _end(ESCAPED, sql, position)
        continued = CONTINUED.match(sql, position)
        if not continued:
            return position
        position = continued.end()


def _after_comment(sql: str, position: int) -> int:
    """Comments nest: /* a /* b */ c */ is one."""
    depth = 1
    for edge in COMMENT_EDGE.finditer(sql, position):
        depth += 1 if edge[0] == "/*" else -1
        if not depth:
            return edge.end()
    return len(sql)


def _end(pattern: re.Pattern[str], sql: str, position: int) -> int:
    match = pattern.match(sql, position)
    return match.end() if match else position


def split(sql: str) -> list[str]:
    """The statements, without the semicolons between them. Comments stay with what follows."""
    return [text.strip() for text, command in _statements(sql) if command.strip()]


def apart(sql: str) -> list[str]:
    """The statements as split() has them; a single one as it is, since without the blanks around it
    a long one would be there twice."""
    statements = split(sql)
    return statements if len(statements) > 1 else [sql]


def in_place(sql: str) -> list[str]:
    """The statements as split() has them, each behind as many blanks and line ends as stand before
    it, so that a place in it is that place in the whole."""
    texts, end = [], 0
    blank = re.sub(r"[^\n]", " ", sql)
    for text in split(sql):
        start = sql.index(text, end)
        end = start + len(text)
        texts.append(blank[:start] + text)
    return texts


def commands(sql: str) -> list[str]:
    """What split() gives, with a blank for each comment and literal; quoted names stay."""
    same: dict[str, str] = {}  # of a million rows all are INSERT INTO t VALUES ( )
    listed = []
    for _, command in _statements(sql):
        if text := command.strip():
            listed.append(same.setdefault(text, text))
    return listed


def _statements(sql: str) -> Iterable[tuple[str, str]]:
    """(text, the same with a blank for each comment and literal) between the semicolons. Who asks
    for the one mostly asks for the other, too; of a long text both would be its memory again."""
    return _cut_once(sql) if len(sql) < LONG else _cut(sql)


@lru_cache(maxsize=1)
def _cut_once(sql: str) -> tuple[tuple[str, str], ...]:
    return tuple(_cut(sql))


def _cut(sql: str) -> Iterator[tuple[str, str]]:
    if not TELLING.search(sql):
        yield sql, sql
        return
    nesting, command = _Nesting(), StringIO()
    start = position = 0
    may_end = ";" in sql
    for piece in pieces(sql):
        ends = may_end and nesting.ends_at(sql, piece)
        if ends or piece.lexeme in SILENT:
            command.write(sql[position : piece.start] + ("" if ends else " "))
            position = piece.end
        if ends:
            yield sql[start : piece.start], command.getvalue()
            nesting, command = _Nesting(), StringIO()
            start = piece.end
    command.write(sql[position:])
    yield sql[start:], command.getvalue()


class _Nesting:
    """How deep a statement is in parentheses, and in the bodies of functions: a semicolon ends it
    outside of both.

    psql's rule: in what begins with CREATE [OR REPLACE] FUNCTION or PROCEDURE, BEGIN opens a body
    that END closes, and so does CASE inside one. So CREATE FUNCTION … BEGIN ATOMIC … END is one
    statement, and BEGIN; is one, too.
    """

    def __init__(self) -> None:
        self.parentheses = 0
        self.bodies = 0
        self.first_words: list[str] = []

    def ends_at(self, sql: str, piece: Piece) -> bool:
        """Whether the statement ends there; the pieces have to come in their order."""
        if piece.lexeme is Lexeme.MARK:
            mark = sql[piece.start]
            if mark == ";":
                return not self.parentheses and not self.bodies
            self.parentheses = max(0, self.parentheses + (1 if mark == "(" else -1))
        elif piece.lexeme is Lexeme.WORD:
            self._read(sql[piece.start : piece.end].upper())
        return False

    def _read(self, word: str) -> None:
        if len(self.first_words) < 4:
            self.first_words.append(word)
        if self.parentheses or not self._makes_routine():
            return
        if word == "BEGIN" or (word == "CASE" and self.bodies):
            self.bodies += 1
        elif word == "END":
            self.bodies = max(0, self.bodies - 1)

    def _makes_routine(self) -> bool:
        words = self.first_words
        routine = words[3:] if words[1:3] == ["OR", "REPLACE"] else words[1:]
        return words[0] == "CREATE" and routine[:1] in (["FUNCTION"], ["PROCEDURE"])


def after_comments(sql: str, position: int = 0) -> int:
    """Where from there on something stands that is neither white space nor a comment."""
    for piece in pieces(sql, position):
        position = _end(SPACE, sql, position)
        if piece.lexeme is not Lexeme.COMMENT or piece.start != position:
            return position
        position = piece.end
    return _end(SPACE, sql, position)


def value(literal: str) -> str:
    """What a literal says, but for the escapes of E'…' other than that of a quote."""
    if literal.startswith("$"):
        tag = literal[: literal.index("$", 1) + 1]
        return literal.removeprefix(tag).removesuffix(tag)
    if literal.startswith(("e", "E")):
        return literal[2:-1].replace("\\'", "'").replace("''", "'")
    return literal[1:-1].replace("''", "'")
