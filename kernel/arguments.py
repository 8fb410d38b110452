"""What can be said of an argument before anything is done with it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeGuard

from peewee import Model

SHOWN = 60


def is_model(thing: object) -> TypeGuard[type[Model]]:
    """Whether it is a Peewee model, the class."""
    return isinstance(thing, type) and issubclass(thing, Model)


def is_text(thing: object) -> TypeGuard[str]:
    """Whether it is a text that PostgreSQL can hold: none with the character NUL."""
    return isinstance(thing, str) and "\0" not in thing


def takes_one(function: Callable[..., Any]) -> bool:
    """Whether the function can be called with one argument; where Python cannot tell, it can."""
    try:
        inspect.signature(function).bind(None)
    except TypeError:
        return False
    except ValueError:
        return True
    return True


def runs_when_called(function: Any) -> bool:
    """Whether calling the function does what it says: one that is async, or yields, gives something
    that somebody would have to run."""
    for part in (function, function.__call__):  # also that of an object
        if (
            inspect.iscoroutinefunction(part)
            or inspect.isgeneratorfunction(part)
            or inspect.isasyncgenfunction(part)
        ):
            return False
    return True


def shown(value: object) -> str:
    """The value as a message shows it: short, on one line, and whatever its repr does."""
    try:
        text = " ".join(repr(value).split())
    except Exception:
        text = f"a {type(value).__name__}"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
