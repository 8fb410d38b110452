"""CHECKs and triggers in words, where a pattern is plain enough; else PostgreSQL's own text."""

from __future__ import annotations

import re

NAME = r'"?([\w ]+)"?'
# What a CHECK says, as PostgreSQL prints it, and how one would say it.
CHECKS = (
    (rf"{NAME} >= 0", "{0} is not negative"),
    (rf"{NAME} > 0", "{0} is above zero"),
    (rf"{NAME} <> 0", "{0} is not zero"),
    (rf"{NAME} >= (\d+)", "{0} is at least {1}"),
    (rf"{NAME} <= (\d+)", "{0} is at most {1}"),
    (
        rf"{NAME} >= '?(-?\d+)(?:'::bigint)? AND \1 <= '?(-?\d+)(?:'::bigint)?",
        "{0} is between {1} and {2}",
    ),
    (rf"btrim\({NAME}\) <> ''::text", "{0} is not blank"),
    (rf"\({NAME} IS NULL\) = \({NAME} IS NULL\)", "{0} and {1} are there together, or neither is"),
    (rf"octet_length\({NAME}\) = (\d+)", "{0} has {1} bytes"),
    (
        rf"{NAME} ~ '\[\^[^']*\\u00ad[^']*'::text AND char_length\(\1\) <= (\d+) "
        r"AND \1 !~ '[^']*'::text",
        "{0} has a character that one sees, {1} at most, and none that moves the cursor",
    ),
    (
        rf"{NAME} ~ '\[\^[^']*\\u00ad[^']*'::text AND char_length\(\1\) <= (\d+)",
        "{0} has a character that one sees, {1} at most",
    ),
    (rf"char_length\({NAME}\) <= (\d+)", "{0} has {1} characters at most"),
    (
        rf"{NAME} >= to_timestamp\(946684800::double precision\) AND "
        r"\1 <= to_timestamp\('4102444799'::bigint::double precision\)",
        "{0} lies between 2000 and 2099",
    ),
    (
        rf"{NAME} >= make_date\(2000, 1, 1\) AND \1 <= make_date\(2099, 12, 31\)",
        "{0} lies between 2000 and 2099",
    ),
    (
        rf"char_length\({NAME}\) <= (\d+) AND \1 ~ '([^']*)'::text",
        "{0} matches `{2}`, and has {1} characters at most",
    ),
    (
        rf"char_length\({NAME}\) >= (\d+) AND char_length\(\1\) <= (\d+) AND \1 ~ '([^']*)'::text",
        "{0} matches `{3}`, and has {1} to {2} characters",
    ),
    (rf"{NAME} ~ '([^']*)'::text", "{0} matches `{1}`"),
)
TRIGGER = re.compile(
    r"CREATE (?:CONSTRAINT )?TRIGGER .*? (?P<when>BEFORE|AFTER|INSTEAD OF) (?P<events>.*?) ON \S+"
    r"(?: FROM \S+)?(?P<deferred> DEFERRABLE INITIALLY DEFERRED)?.*?"
    r"FOR EACH (?P<each>ROW|STATEMENT)"
    r"(?: WHEN \((?P<condition>.*)\))? EXECUTE FUNCTION (?P<function>[^(]+)\((?P<arguments>.*)\)",
    re.DOTALL,
)


def check(definition: str) -> str:
    """What `CHECK (…)` asks for."""
    text = definition.removesuffix(" NOT VALID").removeprefix("CHECK (").removesuffix(")")
    for pattern, words in CHECKS:
        match = re.fullmatch(pattern, text)
        if match:
            return words.format(*match.groups())
    return f"`{text}`"


def trigger(definition: str, comment: str) -> str:
    """When a trigger fires and what it runs."""
    match = TRIGGER.match(definition)
    if not match:
        return f"`{definition}`"
    when = match["when"].lower()
    if match["deferred"]:
        when = "at the end of the transaction, after"
    events = match["events"].replace(" OR ", " or ")
    unit = "each row" if match["each"] == "ROW" else "each statement"
    words = f"{when} {events}, for {unit}"
    if match["condition"]:
        words += f", where `{match['condition'].removeprefix('(').removesuffix(')')}`"
    words += f": `{match['function']}`"
    return f"{words}. {comment}" if comment else words
