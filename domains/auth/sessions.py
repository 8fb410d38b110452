"""Sessions of admin users: a random token outside, its sha256 in the database."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from peewee import SQL, fn

from domains import BillingError, operation
from domains.auth.models import AdminUser, UserSession

TOKEN_BYTES = 32
SLIDE_SHARE = 0.1  # of the timeout: a session in use is written no more often


class SessionEnded(BillingError):
    """The token opens no session: unknown, expired, revoked, or its admin user is not active."""

    def __init__(self) -> None:
        super().__init__("The session has ended; log in again.")


def start(
    admin: AdminUser, timeout: timedelta, *, ip: str | None = None, user_agent: str | None = None
) -> tuple[UserSession, str]:
    """A new session, and the token that opens it; the token is shown here and never again.

    timeout: without use, to its end.
    """
    token = secrets.token_urlsafe(TOKEN_BYTES)
    with operation(UserSession._meta.database):
        session = UserSession.create(
            admin_user=admin,
            token_hash=_digest(token),
            ip=ip,
            user_agent=user_agent,
            expires_at=_from_now(timeout),
        )
        return UserSession.get_by_id(session.id), token


def check(token: str, timeout: timedelta) -> UserSession:
    """The session that the token opens, its admin user loaded; it now ends `timeout` from now.

    Raises SessionEnded.
    """
    due = UserSession.expires_at < _from_now(timeout * (1 - SLIDE_SHARE))
    session = (
        UserSession.select(UserSession, AdminUser, due.alias("due"))
        .join(AdminUser)
        .where(UserSession.token_hash == _digest(token), *_LIVE, AdminUser.is_active)
        .first()
    )
    if session is None:
        raise SessionEnded
    if session.due:
        slid = UserSession.update(expires_at=_from_now(timeout)).where(UserSession.id == session.id)
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
    query = UserSession.update(revoked_at=fn.now()).where(which, *_LIVE)
    return int(query.execute())


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def _from_now(span: timedelta) -> SQL:
    return SQL("now() + %s", [span])


_LIVE = (UserSession.revoked_at.is_null(), UserSession.expires_at > fn.now())
