"""Up, down and up again: each leg is held against the state that it has to lead to."""

from __future__ import annotations

import pytest

from engine.errors import EngineError
from engine.run.replay import Leg, round_trip


class Counter:
    """A state that goes up and down by steps; the leg named so fails."""

    def __init__(self, up: int, down: int, fails: int = 0) -> None:
        self.value, self.steps, self.gone, self.fails = 10, (up, down), 0, fails

    def up(self) -> None:
        self._go(self.steps[0])

    def down(self) -> None:
        self._go(-self.steps[1])

    def read(self) -> int:
        return self.value

    def _go(self, step: int) -> None:
        self.gone += 1
        if self.gone == self.fails:
            raise EngineError("it cannot be gone.")
        self.value += step


def test_a_way_that_leads_back_passes_each_leg() -> None:
    state = Counter(3, 3)
    passed = list(round_trip(state.up, state.down, state.read, 10, 13))
    assert [(leg.leg, leg.expected, leg.got) for leg in passed] == [
        (Leg.UP, 13, 13),
        (Leg.DOWN, 10, 10),
        (Leg.UP_AGAIN, 13, 13),
    ]


def test_the_first_way_up_says_what_the_second_one_has_to_lead_to() -> None:
    state = Counter(3, 2)
    passed = list(round_trip(state.up, state.down, state.read, 10))
    assert [(leg.expected, leg.got) for leg in passed] == [(13, 13), (10, 11), (13, 14)]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_after_a_leg_that_cannot_be_gone_there_is_none(number: int) -> None:
    state = Counter(3, 3, fails=number)
    passed = list(round_trip(state.up, state.down, state.read, 10, 13))
    assert [leg.leg for leg in passed] == list(Leg)[:number]
    assert [bool(leg.error) for leg in passed] == [False] * (number - 1) + [True]
    assert state.gone == number
