"""A URL that cannot be read: what is wrong with it, and no password in the message."""

from __future__ import annotations

import pytest

from engine.connect.connection import connect
from engine.connect.url import checked
from engine.errors import ConfigError, ConnectionFailed

SECRET = "s3cret"
WAY_OUT = "\nWhat to do: "


def told(url: str) -> str:
    """What is said about a URL that leads to no usable database."""
    with pytest.raises((ConfigError, ConnectionFailed)) as refused:
        connect(checked(url, "DATABASE_URL")).close()
    message = str(refused.value)
    assert SECRET not in message
    assert WAY_OUT in message
    return message


UNREADABLE = {
    f"user:{SECRET}@host/db": "begins with no scheme",
    f"host=localhost password={SECRET}": "begins with no scheme",
    f"mysql://user:{SECRET}@host/db": "its scheme is mysql",
    f"postgresql://user:{SECRET}%zz@host/db": "invalid percent-encoded token",
    f"postgresql://user:{SECRET}@x@host/db": "an @ or a / inside the user or the password",
    f"postgresql://user:{SECRET}/x@host/db": "an @ or a / inside the user or the password",
    f"postgresql://user:{SECRET}:x@host:port/db": "the port is not a number",
    f"postgresql://user:{SECRET}@[::1/db": "cannot be read",
    f"postgresql://user:{SECRET}@host/db?sslmod=require": "invalid URI query parameter",
}


@pytest.mark.parametrize("url", UNREADABLE)
def test_a_url_that_cannot_be_read(url: str) -> None:
    message = told(url)
    assert UNREADABLE[url] in message
    assert "postgresql://user:password@host:5432/database" in message
