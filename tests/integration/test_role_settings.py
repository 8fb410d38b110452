"""Whatever is set for a role or a database, what is generated and run is the same: settings change
how SQL is read, how definitions are printed, in which order rows come, and when a session ends."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg2 import sql

import application
from engine.connect.pinned_settings import UNLIMITED
from engine.drift.comparison import compare
from engine.errors import EngineError
from engine.generate.generator import Generator
from engine.schema import catalog
from engine.schema.model import Schema
from engine.sql import lexer
from engine.testing.generate_law import SqlDomain
from tests.support.databases import execute, name_of
from tests.support.lawful_settings import Setting, lawful
from tests.support.postgres import PostgresServer
from tests.support.runners import at, runner_on

FIRST = r"""
CREATE TYPE size AS ENUM ('s', 'l');
CREATE DOMAIN code AS varchar(9) DEFAULT 'x' CONSTRAINT code_check CHECK (VALUE ~ '^\w+$');
CREATE TYPE pair AS (first int, second text);
CREATE SEQUENCE tickets AS smallint START 7 INCREMENT 2 MAXVALUE 99 CYCLE;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'DECLARE d date = now();
  BEGIN RETURN NEW; END';
CREATE PROCEDURE tidy(n int DEFAULT 1) LANGUAGE sql AS 'SELECT n';
CREATE TABLE owners (id serial PRIMARY KEY, "Name" text NOT NULL DEFAULT E'back\\slash', size size);
CREATE TABLE hats (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, other int,
  owner int CONSTRAINT worn_by REFERENCES owners ON DELETE CASCADE,
  price numeric(9, 2) CONSTRAINT price_check CHECK (price > 0),
  twice numeric GENERATED ALWAYS AS (price * 2) STORED, code code, UNIQUE (owner, price),
  i interval DEFAULT '1 year 2 mons', f float8 DEFAULT 0.1, b bytea DEFAULT '\xdeadbeef',
  at timestamptz DEFAULT '2026-02-03 04:05:06+07', a int[] DEFAULT '{1,NULL}'
);
CREATE INDEX hats_price_idx ON hats (price DESC) WHERE price > 10;
CREATE TRIGGER touched BEFORE UPDATE ON hats FOR EACH ROW EXECUTE FUNCTION touch();
ALTER TABLE hats ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON hats FOR SELECT USING (owner = 1);
CREATE TABLE events (at date NOT NULL, n int) PARTITION BY RANGE (at);
CREATE VIEW cheap AS SELECT id, price, b FROM hats WHERE price < 5 AND other = ANY ('{1,NULL}');
CREATE MATERIALIZED VIEW totals AS SELECT owner, sum(price) AS total FROM hats GROUP BY owner
"""
CHANGES = {
    "price > 0": "price > 1",
    "price < 5": "price < 6",
    "numeric(9, 2)": "numeric(12, 3)",
    "'^\\w+$'": "'^\\d+$'",
    "'1 year 2 mons'": "'-1 day 02:03'",
    "now()": "current_date",
    "ENUM ('s', 'l')": "ENUM ('s', 'm', 'l')",
}


def statements(text: str) -> list[str]:
    return list(lexer.split(text))


def second() -> str:
    text = FIRST
    for old, new in CHANGES.items():
        assert old in text
        text = text.replace(old, new)
    return text


class There:
    """A database of one's own and its owner, who may be a superuser, for whom all is set."""

    def __init__(self, server: PostgresServer, folder: Path, *, superuser: bool) -> None:
        self.server = server
        self.folder = folder
        self.superuser = superuser

    def outcome(self, chosen: Iterable[Setting], whom: str) -> tuple[list[str], Schema]:
        """The texts of the files that are generated, and what they make. whom: ALTER … SET."""
        self.folder.mkdir()
        with self._database() as (plain, url, names):
            for name, value in chosen:
                _set(plain, whom.format(**names), name, value)
            texts = [*self._change(url, FIRST), *self._change(url, second(), back=True)]
            execute(plain, f"ALTER DATABASE {names['database']} RESET ALL")
            with closing(psycopg2.connect(plain)) as connection:
                return texts, catalog.read(connection)

    def _change(self, url: str, text: str, *, back: bool = False) -> list[str]:
        """Generate, migrate; back: and undo it and come again, and look whether all is as it
        should be."""
        project = at(url, self.folder)
        domain = SqlDomain(statements(text), roles=[])
        generator = Generator([domain], project)
        paths = generator.write(generator.generate("change"))
        runner_on(url, self.folder).migrate()
        if back:
            runner_on(url, self.folder).rollback(len(paths), losing=True)
            runner_on(url, self.folder).migrate()
            assert compare(project).drifts == ()
            assert Generator([domain], project).generate("change") == []
        return [path.read_text() for path in paths]

    @contextmanager
    def _database(self) -> Iterator[tuple[str, str, dict[str, str]]]:
        with self.server.database() as plain:
            database = plain.rpartition("/")[2]
            role = f"owner_{database}"
            rights = "SUPERUSER" if self.superuser else "CREATEDB"
            execute(
                plain, f"CREATE ROLE {role} LOGIN {rights}; ALTER SCHEMA public OWNER TO {role}"
            )
            execute(plain, f"ALTER DATABASE {database} OWNER TO {role}")
            try:
                url = plain.replace("postgres@", f"{role}@")
                yield plain, url, {"role": role, "database": database}
            finally:
                shutil.rmtree(self.folder)
                execute(plain, f"REASSIGN OWNED BY {role} TO postgres; DROP OWNED BY {role}")
                execute(plain, f"ALTER DATABASE {database} OWNER TO postgres; DROP ROLE {role}")


