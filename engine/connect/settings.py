"""Which database is meant: what the program's settings say, else the embedded server."""

from __future__ import annotations

import os

from engine.connect.embedded import embedded_url
from engine.connect.url import checked
from engine.project import Project


def load_environment(project: Project) -> None:
    """Take settings from `.env` that the environment does not have."""
    if (project.root / ".env").is_file():
        from dotenv import load_dotenv

        load_dotenv(project.root / ".env", override=False)


def database_url(project: Project) -> str:
    """The URL to use; starts the embedded server where nothing else is named.

    Raises ConfigError for a URL that is none.
    """
    setting = project.settings.url
    url = os.environ.get(setting, "")
    return checked(url, setting) if url else embedded_url(project)


def migration_url(project: Project) -> str:
    """The URL that migrations use: one of its own where the other leads to a pooler."""
    setting = project.settings.migration_url
    url = os.environ.get(setting, "")
    return checked(url, setting) if url else database_url(project)
