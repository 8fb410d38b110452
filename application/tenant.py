"""One tenant's schema, for the length of a transaction.

The path is set for the transaction alone, and what a tenant has left in the session is taken away
with the end of the transaction, so a pooler in transaction mode may stand between, and nothing of
it reaches whoever has the session next. The names in these statements have to mean the
same under any search_path, so each has its schema.
"""

from __future__ import annotations

import shlex
import threading
from contextlib import ExitStack
from typing import Any

import peewee
import psycopg2
from psycopg2.extensions import TRANSACTION_STATUS_IDLE, TRANSACTION_STATUS_INERROR

from application import hygiene
from engine.connect.url import shown
from engine.errors import ConfigError, NoSuchTenant
from engine.schema.own_tables import HISTORY_TABLE
from engine.schema.quoting import LONGEST_NAME
from engine.schema.quoting import name as quoted
from engine.wording import one_line

# Whoever owns a schema, or the database, can put what it likes there, for the application to run by
# the names of our tables. So one leads nowhere unless it is of whoever asks, or of who may be the
# owner of the database, as a superuser may. {o}: the oid of a role.
TRUSTED = """(
    {o} OPERATOR(pg_catalog.=) 'pg_database_owner'::pg_catalog.regrole
    OR pg_catalog.pg_get_userbyid({o}) OPERATOR(pg_catalog.=) current_user
    OR pg_catalog.pg_has_role({o}, (
        SELECT datdba FROM pg_catalog.pg_database
        WHERE datname OPERATOR(pg_catalog.=) pg_catalog.current_database()), 'MEMBER'))
"""
# A tenant is a schema with a history. An extension may lie where another tenant's tables are, or in
# a schema of whoever may create one, and there no name shall lead (trust.EXTENSION_SCHEMAS has the
# same for the files); a role that may not use the schema would only find that no table is
# there.
PATH = f"""
    SELECT pg_catalog.set_config('search_path', pg_catalog.concat_ws(', ',
        pg_catalog.quote_ident(t.nspname),
        (SELECT pg_catalog.string_agg(DISTINCT pg_catalog.quote_ident(n.nspname), ', ')
         FROM pg_catalog.pg_extension e
         JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) e.extnamespace
         WHERE n.oid OPERATOR(pg_catalog.<>) t.oid
           AND n.nspname OPERATOR(pg_catalog.<>) 'pg_catalog'::pg_catalog.name
           AND (pg_catalog.pg_has_role(n.nspowner, t.nspowner, 'MEMBER')
                OR n.nspowner OPERATOR(pg_catalog.=) 'pg_database_owner'::pg_catalog.regrole
                OR n.nspowner OPERATOR(pg_catalog.=) (
                    SELECT datdba FROM pg_catalog.pg_database
                    WHERE datname OPERATOR(pg_catalog.=) pg_catalog.current_database()))
           AND NOT EXISTS (SELECT FROM pg_catalog.pg_class h
                           WHERE h.relnamespace OPERATOR(pg_catalog.=) n.oid AND h.relname
                                 OPERATOR(pg_catalog.=) '{HISTORY_TABLE}'::pg_catalog.name)),
        'pg_temp'), true), t.oid::bigint
    FROM pg_catalog.pg_namespace t
    JOIN pg_catalog.pg_class h ON h.relnamespace OPERATOR(pg_catalog.=) t.oid
    WHERE t.nspname OPERATOR(pg_catalog.=) %s::pg_catalog.name
      AND h.relname OPERATOR(pg_catalog.=) '{HISTORY_TABLE}'::pg_catalog.name
      AND h.relkind OPERATOR(pg_catalog.=) 'r'::pg_catalog."char"
      AND pg_catalog.has_schema_privilege(t.oid, 'USAGE')
      AND {TRUSTED.format(o="t.nspowner")}
      AND (h.relowner OPERATOR(pg_catalog.=) t.nspowner OR {TRUSTED.format(o="h.relowner")})
"""
STRANGER = f"""
    SELECT pg_catalog.pg_get_userbyid(nspowner)::pg_catalog.text FROM pg_catalog.pg_namespace
    WHERE nspname OPERATOR(pg_catalog.=) %s::pg_catalog.name
      AND NOT {TRUSTED.format(o="nspowner")}
"""
# A schema that is renamed keeps its name of before in the path of its functions: where another
# tenant has that name now, they work on its rows. Those of one's own name are most, and cost least.
ASTRAY = f"""
    SELECT n.nspname::pg_catalog.text
    FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) d.objid
    CROSS JOIN LATERAL pg_catalog.unnest(p.proconfig) path
    JOIN pg_catalog.pg_class h
      ON h.relname OPERATOR(pg_catalog.=) '{HISTORY_TABLE}'::pg_catalog.name
    JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) h.relnamespace
    WHERE d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass
      AND d.refobjid OPERATOR(pg_catalog.=) %s::pg_catalog.oid
      AND d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
      AND pg_catalog.starts_with(path, 'search_path=') AND NOT pg_catalog.starts_with(path,
          pg_catalog.concat('search_path=', pg_catalog.quote_ident(%s), ','))
      AND n.oid OPERATOR(pg_catalog.<>) d.refobjid
      AND pg_catalog.starts_with(pg_catalog.concat(path, ','),
          pg_catalog.concat('search_path=', pg_catalog.quote_ident(n.nspname), ','))
    LIMIT 1
"""
# It stands for a role's own schema in a search_path, even where it is quoted.
ONES_OWN = "$user"


