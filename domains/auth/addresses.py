"""Attempts to log in by the address that they come from, beside those of an account.

An address has so many attempts in a minute, at whatever accounts. And the lock of an account holds
for addresses from which its user has not logged in before: a known one has attempts of its own, as
many as an account has. Or anybody could keep `admin` out for ever by wrong passwords from
elsewhere. What that costs: while such an attack goes on, a user at a new address waits for the end
of the lock, or is let in by `invoke admin.password`; sessions go on all the while.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Protocol

from peewee import Value, fn

from domains.auth import origin
from domains.auth.limits import LoginLimits
from domains.auth.models import AdminUser, UserSession

MINUTE = timedelta(minutes=1)


class Record(Protocol):
    """Where attempts are written down."""

    def note(self, address: str, account: int | None) -> None:
        """An attempt at that admin user, or at a name that nobody has."""

    def count(
        self, network: str, span: timedelta, account: int | None = None, since: Any = None
    ) -> int:
        """The attempts from the network in the last `span`: all, or those at that admin user; not
        those up to `since`."""


_record: Record | None = None


def keep_in(record: Record) -> None:
    """Count attempts there. The domain that keeps the log of activities calls this when it is
    registered; without it no attempt is counted by its address."""
    global _record
    _record = record


def too_many(username: str, address: str | None, limits: LoginLimits) -> bool:
    """Write an attempt down: whether its address has made more of them than it may in a minute.

    Each is written before it is counted, so that attempts side by side are no more than the limit;
    those beyond it are not, so that nobody fills the log.
    """
    if address is None or _record is None:
        return False
    network = origin.network(address)
    if _record.count(network, MINUTE) >= limits.login_per_minute:
        return True
    account = AdminUser.select(AdminUser.id).where(_named(username)).scalar()
    _record.note(address, account)
    return _record.count(network, MINUTE) > limits.login_per_minute


def known_here(username: str, address: str | None, limits: LoginLimits) -> Any:
    """The admin user of a locked account who has logged in from this address before, and has
    attempts left there; else None."""
    if address is None or _record is None:
        return None
    network = origin.network(address)
    admin = (
        AdminUser.select(AdminUser, fn.max(UserSession.created_at).alias("entered"))
        .join(UserSession)
        .where(_named(username), AdminUser.is_active, AdminUser.locked_until > fn.now())
        .where(fn.network_subeq(UserSession.ip, Value(network).cast("inet")))
        .group_by(AdminUser.id)
        .first()
    )
    if admin is None:
        return None
    entered: datetime = admin.entered
    tried = _record.count(network, limits.lockout, admin.id, entered)
    return admin if tried <= limits.max_login_attempts else None


def _named(username: str) -> Any:
    return fn.lower(AdminUser.username) == username.lower()
