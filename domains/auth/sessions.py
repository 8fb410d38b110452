"""Sessions of admin users: a random token outside, its sha256 in the database."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from peewee import SQL, Value, fn

from domains import BillingError, operation
from domains.auth import origin
from domains.auth.limits import LoginLimits
from domains.auth.models import AdminUser, UserSession

TOKEN_BYTES = 32
SLIDE_SHARE = 0.1  # of the timeout: a session in use is written no more often


class SessionEnded(BillingError):
    """The token opens no session: unknown, expired, revoked, or its admin user is not active."""

    def __init__(self) -> None:
        super().__init__("The session has ended; log in again.")


def start(
    admin: AdminUser, limits: LoginLimits, *, ip: str | None = None, user_agent: str | None = None
) -> tuple[UserSession, str]:
    """A new session, and the token that opens it; the token is shown here and never again.

    An ip that is no address is left out, and whatever a user agent may not hold is replaced: both
    come from outside, and neither may keep anybody from logging in. In one transaction with the
    look at the admin user, or a session begins after whatever ended all of them.
    """
    token = secrets.token_urlsafe(TOKEN_BYTES)
    with operation(UserSession._meta.database):
        session = UserSession.create(
            admin_user=admin,
            token_hash=_digest(token),
            ip=origin.address(ip),
            user_agent=origin.program(user_agent),
            expires_at=_from_now(min(limits.timeout, limits.lifetime)),
        )
        return UserSession.get_by_id(session.id), token


def check(token: str, limits: LoginLimits) -> UserSession:
    """The session that the token opens, its admin user loaded; it now ends the timeout from now,
    but never later than the lifetime after its log-in.

    Raises SessionEnded.
    """
    last = UserSession.created_at + Value(limits.lifetime, converter=False)
    due = (UserSession.expires_at < _from_now(limits.timeout * (1 - SLIDE_SHARE))) & (
        UserSession.expires_at < last
    )
    session = (
        UserSession.select(UserSession, AdminUser, due.alias("due"))
        .join(AdminUser)
        .where(UserSession.token_hash == _digest(token), *_LIVE, last > fn.now())
        .where(AdminUser.is_active)
        .first()
    )
    if session is None:
        raise SessionEnded
    if session.due:
        end = fn.least(_from_now(limits.timeout), last)
        slid = UserSession.update(expires_at=end).where(UserSession.id == session.id)
        moved = slid.returning(UserSession.expires_at).execute()
        session.expires_at = next((row.expires_at for row in moved), session.expires_at)
    return session  # type: ignore[no-any-return]


def revoke(session: UserSession) -> bool:
    """End the session (whether it was still going on)."""
    return bool(_revoked(UserSession.id == session.id))


def revoke_all(admin: AdminUser) -> int:
    """End every session of the admin user (number ended)."""
    return _revoked(UserSession.admin_user == admin)


def _revoked(which: object) -> int:
    """Also what has expired: a clock that was ahead, and is put back, would let that go on."""
    ended = UserSession.update(revoked_at=fn.now()).where(which, UserSession.revoked_at.is_null())
    was_live = (UserSession.expires_at > fn.now()).alias("was_live")
    return sum(row.was_live for row in ended.returning(was_live).execute())


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def _from_now(span: timedelta) -> SQL:
    return SQL("now() + %s", [span])


_LIVE = (UserSession.revoked_at.is_null(), UserSession.expires_at > fn.now())
