"""What a collector is told of a run: every line is JSON, and none has a value in it."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from engine.report import Report
from engine.run.advisory_lock import POLL_SECONDS
from engine.run.options import RunOptions
from engine.run.session import exclusive
from tests.support.console import Result, call, migrations_in
from tests.support.databases import query
from tests.support.migration_files import write
from tests.support.postgres import PostgresServer
from tests.support.runners import at
from tests.support.waiting import until

SECRET = "sup3r-s3cret"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    migrations_in(tmp_path, monkeypatch)
    write(
        tmp_path,
        "001_people",
        "CREATE TABLE people (name text PRIMARY KEY)",
        f"INSERT INTO people VALUES ('{SECRET}')",
        f"COMMENT ON TABLE people IS '{SECRET}'",
        back="migrator.sql('DROP TABLE people')",
    )
    write(tmp_path, "002_online", "CREATE INDEX CONCURRENTLY i ON people (name)", atomic=False)
    return tmp_path


def events(result: Result) -> list[dict[str, Any]]:
    """The lines of stderr; nothing else may stand there."""
    assert SECRET not in result.err
    lines = [json.loads(line) for line in result.err.splitlines()]
    for line in lines:
        assert line["time"].endswith("Z")
        assert all(line[key] >= 0 for key in line if key.endswith("_ms"))
    return lines


def kinds(result: Result) -> list[str]:
    return [event["event"] for event in events(result)]


@pytest.mark.only("newest")
def test_a_run_is_told_from_start_to_end(empty_url: str, folder: Path) -> None:
    result = call(empty_url, "migrate", "--log-json")
    assert result.code == 0
    assert kinds(result) == [
        *("start", "lock", "statement", "statement", "statement", "file", "statement", "file"),
        "end",
    ]
    start, lock, create, insert, comment, file, index, _, end = events(result)
    assert start["task"] == end["task"] == "migrate"
    assert lock["database"].startswith("postgres@localhost:")
    assert (create["name"], create["line"]) == ("001_people", 2)
    assert [event["statement"] for event in (create, insert, comment, index)] == [
        *("CREATE TABLE people", "INSERT INTO people VALUES", "COMMENT ON TABLE people IS"),
        "CREATE INDEX CONCURRENTLY i ON people",
    ]
    assert (file["name"], file["outcome"], end["outcome"]) == ("001_people", "applied", "done")
    assert result.out.startswith("001_people  applied in ")

    again = call(empty_url, "migrate", "--log-json")
    assert (kinds(again), again.out[:18]) == (["start", "lock", "end"], "Nothing to migrate")
    back = call(empty_url, "rollback", "--yes", "--log-json", "--steps", "2")
    assert [e["outcome"] for e in events(back) if e["event"] == "file"] == ["rolled back"] * 2
    for task in ("fresh", "reset"):
        assert kinds(call(empty_url, task, "--yes", "--log-json"))[-1] == "end"


def test_a_failure_is_told_without_its_values(empty_url: str, folder: Path) -> None:
    write(folder, "003_twice", f"SELECT 1;\nINSERT INTO people VALUES ('{SECRET}')")
    result = call(empty_url, "migrate", "--log-json")
    assert result.code == 1
    *_, statement, file, end = events(result)
    assert (statement["outcome"], statement["sqlstate"]) == ("failed", "23505")
    assert (file["name"], file["outcome"]) == ("003_twice", "failed")
    assert (end["outcome"], end["error"], end["sqlstate"]) == ("failed", "MigrationFailed", "23505")
    assert f"Key (name)=({SECRET}) already exists" in result.out


@pytest.mark.only("newest")
def test_what_goes_wrong_early_is_told_too(folder: Path, server: PostgresServer) -> None:
    nowhere = call(f"postgresql://u:{SECRET}@localhost:1/x", "migrate", "--log-json")
    assert kinds(nowhere) == ["start", "end"]
    assert events(nowhere)[1]["error"] == "ConnectionFailed"
    assert "Connection refused" in nowhere.out
    unread = call(f"{SECRET}", "fresh", "--log-json", "--yes")
    assert (kinds(unread), unread.code) == (["start", "end"], 1)
    unfit = call(server.url("postgres"), "rollback", "--steps", SECRET, "--log-json")
    assert (kinds(unfit), unfit.code) == (["start", "end"], 1)


@pytest.mark.only("newest")
def test_waiting_for_the_lock_is_told_with_its_time(empty_url: str, folder: Path) -> None:
    ready = threading.Event()

    def hold() -> None:
        with exclusive(at(empty_url), RunOptions(), Report()) as session:
            ready.set()
            mine = session.keeper.info.backend_pid
            until(lambda: query(empty_url, ASKED.format(mine)))

    holder = threading.Thread(target=hold)
    holder.start()
    ready.wait()
    result = call(empty_url, "migrate", "--log-json")
    holder.join()
    (lock,) = [event for event in events(result) if event["event"] == "lock"]
    assert lock["waited_ms"] >= POLL_SECONDS * 1000


# Another session, whose last statement has asked for the lock in vain.
ASKED = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle' "
    "AND pid NOT IN (pg_backend_pid(), {}) AND query LIKE '%pg_try_advisory_lock%'"
)
