"""Files beside the rows of a history, as values."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import HistoryError
from engine.files import history, migration_file
from engine.files.entry import State
from engine.files.migration_file import Migration
from engine.files.misfits import Misfit
from engine.files.unfinished import Direction, Unfinished, unfinished
from engine.files.version_control import Repository
from project import PROJECT

# Where no git looks: each question to it is a process.
ELSEWHERE = Repository(replace(PROJECT, root=Path("/dev/null")))
NAMES = st.sampled_from([f"{number:03}_{title}" for number in (1, 2, 3, 4) for title in "ab"])
TEXTS = st.sampled_from(["one", "two"])


def file(name: str, text: str = "one") -> Migration:
    return migration_file.written(Path(f"{name}.py"), text)


def row(name: str, text: str | None = "one", number: int = 1) -> dict[str, Any]:
    checksum = file(name, text).checksum if text else None
    return {"id": number, "name": name, "migrated_at": "2024-01-01T00:00:00", "checksum": checksum}


@given(st.dictionaries(NAMES, TEXTS), st.dictionaries(NAMES, TEXTS))
def test_every_file_and_every_row_is_told_once(files: dict[str, str], rows: dict[str, str]) -> None:
    """And where nothing is told to be wrong, the applied files are the first ones, as they ran."""
    joined = history.joined(
        [file(*item) for item in files.items()], [row(*item) for item in rows.items()], ELSEWHERE
    )
    for moved in joined.moved:
        old = str(moved.recorded_as)
        assert (old in files, moved.name in rows) == (False, False)
        assert files[moved.name] == rows[old]
        rows = {name: text for name, text in rows.items() if name != old} | {moved.name: rows[old]}
    for name, text in rows.items():
        same = [other for other in files.keys() - rows.keys() if files[other] == text]
        assert name in files or len(same) != 1
    assert [entry.name for entry in joined.entries] == sorted(files.keys() | rows.keys())
    assert joined.recorded == set(rows)
    for entry in joined.entries:
        there = (entry.name in rows, entry.name in files)
        same = rows.get(entry.name) == files.get(entry.name)
        states = {(False, True): State.PENDING, (True, False): State.MISSING}
        assert entry.state == states.get(there, State.APPLIED if same else State.EDITED)
    wrong = (
        joined.count(State.EDITED, State.MISSING) > 0
        or sorted(rows) != sorted(files)[: len(rows)]
        or len({name[:3] for name in files}) < len(files)
    )
    assert bool(joined.mismatches) == wrong


CASES = {
    Misfit.EDITED: ([file("001_a", "two")], [row("001_a")], ["001_a"]),
    Misfit.MISSING: ([], [row("001_a")], ["001_a"]),
    Misfit.NUMBER_USED_TWICE: ([file("001_a"), file("001_b")], [], ["001_a", "001_b"]),
    Misfit.LATE: ([file("001_a"), file("002_b")], [row("002_b")], ["001_a"]),
    Misfit.RECORDED_TWICE: ([file("001_a")], [row("001_a"), row("001_a", number=7)], ["001_a"]),
}


@pytest.mark.parametrize("kind", CASES)
def test_what_does_not_fit_says_in_which_way_and_which_files(kind: Misfit) -> None:
    files, rows, names = CASES[kind]
    (problem,) = history.joined(files, rows, ELSEWHERE).mismatches
    assert (problem.kind, list(problem.files)) == (kind, names)
    assert str(problem) == f"{problem.what}; {problem.fix}."


def test_a_row_without_a_checksum_is_of_peewee_migrate_and_fits() -> None:
    joined = history.joined([file("001_a")], [row("001_a", None)], ELSEWHERE)
    assert (joined.entries[0].state, joined.problems) == (State.APPLIED, [])


@pytest.mark.parametrize("half", [True, False])
def test_a_way_down_that_stopped_is_finished_first(half: bool) -> None:
    """What stopped on its way up goes either way, also from there."""
    steps = [("001_a", True), ("001_a", False)] if half else []
    assert unfinished(steps) == ((Unfinished("001_a", Direction.UP, 1, half=True),) if half else ())
    rows = [] if half else [row("001_a")]
    up = history.joined([file("001_a")], rows, ELSEWHERE, unfinished(steps))
    assert up.checked(Direction.UP) is up.checked(Direction.DOWN) is up
    stopped = unfinished([*steps, ("001_a/back", True)])
    assert stopped == (Unfinished("001_a", Direction.DOWN, 1, half=half),)
    down = history.joined([file("001_a")], rows, ELSEWHERE, stopped)
    assert down.checked(Direction.DOWN) is down
    assert down.half_done == ({"001_a"} if half else set())
    if half:
        assert down.checked() is down
    else:
        with pytest.raises(HistoryError, match="the rollback of 001_a stopped in the middle"):
            down.checked()
    gone = history.joined([], rows, ELSEWHERE, stopped)
    for either in Direction:
        with pytest.raises(HistoryError, match="stopped in the middle, and its file is missing"):
            gone.checked(either)


@given(NAMES, NAMES, st.text(alphabet="ab \n", max_size=8))
def test_a_checksum_under_another_name_is_that_of_the_text_under_it(
    name: str, other: str, text: str
) -> None:
    for written in (text, f'"""{name}\n{text}', f'"""{other}\n{text}', f'"""{name}'):
        there = file(name, written)
        assert there.checksum_as(other) == file(other, there.text_as(other)).checksum
        assert there.checksum_as(name) == there.checksum


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@b")
    subprocess.run(["git", "-C", str(folder), *who, *words], check=True, capture_output=True)


