"""The database functions that all domains share; no single domain owns them."""

from __future__ import annotations

from typing import Any

from peewee import Model

from kernel.models import is_generated
from kernel.status_machine import REFUSE_MOVE

SET_UPDATED_AT = """
CREATE FUNCTION set_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$
"""
# Whatever its trigger's event and WHEN let through is refused; the argument says why.
REFUSE_CHANGE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%: % is refused: %', TG_TABLE_NAME, TG_OP, TG_ARGV[0]
        USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
END
$$
"""
REFUSE_CHANGE_OF_FIXED_COLUMNS = """
CREATE FUNCTION refuse_change_of_fixed_columns() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    fixed text;
BEGIN
    FOREACH fixed IN ARRAY TG_ARGV LOOP
        IF to_jsonb(OLD) -> fixed IS DISTINCT FROM to_jsonb(NEW) -> fixed THEN
            RAISE EXCEPTION '%: % of row % is fixed once it is made', TG_TABLE_NAME, fixed, OLD.id
                USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME, COLUMN = fixed,
                      CONSTRAINT = TG_NAME, HINT = 'Make a new row, and retire this one.';
        END IF;
    END LOOP;
    RETURN NEW;
END
$$
"""
UPDATED_AT = """
CREATE TRIGGER "{table}_updated_at" BEFORE UPDATE ON "{table}"
FOR EACH ROW WHEN ({changed}) EXECUTE FUNCTION set_updated_at()
"""
# plpgsql: its body is read when it runs, so it neither needs the tables yet nor holds them fast
NOTICE = """
CREATE FUNCTION notice_{name}() RETURNS SETOF text LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY {query};
END
$$
"""


def updated_at_trigger(model: type[Model]) -> str:
    """The trigger that keeps a model's `updated_at`."""
    return UPDATED_AT.format(table=model._meta.table_name, changed=_row_is_new(model))


def notice_function(name: str, query: str) -> str:
    """The function that gives what an operator must be told."""
    return NOTICE.format(name=name, query=query)


def _row_is_new(model: type[Model]) -> str:
    """The condition, in a trigger before UPDATE, that the row really changes.

    PostgreSQL refuses `OLD.* IS DISTINCT FROM NEW.*` where a column is generated: "BEFORE trigger's
    WHEN condition cannot reference NEW generated columns" (they are computed after the trigger), so
    such a table names its other columns.
    """
    fields = model._meta.sorted_fields
    if not any(is_generated(field) for field in fields):
        return "OLD.* IS DISTINCT FROM NEW.*"
    columns = [f'"{field.column_name}"' for field in fields if not is_generated(field)]
    old = ", ".join(f"OLD.{column}" for column in columns)
    new = ", ".join(f"NEW.{column}" for column in columns)
    return f"ROW({old}) IS DISTINCT FROM ROW({new})"


def register(domain: Any) -> None:
    """Register what no single domain owns; the registry calls this before every other domain."""
    domain.extension("uuid-ossp", optional=True)
    # As what an application connects, and who only reads for reports.
    domain.role("app", "report")
    domain.sql(SET_UPDATED_AT, REFUSE_MOVE, REFUSE_CHANGE, REFUSE_CHANGE_OF_FIXED_COLUMNS)
