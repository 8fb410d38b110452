"""Branches in an application at work: who may is who sees, every operation under policies, log-in,
many threads behind a pooler, and turning them on and off."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import application as door
from application.acting import SETTING, new_key
from application.pool import EnginePool
from domains.auth.login import log_in
from domains.auth.models import AdminUser
from domains.customers.models import Customer
from domains.locations.access import can
from domains.locations.models import Location
from domains.system.limits import login_limits
from engine.errors import ConfigError
from kernel.errors import Unavailable
from kernel.secrets import new_key as new_secret_key
from tests.support import as_app, branches, money, pgbouncer
from tests.support.console import call
from tests.support.databases import execute, name_of, query
from tests.support.operations import OPERATIONS, World
from tests.support.pools import in_threads

PERMISSION = "customers.read"
# Which role one has: without any permission, with that one, with another.
ROLES = ("none", "reader", "other")
POPULATION = """
    INSERT INTO roles (code, name, permissions)
    VALUES ('none', 'n', '{}'), ('reader', 'r', '{customers.read}'), ('other', 'o', '{x.y}');
    INSERT INTO locations (code, name) VALUES ('A', 'a'), ('B', 'b'), ('C', 'c');
    INSERT INTO settings (location_id, key, value, type, category, description)
    SELECT id, 'sign', '"x"', 'string', 'shop', 'x' FROM locations;
    INSERT INTO admin_users (username, full_name, role_id, password_hash)
    SELECT 'drawn', 'x', r.id, a.password_hash FROM roles r, admin_users a WHERE r.code = 'none';
    INSERT INTO user_sessions (admin_user_id, token_hash, expires_at)
    SELECT id, sha256('x'), now() + interval '1 day' FROM admin_users WHERE username = 'drawn'
    RETURNING id
"""
PLACE = """
    INSERT INTO location_users (location_id, admin_user_id, role_id)
    SELECT l.id, a.id, (SELECT id FROM roles WHERE code = %s) FROM locations l, admin_users a
    WHERE l.code = %s AND a.username = 'drawn'
"""
OWN = "UPDATE admin_users SET role_id = (SELECT id FROM roles WHERE code = %s)"
SEEN = "SELECT l.code FROM settings s JOIN locations l ON l.id = s.location_id"


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    own=st.sampled_from(ROLES),
    places=st.dictionaries(st.sampled_from("ABC"), st.sampled_from((*ROLES, None))),
    active=st.booleans(),
)
def test_who_may_anything_in_a_branch_sees_its_rows(
    own: str, places: dict[str, str | None], active: bool, models: Any
) -> None:
    """As can() answers, for every branch; a role of a branch of None is one's own."""
    models.execute("SAVEPOINT drawn")
    models.execute(POPULATION)
    (session,) = models.fetchone()
    models.execute(f"{OWN}, is_active = %s WHERE username = 'drawn'", (own, active))
    for place, role in places.items():
        models.execute(PLACE, (role, place))
    admin: Any = AdminUser.get(AdminUser.username == "drawn")
    branches_of: dict[str, Any] = {place.code: place for place in Location.select()}
    may = {code for code, place in branches_of.items() if can(admin, PERMISSION, location=place)}
    given_role = {code: places.get(code) or own for code in branches_of}
    works = {code for code in branches_of if active and given_role[code] != "none"}
    assert may == {code for code in works if given_role[code] == "reader"}
    try:
        models.execute("SELECT begin_acting(%s, '')", (session,))
    except psycopg2.errors.InvalidAuthorizationSpecification:
        seen = set()
        assert not active
    else:
        models.execute("SET LOCAL ROLE tests_app")
        models.execute(f"{SEEN} WHERE s.key = 'sign'")
        seen = {code for (code,) in models.fetchall()}
    assert seen == works
    models.execute("ROLLBACK TO SAVEPOINT drawn")


