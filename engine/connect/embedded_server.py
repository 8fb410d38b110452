"""Where the files of an embedded server are, who it is reached as, and whether it answers."""

from __future__ import annotations

import hashlib
import os
import pwd
import socket
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

from engine.errors import ConfigError
from engine.project import Project

# A socket's path has about 100 bytes.
LONGEST_SOCKET_FOLDER = 80
PORT = 5432
# What `complete` says where the database has an owner and a role for the application. Servers made
# before 2026-11-27 have an empty one: all of it belongs to the superuser.
ROLES_ARE_THERE = "roles 1"


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
        """A file that is there once the database has been created; it says in which form."""
        return self.home / "complete"

    @property
    def is_complete(self) -> bool:
        """Whether the database is there, with its roles."""
        with suppress(OSError):
            return self.complete.read_text() == ROLES_ARE_THERE
        return False

    @property
    def log(self) -> Path:
        """What the server writes while it runs."""
        return self.home / "server.log"

    @property
    def socket_folder(self) -> Path:
        """The folder itself, or a short one beside it: a socket's path has about 100 bytes."""
        if len(os.fsencode(self.home)) <= LONGEST_SOCKET_FOLDER:
            return self.home
        return Path(tempfile.gettempdir()) / f"{self.project.name}-{self.uid}-{_digest(self.home)}"

    @property
    def uid(self) -> int:
        """The number of the user whose processes and folders it is."""
        return self.user.pw_uid if self.user else os.geteuid()

    @property
    def superuser(self) -> str:
        """The role that makes the other two; no task connects as it."""
        return "postgres"

    @property
    def owner(self) -> str:
        """The role that has the database and migrates it; no superuser."""
        return f"{self.project.name}_owner"

    @property
    def roles(self) -> dict[str, str]:
        """Which of its roles the abstract one is as which an application connects."""
        return {"app": self.application}

    @property
    def application(self) -> str:
        """The role of the application: rows, and nothing else."""
        return f"{self.project.name}_app"

    def url(self, role: str, database: str = "") -> str:
        """What libpq takes. database: else the project's, which has the project's name.

        It says all that PGPORT, PGHOSTADDR and the like would say otherwise, and by `requirepeer`
        whose process has to answer.
        """
        settings = {"host": str(self.socket_folder), "hostaddr": "", "port": str(PORT)}
        with suppress(KeyError):  # a user without a name, as in some containers
            settings["requirepeer"] = pwd.getpwuid(self.uid).pw_name
        query = urlencode(settings, quote_via=quote, safe="")
        return f"postgresql://{quote(role, safe='')}@/{database or self.project.name}?{query}"

    def running(self) -> bool:
        """Whether it answers; one that died leaves a socket that refuses.

        Raises ConfigError where the folder of the socket is not its user's alone: what answers
        there may be anybody's.
        """
        if not os.path.lexists(self.socket_folder):
            return False
        self.check_private(self.socket_folder)
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self.socket_folder / f".s.PGSQL.{PORT}"))
            except OSError:
                return False
        return True

    def check_private(self, folder: Path) -> None:
        """Raise ConfigError where it is no folder, or others may enter it or put things there."""
        entry = folder.lstat()
        if not stat.S_ISDIR(entry.st_mode):
            what = "is a symbolic link" if stat.S_ISLNK(entry.st_mode) else "is not a folder"
            advice = f"remove it (rm {folder}); the command makes it again."
        elif entry.st_uid != self.uid:
            what = f"belongs to the user {_name(entry.st_uid)}"
            advice = "run the command as that user or as root"
        elif entry.st_mode & 0o077:
            what = f"is open to other users (mode {stat.S_IMODE(entry.st_mode):03o})"
            advice = f"see that nobody has put anything there, then chmod 700 {folder}"
        else:
            return
        raise ConfigError(
            f"{folder} {what}.",
            why="The embedded server is reached through it, and nobody else may answer there.",
            fix=f"{advice.rstrip('.')}; or set {self.project.settings.url}.",
        )


def _name(uid: int) -> str:
    with suppress(KeyError):
        return pwd.getpwuid(uid).pw_name
    return str(uid)


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
