"""A replica of a server."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.connect import programs
from tests.support import postgres
from tests.support.postgres import PostgresServer


@contextmanager
def standby(server: PostgresServer) -> Iterator[PostgresServer]:
    """A streaming replica of the server."""
    user, port = programs.account(), postgres.free_port()
    home = Path(tempfile.mkdtemp(prefix="standby_", dir="/tmp"))
    if user:
        os.chown(home, user.pw_uid, user.pw_gid)
    program = Path(server.programs) / "pg_basebackup"
    source = ("-h", "localhost", "-p", str(server.port), "-U", "postgres")
    options = ("-D", f"{home}/data", "-R", "-X", "stream", "-c", "fast", "--no-sync")
    status, output = programs.run(user, program, *source, *options)
    assert status == 0, output
    replica = PostgresServer(server.name, str(home), server.programs, port)
    postgres.launch(replica)
    try:
        yield replica
    finally:
        postgres.stop(replica)
