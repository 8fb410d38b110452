"""The embedded server is the one that answers, and it knows nothing that it does not need."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest

from engine.connect import embedded, programs
from engine.connect.embedded_server import LONGEST_SOCKET_FOLDER, Server
from engine.connect.programs import for_program
from engine.errors import ConfigError
from project import PROJECT
from tests.support.databases import query
from tests.support.runners import rooted

SECRETS = {
    "BILLING_SECRET_KEYS": "the-key",
    "AWS_SECRET_ACCESS_KEY": "the-token",
    "DATABASE_URL": "postgresql://u:the-password@elsewhere/x",
}
ELSEWHERE = {
    "PGPORT": "54577",
    "PGHOST": "elsewhere",
    "PGHOSTADDR": "127.0.0.9",
    "PGUSER": "nobody",
    "PGDATABASE": "nothing",
    "PGSERVICE": "not-there",
    "PGSSLMODE": "verify-full",
    "PGGSSENCMODE": "require",
    "PGREQUIREAUTH": "scram-sha-256",
    "PGTARGETSESSIONATTRS": "standby",
    "PGDATA": "/nowhere",
}


@pytest.fixture
def folder() -> Iterator[Path]:
    state = Path(tempfile.mkdtemp(dir="/tmp"))
    state.chmod(0o755)
    for copied in PROJECT.data.glob("programs-*"):
        (state / copied.name).symlink_to(copied)
    root = state / "project"
    root.mkdir(mode=0o755)
    yield root
    if not (root / ".postgres").is_symlink():
        embedded.stop(rooted(root, state))
    shutil.rmtree(state)


def test_the_environment_neither_moves_nor_hides_it_nor_is_known_to_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = rooted(folder, folder.parent)
    for name, value in (SECRETS | ELSEWHERE).items():
        monkeypatch.setenv(name, value)
    made = embedded.running_server(project)
    assert query(made.url(made.owner), "SELECT current_database()") == [("billing",)]
    for name, value in ELSEWHERE.items():
        monkeypatch.setenv(name, value)
    again = embedded.running_server(project)
    assert query(again.url(again.application), "SHOW port") == [("5432",)]
    connection, environment = for_program(again.url(again.owner))
    assert "the-" not in connection + str(environment)
    process = (made.data / "postmaster.pid").read_text().split()[0]
    known = Path(f"/proc/{process}/environ").read_bytes()
    assert not any(secret in known for secret in (b"the-key", b"the-token", b"the-password"))
    said = query(
        again.url(again.superuser),
        "CREATE TEMP TABLE said (line text); COPY said FROM PROGRAM 'env'; SELECT line FROM said",
    )
    assert "the-" not in str(said)
    with pytest.raises(psycopg2.OperationalError, match="requirepeer"):
        query(again.url(again.owner).replace("requirepeer=", "requirepeer=not"), "SELECT 1")


def opened(server: Server) -> None:
    server.socket_folder.mkdir(mode=0o700)
    os.chown(server.socket_folder, server.uid, -1)
    server.socket_folder.chmod(0o777)


def foreign(server: Server) -> None:
    server.socket_folder.mkdir(mode=0o700)
    os.chown(server.socket_folder, server.uid + 4711, -1)


def linked(server: Server) -> None:
    there = server.project.root / "there"
    there.mkdir(mode=0o700)
    os.chown(there, server.uid, -1)
    server.socket_folder.symlink_to(there)


PLANTED: dict[str, tuple[Callable[[Server], None], str]] = {
    "open": (opened, "is open to other users"),
    "of another user": (foreign, "belongs to the user"),
    "a link": (linked, "is a symbolic link"),
}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a folder of another user's")
@pytest.mark.parametrize("kind", PLANTED)
def test_nobody_else_can_answer_in_its_place(kind: str, folder: Path) -> None:
    """The folder of the socket of a project with a long path is in /tmp, where all may write."""
    long = folder / ("deep" * LONGEST_SOCKET_FOLDER)[:200]
    long.mkdir(mode=0o755)
    server = embedded.find(rooted(long, folder.parent))
    assert server.socket_folder.parent == Path(tempfile.gettempdir())
    plant, expected = PLANTED[kind]
    plant(server)
    try:
        for _ in range(2):
            with pytest.raises(ConfigError, match=expected):
                embedded.running_server(server.project)
        assert list(server.socket_folder.iterdir()) == []
    finally:
        if server.socket_folder.is_symlink():
            server.socket_folder.unlink()
        else:
            server.socket_folder.rmdir()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a link of another user's")
def test_root_follows_no_link_that_another_user_has_made(folder: Path) -> None:
    target = folder / "precious"
    target.mkdir(mode=0o700)
    link = folder / ".postgres"
    link.symlink_to(target)
    os.lchown(link, 65534, 65534)
    with pytest.raises(ConfigError, match="another user has made"):
        embedded.start(rooted(folder, folder.parent))
    assert list(target.iterdir()) == []
    assert target.stat().st_uid == 0


def test_a_client_gets_its_password_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PGSSLROOTCERT", "/etc/root.crt")
    connection, environment = for_program("postgresql://u:mine@h/d")
    assert "mine" not in connection
    assert (environment["PGPASSWORD"], environment["PGSSLROOTCERT"]) == ("mine", "/etc/root.crt")
    assert "the-" not in str(environment)
    assert not any(name.startswith("PG") for name in programs.environment())
