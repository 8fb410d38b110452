"""What is dangerous about a statement by its text, or by what it opens to others."""

from __future__ import annotations

from dataclasses import replace

from engine.check.finding import Level, RuleName
from engine.check.rules import Rule

LOCK_TABLE = Rule(
    RuleName.LOCK_TABLE,
    Level.ERROR,
    False,
    "sql-lock.html",
    "LOCK TABLE keeps others from {table} until the file is committed ({lock} lock).",
    "All that comes after it in the file adds to their wait.",
    "Leave it out: each statement takes the lock that it needs.",
)
ALL_ROWS = Rule(
    RuleName.ALL_ROWS_AT_ONCE,
    Level.ERROR,
    True,
    "routine-vacuuming.html#VACUUM-FOR-SPACE-RECOVERY",
    "{name} without WHERE takes every row of {table} in one transaction.",
    "Each row stays locked until the end, and the table grows by all of them.",
    "Do it in parts, in a file that says `atomic = False`:\n{name} … WHERE id BETWEEN 1 AND 10000;",
)
SET_WITHOUT_LOCAL = Rule(
    RuleName.SET_WITHOUT_LOCAL,
    Level.ERROR,
    False,
    "sql-set.html",
    "SET {name} outlives the file: what runs after it has it, too.",
    "Behind a pooler that is somebody else's session.",
    "Write SET LOCAL {name} …, which ends with the transaction.",
)
IF_NOT_EXISTS = Rule(
    RuleName.IF_NOT_EXISTS,
    Level.ERROR,
    False,
    "sql-createtable.html",
    "IF NOT EXISTS passes over {name} where something of that name is there, whatever it is.",
    "The file then counts as applied, and the database has another definition.",
    "Leave IF NOT EXISTS out; where the database has it, adopt the file: that compares first.",
)
REACHES_OUTSIDE = Rule(
    RuleName.REACHES_OUTSIDE,
    Level.ERROR,
    False,
    "catalogs-overview.html",
    "{name} reaches outside of the database.",
    "It changes what belongs to the whole server, other databases too, and each database that has "
    "these files does it again.",
    "Let whoever runs the server do it beside the migrations, and only use here what is there.",
)
WITHOUT_PATH = Rule(
    RuleName.FUNCTION_WITHOUT_PATH,
    Level.WARNING,
    False,
    "sql-createfunction.html#SQL-CREATEFUNCTION-SECURITY",
    "{name} looks up its tables in the search_path of its caller.",
    "There a temporary table of the same name comes first, and decides for the caller.",
    "Write SET search_path FROM CURRENT before its body.",
)
DEFINER_WITHOUT_PATH = replace(WITHOUT_PATH, level=Level.ERROR)
OPEN_DEFINER = Rule(
    RuleName.OPEN_DEFINER,
    Level.ERROR,
    False,
    "sql-createfunction.html#SQL-CREATEFUNCTION-SECURITY",
    "everybody may call {name}, which runs with the rights of its owner.",
    "PostgreSQL gives EXECUTE on a new function to PUBLIC.",
    "Write after it: REVOKE EXECUTE ON FUNCTION {name} FROM PUBLIC; and grant it to who is to call "
    "it.",
)
GRANTED_TO_EVERYBODY = Rule(
    RuleName.GRANTED_TO_EVERYBODY,
    Level.WARNING,
    False,
    "ddl-priv.html",
    "{name} is granted to everybody who can connect, now and later.",
    "PUBLIC is every role of the whole server, those of other programs too.",
    "Grant it to the role that needs it.",
)
VIEW_PAST_POLICIES = Rule(
    RuleName.VIEW_PAST_POLICIES,
    Level.ERROR,
    False,
    "sql-createview.html#SQL-CREATEVIEW-SECURITY",
    "the view {name} shows rows that row-level security keeps from whoever asks it.",
    "It reads its tables with the rights of its owner, whom their policies do not hold.",
    "From PostgreSQL 15 on write CREATE VIEW {name} WITH (security_invoker) AS …; a materialized "
    "view keeps no rows apart: grant it to nobody who may not see all of them.",
)
BY_TEXT = (
    *(LOCK_TABLE, ALL_ROWS, SET_WITHOUT_LOCAL, IF_NOT_EXISTS, REACHES_OUTSIDE, WITHOUT_PATH),
    *(OPEN_DEFINER, GRANTED_TO_EVERYBODY, VIEW_PAST_POLICIES),
)
