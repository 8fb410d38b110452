"""What `invoke generate` asks on a terminal, and how the same is said without one."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from commands.task import asked, confirm, forget_what_was_typed

if TYPE_CHECKING:
    from commands.console import Console


class Questions:
    """Asks on the terminal what nobody can guess, and keeps what was answered, since an error after
    the questions must not lose it."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.flags: list[str] = []

    def is_renamed(self, old: str, new: str) -> bool:
        """Whether it is, and its data is to be kept."""
        with self.console.aside():
            renamed = confirm(f"Is {old} now called {new}? Its data is kept then.")
        if renamed:
            self.flags.append(f"--rename {shlex.quote(f'{old}:{new}')}")
        return renamed

    def value_of(self, column: str, kind: str) -> str:
        """What the rows that are there get, once."""
        question = (
            f"{column} is NOT NULL and has no default. What do the rows that are there get, as SQL "
            f"({kind}, such as {_example(kind)})? Enter for nothing: "
        )
        with self.console.aside():
            forget_what_was_typed()
            value = asked(input, question).strip()
        if value:
            self.flags.append(f"--fill {shlex.quote(f'{column}={value}')}")
        return value

    def tell(self, name: str, *, amend: bool) -> None:
        """Print the options that give the same where nobody can be asked."""
        if self.flags:
            words = ["invoke generate", name, "--amend" if amend else "", *self.flags]
            told = " ".join(filter(None, words))
            self.console.message(f"The same without questions: {told}")


def _example(kind: str) -> str:
    """A value of a type, as SQL."""
    if kind == "boolean":
        return "false"
    numbers = ("integer", "bigint", "smallint", "numeric", "real", "double precision")
    return "0" if kind.startswith(numbers) else "'none'"
