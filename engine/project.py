"""What the engine knows of the program that it works for, in one value.

The program makes it once: where its files are, how one types its tasks, what its settings are
called. Every message that says what to type next takes its words from here.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

# The tasks that can be told to work on one tenant.
OF_TENANTS = ("migrate", "rollback", "status", "check", "backup", "roles")


class SettingNames(NamedTuple):
    """What the program's settings are called, for reading them and for messages.

    environment: the environment variable that says what a database is for; parameter: the setting
    of the database itself that says it, with a dot in its name, as PostgreSQL asks. The others are
    environment variables.
    """

    environment: str
    parameter: str
    url: str = "DATABASE_URL"
    migration_url: str = "MIGRATION_DATABASE_URL"
    scratch_url: str = "SCRATCH_DATABASE_URL"
    time_zone: str = "DB_TIMEZONE"
    backups: str = "BACKUP_ROOT"
    roles: str = "DB_ROLES"
    citus: str = "CITUS"


@dataclass(frozen=True)
class Project:
    """A program, its migrations and its database.

    name: one word, of which the embedded server makes names of its own. command: what is typed
    before the name of a task. root: the folder with `.env` and `.postgres`. migrations: the folder
    of the files. url: the database, as libpq takes it; empty until at() has named one.
    data: the folder for what cannot lie below root. time_zone: what a database gets that has none.
    application: what the server's list of sessions shows. left_out: in a scratch database beside
    those that are in use the statements that were not run, since they reach outside of it; None
    where everything runs. foreign: names of what other programs have in the same schema, also with
    * and ?, such as `kea_*`; it is never taken for drift. keeps_session: whether each connection is
    known to keep its session although a pooler stands between, so that a SET lasts. roles: which
    roles of the cluster the abstract ones of the files are; None where nobody has said. citus:
    whether the files are for Citus, too, which does not take every statement. on_citus: whether the
    database is one of Citus, as the run has found it. opened_on_citus: how the names of policies
    end, behind that of their table, that let every row pass there (engine.citus.open_policies).
    tenant: the one that a task was told to work on, which what is typed next has to be told, too.
    """

    name: str
    command: str
    root: Path
    migrations: Path
    data: Path
    settings: SettingNames
    url: str = ""
    time_zone: str | None = None
    application: str = ""
    foreign: tuple[str, ...] = ()
    left_out: list[str] | None = field(default=None, compare=False)
    keeps_session: bool = False
    roles: Mapping[str, str] | None = field(default=None, compare=False)
    citus: bool = False
    on_citus: bool = False
    opened_on_citus: str = ""
    tenant: str = ""

    def is_foreign(self, name: str) -> bool:
        """Whether a thing of that name is another program's, as far as no file makes it."""
        return any(fnmatchcase(name, pattern) for pattern in self.foreign)

    def task(self, *words: object) -> str:
        """How a task is typed: `manage.py db adopt 3` for ("adopt", 3)."""
        spelled = [self.command, *map(str, words)]
        if self.tenant and spelled[1] in OF_TENANTS:
            spelled += ["--tenant", shlex.quote(self.tenant)]
        return " ".join(spelled)

    def at(self, url: str, migrations: Path | None = None) -> Project:
        """The same program with another database and, where one is given, another folder."""
        return replace(self, url=url, migrations=migrations or self.migrations)
