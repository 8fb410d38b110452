"""Policies as a database of Citus can have them: it takes none that looks something up, since each
of its nodes would have to answer by itself ("unexpected non-SELECT command in SubLink").

A program can name those that hold nobody back before it turns something on. There, and where it
refuses to turn that on, such a policy lets every row pass. Of all others the look-up is an error:
left out, it would open what somebody has closed.
"""

from __future__ import annotations

import re

from engine.schema.quoting import suffixed
from engine.sql.changed_rows import unqualified
from engine.sql.demands import FLAGS, NAME, TABLE, parentheses, silenced
from engine.sql.text_forms import masked

NAMES_POLICY = re.compile("policy", re.IGNORECASE)
HEAD = re.compile(
    rf"\b(?:CREATE|ALTER)\s+POLICY\s+(?P<policy>{NAME})\s+ON\s+(?P<table>{TABLE})(?=[\s(])", FLAGS
)
CONDITION = re.compile(r"\b(?:USING|WITH\s+CHECK)\s*(?=\()", FLAGS)
LOOKS_UP = re.compile(r"\bSELECT\b", re.IGNORECASE)
OPEN = "(true)"


def opened(sql: str, ending: str) -> str:
    """The text with the policies open that look something up and have the name of their table with
    the ending; as it is where there are none, or the ending is empty."""
    if not (ending and NAMES_POLICY.search(sql)):
        return sql
    text, position, silent = "", 0, silenced(sql)
    for head in HEAD.finditer(masked(sql)):
        if not is_named(unqualified(head["policy"]), unqualified(head["table"]), ending):
            continue
        end = silent.find(";", head.end())
        end = len(sql) if end < 0 else end
        text += sql[position : head.end()] + without_look_ups(sql[head.end() : end])
        position = end
    return text + sql[position:]


def is_named(policy: str, table: str, ending: str) -> bool:
    """Whether a policy of the table is one of those, by its name."""
    return bool(ending) and policy == suffixed(table, ending)


def without_look_ups(definition: str) -> str:
    """What follows the table in CREATE POLICY, with each condition open that looks something up."""
    text, position, silent = "", 0, silenced(definition)
    while condition := CONDITION.search(silent, position):
        inside, rest = parentheses(definition, condition.end())
        end = len(definition) - len(rest)
        looks_up = LOOKS_UP.search(silent, condition.end(), end)
        text += definition[position : condition.end()] + (OPEN if looks_up else f"({inside})")
        position = end
    return text + definition[position:]
