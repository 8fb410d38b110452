"""A setting is read by somebody, and holds to its range whoever writes it, and how."""

from __future__ import annotations

import ast
from dataclasses import fields
from itertools import product
from typing import Any

import psycopg2
import pytest

from domains.auth.limits import LoginLimits
from domains.system.ranges import RANGES
from domains.system.seeds import FOR_THE_APPLICATION, SETTINGS
from tests.support.project import ROOT
from tests.support.usual import usually_each

SEEDED = {key for group in SETTINGS.values() for key, *_ in group}


def literals() -> set[str]:
    """The texts in the code that reads settings."""
    texts = set()
    for folder in ("domains", "application", "commands"):
        for path in (ROOT / folder).rglob("*.py"):
            if path.parts[-2:] not in {("system", "seeds.py"), ("system", "ranges.py")}:
                for node in ast.walk(ast.parse(path.read_text())):
                    if isinstance(node, ast.Constant) and isinstance(node.value, str):
                        texts.add(node.value)
    return texts


def test_each_seeded_setting_is_read_or_is_said_to_be_for_the_application() -> None:
    limits = {limit.name for limit in fields(LoginLimits)}  # login_limits reads each of its fields
    # The names of columns, and of variables of message templates, are no settings.
    texts = literals() | limits
    sql = "\n".join(text for text in texts if "SELECT" in text)
    read = {key for key in SEEDED if key in texts or f"'{key}'" in sql}
    read -= {"timezone", "company_name"}
    read -= {"company_phone"}
    assert read | FOR_THE_APPLICATION == SEEDED
    assert not read & FOR_THE_APPLICATION, "these are read by now: take them off the list"


VALUES = ["0", "-1", "-5", "1e400", "5.5", "1000000000000", '"NaN"', '"5"', "null", "[5]", "true"]
TERMS = [
    "",
    ", least = NULL, most = NULL",
    ", least = -1000000000000000000, most = 1000000000000000000",
    ", least = NULL",
    ", most = NULL",
    ", type = 'number', least = NULL, most = NULL",
    ", type = 'string', least = NULL, most = NULL",
]


@pytest.mark.parametrize("key", usually_each(RANGES, 2))
def test_plain_sql_gives_no_setting_a_value_out_of_its_range(key: str, cursor: Any) -> None:
    least, most = RANGES[key]
    beyond = [str(least - 1), str(most + 1)]
    for value, terms in product([*VALUES, *beyond], TERMS):
        if value.isdigit() and least <= int(value) <= most and not terms:
            continue
        for where in ("", "copy"):
            cursor.execute("SAVEPOINT s")
            with pytest.raises((psycopg2.IntegrityError, psycopg2.DataError)):
                _write(cursor, key, value, terms, where)
            cursor.execute("ROLLBACK TO s")
    for value in (least, most):
        cursor.execute("UPDATE settings SET value = %s WHERE key = %s", (str(value), key))
    cursor.execute("UPDATE settings SET least = most WHERE key = %s", (key,))  # narrower


def _write(cursor: Any, key: str, value: str, terms: str, where: str) -> None:
    """Write the value by an UPDATE of the global row, or as the row of a branch."""
    if where == "copy":
        cursor.execute(
            "INSERT INTO settings (location_id, key, value, type, least, most, category,"
            " description) SELECT (SELECT min(id) FROM locations), key, value, type, least, most,"
            " category, description FROM settings WHERE key = %s AND location_id IS NULL",
            (key,),
        )
    cursor.execute(f"UPDATE settings SET value = %s{terms} WHERE key = %s", (value, key))
    assert cursor.rowcount


def test_no_other_row_takes_the_name_of_a_setting_with_a_range(cursor: Any) -> None:
    cursor.execute("DELETE FROM settings WHERE key = 'max_login_attempts'")
    with pytest.raises(psycopg2.IntegrityError, match="settings_known_range_check"):
        cursor.execute("UPDATE settings SET key = 'max_login_attempts' WHERE key = 'company_name'")
