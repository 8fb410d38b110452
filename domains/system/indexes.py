"""Indexes of settings and of the activity log."""

from __future__ import annotations

from domains import Domain
from domains.system.attempts import ATTEMPT
from domains.system.models import ActivityLog, Setting


def indexes(domain: Domain) -> None:
    """Register them."""
    # a key is there once among the globals: the unique of location and key lets nulls repeat
    domain.index(
        Setting,
        Setting.key,
        unique=True,
        where="location_id IS NULL",
        name="settings_global_key_key",
    )
    # what an admin user did, newest first
    domain.index(
        ActivityLog,
        ActivityLog.admin_user,
        "created_at DESC",
        name="activity_logs_admin_user_id_created_at_idx",
    )
    # what was done in a branch, newest first
    domain.index(
        ActivityLog,
        ActivityLog.location,
        "created_at DESC",
        name="activity_logs_location_id_created_at_idx",
    )
    # what was done to one thing, newest first
    domain.index(
        ActivityLog,
        ActivityLog.target_type,
        ActivityLog.target_id,
        "created_at DESC",
        name="activity_logs_target_type_target_id_created_at_idx",
    )
    # how often an address has tried to log in
    domain.index(
        ActivityLog,
        ActivityLog.ip,
        ActivityLog.created_at,
        where=f"action = '{ATTEMPT}'",
        name="activity_logs_attempts_idx",
    )
    # what was done in a span of time; rows arrive in order of time. Not a B-tree: it would tempt
    # the planner to look for what one admin did among all that everybody did.
    domain.sql(
        "CREATE INDEX activity_logs_created_at_idx ON activity_logs USING brin (created_at)"
        " WITH (pages_per_range = 16)"
    )
