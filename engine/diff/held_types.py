"""Types that cannot be altered where they are, since columns hold values of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from engine.diff.change import Action, Change
from engine.errors import GenerateError
from engine.schema.kinds import Key, Kind
from engine.schema.model import Schema
from engine.schema.quoting import unquoted


def held_by_columns(changes: Iterable[Change], old: Schema) -> Iterator[Change]:
    """The changes, each type marked that cannot be altered where it is.

    A composite whose attribute gets another type is made again where something has it: `ALTER
    TYPE pair ALTER ATTRIBUTE a TYPE bigint` fails with "column t.p uses it". So is a domain with a
    new check, where a value of it is inside another one: `ALTER DOMAIN price ADD CHECK …` fails
    with "column t.prices uses it"."""
    needed: set[Key] = set()
    for keys in old.depends.values():
        needed |= keys
    for change in changes:
        composite = change.does(Action.ALTER, Kind.COMPOSITE) and _retypes(change)
        domain_type = change.does(Action.ALTER, Kind.DOMAIN_TYPE) and _looks_at_values(change)
        is_in_use = composite and change.key in needed
        if is_in_use or (domain_type and _is_inside(change.key, old)):
            change = replace(change, in_place=False)
        yield change


def _looks_at_values(change: Change) -> bool:
    """Whether the change of a domain has to look at what is of it; dropping a check need not."""
    old, new = change.old, change.new
    return bool(new.checks.items() - old.checks.items() or (new.not_null and not old.not_null))


def _is_inside(domain_type: Key, old: Schema) -> bool:
    """Whether something is an array of the domain, or has it in an attribute; or one of a domain
    over it."""
    things = dict(old.objects())
    for key, needed in old.depends.items():
        if domain_type not in needed:
            continue
        if key.kind is Kind.COMPOSITE:
            return True
        if key.kind is Kind.COLUMN and things[key].type.endswith("[]"):
            return True
        if key.kind is Kind.DOMAIN_TYPE and _is_inside(key, old):
            return True
    return False


def _retypes(change: Change) -> bool:
    old, new = change.old.attributes, change.new.attributes
    return any(old[part] != kind for part, kind in new.items() if part in old)


def is_carried_by_name(
    change: Change, title: str, old: Mapping[Key, Any], new: Mapping[Key, Any]
) -> bool:
    """Whether the values of a column go to a composite type of that name that has other attributes,
    or in another order, also inside of it.

    Raises GenerateError for an array of them: no expression takes its elements one by one, as USING
    may have no query.
    """
    if not _differs(title, old, new):
        return False
    if change.new.type.endswith("[]"):
        raise GenerateError(
            f"{change}: the attributes of {title} change, and it holds an array of them.",
            why="ALTER COLUMN … TYPE … USING may have no query, which it takes to go through an "
            "array. No migration was written.",
            fix="add and drop attributes in one step, and change their types in another; or write "
            "this part by hand: a new column, an UPDATE, and the old name.",
        )
    return True


def _differs(title: str, old: Mapping[Key, Any], new: Mapping[Key, Any]) -> bool:
    key = Key(Kind.COMPOSITE, "", title)
    before, after = old.get(key), new.get(key)
    if not before or not after:
        return False
    if list(before.attributes) != list(after.attributes):
        return True
    inside = [unquoted(kind.removesuffix("[]")) for kind in before.attributes.values()]
    return any(_differs(part, old, new) for part in inside)
