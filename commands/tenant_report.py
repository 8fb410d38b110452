"""What the run of one of many tenants tells, with the tenant's name."""

from __future__ import annotations

import sys
import threading
from typing import Any, TextIO

from commands.json_log import JsonLog, milliseconds
from engine.report import Action, Report


def title(tenant: str) -> str:
    """The name as a line may have it: a schema's may hold the end of one, or end in blanks."""
    is_plain = tenant.isprintable() and tenant == tenant.strip()
    return tenant if is_plain else repr(tenant)


class Notices:
    """What tenants are told: messages at once, with the tenant's name before them; the same notice
    of many once, at the end. Several threads speak at a time."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.tenants: dict[str, list[str]] = {}

    def tell(self, tenant: str, text: str, stream: TextIO) -> None:
        """Print a line."""
        with self.lock:
            print(f"{title(tenant)}: {text}", file=stream, flush=True)

    def keep(self, tenant: str, text: str) -> None:
        """Keep it for the end."""
        with self.lock:
            self.tenants.setdefault(text, []).append(tenant)


class TenantReport(Report):
    """What the run of one tenant tells."""

    def __init__(self, tenant: str, notices: Notices) -> None:
        self.tenant = tenant
        self.notices = notices

    def message(self, text: str) -> None:
        self.notices.tell(self.tenant, text, sys.stderr)

    def notice(self, text: str) -> None:
        self.notices.keep(self.tenant, text)


class TenantLog(JsonLog):
    """The same for a collector: each line has the tenant's name."""

    def __init__(self, tenant: str, notices: Notices) -> None:
        super().__init__()
        self.tenant = tenant
        self.notices = notices

    def event(self, kind: str, **fields: Any) -> None:
        with self.notices.lock:
            super().event(kind, tenant=self.tenant, **fields)

    def message(self, text: str) -> None:
        self.notices.tell(self.tenant, text, sys.stdout)

    def notice(self, text: str) -> None:
        self.notices.keep(self.tenant, text)

    def finished(self, name: str, action: Action, seconds: float) -> None:
        self.event("file", name=name, outcome=action, duration_ms=milliseconds(seconds))
