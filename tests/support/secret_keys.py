"""Two keys for secrets, and how a test says which ones there are."""

from __future__ import annotations

from collections.abc import Callable

from kernel import secrets

OLD, NEW = secrets.new_key(), secrets.new_key()

Keys = Callable[..., None]


def key_id(keys: Keys, key: str) -> str:
    """The identity of a key, which is then the only one. keys: the fixture of that name."""
    keys(key)
    return secrets.current_key_id().hex()
