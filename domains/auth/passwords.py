"""Passwords of admin users: bcrypt, at a cost that may rise."""

from __future__ import annotations

import unicodedata

import bcrypt
from peewee import fn

from domains import BillingError, operation
from domains.auth import sessions
from domains.auth.common_passwords import is_common
from domains.auth.models import AdminUser
from domains.auth.seeds import ADMIN_PASSWORD, ADMIN_PASSWORD_HASH

COST = 12
LONGEST_BYTES = 72  # bcrypt looks no further
# Looked at before anything else, for the work of normalisation grows with the square of the number
# of combining characters: 320 kB of them took 38 s. NFC makes one character of four at the most,
# and that one has two bytes or more, so that whatever has more than this does not fit in 72 bytes.
LONGEST_TYPED = 256
SALT = "." * 22


class UnknownAdmin(BillingError):
    """There is no admin user of that name."""


class PasswordRefused(BillingError):
    """A password that may not be chosen; the message says why."""


def find_admin(username: str) -> AdminUser:
    """The admin user of that name, whatever its letter case. Raises UnknownAdmin."""
    user = AdminUser.get_or_none(fn.lower(AdminUser.username) == username.lower())
    if user is None:
        names = [admin.username for admin in AdminUser.select().order_by(AdminUser.id).limit(11)]
        known = ", ".join([*names[:10], *(["…"] if names[10:] else [])]) or "none"
        raise UnknownAdmin(f"there is no admin user {username!r}; there are: {known}.")
    return user


def set_password(admin: AdminUser, password: str, *, least: int, must_change: bool = False) -> int:
    """Give the admin user a new password, unlock the account and end its sessions (number ended).

    least: characters that it must have. must_change: whether to ask for another at the next
    log-in, as where somebody else chose it. Raises PasswordRefused.
    """
    hashed = hash_password(password, least=least, username=admin.username)
    with operation(AdminUser._meta.database):
        AdminUser.update(
            password_hash=hashed,
            must_change_password=must_change,
            failed_logins=0,
            locked_until=None,
        ).where(AdminUser.id == admin.id).execute()
        return sessions.revoke_all(admin)


def hash_password(password: str, *, least: int, username: str = "") -> str:
    """The bcrypt hash of a new password of `least` characters or more. Raises PasswordRefused.

    username: of whoever will log in with it; it is no password for itself.
    """
    if len(password) > LONGEST_TYPED:
        raise PasswordRefused(
            f"the password has {len(password)} characters; bcrypt looks at no more than "
            f"{LONGEST_BYTES} bytes: choose a shorter one."
        )
    spelt = _spelt(password)
    text = spelt.encode("utf-8", "replace")
    if len(spelt) < least:
        raise PasswordRefused(f"the password has {len(spelt)} characters; {least} is the least.")
    if len(text) > LONGEST_BYTES:
        raise PasswordRefused(
            f"the password has {len(text)} bytes; bcrypt looks at no more than {LONGEST_BYTES}: "
            "choose a shorter one."
        )
    if "\0" in spelt:
        raise PasswordRefused("the password has a NUL character; leave it out.")
    if _is_broken(spelt):
        raise PasswordRefused("the password has half a character (a lone surrogate); leave it out.")
    if is_documented(password):
        raise PasswordRefused("that password is in the documentation; choose another one.")
    if is_common(spelt) or spelt.casefold() == username.casefold():
        raise PasswordRefused(
            "that password is one of the first that are guessed; choose another one, for example "
            "of four words that have nothing to do with each other."
        )
    return bcrypt.hashpw(text, bcrypt.gensalt(COST)).decode()


def is_documented(password: str) -> bool:
    """Whether it is the seeded password, which everybody can read in the documentation.

    By the password itself: another salt, cost or prefix gives it any number of hashes.
    """
    return password == ADMIN_PASSWORD


def matches(password: str, hashed: str | None, *, cost: int) -> bool:
    """Whether the password belongs to the hash; hashed: None where there is no such account.

    cost: what a refusal costs, whether there is an account or none, and whatever the cost of its
    hash; see refusal_cost.
    """
    spelt = _spelt(password[:LONGEST_TYPED])
    text = spelt.encode("utf-8", "replace")
    usable = len(password) <= LONGEST_TYPED and len(text) <= LONGEST_BYTES
    usable = usable and "\0" not in spelt and not _is_broken(spelt)
    text = text[:LONGEST_BYTES].replace(b"\0", b"?")
    right = bcrypt.checkpw(text, (hashed or _nobody(cost)).encode())
    if right and usable and hashed:
        return True
    for lower in range(cost_of(hashed) if hashed else cost, cost):
        bcrypt.checkpw(text, _nobody(lower).encode())
    return False


def refusal_cost() -> int:
    """The cost of a refusal: that of new hashes, or of the dearest hash that there is.

    With less, an account whose hash costs more would be known by its slower answer.
    """
    dearest = fn.max(fn.substr(AdminUser.password_hash, 5, 2))
    return max(COST, int(AdminUser.select(dearest).scalar() or COST))


def cost_of(hashed: str) -> int:
    """The cost of a bcrypt hash: the binary logarithm of its rounds."""
    return int(hashed.split("$")[2])


def renewed(password: str, hashed: str) -> str:
    """The hash to store after a good log-in: a new one where the cost has risen.

    The seeded hash stays as it is, for by it the documented password is known.
    """
    if cost_of(hashed) >= COST or hashed == ADMIN_PASSWORD_HASH:
        return hashed
    return bcrypt.hashpw(_spelt(password).encode(), bcrypt.gensalt(COST)).decode()


def _spelt(password: str) -> str:
    """One spelling for what looks the same: keyboards differ in how they compose é."""
    return unicodedata.normalize("NFC", password)


def _is_broken(text: str) -> bool:
    """Whether it has lone surrogates, which would all be the same question mark in UTF-8."""
    return any("\ud800" <= character <= "\udfff" for character in text)


def _nobody(cost: int) -> str:
    """A hash that no password has."""
    return f"$2b${cost:02}${SALT}{'.' * 31}"
