"""Statements end for the lexer where they end for psql, which sends them one by one; PostgreSQL
says with current_query() what it was sent."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.connect.programs import clients
from engine.sql.lexer import split

# A colon is a variable to psql, a backslash outside of quotes one of its commands.
TEXT = st.text(alphabet="aE;'\"$-/*()\n é", max_size=12)
PLAIN = st.text(alphabet="aE;'\"$-/*()\\\n é", max_size=12).map(lambda t: t.replace("'", "''"))
ESCAPED = st.lists(
    st.sampled_from([r"\'", "''", "\\\\", r"\n", ";", "a", "--", "/*", "*/", "$$", '"', "\n"]),
    max_size=6,
).map("".join)
QUIET = TEXT.map(lambda text: text.replace("*", "").replace("/", ""))
BLOCK = st.recursive(
    QUIET.map(lambda text: f"/*{text}*/"),
    lambda inner: st.tuples(QUIET, inner, QUIET).map(lambda parts: f"/*{''.join(parts)}*/"),
    max_leaves=3,
)
LINE = TEXT.map(lambda text: "--" + text.replace("\n", "") + "\n")
BETWEEN = st.one_of(st.sampled_from([" ", "\n", "\t\n"]), BLOCK, LINE)
DOLLARS = st.tuples(st.sampled_from(["$$", "$a$", "$é_1$"]), TEXT).filter(
    lambda parts: (parts[1] + parts[0]).index(parts[0]) == len(parts[1])
)
LITERAL = st.one_of(
    PLAIN.map(lambda text: f"'{text}'"),
    PLAIN.map(lambda text: "U&'" + text.replace("\\", "") + "'"),
    PLAIN.map(lambda text: f"N'{text}'"),
    ESCAPED.map(lambda text: f"E'{text}'"),
    DOLLARS.map(lambda parts: f"{parts[0]}{parts[1]}{parts[0]}"),
    st.sampled_from(["B'01'", "X'1F'", "date'2026-01-01'"]),
)
NAME = st.one_of(
    TEXT.map(lambda text: '"x' + text.replace('"', '""') + '"'),
    st.sampled_from(["a$b$", "b$a$c", "E", "begin", 'U&"\\0061;\'"', "case"]),
)
ITEM = st.tuples(BETWEEN, LITERAL, BETWEEN, NAME, BETWEEN).map(
    lambda parts: f",{parts[0]}{parts[1]}{parts[2]} AS {parts[3]}{parts[4]}"
)
ASKED = "SELECT chr(2) || current_query() || chr(1) AS query"
QUESTION = st.lists(ITEM, max_size=3).map(lambda items: ASKED + "".join(items))
ROUTINE = (
    "CREATE OR REPLACE FUNCTION pg_temp.f() RETURNS int BEGIN ATOMIC SELECT 1; "
    "SELECT CASE 1 WHEN 1 THEN (2) END; END"
)
STATEMENTS = st.lists(
    st.tuples(BETWEEN, st.one_of(QUESTION, QUESTION, st.just(ROUTINE), st.just("BEGIN; END"))),
    min_size=1,
    max_size=8,
)


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(statements=STATEMENTS)
def test_statements_end_where_they_do_for_psql(
    empty_url: str, tmp_path: Path, statements: list[tuple[str, str]]
) -> None:
    text = ";".join(between + statement for between, statement in statements) + "\n;"
    parts = split(text)
    assert len(parts) == sum(1 + (statement == "BEGIN; END") for _, statement in statements)
    assert [part[part.index(ASKED) :] for part in parts if ASKED in part] == sent(
        empty_url, tmp_path / "drawn.sql", text
    )


def sent(url: str, path: Path, text: str) -> list[str]:
    """What psql sends of a file's statements, but for those that ask for nothing."""
    path.write_text(text, encoding="utf-8", newline="")
    program = str(list(clients("psql").values())[-1])
    command = [program, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url]
    done = subprocess.run(
        [*command, "-f", str(path)], capture_output=True, encoding="utf-8", timeout=60, check=False
    )
    assert done.returncode == 0, f"{done.stderr}\n{text}"
    queries = re.findall("\2(.*?)\1", done.stdout, re.DOTALL)
    return [query[query.index(ASKED) :].removesuffix(";").strip() for query in queries]


def test_an_escaped_literal_goes_on_after_a_line(cursor: Any) -> None:
    """To PostgreSQL; psql reads line by line, and so takes what follows for a plain one."""
    sql = "SELECT e'a'  -- ' ;\n  '\\';'"
    assert split(sql) == [sql]
    cursor.execute(sql)
    assert cursor.fetchone() == ("a';",)
