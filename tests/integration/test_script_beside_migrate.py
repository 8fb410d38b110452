"""`invoke sql | psql` gives the database that `invoke migrate` gives, whatever the files say."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from engine.errors import GenerateError, MigrationFailed
from engine.manage.sql_script import script
from tests.support.databases import query
from tests.support.drawn import BOUNDED
from tests.support.drawn_files import (
    FAILING,
    GROUND,
    LAST,
    LOOK,
    OUTSIDE,
    STATES,
    TEXTS,
    USES,
    Drawn,
    files_of,
    write_drawn,
)
from tests.support.migration_files import HEAD
from tests.support.postgres import PostgresServer
from tests.support.psql import through_psql
from tests.support.runners import at, runner_at
from tests.support.twins import differing

FILES = files_of(TEXTS, TEXTS, USES, STATES, OUTSIDE, FAILING, last=LAST)
ZONES = st.sampled_from([None, "Asia/Jakarta"])
UNSHRUNK = {"phases": [Phase.generate], "report_multiple_bugs": False}
ALL = [
    GROUND,
    Drawn((LOOK, *TEXTS, *STATES, FAILING[0], LOOK, LAST[0])),
    Drawn((LOOK, *USES, *TEXTS, *OUTSIDE, *STATES, LOOK), atomic=False),
    Drawn((LOOK, *USES, LAST[2]), atomic=False),
    Drawn((LOOK, *USES)),
]


def test_a_script_of_all_kinds_leads_where_migrate_leads(server: PostgresServer) -> None:
    named = {"app": "pg_read_all_stats", "report": "pg_monitor"}
    assert same(server, ALL, "Asia/Jakarta", named) == ""


@settings(BOUNDED, max_examples=3, **UNSHRUNK)
@given(files=FILES, zone=ZONES)
def test_a_script_leads_where_migrate_leads(
    server: PostgresServer, files: list[Drawn], zone: str | None
) -> None:
    same(server, files, zone)


@pytest.mark.campaign
@settings(BOUNDED, max_examples=40, derandomize=False, **UNSHRUNK)
@given(files=FILES, zone=ZONES)
def test_a_script_leads_where_migrate_leads_at_length(
    server: PostgresServer, files: list[Drawn], zone: str | None
) -> None:
    same(server, files, zone)


def same(
    server: PostgresServer,
    files: list[Drawn],
    zone: str | None,
    roles: dict[str, str] | None = None,
) -> str:
    """What both stop with on their way up, or nothing."""
    with (
        tempfile.TemporaryDirectory() as name,
        server.database() as migrated,
        server.database() as scripted,
    ):
        folder = Path(name, "files")
        write_drawn(folder, files)
        project = replace(at(migrated, folder, zone), roles=roles)
        failed = ""
        try:
            runner_at(project).migrate()
        except MigrationFailed as error:
            failed = str(error)
        said = through_psql(script(project), scripted, Path(name, "all.sql"))
        assert bool(failed) == bool(said), (failed, said)
        assert differing(scripted, migrated) == []
        if not failed:
            with suppress(MigrationFailed):
                runner_at(project).rollback(len(files) - 1, losing=True)
            through_psql(script(project, 1, down=True), scripted, Path(name, "all.sql"))
            assert differing(scripted, migrated) == []
        if roles:
            kept = "SELECT * FROM migrateroles"
            assert query(scripted, kept) == query(migrated, kept) == list(roles.items())
        return failed


@pytest.mark.parametrize(
    "body",
    [
        "database.execute_sql('SELECT 1')",
        "database.is_production()",
        "migrator.run(print)",
        "migrator.add_not_null('t', 'i')",
        "migrator.sql('SELECT %s', 1)",
        "raise SystemExit(0)",
    ],
)
def test_what_no_script_can_carry_is_refused_and_not_run(body: str, tmp_path: Path) -> None:
    """No database is there: what asked for one would be an error of another kind."""
    (tmp_path / "001_x.py").write_text(f"{HEAD}    {body}\n")
    with pytest.raises(GenerateError, match=r"001_x\.py, line 2: "):
        script(at("", tmp_path))


def test_a_script_may_ask_for_the_models_of_earlier_files(tmp_path: Path) -> None:
    """As migrate lets it; one that no file has made is named with those that there are."""
    model = "class Item(pw.Model):\n        class Meta: table_name = 'items'"
    made = f"import peewee as pw\n\n\n{HEAD}    @migrator.create_model\n    {model}\n"
    (tmp_path / "001_item.py").write_text(made)
    body = "    table = migrator.orm[{!r}]._meta.table_name\n    migrator.sql(f'TABLE {{table}}')\n"
    for name in ("items", "things"):
        (tmp_path / "002_x.py").write_text(HEAD + body.format(name))
        if name == "items":
            assert "\nTABLE items;" in script(at("", tmp_path), 1)
    with pytest.raises(GenerateError, match=r"model 'things' with .* known are Item"):
        script(at("", tmp_path), 1)


@pytest.mark.parametrize(
    "sql", ["COPY t FROM STDIN", "SELECT 1; COMMIT", "BEGIN", "", "-- later", ";", "SELECT '5%'"]
)
def test_what_migrate_refuses_is_in_no_script(sql: str, tmp_path: Path) -> None:
    """After COPY … FROM STDIN psql would take the rest of the script for rows."""
    (tmp_path / "001_x.py").write_text(f"{HEAD}    migrator.sql({sql!r})\n")
    with pytest.raises(MigrationFailed, match=r"001_x\.py, line 2: "):
        script(at("", tmp_path))
