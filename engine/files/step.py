"""One step of a migration file, and what its SQL says about how it has to run."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from engine.sql.lexer import LITERALS

NAME = r"(?:\"(?:[^\"]|\"\")+\"|[\w$]+)"
COMMENTS = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
OUTSIDE = re.compile(
    r"(?:CREATE\s+(?:UNIQUE\s+)?|DROP\s+)INDEX\s+CONCURRENTLY\b"
    r"|REINDEX\b.*\bCONCURRENTLY\b|REINDEX\s+(?:\([^)]*\)\s*)?(?:SCHEMA|DATABASE|SYSTEM)\b"
    r"|ALTER\s+TABLE\b.*\bDETACH\s+PARTITION\b.*\bCONCURRENTLY\b|VACUUM\b|CLUSTER$|CALL\b"
    r"|(?:CREATE|DROP)\s+(?:DATABASE|TABLESPACE|SUBSCRIPTION)\b|ALTER\s+SYSTEM\b"
    r"|(?:COMMIT|ROLLBACK)\s+PREPARED\b",
    re.IGNORECASE | re.DOTALL,
)
BATCHES = re.compile(r"DO\b.*\b(?:COMMIT|ROLLBACK)\b", re.IGNORECASE | re.DOTALL)
CONTROL = re.compile(
    r"(?:BEGIN|START\s+TRANSACTION|END|ABORT|PREPARE\s+TRANSACTION"
    r"|COMMIT(?!\s+PREPARED)|ROLLBACK(?!\s+(?:PREPARED|TO|(?:WORK|TRANSACTION)\s+TO)))\b",
    re.IGNORECASE,
)
INDEX = re.compile(
    rf"(?P<verb>CREATE|DROP)\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+(?:IF\s+(?:NOT\s+)?EXISTS\s+)?"
    rf"(?P<name>(?!ON\b){NAME}(?:\s*\.\s*{NAME})?)?"
    rf"(?:\s*ON\s+(?:ONLY\s+)?(?P<schema>{NAME}\s*\.)?)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Step:
    """Something that a file asks for. line: of the file. sql: its text, empty where peewee-migrate
    or a function does the work. label: by which that is known."""

    line: int
    sql: str
    label: str
    operation: Any

    def run(self) -> None:
        """Do it."""
        if hasattr(self.operation, "run"):
            self.operation.run()
        else:
            self.operation()

    @property
    def is_function(self) -> bool:
        """Whether it is a function of the file's, given to migrator.run()."""
        return self.label == "<lambda>"  # in which peewee-migrate wraps it

    @property
    def digest(self) -> str:
        """By which it is known again after a crash."""
        return hashlib.sha256((self.sql or self.label).encode()).hexdigest()

    @property
    def transactional(self) -> bool:
        """Whether PostgreSQL runs it inside a transaction."""
        return not (
            any(OUTSIDE.match(command) for command in self.commands)
            or BATCHES.match(COMMENTS.sub(" ", self.sql).strip())
        )

    @property
    def patient(self) -> bool:
        """Whether it may wait for locks as long as it takes: what it holds meanwhile keeps no
        reader or writer waiting."""
        return not self.transactional and "CONCURRENTLY" in self.sql.upper()

    @property
    def controls_transaction(self) -> bool:
        """Whether it begins or ends a transaction, which is the runner's to do."""
        return any(CONTROL.match(command) for command in self.commands)

    @property
    def index(self) -> Index | None:
        """The index that it makes or drops CONCURRENTLY."""
        match = INDEX.match(self.commands[0]) if self.commands else None
        if not match:
            return None
        return Index(match["verb"].upper(), (match["schema"] or "") + (match["name"] or ""))

    @cached_property
    def commands(self) -> list[str]:
        """Its SQL commands, without comments and literals."""
        bare = LITERALS.sub(lambda match: (match["name"] or " ").replace(";", "\0"), self.sql)
        parts = [bare] if re.search(r"\bBEGIN\s+ATOMIC\b", bare, re.IGNORECASE) else bare.split(";")
        return [part.strip().replace("\0", ";") for part in parts if part.strip()]


@dataclass(frozen=True)
class Index:
    """verb: CREATE or DROP. name: as SQL takes it; empty where PostgreSQL is to choose one."""

    verb: str
    name: str
