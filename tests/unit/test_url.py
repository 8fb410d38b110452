"""A URL: what is wrong with one that cannot be read, and that no password is ever shown."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from psycopg2 import OperationalError
from psycopg2.extensions import parse_dsn

from engine.connect.connection import connect
from engine.connect.programs import for_program
from engine.connect.url import as_url, checked, shown, unusable, with_database
from engine.errors import ConfigError, ConnectionFailed
from tests.support.runners import at

SECRET = "s3cret"
WAY_OUT = "\nWhat to do: "


def told(url: str) -> str:
    """What is said about a URL that leads to no usable database."""
    with pytest.raises((ConfigError, ConnectionFailed)) as refused:
        connect(at(checked(url, "DATABASE_URL"))).close()
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


WORDS = st.text(min_size=1, max_size=12).filter(lambda text: "\0" not in text)
PLACES = st.sampled_from(
    [
        *("@db.example:6432/isp", "@[::1]/isp?sslmode=require", "@/isp?host=/run/postgresql"),
        *("@a:1,b:2/isp?target_session_attrs=read-write", "@localhost/isp?options=-c%20x%3D1"),
    ]
)


def urls(place: str, password: str) -> tuple[str, str]:
    """The URL of that place with the password and without one."""
    return f"postgresql://u:{quote(password, safe='')}{place}", f"postgresql://u{place}"


@given(place=PLACES, password=WORDS)
@example(place="@h/d", password="'\"\\ @/%:?#")
def test_a_password_changes_nothing_that_is_shown_or_on_a_command_line(
    place: str, password: str
) -> None:
    with_password, without = urls(place, password)
    assert checked(with_password, "DATABASE_URL") == with_password
    assert shown(with_password) == shown(without)
    line, environment = for_program(with_password)
    assert parse_dsn(line) == parse_dsn(without)
    assert environment["PGPASSWORD"] == password


@given(place=PLACES, password=WORDS, name=WORDS)
def test_another_database_is_on_the_same_server(place: str, password: str, name: str) -> None:
    url, _ = urls(place, password)
    there = parse_dsn(with_database(url, name, "-c jit=off"))
    assert there["options"] == "-c jit=off -c search_path=public"
    assert there["dbname"] == name
    kept = {key: value for key, value in there.items() if key not in ("options", "dbname")}
    assert kept.items() <= parse_dsn(url).items()
    assert len(kept) >= 3


def test_a_secret_that_could_only_stand_on_a_command_line_is_refused() -> None:
    with pytest.raises(ConfigError, match="sslpassword, which PostgreSQL's programs take") as error:
        for_program(f"postgresql://u@h/d?sslpassword={SECRET}")
    assert SECRET not in str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://user:p%40ss%2Fword@host:5433/da%20ta?sslmode=require",
        "user=u password='it''s' host=/run/a dbname='a b'".replace("''", r"\'"),
        "host=::1 port=5432 dbname=x options='-c search_path=public'",
    ],
)
def test_a_connection_string_as_a_url_says_the_same(text: str) -> None:
    url = as_url(text)
    assert parse_dsn(checked(url, "URL")) == parse_dsn(text)
    assert as_url(url) == url


def test_a_timeout_of_the_first_question_is_no_wrong_password() -> None:
    """`ALTER ROLE … SET statement_timeout = 1`: user, password and database were to be checked."""
    error = OperationalError("canceling statement due to statement timeout")
    assert "raise the statement_timeout" in unusable(at("postgresql:///x"), error).fix
