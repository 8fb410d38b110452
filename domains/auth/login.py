"""Log-in: one answer for every refusal, and no more guesses than the limits allow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from peewee import SQL, Case, fn

from domains import BillingError, operation
from domains.auth import addresses, origin, passwords, sessions
from domains.auth.limits import LoginLimits
from domains.auth.models import AdminUser, UserSession


class LoginRefused(BillingError):
    """The same words for an unknown user name, a wrong password, a locked or closed account."""

    def __init__(self) -> None:
        super().__init__("User name or password is wrong, or the account is locked for a while.")


class AttemptUncounted(BillingError):
    """A log-in inside a transaction: what a refusal rolls back would be no attempt."""

    def __init__(self) -> None:
        super().__init__(
            "log_in was called inside a transaction, in which an attempt that is refused counts "
            "for nothing: guesses would have no limit. Call it before the transaction begins."
        )


class SeededPassword(BillingError):
    """The documented password, in production."""

    def __init__(self, username: str) -> None:
        super().__init__(
            "The documented password opens no account in production; choose another one with: "
            f"invoke admin.password {username}"
        )


@dataclass(frozen=True)
class LogIn:
    """A good log-in. token: opens the session, and is shown here only."""

    admin: AdminUser
    session: UserSession
    token: str

    @property
    def must_change_password(self) -> bool:
        """Whether to let the user do nothing before passwords.set_password."""
        return bool(self.admin.must_change_password)


def log_in(
    username: str,
    password: str,
    limits: LoginLimits,
    *,
    ip: str | None = None,
    user_agent: str | None = None,
) -> LogIn:
    """Check the password and start a session.

    An attempt is counted as failed before the password is looked at, so that attempts side by side
    cannot be more than the limits allow. ip: where the attempt comes from; without it none is held
    to login_per_minute, and a lock holds wherever the user is known (domains.auth.addresses).
    Raises LoginRefused, SeededPassword, AttemptUncounted.
    """
    if AdminUser._meta.database.in_transaction():
        raise AttemptUncounted
    admin = _attempt(username, limits, origin.address(ip))
    cost = passwords.refusal_cost()
    while passwords.matches(password, admin and admin.password_hash, cost=cost):
        database = AdminUser._meta.database
        if passwords.is_documented(password) and database.is_production():
            raise SeededPassword(admin.username)
        hashed = passwords.renewed(password, admin.password_hash)
        # one transaction: a session that began after a new password or a deactivation, by which
        # all are ended, would go on
        with operation(database):
            entered = _enter(admin, hashed)
            if entered is not None:
                session, token = sessions.start(entered, limits, ip=ip, user_agent=user_agent)
                return LogIn(entered, session, token)
        # changed since: by log-in in another place that renewed the hash, or by a new password
        admin = AdminUser.get_or_none(AdminUser.id == admin.id, AdminUser.is_active)
    raise LoginRefused


def _attempt(username: str, limits: LoginLimits, address: str | None) -> Any:
    """Count an attempt: the admin user if the account may be tried, else None.

    Raises LoginRefused for an address that has none left, before the account is looked at: that
    tells nothing of the account, costs no bcrypt, and counts for no lock.
    """
    if not (username.isascii() and username.isprintable()):
        username = ""  # which nobody has
    if addresses.too_many(username, address, limits):
        raise LoginRefused
    # an account that may be tried and has an end of lock was locked, and is no more
    failures = Case(None, [(AdminUser.locked_until.is_null(False), 1)], AdminUser.failed_logins + 1)
    end = Case(None, [(failures >= limits.max_login_attempts, _from_now(limits))], None)
    counted = AdminUser.update(failed_logins=failures, locked_until=end).where(
        fn.lower(AdminUser.username) == username.lower(),
        AdminUser.is_active,
        AdminUser.locked_until.is_null() | (AdminUser.locked_until <= fn.now()),
    )
    tried = next(iter(counted.returning(AdminUser).execute()), None)
    return tried or addresses.known_here(username, address, limits)


def _enter(checked: AdminUser, hashed: str) -> Any:
    """Note the good log-in: the admin user, or None where it is not as it was when checked."""
    entered = AdminUser.update(
        failed_logins=0, locked_until=None, last_login_at=fn.now(), password_hash=hashed
    ).where(
        AdminUser.id == checked.id,
        AdminUser.password_hash == checked.password_hash,
        AdminUser.is_active,
    )
    return next(iter(entered.returning(AdminUser).execute()), None)


def _from_now(limits: LoginLimits) -> SQL:
    return SQL("now() + %s", [limits.lockout])
