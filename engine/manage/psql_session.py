"""What a script for psql says of its session, so that files run as the runner runs them.

The settings are pinned, and taken back where a file has changed them; that is said once, in
variables of psql's, and used by name. What the script does not know, such as the schema, it asks.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.connect import pinned_settings, roles
from engine.files import history_table, own_table, role_table
from engine.run import strangers, time_zone
from engine.schema import abstract_roles, function_path, own_sql
from engine.schema.own_tables import HISTORY_TABLE, ROLES_TABLE
from engine.schema.quoting import literal
from engine.sql import for_psql

# What a file says is known only when it has run; psql itself shows what fails.
QUIET = {"client_min_messages": "warning", "default_transaction_read_only": "off"}
HERE = ":'engine_schema'"
OID = f"(SELECT oid FROM pg_namespace WHERE nspname = {HERE})"
SETTLE = f"""
RESET SESSION AUTHORIZATION; RESET ROLE; SET search_path = {own_sql.PATH};
SELECT (
    SELECT count(set_config(s.name, s.value, false))
    FROM (VALUES {{settings}}, ('TimeZone', :'engine_zone')) s (name, value)
    WHERE current_setting(s.name, true) <> s.value AND {pinned_settings.NOT_A_WISH.strip()}
      AND (s.name NOT IN ({{privileged}})
           OR current_setting('is_superuser') = 'on')
) AS engine_settings,
set_config('{abstract_roles.SETTING}', :'engine_roles', false) AS engine_named,
set_config('search_path', ({{path}}), false) AS engine_path
"""
RUN_SETTLE = r":engine_settle \gset"
ZONE = """
SELECT coalesce({given}, ({chosen}), {usual}, current_setting('TimeZone')) AS engine_zone
\\gset
"""
KEEP_ZONE = """
SELECT format('ALTER DATABASE %I SET timezone TO %L', current_database(), :'engine_zone')
FROM pg_database WHERE datname = current_database() AND pg_has_role(datdba, 'USAGE')
  AND :'engine_zone' IS DISTINCT FROM ({chosen}) AND {wanted}
\\gexec
"""
SHUT_OUT = """
SELECT format(right_of, {here}, current_database())
FROM ({open}) o (creates, owns_schema, makes_temporary, owns_database),
     LATERAL (VALUES (creates AND owns_schema, 'REVOKE CREATE ON SCHEMA %1$I FROM PUBLIC'),
                     (makes_temporary AND owns_database,
                      'REVOKE TEMPORARY ON DATABASE %2$I FROM PUBLIC')) r (given, right_of)
WHERE given
\\gexec
"""
# Which roles of the cluster the abstract ones of the files are: as it was said, or was kept.
KEPT_ROLES = f"""
SELECT to_regclass(format('%I.%I', {HERE}, '{ROLES_TABLE}')) IS NOT NULL AS engine_keeps_roles
\\gset
\\if :engine_keeps_roles
SELECT coalesce(json_object_agg(name, role)::text, '') AS engine_roles
FROM :"engine_schema".{ROLES_TABLE}
\\gset
\\else
\\set engine_roles ''
\\endif
"""
ROLES = "json_each_text(nullif(:'engine_roles', '')::json)"
# As migrate has it: who runs later files without the setting would grant nobody anything.
KEEP_ROLES = f"""
DELETE FROM {ROLES_TABLE} WHERE name NOT IN (SELECT key FROM {ROLES});
INSERT INTO {ROLES_TABLE} (name, role) SELECT key, value FROM {ROLES}
ON CONFLICT (name) DO UPDATE SET role = excluded.role;
"""
NO_DEFAULTS = """
SELECT format('ALTER DEFAULT PRIVILEGES %s REVOKE ALL ON %s FROM %I',
              'IN SCHEMA ' || quote_ident(nullif(place, '')), kind, role)
FROM ({defaults}) d (kind, place, role)
\\gexec
"""
OURS_ALONE = """
SELECT format('REVOKE ALL ON %s %I.%I FROM %s',
              CASE WHEN of_sequence THEN 'SEQUENCE' ELSE 'TABLE' END, {here}, name,
              coalesce(quote_ident(nullif(role, '')), 'PUBLIC'))
