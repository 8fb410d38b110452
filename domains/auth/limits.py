"""The limits of log-in; each is called like the setting that an operator changes."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import timedelta


@dataclass(frozen=True)
class LoginLimits:
    """What log-in and sessions are held to. Raises ValueError for a limit below 1.

    password_min_length: characters. max_login_attempts: failures in a row that lock an account.
    lockout_minutes: how long it stays locked. session_timeout_minutes: without use, to the end of
    a session. login_per_minute: attempts of an address. session_lifetime_hours: from log-in to the
    end of a session, however much it is used.
    """

    password_min_length: int = 8
    max_login_attempts: int = 5
    lockout_minutes: int = 15
    login_per_minute: int = 10
    session_timeout_minutes: int = 60
    session_lifetime_hours: int = 24

    def __post_init__(self) -> None:
        for limit in fields(self):
            if getattr(self, limit.name) < 1:
                raise ValueError(f"{limit.name} is {getattr(self, limit.name)}; 1 is the least")

    @property
    def lockout(self) -> timedelta:
        """How long a locked account stays locked."""
        return timedelta(minutes=self.lockout_minutes)

    @property
    def timeout(self) -> timedelta:
        """How long a session lasts without use."""
        return timedelta(minutes=self.session_timeout_minutes)

    @property
    def lifetime(self) -> timedelta:
        """How long a session lasts, however much it is used."""
        return timedelta(hours=self.session_lifetime_hours)