def _set(url: str, whom: str, name: str, value: str) -> None:
    words = sql.SQL(f"ALTER {whom} SET {name} = {{}}").format(sql.Literal(value))
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        connection.cursor().execute(words)


# What the same comes to without any of it; once for each server and kind of role.
PLAIN: dict[tuple[str, bool], Any] = {}
WHOM = ("ROLE {role}", "DATABASE {database}", "ROLE {role} IN DATABASE {database}")


def alike(server: PostgresServer, folder: Path, superuser: bool, chosen: Any, whom: str) -> None:
    there = There(server, folder, superuser=superuser)
    key = server.name, superuser
    if key not in PLAIN:
        PLAIN[key] = there.outcome([], WHOM[0])
    assert there.outcome(chosen, whom) == PLAIN[key]


@pytest.mark.campaign
@settings(
    max_examples=max(1, settings.default.max_examples // 5),
    suppress_health_check=[*HealthCheck],
    deadline=None,
)
@given(data=st.data())
def test_no_settings_change_what_is_made(
    server: PostgresServer, tmp_path: Path, data: st.DataObject
) -> None:
    """Half of all settings at a time, drawn with their values."""
    superuser, whom = data.draw(st.booleans()), data.draw(st.sampled_from(WHOM))
    chosen = []
    for name, _, values in lawful(server.url("postgres")):
        if value := data.draw(st.none() | st.sampled_from(values), label=name):
            chosen.append((name, value))
    alike(server, tmp_path / "files", superuser, chosen, whom)


# Each of these once made another file, stopped a run, or made drift where there was none.
KNOWN = [
    ("quote_all_identifiers", "on"),
    ("exit_on_error", "on"),
    ("default_tablespace", "pg_default"),
    ("TimeZone", "<x>+3"),
    ("TimeZone", "America/St_Johns"),
    ("standard_conforming_strings", "off"),
    ("cursor_tuple_fraction", "0"),
]


@pytest.mark.parametrize("whom", [WHOM[0], pytest.param(WHOM[1], marks=pytest.mark.campaign)])
def test_nor_those_that_once_did(server: PostgresServer, tmp_path: Path, whom: str) -> None:
    chosen = dict(reversed(KNOWN)).items()
    alike(server, tmp_path / "files", False, chosen, whom)


# Under these nothing can be done as it should be; nothing is done.
REFUSED = {
    "default_transaction_read_only": "on",
    "search_path": "nowhere",
    "statement_timeout": "1",
    "temp_file_limit": "0",
    "restrict_nonsystem_relation_kind": "view",
}


@pytest.mark.campaign
@pytest.mark.parametrize("name", REFUSED)
def test_where_a_setting_stands_in_the_way_it_is_said(
    name: str, server: PostgresServer, tmp_path: Path
) -> None:
    try:
        alike(server, tmp_path / "files", True, [(name, REFUSED[name])], WHOM[0])
    except EngineError as error:
        assert "is not right" not in str(error)
        assert error.fix
    except psycopg2.errors.UndefinedObject as error:
        assert name in str(error)  # this version does not have it


@pytest.mark.only("newest")
def test_no_timeout_of_the_database_ends_a_task_of_an_operator(migrated_url: str) -> None:
    """A backup stopped at a question of its own, and so would a rotation of the secrets."""
    for timeout in UNLIMITED:
        execute(migrated_url, f"ALTER DATABASE {name_of(migrated_url)} SET {timeout} = '1h'")
    with application.operating(migrated_url):
        for timeout in UNLIMITED:
            database = application.connect(migrated_url, size=1, as_owner=True)
            assert database.execute_sql(f"SHOW {timeout}").fetchone() == ("0",)
