"""What an application does with settings and the log of what the staff did.

BillingError
└── UnknownSetting   a setting that no domain seeds: a slip in the calling code
"""

from __future__ import annotations

from typing import Any

from peewee import Model

from domains import BillingError, InvalidValue, get, identity, operation, rule_violations
from domains.auth.models import AdminUser
from domains.locations.models import Location
from domains.system.attempts import write
from domains.system.models import Setting
from domains.system.seeds import SETTINGS

Actor = int | AdminUser | None
SYSTEM = "system"


class UnknownSetting(BillingError):
    """A setting that no domain seeds: a slip in the calling code."""


@rule_violations()
def record(
    action: str,
    target: Any = None,
    *,
    by: Actor = None,
    reason: str = "",
    location: int | Location | None = None,
    **details: Any,
) -> None:
    """Put on record what was done, in the transaction that does it.

    action: resource.action, like a permission. target: the row that it was done to. by: the admin
    user, None for the system. reason: in the actor's words. details: what JSON can hold.
    """
    admin = None if by is None else get(AdminUser, by).id
    kind = target._meta.table_name if isinstance(target, Model) else None
    if reason:
        details["reason"] = reason
    write(
        admin_user=admin,
        username=SYSTEM,
        location=location,
        action=action,
        target_type=kind,
        target_id=None if kind is None else identity(target),
        details=details,
    )


@rule_violations()
def setting(key: str, location: int | Location | None = None) -> Any:
    """The value of a setting: the branch's, else the global one, else the one that is seeded.

    Raises UnknownSetting.
    """
    seeded = _seeded()
    if key not in seeded:
        raise UnknownSetting(f"there is no setting {key!r}; there are: {', '.join(sorted(seeded))}")
    where = Setting.location.is_null()
    if location is not None:
        where |= Setting.location == identity(location)
    rows = Setting.select(Setting.value).where(Setting.key == key, where)
    row = rows.order_by(Setting.location.is_null()).first()
    return seeded[key][1] if row is None else row.value


@rule_violations()
def change_setting(
    key: str, value: Any, *, by: Actor, location: int | Location | None = None
) -> None:
    """Give a setting another value, everywhere or in one branch.

    Raises UnknownSetting, RuleViolation: settings_value_in_range_check,
    settings_value_fits_type_check.
    """
    seeded = _seeded()
    if key not in seeded:
        raise UnknownSetting(f"there is no setting {key!r}")
    if isinstance(value, str) and "\0" in value:
        raise InvalidValue(f"{key}: a text has a NUL character in it; leave it out", field=key)
    with operation(Setting._meta.database):
        before = setting(key, location)
        where = (
            Setting.location.is_null()
            if location is None
            else Setting.location == identity(location)
        )
        if not Setting.update(value=value).where(Setting.key == key, where).execute():
            everywhere: Any = Setting.get(Setting.key == key, Setting.location.is_null())
            names = ("key", "type", "least", "most", "category", "description")
            terms = {name: getattr(everywhere, name) for name in names}
            Setting.create(location=location, value=value, **terms)
        record("settings.write", by=by, location=location, name=key, before=before, after=value)


def _seeded() -> dict[str, tuple[Any, Any]]:
    """Key to type and value, as they are seeded."""
    seeded: dict[str, tuple[Any, Any]] = {}
    for group in SETTINGS.values():
        for key, kind, value, _ in group:
            seeded[key] = (kind, value)
    return seeded
