"""A voucher's code: hard to guess, easy to read."""

from __future__ import annotations

import math
from collections import Counter

from domains.mikrotik import codes


def test_a_code_is_hard_to_guess_and_easy_to_read() -> None:
    assert codes.LENGTH * math.log2(len(codes.ALPHABET)) >= 50
    assert len(set(codes.ALPHABET)) == len(codes.ALPHABET)
    assert not any(set(twins) <= set(codes.ALPHABET) for twins in ("0O", "1I", "1L", "2Z", "5S"))
    assert not set("0O1IL") & set(codes.ALPHABET)
    many = codes.new_codes(5_000)
    assert many == sorted(set(many))
    for place in zip(*many, strict=True):
        # each sign is expected 208 times in each place; 100 is seven deviations away
        counts = Counter(place)
        assert set(counts) == set(codes.ALPHABET)
        assert min(counts.values()) > 100
