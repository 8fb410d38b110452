"""The migration engine: it knows PostgreSQL and files, and nothing of what they are for.

Its rooms. Each imports itself and those above it:

errors      what goes wrong, with what to do about it
wording     numbers and lists as messages have them
project     what the engine knows of the program that it works for
report      what a run tells whoever started it
schema      what PostgreSQL's catalogs say, as values
unmanaged   what of a database is named and left alone
reread      what was written since the last reading, read alone
diff        from two schemas to the ordered changes between them; pure
sql         changes as SQL text, and SQL text as statements; pure
contain     statements run so that they stay inside their database
citus       what a database of Citus takes otherwise
connect     servers and connections
files       migration files, and what a database has had of them
explain     PostgreSQL's errors in plain words
rows        what files do to rows: what would be lost, what is in their way
run         applying migrations and undoing them
drift       what was changed by hand since the last run
proofs      what was proven once, kept as long as nothing changes
manage      the smaller tasks: status, adopt, wipe, renumber, SQL scripts
generate    writing the next migrations
check       looking through migration files
backup      dumps of a database, and restoring them
tenants     many schemas with the same files: finding them, running on all
testing     for the tests of those who write domains

What a program that has it as a guest needs is below, and loaded when it is asked for: to show a
status takes no Peewee. Nothing else of the rooms is promised to stay as it is.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.check.check import Check as Check
    from engine.drift.comparison import compare as compare
    from engine.drift.guard import DriftGuard as DriftGuard
    from engine.errors import BackupFailed as BackupFailed
    from engine.errors import ConfigError as ConfigError
    from engine.errors import ConnectionFailed as ConnectionFailed
    from engine.errors import EngineError as EngineError
    from engine.errors import GenerateError as GenerateError
    from engine.errors import HistoryError as HistoryError
    from engine.errors import LosesData as LosesData
    from engine.errors import MigrationFailed as MigrationFailed
    from engine.errors import PoolExhausted as PoolExhausted
    from engine.errors import Refused as Refused
    from engine.errors import RegistryError as RegistryError
    from engine.generate.generator import Generator as Generator
    from engine.manage.status import read_status as read_status
    from engine.project import Project as Project
    from engine.project import SettingNames as SettingNames
    from engine.report import Report as Report
    from engine.run.options import RunOptions as RunOptions
    from engine.run.runner import Runner as Runner

__all__ = [
    "BackupFailed",
    "Check",
    "ConfigError",
    "ConnectionFailed",
    "DriftGuard",
    "EngineError",
    "GenerateError",
    "Generator",
    "HistoryError",
    "LosesData",
    "MigrationFailed",
    "PoolExhausted",
    "Project",
    "Refused",
    "RegistryError",
    "Report",
    "RunOptions",
    "Runner",
    "SettingNames",
    "compare",
    "read_status",
]

# Where each name is at home, but for the errors.
_HOMES = {
    "Check": "check.check",
    "compare": "drift.comparison",
    "DriftGuard": "drift.guard",
    "Generator": "generate.generator",
    "read_status": "manage.status",
    "Project": "project",
    "SettingNames": "project",
    "Report": "report",
    "RunOptions": "run.options",
    "Runner": "run.runner",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'errors')}"), name)


def __dir__() -> list[str]:
    return __all__
