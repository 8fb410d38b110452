"""A backup is whole, is the file that was written, and gives back what was there."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import peewee
import psycopg2
import pytest

from application import backups
from domains.backups import keeping
from domains.backups.models import Backup, BackupSchedule, BackupStatus
from engine.backup.dump import Dump, dump, remove, sidecar
from engine.backup.restore import restore
from engine.connect import programs
from engine.errors import BackupFailed, ConfigError, Refused
from engine.project import Project
from engine.report import Report
from engine.run.options import RunOptions
from tests.support import samples
from tests.support.console import call
from tests.support.databases import execute, query, read
from tests.support.owned import mallory_url, owned_url
from tests.support.postgres import PostgresServer, Servers
from tests.support.project import ROOT
from tests.support.runners import at, rooted
from tests.support.waiting import until

NEWEST = 18
SQL_NOW = peewee.SQL("now()")


class Heard(Report):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.steps = self.done = 0

    def message(self, text: str) -> None:
        self.messages.append(text)

    def started(self, name: str, steps: int) -> None:
        self.steps = steps

    def step(self) -> None:
        self.done += 1


@pytest.fixture
def filled(migrated_url: str) -> str:
    """A database with a row that a customer made, and settings of its own."""
    name = psycopg2.extensions.parse_dsn(migrated_url)["dbname"]
    execute(migrated_url, f"ALTER DATABASE {name} SET timezone TO 'Asia/Jayapura'")
    with closing(psycopg2.connect(migrated_url)) as connection, connection:
        cursor = connection.cursor()
        place = samples.location(cursor)
        samples.voucher(cursor, samples.batch(cursor, samples.profile(cursor, place)))
        person = samples.customer(
            cursor, place, name="Söti \\.'\"", notes="a\n\\.\t'\"\nSET x = 1;\n"
        )
        terms = (
            samples.router(cursor, place),
            samples.profile(cursor, place, service_type="pppoe"),
        )
        samples.pppoe_user(cursor, person, *terms)
    return migrated_url


def rows(url: str) -> dict[str, Any]:
    """The rows of each table, but for the record of the backups."""
    tables = [table for table in read(url).tables if table != "backups"]
    text = " UNION ALL ".join(
        f"SELECT '{t}', array_agg(r::text ORDER BY r::text) FROM {t} r" for t in tables
    )
    return dict(query(url, text))


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# ── there and back ──────────────────────────────────────────────────────────────────────────────


def test_a_restored_database_is_equal(
    filled: str, empty_url: str, server: PostgresServer, tmp_path: Path
) -> None:
    made = call(filled, "backup", "--path", str(tmp_path / "new"))
    assert made.code == 0, made.err
    path = Path(made.out.split("  written in ")[0])
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    for file in (path, sidecar(path)):
        assert file.stat().st_mode & 0o777 == 0o600
    assert files(path.parent) == [path.name, sidecar(path).name]
    check = subprocess.run(["sha256sum", "-c", sidecar(path).name], cwd=path.parent)
    assert check.returncode == 0

    digest = hashlib.sha256(path.read_bytes()).digest()
    row = "SELECT status, path, size_bytes, sha256, schedule_id FROM backups"
    ((status, held, size, sha256, schedule),) = query(filled, row)
    assert (status, held, schedule) == ("completed", str(path), None)
    assert (size, bytes(sha256)) == (path.stat().st_size, digest)

    done = call(empty_url, "restore", str(path))
    assert done.code == 0, done.err
    assert read(empty_url) == read(filled)
    assert rows(empty_url) == rows(filled)
    assert query(empty_url, "SHOW timezone") == [("Asia/Jayapura",)]
    assert query(empty_url, "SELECT status FROM backups") == [("failed",)]
    assert "pending" not in call(empty_url, "status").out
    assert call(empty_url, "migrate").out.startswith("Nothing to migrate")


@pytest.mark.only("newest")
def test_progress_counts_the_tables(filled: str, empty_url: str, tmp_path: Path) -> None:
    there, back = Heard(), Heard()
    made = dump(at(filled), tmp_path, there)
    restore(at(empty_url), made.path, RunOptions(), back)
    assert there.steps == there.done == back.steps == back.done == 34


def test_only_an_empty_database_is_restored_into(filled: str, tmp_path: Path) -> None:
    made = dump(at(filled), tmp_path, Report())
    for thing in ("FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "SCHEMA other"):
        execute(filled, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        execute(filled, f"CREATE {thing}")
        with pytest.raises(Refused, match="is not empty") as refused:
            restore(at(filled), made.path, RunOptions(), Report())
        assert thing.split()[0].lower() in refused.value.why


@pytest.mark.only("newest")
def test_a_file_that_is_not_the_one_written_is_refused(
    empty_url: str, migrated_url: str, tmp_path: Path
) -> None:
    path = dump(at(migrated_url), tmp_path, Report()).path
    whole, proof = path.read_bytes(), sidecar(path).read_text()

    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(Refused, match="is not the file that was written"):
        restore(at(empty_url), path, RunOptions(), Report())
    sidecar(path).unlink()
    with pytest.raises(Refused, match="sha256 cannot be read: No such file"):
        restore(at(empty_url), path, RunOptions(), Report())
    for text in ("", "\n", "abc", "\x00" * 70):
        sidecar(path).write_text(text)
        with pytest.raises(Refused):
            restore(at(empty_url), path, RunOptions(), Report())
    sidecar(path).write_text(proof)
    path.unlink()
    with pytest.raises(Refused, match="cannot be read: No such file"):
        restore(at(empty_url), path, RunOptions(), Report())
    assert not read(empty_url).tables


def trusted(path: Path, content: bytes) -> Path:
    """A file with a right sha256, whatever is in it."""
    path.write_bytes(content)
    sidecar(path).write_text(hashlib.sha256(content).hexdigest())
    return path


def test_what_breaks_in_the_middle_leaves_nothing(
    migrated_url: str, empty_url: str, tmp_path: Path
) -> None:
    breaks_and_leaves_nothing(migrated_url, empty_url, tmp_path)


@pytest.mark.only("oldest")
def test_what_breaks_in_a_pg_restore_that_is_newer_leaves_nothing(
    migrated_url: str, empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_the_newest(monkeypatch)
    breaks_and_leaves_nothing(migrated_url, empty_url, tmp_path)


def breaks_and_leaves_nothing(migrated_url: str, empty_url: str, tmp_path: Path) -> None:
    whole = dump(at(migrated_url), tmp_path, Report()).path.read_bytes()
    for content in (b"", b"PGDMP", b"SELECT 1;", whole[: len(whole) * 2 // 3]):
        with pytest.raises(BackupFailed):
            restore(at(empty_url), trusted(tmp_path / "cut", content), RunOptions(), Report())
        assert not read(empty_url).tables

    role = f"reader_{empty_url.rpartition('_')[2]}"
    execute(migrated_url, f"CREATE ROLE {role}; GRANT SELECT ON customers TO {role}")
    granted = dump(at(migrated_url), tmp_path, Report()).path
    execute(migrated_url, f"DROP OWNED BY {role}; DROP ROLE {role}")
    with pytest.raises(BackupFailed) as failure:
        restore(at(empty_url), granted, RunOptions(), Report())
    assert f"rights were given to {role}; make the role" in failure.value.fix
    assert not read(empty_url).tables


# ── versions of PostgreSQL ──────────────────────────────────────────────────────────────────────


def only_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine that has the embedded package alone."""
    monkeypatch.setattr(programs, "DEBIAN", Path("/nowhere"))
    monkeypatch.setenv("PATH", "/nowhere")


