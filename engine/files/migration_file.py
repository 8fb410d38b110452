"""One migration file as a value: what it said when it was read, what it defines, its checksum."""

from __future__ import annotations

import hashlib
import inspect
import re
import stat
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import CodeType
from typing import Any, NamedTuple

from engine.errors import ConfigError, MigrationFailed, pass_on_interrupt

FILE = re.compile(r"(?P<number>\d{3,})_(?P<title>[^.]+)\.py")
# Of a file that is generated; any other may have more in its name.
TITLE = r"[a-z][a-z0-9_]{0,59}"

# What ends a line for str.splitlines() beside a line feed, and what else str.rstrip() takes away.
ENDS = "\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
SPACES = " \t\x1f\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
SPACES += "\u202f\u205f\u3000"

NOT_RECORDED = "What a transaction holds of the file is rolled back, and the file is not recorded."
# How many characters are encoded at a time.
PART = 1 << 20

Function = Callable[..., None]

MARK = "(?m)^<<<<<<< "
MERGED = (
    "keep one of the two sides, without the lines of <<<<<<<, ======= and "
    ">>>>>>>; what both wrote under one name are two files."
)


class Functions(NamedTuple):
    """What a file defines. rollback: None where it has none. atomic: whether it runs in one
    transaction; a file that says `atomic = False` runs step by step."""

    migrate: Function
    rollback: Function | None
    atomic: bool


@dataclass(frozen=True)
class Migration:
    """A numbered file, read once: whoever edits it afterwards changes neither what runs nor what
    is recorded of it.

    number: how the files are ordered. name: the file's, without `.py`. path: where it lies, for
    messages and for what it reads beside itself. text: its line ends brought to one form.
    """

    number: int
    name: str
    path: Path
    text: str

    @property
    def title(self) -> str:
        """The name without the number."""
        return title_of(self.name)

    def text_as(self, name: str) -> str:
        """The text that the file has under another name, which its first line says, too."""
        first = f'"""{self.name}\n'
        if not self.text.startswith(first):
            return self.text
        return f'"""{name}\n' + self.text.removeprefix(first)

    @cached_property
    def checksum(self) -> str:
        """sha256 of the text, deaf to line ends and trailing space."""
        return checksum_of(self.text)

    def checksum_as(self, name: str) -> str:
        """That of the text that it has under another name."""
        if self._body is None:
            return self.checksum
        if not number_of(name):
            return checksum_of(self.text_as(name))
        return _sha256(f'"""{name}\n{self._body}')

    @cached_property
    def _body(self) -> str | None:
        """What a checksum is taken of, behind the line with the name; None where there is none."""
        first = f'"""{self.name}\n'
        if not self.text.startswith(first):
            return None
        return _tidy(self.text.removeprefix(first))

    @cached_property
    def code(self) -> CodeType:
        """The text as Python has it. Raises SyntaxError or ValueError where it is none."""
        return compile(self.text, str(self.path), "exec", dont_inherit=True)

    @cached_property
    def functions(self) -> Functions:
        """What the text defines; it is executed when first asked for, and only then.

        Raises MigrationFailed for a text that is no Python or lacks `migrate`.
        """
        scope: dict[str, Any] = {"__file__": str(self.path), "__name__": self.name}
        try:
            exec(self.code, scope)
        except SyntaxError as error:
            raise self._unreadable(error) from error
        except BaseException as error:
            pass_on_interrupt(error)
            what = f"it cannot be loaded: {type(error).__name__}: {error}."
            raise self._unusable(what, line=self.line_in(error)) from error
        migrate, rollback = scope.get("migrate"), scope.get("rollback")
        if not callable(migrate):
            raise self._unusable(
                "it has no function migrate(migrator, database, *, fake=False).",
                fix=f"write it in {self.path}, or remove the file if it is not a migration.",
            )
        for function in filter(is_lazy, (migrate, rollback)):
            raise self._unusable(
                f"its function {function.__name__} is async, or yields: calling it does nothing.",
                line=function.__code__.co_firstlineno,
                fix=f"fix {self.path}: write it without `async` and `yield`.",
            )
        atomic = scope.get("atomic", True) is not False
        return Functions(migrate, rollback if callable(rollback) else None, atomic)

    def line_in(self, error: BaseException) -> int:
        """The innermost line of the file on the way to an error, or 0 where it was not on it."""
        # Not traceback.extract_tb: it opens the file again, to quote it.
        frames = traceback.walk_tb(error.__traceback__)
        lines = [line for frame, line in frames if frame.f_code.co_filename == str(self.path)]
        return lines[-1] if lines else 0

    def _unreadable(self, error: SyntaxError) -> MigrationFailed:
        """For a text that is no Python. Where a merge stopped in it Python may tell of a later
        line: `>>>>>>> 8319460` is an invalid decimal literal."""
        if merged := re.search(MARK, self.text):
            line = self.text.count("\n", 0, merged.start()) + 1
            return self._unusable("a merge has left both sides in it.", line=line, fix=MERGED)
        why = f"{_caret(error)}The file was not run."
        return self._unusable(f"{error.msg}.", why, line=error.lineno or 0)

    def _unusable(
        self, said: str, why: str = "The file was not run.", *, line: int = 0, fix: str = ""
    ) -> MigrationFailed:
        fix = fix or f"fix {self.path} and run the command again."
        return MigrationFailed(said, why=why, fix=fix, file=self.name, line=line)


