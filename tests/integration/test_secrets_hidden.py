"""A password is printed nowhere, and stands on no command line, however a task ends."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support.console import Result, call, in_a_process, migrations_in
from tests.support.databases import execute
from tests.support.migration_files import write
from tests.support.postgres import PostgresServer

WORD = "hunter2geheim"  # no part of the password is shown either, nor is it in its encoded form
PASSWORD = f"{WORD}@/%:'\"\\ é{WORD}"
KEY = "k3yk3yk3y"


@dataclass
class Owner:
    """A role that needs its password, and may make databases."""

    server: PostgresServer
    name: str
    seen: list[str] = field(default_factory=list)

    def url(self, database: str, password: str = PASSWORD) -> str:
        credentials = f"{self.name}:{quote(password, safe='')}"
        return f"postgresql://{credentials}@localhost:{self.server.port}/{database}"

    def run(self, database: str, *arguments: str, typed: str = "") -> Result:
        """Run invoke in a process of its own; nothing that it prints may have a secret."""
        url = self.url(database)
        return hidden(in_a_process(url, *arguments, typed=typed, BILLING_SECRET_KEYS=KEY))


def hidden(result: Result) -> Result:
    for text in (result.out, result.err):
        assert WORD not in text
        assert KEY not in text
        assert "Traceback" not in text
    return result


@pytest.fixture
def owner(server: PostgresServer) -> Iterator[Owner]:
    role = f"owner_{secrets.token_hex(6)}"
    literal = PASSWORD.replace("'", "''")
    server.execute(f"CREATE ROLE {role} LOGIN CREATEDB IN ROLE with_password PASSWORD '{literal}'")
    databases = (role, f"{role}_copy")
    for database in databases:
        server.execute(f"CREATE DATABASE {database} OWNER {role} TEMPLATE template0")
    yield Owner(server, role)
    for database in databases:
        server.execute(f"DROP DATABASE {database} WITH (FORCE)")
    server.execute(f"DROP ROLE {role}")


@contextmanager
def watched() -> Iterator[set[str]]:
    """The names of the programs that ran meanwhile; no command line may have the password."""
    lines: set[bytes] = set()
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.005):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    lines.add(path.read_bytes())
                except OSError:
                    continue

    names: set[str] = set()
    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield names
    finally:
        ended.set()
        thread.join()
    assert not [line for line in lines if WORD.encode() in line or KEY.encode() in line]
    names |= {Path(os.fsdecode(line.split(b"\0")[0])).name for line in lines}


def test_every_task_works_with_a_password_and_keeps_it_to_itself(
    owner: Owner, tmp_path: Path
) -> None:
    name, copy = owner.name, f"{owner.name}_copy"
    wrong = call(owner.url(name, password=f"{WORD}wrong"), "status")
    assert (wrong.code, "password authentication failed" in hidden(wrong).err) == (1, True)

    with watched() as programs:
        assert owner.run(name, "-e", "migrate").code == 0
        assert owner.run(name, "backup", "--path", str(tmp_path)).code == 0
        (path,) = tmp_path.glob("*.dump")
        assert owner.run(copy, "restore", str(path)).code == 0
        shell = owner.run(
            copy, "db.shell", typed="SELECT 'rows', count(*) FROM roles; \\! sleep 0.1"
        )
        assert (shell.code, "rows" in shell.out) == (0, True)
    assert programs >= {"pg_dump", "pg_restore", "psql"}

    for text in (path.read_bytes(), path.with_name(f"{path.name}.sha256").read_bytes()):
        assert WORD.encode() not in text
    for task in (
        ["status", "--json"],
        ["migrate", "--dry-run"],
        ["backup", "--due"],
        ["restore", str(path)],
        ["env.set", "production"],
        ["rollback", "--log-json"],
    ):
        hidden(call(owner.url(copy), *task, BILLING_SECRET_KEYS=KEY))


@pytest.mark.only("newest")
def test_a_migration_that_fails_does_not_show_it(
    owner: Owner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrations_in(tmp_path, monkeypatch)
    url = owner.url(owner.name)
    for number, body in enumerate(("SELECT 1 / 0", "NONSENSE", "ALTER SYSTEM SET jit = off"), 1):
        write(tmp_path, f"{number:03}_broken", body)
        for options in ([], ["--log-json"], ["--dry-run"]):
            hidden(call(url, "migrate", *options))
        hidden(call(url, "fresh", "--yes"))
        (tmp_path / f"{number:03}_broken.py").unlink()
    (tmp_path / "001_broken.py").write_text(
        "def migrate(migrator, database, *, fake=False):\n    raise ValueError('it broke')\n"
    )
    assert "it broke" in hidden(call(url, "migrate")).err
    execute(owner.server.url(owner.name), "CREATE TABLE migratehistory (id int)")
    hidden(call(url, "status"))


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://u:{WORD}@localhost:port/x",
        f"postgresql://u:{WORD}@localhost:99999/x",
        f"postgresql://u:{WORD}@[::1/x",
        f"postgresql://u:{WORD}%zz@localhost/x",
        f"postgresql://u:%00{WORD}@localhost/x",
        f"postgresql://u:{WORD}@localhost:1/x",
        f"postgresql://u:a@{WORD}@localhost/x",
        f"postgresql://u:a/{WORD}@localhost/x",
        f"postgresql://u:a@b/{WORD}@localhost/x",
        f"postgresql://u:a?{WORD}@localhost/x",
        f"postgresql://u:a:{WORD}@localhost:1/x",
        f"postgresql://u:{WORD}\udcff@localhost:1/x",
        f'postgresql://u:"{WORD}"{WORD}@localhost/x?nonsense=1',
        f"postgresql://u@localhost/x?{WORD}=1",
        f"postgresql://u@localhost/x?password={WORD}&sslmode=nonsense",
        f"postgresql://u@localhost/x?password={WORD}={WORD}",
        f"postgresql://u@localhost:1/x?sslpassword={WORD}",
        f"postgres//u:{WORD}@localhost",
        f"mysql://u:{WORD}@localhost/x",
        f"host=localhost password={WORD}",
        f"password={WORD}://x",
        WORD,
    ],
)
def test_a_url_that_cannot_be_used_is_not_shown(url: str) -> None:
    for setting in ("DATABASE_URL", "MIGRATION_DATABASE_URL"):
        for task in (["migrate", "--log-json"], ["status"], ["backup"]):
            if setting == "DATABASE_URL" or task != ["status"]:
                given = {"DATABASE_URL": "postgresql://localhost:1/x", setting: url}
                assert hidden(call(None, *task, **given)).code == 1
