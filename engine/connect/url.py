"""A database URL: whether it can be read, how it is shown, what to do where it leads to no server
that lets one in.

It goes to libpq unchanged; no message ever has a password in it.
"""

from __future__ import annotations

import re
from urllib.parse import quote, urlencode

import psycopg2
from psycopg2 import extensions

from engine.errors import ConfigError, ConnectionFailed
from engine.project import Project
from engine.schema.quoting import name as quoted
from engine.wording import one_line

CLOSED = "server closed the connection unexpectedly"
# PgBouncer says why in its own log alone (query_wait_timeout).
NO_SESSION = (
    "if a pooler stands there, it had no session to lend in time: raise its default_pool_size, or "
    "set {settings.migration_url} to PostgreSQL itself; else a timeout of the role or the database "
    "may have ended it (idle_session_timeout, transaction_timeout): see the server's log."
)
# What the options of a connection set at the server: `-c search_path=shop --work_mem=8MB`.
SETTING = re.compile(r"(?:-c\s*|--)([\w.-]+)")
OPTION = "correct that option, behind the `?` of {settings.url}."
NO_SUCH_SERVER = (
    "name a server that is what target_session_attrs asks for in {settings.url} (migrations need "
    "the primary), or take that option out of it."
)
# Of what libpq and servers say in English.
ADVICE = (
    ("could not translate host name", "check the host name in {settings.url}, and the network."),
    ("Name or service not known", "check the host name in {settings.url}, and the network."),
    (
        "password authentication failed",
        "check user and password in {settings.url} (special characters are written %XX).",
    ),
    ("no password supplied", "add the password to {settings.url}, or to ~/.pgpass."),
    (
        "FATAL: role",
        "create the role (CREATE ROLE … LOGIN PASSWORD …), or correct the user in {settings.url}.",
    ),
    (
        "does not exist",
        "create it (createdb, or CREATE DATABASE … ENCODING 'UTF8'), or correct {settings.url}.",
    ),
    (
        "Connection refused",
        "start PostgreSQL there, or correct host and port in {settings.url}. Without "
        "{settings.url} the embedded server is used.",
    ),
    (
        "No such file or directory",
        "start PostgreSQL, or correct the socket directory in {settings.url}.",
    ),
    ("timeout expired", "check host, port and firewall: no PostgreSQL answered in time."),
    (
        "invalid response to SSL negotiation",
        "check the port in {settings.url}: what answers there is not PostgreSQL.",
    ),
    (
        "expected authentication request",
        "check the port in {settings.url}: what answers there is not PostgreSQL.",
    ),
    ("connection option", OPTION),
    ("setsockopt(", OPTION),
    ("invalid value for parameter", OPTION),
    ("unrecognized configuration parameter", OPTION),
    ("requires a value", OPTION),
    ("session is not read-only", NO_SUCH_SERVER),
    ("session is read-only", NO_SUCH_SERVER),
    ("hot standby mode", NO_SUCH_SERVER),
    (
        "does not support SSL",
        "turn SSL on there; or, where the way there can be trusted, take sslmode out of "
        "{settings.url}.",
    ),
    (
        CLOSED,
        "check the port in {settings.url}: what answers there may not be PostgreSQL.",
    ),
    (
        "unsupported startup parameter",
        "this is a pooler: set {settings.migration_url} to PostgreSQL itself.",
    ),
    (
        "no such database",
        "this is a pooler that does not know the database: add it there (or * for all), or set "
        "{settings.migration_url} to PostgreSQL itself.",
    ),
    ("too many clients", "wait for connections to end, or raise max_connections."),
    ("remaining connection slots", "wait for connections to end, or raise max_connections."),
    ("too many connections", "wait for connections to end, or raise the limit that it names."),
    (
        "statement timeout",
        "raise the statement_timeout of the role, the database or the server: it is shorter than "
        "the first question takes.",
    ),
    ("starting up", "wait until the server is up, then run the command again."),
    ("not yet accepting connections", "wait until the server is up, then run the command again."),
    (
        "not accepting connections",
        "this is a standby that serves nobody (hot_standby = off): set {settings.url} to the "
        "primary.",
    ),
    ("shutting down", "start PostgreSQL there, or correct host and port in {settings.url}."),
    ("in recovery mode", "the server recovers from a crash; run the command again in a moment."),
    ("pg_hba.conf", "allow this user, database and address in the server's pg_hba.conf."),
)


