"""Status machines: one readable table of moves, from which trigger and documentation come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from kernel.arguments import shown
from kernel.fields import EnumField

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


def machine_slips(machine: object) -> Iterator[tuple[str, str]]:
    """(what, fix) of what cannot be meant: such a trigger would refuse each INSERT, or nothing."""
    if not isinstance(machine, StatusMachine):
        yield (
            f"domain.status takes status machines, not {shown(machine)}",
            "write domain.status(statuses.INVOICES), with INVOICES = StatusMachine(…)",
        )
        return
    field = machine.field
    if not isinstance(field, EnumField) or not getattr(field, "model", None) or field.enum_slip():
        yield (
            f"a status machine has {shown(field)} for its field, which is no EnumField of a model",
            "write StatusMachine(Invoice.status, …)",
        )
        return
    name = f"the status machine of {field.model.__name__}.{field.name}"
    if not isinstance(machine.start, Set) or not machine.start:
        yield f"{name} starts nowhere", "give start a set: {Status.DRAFT}"
        return
    if not isinstance(machine.moves, Mapping):
        yield f"{name} has no table of moves", "give moves a dict: {Status.DRAFT: {Status.OPEN}}"
        return
    yield from _status_slips(machine, name)


def _status_slips(machine: StatusMachine, name: str) -> Iterator[tuple[str, str]]:
    statuses: set[object] = set(machine.start) | set(machine.moves)
    for status, targets in machine.moves.items():
        if isinstance(targets, Set):
            statuses |= set(targets)
        else:
            yield f"{name} has no set of moves from {status}", "write {Status.DRAFT: {Status.OPEN}}"
    for word in sorted(str(status) for status in statuses - set(machine.field.enum)):
        yield (
            f"{name} knows {word}, which {machine.field.enum.__name__} does not have",
            f"name one of {', '.join(machine.field.enum)}",
        )
    default = machine.field.default
    if default is not None and not callable(default) and default not in machine.start:
        yield (
            f"{name} does not start with {default}, the default: each INSERT without a status "
            "would be refused",
            f"add it to start, or change the default (start is "
            f"{', '.join(str(status) for status in machine.start)})",
        )
