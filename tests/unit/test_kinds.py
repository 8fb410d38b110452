"""The table of kinds agrees with the values that it speaks of."""

from __future__ import annotations

from dataclasses import fields

from engine.diff.change import Action
from engine.diff.object_changes import DIFFERENCES
from engine.schema import kinds
from engine.schema.kinds import KINDS, Key, Kind
from engine.schema.model import Schema, Table, View
from engine.sql.statements import MAKERS
from kernel.registration import SPACES


def test_every_kind_has_a_row_and_every_field_of_a_schema_a_kind() -> None:
    assert KINDS.keys() == set(Kind)
    alone = {row.alone for row in KINDS.values() if row.alone}
    assert alone == {f.name for f in fields(Schema)} - {
        "extensions",
        "access",
        "depends",
        "roles",
        "partitions",
    }
    parts = {row.part for row in KINDS.values() if row.part}
    mappings = {f.name for owner in (Table, View) for f in fields(owner) if "dict" in str(f.type)}
    assert parts == mappings


def test_what_is_compared_can_be_made_and_dropped() -> None:
    """A new kind without its statements would be refused only when somebody uses it."""
    assert DIFFERENCES.keys() == {kind for kind, row in KINDS.items() if row.alone}
    for kind, row in KINDS.items():
        if row.alone or row.part:
            assert (Action.CREATE, kind) in MAKERS
            assert (Action.DROP, kind) in MAKERS or row.address or "{address}" not in row.drop


def test_each_kind_is_dropped_renamed_and_commented_in_its_own_words() -> None:
    key = Key(Kind.TRIGGER, "T", "user")
    assert kinds.drop(key) == 'DROP TRIGGER "user" ON "T"'
    assert kinds.rename(key, "b") == 'ALTER TRIGGER "user" ON "T" RENAME TO b'
    assert kinds.comment(key, None) == 'COMMENT ON TRIGGER "user" ON "T" IS NULL'
    function = Key(Kind.PROCEDURE, "", 'f("T")')
    assert kinds.drop(function) == 'DROP PROCEDURE f("T")'


def test_registration_knows_the_same_names_as_shared() -> None:
    """What two domains may not both register is what PostgreSQL would refuse to make."""
    for kind, row in KINDS.items():
        if row.alone and row.space is kinds.Space.RELATION:
            assert {"relation", "type"} & {*SPACES[kind]}
    assert SPACES[Kind.FUNCTION] == SPACES[Kind.PROCEDURE]
