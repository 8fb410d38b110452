"""The status machines as the domains declare them."""

from __future__ import annotations

import pytest

import registry
from kernel.status_machine import StatusMachine
from tests.support.project import ROOT

REGISTRY = registry.load()
MACHINES = [machine for domain in REGISTRY for machine in domain.machines]
NAMES = [machine.name for machine in MACHINES]
each_machine = pytest.mark.parametrize("machine", MACHINES, ids=NAMES)


def test_the_document_is_what_the_domains_declare() -> None:
    document = ROOT / "docs/status-machines.md"
    assert document.read_text(encoding="utf-8") == REGISTRY.status_document(), (
        'write it again: python -c "import registry; '
        "print(registry.load().status_document(), end='')\" > docs/status-machines.md"
    )


@each_machine
def test_every_status_can_be_reached(machine: StatusMachine) -> None:
    reached, new = set(machine.start), set(machine.start)
    while new:
        new = {after for before in new for after in machine.moves.get(before, set())} - reached
        reached |= new
    assert reached == set(machine.field.enum)
    assert not any(status in targets for status, targets in machine.moves.items())
