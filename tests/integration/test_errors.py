"""What a user can get wrong: one message that says what, where and the way out; no traceback, never
a password, and the database is as it was."""

from __future__ import annotations

import re
import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from engine.connect.connection import connect
from engine.connect.url import checked
from engine.errors import ConfigError, ConnectionFailed, EngineError
from engine.explain.postgres_errors import translated
from engine.report import Report
from engine.run.options import RunOptions
from tests.support.console import call, migrations_in
from tests.support.databases import execute, name_of, query, read
from tests.support.postgres import GUARDED, PostgresServer, free_port
from tests.support.project import Invoke
from tests.support.runners import at, runner_at, runner_on
from tests.support.usual import usually_each

SECRET = "s3cret"
HEAD = "def migrate(migrator, database, *, fake=False):\n"
WAY_OUT = "\nWhat to do: "


def told(url: str) -> str:
    """What is said about a URL that leads to no usable database."""
    with pytest.raises((ConfigError, ConnectionFailed)) as refused:
        connect(at(checked(url, "DATABASE_URL"))).close()
    message = str(refused.value)
    assert SECRET not in message
    assert WAY_OUT in message
    return message


def test_no_server_there() -> None:
    unknown = told(f"postgresql://u:{SECRET}@nowhere.invalid/db")
    assert "cannot connect to u@nowhere.invalid/db" in unknown
    assert "check the host name" in unknown
    closed = told(f"postgresql://u:{SECRET}@localhost:{free_port()}/db")
    assert "Connection refused" in closed
    assert "start PostgreSQL there, or correct host and port" in closed
    folder = told("postgresql://u@/db?host=/nowhere")
    assert "correct the socket directory" in folder


class Web(socketserver.BaseRequestHandler):
    """Answers as a web server does to what it does not understand."""

    def handle(self) -> None:
        self.request.recv(100)
        self.request.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")


class Silent(socketserver.BaseRequestHandler):
    """Says nothing until the client gives up."""

    def handle(self) -> None:
        while self.request.recv(100):
            pass


class Rude(socketserver.BaseRequestHandler):
    """Closes at once."""


class Refusing(socketserver.BaseRequestHandler):
    """Refuses as PostgreSQL does. said: in which words."""

    said = ""

    def handle(self) -> None:
        _startup(self.request)
        fields = {b"S": "FATAL", b"V": "FATAL", b"C": "57P03", b"M": self.said}
        body = b"".join(key + text.encode() + b"\0" for key, text in fields.items())
        self.request.sendall(_message(b"E", body + b"\0"))


class Old(socketserver.BaseRequestHandler):
    """Speaks PostgreSQL's protocol as far as a session of version 13.4."""

    def handle(self) -> None:
        _startup(self.request)
        settings = {"server_version": "13.4", "server_encoding": "UTF8", "client_encoding": "UTF8"}
        settings |= {"DateStyle": "ISO, MDY", "standard_conforming_strings": "on"}
        self.request.sendall(_message(b"R", struct.pack("!I", 0)))
        for name, value in settings.items():
            self.request.sendall(_message(b"S", f"{name}\0{value}\0".encode()))
        self.request.sendall(_message(b"Z", b"I"))
        self.request.recv(100)


def _startup(request: Any) -> None:
    """Take what a client says of itself; without encryption."""
    while True:
        size, code = struct.unpack("!II", request.recv(8))
        request.recv(size - 8)
        if code >> 16 == 3:
            return
        request.sendall(b"N")


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


