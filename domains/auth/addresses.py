"""Attempts counted by the address that they come from, beside those of an account."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from peewee import EXCLUDED, SQL, Case, Value, fn

from domains.auth import origin
from domains.auth.limits import LoginLimits
from domains.auth.models import AdminUser, LoginWindow, LoginWindowKind, UserSession

MINUTE = timedelta(minutes=1)


def too_many(address: str | None, limits: LoginLimits) -> bool:
    """Count an attempt from the address: whether it has made more than it may in a minute.

    It is refused before the account is looked at, so that it tells nothing of the account and
    counts for no lock.
    """
    if address is None:
        return False
    return _count(address, LoginWindowKind.MINUTE, MINUTE) > limits.login_per_minute


def known_here(username: str, address: str | None, limits: LoginLimits) -> Any:
    """The admin user whose account is locked, but who has logged in from this address before.

    Or anybody could keep the user `admin` out for ever by wrong passwords from elsewhere. Such an
    address has as many attempts, in as long a time, as an account that is not locked. None where
    there is no such admin user, or no attempt is left.
    """
    if address is None:
        return None
    here = fn.network_subeq(UserSession.ip, Value(origin.source(address)).cast("inet"))
    admin = (
        AdminUser.select(AdminUser)
        .join(UserSession)
        .where(fn.lower(AdminUser.username) == username.lower(), AdminUser.is_active)
        .where(AdminUser.locked_until > fn.now(), here)
        .first()
    )
    if admin is None:
        return None
    tried = _count(address, LoginWindowKind.LOCKOUT, limits.lockout)
    return admin if tried <= limits.max_login_attempts else None


def _count(address: str, kind: LoginWindowKind, span: timedelta) -> int:
    """Count an attempt: how many there are now in the span of time that is going on."""
    over = LoginWindow.begun_at <= SQL("now() - %s", [span])
    row = {"source": origin.source(address), "kind": kind, "begun_at": fn.now(), "attempts": 1}
    counted = LoginWindow.insert(row).on_conflict(
        conflict_target=[LoginWindow.source, LoginWindow.kind],
        update={
            LoginWindow.attempts: Case(None, [(over, 1)], LoginWindow.attempts + 1),
            LoginWindow.begun_at: Case(None, [(over, EXCLUDED.begun_at)], LoginWindow.begun_at),
        },
    )
    return int(next(iter(counted.returning(LoginWindow.attempts).execute())).attempts)
