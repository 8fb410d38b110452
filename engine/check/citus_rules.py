"""What Citus does not take, by the text of a statement. Each is an error there, and of none a
scratch database of PostgreSQL alone can tell.

Seen with Citus 13.2.2, where the tables of a schema lie on one node.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from engine.check.finding import Finding, Level, RuleName
from engine.check.observer import Observed
from engine.citus.open_policies import opened
from engine.sql.demands import ALTER, NAME, TABLE, parts
from engine.sql.text_forms import bare

MANUAL = "https://docs.citusdata.com/en/stable/develop/reference_workarounds.html"
WHY = "The nodes have to carry it out, too, and the file fails on every tenant of a cluster."
COLUMN = rf"ALTER\s+(?:COLUMN\s+)?{NAME}\s+"
# With the word COLUMN or without it; what follows is no name where a constraint begins.
ADD_COLUMN = r"ADD\s+(?:COLUMN\s+)?(?!(?:CONSTRAINT|CHECK|UNIQUE|PRIMARY|FOREIGN|EXCLUDE)\b)"
ADD_CONSTRAINT = re.compile(
    r"\s*ADD\s+(?:CONSTRAINT|CHECK|UNIQUE|PRIMARY\s+KEY|FOREIGN\s+KEY|EXCLUDE)\b", re.IGNORECASE
)


@dataclass(frozen=True)
class Refused:
    """begins: a regular expression for the beginning of the statement, or of a subcommand of ALTER
    TABLE. what: it is called. fix: what to write instead."""

    begins: str
    what: str
    fix: str

    def met(self, text: str) -> bool:
        """Whether the text is such a one."""
        return bool(re.match(rf"\s*{self.begins}", text, re.IGNORECASE | re.DOTALL))


SUBCOMMANDS = (
    Refused(
        rf"{ADD_COLUMN}.*(?:\bAS\s+IDENTITY\b|\b(?:small|big)?serial[248]?\b)",
        "a column that numbers by itself, in a table that is there",
        "Make the table anew with that column, carry the rows over, and let it take the name.",
    ),
    Refused(
        rf"{COLUMN}(?:ADD\s+GENERATED|SET\s+GENERATED|DROP\s+IDENTITY|RESTART\b"
        r"|SET\s+(?:START|INCREMENT|MINVALUE|MAXVALUE|CACHE|CYCLE|NO|SEQUENCE)\b)",
        "a change of how a column numbers",
        "Make the table anew with that column, carry the rows over, and let it take the name.",
    ),
    Refused(
        rf"{COLUMN}DROP\s+EXPRESSION\b",
        "DROP EXPRESSION",
        "Add a plain column, fill it from this one, drop this one, and give its name to the other.",
    ),
    Refused(
        rf"{COLUMN}(?:SET\s+(?:STATISTICS|STORAGE)\b|(?:SET|RESET)\s*\()",
        "how PostgreSQL stores or counts a column",
        "Leave it out; who runs the cluster can set it on the nodes.",
    ),
    Refused(
        # The NULL of a CHECK that follows is another one, and Citus takes that.
        rf"(?:{COLUMN}SET|{ADD_COLUMN}.*?)\s+DEFAULT\b(?:(?!\b(?:CONSTRAINT|CHECK)\b).)*"
        r"\bIS\s+(?:NOT\s+)?NULL\b",
        "a default that asks for NULL",
        "Write a function that gives the value, and let the default call it.",
    ),
    Refused(
        r"ALTER\s+(?:COLUMN\s+)?\"[^\"]*(?-i:[^a-z0-9_$\"])[^\"]*\"\s+SET\s+DEFAULT\s+nextval\b",
        "numbers from a sequence for a column whose name needs quotes",
        "Give the column a name in small letters first.",
    ),
    Refused(
        rf"{ADD_COLUMN}(?!.*\bCONSTRAINT\b).*\bCHECK\s*\(",
        "a CHECK without a name in ADD COLUMN",
        "Name it: ADD COLUMN … CONSTRAINT name CHECK (…); or add it in a statement of its own.",
    ),
    Refused(
        r"RENAME\s+CONSTRAINT\b",
        "RENAME CONSTRAINT",
        "Add the constraint under the new name (NOT VALID, then VALIDATE), and drop the old one.",
    ),
    Refused(
        r"(?:CLUSTER\s+ON\b|SET\s+WITHOUT\s+CLUSTER\b|(?:NO\s+)?INHERIT\b|ALTER\s+CONSTRAINT\b)",
        "this subcommand of ALTER TABLE",
        "Leave it out; a constraint is dropped and added again.",
    ),
)
STATEMENTS = (
    Refused(
        # Neither word nor name is given back, or `s  RENAME` would be `s` and a blank too few.
        rf"ALTER\s+SEQUENCE\s+(?:IF\s+EXISTS\s+)?+(?>{TABLE})(?!\s+(?:RENAME\b|OWNER\s+TO\b))",
        "ALTER SEQUENCE, where a table uses the sequence",
        "Make another sequence, and let the default use that.",
    ),
    Refused(
        r"CREATE\s+(?:UNLOGGED\s+)?SEQUENCE\b.*\bOWNED\s+BY\s+(?!NONE\b)",
        "a new sequence that a column owns",
        "Leave OWNED BY out; the sequence then stays when the column goes.",
    ),
    Refused(
        rf"INSERT\s+INTO\s+{TABLE}\s*(?:AS\s+{NAME}\s*)?(?:\([^()]*\)\s*)?"
        r"(?:OVERRIDING\s+\w+\s+VALUE\s*)?VALUES\b.*\(\s*SELECT\b",
        "a sub-select in VALUES",
        "Write INSERT … SELECT, one for each row that looks another one up.",
    ),
    Refused(
        rf"ALTER\s+VIEW\b.*\bALTER\s+(?:COLUMN\s+)?{NAME}\s+(?:SET|DROP)\s+DEFAULT\b",
        "the default of a column of a view",
        "Let the default be that of the table's column.",
    ),
    Refused(
        r"(?:CREATE|ALTER)\s+POLICY\b.*\(\s*SELECT\b",
        "a policy with a sub-select",
        "Put the question into a function, and let the policy call it.",
    ),
    Refused(
        r"CREATE\s+(?:UNLOGGED\s+)?TABLE\b.*\bPARTITION\s+OF\b.*\bPARTITION\s+BY\b",
        "partitions in more than one level",
        "Partition by one level.",
    ),
    Refused(
        r"CREATE\s+(?:UNLOGGED\s+)?TABLE\b.*\)\s*INHERITS\b",
        "inheritance between tables",
        "Write the columns out, or partition the table.",
    ),
)
TOGETHER = Refused(
    "",
    "ADD CONSTRAINT beside another subcommand",
    "Write a statement for each; in one step, nobody sees the table without it.",
)


def findings(seen: Iterable[Observed], opened_on_citus: str) -> Iterator[Finding]:
    """What of the statements Citus does not take. opened_on_citus: as a Project has it."""
    for statement in seen:
        for refused in refused_in(opened(statement.sql, opened_on_citus)):
            what = f"Citus does not take {refused.what}."
            place = statement.file, statement.line
            rule = RuleName.NOT_ON_CITUS
            yield Finding(*place, rule, Level.ERROR, what, WHY, refused.fix, MANUAL)


def refused_in(sql: str) -> Iterator[Refused]:
    """What of one statement Citus does not take."""
    text = bare(sql)
    yield from (refused for refused in STATEMENTS if refused.met(text))
    begin = ALTER.match(text)
    if not begin:
        return
    subcommands = [text[start:end] for start, end in parts(text, begin.end(), len(text))]
    for subcommand in subcommands:
        yield from (refused for refused in SUBCOMMANDS if refused.met(subcommand))
    if len(subcommands) > 1 and any(map(ADD_CONSTRAINT.match, subcommands)):
        yield TOGETHER
