"""Enums, domain types and composite types as SQL; and what a jsonb cannot say of a json."""

from __future__ import annotations

from collections.abc import Iterator

from engine.diff.change import Change, set_aside
from engine.schema.kinds import rename
from engine.schema.model import Composite, DomainType, Enum
from engine.schema.quoting import literal, name
from engine.sql.columns import as_default

# Of a key that stands twice in one object a jsonb keeps the last value; the order of keys and
# blanks are no values: https://www.postgresql.org/docs/current/datatype-json.html
JSON_PARTS = (
    "(WITH RECURSIVE engine_node (value) AS (SELECT ({value})::pg_catalog.json UNION ALL "
    "SELECT part FROM engine_node, LATERAL ("
    "SELECT value FROM pg_catalog.json_each(CASE pg_catalog.json_typeof(engine_node.value) "
    "WHEN 'object' THEN engine_node.value ELSE '{{}}' END) UNION ALL "
    "SELECT value FROM pg_catalog.json_array_elements(CASE "
    "pg_catalog.json_typeof(engine_node.value) WHEN 'array' THEN engine_node.value "
    "ELSE '[]' END)) inside (part)) SELECT pg_catalog.count(*) FROM engine_node)"
)


def create_enum(change: Change) -> str:
    """CREATE TYPE … AS ENUM, on one line where it fits."""
    enum: Enum = change.new
    labels = ", ".join(literal(label) for label in enum.labels)
    statement = f"CREATE TYPE {name(enum.name)} AS ENUM ({labels})"
    if len(statement) > 100:
        lines = ",\n".join(f"    {literal(label)}" for label in enum.labels)
        statement = f"CREATE TYPE {name(enum.name)} AS ENUM (\n{lines}\n)"
    return statement


def alter_enum(change: Change) -> str:
    """In place where it only grows; else the old type is set aside and a new one made."""
    if not change.in_place:
        return _beside(change, create_enum(change))
    old, new = change.old.labels, change.new.labels
    statements = []
    for position, label in enumerate(new):
        if label in old:
            continue
        before = f" BEFORE {literal(old[0])}" if old else ""
        place = f" AFTER {literal(new[position - 1])}" if position else before
        statements.append(f"ALTER TYPE {name(change.name)} ADD VALUE {literal(label)}{place}")
    return ";\n".join(statements)


def create_domain_type(change: Change) -> str:
    """CREATE DOMAIN with all its constraints."""
    new: DomainType = change.new
    parts = [f"CREATE DOMAIN {name(new.name)} AS {new.type}"]
    if new.collation:
        parts.append(f"COLLATE {new.collation}")
    if new.default is not None:
        parts.append(f"DEFAULT {as_default(new.default)}")
    if new.not_null:
        parts.append("NOT NULL")
    statements = [" ".join(parts), *_checks(new.name, {}, new.checks)]
    return ";\n".join(statements)


def alter_domain_type(change: Change) -> str:
    """All but its type; for another type the old one is set aside and a new one made."""
    old: DomainType = change.old
    new: DomainType = change.new
    if not change.in_place:
        return _beside(change, create_domain_type(change))
    start = f"ALTER DOMAIN {name(new.name)}"
    statements = []
    if old.default != new.default:
        default = "DROP DEFAULT" if new.default is None else f"SET DEFAULT {new.default}"
        statements.append(f"{start} {default}")
    if old.not_null != new.not_null:
        statements.append(f"{start} {'SET' if new.not_null else 'DROP'} NOT NULL")
    return ";\n".join([*statements, *_checks(new.name, old.checks, new.checks)])


def _checks(domain_type: str, old: dict[str, str], new: dict[str, str]) -> Iterator[str]:
    start = f"ALTER DOMAIN {name(domain_type)}"
    for title in sorted(old):
        if old[title] != new.get(title):
            yield f"{start} DROP CONSTRAINT {name(title)}"
    for title in sorted(new):
        if old.get(title) != new[title]:
            yield f"{start} ADD CONSTRAINT {name(title)} {new[title]}"


def create_composite(change: Change) -> str:
    """CREATE TYPE … AS."""
    composite: Composite = change.new
    lines = ",\n".join(f"    {name(part)} {kind}" for part, kind in composite.attributes.items())
    return f"CREATE TYPE {name(composite.name)} AS (\n{lines}\n)"


def alter_composite(change: Change) -> str:
    """Attribute by attribute, unless the old one is set aside and a new one made."""
    if not change.in_place:
        return _beside(change, create_composite(change))
    old, new = change.old.attributes, change.new.attributes
    actions = [f"DROP ATTRIBUTE {name(part)}" for part in old if part not in new]
    for part, kind in new.items():
        if part not in old:
            actions.append(f"ADD ATTRIBUTE {name(part)} {kind}")
        elif old[part] != kind:
            actions.append(f"ALTER ATTRIBUTE {name(part)} TYPE {kind}")
    return f"ALTER TYPE {name(change.name)} {', '.join(actions)}"


def _beside(change: Change, create: str) -> str:
    """The old type makes room for the new one; it goes when nothing has it any more."""
    return f"{rename(change.what, set_aside(change.old))};\n{create}"


def says_twice(value: str) -> str:
    """The SQL of whether a json has a key twice in one object, at any depth. value: SQL of it, or
    of its text."""
    kept = f"({value})::pg_catalog.jsonb::pg_catalog.json"
    return f"{JSON_PARTS.format(value=value)} <> {JSON_PARTS.format(value=kept)}"


def settled_json(value: str) -> str:
    """The SQL of a text that is one for all that say the same."""
    return (
        f"CASE WHEN {says_twice(value)} THEN ({value})::pg_catalog.text "
        f"ELSE ({value})::pg_catalog.jsonb::pg_catalog.text END"
    )