@contextmanager
def listening(server: socketserver.TCPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("answer", [Web, Rude, Silent])
def test_what_answers_is_not_postgresql(answer: type[socketserver.BaseRequestHandler]) -> None:
    with listening(socketserver.ThreadingTCPServer(("127.0.0.1", 0), answer)) as port:
        message = told(f"postgresql://u:{SECRET}@127.0.0.1:{port}/db?connect_timeout=2")
    assert f"cannot connect to u@127.0.0.1:{port}/db" in message
    silent = "no PostgreSQL answered in time"
    assert (silent if answer is Silent else "check the port in DATABASE_URL") in message


@pytest.mark.parametrize(
    ("said", "way"),
    [
        ("the database system is not yet accepting connections", "wait until the server is up"),
        ("the database system is not accepting connections", "hot_standby = off"),
        ("the database system is in recovery mode", "recovers from a crash"),
    ],
)
def test_a_server_that_takes_nobody_now(
    said: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """User, password and database were to be checked."""
    monkeypatch.setattr(Refusing, "said", said)
    with listening(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Refusing)) as port:
        assert way in told(f"postgresql://u:{SECRET}@127.0.0.1:{port}/db")


@pytest.mark.only("newest")
def test_an_option_of_the_url_is_told_as_that(server: PostgresServer) -> None:
    """User, password and database were to be checked."""
    for option, way in (
        ("connect_timeout=soon", "correct that option"),
        ("keepalives_idle=0&keepalives=1", "correct that option"),
        ("sslmode=prefer&sslnegotiation=direct", "correct that option"),
        ("client_encoding=nonsense", "correct that option"),
        ("options=-cnothing", "correct that option"),
        ("target_session_attrs=standby", "target_session_attrs"),
        ("target_session_attrs=read-only", "target_session_attrs"),
        ("sslmode=require", "turn SSL on there"),
    ):
        message = told(f"{server.url('postgres')}?{option}")
        assert way in message.partition("What to do: ")[2], (option, message)


@pytest.mark.only("newest")
@pytest.mark.parametrize(
    ("state", "way"),
    [
        ("53100", "free space on the server's disk"),
        ("53400", "raise the limit that the message names"),
        ("XX002", "see the server's log"),
        ("3F000", "see what the message says"),
    ],
)
def test_what_the_server_is_short_of_is_told_of_every_task(
    state: str, way: str, empty_url: str
) -> None:
    """A scratch database for which the disk had no room: `see what the message says`."""
    with pytest.raises(psycopg2.Error) as refused:
        execute(empty_url, f"DO $$ BEGIN RAISE 'no' USING ERRCODE = '{state}'; END $$")
    error = translated(refused.value)
    assert error is not None
    assert error.fix.startswith(way)


def test_a_server_that_is_too_old() -> None:
    with listening(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Old)) as port:
        message = told(f"postgresql://u:{SECRET}@127.0.0.1:{port}/db")
    assert "runs PostgreSQL 13; version 14 or later is needed" in message
    assert "pg_upgrade" in message


def test_what_the_server_refuses(server: PostgresServer, invoke: Invoke, project: Path) -> None:
    execute(server.url("postgres"), f"DROP ROLE IF EXISTS {GUARDED}")
    execute(server.url("postgres"), f"CREATE ROLE {GUARDED} LOGIN PASSWORD '{SECRET}'")
    place = f"localhost:{server.port}"
    with closing(connect(at(f"postgresql://{GUARDED}:{SECRET}@{place}/postgres"))):
        pass
    result = invoke(project, f"postgresql://{GUARDED}:{SECRET}x@{place}/postgres", "migrate")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(f"Error: cannot connect to {GUARDED}@{place}/postgres.\n")
    assert "password authentication failed" in result.stderr
    assert "check user and password in DATABASE_URL" in result.stderr
    assert "Traceback" not in result.stderr
    assert SECRET not in result.stderr
    assert "add the password to DATABASE_URL" in told(f"postgresql://{GUARDED}@{place}/postgres")
    shown = invoke(project, f"postgresql://{GUARDED}:{SECRET}@{place}/postgres", "status")
    assert (shown.returncode, SECRET in shown.stdout + shown.stderr) == (0, False)
    missing = told(f"postgresql://postgres:{SECRET}@{place}/missing")
    assert 'database "missing" does not exist' in missing
    assert "CREATE DATABASE" in missing


def test_a_database_that_will_not_do(server: PostgresServer) -> None:
    for encoding in ("SQL_ASCII", "LATIN1"):
        locale = "LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
        with server.database(f"ENCODING '{encoding}' {locale}") as url:
            message = told(url)
            assert f"has the encoding {encoding}; UTF8 is needed" in message
            assert "ENCODING 'UTF8' TEMPLATE template0" in message
    nowhere = told(server.url("postgres") + "?options=-csearch_path%3Dnowhere,beyond")
    assert "has no schema that postgres may use: search_path is nowhere,beyond" in nowhere


def migration(body: str) -> str:
    lines = "".join(f"    {line}\n" for line in body.split("\n"))
    return f"{HEAD}{lines}"


