"""The files in tests/cases/: what a schema is and what it shall be, a file for each kind of object.

`-- name: …` begins a pair; then follow `-- old`, `-- rows` (what to put into the old one) and
`-- new`, each with statements below it or with none. `-- loses: a b.c` names what goes with its
data, `-- refused: text` what the error says of a change that cannot be carried out, `-- from: 18`
the oldest PostgreSQL that knows the statements.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "cases"
HEADER = re.compile(r"-- (name|old|rows|new|loses|refused|from)(?::\s*(.*))?")


@dataclass
class Pair:
    """One pair. kind: the name of its file."""

    kind: str
    name: str
    old: str = ""
    rows: str = ""
    new: str = ""
    loses: set[str] = field(default_factory=set)
    refused: str = ""
    oldest: int = 14

    def __str__(self) -> str:
        return f"{self.kind}: {self.name}"


def parametrized(
    pairs: list[Pair], each: int = 0, alike: Collection[str] = ()
) -> pytest.MarkDecorator:
    """Runs a test with all of them; in the usual run with those that are refused, the first one of
    each kind, and of the others of that kind with one in so many, or with none. alike: kinds that
    the usual run leaves out, as they go the way of another one."""
    numbers: Counter[str] = Counter()
    parameters = []
    for pair in pairs:
        number = numbers[pair.kind]
        numbers[pair.kind] += 1
        usual = pair.refused or number == 0 or (each and number % each == 0)
        usual = usual and pair.kind not in alike
        marks = [] if usual else [pytest.mark.campaign]
        parameters.append(pytest.param(pair, marks=marks, id=str(pair)))
    return pytest.mark.parametrize("pair", parameters)


def read() -> list[Pair]:
    """All pairs."""
    return [pair for path in sorted(FOLDER.glob("*.sql")) for pair in _read(path)]


def _read(path: Path) -> Iterator[Pair]:
    pair: Pair | None = None
    part = ""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        found = HEADER.fullmatch(line.strip())
        word, text = (found[1], found[2] or "") if found else ("", "")
        if word == "name":
            if pair:
                yield pair
            pair, part = Pair(path.stem, text), ""
            continue
        if pair is None:
            assert not line.strip(), f"{path}:{number} stands before the first name"
        elif word == "loses":
            pair.loses |= set(text.split())
        elif word == "refused":
            pair.refused = text
        elif word == "from":
            pair.oldest = int(text)
        elif word:
            part = word
        else:
            assert part or not line.strip(), f"{path}:{number} stands under no header"
            if part:
                setattr(pair, part, f"{getattr(pair, part)}{line}\n")
    if pair:
        yield pair
