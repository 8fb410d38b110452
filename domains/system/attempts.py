"""Attempts to log in, written down in the log of activities."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from peewee import SQL

from domains.auth.models import AdminUser
from domains.system.models import ActivityLog

ATTEMPT = "sessions.attempt"
# What was typed for a user name may be a password, typed into the wrong field.
NOBODY = "somebody"


def note(address: str, account: int | None) -> None:
    """Write down an attempt from the address at that admin user, or at a name that nobody has."""
    target = None if account is None else AdminUser._meta.table_name
    ActivityLog.create(
        username=NOBODY, action=ATTEMPT, target_type=target, target_id=account, ip=address
    )


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
