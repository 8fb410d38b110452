"""Tasks that are loaded when they are asked for: `invoke status` imports no other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module

from invoke.collection import Collection
from invoke.parser.context import ParserContext

# The group under which `invoke --list` shows them → the task as it is typed → module:function.
Table = Mapping[str, Mapping[str, str]]

# Core options that are about every task, whatever else is named.
ABOUT_ALL = ("-l", "--list", "--complete")


class Tasks(Collection):
    """The tasks of a table that a line names; every one where it names none, or is about all."""

    def __init__(self, table: Table, words: Sequence[str] = ()) -> None:
        super().__init__()
        places: dict[str, str] = {}
        for group in table.values():
            places |= group
        named = [name for name in places if name in words]
        if not named or any(word.startswith(ABOUT_ALL) for word in words):
            named = list(places)
        for name in named:
            self._add(name, places[name], is_head=any(_under(name, places)))

    def _add(self, name: str, place: str, *, is_head: bool) -> None:
        """is_head: whether others stand under its name, as `tenants.add` under `tenants`."""
        module, _, function = place.partition(":")
        task = getattr(import_module(module), function)
        head, _, rest = name.partition(".")
        alone = not rest and not is_head
        own = name if alone else rest or "list"
        task._name = own  # what `--list-format=json` has; else it is the function's
        if alone:
            self.add_task(task, own)
            return
        if head not in self.collections:
            self.add_collection(Collection(head))
        self.collections[head].add_task(task, own, default=not rest)

    def to_contexts(self, ignore_unknown_help: bool | None = None) -> list[ParserContext]:
        """How each task is typed, as the parser and the help have it. What a collection does by
        default is called by its name alone: `tenants`, and not `tenants.list`."""
        contexts = super().to_contexts(ignore_unknown_help)
        for context in contexts:
            for alias in context.aliases:
                context.name, context.aliases = alias, (str(context.name),)
        return contexts


def _under(name: str, places: Mapping[str, str]) -> Iterator[str]:
    return (other for other in places if other.startswith(f"{name}."))
