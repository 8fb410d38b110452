"""What the seeds put into the database and the demo builds upon."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from domains.whatsapp.models import WhatsappTemplate
from engine.errors import Refused


class DefaultLocation(NamedTuple):
    """The location that is the default."""

    id: int
    code: str
    timezone: str


class Method(NamedTuple):
    """A payment method: fee_bp in basis points of the amount, fee_fixed in rupiah."""

    id: int
    name: str
    fee_bp: int
    fee_fixed: int


class Known(dict[str, Any]):
    """Seeded rows by their key; asking for one that is gone raises Refused."""

    def __init__(self, cursor: Any, what: str, query: str, make: Callable[..., Any]) -> None:
        cursor.execute(query)
        super().__init__((key, make(*rest)) for key, *rest in cursor.fetchall())
        self._what = what

    def __missing__(self, key: str) -> Any:
        raise Refused(
            f"the demo needs the {self._what} {key!r}, which the seeds make; it is not there.",
            why="Nothing was changed.",
            fix="put it back, or start from a new database (createdb, invoke migrate).",
        )


@dataclass(frozen=True)
class Seeded:
    """The seeded rows, by their natural keys."""

    default_location: DefaultLocation
    roles: Known
    schedules: Known
    methods: Known
    templates: Known
    settings: Known
    plugins: Known


def read(cursor: Any) -> Seeded:
    """Read them. Raises Refused where one of them is gone, at the latest when it is asked for."""
    default = "SELECT 'default', id, code, timezone FROM locations WHERE is_default"
    return Seeded(
        default_location=Known(cursor, "location", default, DefaultLocation)["default"],
        roles=Known(cursor, "role", "SELECT code, id FROM roles", int),
        schedules=Known(cursor, "backup schedule", "SELECT name, id FROM backup_schedules", int),
        methods=Known(
            cursor,
            "payment method",
            "SELECT code, id, name, fee_bp, fee_fixed FROM payment_methods",
            Method,
        ),
        templates=Known(
            cursor,
            "WhatsApp template",
            "SELECT name, id, body, variables FROM whatsapp_templates WHERE language = 'id'",
            lambda *row: WhatsappTemplate(
                **dict(zip(("id", "body", "variables"), row, strict=True))
            ),
        ),
        settings=Known(
            cursor,
            "setting",
            "SELECT key, value #>> '{}' FROM settings WHERE location_id IS NULL",
            str,
        ),
        plugins=Known(cursor, "plugin", "SELECT name, id FROM payment_plugins", int),
    )
