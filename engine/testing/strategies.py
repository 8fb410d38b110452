"""Pairs of schemas for property tests, drawn by Hypothesis, over all kinds that the engine manages.
Needs the development extra; nothing else of the engine imports this."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from engine.testing.link_drafts import LINKS, TITLES
from engine.testing.row_drafts import rows
from engine.testing.schema_drafts import COLUMNS, LABELS, PARTITIONED, RELATIONS, Draft


def _column(kinds: tuple[str, ...]) -> st.SearchStrategy[Any]:
    return st.tuples(st.sampled_from(kinds), st.booleans(), st.booleans())


TEXTS = st.sampled_from(["", "one", 'it\'s 100 % "two"'])
TABLE = st.fixed_dictionaries(
    {
        "kind": st.just("table"),
        "columns": st.fixed_dictionaries(
            {}, optional={column: _column(kinds) for column, kinds in COLUMNS.items()}
        ),
        "indexes": st.lists(
            st.tuples(st.sampled_from(list(COLUMNS)), st.booleans(), st.booleans()), max_size=3
        ),
        "generated": st.sampled_from(["", "n", "p", "q"]),
        "check": st.integers(0, 2),
        "key": st.booleans(),
        "target": st.sampled_from(RELATIONS),
        "action": st.sampled_from(["", "ON DELETE CASCADE", "DEFERRABLE", "NOT VALID"]),
        "unlogged": st.sampled_from([False, False, False, True]),
        "secured": st.booleans(),
        "trigger": st.sampled_from(["", "ENABLE", "DISABLE", "ENABLE ALWAYS"]),
        "fill": st.sampled_from([0, 0, 70, 90]),
        "granted": st.sampled_from(["", "SELECT", "INSERT, DELETE", "SELECT, UPDATE"]),
        "comment": TEXTS,
    }
)
VIEW = st.fixed_dictionaries(
    {
        "kind": st.just("view"),
        "source": st.sampled_from(RELATIONS),
        "materialized": st.booleans(),
        "few": st.booleans(),
        "least": st.integers(0, 2),
        "comment": TEXTS,
    }
)
SEQUENCE = st.fixed_dictionaries(
    {
        "kind": st.just("sequence"),
        "options": st.sampled_from(["", "AS int", "INCREMENT 5 CYCLE", "START 7 MAXVALUE 900"]),
        "owner": st.sampled_from(RELATIONS),
    }
)
RELATION = st.one_of(TABLE, TABLE, TABLE, VIEW, VIEW, SEQUENCE)
ENUM = st.tuples(st.just("enum"), st.lists(st.sampled_from(LABELS), min_size=1, unique=True))
PIECES: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "types": {
        "e": ENUM,
        "f": ENUM,
        "d": st.tuples(
            st.just("domain"), st.sampled_from(["bigint", "int", "int NOT NULL"]), st.integers(0, 2)
        ),
        "c": st.tuples(
            st.just("composite"), st.lists(st.sampled_from("xyz"), min_size=1, unique=True)
        ),
    },
    "functions": {
        title: st.tuples(
            st.sampled_from(["x", "y"]), st.sampled_from(["int", "bigint"]), st.integers(0, 1)
        )
        for title in ("p", "q")
    },
    "readers": {"r": st.sampled_from(RELATIONS), "o": st.sampled_from(RELATIONS)},
    "links": dict.fromkeys(
        TITLES,
        st.tuples(st.sampled_from(list(LINKS)), st.sampled_from(RELATIONS), st.integers(0, 2)),
    ),
    "relations": {
        **dict.fromkeys(RELATIONS, RELATION),
        PARTITIONED: TABLE,
    },
}


def drafts() -> st.SearchStrategy[Draft]:
    """One schema: of each piece there is, or of some of them."""
    whole, some = {}, {}
    for part, kinds in PIECES.items():
        whole[part] = st.fixed_dictionaries(kinds)
        some[part] = st.fixed_dictionaries({}, optional=kinds)
    return st.one_of(st.builds(Draft, **some), st.builds(Draft, **whole))


@st.composite
def pairs(draw: Any) -> tuple[list[str], list[str], str]:
    """Two schemas, and rows for the first; the second is mostly the first with pieces dropped,
    drawn again or added."""
    first: Draft = draw(drafts())
    second = first
    if draw(st.integers(0, 3)) == 0:
        second = draw(drafts())
    else:
        for _ in range(draw(st.integers(1, 5))):
            second = draw(_mutated(second))
    return first.statements(), _fillable(first, second).statements(), rows(first)


def _fillable(first: Draft, second: Draft) -> Draft:
    """The second schema, where a column that the first one lacks may be null: rows that are there
    would have no value for it."""
    relations = dict(second.relations)
    for title, piece in second.relations.items():
        before = first.relations.get(title, {}).get("columns")
        if before is not None and piece["kind"] == "table":
            columns = {}
            for column, (kind, not_null, default) in piece["columns"].items():
                columns[column] = (kind, not_null and column in before, default)
            relations[title] = piece | {"columns": columns}
    return replace(second, relations=relations)


@st.composite
def _mutated(draw: Any, draft: Draft) -> Draft:
    """With one piece dropped or drawn again, or one column of a table."""
    part = draw(st.sampled_from(["relations", "relations", "links", "links", "links", *PIECES]))
    pieces = dict(getattr(draft, part))
    title = draw(st.sampled_from(list(PIECES[part])))
    piece = pieces.get(title)
    if piece and draw(st.integers(0, 4)) == 0:
        del pieces[title]
    elif part == "relations" and piece and piece["kind"] == "table" and draw(st.booleans()):
        pieces[title] = draw(_altered(piece))
    else:
        pieces[title] = draw(PIECES[part][title])
    return replace(draft, **{part: pieces})


@st.composite
def _altered(draw: Any, table: Any) -> Any:
    """A table with one of its columns, or one of its other properties, drawn again."""
    if draw(st.booleans()):
        column = draw(st.sampled_from(list(COLUMNS)))
        columns = {title: c for title, c in table["columns"].items() if title != column}
        if draw(st.integers(0, 3)):
            columns[column] = draw(_column(COLUMNS[column]))
        return table | {"columns": columns}
    other = draw(TABLE)
    changed = draw(st.sampled_from([key for key in other if key not in ("kind", "columns")]))
    return table | {changed: other[changed]}
