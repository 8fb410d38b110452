"""The findings of squawk, a linter for PostgreSQL's SQL, where it is installed (extra `lint`).

What the engine finds by itself it knows better, since it runs the statements; those rules of
squawk's are left out, and those that contradict how files are run here.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from engine.check.finding import Finding, Level
from engine.check.observer import Observed

PREFIX = "squawk-"
INSTALL = "squawk is not installed, so its rules were left out: pip install '.[lint]'"
KNOWN_BETTER = (
    *("require-concurrent-index-creation", "require-concurrent-index-deletion"),
    *("ban-concurrent-index-creation-in-transaction", "adding-foreign-key-constraint"),
    *("constraint-missing-not-valid", "adding-not-nullable-field", "adding-required-field"),
    *("adding-field-with-default", "adding-serial-primary-key-field", "changing-column-type"),
    *("disallowed-unique-constraint", "ban-drop-column", "ban-drop-table", "renaming-column"),
    *("renaming-table", "ban-truncate-cascade", "ban-alter-domain-with-add-constraint"),
)
# The runner sets the timeouts and holds the transaction; names are found by search_path; how wide
# an integer is and what is no longer asked for the models say; a file that fails is undone.
NOT_HERE = (
    *("prefer-robust-stmts", "require-timeout-settings", "require-lock-timeout"),
    *("require-statement-timeout", "transaction-nesting", "ban-uncommitted-transaction"),
    *("require-table-schema", "prefer-bigint-over-int", "prefer-bigint-over-smallint"),
    *("ban-drop-constraint", "ban-drop-default", "ban-drop-not-null"),
    *("prefer-identity", "prefer-text-field", "identifier-too-long"),
)
# Those that only matter on a table that was there.
ON_OLD_TABLES = ("adding-", "changing-", "renaming-")


def program() -> str | None:
    """The path of squawk, beside this Python or in PATH; None where there is none."""
    beside = Path(sys.executable).with_name("squawk")
    return str(beside) if beside.exists() else shutil.which("squawk")


def findings(path: str, statements: Iterable[Observed], *, atomic: bool) -> Iterator[Finding]:
    """What squawk finds in the statements of one file. path: of the program."""
    texts, begins, line = [], [], 0
    for statement in statements:
        text = statement.sql.strip().rstrip(";") + ";\n"
        texts.append(text)
        begins.append((line, statement))
        line += text.count("\n")
    excluded = ",".join((*KNOWN_BETTER, *NOT_HERE))
    command = [path, "--reporter", "json", f"--exclude={excluded}", "--config=/dev/null"]
    command += ["--assume-in-transaction"] if atomic else []
    done = subprocess.run(command, input="".join(texts), capture_output=True, text=True)
    violations = _parsed(done.stdout)
    if violations is None:
        said = (done.stderr or done.stdout).strip().split("\n")[0]
        what = f"squawk stopped: {said}"
        yield Finding(begins[0][1].file, 0, f"{PREFIX}failed", Level.WARNING, what)
    for violation in violations or []:
        statement = _at(violation["line"], begins)
        rule = violation["rule_name"]
        if rule.startswith(ON_OLD_TABLES) and not statement.locks:
            continue
        yield Finding(
            statement.file,
            statement.line,
            PREFIX + rule,
            Level.WARNING,
            violation["message"].rstrip("."),
            fix=violation["help"] or "",
        )


def _at(line: int, begins: list[tuple[int, Observed]]) -> Observed:
    """The statement in which a line is. begins: where each begins, in order."""
    return [statement for begin, statement in begins if begin <= line][-1]


def _parsed(output: str) -> list[dict[str, Any]] | None:
    """Its report; None where it did not write one (a version that knows other options)."""
    try:
        value: list[dict[str, Any]] = json.loads(output)
    except json.JSONDecodeError:
        return None
    return value