class Tenancy:
    """Whose rows each thread of a pool works on. database: the pool."""

    def __init__(self, database: Any) -> None:
        self.database = database
        self._thread = threading.local()
        self._known: set[tuple[str, int]] = set()

    @property
    def name(self) -> str | None:
        """The tenant of this thread; None outside of any."""
        return getattr(self._thread, "name", None)

    def enter(self, name: str, stack: ExitStack) -> None:
        """Be that tenant's from here on, in one transaction. stack: ends it. Raises as
        EnginePool.tenant() says."""
        if self.database.in_transaction():
            raise ConfigError(
                f"tenant({name!r}) is inside a transaction that has begun already"
                + (f", of the tenant {self.name!r}." if self.name else "."),
                why="Which rows a transaction works on is settled at its beginning.",
                fix="let `with database.tenant(…):` be the outer one, and one tenant's end before "
                "another's begins.",
            )
        if not _can_be(
            name
        ):  # None would be no tenant's block, on whichever rows the path leads to
            raise self._unknown(name)
        self._thread.name = name
        stack.callback(setattr, self._thread, "name", None)
        stack.enter_context(self.database.atomic())

    def begun(self) -> None:
        """A transaction has begun; inside a block it is the tenant's, also one that follows a
        commit in its midst."""
        name = self.name
        if name is None:
            return
        row = self.database.execute_sql(PATH, (name,)).fetchone()
        if row is None:
            raise self._unknown(name)
        self._refuse_renamed(name, row[1])

    def _refuse_renamed(self, name: str, schema: int) -> None:
        """Raise ConfigError where functions of the schema work on another tenant's rows. A process
        asks once for each schema of a name: a rename makes it another one. schema: its oid."""
        if (name, schema) in self._known:
            return
        row = self.database.execute_sql(ASTRAY, (schema, name)).fetchone()
        if row:
            here, there = one_line(quoted(name)), one_line(quoted(row[0]))
            raise ConfigError(
                f"functions of the schema {here} work on the rows of {there}.",
                why="A schema that is renamed keeps its name of before in its functions, and "
                "another tenant has that name now.",
                fix="give both their names back (ALTER SCHEMA … RENAME TO …), or run what `invoke "
                f"check --live --tenant {shlex.quote(name)}` prints.",
            )
        self._known.add((name, schema))

    def refuse_ended(self) -> None:
        """Raise ConfigError where a statement of the block, a COMMIT say, has ended the transaction
        that was the tenant's: what follows would be about whichever rows the path leads to."""
        if self.name is None or not self.database.in_transaction():
            return
        if self.database.connection().info.transaction_status == TRANSACTION_STATUS_IDLE:
            raise ConfigError(
                f"a statement inside tenant({self.name!r}) has ended its transaction.",
                why="The tenant's rows are there in that transaction alone.",
                fix="leave COMMIT and ROLLBACK to `with database.tenant(…):`, and use "
                "`with database.atomic():` inside of it for a part that may fail.",
            )

    def committing(self) -> bool:
        """Before a COMMIT: take away what the tenant has left in the session. False where the
        transaction has failed; then it is undone by now, which is what COMMIT does."""
        if self.name is None or self.database.is_closed():
            return True
        if self.database.connection().info.transaction_status == TRANSACTION_STATUS_INERROR:
            return not self.rolled_back()
        with peewee.__exception_wrapper__:  # type: ignore[attr-defined]
            self.database.cursor().execute(hygiene.BEFORE_COMMIT)
        return True

    def rolled_back(self) -> bool:
        """Undo a tenant's transaction with what it has left in the session. False where it is none,
        or where that cannot be done in one message."""
        if self.name is None or self.database.is_closed():
            return False
        try:
            self.database.cursor().execute(hygiene.ROLLBACK)
        except psycopg2.Error:
            return False
        return True

    def _unknown(self, name: Any) -> NoSuchTenant:
        user = self.database.connection().info.user
        if owner := self._stranger(name):
            schema, role = one_line(quoted(name)), one_line(quoted(owner))
            return NoSuchTenant(
                f"the schema {schema} belongs to the role {owner}, so it counts as no tenant.",
                why=f"That role could have put anything there for {user} to run.",
                fix="if it is yours, let that role own the database, or be a member of the role "
                f"that does; else drop it: DROP SCHEMA {schema} CASCADE, as {role}.",
            )
        return NoSuchTenant(
            f"{shown(self.database.project.url)} has no tenant {name!r} whose schema {user} may "
            "use.",
            why="A tenant is a schema in which a migration was applied.",
            fix="correct the name; `invoke tenants` shows them all.",
        )

    def _stranger(self, name: Any) -> str:
        """Who owns the schema of that name, where nobody is to believe that role; else empty."""
        if not _can_be(name):
            return ""
        row = self.database.execute_sql(STRANGER, (name,)).fetchone()
        return str(row[0]) if row else ""


def _can_be(name: Any) -> bool:
    """Whether PostgreSQL could mean a schema of that very name by it."""
    if not isinstance(name, str):
        return False
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        return False
    return size <= LONGEST_NAME and "\0" not in name and name != ONES_OWN
