"""How a pool behaves, as the environment or the caller says."""

from __future__ import annotations

import os
from dataclasses import dataclass

from engine.errors import ConfigError


@dataclass(frozen=True)
class PoolSettings:
    """How a pool behaves.

    size: connections at the most (DB_POOL_SIZE). timeout: seconds that a thread waits for one
    (DB_POOL_TIMEOUT). recycle: seconds after which one is closed instead of used again
    (DB_POOL_RECYCLE); 0 for never.
    """

    size: int = 10
    timeout: float = 30.0
    recycle: float = 1800.0

    @classmethod
    def chosen(
        cls, size: int | None = None, timeout: float | None = None, recycle: float | None = None
    ) -> PoolSettings:
        """What was passed, else what the environment says, else the defaults.

        Raises ConfigError for a number that cannot be used.
        """
        said: float | str | None = os.environ.get("DB_POOL_SIZE") if size is None else size
        connections = _number("DB_POOL_SIZE", said, cls.size, least=1, whole=True)
        said = os.environ.get("DB_POOL_TIMEOUT") if timeout is None else timeout
        wait = _number("DB_POOL_TIMEOUT", said, cls.timeout)
        said = os.environ.get("DB_POOL_RECYCLE") if recycle is None else recycle
        return cls(int(connections), wait, _number("DB_POOL_RECYCLE", said, cls.recycle))


def _number(
    setting: str,
    said: float | str | None,
    default: float,
    *,
    least: float = 0,
    whole: bool = False,
) -> float:
    try:
        number = default if said in (None, "") else float(said or 0)
    except ValueError:
        number = -1
    if not least <= number < 1e9 or (whole and number != int(number)):
        kind = "a whole number" if whole else "a number of seconds"
        raise ConfigError(
            f"{setting} is {said!r}; it must be {kind}, {least:g} or more.",
            fix=f"write {setting}={default:g}, or leave it out: that is the default.",
        )
    return number
