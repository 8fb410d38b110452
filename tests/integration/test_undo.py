"""A file whose statements stand alone and that stopped on its way up is undone step by step."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from engine.errors import GenerateError, HistoryError, MigrationFailed, Refused
from engine.manage.sql_script import script
from engine.manage.status import read_status
from engine.run.options import RunOptions
from engine.schema.model import Schema
from tests.support import crash
from tests.support.databases import LEFT_OVER, execute, name_of, query, read
from tests.support.migration_files import BACK, HEAD, write
from tests.support.postgres import PostgresServer
from tests.support.psql import through_psql
from tests.support.reports import Heard
from tests.support.runners import GuardedRunner, at, runner_on

FAILS = "SELECT 1 / 0"
PAIRS = [
    ("ALTER TABLE t ADD COLUMN n int", ["ALTER TABLE t DROP COLUMN n"]),
    ("CREATE INDEX CONCURRENTLY t_n_idx ON t (n)", ["DROP INDEX CONCURRENTLY t_n_idx"]),
    ("DO $$ BEGIN UPDATE t SET n = i; COMMIT; END $$", []),
    (
        "DROP INDEX CONCURRENTLY t_i_idx",
        ["CREATE INDEX CONCURRENTLY t_i_idx ON t (i)", "COMMENT ON INDEX t_i_idx IS 'as before'"],
    ),
    (
        "ALTER TABLE t ADD CONSTRAINT t_n_check CHECK (n > 0) NOT VALID",
        ["ALTER TABLE t DROP CONSTRAINT t_n_check"],
    ),
    ("ALTER TABLE t VALIDATE CONSTRAINT t_n_check", []),
    ("DROP TABLE gone", ["CREATE TABLE gone (i int)", "INSERT INTO gone VALUES (7)"]),
]
MOMENTS = len(PAIRS) + 1
BACK_MOMENTS = sum(len(back) for _, back in PAIRS) + 2


def paired(pairs: list[tuple[str, list[str]]], *rest: str) -> str:
    """A file of statements with what undoes each, and then of some with nothing of the kind."""
    lines = []
    for statement, back in pairs:
        lines.append(f'    migrator.sql("""{statement}""")')
        said = [f'    migrator.back("""{text}""")' for text in back]
        lines += said or ["    migrator.back()"]
    lines += [f'    migrator.sql("""{statement}""")' for statement in rest]
    down = "def rollback(migrator, database, *, fake=False):\n    migrator.undo(migrate)\n"
    return "atomic = False\n\n\n" + HEAD + "\n".join(lines) + f"\n\n\n{down}"


@pytest.fixture
def rows(empty_url: str, tmp_path: Path) -> GuardedRunner:
    """A runner on a database with a table t of three rows and an index, and one that will go."""
    write(
        tmp_path,
        "001_t",
        "CREATE TABLE t (i int)",
        "INSERT INTO t SELECT generate_series(1, 3)",
        "CREATE INDEX t_i_idx ON t (i)",
        "COMMENT ON INDEX t_i_idx IS 'as before'",
        "CREATE TABLE gone (i int)",
        "INSERT INTO gone VALUES (7)",
        back='migrator.sql("DROP TABLE gone, t")',
    )
    runner = runner_on(empty_url, tmp_path)
    runner.migrate()
    return runner


def state(url: str) -> tuple[Schema, Any, Any, Any]:
    """The catalogs, the rows, and what counts as applied."""
    history = query(url, "SELECT name FROM migratehistory ORDER BY id")
    assert not query(url, "SELECT FROM pg_index WHERE NOT indisvalid")
    assert query(url, "SELECT to_regclass('migratejournal')") == [(None,)]
    return read(url), query(url, "TABLE t ORDER BY i"), query(url, "TABLE gone"), history


@pytest.mark.parametrize("stride", [3, pytest.param(1, marks=pytest.mark.campaign)])
def test_what_is_done_is_undone(stride: int, rows: GuardedRunner) -> None:
    """And only that; then it goes up and down as if nothing had happened."""
    before, path = state(rows.url), rows.folder / "002_u.py"
    for number in range(0, len(PAIRS) + 1, stride):
        path.write_text(paired(PAIRS[:number], FAILS, *[sql for sql, _ in PAIRS[number:]]))
        with pytest.raises(MigrationFailed, match="division by zero") as failure:
            rows.migrate()
        assert ("`invoke rollback` undoes them" in failure.value.why) is (number > 0)
        if number:
            assert rows.rollback(losing=True) == ["002_u"]
            assert state(rows.url) == before
    path.write_text(paired(PAIRS))
    assert rows.migrate() == ["002_u"]
    after = query(rows.url, "TABLE t"), query(rows.url, "SELECT to_regclass('gone')")
    assert after == ([(1, 1), (2, 2), (3, 3)], [(None,)])
    assert rows.rollback(losing=True) == ["002_u"]
    assert state(rows.url) == before


def test_it_is_said_where_the_database_stands(rows: GuardedRunner) -> None:
    (rows.folder / "002_u.py").write_text(paired(PAIRS[:4], FAILS))
    with pytest.raises(MigrationFailed):
        rows.migrate()
    status = read_status(rows.project)
    assert "002_u  pending  stopped in the middle, 4 of its statements are done" in status.as_text()
    assert "To undo what is done of 002_u: invoke rollback" in status.as_text()
    stopped = json.loads(status.as_json())["unfinished"]
    assert stopped == [{"name": "002_u", "direction": "migrate", "done": 4}]
    heard, before = Heard(), read(rows.url)
    plan = runner_on(rows.url, rows.folder, heard, RunOptions(dry=True))
    assert plan.rollback(2) == ["002_u", "001_t"]
    assert (read(rows.url), read_status(rows.project)) == (before, status)
    assert heard.messages[0] == "002_u stopped in the middle; 4 statements undo what is done of it"
    assert rows.rollback(losing=True) == ["002_u"]
    assert "undo" not in read_status(rows.project).as_text()


def test_what_does_not_say_how_it_is_undone_is_named_first(rows: GuardedRunner) -> None:
    """What is done may be given its way back, without being another file for that."""
    path = rows.folder / "002_u.py"
    path.write_text(paired([], *[sql for sql, _ in PAIRS[:4]], FAILS))
    with pytest.raises(MigrationFailed) as failure:
        rows.migrate()
    assert "undoes them" not in failure.value.why
    before = read(rows.url)
    with pytest.raises(MigrationFailed, match="statement at lines 5, 6, 7, 8 is") as failure:
        rows.rollback(losing=True)
    assert "or finish it with `invoke migrate`" in failure.value.fix
    assert read(rows.url) == before
    path.write_text(paired(PAIRS[:4], FAILS))
    assert rows.rollback(losing=True) == ["002_u"]
    assert "t_i_idx" in read(rows.url).tables["t"].indexes


def test_rows_are_not_lost_unasked(rows: GuardedRunner) -> None:
    (rows.folder / "002_u.py").write_text(paired(PAIRS[:3], FAILS))
    with pytest.raises(MigrationFailed):
        rows.migrate()
    with pytest.raises(Refused, match=r"would lose what is in: t\.n") as failure:
        rows.rollback()
    assert "The first 1 of the 2 statements that undo it are done and stay" in failure.value.why
    (rows.folder / "002_u.py").write_text(paired(PAIRS[:3]))
    assert rows.migrate() == ["002_u"]
    assert query(rows.url, "SELECT i, n FROM t ORDER BY i") == [(1, 1), (2, 2), (3, 3)]
    assert "t_n_idx" in read(rows.url).tables["t"].indexes
    assert rows.rollback(losing=True) == ["002_u"]
    assert sorted(read(rows.url).tables["t"].columns) == ["i"]


def test_what_is_undone_by_half_only_leads_back(rows: GuardedRunner) -> None:
    before, path = state(rows.url), rows.folder / "002_u.py"
    pair = (PAIRS[3][0], [PAIRS[3][1][0], FAILS, PAIRS[3][1][1]])
    path.write_text(paired([PAIRS[0], pair], FAILS))
    for way in (rows.migrate, rows.rollback):
        with pytest.raises(MigrationFailed, match="division by zero"):
            way()
    with pytest.raises(
        MigrationFailed, match=r"002_u\.py, line 7: what undoes that stat"
    ) as failure:
        rows.migrate()
    assert "finish it with `invoke rollback`" in failure.value.fix
    path.write_text(path.read_text().replace(f'back("""{FAILS}', 'back("""SELECT 1'))
    assert rows.rollback() == ["002_u"]
    assert state(rows.url) == before


def test_a_block_that_failed_after_a_commit_is_undone(rows: GuardedRunner) -> None:
    block = "DO $$ BEGIN UPDATE t SET i = i + 10; COMMIT; PERFORM 1 / 0; END $$"
    back = ["UPDATE t SET i = i - 10 WHERE i > 10"]
    (rows.folder / "002_u.py").write_text(paired([(block, back)]))
    with pytest.raises(MigrationFailed, match="division by zero"):
        rows.migrate()
    with pytest.raises(Refused, match=r"3 rows of t[\s\S]*line 5 cannot be tried"):
        rows.rollback()
    assert query(rows.url, "SELECT min(i) FROM t") == [(11,)]
    assert rows.rollback(losing=True) == ["002_u"]
    assert query(rows.url, "SELECT min(i) FROM t") == [(1,)]


@pytest.mark.parametrize("made", [True, False])
def test_an_index_that_a_crash_left_in_the_middle_goes(made: bool, rows: GuardedRunner) -> None:
    """Or comes back, where it was being dropped."""
    pair = PAIRS[1] if made else PAIRS[3]
    before, path = state(rows.url), rows.folder / "002_u.py"
    path.write_text(paired([PAIRS[0], pair], FAILS))
    with pytest.raises(MigrationFailed):
        rows.migrate()
    name = "t_n_idx" if made else "t_i_idx"
    if not made:
        execute(rows.url, "CREATE INDEX t_i_idx ON t (i)")
    execute(
        rows.url,
        f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{name}'::regclass;"
        f"UPDATE migratejournal SET done = false, index_name = '{name}' WHERE step = 1",
    )
    assert rows.rollback() == ["002_u"]
    assert state(rows.url) == before


def test_a_step_that_was_changed_after_it_had_begun_is_refused(rows: GuardedRunner) -> None:
    path = rows.folder / "002_u.py"
    path.write_text(paired(PAIRS[:2], FAILS))
    with pytest.raises(MigrationFailed):
        rows.migrate()
    execute(rows.url, "UPDATE migratejournal SET done = false WHERE step = 1")
    path.write_text(paired(PAIRS[:2], FAILS).replace("ON t (n)", "ON t (n, i)"))
    with pytest.raises(HistoryError, match="its statement 2, which had run, was changed since"):
        rows.rollback()


def test_a_file_that_now_wants_one_transaction_goes_on_step_by_step(rows: GuardedRunner) -> None:
    before, path = state(rows.url), rows.folder / "002_u.py"
    for way in (rows.rollback, rows.migrate):
        path.write_text(paired([PAIRS[0]], FAILS))
        with pytest.raises(MigrationFailed):
            rows.migrate()
        path.write_text(paired([PAIRS[0]]).replace("atomic = False", ""))
        assert way() == ["002_u"]
    assert rows.rollback() == ["002_u"]
    assert state(rows.url) == before


@pytest.mark.parametrize(
    ("how", "stride"),
    [
        ("kill", 7),
        pytest.param("kill", 1, marks=pytest.mark.campaign),
        pytest.param("terminate", 1, marks=pytest.mark.campaign),
    ],
)
def test_after_a_crash_at_any_point_plain_rollback_leads_back(
    how: str, stride: int, rows: GuardedRunner, server: PostgresServer
) -> None:
    """Of the way up, and of the way back from there; and migrate leads up from there, unless a
    statement is undone by half."""
    (rows.folder / "002_u.py").write_text(paired(PAIRS))
    before, template = state(rows.url), name_of(rows.url)
    with server.database(f"TEMPLATE {template}") as url:
        runner_on(url, rows.folder).migrate()
        after = read(url), query(url, "TABLE t ORDER BY i")
    ended = -9 if how == "kill" else crash.EXPLAINED
    tried = 0
    for up in range(2, MOMENTS + 1, stride):
        for down in range(1 + up % stride, BACK_MOMENTS, stride):
            with server.database(f"TEMPLATE {template}") as url:
                assert crash.run(url, rows.folder, up, how) == ended
                if crash.run(url, rows.folder, down, how, back=True) != ended:
                    break
                runner = runner_on(url, rows.folder)
                if (up + down) % 2:
                    with suppress(MigrationFailed):
                        assert runner.migrate() == ["002_u"]
                        assert (read(url), query(url, "TABLE t ORDER BY i")) == after, (up, down)
                        assert runner.rollback(losing=True) == ["002_u"]
                if read_status(runner.project).history.half_done:  # else it was over
                    assert runner.rollback(losing=True) == ["002_u"]
                assert state(url) == before, (up, down)
                tried += 1
    assert tried
    print(f"{tried} pairs of points tried, all led back by a plain rollback")


def test_a_script_needs_no_way_up_of_sql_alone(tmp_path: Path) -> None:
    """The way back is written by hand, and says what is not known of the way up."""
    up = "    migrator.run(print)\n    migrator.sql('CREATE TABLE t (i int)')\n"
    down = "    migrator.sql('DROP TABLE t')\n"
    (tmp_path / "001_t.py").write_text(f"atomic = False\n\n\n{HEAD}{up}{BACK}{down}")
    text = script(at("", tmp_path), down=True)
    assert "DROP TABLE t;" in text
    assert "-- undoes" not in text
    up = "    migrator.run(print)\n    migrator.back('DROP TABLE t')\n"
    down = "    migrator.sql('SELECT 1')\n    migrator.undo(migrate)\n"
    (tmp_path / "001_t.py").write_text(f"atomic = False\n\n\n{HEAD}{up}{BACK}{down}")
    text = script(at("", tmp_path), down=True)
    assert text.index("SELECT 1;") < text.index("-- undoes statement 1 of 1\nDROP TABLE t;")


def test_nothing_is_left_of_what_was_undone(rows: GuardedRunner) -> None:
    (rows.folder / "002_u.py").write_text(paired(PAIRS[:2], FAILS))
    with pytest.raises(MigrationFailed):
        rows.migrate()
    assert rows.rollback(2, losing=True) == ["002_u", "001_t"]
    assert not query(rows.url, LEFT_OVER)


def test_a_script_of_the_way_back_leads_back(rows: GuardedRunner) -> None:
    """And says which of its statements undo which."""
    path = rows.folder / "way.sql"
    before, project = state(rows.url), rows.project
    (rows.folder / "002_u.py").write_text(paired(PAIRS))
    assert rows.migrate() == ["002_u"]
    text = script(project, 1, down=True)
    assert text.index("-- undoes statement 7 of 7\n") < text.index("-- undoes statement 5 of 7\n")
    assert "-- undoes statement 6 of 7\n" not in text
    assert through_psql(text, rows.url, path) == ""
    assert state(rows.url) == before
    assert through_psql(script(project, down=True), rows.url, path) != ""  # 002 is not there
    assert through_psql(script(project, 0, 1, down=True), rows.url, path) == ""
    assert [name for _, name in query(rows.url, LEFT_OVER)] == ["public.migratereading"]
    (rows.folder / "002_u.py").write_text("def migrate(migrator, database, *, fake=False): pass")
    with pytest.raises(GenerateError, match="it has no rollback"):
        script(project, down=True)
