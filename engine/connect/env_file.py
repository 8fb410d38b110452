"""The file `.env`: settings that the environment does not have."""

from __future__ import annotations

import io
import stat
from pathlib import Path

from engine.errors import ConfigError

# Beginnings of what editors on Windows call Unicode.
UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def read(path: Path) -> dict[str, str]:
    """Name to value, as they stand there; a file that is not there has none.

    `${NAME}` is not replaced: a password may have it. Raises ConfigError for what is no file or
    cannot be read, whose settings would silently not hold.
    """
    if not path.is_symlink() and not path.exists():
        return {}
    text = _text(path)
    from dotenv import dotenv_values

    values = dotenv_values(stream=io.StringIO(text), interpolate=False)
    return {name: value for name, value in values.items() if value is not None}


def told(path: Path) -> str:
    """What to tell of a file that every user of the machine may read; else empty."""
    if not path.is_file() or not path.stat().st_mode & stat.S_IROTH:
        return ""
    return f"every user of this machine may read {path} and the passwords in it: chmod 600 {path}"


def _text(path: Path) -> str:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ConfigError(
                f"{path} is no file, so no setting can be read from it.",
                fix="make it a file with lines such as NAME=value, or remove it.",
            )
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read: {error.strerror}.",
            why="Its settings would not hold, and another database would be used.",
            fix="give this user the right to read it, or remove it.",
        ) from error
    return _decoded(path, content)


def _decoded(path: Path, content: bytes) -> str:
    if not content.startswith(UTF_16) and b"\0" not in content:
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content[: error.start].count(b"\n") + 1
            where = f"line {line} has a character in another encoding, such as Latin-1"
    else:
        where = "it seems to be in UTF-16"
    raise ConfigError(
        f"{path} is not in UTF-8: {where}.",
        fix="save it as UTF-8, in the editor or with iconv.",
    )
