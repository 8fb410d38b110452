"""Which database is meant, and as whom: what the program's settings say. Of the embedded server
this knows nothing, since a task that needs none is not to load it."""

from __future__ import annotations

import os
import re

from engine.connect import env_file, environment
from engine.connect.url import checked
from engine.errors import ConfigError
from engine.project import Project

ABSTRACT = r"[a-z][a-z0-9_]{0,30}"

# What the setting may say; nothing means no.
CITUS = {"": False, "off": False, "on": True}


def load_environment(project: Project) -> str:
    """Take settings from `.env` that the environment does not have, or has empty: what to tell of
    that file, mostly nothing.

    Raises ConfigError where the file cannot be read, or the environment has a name that is none.
    """
    path = project.root / ".env"
    for name, value in env_file.read(path).items():
        if not os.environ.get(name):
            os.environ[name] = value
    environment.of_process(project)
    return env_file.told(path)


def named_url(project: Project) -> str:
    """The URL that the settings name, or empty. Raises ConfigError for a URL that is none."""
    setting = project.settings.url
    url = os.environ.get(setting, "").strip()
    return checked(url, setting) if url else ""


def named_migration_url(project: Project) -> str:
    """The URL of the owner of the tables, or empty: one of its own where the other one is the
    application's, or leads to a pooler."""
    setting = project.settings.migration_url
    url = os.environ.get(setting, "").strip()
    return checked(url, setting) if url else named_url(project)


def named_roles(project: Project) -> dict[str, str] | None:
    """Which roles of the cluster the abstract ones are: {"app": "shop_app"} for app:shop_app; None
    where nothing says so. An abstract one that is not named is nobody.

    Raises ConfigError for what cannot be read.
    """
    setting = project.settings.roles
    text = os.environ.get(setting, "").strip()
    if not text:
        return None
    roles: dict[str, str] = {}
    for entry in text.split(","):
        name, colon, role = (part.strip() for part in entry.partition(":"))
        if not colon or not re.fullmatch(ABSTRACT, name) or name in roles:
            wrong = f"{entry.strip()!r} is not NAME:ROLE, or its name stands twice"
            raise _unreadable(setting, wrong)
        if role.startswith("pg_") or role.lower() == "public" or role in roles.values():
            raise _unreadable(setting, f"{name} cannot be {role}: a role of its own is needed")
        if role:
            roles[name] = role
    return roles


def named_citus(project: Project) -> bool:
    """Whether the files are for Citus, too. Raises ConfigError for a word that is none."""
    setting = project.settings.citus
    word = os.environ.get(setting, "").strip().lower()
    if word not in CITUS:
        raise ConfigError(
            f"{setting} is {word!r}, which says neither yes nor no.",
            why="It says whether the files have to be such that Citus takes them.",
            fix=f"write {setting}=on or {setting}=off.",
        )
    return CITUS[word]


def _unreadable(setting: str, why: str) -> ConfigError:
    return ConfigError(
        f"{setting} cannot be read: {why}.",
        why="It says which roles of the cluster get what the files grant.",
        fix=f"write {setting}=app:shop_app,report:shop_readers; `app:` alone for nobody.",
    )
