"""The comments that differ between two schemas."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from engine.diff.change import Action, Change
from engine.schema.kinds import OWNERS, TYPES, Key, Kind, written
from engine.schema.model import Schema


class Comment(NamedTuple):
    """What is said of one thing. kind: as a statement calls it. text: None where nothing is."""

    kind: Kind
    name: str
    text: str | None


def comments(changes: list[Change], old: Schema, new: Schema) -> Iterator[Change]:
    """One change for all comments of a table or an object; its new value is a list of Comment."""
    before = _that_stay(changes, old)
    by_owner: dict[Key, list[Comment]] = {}
    for key, thing in new.objects():
        if thing.comment != before.get(key):
            owner = Key(new.relation(key.table), "", key.table) if key.table else key
            comment = Comment(written(key.kind, thing), key.name, thing.comment)
            by_owner.setdefault(owner, []).append(comment)
    for owner, texts in by_owner.items():
        table = owner.name if owner.kind in OWNERS else ""
        yield Change(Action.ALTER, Key(Kind.COMMENT, table, owner.name), new=texts)


def _that_stay(changes: list[Change], old: Schema) -> dict[Key, str | None]:
    """The comments that are there after the changes: with an object that is made again goes its
    comment, and with a table or a view the comments of its parts."""
    made = set()
    for change in changes:
        made_again = change.kind in TYPES and not change.in_place
        if change.action is Action.CREATE or made_again:
            made.add(change.what)  # the default of a column that stays takes no comment along
    stay = {}
    for key, thing in old.objects():
        owners = {Key(kind, "", key.table) for kind in OWNERS}
        if not made & {key, *owners}:
            stay[key] = thing.comment
    return stay


def commented(change: Change, comment: Comment) -> set[Key]:
    """What a comment in a change of comments may be about: a part, its table or view, or what
    stands alone."""
    kinds = {comment.kind, Kind.FOREIGN_KEY}
    keys = {Key(kind, change.table, comment.name) for kind in kinds}
    if change.table:
        keys |= {Key(kind, "", change.table) for kind in OWNERS}
    return keys
