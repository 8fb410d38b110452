"""What of a server a proof depends on: another one may print, refuse or offer something else."""

from __future__ import annotations

from contextlib import closing

from engine.connect.connection import connect
from engine.connect.scratch import is_alone, scratch_server
from engine.project import Project
from engine.schema import own_sql

# Each by a name, so that a test can go through them. A setting of the server may be hidden behind
# one of the database, which a scratch database has not: so when the files of settings were read
# last counts, too. What is not told to everybody is told by none of these.
FACTS = {
    "version": "version()",
    "settings read": "pg_conf_load_time()::text",
    "settings": "(SELECT string_agg(concat(name, '=', setting), chr(10) ORDER BY name COLLATE "
    "\"C\") FROM pg_settings WHERE name <> 'application_name')",
    # Of whoever logs in; what others log in with is theirs.
    "settings of the role": '(SELECT string_agg(s::text, chr(10) ORDER BY s::text COLLATE "C") '
    "FROM pg_db_role_setting s WHERE s.setdatabase = 0 AND (s.setrole = 0 OR s.setrole = "
    "(SELECT r.oid FROM pg_roles r WHERE r.rolname = session_user)))",
    "role": "(SELECT r::text FROM pg_roles r WHERE rolname = current_user)",
    "extensions": "(SELECT string_agg(concat(name, ' ', default_version), chr(10) "
    'ORDER BY name COLLATE "C") FROM pg_available_extensions)',
    "template": "(SELECT concat_ws(' ', datcollate, datctype, to_jsonb(d) ->> 'datlocprovider', "
    "to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale', "
    "to_jsonb(d) ->> 'datcollversion') FROM pg_database d WHERE datname = 'template0')",
}
DIGEST = (
    "SELECT encode(sha256(convert_to(concat_ws(chr(10), "
    f"{', '.join(FACTS.values())}), 'UTF8')), 'hex')"
)


def server_facts(project: Project) -> str:
    """A digest of them, of the server for scratch databases. Raises what connect() raises."""
    server = scratch_server(project)
    with closing(connect(server, autocommit=True)) as connection, connection.cursor() as cursor:
        alone = is_alone(cursor, server, project)
        own_sql.fetch(cursor, DIGEST.replace("%", "%%"))
        digest: str = cursor.fetchone()[0]
        return f"{digest} alone" if alone else digest
