"""What can go wrong, as one small tree. The message is part of the product.

EngineError                  everything a user can cause; printed without a traceback
├── ConfigError              a setting that cannot be used
│   └── NoSuchTenant         no schema of that name has had a migration
├── ConnectionFailed         no usable PostgreSQL behind the URL
│   └── PoolExhausted        every connection of the pool is in use
├── RegistryError            a domain that cannot be taken in
├── HistoryError             files and history table do not fit together
├── MigrationFailed          a migration file stopped in the middle
├── BackupFailed             a dump or a restore stopped in the middle
├── GenerateError            no file can be written that is right
│   └── LosesData            it would lose data that nobody has named
├── Loss                     a rollback would lose rows
└── Refused                  nothing is wrong, but it would lose what must be kept
"""

from __future__ import annotations


class EngineError(Exception):
    """Something the user can fix.

    said: one sentence, naming the thing.
    why: what it means, or what the engine did about it; may run over several lines.
    fix: what to type or to change next.
    file, line: the migration at fault, without `.py`, and its line; empty and 0 where none is.
    sqlstate: PostgreSQL's code of what is behind it, or empty.
    """

    def __init__(
        self,
        said: str,
        *,
        why: str = "",
        fix: str = "",
        file: str = "",
        line: int = 0,
        sqlstate: str = "",
    ) -> None:
        super().__init__(said)
        self.said = said
        self.why = why
        self.fix = fix
        self.file = file
        self.line = line
        self.sqlstate = sqlstate

    @property
    def what(self) -> str:
        """The sentence behind its place: `003_x.py, line 7: division by zero.`"""
        place = f"{self.file}.py{f', line {self.line}' if self.line else ''}: " if self.file else ""
        return place + self.said

    def __str__(self) -> str:
        parts = [self.what]
        if self.why:
            parts.append(self.why)
        if self.fix:
            parts.append("What to do: " + self.fix)
        return "\n".join(parts)


class ConfigError(EngineError):
    """A setting (environment, .env, option) that cannot be used."""


class NoSuchTenant(ConfigError):
    """No schema of that name has had a migration, or the role may not use it."""


class ConnectionFailed(EngineError):
    """There is no usable PostgreSQL behind the URL."""


class PoolExhausted(ConnectionFailed):
    """Every connection of the pool stayed in use for as long as a thread may wait."""


class RegistryError(EngineError):
    """A domain that cannot be taken in; nothing is generated from the rest either."""


class HistoryError(EngineError):
    """The migration files and the history table do not fit together."""


class MigrationFailed(EngineError):
    """A migration file stopped in the middle; the message says what was undone."""


class BackupFailed(EngineError):
    """A dump or a restore stopped in the middle; nothing of it remains."""


class GenerateError(EngineError):
    """No migration can be written that would be right."""


class LosesData(GenerateError):
    """It would delete data that nobody has named."""


class Refused(EngineError):
    """Carrying it out would lose something that nobody said may be lost."""


def pass_on_interrupt(error: BaseException) -> None:
    """Raise the Ctrl-C, or the signal that ends the program, that the error is or has in its group.

    Whatever else the code of a file or a seed raises is a fault of it, GeneratorExit and an
    exception of its own below BaseException included.
    """
    if isinstance(error, KeyboardInterrupt):
        raise error
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            pass_on_interrupt(one)
