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
from engine.citus.unsaid import Unsaid
from engine.sql.demands import ALTER, NAME, TABLE, parts
from engine.sql.outside import BLOCK
from engine.sql.text_forms import bare, without_comments

MANUAL = "https://docs.citusdata.com/en/stable/develop/reference_workarounds.html"
WHY = "The nodes have to carry it out, too, and the file fails on every tenant of a cluster."
ANEW = "Make the table anew with that column, carry the rows over, and let it take the name."
COLUMN = rf"ALTER\s+(?:COLUMN\s+)?{NAME}\s+"
# With the word COLUMN or without it; what follows is no name where a constraint begins.
ADD_COLUMN = r"ADD\s+(?:COLUMN\s+)?(?!(?:CONSTRAINT|CHECK|UNIQUE|PRIMARY|FOREIGN|EXCLUDE)\b)"
ADD_CONSTRAINT = re.compile(
    r"\s*ADD\s+(?:CONSTRAINT|CHECK|UNIQUE|PRIMARY\s+KEY|FOREIGN\s+KEY|EXCLUDE)\b", re.IGNORECASE
)
# Citus prepares what these ask about by itself; PostgreSQL, which does so again, no longer knows it
# ("unrecognized node type"). Only a column may be prepared twice.
TEST = r"(?:\s+IS\s+(?:NOT\s+)?(?:NULL|TRUE|FALSE|UNKNOWN)\b|\s+(?:ISNULL|NOTNULL)\b)"
SIGN = r"[-+*/<>=~!@#%^&|`?]"  # of which an operator is made, such as <=>
TWICE = rf"(?:{TEST}|(?<!{SIGN})=>(?!{SIGN}))"
OPERAND = (
    r"(?!(?:NULL|TRUE|FALSE|NOT|AND|OR|(?:SESSION_)?USER|CURRENT_\w+|LOCALTIME\w*)\b)"
    rf"(?P<column>(?!\d){TABLE})"
)
OF_A_COLUMN = re.compile(
    rf"(?:(?<=[(,])\s*|(?<=\bAND|\bNOT)\s+|(?<=\bOR)\s+){OPERAND}{TEST}", re.IGNORECASE
)
GIVEN_A_COLUMN = re.compile(rf"(?<=[(,])\s*{NAME}\s*=>\s*{OPERAND}(?=\s*[,)])", re.IGNORECASE)
ENCLOSED = re.compile(rf"(?<![\w$\"])\(\s*{OPERAND}\s*\)", re.IGNORECASE)
# On the nodes a table has another name, t_102008, and Citus changes what says its own only where it
# expects it: `t.a > 0` of a policy, and not of ALTER TABLE; whole rows of it nowhere.
OWN = r"(?<![\w$\".])(?P=table)(?![\w$\"])"
ROWS = rf"(?:{OWN}|\b(?:NEW|OLD)\b)"
# PostgreSQL prints f(t.*); `(t IS NOT NULL)` and `NEW.* IS DISTINCT FROM OLD.*` need no function.
OF_ROWS = rf"[\w$\"]\s*\(\s*(?:[^()]*,\s*)?{ROWS}(?:\s*\.\s*\*)?\s*[,)]"
ON_TABLE = rf"\bON\s+(?:ONLY\s+)?(?:{NAME}\s*\.\s*)?(?P<table>{NAME})"
POLICY = re.compile(r"\s*(?:CREATE|ALTER)\s+POLICY\b", re.IGNORECASE)


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
        ANEW,
    ),
    Refused(
        rf"{COLUMN}(?:ADD\s+GENERATED|SET\s+GENERATED|DROP\s+IDENTITY|RESTART\b"
        r"|SET\s+(?:START|INCREMENT|MINVALUE|MAXVALUE|CACHE|CYCLE|NO|SEQUENCE)\b)",
        "a change of how a column numbers",
        ANEW,
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
        rf"(?:{COLUMN}SET|{ADD_COLUMN}.*?)\s+DEFAULT\b(?:(?!\b(?:CONSTRAINT|CHECK)\b).)*{TWICE}",
        "a default that asks IS NULL or IS TRUE, or names an argument",
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
ASKS = Refused(
    # refused_in() takes out what is asked of a column alone.
    rf"{POLICY.pattern}.*{TWICE}",
    "a policy that asks IS NULL or IS TRUE of more than a column, or names an argument",
    "Put the question into a function, and let the policy call it.",
)
STATEMENTS = (
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
    ASKS,
    Refused(
        rf"ALTER\s+DOMAIN\b.*(?:\bADD\b|\bSET\s+DEFAULT\b).*{TWICE}",
        "a domain that comes to ask IS NULL or IS TRUE, or names an argument",
        "Put the question into a function, and let the CHECK or the default call it.",
    ),
    Refused(
        r"CREATE\s+(?:UNLOGGED\s+)?TABLE\b.*\bPARTITION\s+OF\b.*\bPARTITION\s+BY\b",
        "partitions in more than one level",
        "Partition by one level.",
    ),
    Refused(
        rf"ALTER\s+TABLE\s+(?:IF\s+EXISTS\s+)?(?:ONLY\s+)?(?:{NAME}\s*\.\s*)?(?P<table>{NAME})\s"
        rf".*\b(?:(?:CONSTRAINT\b.*\bCHECK|USING)\b.*{OWN}\s*[.,)]"
        rf"|CHECK\b.*{OWN}\s*(?:\.\s*\*|[,)]))",
        "a CHECK or a conversion that names its table, or takes whole rows",
        "Name the columns alone; let a trigger look at whole rows by their columns.",
    ),
    Refused(
        rf"(?:CREATE\s+(?:UNIQUE\s+)?INDEX|CREATE\s+(?:CONSTRAINT\s+)?TRIGGER)\b.*?{ON_TABLE}\b"
        rf".*\(.*{OF_ROWS}",
        "a function of whole rows in an index or a trigger",
        "Give the function the columns that it needs.",
    ),
    Refused(
        rf"(?:CREATE|ALTER)\s+POLICY\b.*?{ON_TABLE}\b.*(?:{OF_ROWS}|{OWN}(?:\s*\.\s*\*|\s+IS\b))",
        "whole rows in a policy",
        "Give the function the columns that it needs.",
    ),
    Refused(
        r"ALTER\s+(?:FUNCTION|PROCEDURE|ROUTINE|TRIGGER)\b.*(?<!\bNO\s)\bDEPENDS\s+ON\s+EXTENSION\b",
        "a function or a trigger that goes with an extension",
        "Leave it out; where the extension goes, drop it in the same file.",
    ),
    Refused(
        r"CREATE\s+(?:UNLOGGED\s+)?TABLE\b.*\)\s*INHERITS\b",
        "inheritance between tables",
        "Write the columns out, or partition the table.",
    ),
)
UNSAID = {
    Unsaid.ALTERED: "Make another sequence, and let the default use that.",
    Unsaid.SET_UNUSED: "Let the column use the sequence first (SET DEFAULT nextval(…)).",
    Unsaid.RETYPED: ANEW,
    Unsaid.TWO_TYPES: "Give the columns one type, or each a sequence.",
    Unsaid.OTHER_TYPE: "Give the sequence the type of the column (CREATE SEQUENCE … AS …), or Citus"
    " does, and the files lead to something else.",
    Unsaid.SAME_NAME: "Give it another name, or let the other one go in a file before this one.",
}
# The number in such a name is that of the node; a block finds the names on the coordinator.
SWITCHED = Refused(
    r"(?:DO\b.*\bALTER\s+TABLE\b[^;]*)?\b(?:EN|DIS)ABLE\s+(?:\w+\s+)?TRIGGER"
    r"\s+(?:%I|\"RI_ConstraintTrigger_)",
    "some of the triggers of constraints switched on or off",
    "Switch all triggers of the table (DISABLE TRIGGER ALL), then those that fire on again.",
)
TOGETHER = Refused(
    "",
    "ADD CONSTRAINT beside another subcommand",
    "Write a statement for each; in one step, nobody sees the table without it.",
)


def findings(seen: Iterable[Observed], opened_on_citus: str) -> Iterator[Finding]:
    """What of the statements Citus does not take. opened_on_citus: as a Project has it."""
    for statement in seen:
        unsaid = [Refused("", each, UNSAID[Unsaid(each)]) for each in statement.unsaid or ()]
        for refused in (*refused_in(opened(statement.sql, opened_on_citus)), *unsaid):
            what = f"Citus does not take {refused.what}."
            place = statement.file, statement.line
            rule = RuleName.NOT_ON_CITUS
            yield Finding(*place, rule, Level.ERROR, what, WHY, refused.fix, MANUAL)


def refused_in(sql: str) -> Iterator[Refused]:
    """What of one statement Citus does not take."""
    text = bare(sql)
    yield from _of_the_whole(text)
    if BLOCK.match(text) and SWITCHED.met(without_comments(sql)):
        yield SWITCHED
    begin = ALTER.match(text)
    if not begin:
        return
    subcommands = [text[start:end] for start, end in parts(text, begin.end(), len(text))]
    for subcommand in subcommands:
        yield from (refused for refused in (*SUBCOMMANDS, SWITCHED) if refused.met(subcommand))
    if len(subcommands) > 1 and any(map(ADD_CONSTRAINT.match, subcommands)):
        yield TOGETHER


def _of_the_whole(text: str) -> Iterator[Refused]:
    asked = _without_questions_of_columns(text) if POLICY.match(text) else text
    for refused in STATEMENTS:
        if refused.met(asked if refused is ASKS else text):
            yield refused


def _without_questions_of_columns(text: str) -> str:
    """The text without IS NULL and the like of a column, and without the name of an argument that
    is one. In parentheses, and asked of what was asked, it is one still."""
    before = ""
    while text != before:
        before = text
        for question in (OF_A_COLUMN, GIVEN_A_COLUMN, ENCLOSED):
            text = question.sub(r" \g<column>", text)
    return text
