"""The reference for whoever writes a domain: what `register` may call, and the fields; from the
docstrings, each with the example that ends it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

from peewee import Field

from kernel import fields, models, secret_fields, text_fields
from kernel.domain import Domain

HEAD = """\
# Reference

Written by `invoke docs` from the docstrings; change those, not this page. \
[domains.md](domains.md) shows a whole domain, [django-and-others.md](django-and-others.md) what \
things are called elsewhere.

## What `register` may call

"""
FIELDS = """
## Fields

`from domains import …`; the others are \
[Peewee's](https://docs.peewee-orm.com/en/latest/peewee/models.html#fields). Each takes Peewee's \
options besides its own: `null`, `default`, `unique`, `index`, `constraints`, and `help_text`, \
which becomes the comment in the database.

"""


def text() -> str:
    """The page."""
    calls = [_entry(f"domain.{name}", call) for name, call in register_calls()]
    listed = [_entry(field.__name__, field) for field in own_fields()]
    return HEAD + "\n".join(calls) + FIELDS + "\n".join(listed)


def register_calls() -> Iterator[tuple[str, object]]:
    """(name, function) of what a domain may state, in the order of the code."""
    named = [
        (name, call)
        for kind in (Domain, *Domain.__bases__)
        for name, call in vars(kind).items()
        if inspect.isfunction(call) and not name.startswith("_")
    ]
    yield from ((name, call) for name, call in named if name not in ("objects", "where"))


def own_fields() -> list[type]:
    """The fields that are not Peewee's."""
    listed = []
    for module in (models, fields, text_fields, secret_fields):
        classes = [thing for thing in vars(module).values() if inspect.isclass(thing)]
        own = [kind for kind in classes if kind.__module__ == module.__name__]
        listed += [kind for kind in own if issubclass(kind, Field)]
    return listed


def example(thing: object) -> str:
    """What stands behind `Example:` in the last line of a docstring."""
    return _divided(thing)[1]


def _divided(thing: object) -> tuple[str, str]:
    """(what is said, the example)."""
    said, _, shown = (inspect.getdoc(thing) or "").partition("\nExample: ")
    # In a docstring it is one line; as ruff has it, a class has its body on the next one.
    return said.rstrip(), re.sub(r"^(class .*?:) ", r"\1\n    ", shown.strip())


def _entry(title: str, thing: object) -> str:
    said, shown = _divided(thing)
    signature = _signature(thing)
    return f"### `{title}{signature}`\n\n{said}\n\n```python\n{shown}\n```\n"


def _signature(thing: object) -> str:
    """What it takes, without the types; a field has Peewee's options besides."""
    if inspect.isclass(thing) and "__init__" not in vars(thing):
        return ""
    signature = inspect.signature(thing)  # type: ignore[arg-type]
    listed = [part for part in signature.parameters.values() if part.name != "self"]
    bare = [part.replace(annotation=inspect.Parameter.empty) for part in listed]
    text = str(signature.replace(parameters=bare, return_annotation=inspect.Signature.empty))
    return text.replace("**options", "…")
