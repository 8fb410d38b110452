"""What reaches outside of the database in which it runs: roles, other databases, the server's
settings and files, replication. A scratch database beside one that is in use does not keep that in.
"""

from __future__ import annotations

import re

from engine.sql.lexer import Lexeme, pieces, value
from engine.sql.text_forms import bare, without_comments

# What belongs to the whole server, by the first words of a command. The manual: System Catalogs,
# those that are "shared across all databases of a cluster".
SHARED = re.compile(
    r"\s*(?P<what>(?:CREATE|ALTER|DROP)\s+"
    r"(?:ROLE|USER(?!\s+MAPPING)|GROUP|DATABASE|TABLESPACE|SUBSCRIPTION)|ALTER\s+SYSTEM"
    r"|REASSIGN\s+OWNED|DROP\s+OWNED|(?:COMMENT|SECURITY\s+LABEL)\b.*?\bON\s+"
    r"(?:ROLE|DATABASE|TABLESPACE|SUBSCRIPTION)"
    # not of a table that is called database
    r"|(?:GRANT|REVOKE)\b[^;]*?\bON\s+(?:DATABASE|TABLESPACE|PARAMETER)(?!\s*(?:,|TO\b|FROM\b)))\b",
    re.IGNORECASE | re.DOTALL,
)
ANYWHERE = re.compile(SHARED.pattern.replace(r"\s*", r"\b", 1), SHARED.flags)
MEMBERSHIP = re.compile(r"\s*(?P<what>GRANT|REVOKE)\b(?!.*\bON\b)", re.IGNORECASE | re.DOTALL)
# Of these no rollback takes anything back: the commands that PostgreSQL runs outside transactions,
# programs and files of the server, and functions that act on other sessions, files and servers.
NEVER_UNDONE = re.compile(
    r"\s*(?P<what>ALTER\s+SYSTEM|(?:CREATE|ALTER|DROP)\s+(?:DATABASE|TABLESPACE|SUBSCRIPTION)"
    r"|COPY\b.*\b(?:TO|FROM)\s+PROGRAM|COPY\b.*\bTO(?!\s+(?:STDOUT|PROGRAM)\b))\b",
    re.IGNORECASE | re.DOTALL,
)
# The names of such functions, as PostgreSQL's own regular expressions take them, too.
NAMES = (
    r"pg_(?:terminate|cancel)_backend|pg_reload_conf|pg_rotate_logfile|pg_promote"
    r"|pg_(?:create|copy)_(?:physical|logical)_replication_slot|pg_drop_replication_slot"
    r"|pg_replication_slot_advance|pg_sync_replication_slots|pg_replication_origin_\w+"
    r"|pg_switch_wal|pg_create_restore_point|pg_wal_replay_\w+|pg_(?:start|stop)_backup"
    r"|pg_backup_(?:start|stop)|pg_file_(?:write|unlink|rename|sync)|pg_stat_reset_shared"
    r"|lo_(?:export|import)|dblink\w*|http(?:_(?:get|post|put|patch|delete|head))?"
    r"|pg_background_launch|pg_stat_reset_(?:slru|replication_slot|subscription_stats)"
    r"|pg_stat_statements_reset|run_command_on_\w+|master_run_on_worker"
)
CALLS = re.compile(
    rf"\b(?P<what>{NAMES}|cron\s*\.\s*(?:schedule|unschedule|alter_job)\w*"
    r"|net\s*\.\s*http_\w+|aws_(?:s3|lambda)\s*\.\s*\w+)\"?\s*\(",
    re.IGNORECASE,
)
# Of what never_undone() says, what may lose something: it runs in another database or in a program,
# writes files of the server, or takes away what a replica has still to get.
ELSEWHERE = re.compile(
    r"DBLINK|HTTP|NET\b|AWS_|PG_BACKGROUND|RUN_COMMAND|MASTER_RUN|COPY\b|LO_EXPORT|PG_FILE_"
    r"|PG_DROP_REPLICATION_SLOT|PG_REPLICATION_SLOT_ADVANCE",
    re.IGNORECASE,
)
# The symbol of a function in C that does.
SYMBOL = re.compile(rf"(?:be_)?(?:{NAMES})", re.IGNORECASE)
SETS_SEQUENCES = re.compile(r"\bsetval\b", re.IGNORECASE)
# What runs a text as SQL that nobody knows before: put together by format(), chr() or a variable.
# EXECUTE is a right, too: GRANT EXECUTE ON …, has_function_privilege(…, 'EXECUTE'). U&"…" writes a
# name in numbers.
DYNAMIC = re.compile(
    r"(?:(?<!')\bEXECUTE\b|\bEXECUTE\b(?!'))(?!\s+(?:FUNCTION|PROCEDURE|ON)\b)"
    r"|\b(?:query_to_xml\w*|ts_stat|ts_rewrite|crosstab\w*|connectby)\s*\(|\bU&\"",
    re.IGNORECASE,
)
# One of these words, in small letters, has any text in which ELSEWHERE, SETS_SEQUENCES or DYNAMIC
# finds something; a word that one of them gets has to stand here, too.
TELLING = (
    *("setval", "execute", "_to_xml", "ts_stat", "ts_rewrite", "crosstab", "connectby", 'u&"'),
    *("copy", "dblink", "http", "aws_", "run_command", "run_on_worker", "lo_export", "pg_file_"),
    *("pg_background", "replication_slot"),
)
# pg_cron can be made in one database of a server only.
CRON = re.compile(r"\s*CREATE\s+EXTENSION\b.*\b(?P<what>pg_cron)\b", re.IGNORECASE | re.DOTALL)
# Of the server's files and programs, wherever it stands in a text.
COPIES = re.compile(
    r"\bCOPY\b[^;]*\b(?:(?:TO|FROM)\s+PROGRAM\b|TO\s+E?'+(?!\s*\|\|))", re.IGNORECASE
)
UNTRUSTED = re.compile(r"\bLANGUAGE\s+'?\w+u\b", re.IGNORECASE)
JOINED = re.compile(r"'\s*\|\|\s*E?'")
BLOCK = re.compile(r"\s*DO\b", re.IGNORECASE)
MAKES_A_ROUTINE = re.compile(
    r"\s*CREATE\s+(?:OR\s+REPLACE\s+)?(?:FUNCTION|PROCEDURE)\b", re.IGNORECASE
)


