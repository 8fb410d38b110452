"""This program as the engine has to know it: its folders, its tasks, the names of its settings."""

from __future__ import annotations

from pathlib import Path

from engine.project import Project, SettingNames

ROOT = Path(__file__).resolve().parent
PROJECT = Project(
    name="billing",
    command="invoke",
    root=ROOT,
    migrations=ROOT / "migrations",
    data=Path("/var/lib/mikrotik-billing"),
    time_zone="Asia/Jakarta",
    application="invoke",
    opened_on_citus="_branch",
    settings=SettingNames(environment="BILLING_ENVIRONMENT", parameter="billing.environment"),
)
