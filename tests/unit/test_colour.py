"""What reaches a terminal."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.colour import _painted, harmless, harmless_json


@pytest.mark.parametrize(
    "order",
    [
        *("\x1b]0;title\x07", "\x1b[2J", "a\rb", "\x9b2J", "\u202egpj", "\x1b[8m", "\x1b[32m"),
        *("\u200fa", "\u2066a", "a\u2028b", "\ufeffa", "\u061ca", "\x7f", "\u200bb"),
    ],
)
def test_nothing_in_a_name_gives_orders_to_a_terminal(order: str) -> None:
    shown = harmless(order)
    assert shown != order
    assert not any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in shown)


def test_our_own_colours_and_lines_stay() -> None:
    text = f"a\tb\n{_painted('applied', 'applied')} Jalan Kué"
    assert harmless(text) == "a\tb\n\x1b[32mapplied\x1b[0m Jalan Kué"


@given(st.text(st.sampled_from('\x1b[3m\x9b\u202e\u200f\\"\n\x7f') | st.characters()))
def test_json_says_the_same_and_gives_no_orders(name: str) -> None:
    shown = harmless_json(json.dumps({name: [name]}, indent=2, ensure_ascii=False))
    assert json.loads(shown) == {name: [name]}
    assert harmless(shown) == shown
