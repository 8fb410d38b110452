"""SQL that the rules of several domains are made of."""

from __future__ import annotations

# For the function of a rule that looks further than the row at hand, or writes elsewhere: it has
# the rights of its owner, so that whoever sets it off needs none on what it looks at, and row-level
# security hides nothing from it. Where not even its owner would see all rows (FORCE ROW LEVEL
# SECURITY), it fails instead of passing what it does not see. Nobody may call it; triggers do.
AS_OWNER = "SECURITY DEFINER SET row_security = off"
# Inside such a function: whether who set it off owns the trigger's table, or may become its owner.
BY_THE_OWNER = """pg_has_role(
        coalesce(nullif(current_setting('role'), 'none'), session_user)::name,
        (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'MEMBER')"""


def fixed(name: str, table: str, *columns: str) -> str:
    """The trigger that keeps these columns of a row as they were made."""
    arguments = ", ".join(f"'{column}'" for column in columns)
    return (
        f"CREATE TRIGGER {name}\n"
        f"BEFORE UPDATE OF {', '.join(columns)} ON {table}\n"
        f"FOR EACH ROW EXECUTE FUNCTION refuse_change_of_fixed_columns({arguments})"
    )


def touch(table: str, row: str) -> str:
    """The statement that locks a row for a rule's trigger: it writes the row as it is.

    row: its identity, as SQL. A lock alone holds a rule at READ COMMITTED only: under REPEATABLE
    READ a transaction with an older snapshot gets the lock afterwards and decides by rows of
    yesterday. What was written, if only as it was, gives that transaction a serialization failure
    (40001), which is tried again. A row that this transaction wrote already is not written again,
    or a batch of a hundred thousand would drag a hundred thousand versions of it along.
    """
    return (
        f"UPDATE {table} SET created_at = created_at\n"
        f"    WHERE id = {row} AND xmin <> pg_current_xact_id()::xid;"
    )


def of_acting(location: str) -> str:
    """The condition that a location is one for which the transaction acts. location: as SQL."""
    # In a sub-select PostgreSQL asks once a statement; the bare function, once a row.
    return f"{location} = ANY ((SELECT acting_branches())::bigint[])"


def acted_for(branch: str, what: str, row: str, *, table: str = "TG_TABLE_NAME") -> str:
    """The statement that a function which runs as the owner runs before it tells of a row that its
    caller may not see, or writes one: that is refused where it is of a branch for which the
    transaction does not act.

    branch: its location, row: its identity, both as SQL; null is no row. what: such as `customer`.
    table: what is written, as SQL; the table of a trigger by default.
    """
    return (
        f"IF ({branch} = ANY (acting_branches())) IS NOT TRUE AND {branch} IS NOT NULL THEN\n"
        f"        RAISE EXCEPTION '%: {what} % is of a branch that is not acted for',\n"
        f"            {table}, {row}\n"
        "            USING ERRCODE = 'insufficient_privilege';\n"
        "    END IF;"
    )