FROM ({rights}) r (name, role, of_sequence, them)
\\gexec
"""


def beginning(
    given_zone: str | None, usual_zone: str | None, named: Mapping[str, str] | None
) -> str:
    """The head of the script, up to its first file.

    given_zone: that the database shall have, whatever it has; usual_zone: what it gets where it has
    none. named: the roles of the cluster by their abstract names; None for those that the database
    has kept.
    """
    pinned = pinned_settings.PINNED | pinned_settings.PRIVILEGED | QUIET
    settings = [f"({literal(name)}, {literal(value)})" for name, value in pinned.items()]
    settle = SETTLE.format(
        settings=", ".join(settings),
        privileged=", ".join(map(literal, pinned_settings.PRIVILEGED)),
        path=_asked(function_path.FILES_PATH),
    )
    zone = ZONE.format(
        given=literal(given_zone), chosen=_asked(time_zone.SETTING), usual=literal(usual_zone)
    )
    lines = [
        r"\set ON_ERROR_STOP on",
        r"\set ON_ERROR_ROLLBACK off",
        r"\set AUTOCOMMIT on",
        r"\set QUIET on",
        r"\encoding UTF8",
        "SELECT coalesce(pg_catalog.current_schema(), '') AS engine_schema",
        r"\gset",
        f"SET search_path = {own_sql.PATH};",
        zone.strip(),
        KEPT_ROLES.strip()
        if named is None
        else rf"\set engine_roles {_variable(roles.setting(named))}",
        "-- The settings that every file begins with.",
        rf"\set engine_settle {_variable(settle)}",
        RUN_SETTLE,
        SHUT_OUT.format(here=HERE, open=_asked(strangers.OPEN)).strip(),
    ]
    if named:
        lines.append(_roles())
    return "\n".join(lines)


def history(*, first: bool) -> str:
    """The table of the history. first: whether the script begins with the first file, so that the
    table is new, and default privileges may have given it to others."""
    lines = [
        for_psql.statement(history_table.CREATE),
        for_psql.statement(history_table.ADD_COLUMNS),
    ]
    if first:
        lines.append(_ours_alone(HISTORY_TABLE))
    return "\n".join(lines)


def _roles() -> str:
    """What sees to the roles before files run."""
    create = role_table.CREATE.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS")
    names = f"ARRAY(SELECT value FROM {ROLES})"
    defaults = _asked(strangers.DEFAULTS).replace("%(roles)s", names)
    lines = [
        for_psql.statement(create),
        _ours_alone(ROLES_TABLE),
        KEEP_ROLES.strip(),
        NO_DEFAULTS.format(defaults=defaults).strip(),
    ]
    return "\n".join(lines)


def _ours_alone(table: str) -> str:
    rights = _asked(own_table.RIGHTS).replace("%(tables)s", f"ARRAY[{literal(table)}]")
    return OURS_ALONE.format(here=HERE, rights=rights).strip()


def end(given_zone: str | None, usual_zone: str | None) -> str:
    """The end of the script: the time zone of the database."""
    if not (given_zone or usual_zone):
        return ""
    others = f"NOT EXISTS ({_asked(strangers.OTHER_PROGRAMS)})"
    keep = KEEP_ZONE.format(
        chosen=_asked(time_zone.SETTING), wanted="true" if given_zone else others
    )
    return f"{RUN_SETTLE}\n{keep.strip()}"


def between(*, new: bool) -> str:
    """What stands between two files. new: whether a new session is needed (Session.renew)."""
    return "\\connect" if new else "DISCARD ALL;"


def _asked(query: str) -> str:
    """A query of the engine's as psql takes it."""
    return query.replace("%(here)s", OID).replace("%%", "%")


def _variable(text: str) -> str:
    """A text as psql's \\set takes it: on one line."""
    quoted = text.strip().replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n")
    return f"'{quoted}'"
