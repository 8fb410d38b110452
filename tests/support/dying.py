"""A server that dies in the middle of a run, and comes back."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

from tests.support import crash, postgres
from tests.support.accounts import state
from tests.support.postgres import PostgresServer
from tests.support.runners import runner_on


def die_at(server: PostgresServer, folder: Path, moments: list[tuple[str, int]]) -> None:
    with server.database() as url:
        runner_on(url, folder).migrate()
        expected = state(url)
    for how, point in moments:
        with server.database() as url:
            server.execute("CHECKPOINT")
            ended = crash.run(url, folder, point, how, server=server)
            # A server without its first process may still finish what it is about.
            assert ended in (crash.EXPLAINED, 0 if how == "shoot" else crash.EXPLAINED)
            revive(server)
            runner_on(url, folder).migrate()
            assert state(url) == expected, (how, point)
    print(f"the server died {len(moments)} times; each time a plain migrate finished")


def revive(server: PostgresServer) -> None:
    """Start a server that died; what it left working keeps it from starting for a moment."""
    for _ in range(50):
        with suppress(RuntimeError):
            return postgres.launch(server)
        time.sleep(0.1)
    return postgres.launch(server)
