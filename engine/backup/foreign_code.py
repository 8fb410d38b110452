"""What a dump would bring along that runs, and that the migrations did not make.

Everything that is restored belongs to the role that restores it: a function that somebody planted
in the database of old, and that ran as nobody in particular, runs as the owner of all tables then.
PostgreSQL keeps the body of a function letter for letter, so ours are those whose body stands in a
migration. Of other things it keeps only what it understood, so these go by their names; and by what
they call where their rows come, such as the CHECK of a table.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from engine.backup import forged
from engine.backup.archive import Archive
from engine.files import migration_folder
from engine.project import Project
from engine.sql import lexer, outside, text_forms
from engine.sql.lexer import Lexeme

FUNCTIONS = "FUNCTION|PROCEDURE"
OTHERS = (
    "AGGREGATE|TRIGGER|EVENT TRIGGER|RULE|VIEW|MATERIALIZED VIEW|OPERATOR|CAST|TRANSFORM"
    "|PROCEDURAL LANGUAGE|FOREIGN DATA WRAPPER|SERVER|SUBSCRIPTION"
)
# Of PostgreSQL's own functions: what runs a text as SQL, and what has the files and settings of the
# server. A role may name them in an expression though it may not call them.
REACHING = re.compile(
    rf"\b(?:{outside.NAMES}|(?:query|table|schema|database|cursor)_to_xml\w*|ts_stat|ts_rewrite"
    r"|pg_read_\w+|pg_ls_\w+|pg_stat_file|lo_\w+|set_config)\s*\(",
    re.IGNORECASE,
)
MADE_THING = re.compile(r"(?:CREATE|ALTER)\s+([A-Z ]+?)\s+(?:ONLY\s+)?((?:\"[^\"]+\"|[\w.])+)")
FUNCTION = re.compile(rf"CREATE (?:OR REPLACE )?({FUNCTIONS}) (.*?)(?:\n| RETURNS |$)", re.DOTALL)
WORDS = "AGGREGATE|TRIGGER|RULE|VIEW|LANGUAGE|WRAPPER|SERVER|SUBSCRIPTION"
MADE = re.compile(
    rf"\b({WORDS})\s+(?:IF\s+NOT\s+EXISTS\s+)?(?:[\w\"]+\s*\.\s*)?\"?(\w+)", re.IGNORECASE
)
MADE_HERE = re.compile(
    rf"CREATE (?:OR REPLACE )?(?:[A-Z]+ )*?({WORDS}) (?:{forged.PART}\.)?\"?(\w+)"
)
OTHER_MADE = re.compile(
    rf"CREATE (?:OR REPLACE )?(?:CONSTRAINT |TRUSTED |RECURSIVE )?(?:{OTHERS}) "
)
# A schema may begin with blanks; so the first of its words alone is cut off.
OTHER = re.compile(rf"\d+; \d+ \d+ ({OTHERS}) +[^ ]+ (.*) \S* *\n")


def listed(archive: Archive, project: Project) -> list[str]:
    """What it is, one a line: `FUNCTION public.f(integer)`, `RULE orders keep_none`."""
    texts = set(_texts(project))
    # All of them, whatever kind of entry each says it is.
    making = list(archive.statements(forged.MAKING))
    return [
        *_functions(making, texts),
        *_others(archive, making, texts),
        *_reaching(making),
        *forged.listed(archive, making),
    ]


def _functions(making: list[str], texts: set[str]) -> Iterator[str]:
    bodies: set[str] = set()
    for text in texts:
        bodies |= set(_dollar_quoted(text))
    for code in making:
        match = FUNCTION.match(code)
        if match and _body(code) not in bodies:
            yield f"{match[1]} {match[2]}"


def _others(archive: Archive, making: list[str], texts: set[str]) -> Iterator[str]:
    made = {(word.upper(), name) for word, name in MADE.findall("\n;\n".join(texts))}
    expected = 0
    for entry in archive.entries(OTHERS):
        match = OTHER.fullmatch(entry)
        if match and (match[1].split()[-1], _name(match[2])) in made:
            continue
        expected += " VIEW DATA " not in entry
        yield f"{match[1]} {match[2]}" if match else entry.strip()
    more = _unknown(making, made) - expected
    if more > 0:
        yield f"{more} more such things that no entry says it makes"


def _unknown(making: list[str], made: set[tuple[str, str]]) -> int:
    """How many statements make such a thing under another name than a file does."""
    there = [MADE_HERE.match(code) for code in making if OTHER_MADE.match(code)]
    return sum(not one or (one[1], one[2]) not in made for one in there)


def _name(tag: str) -> str:
    """Of a trigger, behind that of its table; of a function, without its arguments."""
    return tag.partition("(")[0].split(" ")[-1]


def _reaching(making: list[str]) -> Iterator[str]:
    """Expressions that reach beyond their rows. They run when rows are restored, or read later,
    with the rights of whoever does that. None of ours does."""
    for code in making:
        if FUNCTION.match(code):
            continue
        call = REACHING.search(text_forms.masked(code))
        made = MADE_THING.match(code)
        if call and made:
            yield f"{made[1]} {made[2]}, which calls {call[0].partition('(')[0].strip()}()"


def _texts(project: Project) -> Iterator[str]:
    """All texts in the files, read and not run. In a statement of theirs `%` is doubled."""
    for migration in migration_folder.find(project.migrations):
        for node in ast.walk(ast.parse(migration.text)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value.replace("%%", "%")


def _body(code: str) -> str | None:
    """Of a function, as pg_dump writes it: at the end, behind AS. A text elsewhere may be that of a
    setting; what is written in SQL's own form has none."""
    last = [piece for piece in lexer.pieces(code) if piece.lexeme is Lexeme.LITERAL][-1:]
    if not last or code[last[0].end :].strip() or not code[: last[0].start].endswith(" AS "):
        return None
    return lexer.value(code[last[0].start :]) if code[last[0].start] == "$" else None


def _dollar_quoted(sql: str) -> list[str]:
    return [
        lexer.value(sql[piece.start : piece.end])
        for piece in lexer.pieces(sql)
        if piece.lexeme is Lexeme.LITERAL and sql[piece.start] == "$"
    ]
