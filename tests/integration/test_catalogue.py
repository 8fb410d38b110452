"""The migrated database's catalogs and seeds, held against what every table promises."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import bcrypt
import pytest
from peewee import Field, ForeignKeyField, JSONField

import registry
from domains.locations.models import Location
from domains.system.models import Setting, SettingType
from domains.whatsapp.models import WhatsappTemplate
from domains.whatsapp.operations import PLACEHOLDER
from engine.schema.own_tables import OWN_TABLES

pytestmark = pytest.mark.each

REGISTRY = registry.load()
MODELS = {model._meta.table_name: model for domain in REGISTRY for model in domain.tables}
OURS = f"relnamespace = 'public'::regnamespace AND relname NOT IN {OWN_TABLES}"
TABLES = f"(SELECT oid, relname FROM pg_class WHERE relkind = 'r' AND {OURS}) AS t"
# indkey, indclass and their like count from 0; a slice of them counts from 1
INDEXES = f"""
    SELECT t.relname, c.relname, i.indisunique, i.indnkeyatts,
           coalesce(pg_get_expr(i.indpred, i.indrelid), ''), am.amname, i.indkey::int[],
           ARRAY(SELECT concat_ws(' ', pg_get_indexdef(i.indexrelid, k, false), i.indclass[k - 1],
                                  i.indcollation[k - 1], i.indoption[k - 1])
                 FROM generate_series(1, i.indnkeyatts) AS k)
    FROM pg_index i JOIN {TABLES} ON t.oid = i.indrelid
    JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am am ON am.oid = c.relam
    ORDER BY 1, 2
