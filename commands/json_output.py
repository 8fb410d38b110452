"""JSON that a task prints: nothing but that is on stdout, whatever else is printed meanwhile, by a
migration file or a domain for example."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any, TextIO

from commands.colour import harmless_json

_outputs: list[TextIO] = []


@contextmanager
def alone() -> Iterator[None]:
    """Keep stdout for what show() prints inside; all else goes to stderr, in every thread."""
    _outputs.append(sys.stdout)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        _outputs.pop()


def show(value: Any) -> None:
    """Print a value."""
    show_text(json.dumps(value, indent=2, ensure_ascii=False))


def show_text(text: str) -> None:
    """Print what is JSON already."""
    print(harmless_json(text), file=_outputs[-1], flush=True)
