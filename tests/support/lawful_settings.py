"""What anybody may set for a role or a database: every setting of a server that a session may have
of its own, with values at the ends of what it takes."""

from __future__ import annotations

from typing import Any

from tests.support.databases import query

Setting = tuple[str, str]

# Of these PostgreSQL itself works no more, tells miles of what it does, or asks for hardware.
LEFT_OUT = (
    r"^(geqo|tcp_|log_|debug_print|trace_|jit_.*_?cost$|jit_dump|wal_cons|ignore_|zero_damaged)"
    r"|^transaction_|_librar|_path$|^extension_|^debug_discard|^temp_file_limit|^max_stack_depth"
    r"|_timeout$|^seed$|^temp_buffers|^logical_decoding|^hash_mem|^client_connection_check|^role$"
    r"|^default_transaction_read_only$|^restrict_nonsystem|^session_auth|^is_superuser|^search_path"
)
SETTINGS = f"""
    SELECT name, context, vartype, min_val, max_val, enumvals FROM pg_settings
    WHERE context IN ('user', 'superuser') AND name !~ '{LEFT_OUT}' ORDER BY name
"""
TEXTS = {
    "DateStyle": ["SQL, DMY", "German", "Postgres, YMD"],
    "TimeZone": ["Asia/Jakarta", "America/St_Johns", "<x>+3"],
    "client_encoding": ["LATIN1", "SQL_ASCII", "EUC_JP"],
    "default_tablespace": ["pg_default"],
    "temp_tablespaces": ["pg_default"],
    "default_text_search_config": ["pg_catalog.simple"],
    "lc_monetary": ["C"],
    "lc_numeric": ["C"],
    "lc_time": ["C"],
    "timezone_abbreviations": ["Australia", "India"],
    "application_name": ["x'y\\"],
    "createrole_self_grant": ["set, inherit"],
}
# Of PL/pgSQL, which are there once it has been used.
OF_LANGUAGE = [
    *(("plpgsql.extra_errors", "user", ["all"]), ("plpgsql.extra_warnings", "user", ["all"])),
    *(("plpgsql.check_asserts", "user", ["off"]),),
    *(("plpgsql.print_strict_params", "user", ["on"]),),
    *(("plpgsql.variable_conflict", "superuser", ["use_column", "use_variable"]),),
]


def lawful(url: str) -> list[tuple[str, str, list[str]]]:
    """(name, whose it is to set: `user` or `superuser`, values) of all settings there."""
    choices = [
        (name, context, _values(name, kind, least, most, among))
        for name, context, kind, least, most, among in query(url, SETTINGS)
    ]
    return [choice for choice in [*choices, *OF_LANGUAGE] if choice[2]]


def _values(name: str, kind: str, least: Any, most: Any, among: Any) -> list[str]:
    if kind == "bool":
        return ["on", "off"]
    if kind == "enum":
        return list(among)
    return TEXTS.get(name, []) if kind == "string" else [least, most]