"""


def rows(cursor: Any, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
    cursor.execute(query, parameters or None)
    found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def indexes(cursor: Any) -> list[dict[str, Any]]:
    names = ("table", "name", "unique", "width", "predicate", "method", "columns", "keys")
    return [dict(zip(names, row, strict=True)) for row in rows(cursor, INDEXES)]


def test_there_are_32_tables_and_more_than_70_indexes(cursor: Any) -> None:
    tables = [name for (name,) in rows(cursor, f"SELECT relname FROM {TABLES}")]
    assert sorted(tables) == sorted(MODELS)
    assert len(tables) == 32
    own = [index for index in indexes(cursor) if not index["name"].endswith("_pkey")]
    print(f"{len(own)} indexes besides {len(tables)} primary keys")
    assert len(own) >= 70


def test_every_key_is_a_bigint_identity(cursor: Any) -> None:
    found = rows(
        cursor,
        f"""
        SELECT t.relname, format_type(a.atttypid, a.atttypmod), a.attidentity::text,
               pg_get_constraintdef(k.oid)
        FROM {TABLES} JOIN pg_attribute a ON a.attrelid = t.oid AND a.attname = 'id'
        JOIN pg_constraint k ON k.conrelid = t.oid AND k.contype = 'p'
        """,
    )
    assert {row[0] for row in found} == set(MODELS)
    assert {row[1:] for row in found} == {("bigint", "d", "PRIMARY KEY (id)")}


def test_no_moment_is_without_a_zone(cursor: Any) -> None:
    types = Counter(
        kind
        for (kind,) in rows(
            cursor,
            f"SELECT format_type(atttypid, NULL) FROM pg_attribute JOIN {TABLES} "
            "ON t.oid = attrelid WHERE attnum > 0 AND NOT attisdropped",
        )
    )
    assert types["timestamp with time zone"] >= 64
    assert not {kind for kind in types if re.match("time.*without|time with", kind)}
    zoned = rows(cursor, "SELECT indexdef FROM pg_indexes WHERE indexdef ILIKE '% zone %'")
    assert zoned == []


def test_every_foreign_key_says_what_a_deletion_does(cursor: Any) -> None:
    keys = rows(
        cursor,
        f"SELECT conname, confdeltype::text FROM pg_constraint JOIN {TABLES} ON t.oid = conrelid "
        "WHERE contype = 'f'",
    )
    declared = [f for m in MODELS.values() for f in m._meta.sorted_fields]
    assert len(keys) == len([f for f in declared if isinstance(f, ForeignKeyField)])
    assert [name for name, action in keys if action == "a"] == []


def test_every_foreign_key_leads_an_index(cursor: Any) -> None:
    """A partial index serves where it leaves out only the rows that refer to nothing."""
    led: set[tuple[str, int]] = set()
    for index in indexes(cursor):
        only_nulls_left_out = re.fullmatch(r"\((\w+) IS NOT NULL\)", index["predicate"])
        if index["method"] == "btree" and (
            not index["predicate"]
            or (only_nulls_left_out and only_nulls_left_out[1] == index["keys"][0].split(" ")[0])
        ):
            led.add((index["table"], index["columns"][0]))
    keys = rows(
        cursor,
        f"SELECT conname, t.relname, conkey FROM pg_constraint JOIN {TABLES} ON t.oid = conrelid "
        "WHERE contype = 'f'",
    )
    assert {len(columns) for _, _, columns in keys} == {1}
    assert [name for name, table, columns in keys if (table, columns[0]) not in led] == []


def test_no_index_repeats_another(cursor: Any) -> None:
    found = indexes(cursor)
    repeated = [
        (shorter["name"], longer["name"])
        for shorter in found
        for longer in found
        if shorter is not longer
        and all(shorter[part] == longer[part] for part in ("table", "predicate", "method"))
        and longer["keys"][: shorter["width"]] == shorter["keys"]
    ]
    assert repeated == []


def test_no_index_is_on_a_lone_boolean(cursor: Any) -> None:
    """But a partial unique one, which is a rule: one row at the most has the flag."""
    booleans = {
        (table, number)
        for table, number in rows(
            cursor,
            f"SELECT t.relname, attnum::int FROM pg_attribute JOIN {TABLES} ON t.oid = attrelid "
            "WHERE atttypid = 'boolean'::regtype",
        )
    }
    lone = [
        index["name"]
        for index in indexes(cursor)
        if index["width"] == 1
        and (index["table"], index["columns"][0]) in booleans
        and not (index["unique"] and index["predicate"])
    ]
    assert lone == []


def test_updated_at_is_kept_where_it_is_and_only_there(cursor: Any) -> None:
    definitions = dict(
        rows(
            cursor,
            f"SELECT t.relname, pg_get_triggerdef(g.oid, true) FROM pg_trigger g JOIN {TABLES} "
            "ON t.oid = g.tgrelid WHERE tgfoid = 'set_updated_at'::regproc AND tgenabled = 'O'",
        )
    )
    having = rows(
        cursor,
        f"SELECT t.relname FROM pg_attribute JOIN {TABLES} ON t.oid = attrelid "
        "WHERE attname = 'updated_at' AND attnotnull",
    )
    assert set(definitions) == {table for (table,) in having}
    assert set(definitions) == {
        name for name, m in MODELS.items() if "updated_at" in m._meta.fields
    }
    for table, definition in definitions.items():
        assert definition == (
            f"CREATE TRIGGER {table}_updated_at BEFORE UPDATE ON {table} FOR EACH ROW "
            "WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION set_updated_at()"
        )


def test_updated_at_moves_when_the_row_really_changes(cursor: Any) -> None:
    query = "SELECT updated_at = now(), updated_at FROM locations WHERE code = 'MAIN'"
    before = rows(cursor, query)
    cursor.execute("UPDATE locations SET name = name")
    assert rows(cursor, query) == before
    assert before[0][0] is False
    cursor.execute("UPDATE locations SET address = 'Jl. Merdeka 1', updated_at = '2000-01-01'")
    assert rows(cursor, query)[0][0] is True


def default_of(field: Field[Any]) -> Any:
    value = field.default() if callable(field.default) else field.default
    return json.dumps(value) if isinstance(field, JSONField) else field.db_value(value)


def test_a_plain_writer_gets_the_defaults_that_python_has(cursor: Any) -> None:
    """PostgreSQL itself compares the two values, as values of the column's type."""
    expressions = {
        (table, column): (expression, kind)
        for table, column, expression, kind in rows(
            cursor,
            f"SELECT t.relname, attname, pg_get_expr(adbin, adrelid), "
            f"format_type(atttypid, atttypmod) FROM pg_attrdef JOIN {TABLES} ON t.oid = adrelid "
            "JOIN pg_attribute a ON a.attrelid = adrelid AND a.attnum = adnum",
        )
    }
    compared = 0
    for table, model in MODELS.items():
        for field in model._meta.sorted_fields:
            if field.default is None or field.null:
                continue
            place = (table, field.column_name)
            assert place in expressions, f"{place} has no default in the database"
            expression, kind = expressions[place]
            value = default_of(field)
            same = rows(cursor, f"SELECT ({expression}) = %s::{kind}", value)
            assert same == [(True,)], (place, expression, value)
            compared += 1
    assert compared > 50


