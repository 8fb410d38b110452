"""As whom the application acts: for a session's branches, or for all, transaction by transaction.

What a transaction acts for is set in it and ends with it, so a pooler in transaction mode may stand
between. Where branches are on, the database believes it only with a proof that is made here, of the
key in BILLING_BRANCH_KEY and of what the server tells of the transaction: a statement that somebody
has slipped into one of the application's cannot act for another branch.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import secrets
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import peewee
from psycopg2 import errors

from domains.auth.sessions import SessionEnded
from engine.errors import ConfigError

SETTING = "BILLING_BRANCH_KEY"
FORM = re.compile(r"[0-9a-f]{64}")
# The moment in which the transaction began, which no other one of this session has. At last whether
# policies let every row pass, as on Citus; customers stand for all tables. pg_get_expr() would tell
# as well, but 18 waits in it for whoever has locked the table, and each transaction would with it.
ASK = """
    SELECT f.oid IS NOT NULL, pg_catalog.pg_backend_pid(),
           EXTRACT(epoch FROM pg_catalog.now())::pg_catalog.text,
           pg_catalog.has_function_privilege(f.oid, 'EXECUTE'),
           EXISTS (SELECT FROM pg_catalog.pg_policy p
                   WHERE p.polrelid OPERATOR(pg_catalog.=) pg_catalog.to_regclass('customers')
                     AND p.polname OPERATOR(pg_catalog.=) 'customers_branch'::pg_catalog.name
                     AND pg_catalog.starts_with(p.polqual::pg_catalog.text, '{CONST'))
    FROM pg_catalog.to_regprocedure('begin_acting(bigint,text)') f (oid)
"""
SEES_ALL = "SELECT acting_branches() IS NOT NULL"
BEGIN = "SELECT begin_acting(%s, %s)"
ARE_ALL = "SELECT %s::bigint[] @> ARRAY(SELECT id FROM locations)"
END = "SELECT pg_catalog.set_config('billing.acting', '', true)"


@dataclass(frozen=True)
class Actor:
    """session: the identity of a user's session; None for the application itself, which acts for
    all branches."""

    session: int | None

    def __str__(self) -> str:
        return "all branches" if self.session is None else f"the session {self.session}"


class Acting:
    """As whom each thread of a pool acts. database: the pool."""

    def __init__(self, database: Any) -> None:
        self.database = database
        self._thread = threading.local()

    @property
    def actor(self) -> Actor | None:
        """Of this thread; None where it acts for none."""
        return getattr(self._thread, "actor", None)

    def enter_session(self, identity: int, stack: ExitStack) -> None:
        """Act for the branches of that session from here on, in one transaction or a part of one.
        stack: ends it."""
        self._be(Actor(identity), stack)
        stack.enter_context(self.database.atomic())

    def enter_all(self, reason: str, stack: ExitStack) -> None:
        """Act for all branches from here on, in each transaction and each statement that stands
        alone. stack: ends it."""
        if not reason.strip():
            raise ConfigError(
                "acting_for_all() was given no reason.", fix="say what is done for all branches."
            )
        logging.getLogger(__name__).info("acting for all branches: %s", reason)
        self._be(Actor(None), stack)

    def _be(self, actor: Actor, stack: ExitStack) -> None:
        before = self.actor
        if before == actor:
            return
        if before is not None:
            raise ConfigError(
                f"this thread acts for {before} already, and cannot act for {actor} meanwhile.",
                why="What was read for one would be written for the other.",
                fix="let one block end before the other begins.",
            )
        inside = self.database.in_transaction()
        self._thread.actor = actor
        stack.callback(setattr, self._thread, "actor", None)
        if inside:
            # taken back with this part of the transaction where that fails
            stack.enter_context(self.database.atomic())
            self.begun()
            stack.push(self._end)

    def _end(self, kind: object, *error: object) -> None:
        """Act for nobody any more in the transaction that goes on after the block."""
        if kind is None:
            self._run(END)

    def begun(self) -> None:
        """A transaction has begun: let it be the actor's, also one that follows a commit in its
        midst."""
        if self.actor is not None:
            self._begin(self.actor)

    def _begin(self, actor: Actor) -> None:
        is_there, process, moment, may_act, is_open = self._run(ASK)
        if not is_there:
            if actor.session is None:
                return
            raise ConfigError(
                "the database knows nothing of branches.",
                fix="apply the migrations (`invoke migrate`).",
            )
        # a role that only reads need not act, where it sees all rows as it is
        if actor.session is None and not may_act and self._run(SEES_ALL)[0]:
            return
        try:
            schema = self.database.schema_of_tables()
            shown = proof(actor.session, schema, process, moment, own_key())
            (branches,) = self._run(BEGIN, (actor.session, shown))
        except peewee.PeeweeException as error:
            raise _explained(error, actor) from error
        if is_open and actor.session is not None and not self._run(ARE_ALL, (branches,))[0]:
            raise ConfigError(
                f"the database cannot keep to the branches of {actor}: its policies let every row "
                "pass.",
                why="So they are on Citus, which takes no policy that looks a branch up.",
                fix="keep a provider with several branches on PostgreSQL alone (docs/citus.md).",
            )

    def _run(self, query: str, parameters: Any = None) -> Any:
        """The first row. Not by execute_sql, which would begin a transaction for it."""
        with peewee.__exception_wrapper__:  # type: ignore[attr-defined]
            cursor = self.database.cursor()
            cursor.execute(query, parameters)
            return cursor.fetchone()


def proof(session: int | None, schema: str, process: int, moment: str, key: str) -> str:
    """What shows that this application acts for the session in that transaction, on the tables of
    that schema: twice hashed, as domains/locations/rules_branches.py reads it. Empty where the
    application has no key."""
    if not key:
        return ""
    said = f"act {schema} {process} {moment} {'*' if session is None else session}"
    inner = hashlib.sha256(f"{key}{said}".encode()).digest()
    return hashlib.sha256(key.encode() + inner).hexdigest()


def new_key() -> str:
    """A random key in the form that BILLING_BRANCH_KEY takes."""
    return secrets.token_hex(32)


def own_key() -> str:
    """The key of this process, or empty. Raises ConfigError for what cannot be one."""
    key = os.environ.get(SETTING, "").strip()
    if key and not FORM.fullmatch(key):
        raise ConfigError(
            f"{SETTING} is no key: that has 64 digits, 0 to 9 and a to f.",
            fix="take the line that `invoke branches.key` prints.",
        )
    return key


def _explained(error: Exception, actor: Actor) -> Exception:
    cause = error.__context__  # Peewee's errors have the driver's there
    if isinstance(cause, errors.InvalidAuthorizationSpecification):
        return SessionEnded()
    if isinstance(cause, errors.InsufficientPrivilege):
        return ConfigError(
            f"the database does not let this application act for {actor}: "
            f"{cause.diag.message_primary}.",
            why="Branches are on there, and it believes nobody without the key.",
            fix=f"set {SETTING} to the key that the database has (`invoke branches.on` gave it "
            "that), and connect as the role of the application.",
        )
    return error
