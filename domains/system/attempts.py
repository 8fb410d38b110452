"""The log of activities: writing it, and the attempts to log in that are written there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from peewee import SQL

from domains import call_function
from domains.auth.models import AdminUser
from domains.system.models import ActivityLog

ATTEMPT = "sessions.attempt"
# What was typed for a user name may be a password, typed into the wrong field.
NOBODY = "somebody"


def note(address: str, account: int | None) -> None:
    """Write down an attempt from the address at that admin user, or at a name that nobody has."""
    target = None if account is None else AdminUser._meta.table_name
    write(username=NOBODY, action=ATTEMPT, target_type=target, target_id=account, ip=address)


def write(
    *,
    username: str,
    action: str,
    admin_user: int | None = None,
    location: Any = None,
    target_type: str | None = None,
    target_id: int | None = None,
    details: dict[str, Any] | None = None,
    ip: str | None = None,
) -> None:
    """Write a row of the log, by the function that alone may. username: what somebody is called
    who is no admin user."""
    values = {"admin_user": admin_user, "username": username, "location": location}
    values |= {"action": action, "target_type": target_type, "target_id": target_id}
    values |= {"details": details or {}, "ip": ip}
    call_function("record_activity", ActivityLog, values)


def count(network: str, span: timedelta, account: int | None = None, since: Any = None) -> int:
    """The attempts from the network in the last `span`: all, or those at that admin user; not those
    up to `since`."""
    query = ActivityLog.select().where(
        ActivityLog.action == ATTEMPT,
        SQL("ip <<= %s::inet", [network]),
        ActivityLog.created_at > SQL("now() - %s", [span]),
    )
    if account is not None:
        query = query.where(ActivityLog.target_id == account)
    if since is not None:
        query = query.where(ActivityLog.created_at > since)
    return int(query.count())