def checked(url: str, setting: str) -> str:
    """The URL itself, if libpq can read it. Raises ConfigError, which never shows any part of the
    URL that may be a password in the wrong place."""
    url = url.strip()
    problem = _problem(url)
    if problem:
        raise ConfigError(
            f"{setting} {problem}.",
            fix=f"write {setting}=postgresql://user:password@host:5432/database; special "
            "characters in the password are written %XX (@ is %40, / is %2F).",
        )
    return url


def _problem(url: str) -> str:
    """What is wrong with the URL, or empty."""
    scheme, sign, rest = url.partition("://")
    if scheme not in ("postgresql", "postgres") or not sign:
        if not sign or not re.fullmatch("[A-Za-z][A-Za-z0-9+.-]*", scheme):
            return "is not a URL: it begins with no scheme"
        return f"is not a PostgreSQL URL: its scheme is {scheme}"
    place, _, path = rest.partition("/")
    if place.count("@") > 1 or "@" in path.partition("?")[0]:
        return "cannot be read: there is an @ or a / inside the user or the password"
    try:
        port = extensions.parse_dsn(url).get("port", "")
    except UnicodeEncodeError:
        return "cannot be read: it is not in UTF-8"
    except psycopg2.ProgrammingError as error:
        reason = str(error).strip().removeprefix("invalid dsn: ")
        return f"cannot be read: {reason.partition(': ')[0]}"
    return "cannot be read: the port is not a number" if port.strip("0123456789,") else ""


def with_database(url: str, name: str, options: str) -> str:
    """The same server, another database, as a libpq connection string.

    options: of the connection. Its schema is `public` whatever they say; where there are none, none
    are added, for poolers refuse them.
    """
    if not options:
        return str(extensions.make_dsn(url, dbname=name))
    return str(extensions.make_dsn(url, dbname=name, options=f"{options} -c search_path=public"))


def with_schema(url: str, schema: str) -> str:
    """The same database, with that schema alone on its search_path, as a URL.

    It is an option of the connection, so it wins over what server, database and role say.
    """
    options = extensions.parse_dsn(url).get("options", "")
    escaped = re.sub(r"([\\\s])", r"\\\1", quoted(schema))
    return as_url(extensions.make_dsn(url, options=f"{options} -c search_path={escaped}".strip()))


def as_url(text: str) -> str:
    """A libpq connection string as a URL; one that is a URL already says the same afterwards."""
    settings = extensions.parse_dsn(text)
    name = settings.pop("dbname", "")
    return f"postgresql:///{quote(name, safe='')}?{urlencode(settings, quote_via=quote)}"


def shown(url: str) -> str:
    """The URL without its password, for messages."""
    dsn = extensions.parse_dsn(url)
    place = dsn.get("host", dsn.get("hostaddr", "local socket"))
    port = f":{dsn['port']}" if "port" in dsn else ""
    user = f"{dsn['user']}@" if "user" in dsn else ""
    return one_line(f"{user}{place}{port}/{dsn.get('dbname', dsn.get('user', ''))}")


def _fix_by_names(url: str, message: str) -> str:
    """What to do about what a server says in another language than English: it gives no code before
    it has let somebody in, but names whom it refuses, or what it does not have."""
    said = message.rpartition(" failed: ")[2]
    given = extensions.parse_dsn(url)
    words = set(re.findall(r'[^\s"»«„“”]+', said))
    settings = ["client_encoding", *SETTING.findall(given.get("options", ""))]
    if any(name in words for name in settings):
        return OPTION
    names_user, names_database = given.get("user") in words, given.get("dbname") in words
    if names_user and not names_database:
        return (
            "check user and password in {settings.url}, or create the role (CREATE ROLE … LOGIN)."
        )
    if names_database and not names_user:
        return (
            "create the database (createdb, or CREATE DATABASE … ENCODING 'UTF8'), or correct "
            "{settings.url}."
        )
    return "check user, password and database in {settings.url}; the server says above what it has."


def unusable(
    project: Project, error: psycopg2.OperationalError, *, let_in: bool = False
) -> ConnectionFailed:
    """What to raise where the URL leads to no server, or to one that refuses. let_in: whether it
    did so after it had taken user and password, as a pooler does that has no session to lend."""
    message = " ".join(str(error).split())
    known = NO_SESSION if let_in and CLOSED in message else ""
    known = known or next((advice for sign, advice in ADVICE if sign in message), "")
    if not known and not let_in and "connection to server" not in message:
        known = OPTION  # libpq itself refuses, before it asks any server
    fix = known or _fix_by_names(project.url, message)
    return ConnectionFailed(
        f"cannot connect to {shown(project.url)}.",
        why=message,
        fix=fix.format(settings=project.settings),
    )
