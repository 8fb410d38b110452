"""The database functions that all domains share; no single domain owns them."""

from __future__ import annotations

from typing import Any

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


def register(domain: Any) -> None:
    """Register what no single domain owns; the registry calls this before every other domain."""
    domain.extension("uuid-ossp", optional=True)
    domain.sql(SET_UPDATED_AT, REFUSE_MOVE, REFUSE_CHANGE)
