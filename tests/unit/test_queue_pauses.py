"""How long a message waits for its next attempt."""

from __future__ import annotations

from domains.notifications.operations import (
    pause,
)


def test_pauses_double_up_to_the_longest() -> None:
    assert [pause(n) for n in range(1, 10)] == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]
