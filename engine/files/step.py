"""One step of a migration file, and what its SQL says about how it has to run."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from engine.sql import lexer
from engine.sql.lexer import Lexeme

NAME = r"(?:\"(?:[^\"]|\"\")+\"|[\w$]+)"
OUTSIDE = re.compile(
    r"(?:CREATE\s+(?:UNIQUE\s+)?|DROP\s+)INDEX\s+CONCURRENTLY\b"
    r"|REINDEX\b.*\bCONCURRENTLY\b|REINDEX\s+(?:\([^)]*\)\s*)?(?:SCHEMA|DATABASE|SYSTEM)\b"
    r"|ALTER\s+TABLE\b.*\bDETACH\s+PARTITION\b.*\bCONCURRENTLY\b|VACUUM\b|CLUSTER$|CALL\b"
    r"|(?:CREATE|DROP)\s+(?:DATABASE|TABLESPACE|SUBSCRIPTION)\b|ALTER\s+SYSTEM\b"
    r"|(?:COMMIT|ROLLBACK)\s+PREPARED\b",
    re.IGNORECASE | re.DOTALL,
)
BLOCK = re.compile(r"DO\b", re.IGNORECASE)
STREAM = re.compile(r"COPY\b.*\b(?:FROM\s+STDIN|TO\s+STDOUT)\b", re.IGNORECASE | re.DOTALL)
CALL = re.compile(r"CALL\b", re.IGNORECASE)
# What these take away lies in another database, or in a transaction of others.
ELSEWHERE = re.compile(r"DROP\s+DATABASE\b|(?:COMMIT|ROLLBACK)\s+PREPARED\b", re.IGNORECASE)
# Outside a transaction this would change nothing, with a warning.
OF_TRANSACTION = re.compile(r"SET\s+(?:LOCAL|CONSTRAINTS|TRANSACTION)\b", re.IGNORECASE)
DEFINES = re.compile(r"(?:CREATE|ALTER|DROP|COMMENT|GRANT|REVOKE)\b", re.IGNORECASE)
# What is made of rows calls functions, and an extension loads a library.
CALLS = re.compile(
    r"CREATE\b.*\b(?:TABLE\b.*\bAS|MATERIALIZED\s+VIEW|EXTENSION)\b", re.IGNORECASE | re.DOTALL
)
ENDING = ("COMMIT", "ROLLBACK")
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
    or a function does the work. label: by which such work is known. back: what undoes it, in order;
    None where the file does not say. undoes: of a way back, (which statement it undoes, of how
    many)."""

    line: int
    sql: str
    label: str
    operation: Any
    back: tuple[Step, ...] | None = None
    undoes: tuple[int, int] | None = None

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
    def is_empty(self) -> bool:
        """Whether it is a text of SQL without a statement, which psycopg2 does not send."""
        return self.label.strip() == "sql" and not self.commands

    @property
    def has_parameters(self) -> bool:
        """Whether values belong to its SQL."""
        return bool(self.sql) and any(self.operation.args[1:])

    @property
    def has_lone_percent(self) -> bool:
        """Whether psycopg2 looks for a value that nobody has given."""
        return "%" in self.sql.replace("%%", "") and not self.has_parameters

    @property
    def digest(self) -> str:
        """By which it is known again after a crash."""
        return hashlib.sha256((self.sql or self.label).encode()).hexdigest()

    @property
    def transactional(self) -> bool:
        """Whether PostgreSQL runs it inside a transaction."""
        outside = any(OUTSIDE.match(command) for command in self.commands)
        return not outside and not self._commits_in_a_block

    @property
    def commits(self) -> bool:
        """Whether it may have committed a part of what it does when it fails: a block or a
        procedure that ends transactions."""
        called = any(CALL.match(command) for command in self.commands)
        return called or any(BLOCK.match(command) for command in self.commands)

    @property
    def elsewhere(self) -> str:
        """What of it takes away what lies in another database, or in a transaction of others, as
        SQL calls it."""
        for command in self.commands:
            if match := ELSEWHERE.match(command):
                return " ".join(match[0].upper().split())
        return ""

    @property
    def patient(self) -> bool:
        """Whether it may wait for locks as long as it takes: what it holds meanwhile keeps no
        reader or writer waiting."""
        concurrently = any("CONCURRENTLY" in command.upper() for command in self.commands)
        return concurrently and not self.transactional

    @property
    def controls_transaction(self) -> bool:
        """Whether it begins or ends a transaction, which is the runner's to do."""
        return any(CONTROL.match(command) for command in self.commands)

    @property
    def only_defines(self) -> bool:
        """Whether it defines objects, and calls nothing that could change its session."""
        if not self.commands:
            return False
        return all(DEFINES.match(text) and not CALLS.match(text) for text in self.commands)

    @property
    def streams(self) -> bool:
        """Whether it is a COPY from or to the client."""
        return any(STREAM.match(command) for command in self.commands)

    @property
    def may_stand_alone(self) -> bool:
        """Whether it is one command, which can be tried outside a transaction as well."""
        return len(self.commands) == 1 and not OF_TRANSACTION.match(self.commands[0])

    @property
    def index(self) -> Index | None:
        """The index that it makes or drops CONCURRENTLY."""
        match = INDEX.match(self.commands[0]) if self.commands else None
        if not match:
            return None
        is_made = match["verb"].upper() == "CREATE"
        return Index(is_made, (match["schema"] or "") + (match["name"] or ""))

    @cached_property
    def commands(self) -> list[str]:
        """Its SQL commands, without comments and literals."""
        return lexer.commands(self.sql)

    @property
    def statements(self) -> list[str]:
        """Its SQL commands as they are written."""
        return lexer.split(self.sql)

    @property
    def _commits_in_a_block(self) -> bool:
        """Whether the body of a DO ends transactions, as one does that works in batches."""
        if not any(BLOCK.match(command) for command in self.commands):
            return False
        for statement, command in zip(self.statements, self.commands, strict=True):
            if BLOCK.match(command) and any(word in ENDING for word in _words_inside(statement)):
                return True
        return False


def _words_inside(statement: str) -> Iterator[str]:
    """The words of what its literals say as SQL, in capitals."""
    for piece in lexer.pieces(statement):
        if piece.lexeme is Lexeme.LITERAL:
            body = lexer.value(statement[piece.start : piece.end])
            for inner in lexer.pieces(body):
                if inner.lexeme is Lexeme.WORD:
                    yield body[inner.start : inner.end].upper()


@dataclass(frozen=True)
class Index:
    """is_made: whether it is made, not dropped. name: as SQL takes it; empty where PostgreSQL is to
    choose one."""

    is_made: bool
    name: str