def test_every_table_and_column_has_a_comment(cursor: Any) -> None:
    silent = rows(
        cursor,
        f"SELECT t.relname, a.attname FROM {TABLES} JOIN pg_attribute a ON a.attrelid = t.oid "
        "WHERE attnum > 0 AND NOT attisdropped AND length(btrim(coalesce("
        "col_description(t.oid, attnum), ''))) < 5 UNION ALL SELECT t.relname, NULL "
        f"FROM {TABLES} WHERE length(btrim(coalesce(obj_description(t.oid, 'pg_class'), ''))) < 15",
    )
    assert silent == []


def test_a_name_is_whole_and_there_once(cursor: Any) -> None:
    """PostgreSQL cuts a name after 63 bytes without an error, so none may be as long."""
    names = [
        name
        for (name,) in rows(
            cursor,
            f"SELECT conname FROM pg_constraint JOIN {TABLES} ON t.oid = conrelid "
            "WHERE contype IN ('p', 'u', 'c', 'f', 'x') "
            f"UNION ALL SELECT relname FROM pg_class c WHERE relkind = 'i' AND {OURS} "
            "AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = c.oid "
            "AND contype IN ('p', 'u', 'x')) AND relname NOT LIKE 'pg\\_%'",
        )
    ]
    assert [name for name, times in Counter(names).items() if times > 1] == []
    assert [name for name in names if len(name.encode()) >= 63] == []
    wanted = {name for domain in REGISTRY for kind, name, _ in domain.objects() if kind == "index"}
    assert wanted <= set(names)


@pytest.mark.only("newest")
def test_the_seeded_admin_can_log_in_and_must_choose_a_password(cursor: Any) -> None:
    ((username, stored, must_change, active, role),) = rows(
        cursor,
        "SELECT username, password_hash, must_change_password, a.is_active, r.code "
        "FROM admin_users a JOIN roles r ON r.id = a.role_id",
    )
    assert (username, must_change, active, role) == ("admin", True, True, "super_admin")
    assert bcrypt.checkpw(b"admin123", stored.encode())
    assert not bcrypt.checkpw(b"admin1234", stored.encode())


def test_roles_hold_permissions_that_a_domain_declares(cursor: Any) -> None:
    roles = dict(rows(cursor, "SELECT code, permissions FROM roles"))
    assert set(roles) == {
        *("super_admin", "admin", "operator", "technician", "cashier", "reseller")
    }
    for permissions in roles.values():
        assert len(set(permissions)) == len(permissions) > 0
        assert set(permissions) <= REGISTRY.permissions
    assert set(roles["super_admin"]) == REGISTRY.permissions


def test_templates_declare_their_placeholders_and_no_others(models: Any) -> None:
    templates = list(WhatsappTemplate.select())
    assert len(templates) == 8
    for template in templates:
        placeholders = PLACEHOLDER.findall(template.body)
        assert set(placeholders) == set(template.variables)
        assert len(set(template.variables)) == len(template.variables)


PYTHON = {
    SettingType.STRING: str,
    SettingType.INTEGER: int,
    SettingType.NUMBER: (int, float),
    SettingType.BOOLEAN: bool,
    SettingType.ARRAY: list,
    SettingType.OBJECT: dict,
}


def test_settings_are_of_their_type(models: Any) -> None:
    settings = list(Setting.select())
    assert len(settings) >= 20
    for setting in settings:
        assert isinstance(setting.value, PYTHON[setting.type]), setting.key
        assert isinstance(setting.value, bool) == (setting.type == SettingType.BOOLEAN)


def test_one_location_is_the_default(models: Any) -> None:
    (location,) = Location.select().where(Location.is_default)
    assert (location.name, location.is_active) == ("Main Office", True)
    assert location.timezone == "Asia/Jakarta"


@pytest.mark.parametrize("table", sorted(MODELS))
def test_a_column_is_nullable_where_its_model_says_so(cursor: Any, table: str) -> None:
    found = dict(
        rows(
            cursor,
            "SELECT attname, NOT attnotnull FROM pg_attribute WHERE attrelid = %s::regclass "
            "AND attnum > 0 AND NOT attisdropped",
            table,
        )
    )
    assert found == {f.column_name: f.null for f in MODELS[table]._meta.sorted_fields}
