"""Status machines: one readable table of moves, from which trigger and documentation come."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

REFUSE_MOVE = """
CREATE FUNCTION refuse_status_move() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    allowed text[] := TG_ARGV[1:];
    before text;
    after text := to_jsonb(NEW) ->> TG_ARGV[0];
BEGIN
    IF TG_OP = 'UPDATE' THEN
        before := to_jsonb(OLD) ->> TG_ARGV[0];
        IF before = after THEN
            RETURN NEW;
        END IF;
    END IF;
    IF NOT coalesce(before, '') || '>' || after = ANY (allowed) THEN
        RAISE EXCEPTION '%: the status % may not become %', TG_TABLE_NAME,
                coalesce(before, '(new)'), after
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = TG_ARGV[0],
                  CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END
$$
"""


@dataclass(frozen=True)
class StatusMachine:
    """Which status may follow which.

    field: the model's EnumField. start: what a new row may have. moves: for each status those that
    may follow it; one that is not listed is final.
    """

    field: Any
    start: Set[StrEnum]
    moves: Mapping[StrEnum, Set[StrEnum]]

    @property
    def table(self) -> str:
        """The table whose rows it governs."""
        return str(self.field.model._meta.table_name)

    @property
    def name(self) -> str:
        """Name of the trigger, by which a refusal is known: `payments_status_move`."""
        return f"{self.table}_{self.field.column_name}_move"

    @property
    def trigger(self) -> str:
        """The trigger that refuses every move that is not listed."""
        column = self.field.column_name
        pairs = [f">{status}" for status in self._ordered(self.start)]
        for status, targets in self.moves.items():
            pairs += [f"{status}>{target}" for target in self._ordered(targets)]
        arguments = ", ".join(f"'{text}'" for text in [column, *pairs])
        return (
            f"CREATE TRIGGER {self.name}\n"
            f'BEFORE INSERT OR UPDATE OF "{column}" ON "{self.table}"\n'
            f"FOR EACH ROW EXECUTE FUNCTION refuse_status_move({arguments})"
        )

    def described(self) -> str:
        """A Markdown table: every status, and what may follow it."""
        lines = ["| status | may become |", "|---|---|"]
        lines.append(f"| (new) | {', '.join(self._ordered(self.start))} |")
        for status in self.field.enum:
            targets = self._ordered(self.moves.get(status, set()))
            lines.append(f"| {status} | {', '.join(targets) or 'final'} |")
        return "\n".join(lines)

    def _ordered(self, statuses: Set[StrEnum]) -> list[str]:
        return [str(status) for status in self.field.enum if status in statuses]
