"""Voucher codes: short enough to type, too many to guess."""

from __future__ import annotations

import math
import secrets

# Without what is taken for something else when read from paper: 0 O, 1 I L, 2 Z, 5 S, 8 B, U V.
ALPHABET = "34679ACDEFGHJKMNPQRTUWXY"
BITS = 50
LENGTH = math.ceil(BITS / math.log2(len(ALPHABET)))
RANDOM = secrets.SystemRandom()


def new_codes(count: int, prefix: str = "") -> list[str]:
    """So many different random codes of BITS bits each, behind the prefix, in their own order."""
    codes: set[str] = set()
    while len(codes) < count:
        codes.add(prefix + "".join(RANDOM.choices(ALPHABET, k=LENGTH)))
    return sorted(codes)