SQL = "migrator.sql('CREATE TABLE before (i int)')\n"
TAIL = "\nmigrator.sql('CREATE TABLE after (i int)')"
# The second file, and what the message has to say.
BROKEN: dict[str, tuple[str, list[str]]] = {
    "Python cannot read it": (
        f"{HEAD}    migrator.sql('SELECT 1'\n",
        ["002_broken.py, line 2: '(' was never closed", "    migrator.sql('SELECT 1'\n", "^\n"],
    ),
    "not UTF-8": ("# \udcff", ["002_broken.py: it cannot be read", "UTF-8"]),
    "its own code fails when it is loaded": (
        "import os\nos.nothing\n",
        ["002_broken.py, line 2: it cannot be loaded: AttributeError"],
    ),
    "no migrate function": (
        "def rollback(migrator, database, *, fake=False):\n    pass\n",
        ["002_broken.py: it has no function migrate(migrator, database, *, fake=False)"],
    ),
    "SQL cannot be read": (
        migration(
            f"{SQL}migrator.sql('''\n        CREATE TABLE x (\n            i intt,\n"
            f"            j numeric(\n        )\n    '''){TAIL}"
        ),
        ['002_broken.py, line 3: syntax error at or near ")"', "sqlstate: 42601", "        )\n"],
    ),
    "SQL fails in the middle": (
        migration(
            f"{SQL}migrator.sql('INSERT INTO t SELECT 2')\nmigrator.sql('SELECT 1 / 0'){TAIL}"
        ),
        ["002_broken.py, line 4: division by zero", "    SELECT 1 / 0"],
    ),
    "rows are against it": (
        migration(f"{SQL}migrator.sql('ALTER TABLE t ADD CHECK (i > 5)'){TAIL}"),
        ["002_broken.py, line 3: 1 row of t in the way", "correct these rows"],
    ),
    "a constraint waits for the end": (
        migration(
            "migrator.sql('ALTER TABLE t ADD CONSTRAINT k UNIQUE (i) DEFERRABLE INITIALLY "
            "DEFERRED')\nmigrator.sql('INSERT INTO t SELECT 1')"
        ),
        ["002_broken.py: at its end: duplicate key value", "Key (i)=(1) already exists"],
    ),
    "a sign that is not doubled": (
        migration(f"{SQL}migrator.sql(\"SELECT 'a' LIKE 'a%'\"){TAIL}"),
        ["002_broken.py, line 3: ", "write % as %% in the SQL of "],
    ),
    "its code fails": (
        migration(f"{SQL}count = [].pop()"),
        ["002_broken.py, line 3: IndexError: pop from empty list", "count = [].pop()"],
    ),
    "its function fails at its turn": (
        "def fill(by):\n    return 1 / by\n\n\n" + migration(f"{SQL}migrator.run(fill, 0)"),
        ["002_broken.py, line 2: ZeroDivisionError", "return 1 / by"],
    ),
    "its direct statement fails": (
        migration(f"{SQL}database.execute_sql('SELECT nothing')"),
        ['002_broken.py, line 3: column "nothing" does not exist', "SELECT nothing\n", "^"],
    ),
    "it leaves the program": (
        f"import sys\n{migration(f'{SQL}sys.exit(0)')}",
        ["002_broken.py, line 4: SystemExit: 0"],
    ),
    "it commits": (
        migration(f"{SQL}migrator.sql('COMMIT'){TAIL}"),
        ["002_broken.py, line 3: it begins or ends a transaction", "atomic = False"],
    ),
}


@pytest.fixture(scope="session")
def broken_url(server: PostgresServer) -> Iterator[str]:
    """A database with one file applied; no broken one may change it."""
    with server.database() as url:
        yield url


@pytest.mark.parametrize("title", usually_each(BROKEN, 2))
def test_a_file_that_fails_leaves_nothing(title: str, broken_url: str, tmp_path: Path) -> None:
    text, words = BROKEN[title]
    (tmp_path / "001_good.py").write_text(
        migration("migrator.sql('CREATE TABLE t (i int)')\nmigrator.sql('INSERT INTO t SELECT 1')")
    )
    runner_on(broken_url, tmp_path).migrate()
    before = state(broken_url)
    (tmp_path / "002_broken.py").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(EngineError) as failed:
        runner_on(broken_url, tmp_path).migrate()
    message = str(failed.value)
    for word in words:
        assert word in message
    assert message.count(WAY_OUT) == 1
    assert state(broken_url) == before


