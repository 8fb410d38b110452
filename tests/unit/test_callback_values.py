"""Whatever a provider sends can be kept, in a bounded form."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domains.payments.callback_values import (
    MOST_PAYLOAD,
    CallbackRefused,
    amount_of,
    key_text,
    provider_name,
    storable,
)

TEXTS, BYTES = st.text(max_size=5), st.binary(max_size=5)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | BYTES
PAYLOADS = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("value", "rupiah"),
    [
        (150_000, 150_000),
        ("150000", 150_000),
        ("150000.00", 150_000),
        (" 150000 ", 150_000),
        (150_000.0, 150_000),
        (Decimal("150000.0"), 150_000),
        ("1.5E5", 150_000),
        (0, 0),
        *((value, None) for value in (150_000.5, "150000.75", "x", "", None, True, -1, 10**20)),
        *((value, None) for value in ("NaN", "Infinity", float("nan"), float("inf"), [], "1e999")),
    ],
)
def test_an_amount_is_whole_rupiah_or_not_known(value: Any, rupiah: int | None) -> None:
    assert amount_of(value) == rupiah


@given(PAYLOADS)
def test_a_payload_is_json_that_postgresql_can_hold(payload: Any) -> None:
    text = json.dumps(storable(payload), allow_nan=False)
    assert "\\u0000" not in text
    assert len(text) <= 6 * MOST_PAYLOAD


@pytest.mark.parametrize(
    "payload",
    [b"\xff" * 10**6, "a" * 10**7, {"a": "b\0"}, "\ud800", 10**4000, [9e-22] * 6000, [1e21] * 6000],
    ids=["bytes", "long", "NUL", "surrogate", "number", "small numbers", "large numbers"],
)
def test_what_json_cannot_hold_is_shown_and_bounded(payload: Any) -> None:
    kept = storable(payload)
    assert set(kept) == {"unreadable", "characters", "sha256"}
    assert len(json.dumps(kept)) <= MOST_PAYLOAD


def test_a_payload_nested_too_deep_is_shown() -> None:
    deep: list[Any] = []
    for _ in range(20_000):
        deep = [deep]
    assert "sha256" in storable(deep)


@given(st.text() | st.binary() | st.integers())
def test_a_key_is_one_line_that_an_index_can_hold(value: Any) -> None:
    key = key_text(value)
    assert key.isascii() and key.isprintable() and 0 < len(key) <= 200
    assert key_text(key) == key


def test_keys_that_differ_stay_apart() -> None:
    long = ["a" * 10_000, "a" * 10_000 + "b", "\0", "\x01", "\ud800", ""]
    assert len({key_text(value) for value in long}) == len(long)


@pytest.mark.parametrize("name", ["", " ", "du itku", "9", "a" * 64, None, 5, "duitku\0"])
def test_a_provider_has_a_plugins_name(name: Any) -> None:
    assert provider_name(" Duitku ") == "duitku"
    with pytest.raises(CallbackRefused):
        provider_name(name)
