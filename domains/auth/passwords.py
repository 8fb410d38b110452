"""Passwords of admin users: bcrypt, at a cost that may rise."""

from __future__ import annotations

import unicodedata

import bcrypt
from peewee import fn

from domains import BillingError, operation
from domains.auth import sessions
from domains.auth.models import AdminUser
from domains.auth.seeds import ADMIN_PASSWORD, ADMIN_PASSWORD_HASH

COST = 12
LONGEST_BYTES = 72  # bcrypt looks no further
SALT = "." * 22


class UnknownAdmin(BillingError):
    """There is no admin user of that name."""


class PasswordRefused(BillingError):
    """A password that may not be chosen; the message says why."""


def find_admin(username: str) -> AdminUser:
    """The admin user of that name, whatever its letter case. Raises UnknownAdmin."""
    found = AdminUser.get_or_none(fn.lower(AdminUser.username) == username.lower())
    if found is None:
        names = AdminUser.select(AdminUser.username).order_by(AdminUser.id).limit(10)
        known = ", ".join(admin.username for admin in names) or "none"
        raise UnknownAdmin(f"there is no admin user {username!r}; there are: {known}.")
    return found


def set_password(admin: AdminUser, password: str, *, least: int, must_change: bool = False) -> int:
    """Give the admin user a new password, unlock the account and end its sessions (number ended).

    least: characters that it must have. must_change: whether to ask for another at the next
    log-in, as where somebody else chose it. Raises PasswordRefused.
    """
    hashed = hash_password(password, least=least)
    with operation(AdminUser._meta.database):
        AdminUser.update(
            password_hash=hashed,
            must_change_password=must_change,
            failed_logins=0,
            locked_until=None,
        ).where(AdminUser.id == admin.id).execute()
        return sessions.revoke_all(admin)


def hash_password(password: str, *, least: int) -> str:
    """The bcrypt hash of a new password of `least` characters or more. Raises PasswordRefused."""
    text = _encoded(password)
    if len(password) < least:
        raise PasswordRefused(f"the password has {len(password)} characters; {least} is the least.")
    if len(text) > LONGEST_BYTES:
        raise PasswordRefused(
            f"the password has {len(text)} bytes; bcrypt looks at no more than {LONGEST_BYTES}: "
            "choose a shorter one."
        )
    if b"\0" in text:
        raise PasswordRefused("the password has a NUL character; leave it out.")
    if password == ADMIN_PASSWORD:
        raise PasswordRefused("that password is in the documentation; choose another one.")
    return bcrypt.hashpw(text, bcrypt.gensalt(COST)).decode()


def matches(password: str, hashed: str | None) -> bool:
    """Whether the password belongs to the hash; hashed: None where there is no such account.

    A refusal takes the same work whether there is an account or none, and however old its hash.
    """
    text = _encoded(password)
    usable = len(text) <= LONGEST_BYTES and b"\0" not in text
    text = text[:LONGEST_BYTES].replace(b"\0", b"?")
    right = bcrypt.checkpw(text, (hashed or _nobody(COST)).encode())
    if right and usable and hashed:
        return True
    for cost in range(cost_of(hashed) if hashed else COST, COST):
        bcrypt.checkpw(text, _nobody(cost).encode())
    return False


def cost_of(hashed: str) -> int:
    """The cost of a bcrypt hash: the binary logarithm of its rounds."""
    return int(hashed.split("$")[2])


def renewed(password: str, hashed: str) -> str:
    """The hash to store after a good log-in: a new one where the cost has risen.

    The seeded hash stays as it is, for by it the documented password is known.
    """
    if cost_of(hashed) >= COST or hashed == ADMIN_PASSWORD_HASH:
        return hashed
    return bcrypt.hashpw(_encoded(password), bcrypt.gensalt(COST)).decode()


def _encoded(password: str) -> bytes:
    """One spelling for what looks the same: keyboards differ in how they compose é."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "replace")


def _nobody(cost: int) -> str:
    """A hash that no password has."""
    return f"$2b${cost:02}${SALT}{'.' * 31}"
