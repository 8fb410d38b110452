"""What is drawn for one table of a schema beside its columns: keys, checks, triggers, policies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from engine.schema.quoting import literal, name

LISTS = ("'a', 'open'", "'open'", "'open', 'it''s', '3'")
SUMS = ("1 + 2 * 3", "abs(-4)", "7 - 1")
CHOICES = ("true AND NOT false", "1 = 1 OR 2 IN (2, 3)", "NOT (1 IS NULL)")
WHOLE = ("smallint", "int", "bigint")


class Draft(Protocol):
    """What is drawn, as engine.testing.schema_drafts has it."""

    @property
    def types(self) -> Mapping[str, Any]: ...
    @property
    def relations(self) -> Mapping[str, Any]: ...
    def columns(self, relation: str) -> dict[str, str]: ...


def texts(draft: Draft, relation: str) -> list[str]:
    """The columns of a table that hold texts, as SQL has them."""
    columns = draft.columns(relation).items()
    return [name(column) for column, kind in columns if kind in ("text", "varchar(20)")]


def numbers(draft: Draft, relation: str) -> list[str]:
    """The columns of a table that hold whole numbers, as SQL has them."""
    columns = draft.columns(relation).items()
    return [name(column) for column, kind in columns if kind in WHOLE]


def listed_trigger(draft: Draft, title: str, relation: str, form: int) -> Iterator[str]:
    """A trigger with a list of texts."""
    for column in texts(draft, relation)[:1]:
        yield (
            f"CREATE TRIGGER {name(title)} BEFORE UPDATE ON {name(relation)} FOR EACH ROW "
            f"WHEN (NEW.{column} IN ({LISTS[form]})) EXECUTE FUNCTION kept()"
        )
        yield f"COMMENT ON TRIGGER {name(title)} ON {name(relation)} IS {literal(LISTS[form])}"


def listed_policy(draft: Draft, title: str, relation: str, form: int) -> Iterator[str]:
    """A policy with a list of texts."""
    for column in texts(draft, relation)[:1]:
        condition = f"{column} IN ({LISTS[form]})"
        yield f"CREATE POLICY {name(title)} ON {name(relation)} USING ({condition})"
        yield f"COMMENT ON POLICY {name(title)} ON {name(relation)} IS {literal(LISTS[form])}"


def listed_check(draft: Draft, title: str, relation: str, form: int) -> Iterator[str]:
    """A check with a list of texts."""
    for column in texts(draft, relation)[:1]:
        yield (
            f"ALTER TABLE {name(relation)} ADD CONSTRAINT {name(title)} "
            f"CHECK ({column} IN ({LISTS[form]}))"
        )
        yield f"COMMENT ON CONSTRAINT {name(title)} ON {name(relation)} IS 'a list'"


def key(draft: Draft, title: str, relation: str, form: int) -> Iterator[str]:
    """A key of its own, which foreign keys may have taken, with what refers to it."""
    if "id" not in draft.columns(relation) or relation == "parted":
        return
    others = [column for column in numbers(draft, relation) if column != "id"]
    columns = ("id", "id", ", ".join(["id", *others[:1]]))[form]
    if form == 1:
        yield f"CREATE UNIQUE INDEX {name(title)} ON {name(relation)} ({columns})"
    else:
        yield f"ALTER TABLE {name(relation)} ADD CONSTRAINT {name(title)} UNIQUE ({columns})"
        yield f"COMMENT ON CONSTRAINT {name(title)} ON {name(relation)} IS 'a key'"
    unlogged = "UNLOGGED " if draft.relations[relation]["unlogged"] else ""
    kind = draft.columns(relation)["id"]
    kind = kind if kind in WHOLE else "bigint"
    yield f"CREATE {unlogged}TABLE {name('of ' + title)} (of {kind}, size int)"
    if form != 2:
        yield (
            f"ALTER TABLE {name('of ' + title)} ADD CONSTRAINT {name('to ' + title)} "
            f"FOREIGN KEY (of) REFERENCES {name(relation)} (id) ON UPDATE CASCADE"
        )


def index(draft: Draft, title: str, relation: str, form: int) -> Iterator[str]:
    """An index over a number."""
    for column in numbers(draft, relation)[:1]:
        keys = (
            column,
            f"({column} + 1), {column} DESC NULLS LAST",
            f"{column}) WHERE ({column} > 5",
        )
        yield f"CREATE INDEX {name(title)} ON {name(relation)} ({keys[form]})"
        yield f"COMMENT ON INDEX {name(title)} IS {literal(keys[form])}"


def exclusion(draft: Draft, title: str, relation: str, form: int) -> Iterator[str]:
    """An exclusion over a number."""
    for column in numbers(draft, relation)[:1]:
        if relation != "parted":
            where = ("", f" WHERE ({column} > 5)", " DEFERRABLE")[form]
            yield (
                f"ALTER TABLE {name(relation)} ADD CONSTRAINT {name(title)} "
                f"EXCLUDE USING btree ({column} WITH =){where}"
            )


def counter(draft: Draft, title: str, relation: str, form: int) -> Iterator[str]:
    """A sequence from which a column has its default."""
    if title == "k1":
        for column in numbers(draft, relation)[:1]:
            step = (1, 2, -1)[form]
            yield f"CREATE SEQUENCE {name(title)} INCREMENT BY {step}"
            yield f"COMMENT ON SEQUENCE {name(title)} IS 'by {step}'"
            kind = draft.relations[relation]["columns"][column.strip('"')][0]
            if kind in WHOLE:
                yield (
                    f"ALTER TABLE {name(relation)} ALTER COLUMN {column} "
                    f"SET DEFAULT nextval({literal(name(title))})"
                )


def columns(draft: Draft, title: str, relation: str, form: int) -> Iterator[str]:
    """Columns with defaults that have operators, and generated ones."""
    if not draft.columns(relation):
        return
    added = [f"{name(title)} int DEFAULT {SUMS[form]}", f"b boolean DEFAULT ({CHOICES[form]})"]
    for column in texts(draft, relation)[:1]:
        added.append(f"{name('g ' + title)} text GENERATED ALWAYS AS ({column} || '!') STORED")
    for column in numbers(draft, relation)[:1]:
        value = (f"{column} * 2", f"{column} % 7 = 0 AND true", f"coalesce({column}, {form})")[form]
        kind = "boolean" if form == 1 else "bigint"
        added.append(f"{name('n ' + title)} {kind} GENERATED ALWAYS AS ({value}) STORED")
    for text in added[: form + 2]:
        if text.split()[0] != "b" or title == "k1":
            yield f"ALTER TABLE {name(relation)} ADD COLUMN {text}"
    yield f"COMMENT ON COLUMN {name(relation)}.{name(title)} IS {literal(SUMS[form])}"


def guard(draft: Draft, title: str, relation: str, form: int) -> Iterator[str]:
    """Policies that look into another table, and a trigger that is a constraint."""
    if not draft.columns(relation) or relation == "parted":
        return
    table = name(relation)
    other = "a" if draft.columns("a") and relation != "a" else ""
    look = f"EXISTS (SELECT FROM {other})" if other else "true"
    force = "FORCE" if form else "NO FORCE"
    yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
    yield f"ALTER TABLE {table} {force} ROW LEVEL SECURITY"
    yield f"CREATE POLICY {name(title)} ON {table} FOR SELECT USING ({look})"
    yield (
        f"CREATE CONSTRAINT TRIGGER {name(title)} AFTER INSERT OR DELETE ON {table} "
        f"{('', 'DEFERRABLE', 'NOT DEFERRABLE')[form]} FOR EACH ROW EXECUTE FUNCTION kept()"
    )