def test_a_pg_restore_that_is_newer_than_the_server_restores(
    filled: str,
    server: PostgresServer,
    empty_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    only_the_newest(monkeypatch)
    assert list(programs.clients("pg_dump")) == [NEWEST]
    # the line that is left out of the script's head is kept where it is data
    execute(filled, "UPDATE customers SET notes = E'x\\nSET transaction_timeout = 0;\\n\\\\.\\n'")
    restore(at(empty_url), dump(at(filled), tmp_path, Report()).path, RunOptions(), Report())
    assert read(empty_url) == read(filled)
    assert rows(empty_url) == rows(filled)


def test_a_pg_dump_that_is_older_than_the_server_is_refused(
    server: PostgresServer, migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "PACKAGE", "not_installed")
    if int(server.name) <= max(programs.clients("pg_dump")):
        assert dump(at(migrated_url), tmp_path, Report()).size_bytes
        return
    with pytest.raises(ConfigError, match=f"runs PostgreSQL {server.name}, and the newest pg_dump"):
        dump(at(migrated_url), tmp_path, Report())
    assert not files(tmp_path)


@pytest.mark.only("oldest")
def test_a_newer_server_without_an_optional_extension_restores(
    filled: str, tmp_path: Path, servers: Servers
) -> None:
    """uuid-ossp is in a dump where the server offered it; the embedded server does not."""
    newest, heard = servers.newest(), Heard()
    with newest.database() as url:
        restore(at(url), dump(at(filled), tmp_path, Report()).path, RunOptions(), heard)
        before, after = read(filled), read(url)
        lacking = before.extensions - after.extensions
        assert lacking <= {"uuid-ossp"}
        assert heard.messages == [
            f"left out, the server does not offer it: extension {name}" for name in lacking
        ]
        assert set(after.tables) == set(before.tables)
        assert rows(url) == rows(filled)


# ── the record ──────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def schedules(billing: Any) -> Iterator[Any]:
    """All three are due; the database is bound and connected."""
    name = psycopg2.extensions.parse_dsn(billing.url)["dbname"]
    execute(billing.url, f"ALTER DATABASE {name} SET timezone TO 'Asia/Jakarta'")
    billing.connect()
    BackupSchedule.update(next_run_at=SQL_NOW).execute()
    yield billing


def writer(folder: Path, log: list[str] | None = None) -> keeping.Write:
    """Writes files that take no time."""

    def write() -> Dump:
        content = os.urandom(16)
        path = trusted(folder / f"{content.hex()}.dump", content)
        if log is not None:
            log.append(path.name)
        return Dump(path, len(content), hashlib.sha256(content).digest())

    return write


@pytest.mark.only("newest")
def test_due_schedules_run_once_and_are_set_to_their_next_time(
    schedules: Any, migrated_url: str, tmp_path: Path
) -> None:
    before = datetime.now().astimezone()
    assert BackupSchedule.update(is_active=False).where(BackupSchedule.name == "weekly").execute()
    runs = keeping.take_due(writer(tmp_path), partial(remove, tmp_path))
    assert [(run.schedule, run.error) for run in runs] == [("daily", None), ("monthly", None)]
    assert keeping.take_due(writer(tmp_path), partial(remove, tmp_path)) == []
    daily, weekly, monthly = BackupSchedule.select().order_by(BackupSchedule.id)
    assert weekly.last_run_at is None
    for schedule, hour in ((daily, 2), (monthly, 4)):
        assert before - timedelta(seconds=1) < schedule.last_run_at < schedule.next_run_at
        (local,) = query(
            migrated_url,
            "SELECT extract(hour FROM next_run_at AT TIME ZONE 'Asia/Jakarta')::int "
            f"FROM backup_schedules WHERE id = {schedule.id}",
        )
        assert local == (hour,)
    assert monthly.next_run_at.astimezone(daily.next_run_at.tzinfo).day == 1
    made = Backup.select(Backup.schedule, Backup.status).tuples()
    assert sorted(made) == [(daily.id, "completed"), (monthly.id, "completed")]


@pytest.mark.only("newest")
def test_two_callers_never_run_one_schedule_both(schedules: Any, tmp_path: Path) -> None:
    log: list[str] = []
    ready = threading.Barrier(4)

    def caller() -> None:
        with schedules.connection_context():
            ready.wait()
            keeping.take_due(writer(tmp_path, log), partial(remove, tmp_path))

    threads = [threading.Thread(target=caller) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(log) == 3
    assert {s for (s,) in Backup.select(Backup.status).tuples()} == {BackupStatus.COMPLETED}


@pytest.mark.only("newest")
def test_retention_removes_the_oldest_of_the_schedule_and_nothing_else(
    schedules: Any, tmp_path: Path
) -> None:
    write = writer(tmp_path)
    by_hand = keeping.take(write).path
    (tmp_path / "other.dump").write_text("mine")
    BackupSchedule.update(retention_count=2).where(BackupSchedule.name == "daily").execute()
    daily: list[Path] = []
    for _ in range(4):
        BackupSchedule.update(next_run_at=SQL_NOW, last_run_at=None).execute()
        runs = {run.schedule: run for run in keeping.take_due(write, partial(remove, tmp_path))}
        assert [run.error for run in runs.values()] == [None] * 3
        dump_of_day = runs["daily"].dump
        assert dump_of_day
        daily.append(dump_of_day.path)
    assert [path.exists() for path in daily] == [False, False, True, True]
    assert [sidecar(path).exists() for path in daily] == [False, False, True, True]
    assert runs["daily"].removed == (daily[1],)
    assert by_hand.exists() and (tmp_path / "other.dump").exists()
    assert len(list(tmp_path.glob("*.sha256"))) == 1 + 2 + 4 + 4
    gone = Backup.select(Backup.path, Backup.status).where(Backup.removed_at.is_null(False))
    assert sorted(gone.tuples()) == sorted((str(p), "completed") for p in daily[:2])


@pytest.mark.only("newest")
@pytest.mark.parametrize(
    "forged", ["other_content", "outside", "dots", "link", "linked_folder", "name"]
)
def test_a_forged_row_removes_nothing(schedules: Any, tmp_path: Path, forged: str) -> None:
    """Who can write the table must not be able to remove any file with it: neither one outside of
    the root nor one that is no dump, even where both the row and the file beside it agree."""
    root, away = tmp_path / "root", tmp_path / "away"
    root.mkdir()
    away.mkdir()
    BackupSchedule.update(retention_count=1).execute()
    ending = ".txt" if forged == "name" else ".dump"
    inside = forged in ("other_content", "name")
    victim = trusted((root if inside else away) / f"victim{ending}", b"precious")
    (root / "link.dump").symlink_to(victim)
    (root / "linked").symlink_to(away)
    path = {
        "dots": f"{root}/../away/victim.dump",
        "link": f"{root}/link.dump",
        "linked_folder": f"{root}/linked/victim.dump",
    }.get(forged, str(victim))
    content = b"another" if forged == "other_content" else b"precious"
    assert len(keeping.take_due(writer(root), partial(remove, root))) == 3
    Backup.update(path=path, sha256=hashlib.sha256(content).digest()).execute()
    BackupSchedule.update(next_run_at=SQL_NOW, last_run_at=None).execute()
    runs = keeping.take_due(writer(root), partial(remove, root))
    assert len(runs) == 3
    for run in runs:
        assert isinstance(run.error, keeping.BackupNotRemoved)
        assert f"{path} was not removed" in str(run.error)
        assert run.dump is None or run.dump.path.exists()
    assert victim.read_bytes() == b"precious"
    assert sidecar(victim).exists() and (root / "link.dump").is_symlink()
    assert Backup.select().where(Backup.removed_at.is_null(False)).count() == 0


@pytest.mark.only("newest")
def test_a_failing_dump_is_recorded_and_keeps_no_other_schedule_from_running(
    schedules: Any, tmp_path: Path
) -> None:
    def write() -> Dump:
        if not Backup.select().where(Backup.status == BackupStatus.FAILED).exists():
            raise BackupFailed("the disk is full")
        return writer(tmp_path)()

    runs = keeping.take_due(write, partial(remove, tmp_path))
    assert [str(run.error) for run in runs] == ["the disk is full", "None", "None"]
    errors = Backup.select(Backup.status, Backup.error).order_by(Backup.id).tuples()
    assert list(errors) == [("failed", "the disk is full"), *[("completed", None)] * 2]


def test_a_connection_that_was_cut_meanwhile_is_made_anew(
    migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(project: Project, *arguments: Any, **options: Any) -> Dump:
        execute(
            project.url,
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        return dump(project, *arguments, **options)

    monkeypatch.setattr(backups.dumps, "dump", write)
    assert backups.make(at(migrated_url), str(tmp_path), Report()).path.exists()
    assert query(migrated_url, "SELECT status FROM backups") == [("completed",)]


@pytest.mark.only("newest")
def test_a_killed_backup_is_cleared_up_by_the_next(migrated_url: str, tmp_path: Path) -> None:
    """Its file goes, its row says why, and a backup that still runs is left alone."""
    with closing(psycopg2.connect(migrated_url)) as blocker:
        blocker.cursor().execute("LOCK TABLE customers")  # pg_dump waits for it
        arguments = [sys.executable, "-m", "invoke", "backup", "--path", str(tmp_path)]
        environment = os.environ | {"DATABASE_URL": migrated_url}
        killed = subprocess.Popen(arguments, cwd=ROOT, env=environment, start_new_session=True)
        running = subprocess.Popen(arguments, cwd=ROOT, env=environment, stdout=subprocess.PIPE)
        until(lambda: len(list(tmp_path.glob("*.partial"))) == 2)
        os.killpg(killed.pid, signal.SIGKILL)
        killed.wait()
        blocker.rollback()
        assert running.communicate(timeout=60) and running.returncode == 0
    assert query(migrated_url, "SELECT status FROM backups ORDER BY 1") == [
        ("running",),
        ("completed",),
    ]
    assert call(migrated_url, "backup", "--path", str(tmp_path)).code == 0
    assert query(migrated_url, "SELECT status, error FROM backups WHERE error IS NOT NULL") == [
        ("failed", keeping.ABANDONED)
    ]
    assert [path.suffix for path in sorted(tmp_path.iterdir())] == [".dump", ".sha256"] * 2


# ── the tasks ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.only("newest")
def test_where_it_is_written(
    migrated_url: str, empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backups, "PROJECT", rooted(tmp_path))
    assert call(migrated_url, "backup").code == 0
    assert len(list((tmp_path / "backups").glob("*.dump"))) == 1
    name_below(migrated_url, "elsewhere/by month")
    assert call(migrated_url, "backup").code == 0
    assert len(list((tmp_path / "backups/elsewhere/by month").glob("*.dump"))) == 1
    assert call(migrated_url, "backup", BACKUP_ROOT=str(tmp_path / "root")).code == 0
    assert len(list((tmp_path / "root/elsewhere/by month").glob("*.dump"))) == 1
    assert "No backup is due" in call(migrated_url, "backup", "--due").out
    unmigrated = call(empty_url, "backup")
    assert (unmigrated.code, "is not recorded" in unmigrated.err) == (0, True)
    assert len(list((tmp_path / "backups").glob("*.dump"))) == 2
    (tmp_path / "file").write_text("no folder")
    refused = call(migrated_url, "backup", "--path", str(tmp_path / "file"))
    assert refused.code == 1
    assert "cannot be written to" in refused.err
    assert query(migrated_url, "SELECT count(*) FROM backups WHERE status = 'failed'") == [(1,)]


def name_below(url: str, folder: str) -> None:
    value = json.dumps(folder)
    execute(url, f"UPDATE settings SET value = '{value}' WHERE key = 'backup_path'")


@pytest.mark.only("newest")
@pytest.mark.parametrize("below", ["../away", "{away}", "linked", "a/../../away", "linked/deeper"])
def test_a_setting_cannot_lead_out_of_the_root(
    migrated_url: str, tmp_path: Path, below: str
) -> None:
    """An admin may write the setting; who runs the backups may be root."""
    root, away = tmp_path / "root", tmp_path / "away"
    root.mkdir()
    away.mkdir()
    (root / "linked").symlink_to(away)
    name_below(migrated_url, below.format(away=away))
    refused = call(migrated_url, "backup", BACKUP_ROOT=str(root))
    assert refused.code == 1
    assert "does not stay below" in refused.err or "is a link" in refused.err
    assert (files(root), files(away)) == (["linked"], [])
    ((error,),) = query(migrated_url, "SELECT error FROM backups WHERE status = 'failed'")
    assert error in refused.err.replace("error: ", "")


@pytest.mark.only("newest")
def test_links_in_the_folder_lead_nowhere(
    migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever can write the folder puts links where the next dump and its sha256 would be."""

    class Stopped(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Stopped:
            return cls(2026, 1, 1, tzinfo=tz)

    monkeypatch.setattr("engine.backup.dump.datetime", Stopped)
    victim, root = tmp_path / "victim", tmp_path / "root"
    root.mkdir()
    name = dump(at(migrated_url), tmp_path / "first", Report()).path.name
    for taken in (name, f"{name}.sha256", f"{name}.partial"):
        (root / taken).symlink_to(victim)
        made = dump(at(migrated_url), root, Report())
        assert made.path.name == name.replace(".dump", "-2.dump")
        assert not victim.exists() and (root / taken).is_symlink()
        assert remove(root, made.path, made.sha256)
        (root / taken).unlink()


@pytest.mark.only("newest")
def test_due_backups_from_the_command_line(migrated_url: str, tmp_path: Path) -> None:
    execute(migrated_url, "UPDATE backup_schedules SET next_run_at = now() WHERE name <> 'weekly'")
    execute(migrated_url, "UPDATE backup_schedules SET cron = '0 0 30 2 *' WHERE name = 'monthly'")
    result = call(migrated_url, "backup", "--due", "--path", str(tmp_path))
    assert result.code == 1
    assert "monthly: the cron fields '0 0 30 2 *'" in result.err
    assert len(list(tmp_path.glob("*.dump"))) == 1
    assert query(migrated_url, "SELECT status FROM backups") == [("completed",)]


@pytest.mark.only("newest")
def test_tables_of_another_program_are_left_out_where_they_may_not_be_read(
    server: PostgresServer, tmp_path: Path
) -> None:
    """With their sequences, and the views over them: at the first of them pg_dump gave up."""
    with owned_url(server) as url:
        administrator = re.sub(r"//\w+@", "//postgres@", url)
        with mallory_url(server, administrator, "CREATE ON SCHEMA public") as radius:
            execute(url, "CREATE TABLE routers (id int); INSERT INTO routers VALUES (7)")
            execute(radius, 'CREATE TABLE "Rad.*" (id serial); CREATE TABLE radacct (id int)')
            execute(radius, 'CREATE VIEW online AS SELECT id FROM "Rad.*"')
            execute(radius, "GRANT SELECT ON radacct TO PUBLIC")
            heard = Heard()
            path = dump(at(url), tmp_path, heard).path
            left_out = [message.partition(" (of ")[0] for message in heard.messages]
            with server.database() as empty:
                restore(at(empty), path, RunOptions(), Heard(), lambda foreign: True)
                assert query(empty, "SELECT id FROM routers") == [(7,)]
                assert query(empty, "SELECT to_regclass('radacct') IS NULL") == [(False,)]
    names = ["Rad.*", "Rad.*_id_seq", "online"]
    assert left_out == [f"left out, as it may not be read: {name}" for name in names]