def state(url: str) -> list[Any]:
    return [read(url), *(query(url, f"SELECT * FROM {t}") for t in ("t", "migratehistory"))]


def test_the_caret_stands_under_the_position(empty_url: str, tmp_path: Path) -> None:
    body = "migrator.sql('''CREATE TABLE t (i int);\n        SELECT 'é', no_such FROM t''')"
    (tmp_path / "001_caret.py").write_text(migration(body))
    with pytest.raises(EngineError) as failed:
        runner_on(empty_url, tmp_path).migrate()
    lines = failed.value.why.split("\n")
    (number,) = (n for n, line in enumerate(lines) if "no_such FROM" in line)
    assert lines[number + 1].index("^") == lines[number].index("no_such")
    assert not read(empty_url).tables
    assert query(empty_url, "SELECT to_regclass('migratehistory')") == [(None,)]


# Files, and what the history says of them; each in a folder with 001_one and 003_three applied.
MISFITS = {
    "edited": ({"001_one": "pass  # edited"}, "001_one was changed after it was applied"),
    "missing": ({"001_one": ""}, "001_one is applied, but its file is missing"),
    "number used twice": ({"003_other": "pass"}, "the number 003 is used twice"),
    "pending below": ({"002_two": "pass"}, "002_two is pending, but 003 is applied already"),
    "name that is passed over": ({"04_four": "pass"}, "04_four.py is named neither as"),
    "name with a dot": ({"004_v1.2": "pass"}, "004_v1.2.py is named neither as"),
}


@pytest.mark.parametrize("title", MISFITS)
def test_files_that_do_not_fit_the_history(title: str, broken_url: str, tmp_path: Path) -> None:
    execute(broken_url, "DROP SCHEMA IF EXISTS misfits CASCADE; CREATE SCHEMA misfits")
    url = f"{broken_url}?options=-csearch_path%3Dmisfits"
    for name in ("001_one", "003_three"):
        (tmp_path / f"{name}.py").write_text(migration("pass"))
    runner_on(url, tmp_path).migrate()
    before = query(url, "SELECT * FROM migratehistory")
    files, words = MISFITS[title]
    for name, body in files.items():
        path = tmp_path / f"{name}.py"
        path.write_text(migration(body)) if body else path.unlink()
    (tmp_path / "005_good.py").write_text(migration("migrator.sql('CREATE TABLE t (i int)')"))
    runner = runner_on(url, tmp_path)
    undoable = title in ("number used twice", "pending below")  # tests/integration/test_team.py
    for command in (runner.migrate,) if undoable else (runner.migrate, runner.rollback):
        with pytest.raises(EngineError) as refused:
            command()
        assert words in str(refused.value)
        assert "Nothing was run" in str(refused.value)
    assert query(url, "SELECT * FROM migratehistory") == before
    assert not read(url).tables


def test_a_missing_rollback_undoes_nothing(empty_url: str, tmp_path: Path) -> None:
    """Not the file before it either: all are read before the first one is undone."""
    back = (
        "\n\ndef rollback(migrator, database, *, fake=False):\n    migrator.sql('DROP TABLE u')\n"
    )
    (tmp_path / "001_t.py").write_text(migration("migrator.sql('CREATE TABLE t (i int)')"))
    (tmp_path / "002_u.py").write_text(migration("migrator.sql('CREATE TABLE u (i int)')") + back)
    runner_on(empty_url, tmp_path).migrate()
    before = read(empty_url)
    with pytest.raises(EngineError) as refused:
        runner_on(empty_url, tmp_path).rollback(2)
    assert "001_t.py: it has no rollback" in refused.value.what
    assert "rollback(migrator, database, *, fake=False)" in refused.value.fix
    assert read(empty_url) == before


class Heard(Report):
    def __init__(self) -> None:
        self.messages: list[str] = []

    def message(self, text: str) -> None:
        self.messages.append(text)


