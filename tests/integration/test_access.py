"""Permissions, roles per branch, sessions, and what must always be left: an owner, a default."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest

import registry
from domains.auth import seeds, sessions
from domains.auth.limits import LoginLimits
from domains.auth.models import AdminUser, Role, UserSession
from domains.auth.sessions import SessionEnded
from domains.locations.access import can, permissions_of
from domains.locations.models import Location, LocationUser
from domains.locations.operations import make_default
from engine.connect.peewee_database import EngineDatabase
from kernel.database_rules import rule_violations
from kernel.errors import RuleViolation
from kernel.permissions import UnknownPermission
from tests.support.project import Invoke

HOUR = LoginLimits(session_timeout_minutes=60)


def admin(username: str, role: str, **fields: Any) -> AdminUser:
    made: AdminUser = AdminUser.create(
        username=username,
        full_name=username,
        role=Role.get(Role.code == role),
        password_hash=seeds.ADMIN_PASSWORD_HASH,
        **fields,
    )
    return made


def branch(code: str, **fields: Any) -> Location:
    made: Location = Location.create(code=code, name=code, **fields)
    return made


def test_the_role_of_a_branch_counts_there_and_one_s_own_elsewhere(billing: EngineDatabase) -> None:
    bogor, depok, ubud = branch("BGR"), branch("DPK"), branch("UBD")
    budi = admin("budi", "technician")
    cashier = Role.get(Role.code == "cashier")
    LocationUser.create(location=bogor, admin_user=budi, role=cashier)
    LocationUser.create(location=depok, admin_user=budi)
    LocationUser.create(location=ubud, admin_user=AdminUser.get(), role=cashier)
    expected = {
        ("payments.write", bogor): True,
        ("payments.write", depok): False,
        ("payments.write", ubud): False,
        ("payments.write", None): False,
        ("routers.write", bogor): False,
        ("routers.write", depok): True,
        ("routers.write", ubud): True,
        ("routers.write", None): True,
    }
    assert {key: can(budi, key[0], location=key[1]) for key in expected} == expected
    assert permissions_of(budi, location=bogor) == frozenset(cashier.permissions)


def test_what_counts_is_what_the_database_says_now(billing: EngineDatabase) -> None:
    main, budi = Location.get(), admin("budi", "cashier")
    assert can(budi, "payments.write", location=main)
    AdminUser.update(is_active=False).where(AdminUser.id == budi.id).execute()
    LocationUser.create(location=main, admin_user=budi, role=Role.get(Role.code == "super_admin"))
    assert not can(budi, "payments.write", location=main)
    assert not can(budi, "payments.write")
    AdminUser.update(is_active=True).where(AdminUser.id == budi.id).execute()
    assert can(budi, "settings.write", location=main)
    assert not can(budi, "settings.write")
    Role.update(permissions=[]).where(Role.code == "cashier").execute()
    assert permissions_of(budi) == frozenset()
    LocationUser.delete().where(LocationUser.admin_user == budi).execute()
    budi.delete_instance()
    assert not can(budi, "payments.write")


def test_an_unknown_permission_is_an_error_and_not_a_no(billing: EngineDatabase) -> None:
    for boss in (AdminUser.get(), admin("gone", "cashier", is_active=False)):
        with pytest.raises(UnknownPermission, match=r"'payments\.refnd'.* payments\.refund\?"):
            can(boss, "payments.refnd")


def test_the_seeded_roles_name_declared_permissions_only(billing: EngineDatabase) -> None:
    declared = registry.load().permissions
    roles = {role.code: set(role.permissions) for role in Role.select()}
    assert roles["super_admin"] == declared
    assert roles["admin"] == declared - seeds.KEPT_FROM_ADMIN
    assert declared >= seeds.KEPT_FROM_ADMIN
    assert all(declared > names for code, names in roles.items() if code != "super_admin")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('domain.permissions("backups.run", "backups.run")', "backups.run is declared twice"),
        ('domain.permissions("payments.refund")', "permission payments.refund is registered twice"),
        ('domain.grants("backups.rum")', "permission backups.rum, which no domain declares"),
    ],
)
def test_the_registry_refuses_slips_with_permissions(
    line: str, message: str, project: Path, invoke: Invoke
) -> None:
    path = project / "domains/backups/__init__.py"
    path.write_text(f"{path.read_text()}    {line}\n")
    done = invoke(project, None, "domains")
    assert done.returncode == 1
    assert message in done.stderr
    assert "domains/backups" in done.stderr


def opened(boss: AdminUser, limits: LoginLimits = HOUR) -> tuple[UserSession, str]:
    return sessions.start(boss, limits, ip="10.0.0.9", user_agent="curl")


def test_only_the_hash_of_a_token_is_stored(billing: EngineDatabase) -> None:
    tokens = [opened(AdminUser.get())[1] for _ in range(3)]
    rows = billing.execute_sql(
        "SELECT user_sessions::text, token_hash FROM user_sessions"
    ).fetchall()
    assert {bytes(row[1]) for row in rows} == {
        hashlib.sha256(token.encode()).digest() for token in tokens
    }
    assert not any(token in row[0] for token in tokens for row in rows)
    assert min(map(len, tokens)) >= 43


def test_a_session_is_good_until_it_ends(billing: EngineDatabase) -> None:
    boss = AdminUser.get()
    ends: dict[str, Callable[[UserSession], Any]] = {
        "expired": lambda s: (
            UserSession.update(created_at="2020-01-01 00:00+00", expires_at="2020-01-02 00:00+00")
            .where(UserSession.id == s.id)
            .execute()
        ),
        "revoked": sessions.revoke,
        "all revoked": lambda s: sessions.revoke_all(boss),
        "inactive": lambda s: AdminUser.update(is_active=False).execute(),
    }
    admin("owner", "super_admin")
    for name, end in ends.items():
        session, token = opened(boss)
        found = sessions.check(token, HOUR)
        assert (found.id, found.admin_user.username) == (session.id, "admin"), name
        with billing.atomic() as transaction:
            end(session)
            with pytest.raises(SessionEnded):
                sessions.check(token, HOUR)
            transaction.rollback()
        assert sessions.check(token, HOUR).id == session.id, name
    for token in ("", "x", "\0", "é\udcff", opened(boss)[1] + "=", "x" * 100_000):
        with pytest.raises(SessionEnded):
            sessions.check(token, HOUR)


def test_use_moves_the_end_on_but_not_at_every_look(billing: EngineDatabase) -> None:
    session, token = opened(AdminUser.get())
    assert sessions.check(token, HOUR).expires_at == session.expires_at
    assert UserSession.get().updated_at == session.updated_at
    for minutes, moved in ((57, False), (53, True)):
        UserSession.update(expires_at=session.created_at + timedelta(minutes=minutes)).execute()
        before = UserSession.get().expires_at
        seen = sessions.check(token, HOUR).expires_at
        assert seen == UserSession.get().expires_at
        assert (seen > before) is moved
    assert timedelta(minutes=59) < seen - session.created_at < timedelta(minutes=62)


def test_a_session_ends_some_time_after_log_in_however_much_it_is_used(
    billing: EngineDatabase,
) -> None:
    _, token = opened(AdminUser.get())
    day = LoginLimits(session_timeout_minutes=600, session_lifetime_hours=24)
    earlier = {
        "created_at": UserSession.created_at - timedelta(hours=23),
        "expires_at": UserSession.created_at + timedelta(minutes=30),
    }
    UserSession.update(earlier).execute()
    end = UserSession.get().created_at + timedelta(hours=24)
    assert sessions.check(token, day).expires_at == end
    before = UserSession.get().updated_at
    assert sessions.check(token, day).expires_at == end
    assert UserSession.get().updated_at == before, "written at each look"
    with pytest.raises(SessionEnded):
        sessions.check(token, LoginLimits(session_lifetime_hours=22))


def test_whoever_is_activated_again_has_no_session_of_before(billing: EngineDatabase) -> None:
    boss, other = admin("boss", "cashier"), AdminUser.get()
    _, token = opened(boss)
    _, kept = opened(other)
    AdminUser.update(full_name="Boss", is_active=True).execute()
    assert sessions.check(token, HOUR)
    for active in (False, True):
        AdminUser.update(is_active=active).where(AdminUser.id == boss.id).execute()
        with pytest.raises(SessionEnded):
            sessions.check(token, HOUR)
    assert sessions.check(kept, HOUR)


def test_a_clock_that_is_put_back_revives_no_session(billing: EngineDatabase) -> None:
    """What had expired by it when all sessions were ended."""
    boss = admin("boss", "cashier")
    ends: tuple[Callable[[], int], ...] = (
        lambda: sessions.revoke_all(boss),
        lambda: AdminUser.update(is_active=False).where(AdminUser.id == boss.id).execute(),
    )
    for end in ends:
        session, token = opened(boss)
        later = session.expires_at
        one = UserSession.id == session.id
        UserSession.update(created_at="2020-01-01", expires_at="2020-01-02").where(one).execute()
        end()
        UserSession.update(created_at=session.created_at, expires_at=later).where(one).execute()
        AdminUser.update(is_active=True).where(AdminUser.id == boss.id).execute()
        with pytest.raises(SessionEnded):
            sessions.check(token, HOUR)


def test_revoking_counts_what_was_going_on(billing: EngineDatabase) -> None:
    boss, other = AdminUser.get(), admin("owner", "super_admin")
    first, _ = opened(boss)
    opened(boss)
    _, kept = opened(other)
    assert sessions.revoke(first)
    moment = UserSession.get_by_id(first.id).revoked_at
    assert not sessions.revoke(first)
    assert sessions.revoke_all(boss) == 1
    assert sessions.revoke_all(boss) == 0
    assert UserSession.get_by_id(first.id).revoked_at == moment
    assert sessions.check(kept, HOUR)


def test_a_revoked_session_does_not_come_back_by_use(billing: EngineDatabase) -> None:
    boss = AdminUser.get()
    opening = [opened(boss, LoginLimits(session_timeout_minutes=1)) for _ in range(20)]
    together = threading.Barrier(2, timeout=10)

    def use() -> None:
        for _, token in opening:
            together.wait()
            try:
                sessions.check(token, HOUR)
            except SessionEnded:
                continue
        billing.close()

    user = threading.Thread(target=use)
    user.start()
    for session, _ in opening:
        together.wait()
        assert sessions.revoke(session)
    user.join(20)
    for _, token in opening:
        with pytest.raises(SessionEnded):
            sessions.check(token, HOUR)


def deferred(cursor: Any, statement: str) -> None:
    cursor.execute(statement)
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("UPDATE admin_users SET is_active = false", "admin_users_last_super_admin_stays"),
        (
            "UPDATE admin_users SET role_id = (SELECT id FROM roles WHERE code = 'cashier')",
            "admin_users_last_super_admin_stays",
        ),
        ("DELETE FROM admin_users WHERE username = 'admin'", "admin_users_last_super_admin_stays"),
        ("UPDATE roles SET code = 'boss' WHERE code = 'super_admin'", "roles_system_role_stays"),
        ("UPDATE roles SET is_system = false", "roles_system_role_stays"),
        ("DELETE FROM roles WHERE code = 'reseller'", "roles_system_role_stays"),
        ("UPDATE locations SET is_default = false", "locations_one_is_default"),
        ("DELETE FROM locations WHERE is_default", "locations_one_is_default"),
        ("UPDATE locations SET is_active = false", "locations_default_is_active_check"),
        (
            "INSERT INTO locations (code, name, is_default) VALUES ('X', 'X', true)",
            "locations_is_default_key",
        ),
    ],
)
def test_an_owner_and_a_default_are_always_left(statement: str, rule: str, cursor: Any) -> None:
    cursor.execute("INSERT INTO locations (code, name) VALUES ('BGR', 'Bogor')")
    cursor.execute(
        "INSERT INTO admin_users (username, full_name, role_id, password_hash)"
        " SELECT 'budi', 'Budi', id, %s FROM roles WHERE code = 'cashier'",
        (seeds.ADMIN_PASSWORD_HASH,),
    )
    with pytest.raises(psycopg2.IntegrityError) as refused:
        deferred(cursor, statement)
    assert refused.value.diag.constraint_name == rule


def test_the_first_location_must_be_the_default(cursor: Any) -> None:
    deferred(cursor, "DELETE FROM locations")
    cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    with pytest.raises(psycopg2.IntegrityError, match="no branch would be the default"):
        deferred(cursor, "INSERT INTO locations (code, name) VALUES ('BGR', 'Bogor')")


def test_an_office_may_be_handed_over(billing: EngineDatabase) -> None:
    admin("owner", "super_admin")
    AdminUser.update(is_active=False).where(AdminUser.username == "admin").execute()
    with pytest.raises(RuleViolation) as refused, rule_violations():
        AdminUser.update(is_active=False).execute()
    assert refused.value.rule == "admin_users_last_super_admin_stays"
    Role.update(name="Boss", permissions=["admins.read"]).where(Role.code == "admin").execute()
    Role.create(code="intern", name="Intern")
    assert Role.delete().where(Role.code == "intern").execute() == 1


def test_two_owners_do_not_both_lay_down_their_office(billing: EngineDatabase) -> None:
    admin("owner", "super_admin")
    both = threading.Barrier(2, timeout=10)

    def leave(username: str) -> bool:
        try:
            with rule_violations(), billing.atomic():
                AdminUser.update(is_active=False).where(AdminUser.username == username).execute()
                both.wait()
                billing.execute_sql("SET CONSTRAINTS ALL IMMEDIATE")
                time.sleep(0.3)
        except RuleViolation:
            return False
        finally:
            billing.close()
        return True

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(leave, ["admin", "owner"])) == [False, True]
    assert AdminUser.select().where(AdminUser.is_active).count() == 1


def test_the_default_moves_whoever_else_moves_it(billing: EngineDatabase) -> None:
    branches = [branch(f"B{number}") for number in range(4)]
    together = threading.Barrier(4, timeout=10)

    def move(location: Location) -> None:
        together.wait()
        for _ in range(5):
            make_default(location)
        billing.close()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(move, branches))
    assert Location.select().where(Location.is_default).count() == 1
    closed = branch("OFF", is_active=False)
    with pytest.raises(RuleViolation) as refused:
        make_default(closed)
    assert refused.value.rule == "locations_default_is_active_check"
    assert Location.get(Location.is_default).code in {"B0", "B1", "B2", "B3"}
    make_default(Location.get(Location.code == "MAIN"))
    assert Location.get(Location.is_default).code == "MAIN"