def test_a_stash_brings_back_what_is_in_it_and_not_what_was_committed_below_it(
    tmp_path: Path,
) -> None:
    project = replace(PROJECT, root=tmp_path, migrations=tmp_path / "migrations")
    project.migrations.mkdir()
    git(tmp_path, "init", "-qb", "main")
    git(tmp_path, "commit", "-qm", "Begin", "--allow-empty")
    git(tmp_path, "checkout", "-qb", "café")
    for name in ("001_beside", "002_é"):
        (project.migrations / f"{name}.py").write_text("pass")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "Beside")
    for name, words in (("003_added", ("add", ".")), ("004_new", ("status",))):
        (project.migrations / f"{name}.py").write_text("pass")
        git(tmp_path, *words)
        git(tmp_path, "stash", "push", "-q", "--include-untracked")
    git(tmp_path, "checkout", "-q", "main")
    repository = Repository(project)
    for name in ("001_beside", "002_é"):
        assert repository.way_back(name).startswith("it is on the branch café: there ")
    assert repository.way_back("003_added") == "`git stash pop stash@{1}` brings it back"
    assert repository.way_back("004_new") == "`git stash pop stash@{0}` brings it back"


def test_git_is_asked_as_often_for_many_missing_files_and_tenants_as_for_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = replace(PROJECT, root=tmp_path, migrations=tmp_path / "migrations")
    names = [f"{number:03}_small" for number in range(1, 41)]
    project.migrations.mkdir()
    asked = []
    run = subprocess.run

    def counted(*arguments: Any, **options: Any) -> Any:
        asked.append(arguments)
        return run(*arguments, **options)

    git(tmp_path, "init", "-q")
    edited, rows = file("041_edited", "two"), [*map(row, names), row("041_edited", "one")]
    for name in names:
        (project.migrations / f"{name}.py").write_text(name)
    (project.migrations / "041_edited.py").write_text("one")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "All")
    git(tmp_path, "rm", "-q", *(f"migrations/{name}.py" for name in names[10:]))
    git(tmp_path, "commit", "-qm", "Some are gone")
    monkeypatch.setattr(subprocess, "run", counted)
    repository = Repository(project)
    for _ in range(3):  # as for so many tenants
        problems = history.joined([edited], rows, repository).problems
    *fixes, last = map(str, problems)
    assert len(asked) == 4
    assert "restore the file (git checkout HEAD -- migrations/041_edited.py)" in last
    for name, fix in zip(names[:10], fixes[:10], strict=True):
        assert f"`git checkout HEAD -- migrations/{name}.py` brings it back" in fix
    for name, fix in zip(names[10:], fixes[10:], strict=True):
        assert re.search(rf"deleted it: `git checkout \w+\^ -- migrations/{name}.py`", fix)
