"""What a migration may be called."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.diff.change import Action, Change
from engine.diff.renames import Rename
from engine.errors import ConfigError
from engine.files.migration_file import TITLE
from engine.generate.generator import Generator
from engine.generate.headings import title_of
from engine.schema.kinds import Key, Kind
from tests.support.runners import at


@pytest.mark.parametrize("title", ["Add fiber", "../x", "1st", "x-y", "é", "a" * 61])
def test_a_title_that_is_no_name_is_refused(title: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be the name of a migration"):
        Generator([], at("postgresql:///nowhere", tmp_path)).generate(title)


def test_a_skeleton_has_no_change_to_be_named_after(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be the name of a migration"):
        Generator([], at("postgresql:///nowhere", tmp_path)).empty("")


def created(table: str) -> Change:
    return Change(Action.CREATE, Key(Kind.TABLE, "", table))


TABLE = created("fiber_lines")
COLUMN = Change(Action.ALTER, Key(Kind.COLUMN, "items", "qty"))
INDEX = Change(Action.CREATE, Key(Kind.INDEX, "items", "items_qty_idx"))
COMMENT = Change(Action.ALTER, Key(Kind.COMMENT, "items", "qty"))


@pytest.mark.parametrize(
    ("renames", "plan", "title"),
    [
        ([], [INDEX, TABLE], "create_table_fiber_lines"),
        ([], [TABLE, created("ducts")], "create_table_fiber_lines_and_more"),
        ([], [INDEX, COLUMN], "alter_column_items_qty"),
        ([], [INDEX], "create_index_items_qty_idx_on_items"),
        ([], [COMMENT], "change_comments"),
        ([Rename(Kind.COLUMN, "qty", "amount", "items")], [], "rename_column_items_qty_to_amount"),
        ([], [created("Größen")], "create_table_gr_en"),
        ([], [created("x" * 63)], "create_table_" + "x" * 47),
    ],
)
def test_a_file_without_a_name_takes_it_from_the_change(
    renames: list[Rename], plan: list[Change], title: str
) -> None:
    assert title_of(renames, plan) == title
    assert re.fullmatch(TITLE, title)
