"""README's lines for a server of one's own, run as they stand, and then the ledger is attacked."""

from __future__ import annotations

import subprocess

import pytest

import application as door
from application.roles import TooMighty
from demo import month
from engine.connect import programs
from engine.connect.url import with_database
from kernel.secrets import new_key
from tests.support.console import call
from tests.support.databases import query, read
from tests.support.ledger_attacks import GUARD, LEDGER, attack, names
from tests.support.postgres import PostgresServer
from tests.support.readme import block

TITLE = "### Another PostgreSQL"


def settings(server: PostgresServer) -> dict[str, str]:
    """README's settings, with another host."""
    text = block(TITLE, "sh").replace("db.example.net:5432", f"localhost:{server.port}")
    return dict(line.split("=", 1) for line in text.splitlines())


def test_the_lines_of_readme_keep_the_ledger(
    mortal: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BILLING_SECRET_KEYS", new_key())
    named, admin = settings(mortal), mortal.url("postgres")
    printed = call(None, "db.prepare", **named)
    assert printed.out.strip() == block(TITLE, "sql").strip(), printed.err
    psql = list(programs.clients("psql").values())[-1]
    subprocess.run(
        [psql, "--no-psqlrc", "--set=ON_ERROR_STOP=1", f"--dbname={admin}"],
        input=printed.out,
        text=True,
        check=True,
    )
    assert call(None, "db.prepare", "--admin", admin, **named).out.startswith("Nothing to do")
    for undone in ("DROP DATABASE billing", "DROP ROLE billing_app", "DROP ROLE billing_owner"):
        mortal.execute(undone)
    made = call(None, "db.prepare", "--admin", admin, **named)
    assert made.code == 0, made.err
    assert "secret" not in made.out
    mortal.execute("GRANT ALL ON DATABASE billing TO PUBLIC")
    again = call(None, "db.prepare", "--admin", admin, **named)
    assert again.out == "REVOKE ALL ON DATABASE billing FROM PUBLIC;\n"
    for task in (["migrate"], ["check", "--live"], ["env.set", "production"]):
        done = call(None, *task, **named)
        assert done.code == 0, done.err
    app, owner = named["DATABASE_URL"], named["MIGRATION_DATABASE_URL"]
    with door.connect(app).connection_context():
        assert list(month.live("M0001"))
    door.disconnect()
    with pytest.raises(TooMighty, match="owns"):
        door.connect(owner).connect()
    door.disconnect()
    superuser = with_database(mortal.url("postgres"), "billing", "")
    before = query(superuser, LEDGER), query(superuser, GUARD), read(superuser)
    assert len(before[0]) > 3
    assert attack(app, names(superuser)) == []
    assert (query(superuser, LEDGER), query(superuser, GUARD), read(superuser)) == before
