"""`.env`: what is read from it, and what is told of one that cannot be read."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.connect import env_file, environment
from engine.connect.embedded import database_url
from engine.connect.settings import load_environment
from engine.errors import ConfigError
from project import PROJECT
from tests.support.runners import rooted

URL = "postgresql://app@db/billing"


def test_values_stay_as_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_bytes(b"\xef\xbb\xbfA=pa${HOME}ss$HOME\nB='x # y'\nC=\nD\n")
    assert env_file.read(path) == {"A": "pa${HOME}ss$HOME", "B": "x # y", "C": ""}
    assert env_file.read(tmp_path / "none") == {}


def folder(path: Path) -> None:
    path.mkdir()


MADE: dict[str, tuple[Callable[[Path], object], str]] = {
    "a folder": (folder, "is no file"),
    "a FIFO": (os.mkfifo, "is no file"),
    "nothing": (lambda path: path.symlink_to("gone"), "cannot be read: No such file"),
    "UTF-16": (lambda path: path.write_bytes("A=b\n".encode("utf-16")), "UTF-16"),
    "UTF-16 without a mark": (lambda path: path.write_bytes("A=b".encode("utf-16-le")), "UTF-16"),
    "Latin-1": (lambda path: path.write_bytes(b"A=b\nB=\xe9\n"), "line 2 .*Latin-1"),
}


@pytest.mark.parametrize("kind", MADE)
def test_what_cannot_be_read_is_told(kind: str, tmp_path: Path) -> None:
    make, expected = MADE[kind]
    make(tmp_path / ".env")
    with pytest.raises(ConfigError, match=expected):
        env_file.read(tmp_path / ".env")


def test_an_empty_setting_does_not_hide_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / ".env"
    path.write_text(f"DATABASE_URL={URL}\n")
    monkeypatch.setenv("DATABASE_URL", "")
    path.chmod(0o640)
    assert load_environment(rooted(tmp_path)) == ""
    assert database_url(rooted(tmp_path)) == URL
    path.chmod(0o644)
    assert "chmod 600" in load_environment(rooted(tmp_path))


@pytest.mark.parametrize("word", ["prod", "productio", "live", "PRODUCTION!"])
def test_an_unknown_environment_is_refused(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BILLING_ENVIRONMENT", word)
    with pytest.raises(ConfigError, match="production, staging, development, test"):
        environment.of_process(PROJECT)
    monkeypatch.setenv("BILLING_ENVIRONMENT", " Production\n")
    assert environment.of_process(PROJECT) == "production"
