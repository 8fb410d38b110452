"""The limits of log-in as the operator has set them."""

from __future__ import annotations

from dataclasses import fields

from domains.auth.limits import LoginLimits
from domains.system.models import Setting


def login_limits() -> LoginLimits:
    """The limits that the global settings give; one that has no setting has its default."""
    names = [limit.name for limit in fields(LoginLimits)]
    query = Setting.select(Setting.key, Setting.value).where(
        Setting.location.is_null(), Setting.key.in_(names)
    )
    return LoginLimits(**{setting.key: setting.value for setting in query})
