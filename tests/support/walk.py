"""Every task that asks a database, with every option that lets it ask more, and what it says there:
the walk of whoever runs all of them one after the other."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from application.acting import new_key
from tests.support import as_app
from tests.support.console import Result, call, in_a_process
from tests.support.databases import as_superuser, execute, query
from tests.support.postgres import PostgresServer
from tests.support.secret_keys import NEW

Commands = list[tuple[str, ...]]

HAS_RUN = "SELECT pg_catalog.to_regclass('public.migratehistory')"
RESET = ("reset", "--yes", "--all", "--backup")  # after which nothing is planted any more
# A dump of a database whose files have granted nothing, and of one with roles.
RESTORING = [("restore", "PLAIN", "--yes"), ("restore", "ROLES", "--yes")]
# In the usual run: what asks the most of a database, without the replay of all files.
READING = [("status",), ("migrate",), ("rollback", "--yes"), ("roles",), ("branches.on",)]
READING += [("check", "--live")]
WHOLE = [
    *(*READING[:3], ("adopt", "1"), *READING[3:]),
    *(("migrate",), ("check",), ("check", "--live"), ("check", "--data"), ("generate",)),
    *(("generate", "--amend", "--yes"), ("status",)),
    *(("inspect", "planted"), ("docs", "--path", "DOCS"), ("sql",), ("sql", "--down")),
    *(("migrate", "--dry-run"), ("demo", "--customers", "9", "--months", "1"), ("check", "--data")),
    *(("db.shell", "-c", "\\q"), ("db.prepare",), ("db.prepare", "--admin", "ADMIN")),
    *(("env.set", "development"),),
    *(("roles",), ("roles", "--apply"), ("branches",), ("branches.on",), ("branches.off",)),
    *(("tenants.add", "isp_a"), ("tenants",), ("status", "--tenants"), ("check", "--live")),
    *(("tenants.drop", "isp_a", "--yes"),),
    *(("admin.password", "admin", "--must-change"), ("secrets.rotate",)),
    *(("secrets.rotate", "--former", "isp_b"), ("domains",)),
    *(
        ("backup", "--whole", "--path", "DOCS"),
        ("backup", "--due"),
        RESET,
        *RESTORING[:1],
        RESET,
        *RESTORING[1:],
    ),
    *(("fresh", "--yes", "--all", "--backup"), ("migrate", "--plan")),
]
# The same in a schema of its own, in a database where a tenant was made.
IN_TENANT = [
    *(("status", "--tenant", "isp_a"), ("migrate", "--tenant", "isp_a"), ("status", "--tenants")),
    *(("check", "--live", "--tenants"), ("check", "--data", "--tenant", "isp_a"), ("tenants",)),
    ("rollback", "--tenant", "isp_a", "--yes"),
    ("migrate", "--tenants", "--first", "isp_a"),
    ("rollback", "--tenants", "--first", "isp_a", "--yes"),
    *(("migrate", "--tenants"), ("tenants.add", "isp_b"), ("tenants.drop", "isp_b", "--yes")),
    *(("roles", "--tenants"), ("roles", "--apply", "--tenant", "isp_a")),
    *(("branches", "--tenant", "isp_a"), ("branches.on", "--tenant", "isp_a")),
    *(("branches.off", "--tenant", "isp_a"), ("backup", "--tenant", "isp_a")),
    *(("secrets.rotate", "--tenant", "isp_a"), ("secrets.rotate", "--tenants")),
    ("demo", "--customers", "9", "--months", "1", "--tenants"),
    *(("backup", "--tenants"), ("check", "--live", "--tenant", "isp_a")),
    ("restore", "TENANT", "--tenant", "isp_a", "--yes", "--replace"),
    ("tenants.drop", "isp_a", "--yes"),
]
# These ask no database, or no other question than one that is asked here.
ELSEWHERE = {"domain.new", "renumber", "db.start", "db.stop", "test", "secrets.key"}
ELSEWHERE |= {"branches.key"}
# These let a task ask nothing more: they are about what it prints or on what it goes by.
PRINTED = {"--json", "--log-json", "--exit-code", "--pending", "--debug", "--jobs", "--fresh-proof"}
PRINTED |= {"--name"}  # of a production database
# Of what is asked without them they leave something out, or say beforehand what is asked.
LESS = {
    **{task: {"--dry-run"} for task in ("adopt", "fresh", "reset", "roles")},
    "rollback": {"--dry-run", "--plan", "--steps"},
    "generate": {"--dry-run", "--empty", "--offline", "--allow-drop", "--fill", "--rename"},
    "demo": {"--seed", "--today", "--tenant"},
    "sql": {"--after", "--to"},
    "docs": {"--check"},
    "db.shell": {"--file"},
}
# One becomes psql, the other one reads from stdin.
# Words without a dash before them, which invoke lists among the options, too.
WORDS = {"adopt": "--number", "inspect": "--name", "restore": "--file", "env.set": "--name"}
WORDS |= {"tenants.add": "--tenant", "tenants.drop": "--tenant", "admin.password": "--name"}
WORDS |= {"generate": "--name"}
ALONE = {"db.shell", "admin.password"}
LONG = {"-c": "--command"}
TYPED = "kata sandi yang panjang\n"


def asked(commands: Iterable[tuple[str, ...]]) -> dict[str, set[str]]:
    """Task to the options with which it is among the commands."""
    options: dict[str, set[str]] = {}
    for name, *words in commands:
        given = options.setdefault(name, {WORDS[name]} if name in WORDS else set())
        given.update(LONG.get(word, word) for word in words if word.startswith("-"))
    return options


class Walk:
    """Commands on one database, as whoever the URL names. failed: those that were refused:
    (command, what was said)."""

    def __init__(self, server: PostgresServer, folder: Path, dumps: dict[str, str]) -> None:
        self.server = server
        self.words = {"DOCS": str(folder), **dumps}
        self.failed: list[tuple[tuple[str, ...], str]] = []
        self.environment = {
            "DB_ROLES": ",".join(f"{name}:{role}" for name, role in as_app.ROLES.items()),
            "BILLING_BRANCH_KEY": new_key(),
            "BILLING_SECRET_KEYS": NEW,
            "BACKUP_ROOT": str(folder),
        }

    def run(self, url: str, command: tuple[str, ...]) -> Result:
        """What the command says there."""
        if command[0] == "adopt" and query(as_superuser(url), HAS_RUN) != [(None,)]:
            execute(as_superuser(url), "DELETE FROM public.migratehistory")
        result = self._one(url, command)
        if result.code and "Error: " in result.err:  # not where `check` finds something
            self.failed.append((command, result.err))
        return result

    def _one(self, url: str, command: tuple[str, ...]) -> Result:
        if command[0] in ALONE:
            return in_a_process(url, *command, typed=TYPED)
        given = [self.words.get(word, word) for word in command]
        if "ADMIN" in command:
            given[-1] = as_superuser(url)
            others = f"postgresql://{as_app.ROLES['app']}@{url.partition('@')[2]}"
            return call(others, *given, MIGRATION_DATABASE_URL=url, **self.environment)
        return call(url, *given, **self.environment)
