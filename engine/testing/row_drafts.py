"""Rows for a drawn schema: what a table takes of them it has."""

from __future__ import annotations

from collections.abc import Iterator

from engine.schema.quoting import literal, name
from engine.testing.schema_drafts import PARTITIONED, Draft

EACH = 2
VALUES = {
    **dict.fromkeys(("smallint", "int", "bigint", "numeric(12,2)", "text", "domain d"), "{number}"),
    **dict.fromkeys(("varchar(20)", "varchar(50)"), "open"),
    **dict.fromkeys(("timestamptz", "timestamp", "date"), "2026-01-{number}"),
    **dict.fromkeys(("text[]", "varchar(9)[]"), "{{{number},x}}"),
    'text COLLATE "C"': "open",
}
# A row that a key, a check or a policy keeps out is not there.
TRIED = "DO $rows$ BEGIN {statement}; EXCEPTION WHEN OTHERS THEN NULL; END $rows$"


def rows(draft: Draft) -> str:
    """SQL that puts rows into the tables of the schema."""
    statements = []
    for title, piece in draft.relations.items():
        columns = draft.columns(title)
        if columns and title != PARTITIONED:
            table = name(title)
            texts = list(_inserted(draft, title))
            if "ref" in columns and draft.columns(piece["target"]):
                target = name(piece["target"])
                texts.append(f"UPDATE {table} SET ref = (SELECT min(id) FROM {target})")
            statements += [TRIED.format(statement=text) for text in texts]
    return ";\n".join(statements)


def _inserted(draft: Draft, title: str) -> Iterator[str]:
    for number in range(10, 10 + EACH):
        values = {}
        for column, kind in draft.columns(title).items():
            value = _value(draft, kind, number)
            if column != "ref" and value:
                values[name(column)] = literal(value)
        if values:
            columns, texts = ", ".join(values), ", ".join(values.values())
            yield f"INSERT INTO {name(title)} ({columns}) VALUES ({texts})"


def _value(draft: Draft, kind: str, number: int) -> str:
    """Of the type, or empty where the column gets one by itself or has none."""
    if kind.startswith("enum "):
        label: str = draft.types[kind.removesuffix("[]").split()[1]][1][0]
        escaped = label.replace('"', '\\"')
        return '{"' + escaped + '"}' if kind.endswith("[]") else label
    if kind == "composite c":
        return "(" + "," * (len(draft.types["c"][1]) - 1) + ")"
    return VALUES.get(kind, "").format(number=number)