def reaches(statement: str) -> str:
    """What the statement does outside of its database, as SQL calls it; empty where its text says
    nothing of the kind. The body of a DO counts; that of a function is not run when it is made."""
    return never_undone(statement) or _first(statement, SHARED, MEMBERSHIP)


def never_undone(statement: str) -> str:
    """The same, of what a rollback does not take back."""
    if MAKES_A_ROUTINE.match(bare(statement)):
        return ""
    if said := _first(statement, NEVER_UNDONE, CRON):
        return said
    text = bare(statement)
    if BLOCK.match(text):
        if UNTRUSTED.search(statement):
            return "DO in an untrusted language"
        return body_reaches(" ".join(_literals(statement)))
    call = CALLS.search(text)
    return call["what"].lower() if call else ""


def acts_elsewhere(statement: str) -> str:
    """The same, of what may lose something outside of its database."""
    text = bare(statement)
    if BLOCK.match(text):
        if UNTRUSTED.search(statement):
            return "DO in an untrusted language"
        return texts_act_elsewhere(statement)
    said = _first(statement, NEVER_UNDONE)
    return said if ELSEWHERE.match(said) else _calls_elsewhere(text)


def body_acts_elsewhere(body: str) -> str:
    """The same, of the body of a block or routine, as body_reaches() reads it."""
    text = JOINED.sub("", without_comments(body))
    return _calls_elsewhere(text) or ("COPY … PROGRAM" if COPIES.search(text) else "")


def texts_act_elsewhere(statement: str) -> str:
    """The same, of what its literals say as SQL."""
    return body_acts_elsewhere(" ".join(_literals(statement)))


def sets_sequences(body: str) -> bool:
    """Whether the text, or a text in it, says that a sequence is set."""
    return SETS_SEQUENCES.search(JOINED.sub("", without_comments(body))) is not None


def is_plain(body: str) -> bool:
    """Whether nothing of all that can be in it, as one look at its words says."""
    small = body.lower()
    return not any(word in small for word in TELLING)


def _calls_elsewhere(text: str) -> str:
    for call in CALLS.finditer(text):
        if ELSEWHERE.match(call["what"]):
            return call["what"].lower()
    return ""


def has_body(statement: str) -> bool:
    """Whether a literal of the statement is code: it makes a routine, or is a DO."""
    text = bare(statement)
    return bool(MAKES_A_ROUTINE.match(text) or BLOCK.match(text))


def body_reaches(body: str) -> str:
    """What the body of a block or routine does of that kind, also in the texts that it executes:
    what stands in quotes counts, and so do texts that are put together of pieces."""
    text = JOINED.sub("", without_comments(body))
    call = CALLS.search(text)
    copy = COPIES.search(text)
    return call["what"].lower() if call else "COPY … PROGRAM" if copy else ""


def mentions_shared(body: str) -> bool:
    """Whether a command on what belongs to the whole server stands anywhere in the body of a block
    or routine, or in a text of it."""
    return ANYWHERE.search(without_comments(body)) is not None


def is_dynamic(body: str) -> bool:
    """Whether the body of a block or routine runs a text as SQL."""
    return DYNAMIC.search(without_comments(body)) is not None


def _first(statement: str, *patterns: re.Pattern[str]) -> str:
    text = bare(statement)
    for pattern in patterns:
        if match := pattern.match(text):
            return " ".join(match["what"].split()).upper()
    return ""


def _literals(statement: str) -> list[str]:
    """What its literals say."""
    said = []
    for piece in pieces(statement):
        if piece.lexeme is Lexeme.LITERAL:
            said.append(value(statement[piece.start : piece.end]))
    return said
