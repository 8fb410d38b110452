"""Files run in a scratch database: what they lead to, as PostgreSQL itself says it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

from engine.connect.connection import connect
from engine.connect.scratch import scratch
from engine.errors import ConfigError
from engine.files.migration_file import Migration
from engine.run.runner import Runner
from engine.run.session import Settings
from engine.schema import catalog
from engine.schema.model import Schema


@contextmanager
def replayed(
    url: str, migrations: Sequence[Migration], version: int | None = None
) -> Iterator[str]:
    """URL of a scratch database on which these migrations have run.

    version: PostgreSQL's major version that its server has to be of. Raises ConfigError where that
    is another, and what running the files raises.
    """
    with scratch(url) as database:
        if version:
            _refuse_other_version(database, version)
        if migrations:
            Runner(database, migrations, settings=Settings(watched=False)).migrate()
        yield database


def read(url: str, *, depends: bool = True) -> Schema:
    """The schema of a database. depends: as engine.schema.catalog has it."""
    with closing(connect(url, autocommit=True)) as connection:
        return catalog.read(connection, depends=depends)


def _refuse_other_version(url: str, version: int) -> None:
    with closing(connect(url, autocommit=True)) as connection:
        here = connection.server_version // 10000
    if here != version:
        raise ConfigError(f"the scratch server runs PostgreSQL {here}, not {version}.")
