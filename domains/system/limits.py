"""The limits of log-in as the operator has set them."""

from __future__ import annotations

from dataclasses import fields

from domains.auth.limits import LoginLimits
from domains.system.models import Setting
from domains.system.ranges import RANGES


def login_limits() -> LoginLimits:
    """The limits that the global settings give.

    One that has no setting, or a value outside of its range, has its default: whoever may write
    settings may write their ranges too, and no value may lock everybody out.
    """
    names = [limit.name for limit in fields(LoginLimits)]
    query = Setting.select(Setting.key, Setting.value).where(
        Setting.location.is_null(), Setting.key.in_(names)
    )
    limits = {}
    for setting in query:
        least, most = RANGES[setting.key]
        if type(setting.value) is int and least <= setting.value <= most:
            limits[setting.key] = setting.value
    return LoginLimits(**limits)
