"""Where the files of an embedded server are, how it is reached, and whether it answers."""

from __future__ import annotations

import hashlib
import os
import pwd
import socket
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from engine.project import Project

# A socket's path has about 100 bytes.
LONGEST_SOCKET_FOLDER = 80


@dataclass(frozen=True)
class Server:
    """One embedded server. home: its folder. user: whose processes it is, None for one's own."""

    project: Project
    home: Path
    user: pwd.struct_passwd | None

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.home / "data"

    @property
    def complete(self) -> Path:
        """A file that is there once the database has been created."""
        return self.home / "complete"

    @property
    def log(self) -> Path:
        """What the server writes while it runs."""
        return self.home / "server.log"

    @property
    def socket_folder(self) -> Path:
        """The folder itself, or a short one beside it: a socket's path has about 100 bytes."""
        if len(os.fsencode(self.home)) <= LONGEST_SOCKET_FOLDER:
            return self.home
        owner = self.user.pw_uid if self.user else os.getuid()
        return Path(tempfile.gettempdir()) / f"{self.project.name}-{owner}-{_digest(self.home)}"

    def url(self, database: str = "") -> str:
        """What libpq takes. database: else the project's, which has the project's name."""
        database = database or self.project.name
        return f"postgresql://postgres@/{database}?host={quote(str(self.socket_folder), safe='')}"

    def running(self) -> bool:
        """Whether it answers; one that died leaves a socket that refuses."""
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self.socket_folder / ".s.PGSQL.5432"))
            except OSError:
                return False
        return True


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