def test_the_time_zone_of_the_database(empty_url: str, tmp_path: Path) -> None:
    def migrate(zone: str | None, url: str = empty_url) -> list[str]:
        heard = Heard()
        project = at(url, tmp_path, zone="Asia/Jakarta")
        runner_at(project, heard, RunOptions(zone=zone)).migrate()
        return heard.messages

    def zones() -> list[Any]:
        return query(empty_url, "SHOW timezone") + query(empty_url, "SELECT day FROM seen")

    moment = "timestamptz '2026-01-01 20:00Z'"
    body = f'migrator.sql("CREATE TABLE seen AS SELECT ({moment})::date::text AS day")'
    (tmp_path / "001_seen.py").write_text(migration(body))
    for unknown in ("Mars/Olympus", "Asia/Jakarta+7", "'; DROP"):
        with pytest.raises(ConfigError, match="DB_TIMEZONE names no time zone that PostgreSQL"):
            migrate(unknown)
    assert not read(empty_url).tables
    assert ZONE_SET.findall("\n".join(migrate(None))) == ["Asia/Jakarta"]
    assert zones() == [("Asia/Jakarta",), ("2026-01-02",)]
    assert ZONE_SET.findall("\n".join(migrate("Asia/Jayapura"))) == ["Asia/Jayapura"]
    assert zones()[0] == ("Asia/Jayapura",)
    assert migrate(None) == []
    assert zones()[0] == ("Asia/Jayapura",)


ZONE_SET = re.compile(r"ALTER DATABASE \S+ SET timezone TO '(.*)'", re.MULTILINE)


@pytest.fixture
def one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the tasks' files."""
    (tmp_path / "001_t.py").write_text(migration("migrator.sql('CREATE TABLE t (i int)')"))
    migrations_in(tmp_path, monkeypatch)
    return tmp_path


@pytest.mark.usefixtures("one_file")
def test_a_change_of_the_time_zone_is_seen_before_and_after(empty_url: str) -> None:
    before = query(empty_url, "SHOW timezone")
    assert ZONE_SET.findall(call(empty_url, "migrate", "--dry-run").out) == ["Asia/Jakarta"]
    assert query(empty_url, "SHOW timezone") == before
    shown = call(empty_url, "-e", "migrate")
    assert ZONE_SET.findall(shown.out) == ZONE_SET.findall(shown.err) == ["Asia/Jakarta"]
    assert query(empty_url, "SHOW timezone") == [("Asia/Jakarta",)]
    again = call(empty_url, "migrate", DB_TIMEZONE="Asia/Makassar")
    assert "Nothing to migrate" in again.out
    assert ZONE_SET.findall(again.err) == ["Asia/Makassar"]
    assert query(empty_url, "SHOW timezone") == [("Asia/Makassar",)]


@pytest.mark.usefixtures("one_file")
def test_other_programs_keep_their_time_zone(empty_url: str) -> None:
    execute(empty_url, "CREATE SCHEMA crm; CREATE TABLE crm.visits (at timestamp DEFAULT now())")
    before = query(empty_url, "SHOW timezone")
    for task in (["migrate", "--dry-run"], ["migrate"], ["migrate"]):
        said = call(empty_url, *task)
        assert "it would become Asia/Jakarta for the programs with tables in crm" in said.err
        assert "set DB_TIMEZONE=Asia/Jakarta" in said.err
        assert ZONE_SET.findall(said.out + said.err) == []
    assert query(empty_url, "SHOW timezone") == before
    assert call(empty_url, "migrate", DB_TIMEZONE="Asia/Jakarta").code == 0
    assert query(empty_url, "SHOW timezone") == [("Asia/Jakarta",)]


def test_who_does_not_own_the_database_migrates_all_the_same(
    empty_url: str, server: PostgresServer, tmp_path: Path
) -> None:
    (tmp_path / "001_t.py").write_text(migration("migrator.sql('CREATE TABLE t (i int)')"))
    role = "tenant_of_" + name_of(empty_url)
    execute(empty_url, f"CREATE ROLE {role} LOGIN; GRANT CREATE ON SCHEMA public TO {role}")
    try:
        url = empty_url.replace("postgres@", f"{role}@")
        heard = Heard()
        project = at(url, tmp_path, zone="Asia/Jakarta")
        options = RunOptions(zone="Asia/Makassar")
        assert runner_at(project, heard, options).migrate() == ["001_t"]
        assert "only its owner may set Asia/Makassar" in heard.messages[0]
        assert "run: ALTER DATABASE" in heard.messages[0]
        assert query(empty_url, "SELECT tableowner FROM pg_tables WHERE tablename = 't'") == [
            (role,)
        ]
    finally:
        execute(empty_url, f"DROP OWNED BY {role}; DROP ROLE {role}")
