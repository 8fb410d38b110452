"""The first words of a statement: enough to know it by, never a value, which may be a secret."""

from __future__ import annotations

import re

WORD = re.compile(r'(?:"(?:[^"]|"")*"|[^\W\d][\w$]*)(?:\.(?:"(?:[^"]|"")*"|[\w$]+))*(?=[\s(;,]|$)')
BEFORE_A_VALUE = {"AS", "DEFAULT", "DO", "IS", "RETURN", "SELECT", "SET", "TO", "VALUES", "WHERE"}
MOST_WORDS = 6


def first_words(sql: str) -> str:
    """What a statement does and to what, up to the first place where a value may stand."""
    # Its expressions take longer to compile than `invoke status` has for all its own work.
    from engine.sql.lexer import after_comments

    words: list[str] = []
    position = after_comments(sql)
    while len(words) < MOST_WORDS and (match := WORD.match(sql, position)):
        words.append(match[0])
        if match[0].upper() in BEFORE_A_VALUE:
            break
        position = after_comments(sql, match.end())
    return " ".join(words) or "function"
