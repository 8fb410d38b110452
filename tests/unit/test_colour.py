"""What reaches a terminal."""

from __future__ import annotations

import pytest

from commands.colour import _painted, harmless


@pytest.mark.parametrize(
    "order", ["\x1b]0;title\x07", "\x1b[2J", "a\rb", "\x9b2J", "\u202egpj", "\x1b[8m"]
)
def test_nothing_in_a_name_gives_orders_to_a_terminal(order: str) -> None:
    shown = harmless(order)
    assert shown != order
    assert not any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in shown)


def test_our_own_colours_and_lines_stay() -> None:
    text = f"a\tb\n{_painted('applied', 'applied')} Jalan Kué"
    assert harmless(text) == text
