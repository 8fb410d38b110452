"""The text of a migration file: Python reads from it the statements that went into it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.files.template import Statement, empty_text, migration_text

# What PostgreSQL reads as one value or one name: no white space inside may change.
FIXED = [
    *("'a\n  b'", "'it''s'", "'100 %'", "'\\'", "E'\\'\n  '", '\'"""\'', "'" * 6, "'é{}'"),
    *("$$x\n  y$$", "$b$it's\n  $b$", '"x\n  y"', '"it\'s"', '"100 %s"'),
]
LOOSE = [
    *("SELECT", "a", "%", ";", "(", ",", " ", "\n", "\n    ", "\t", "-- it's\n", "/* ' \n */"),
    "{0}",
]
PIECES = st.lists(st.sampled_from(FIXED + LOOSE), min_size=1, max_size=9).map(" ".join)
TEXTS = PIECES.filter(str.strip)
STATEMENTS = st.lists(st.builds(Statement, st.sampled_from(["auth", "shop"]), TEXTS), max_size=4)
BODY = "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$\n  SELECT 'a\n   b'\n$$"


class Collector:
    """Takes what a file says, as the runner's migrator does."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    def sql(self, text: str) -> None:
        self.statements.append(text % ())  # the form of psycopg2, where a % is written %%


def run(text: str) -> tuple[dict[str, Any], list[str], list[str]]:
    """The names of the file, and what its two functions say."""
    names: dict[str, Any] = {}
    exec(compile(text, "001_x.py", "exec"), names)
    up, down = Collector(), Collector()
    names["migrate"](up, None)
    names["rollback"](down, None)
    return names, up.statements, down.statements


def assert_same(written: list[str], statements: list[Statement]) -> None:
    """White space may differ where it means nothing, and nothing else."""
    assert len(written) == len(statements)
    for got, statement in zip(written, statements, strict=True):
        assert got.split() == statement.sql.split()
        for fixed in FIXED:
            assert got.count(fixed) == statement.sql.count(fixed)


@given(up=STATEMENTS, down=STATEMENTS)
@example(up=[Statement("shop", BODY), Statement("shop", "SELECT '100 %', \"\"\", '''")], down=[])
@example(up=[Statement("shop", 'SELECT "a"'), Statement("shop", "SELECT '\\'")], down=[])
def test_a_file_says_the_statements_that_went_into_it(
    up: list[Statement], down: list[Statement]
) -> None:
    _, forward, back = run(migration_text("001_x", ["What it does."], up, down))
    assert_same(forward, up)
    assert_same(back, down)


@pytest.mark.parametrize(
    "header", ['It says """x""" and C:\\new.', 'ends in "', "\\", "日本 {x} %s"]
)
def test_any_header_leaves_the_file_readable(header: str) -> None:
    names, _, _ = run(migration_text("001_x", [header], [], []))
    assert names["__doc__"].split("\n")[2] == header.replace('"""', "'''")


@pytest.mark.parametrize("atomic", [True, False])
def test_a_file_that_is_no_transaction_says_so_above_its_functions(atomic: bool) -> None:
    names, _, _ = run(migration_text("001_x", [], [], [], atomic=atomic))
    assert names.get("atomic", True) is atomic


def test_a_file_begun_by_hand_does_nothing_yet() -> None:
    names, up, down = run(empty_text("001_x"))
    assert (up, down, "atomic" in names) == ([], [], False)
