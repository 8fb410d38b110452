"""Which database is meant, and as whom: what the program's settings say, else the embedded server,
where the application has one role and the owner of the tables another."""

from __future__ import annotations

import os

from engine.connect import env_file, environment
from engine.connect.embedded import running_server
from engine.connect.url import checked
from engine.project import Project


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


def database_url(project: Project) -> str:
    """The URL of the application; starts the embedded server where nothing else is named.

    Raises ConfigError for a URL that is none.
    """
    if url := named_url(project):
        return url
    server = running_server(project)
    return server.url(server.application)


def migration_url(project: Project) -> str:
    """The URL of the owner of the tables, who migrates: one of its own where the other one is the
    application's, or leads to a pooler."""
    setting = project.settings.migration_url
    if url := os.environ.get(setting, "").strip():
        return checked(url, setting)
    if url := named_url(project):
        return url
    server = running_server(project)
    return server.url(server.owner)


def named_url(project: Project) -> str:
    """The URL that the settings name, or empty. Raises ConfigError for a URL that is none."""
    setting = project.settings.url
    url = os.environ.get(setting, "").strip()
    return checked(url, setting) if url else ""