@pytest.fixture
def provider(migrated_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Two branches, which are on, and an application with both keys."""
    monkeypatch.setenv(SETTING, branches.KEY)
    monkeypatch.setenv("BILLING_SECRET_KEYS", new_secret_key())
    branches.furnish(migrated_url, on=True)
    yield migrated_url
    door.disconnect()


@pytest.fixture
def pool(provider: str) -> EnginePool:
    return door.connect(as_app.as_role(provider, "app"), size=2)


# What no user does, or for more than one branch.
FOR_ALL = {
    *("take_callback", "process_event", "process_unprocessed", "transfer", "make_default"),
}


def test_every_operation_works_under_policies(provider: str, pool: EnginePool) -> None:
    """Jobs, callbacks and moves for all branches, all others for the one that a user works in."""
    west = branches.sessions(provider)["west"]
    failed = {}
    with closing(psycopg2.connect(provider)) as owner:
        owner.autocommit = True
        cursor = owner.cursor()
        for name, prepare in OPERATIONS.items():
            block = pool.acting_for_all("a test") if name in FOR_ALL else pool.acting(west)
            try:
                with block:
                    prepare(World(cursor))()
            except Exception as error:
                failed[name] = error
        money.audit(cursor)
    assert failed == {}


WIDENING = [
    "UPDATE roles SET permissions = '{x.y}' WHERE code = 'nobody'",
    "INSERT INTO roles (code, name, permissions) VALUES ('mine', 'x', '{x.y}')",
    "UPDATE admin_users SET role_id = (SELECT id FROM roles WHERE code = 'super_admin')"
    " WHERE username = 'west'",
    "UPDATE admin_users SET username = 'boss' WHERE username = 'admin'",
    "UPDATE admin_users SET password_hash = (SELECT password_hash FROM admin_users WHERE username"
    " = 'west') || '' WHERE username = 'admin' AND password_hash <> repeat('x', 9)",
    "INSERT INTO admin_users (username, full_name, role_id, password_hash)"
    " SELECT 'mine', 'x', r.id, a.password_hash FROM roles r, admin_users a"
    " WHERE r.code = 'super_admin' AND a.username = 'admin'",
    "INSERT INTO user_sessions (admin_user_id, token_hash, expires_at)"
    " SELECT id, sha256('mine'), now() + interval '1 hour' FROM admin_users"
    " WHERE username = 'admin'",
    "INSERT INTO location_users (location_id, admin_user_id) SELECT l.id, a.id"
    " FROM locations l, admin_users a WHERE l.code = 'EAST' AND a.username = 'west'",
    "UPDATE user_sessions SET revoked_at = NULL WHERE revoked_at IS NOT NULL",
    "UPDATE user_sessions SET expires_at = now() + interval '1 hour' WHERE expires_at < now()",
]
ENDED = """
    INSERT INTO user_sessions (admin_user_id, token_hash, created_at, expires_at, revoked_at)
    SELECT id, sha256(why::bytea), '2026-01-01', '2026-01-02', nullif(why, 'expired')::timestamptz
    FROM admin_users, unnest(ARRAY['expired', '2026-01-01 12:00']) why WHERE username = 'admin'
"""

REFUSED = r"acts for all branches alone|row-level security"


def test_no_row_that_one_may_write_leads_into_another_branch(
    provider: str, pool: EnginePool
) -> None:
    execute(
        provider,
        "UPDATE admin_users SET password_hash ="
        " regexp_replace(password_hash, '.$', 'x') WHERE username = 'west'",
    )
    execute(provider, ENDED)
    staff = branches.sessions(provider)
    refused = psycopg2.errors.InsufficientPrivilege
    for statement in WIDENING:
        for begin in ("", "COMMIT; "):
            with pytest.raises(refused, match=REFUSED), pool.acting(staff["west"]):
                pool.cursor().execute(begin + statement)
            pool.close_all()
        with pool.acting(staff["admin"]):  # who works in all of them
            cursor = pool.cursor()
            cursor.execute(f"SAVEPOINT here; {statement}; ROLLBACK TO SAVEPOINT here")


def test_log_in_is_for_all_branches(provider: str, pool: EnginePool) -> None:
    with pool.connection_context(), pytest.raises(Unavailable, match="acts for all branches alone"):
        log_in("admin", "admin123", login_limits())
    with pool.acting_for_all("log-in"):
        entered = log_in("admin", "admin123", login_limits())
    with pool.acting(entered.session):
        assert Customer.select().count() == 8


def test_threads_behind_a_pooler_see_their_own_branch_alone(provider: str, server: Any) -> None:
    """All on one session of the server; the role is the one that the database gives it."""
    if pgbouncer.program() is None:
        pytest.skip("PgBouncer is not installed: apt-get install pgbouncer")
    name = name_of(provider)
    execute(provider, f"ALTER DATABASE {name} SET role = 'tests_app'")
    staff = branches.sessions(provider)
    expected = {"west": 4, "east": 4, "idle": 0, "admin": 8}
    with pgbouncer.running(server, "transaction", 1) as running:
        pool = door.connect(running.url(name), size=8, timeout=30)
        names = iter([*expected, *expected])
        together = threading.Barrier(8, timeout=30)

        def work() -> bool:
            mine, right = next(names), True
            together.wait()
            for _ in range(5):
                with pool.acting(staff[mine]):
                    right &= Customer.select().count() == expected[mine]
                with pool.connection_context():
                    right &= Customer.select().count() == 0
            return right

        assert in_threads(8, work) == [True] * 8


def test_branches_are_turned_on_and_off(migrated_url: str, tmp_path: Path) -> None:
    branches.furnish(migrated_url, on=False)
    app = as_app.as_role(migrated_url, "app")
    seen, kept = "SELECT count(*) FROM customers", "SELECT value FROM migratekeys"
    assert query(app, seen) == [(8,)]
    assert json.loads(call(migrated_url, "branches", "--json").out)["on"] is False
    assert "is not set" in call(migrated_url, "branches.on").err
    key = {SETTING: call(migrated_url, "branches.key").out.strip()}
    assert "has no role of its own" in call(migrated_url, "branches.on", **key).err
    assert query(app, seen) == [(8,)]
    roles = {"DB_ROLES": "app:tests_app,report:tests_report"}
    assert call(migrated_url, "roles", "--apply", **roles).code == 0
    assert call(migrated_url, "branches.on", **key).code == 0
    assert query(app, seen) == [(0,)]
    listed = call(migrated_url, "branches").out
    assert "branches are on" in listed
    assert "  invoice_items: invoice_id → invoices\n" in listed
    assert "  payment_methods: shared\n" in listed
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        query(app, kept)
    # the owner's work needs no key
    assert call(migrated_url, "backup", "--path", str(tmp_path)).code == 0
    execute(migrated_url, "GRANT SELECT ON migratekeys TO tests_app")  # by hand, and not for long
    other = {SETTING: new_key()}
    assert call(migrated_url, "branches.on", **other).code == 0
    assert query(migrated_url, kept) == [(other[SETTING],)]
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        query(app, kept)
    assert call(migrated_url, "branches.off").code == 0
    assert query(app, seen) == [(8,)]
    assert "is no key" in call(migrated_url, "branches.on", **{SETTING: "x" * 64}).err


def test_policies_that_let_everybody_pass_keep_no_branches_apart(migrated_url: str) -> None:
    """As a dump from Citus has them."""
    branches.furnish(migrated_url, on=False)
    execute(migrated_url, "ALTER POLICY customers_branch ON customers USING (true)")
    refused = call(migrated_url, "branches.on", **{SETTING: branches.KEY}).err
    assert "every row pass: customers_branch." in refused
    assert "`invoke check --live` prints the statements" in refused
    staff = branches.sessions(migrated_url)
    pool = door.connect(as_app.as_role(migrated_url, "app"), size=1)
    try:
        with pool.acting(staff["admin"]):
            assert Customer.select().count() == 8
        with pytest.raises(ConfigError, match="let every row pass"), pool.acting(staff["west"]):
            raise AssertionError("acts")
        with pool.connection_context():
            assert not pool.in_transaction()
    finally:
        door.disconnect()
