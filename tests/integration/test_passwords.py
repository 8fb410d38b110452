"""Log-in: nobody learns who has an account, and nobody guesses more often than the limits allow."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import bcrypt
import psycopg2
import pytest
from peewee import IntegrityError

from domains.auth import passwords, sessions
from domains.auth.limits import LoginLimits
from domains.auth.login import AttemptUncounted, LogIn, LoginRefused, SeededPassword, log_in
from domains.auth.models import AdminUser, Role, UserSession
from domains.auth.passwords import (
    PasswordRefused,
    UnknownAdmin,
    find_admin,
    set_password,
)
from domains.auth.seeds import ADMIN_PASSWORD_HASH
from domains.system.limits import login_limits
from domains.system.models import ActivityLog, Setting
from engine.connect.connection import connect
from engine.connect.environment import is_production
from engine.connect.peewee_database import EngineDatabase
from engine.errors import ConfigError
from engine.manage import environment
from tests.support.console import at_terminal, call
from tests.support.databases import execute, name_of
from tests.support.project import ROOT, Invoke
from tests.support.runners import at
from tests.support.usual import usually_each

COST = 10
TASK = ["admin.password", "admin", "--must-change"]
GOOD, WRONG = "kata sandi baik", "kata sandi salah"
LIMITS = LoginLimits()


class Work:
    """Real bcrypt, its rounds counted. each: called before every check."""

    def __init__(self) -> None:
        self.rounds = 0
        self.checked: list[str] = []
        self.each: Callable[[], None] = lambda: None

    def checkpw(self, password: bytes, hashed: bytes) -> bool:
        self.rounds += 2 ** passwords.cost_of(hashed.decode())
        self.checked.append(hashed.decode())
        self.each()
        return bcrypt.checkpw(password, hashed)

    def __getattr__(self, name: str) -> Any:
        return getattr(bcrypt, name)


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    counted = Work()
    monkeypatch.setattr(passwords, "bcrypt", counted)
    return counted


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "COST", COST)
    monkeypatch.delenv("BILLING_ENVIRONMENT", raising=False)


@pytest.fixture(scope="module")
def good_hash() -> str:
    return bcrypt.hashpw(GOOD.encode(), bcrypt.gensalt(COST)).decode()


@pytest.fixture
def budi(billing: EngineDatabase, good_hash: str) -> Iterator[AdminUser]:
    # the seeded hash has cost 12, and a refusal takes the work of the dearest hash
    AdminUser.update(password_hash=good_hash).execute()
    yield AdminUser.create(
        username="Budi",
        full_name="Budi",
        role=Role.get(Role.code == "cashier"),
        password_hash=good_hash,
        must_change_password=False,
    )


def refused(
    username: str, password: str, limits: LoginLimits = LIMITS, ip: str | None = None
) -> str:
    with pytest.raises(LoginRefused) as caught:
        log_in(username, password, limits, ip=ip)
    return str(caught.value)


def failures(username: str = "Budi") -> tuple[int, bool]:
    found = AdminUser.get(AdminUser.username == username)
    return found.failed_logins, found.locked_until is not None


def test_the_documented_password_logs_in_and_must_be_changed(billing: EngineDatabase) -> None:
    entered = log_in("ADMIN", "admin123", login_limits(), ip="10.1.2.3", user_agent="curl")
    assert isinstance(entered, LogIn)
    assert (entered.admin.username, entered.must_change_password) == ("admin", True)
    assert entered.session.ip == "10.1.2.3"
    assert AdminUser.get().last_login_at is not None
    set_password(entered.admin, GOOD, least=8)
    refused("admin", "admin123")
    assert not log_in("admin", GOOD, LIMITS).must_change_password


@pytest.mark.only("newest")
def test_every_refusal_says_the_same_for_the_same_work(budi: AdminUser, work: Work) -> None:
    role, common = budi.role, {"password_hash": budi.password_hash}
    AdminUser.create(username="gone", full_name="G", role=role, is_active=False, **common)
    AdminUser.create(username="locked", full_name="L", role=role, **common)
    AdminUser.update(locked_until="2099-12-31 00:00Z").where(
        AdminUser.username == "locked"
    ).execute()
    attempts = [
        *(("nobody", GOOD), ("Budi", WRONG), ("gone", GOOD), ("locked", GOOD)),
        *(("", ""), ("Bu\0di", GOOD), ("Büdi", GOOD), ("\udcff", GOOD), ("Budi'--", GOOD)),
        *(("Budi", "x" * 1000), ("nobody", "x" * 1000), ("Budi", GOOD + "\0"), ("Budi", "\udcff")),
    ]
    seen = set()
    for username, password in attempts:
        work.rounds = 0
        seen.add((refused(username, password, LoginLimits(max_login_attempts=99)), work.rounds))
    assert len(seen) == 1
    assert next(iter(seen))[1] == 2**COST


@pytest.mark.only("newest")
def test_an_older_hash_takes_the_work_of_a_new_one(
    budi: AdminUser, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "COST", COST + 2)
    for username in ("Budi", "nobody"):
        work.rounds = 0
        refused(username, WRONG)
        assert work.rounds == 2 ** (COST + 2), username


@pytest.mark.only("newest")
def test_a_dearer_hash_is_not_known_by_its_work(budi: AdminUser, work: Work) -> None:
    dear = bcrypt.hashpw(GOOD.encode(), bcrypt.gensalt(COST + 1)).decode()
    AdminUser.update(password_hash=dear).where(AdminUser.id == budi.id).execute()
    for username in ("Budi", "admin", "nobody"):
        work.rounds = 0
        refused(username, WRONG)
        assert work.rounds == 2 ** (COST + 1), username


def test_failures_lock_the_account_for_a_time(budi: AdminUser) -> None:
    limits = LoginLimits(max_login_attempts=3, lockout_minutes=10)
    refused("budi", WRONG, limits)
    refused("BUDI", WRONG, limits)
    assert failures() == (2, False)
    assert log_in("Budi", GOOD, limits).admin.id == budi.id
    assert failures() == (0, False)
    for _ in range(3):
        refused("Budi", WRONG, limits)
    assert failures() == (3, True)
    query = (
        "SELECT locked_until - now() BETWEEN '9 min' AND '10 min' FROM admin_users WHERE id = %s"
    )
    assert AdminUser._meta.database.execute_sql(query, (budi.id,)).fetchone()[0]
    refused("Budi", GOOD, limits)
    assert failures() == (3, True)
    AdminUser.update(locked_until="2020-01-01 00:00+00").where(AdminUser.id == budi.id).execute()
    refused("Budi", WRONG, limits)
    assert failures() == (1, False)
    assert log_in("Budi", GOOD, limits)
    assert failures() == (0, False)


def test_no_attempt_is_one_that_a_transaction_takes_back(budi: AdminUser, work: Work) -> None:
    """As where a framework has a transaction for each request, and a refusal ends it."""
    for password in (WRONG, GOOD):
        with pytest.raises(AttemptUncounted), AdminUser._meta.database.atomic():
            log_in("Budi", password, LIMITS)
    assert work.checked == []


def guess_side_by_side(limits: LoginLimits, addresses: Sequence[str | None] = (None,)) -> None:
    """Twelve guesses at one moment, from these addresses in turn."""
    together = threading.Barrier(12, timeout=30)

    def guess(number: int) -> None:
        together.wait()
        try:
            refused("Budi", f"tebakan {number}", limits, addresses[number % len(addresses)])
        finally:
            AdminUser._meta.database.close()

    with ThreadPoolExecutor(12) as threads:
        list(threads.map(guess, range(12)))


def test_attempts_side_by_side_are_no_more_than_the_limit(budi: AdminUser, work: Work) -> None:
    guess_side_by_side(LIMITS)
    assert failures() == (5, True)
    assert work.checked.count(budi.password_hash) == 5
    assert len(work.checked) == 12


def test_a_rise_of_the_cost_renews_the_hash_at_log_in(
    budi: AdminUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "COST", COST + 1)
    refused("Budi", WRONG)
    assert AdminUser.get_by_id(budi.id).password_hash == budi.password_hash
    together = threading.Barrier(3, timeout=30)

    def enter(_: int) -> str:
        together.wait()
        try:
            return log_in("Budi", GOOD, LIMITS).token
        finally:
            AdminUser._meta.database.close()

    with ThreadPoolExecutor(3) as threads:
        assert len(set(threads.map(enter, range(3)))) == 3
    renewed = AdminUser.get_by_id(budi.id).password_hash
    assert passwords.cost_of(renewed) == COST + 1
    log_in("Budi", GOOD, LIMITS)
    assert AdminUser.get_by_id(budi.id).password_hash == renewed


@pytest.mark.only("newest")
def test_the_documented_password_stays_known_by_its_hash(
    billing: EngineDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "COST", 13)
    log_in("admin", "admin123", LIMITS)
    assert AdminUser.get().password_hash == ADMIN_PASSWORD_HASH


@pytest.mark.parametrize("change", ["password", "is_active"])
def test_what_changes_during_the_check_counts(change: str, budi: AdminUser, work: Work) -> None:
    def meanwhile() -> None:
        work.each = lambda: None
        if change == "password":
            set_password(budi, "kata sandi baru", least=8)
        else:
            AdminUser.update(is_active=False).where(AdminUser.id == budi.id).execute()

    work.each = meanwhile
    refused("Budi", GOOD)
    assert UserSession.select().count() == 0


@pytest.mark.only("newest")
def test_bcrypt_s_limit_is_refused_and_never_cut(budi: AdminUser) -> None:
    longest = "kata sandi x" * 6
    set_password(budi, longest, least=8)
    refused("Budi", longest + "y")
    refused("Budi", longest[:-1])
    assert log_in("Budi", longest, LIMITS)
    for long in ("x" * 73, "€" * 25):
        with pytest.raises(PasswordRefused, match=r"7[35] bytes; bcrypt looks at no more than 72"):
            set_password(budi, long, least=8)
    assert log_in("Budi", longest, LIMITS)


@pytest.mark.only("newest")
def test_one_password_may_be_composed_in_two_ways(budi: AdminUser) -> None:
    set_password(budi, "cafe\u0301 enak", least=8)
    assert log_in("Budi", "caf\u00e9 enak", LIMITS)


def test_a_session_cannot_begin_after_what_ends_all_of_them(
    budi: AdminUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = sessions.start

    def deactivate() -> None:
        AdminUser.update(is_active=False).where(AdminUser.id == budi.id).execute()
        AdminUser._meta.database.close()

    meanwhile = threading.Thread(target=deactivate)

    def late(*given: Any, **named: Any) -> Any:
        meanwhile.start()
        meanwhile.join(1)  # waits for the log-in, or has ended the sessions that there are
        return start(*given, **named)

    monkeypatch.setattr(sessions, "start", late)
    token = log_in("Budi", GOOD, LIMITS).token
    meanwhile.join(30)
    AdminUser.update(is_active=True).where(AdminUser.id == budi.id).execute()
    with pytest.raises(sessions.SessionEnded):
        sessions.check(token, LIMITS)


@pytest.mark.only("newest")
@pytest.mark.parametrize(
    ("ip", "kept"),
    usually_each(
        [
            *(("fe80::1%eth0", "fe80::1"), ("10.1.2.3", "10.1.2.3"), ("", None), ("\0", None)),
            *(("::ffff:10.1.2.3", "10.1.2.3"), ("10.1.2.3:443", None), ("\udcff", None)),
            *(("10.1.2.3, 10.9.9.9", None), ("1" * 5000, None), ("unix:", None)),
            ("10.0.0.0/8", None),
        ],
        3,
    ),
)
def test_nothing_that_a_client_says_of_itself_stops_the_log_in(
    ip: str, kept: str | None, budi: AdminUser
) -> None:
    agent = "curl\0\udcff" + "x" * 100_000
    session = log_in("Budi", GOOD, LIMITS, ip=ip, user_agent=agent).session
    assert (session.ip, session.user_agent) == (kept, "curl??" + "x" * 994)


def test_a_new_password_unlocks_and_ends_the_sessions(budi: AdminUser) -> None:
    log_in("Budi", GOOD, LIMITS)
    for _ in range(5):
        refused("Budi", WRONG)
    assert failures() == (5, True)
    assert set_password(budi, "kata sandi baru", least=8, must_change=True) == 1
    assert failures() == (0, False)
    assert log_in("Budi", "kata sandi baru", LIMITS).must_change_password


@pytest.mark.only("newest")
def test_the_limits_are_the_operator_s_settings(billing: EngineDatabase) -> None:
    assert login_limits() == LIMITS
    Setting.update(value=3).where(Setting.key == "max_login_attempts").execute()
    Setting.delete().where(Setting.key == "lockout_minutes").execute()
    assert login_limits() == LoginLimits(max_login_attempts=3)
    billing.execute_sql("ALTER TABLE settings DROP CONSTRAINT settings_known_range_check")
    for value in (0, 10**12):
        Setting.update(value=value, least=None, most=None).where(
            Setting.key == "max_login_attempts"
        ).execute()
        assert login_limits() == LIMITS


def test_an_address_has_so_many_attempts_in_a_minute_and_locks_nobody_beyond(
    budi: AdminUser, work: Work
) -> None:
    limits = LoginLimits(login_per_minute=3)
    for ip in ("10.1.2.3", "2001:db8::1"):
        for _ in range(3):
            refused("nobody", WRONG, limits, ip=ip)
    work.rounds = 0
    for ip in ("10.1.2.3", "::ffff:10.1.2.3", "2001:db8::2"):
        for username, password in (("Budi", GOOD), ("Budi", WRONG), ("nobody", GOOD)):
            refused(username, password, limits, ip=ip)
    assert (failures(), work.rounds) == ((0, False), 0)
    assert ActivityLog.select().count() == 6, "what is beyond the limit is not written down"
    assert log_in("Budi", GOOD, limits, ip="2001:db8:0:1::1")
    assert log_in("Budi", GOOD, limits)
    age_attempts("1 minute")
    assert log_in("Budi", GOOD, limits, ip="10.1.2.3")


@pytest.mark.parametrize(
    "network",
    [["10.1.2.3", "::ffff:10.1.2.3", "::ffff:a01:203"], ["2001:db8::1", "2001:db8::2%eth0"]],
)
def test_attempts_of_an_address_side_by_side_are_no_more_than_the_limit(
    network: list[str], budi: AdminUser, work: Work
) -> None:
    """All at once where one is left: of the minute, and of those that a known address has at an
    account that is locked."""
    log_in("Budi", GOOD, LIMITS, ip=network[0])
    for _ in range(2):
        refused("Budi", WRONG, LIMITS, network[-1])
    guess_side_by_side(LoginLimits(login_per_minute=4), network)
    assert len(work.checked) <= 4
    assert failures()[0] == len(work.checked) - 1
    for _ in range(5):
        refused("Budi", WRONG)
    work.checked.clear()
    tried = ActivityLog.select().count() - 1  # the first was the log-in itself
    guess_side_by_side(LoginLimits(login_per_minute=99, max_login_attempts=tried + 1), network)
    assert work.checked.count(AdminUser.get_by_id(budi.id).password_hash) <= 1


def test_a_lock_does_not_keep_out_who_is_known_at_the_address(budi: AdminUser, work: Work) -> None:
    log_in("Budi", GOOD, LIMITS, ip="10.1.2.3")
    for number in range(20):
        refused("Budi", WRONG, ip=f"10.9.9.{number}")
    assert failures() == (5, True)
    refused("Budi", GOOD, ip="10.1.2.4")
    refused("Budi", GOOD)
    assert log_in("BUDI", GOOD, LIMITS, ip="10.1.2.3")
    assert failures() == (0, False)
    for _ in range(5):
        refused("Budi", WRONG)
    work.checked.clear()
    for _ in range(9):
        refused("Budi", WRONG, LoginLimits(login_per_minute=99), ip="10.1.2.3")
    assert work.checked.count(AdminUser.get_by_id(budi.id).password_hash) == 5
    refused("Budi", GOOD, ip="10.1.2.3")
    assert failures() == (5, True)
    age_attempts("15 minutes")
    assert log_in("Budi", GOOD, LIMITS, ip="10.1.2.3")


def test_a_lock_keeps_out_a_user_of_another_name_at_a_known_address(budi: AdminUser) -> None:
    """Known is the user at the address, and not the address."""
    log_in("admin", GOOD, LIMITS, ip="10.1.2.3")
    for _ in range(5):
        refused("Budi", WRONG)
    refused("Budi", GOOD, ip="10.1.2.3")
    AdminUser.update(is_active=False).where(AdminUser.id == budi.id).execute()
    refused("Budi", GOOD, ip="10.1.2.3")


def test_what_is_written_of_an_attempt_names_nobody_as_its_doer(budi: AdminUser) -> None:
    for username in ("budi", GOOD, "Bu\0di", "nobody"):
        refused(username, WRONG, ip="10.1.2.3")
    rows = ActivityLog.select().order_by(ActivityLog.id)
    assert [row.target_id for row in rows] == [budi.id, None, None, None]
    assert {(row.username, row.admin_user_id, row.ip) for row in rows} == {
        ("somebody", None, "10.1.2.3")
    }
    with pytest.raises(IntegrityError, match="an attempt for a day"):
        ActivityLog.delete().execute()
    age_attempts("25 hours")
    assert ActivityLog.delete().execute() == 4


def age_attempts(time: str) -> None:
    """Let that time go by; the log is append-only, even for its owner."""
    database = AdminUser._meta.database
    database.execute_sql("SET session_replication_role = replica")
    database.execute_sql(f"UPDATE activity_logs SET created_at = created_at - interval '{time}'")
    database.execute_sql("SET session_replication_role = origin")


@pytest.mark.parametrize("where", ["environment", "database"])
def test_production_refuses_the_documented_password(
    where: str,
    billing: EngineDatabase,
    migrated_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if where == "environment":
        monkeypatch.setenv("BILLING_ENVIRONMENT", "production")
    else:
        environment.keep(at(migrated_url), "production")
    refused("admin", WRONG)
    with pytest.raises(SeededPassword, match=r"invoke admin\.password admin"):
        log_in("admin", "admin123", LIMITS)
    assert UserSession.select().count() == 0
    for cost, prefix in ((COST + 1, b"2a"), (COST, b"2b")):  # other hashes of the same password
        again = bcrypt.hashpw(b"admin123", bcrypt.gensalt(cost, prefix)).decode()
        AdminUser.update(password_hash=again).execute()
        with pytest.raises(SeededPassword):
            log_in("admin", "admin123", LIMITS)
    assert UserSession.select().count() == 0
    set_password(AdminUser.get(), GOOD, least=8)
    assert log_in("admin", GOOD, LIMITS)


@pytest.mark.only("newest")
def test_an_owner_without_more_rights_sets_the_environment(server: Any, empty_url: str) -> None:
    """As on a server that others run; whoever may not is told who may."""
    name = name_of(empty_url)
    server.execute(f"CREATE ROLE {name}_owner LOGIN; CREATE ROLE {name}_app LOGIN")
    try:
        server.execute(f"ALTER DATABASE {name} OWNER TO {name}_owner")
        owner, app = (empty_url.replace("postgres@", f"{name}_{who}@") for who in ("owner", "app"))
        refused = call(app, "env.set", "production")
        assert refused.code == 1
        assert "MIGRATION_DATABASE_URL" in refused.err
        assert "BILLING_ENVIRONMENT=production" in refused.err
        with closing(connect(at(app))) as early:
            assert not is_production(early.cursor(), at(app))
            done = call(owner, "env.set", "production")
            assert done.out.strip() == f"{name} is production", done.err
            assert is_production(early.cursor(), at(app)), "a session that was open before"
        assert call(app, "env.set", "test").code == 1
        assert call(owner, "env.set", "staging").code == 0
        assert call(owner, "reset", "--all", "--yes").code == 0
    finally:
        server.execute(f"DROP DATABASE {name}")
        server.execute(f"DROP ROLE {name}_owner, {name}_app")


@pytest.mark.only("newest")
def test_a_setting_of_the_database_still_counts_until_it_is_set_anew(migrated_url: str) -> None:
    name = name_of(migrated_url)
    execute(migrated_url, f"ALTER DATABASE {name} SET billing.environment TO 'production'")
    assert call(migrated_url, "reset", "--all", "--yes").code == 1
    assert call(migrated_url, "env.set", "test").code == 0
    assert call(migrated_url, "reset", "--all", "--yes").code == 0


@pytest.mark.only("newest")
@pytest.mark.parametrize("word", ["prod", "Production; --", "", "live"])
def test_a_word_that_is_none_is_refused(word: str, empty_url: str) -> None:
    known = "production, staging, development, test"
    with pytest.raises(ConfigError, match=known):
        environment.keep(at(empty_url), word)
    if word:
        refused = call(empty_url, "status", BILLING_ENVIRONMENT=word)
        assert (refused.code, known in refused.err) == (1, True)


def set_by_task(url: str, text: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "invoke", "admin.password", *options],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": url},
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.only("newest")
def test_the_task_sets_a_password_from_stdin(billing: EngineDatabase, migrated_url: str) -> None:
    log_in("admin", "admin123", LIMITS)
    short = set_by_task(migrated_url, "pendek\n", "admin")
    assert (short.returncode, "8 is the least" in short.stderr) == (1, True)
    assert AdminUser.get().password_hash == ADMIN_PASSWORD_HASH
    done = set_by_task(migrated_url, f"{GOOD}\n", "Admin")
    assert done.returncode == 0, done.stderr
    assert "1 sessions ended" in done.stdout
    assert GOOD not in done.stdout + done.stderr
    assert not log_in("admin", GOOD, LIMITS).must_change_password


@pytest.mark.only("newest")
def test_an_unknown_user_name_is_answered_with_those_there_are(billing: EngineDatabase) -> None:
    assert find_admin("ADMIN").username == "admin"
    with pytest.raises(UnknownAdmin, match="no admin user 'nobody'; there are: admin"):
        find_admin("nobody")
    role = AdminUser.get().role_id
    AdminUser.insert_many(
        [
            {
                "username": f"u{n}",
                "full_name": "U",
                "role": role,
                "password_hash": ADMIN_PASSWORD_HASH,
            }
            for n in range(10)
        ]
    ).execute()
    with pytest.raises(UnknownAdmin, match=r"admin, u0, .*, u8, …\.$"):
        find_admin("nobody")


@pytest.mark.only("newest")
def test_the_task_asks_twice_on_a_terminal(billing: EngineDatabase, migrated_url: str) -> None:
    status, said = at_terminal(ROOT, migrated_url, TASK, GOOD, WRONG)
    assert (status, "not the same" in said) == (1, True), said
    assert AdminUser.get().password_hash == ADMIN_PASSWORD_HASH
    status, said = at_terminal(ROOT, migrated_url, TASK, GOOD, GOOD)
    assert status == 0, said
    assert GOOD not in said
    assert log_in("admin", GOOD, LIMITS).must_change_password


@pytest.mark.only("newest")
def test_no_notice_waits_for_a_run_that_has_its_table(migrated_url: str) -> None:
    with closing(psycopg2.connect(migrated_url)) as other:
        other.cursor().execute("LOCK TABLE admin_users")
        asked = call(migrated_url, "status")
    assert asked.code == 0 and "2 applied" in asked.out
    assert "cannot be asked: canceling statement due to lock timeout" in asked.err


@pytest.mark.only("newest")
def test_migrate_and_status_tell_of_the_documented_password(
    billing: EngineDatabase, migrated_url: str, good_hash: str, invoke: Invoke
) -> None:
    notice = "notice: the user admin still has the documented password"
    found = invoke(ROOT, migrated_url, "status", "--json", PYTHONPROFILEIMPORTTIME="1")
    assert notice in found.stderr
    assert "invoke admin.password admin" in found.stderr
    assert json.loads(found.stdout)["problems"] == []
    assert "notice" not in found.stdout
    assert "engine.manage.status" in found.stderr
    assert "peewee" not in found.stderr
    assert not re.search(r"\| +domains\b", found.stderr)
    assert notice in call(migrated_url, "migrate").err
    billing.execute_sql("UPDATE admin_users SET password_hash = %s", (good_hash,))
    assert "notice" not in call(migrated_url, "status").err
    billing.execute_sql(
        "CREATE FUNCTION notice_broken() RETURNS SETOF text LANGUAGE plpgsql AS"
        " 'BEGIN RETURN QUERY SELECT t FROM no_table; END'"
    )
    broken = call(migrated_url, "status")
    assert broken.code == 0
    assert 'notice: notice_broken() cannot be asked: relation "no_table"' in broken.err
