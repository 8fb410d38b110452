"""Names as people type them in options, and as messages tell them to: `authors.name`.

In double quotes, as in SQL, stands what else would end a name: `"2.4 GHz".signal:strength` is about
the column `signal` of the table `2.4 GHz`. Other than in SQL, letters stay as they are typed.
"""

from __future__ import annotations

import re

from engine.schema.quoting import in_quotes, unquoted

QUOTED = r'"(?:[^"]|"")+"'
# A function has brackets, `total(numeric, "char")`, and quotes of its own: `"Total"(integer)`.
NAME = rf'(?:{QUOTED}|\([^():"]*(?:{QUOTED}[^():"]*)*\)|[^".:=(])+'
OF_TABLE = re.compile(rf"(?:(?P<table>{NAME})\.)?(?P<name>{NAME})")


def typed(name: str, table: str = "") -> str:
    """How a name is typed. table: what it is a part of."""
    plainly = re.fullmatch(NAME, name) and meant(name) == name
    text = name if plainly else in_quotes(name)
    return f"{typed(table)}.{text}" if table else text


def meant(text: str) -> str:
    """The name that is typed so."""
    return unquoted(text) if re.fullmatch(QUOTED, text) else text


def normal(text: str) -> str:
    """What was typed as `name` or `table.name`, with quotes only where it needs them."""
    match = OF_TABLE.fullmatch(text)
    return typed(meant(match["name"]), meant(match["table"] or "")) if match else text
