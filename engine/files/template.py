"""The text of a migration file, in peewee-migrate's own form, for a reviewer to read."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import groupby

from engine.sql.lexer import Lexeme, pieces

FORM = '''"""{title}

{header}
"""
{mode}

def migrate(migrator, database, *, fake=False):
{up}


def rollback(migrator, database, *, fake=False):
{down}
'''
EMPTY = '''"""{title}

What this changes, and why it is written by hand.
"""

# Without this line the file is one transaction. With it each step stands alone, as CREATE INDEX
# CONCURRENTLY needs; after a crash the next run goes on where it stopped, or undoes what is done if
# migrator.back("""…""") below each step says how; rollback() is migrator.undo(migrate) then.
# atomic = False


def migrate(migrator, database, *, fake=False):
    # migrator.sql("""UPDATE authors SET notes = NULL WHERE notes = ''""")   a % is written %%
    # migrator.run(function, argument)                                      Python, at its turn
    pass


def rollback(migrator, database, *, fake=False):
    # The way back. Leave `pass` only where there is nothing to undo.
    pass
'''
UNDO = "    migrator.undo(migrate)  # what is said below each statement, the last first"
WIDTH = 96
# What generate says in the head of its files, and reads there when it is to write them again.
WRITTEN_BY = "Written by `{task}`"
TOGETHER = "Written together with the file before it."


@dataclass(frozen=True)
class Statement:
    """A statement of a file. group: the comment it stands under, usually the domain. back: what
    undoes it by itself; None where the file does not say that."""

    group: str
    sql: str
    back: tuple[str, ...] | None = None


def without_ways_back(lines: Iterable[Statement]) -> list[Statement]:
    """The statements, of which nobody says then how each is undone."""
    return [replace(line, back=None) for line in lines]


def migration_text(
    title: str,
    header: Iterable[str],
    up: Iterable[Statement],
    down: Iterable[Statement] | None,
    *,
    atomic: bool = True,
) -> str:
    """The whole file. header: paragraphs. down: the way back; None for that of each statement of
    the way up, the last first. atomic: whether it is one transaction."""
    paragraphs = (textwrap.fill(paragraph, WIDTH) for paragraph in header)
    text = "\n\n".join(paragraphs).replace("\\", "\\\\").replace('"""', "'''")
    mode = "" if atomic else "\natomic = False\n"
    back = UNDO if down is None else _body(down)
    return FORM.format(title=title, header=text, mode=mode, up=_body(up), down=back)


def empty_text(title: str) -> str:
    """A file for a change that is written by hand."""
    return EMPTY.format(title=title)


def _body(statements: Iterable[Statement]) -> str:
    blocks = []
    for group, members in groupby(statements, key=lambda statement: statement.group):
        rule = "─" * max(4, WIDTH - 8 - len(group))
        calls: list[str] = []
        for statement in members:
            calls += [_call("sql", statement.sql), *_ways_back(statement)]
        blocks.append(f"    # ── {group} {rule}\n\n" + "\n".join(calls))
    return "\n\n".join(blocks) if blocks else "    pass"


def _ways_back(statement: Statement) -> list[str]:
    if statement.back == ():
        return ["    migrator.back()"]
    return [_call("back", sql) for sql in statement.back or ()]


def _call(method: str, sql: str) -> str:
    """One call of the migrator's. What is inside a quoted text stays where it is, to the letter."""
    text = sql.strip().replace("%", "%%")
    if "\n" in text or len(text) >= WIDTH - 22:
        indent = " " * 4 if _indentable(text) else ""
        text = f"\n{textwrap.indent(text, indent * 2)}\n{indent}"
    raw = "r" if "\\" in text else ""
    for quotes in ('"""', "'''"):
        form = f"{raw}{quotes}{text}{quotes}"
        if _means(form, text):
            return f"    migrator.{method}({form})"
    return f"    migrator.{method}({text!r})"


def _means(form: str, text: str) -> bool:
    """Whether Python reads the form as the text."""
    try:
        return bool(ast.literal_eval(form) == text)
    except SyntaxError:
        return False


def _indentable(text: str) -> bool:
    """Whether no line break lies inside a literal or a quoted name, where white space is data:
    "x<line break>y" would become another name."""
    for piece in pieces(text):
        if piece.lexeme in (Lexeme.LITERAL, Lexeme.NAME) and "\n" in text[piece.start : piece.end]:
            return False
    return True