def is_lazy(function: object) -> bool:
    """Whether calling it does nothing by itself: it is async, or yields."""
    return callable(function) and (_gives_work(function) or _gives_work(function.__call__))


def _gives_work(function: object) -> bool:
    kinds = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)
    return any(is_kind(function) for is_kind in kinds)


def checksum_of(text: str) -> str:
    """sha256 of a file's text, deaf to line ends and trailing space."""
    return _sha256(_tidy(text))


def _tidy(text: str) -> str:
    """The text with one form of line ends, and no space before them."""
    if _is_tidy(text):  # the lines of a long text take many times its memory
        return text
    return "\n".join(line.rstrip() for line in text.splitlines())


def _sha256(tidy: str) -> str:
    end = len(tidy)
    while end and tidy[end - 1].isspace():
        end -= 1
    return digest_of("", tidy, end)


def digest_of(before: str, text: str, end: int | None = None) -> str:
    """sha256 of two texts, of the second up to an end, without making another text of them."""
    digest = hashlib.sha256(before.encode(errors="surrogateescape"))
    end = len(text) if end is None else end
    for start in range(0, end, PART):
        digest.update(text[start : min(start + PART, end)].encode(errors="surrogateescape"))
    return digest.hexdigest()


def _is_tidy(text: str) -> bool:
    """Whether no line ends with a space, and each with a line feed. A regular expression takes ten
    times as long for it: of a file of 300 KB 5 ms, at each `status`."""
    if any(end in text for end in ENDS):
        return False
    return not any(space in text and f"{space}\n" in text for space in SPACES)


def read(path: Path) -> Migration:
    """Read a file whose name FILE matches. Raises MigrationFailed where that cannot be done."""
    try:
        # A pipe would be waited for, and /dev/zero read, without end.
        if not stat.S_ISREG(path.stat().st_mode):
            raise OSError("it is a folder or a device")
        # Not as utf-8-sig, which is decoded in Python, and imported for it.
        text = path.read_text(encoding="utf-8").removeprefix("\ufeff")
    except (OSError, UnicodeDecodeError) as error:
        raise MigrationFailed(
            f"it cannot be read: {error}.",
            why="Nothing was run.",
            fix=f"fix {path}; it has to be a file in UTF-8.",
            file=path.stem,
        ) from error
    return written(path, text)


def written(path: Path, text: str) -> Migration:
    """The migration that a file of that name with that text is."""
    return Migration(number_of(path.stem), path.stem, path, text)


def number_of(name: str) -> int:
    """The number of a migration of that name; 0 where no migration can have it."""
    match = FILE.fullmatch(f"{name}.py")
    return int(match["number"]) if match else 0


def title_of(name: str) -> str:
    """The name of a migration without the number."""
    return name.partition("_")[2]


def refuse_title(title: str) -> None:
    """Raise ConfigError for what cannot be the title of a new file."""
    if not re.fullmatch(TITLE, title):
        raise ConfigError(
            f"{title!r} cannot be the name of a migration.",
            fix="use lower case letters, digits and _, for example add_fiber_lines.",
        )


def _caret(error: SyntaxError) -> str:
    """The line that Python does not read, with a caret under the position."""
    if not error.text:
        return ""
    indent = len(error.text) - len(error.text.lstrip())
    column = max((error.offset or 1) - 1 - indent, 0)
    return f"    {error.text.strip()}\n    {' ' * column}^\n"
