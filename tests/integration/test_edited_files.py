"""A file is read once: what is recorded of it is what ran, whatever becomes of it meanwhile."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from engine.check.check import Check
from engine.drift.comparison import compare
from engine.errors import HistoryError, MigrationFailed
from engine.files import migration_folder
from engine.manage import wipe
from engine.manage.status import read_status
from engine.report import Report
from tests.support.databases import query, read
from tests.support.migration_files import write
from tests.support.project import ROOT
from tests.support.runners import at, runner_on

EDIT = "\n\n# edited\n"
COUNTED = """
import sys
from pathlib import Path
opened = []
sys.addaudithook(lambda event, given: opened.append(str(given[0])) if event == "open" else None)
from tests.support.runners import runner_on
runner_on(sys.argv[1], Path(sys.argv[2])).migrate()
print(*(Path(path).name for path in opened if path.startswith(sys.argv[2]) and path[-3:] == ".py"))
"""


class Editor(Report):
    """Somebody who changes files at the first statement of a run, or at the first message."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.texts: dict[Path, str] = {}

    def message(self, text: str) -> None:
        self.edit()

    def statement(self, line: int, sql: str, seconds: float, error: Exception | None) -> None:
        self.edit()

    def edit(self) -> None:
        for path in [] if self.texts else sorted(self.folder.iterdir()):
            self.texts[path] = path.read_text()
            path.write_text(self.texts[path].replace("TABLE", "TABLE IF EXISTS") + EDIT)

    def restore(self) -> None:
        for path, text in self.texts.items():
            path.write_text(text)


def states(url: str, folder: Path) -> list[str]:
    return [entry.state for entry in read_status(at(url, folder)).history.entries]


@pytest.fixture(params=[True, False], ids=["atomic", "step by step"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Three files, each in one transaction or each step by step."""
    for number in (1, 2, 3):
        sql = [f"CREATE TABLE t{number} (i int)", f"CREATE INDEX i{number} ON t{number} (i)"]
        back = f'migrator.sql("DROP TABLE t{number}")'
        write(tmp_path, f"{number:03}_t{number}", *sql, atomic=request.param, back=back)
    return tmp_path


def test_a_file_that_is_changed_while_it_runs_is_recorded_as_it_ran(
    empty_url: str, folder: Path
) -> None:
    before = migration_folder.find(folder)
    checksums = [(migration.name, migration.checksum) for migration in before]
    editor = Editor(folder)
    assert len(runner_on(empty_url, folder, editor).migrate()) == 3
    assert query(empty_url, "SELECT name, checksum FROM migratehistory ORDER BY id") == checksums
    assert states(empty_url, folder) == ["edited"] * 3
    with pytest.raises(HistoryError, match="003_t3 was changed after it was applied"):
        runner_on(empty_url, folder).rollback()
    editor.restore()
    assert states(empty_url, folder) == ["applied"] * 3
    assert len(runner_on(empty_url, folder).rollback(3, losing=True)) == 3


def test_a_rollback_runs_the_text_that_it_has_checked(empty_url: str, folder: Path) -> None:
    bare = read(empty_url)
    runner_on(empty_url, folder).migrate()
    assert len(runner_on(empty_url, folder, Editor(folder)).rollback(3, losing=True)) == 3
    assert read(empty_url) == bare
    assert states(empty_url, folder) == ["pending"] * 3


def test_each_file_is_opened_once_a_run(empty_url: str, folder: Path) -> None:
    names = sorted(path.name for path in folder.iterdir())
    done = subprocess.run(
        [sys.executable, "-c", COUNTED, empty_url, str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert sorted(done.stdout.split()) == names, done.stderr


def test_what_a_file_reads_beside_itself_is_there_in_a_scratch_database(
    empty_url: str, tmp_path: Path
) -> None:
    (tmp_path / "rows.csv").write_text("1\n2\n")
    write(tmp_path, "001_rows", "CREATE TABLE rows (i int)", back='migrator.sql("DROP TABLE rows")')
    path = tmp_path / "001_rows.py"
    head = "from pathlib import Path\n\nROWS = Path(__file__).with_name('rows.csv').read_text()\n"
    path.write_text(head + path.read_text())
    runner_on(empty_url, tmp_path).migrate()
    query(empty_url, "DROP TABLE migratereading; ALTER TABLE rows ADD COLUMN hand int")
    assert [drift.name for drift in compare(at(empty_url, tmp_path)).drifts] == ["column rows.hand"]


def test_a_file_that_is_changed_after_the_plan_is_rehearsed_again(
    empty_url: str, folder: Path
) -> None:
    """Else everything would be dropped, and the file would fail on an empty database."""
    runner_on(empty_url, folder).migrate()
    plan = wipe.plan(at(empty_url, folder), everything=False)
    write(folder, "003_t3", "SELECT 1 / 0")
    with pytest.raises(MigrationFailed, match="division by zero"):
        wipe.rehearse(at(empty_url, folder), plan)
    write(folder, "003_t3", "SELECT 1")
    rehearsed = wipe.rehearse(at(empty_url, folder), plan)
    assert rehearsed == migration_folder.find(folder)


def test_a_check_looks_at_one_state_of_the_files(empty_url: str, folder: Path) -> None:
    """Those that it has read, also where it holds them against the models."""
    project = at(empty_url, folder)
    checked = Check(project, project, [], Editor(folder)).run()
    (models,) = [str(finding) for finding in checked.findings if finding.rule == "models"]
    assert "would delete data" in models
    assert all(path.read_text().endswith(EDIT) for path in folder.iterdir())


@pytest.mark.parametrize("target", ["/dev/zero", "a folder", "nothing"])
def test_what_is_no_file_is_told_and_not_read(empty_url: str, tmp_path: Path, target: str) -> None:
    (tmp_path / "001_t.py").symlink_to(tmp_path if target == "a folder" else target)
    with pytest.raises(MigrationFailed, match=r"001_t\.py: it cannot be read") as refused:
        runner_on(empty_url, tmp_path).migrate()
    assert refused.value.file == "001_t"
