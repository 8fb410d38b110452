"""A migration file as a value: its checksum, what it defines, and where an error in it stands."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.errors import HistoryError, MigrationFailed
from engine.files import migration_file, migration_folder
from engine.files.migration_file import Migration

HEAD = "def migrate(migrator, database, *, fake=False):\n"
LINES = st.lists(st.text(st.sampled_from("ab #\t"), max_size=5), min_size=1, max_size=5)


def of(text: str, name: str = "001_x.py") -> Migration:
    return migration_file.written(Path("migrations") / name, text)


@given(LINES, st.data())
def test_a_checksum_is_deaf_to_what_an_editor_or_git_changes_by_itself(
    lines: list[str], data: st.DataObject
) -> None:
    ends = data.draw(st.sampled_from(["\n", "\r\n", "\r"]))
    spaced = [line + data.draw(st.sampled_from(["", " ", "\t "])) for line in lines]
    blank = data.draw(st.sampled_from(["", "\n", "\r\n\r\n"]))
    assert of(ends.join(spaced) + blank).checksum == of("\n".join(lines)).checksum


@given(LINES, LINES)
def test_a_checksum_hears_everything_else(one: list[str], other: list[str]) -> None:
    texts = ["\n".join(line.rstrip() for line in lines).rstrip() for lines in (one, other)]
    assume(texts[0] != texts[1])
    assert of("\n".join(one)).checksum != of("\n".join(other)).checksum


UNTIDY = migration_file.ENDS + migration_file.SPACES


@given(st.text(st.sampled_from("a\n") | st.sampled_from(UNTIDY)))
def test_a_text_that_is_tidy_has_the_lines_that_a_checksum_takes(text: str) -> None:
    as_lines = "\n".join(line.rstrip() for line in text.splitlines()).rstrip()
    assert of(text).checksum == of(as_lines).checksum
    assert of(as_lines).checksum == hashlib.sha256(as_lines.encode()).hexdigest()


def test_each_end_of_a_line_and_each_space_of_python_is_known() -> None:
    spaces = [letter for letter in map(chr, range(0x10000)) if letter.isspace()]
    assert set(spaces) == {"\n", *UNTIDY}
    assert all(len(f"a{end}b".splitlines()) == 2 for end in migration_file.ENDS)
    assert not any(len(f"a{space}b".splitlines()) == 2 for space in migration_file.SPACES)


def test_a_mark_of_the_encoding_and_the_ends_of_windows_are_no_part_of_a_text(
    tmp_path: Path,
) -> None:
    path = tmp_path / "001_x.py"
    path.write_bytes(b"\xef\xbb\xbfa\r\nb\xc3\xa9\r\n")
    assert migration_file.read(path).text == "a\nbé\n"


def test_a_file_is_executed_when_it_is_needed_and_once(tmp_path: Path) -> None:
    path = tmp_path / "001_x.py"
    noting = "with open(__file__ + '.log', 'a') as log:\n    log.write('x')\n"
    path.write_text(f"{HEAD}    pass\n\n\n{noting}")
    migration = migration_file.read(path)
    assert not path.with_name("001_x.py.log").exists()
    assert migration.functions is migration.functions
    assert path.with_name("001_x.py.log").read_text() == "x"


def test_what_was_read_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "001_x.py"
    path.write_text(f"atomic = False\n{HEAD}    pass\n")
    migration = migration_file.read(path)
    path.write_text("raise SystemExit\n")
    assert not migration.functions.atomic
    assert migration.checksum == of(f"atomic = False\n{HEAD}    pass\n").checksum
    assert migration != migration_file.read(path)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (f"{HEAD}    pass\nx = (\n", 3, "'(' was never closed."),
        (f"{HEAD}    pass\n\n\n1 / 0\n", 5, "ZeroDivisionError"),
        (f"def f():\n    1 / 0\n\n\nf()\n{HEAD}    pass\n", 2, "ZeroDivisionError"),
        (f"raise SystemExit(3)\n{HEAD}    pass\n", 1, "SystemExit: 3"),
        ("migrate = 1\n", 0, "no function migrate"),
    ],
)
def test_an_error_has_its_place_as_fields(text: str, line: int, said: str) -> None:
    with pytest.raises(MigrationFailed) as failure:
        _ = of(text).functions
    error = failure.value
    assert (error.file, error.line) == ("001_x", line)
    assert said in error.said and "001_x" not in error.said
    assert error.what.startswith("001_x.py, line " if line else "001_x.py: ")


def test_files_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for name in ("010_a", "0002_b", "1000_c", "010_0", "conftest", "__init__"):
        (tmp_path / f"{name}.py").write_text("")
    migrations = migration_folder.find(tmp_path)
    assert [m.name for m in migrations] == ["0002_b", "010_0", "010_a", "1000_c"]
    assert migration_folder.find(migrations[::-1]) == migrations
    assert migration_folder.next_number(migrations) == 1001
    (tmp_path / "11_short.py").write_text("")
    with pytest.raises(HistoryError, match=r"11_short\.py is named neither"):
        migration_folder.find(tmp_path)
