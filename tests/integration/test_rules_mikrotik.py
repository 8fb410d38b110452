"""What the database refuses of vouchers and PPPoE accounts, even of the tables' owner."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import samples
from tests.support.samples import refused, update

NOW = ("now()",)
LATER = ("now() + interval '1 day'",)
OVER = ("now() - interval '1 minute'",)
BEFORE = ("now() - interval '1 day'",)
NULL = ("NULL",)
USED = {"status": "used", "used_at": NOW, "expires_at": LATER}


@pytest.fixture
def home(cursor: Any) -> int:
    return samples.location(cursor)


@pytest.fixture
def away(cursor: Any) -> int:
    return samples.location(cursor)


@pytest.fixture
def batch(cursor: Any, home: int) -> int:
    return samples.batch(cursor, samples.profile(cursor, home))


@pytest.fixture
def voucher(cursor: Any, batch: int) -> int:
    return samples.voucher(cursor, batch)


def test_a_batch_belongs_to_the_branch_of_its_profile_and_vendor(
    cursor: Any, home: int, away: int
) -> None:
    rule = "voucher_batches_agree_with_branch"
    profile = samples.profile(cursor, home)
    vendors = samples.vendor(cursor, home), samples.vendor(cursor, away)
    refused(cursor, rule, samples.batch, profile, location_id=away)
    refused(cursor, rule, samples.batch, profile, vendor_id=vendors[1])
    pppoe = samples.profile(cursor, home, service_type="pppoe")
    refused(cursor, rule, samples.batch, pppoe)
    batch = samples.batch(cursor, profile, vendor_id=vendors[0])
    refused(cursor, rule, update, "voucher_batches", batch, vendor_id=vendors[1])


def test_a_row_that_is_not_there_differs(cursor: Any) -> None:
    row = {"location_id": 0, "profile_id": 0, "cost_price": 0, "selling_price": 0, "code": "ABC"}
    refused(cursor, "vouchers_agree_with_batch", samples.insert, "vouchers", batch_id=0, **row)


@pytest.mark.parametrize(
    ("column", "value"),
    [("cost_price", 1), ("selling_price", 1), ("code", "other"), ("quantity", 9), ("prefix", "X")],
)
def test_the_terms_of_a_batch_are_fixed(cursor: Any, batch: int, column: str, value: Any) -> None:
    rule = "voucher_batches_terms_are_fixed"
    refused(cursor, rule, update, "voucher_batches", batch, **{column: value})


def test_a_batch_stays_in_its_branch_and_with_its_profile(
    cursor: Any, batch: int, home: int, away: int
) -> None:
    rule = "voucher_batches_terms_are_fixed"
    other = samples.profile(cursor, home)
    refused(cursor, rule, update, "voucher_batches", batch, profile_id=other)
    moved = {"location_id": away, "profile_id": samples.profile(cursor, away)}
    refused(cursor, rule, update, "voucher_batches", batch, **moved)


def test_what_others_took_their_branch_from_does_not_move(
    cursor: Any, home: int, away: int
) -> None:
    profile = samples.profile(cursor, home)
    for table, rule, row in (
        ("routers", "routers_location_is_fixed", samples.router(cursor, home)),
        ("vendors", "vendors_location_is_fixed", samples.vendor(cursor, home)),
        ("profiles", "profiles_kind_is_fixed", profile),
    ):
        refused(cursor, rule, update, table, row, location_id=away)
        update(cursor, table, row, location_id=home)
    refused(cursor, "profiles_kind_is_fixed", update, "profiles", profile, service_type="pppoe")


def test_a_voucher_agrees_with_its_batch(cursor: Any, home: int, away: int) -> None:
    rule = "vouchers_agree_with_batch"
    batch = samples.batch(cursor, samples.profile(cursor, home), prefix="HS")
    differing = {
        "location_id": away,
        "profile_id": samples.profile(cursor, home),
        "cost_price": 2999,
        "selling_price": 4999,
        "code": "VOUCHER",
    }
    for column, value in differing.items():
        code = {"code": "HS1"}
        refused(cursor, rule, samples.voucher, batch, **code | {column: value})
    assert samples.voucher(cursor, batch, code="HS1")


def test_the_terms_of_a_voucher_are_fixed(
    cursor: Any, batch: int, voucher: int, home: int, away: int
) -> None:
    profile = samples.profile(cursor, home)
    for column, value in {
        "batch_id": samples.batch(cursor, profile),
        "location_id": away,
        "profile_id": profile,
        "cost_price": 1,
        "selling_price": 1,
        "code": "ANOTHER",
    }.items():
        rule = "vouchers_terms_are_fixed"
        refused(cursor, rule, update, "vouchers", voucher, **{column: value})


def test_a_voucher_is_used_once(cursor: Any, voucher: int) -> None:
    update(cursor, "vouchers", voucher, **USED)
    unused = {"used_at": NULL, "expires_at": NULL}
    for values in ({"used_at": ("now() + interval '1 hour'",)}, unused | {"status": "disabled"}):
        refused(cursor, "vouchers_used_once", update, "vouchers", voucher, **values)
    update(cursor, "vouchers", voucher, status="disabled")
    again = unused | {"status": "unused"}
    refused(cursor, "vouchers_used_once", update, "vouchers", voucher, **again)
    rule = "vouchers_status_fits_times_check"
    refused(cursor, rule, update, "vouchers", voucher, status="unused")
    update(cursor, "vouchers", voucher, status="used")


def test_a_disabled_voucher_is_not_used(cursor: Any, voucher: int) -> None:
    update(cursor, "vouchers", voucher, status="disabled")
    for values in (USED, USED | {"status": "disabled"}):
        refused(cursor, "vouchers_used_once", update, "vouchers", voucher, **values)
    update(cursor, "vouchers", voucher, status="unused")
    update(cursor, "vouchers", voucher, **USED)


def test_a_voucher_expires_when_its_time_is_over(cursor: Any, voucher: int) -> None:
    update(cursor, "vouchers", voucher, **USED)
    rule = "vouchers_expired_after_end"
    refused(cursor, rule, update, "vouchers", voucher, status="expired")
    refused(cursor, rule, update, "vouchers", voucher, status="expired", expires_at=LATER)


def test_an_expired_voucher_gets_no_more_time(cursor: Any, voucher: int) -> None:
    update(cursor, "vouchers", voucher, status="used", used_at=BEFORE, expires_at=OVER)
    update(cursor, "vouchers", voucher, status="expired")
    refused(cursor, "vouchers_used_once", update, "vouchers", voucher, expires_at=LATER)
    refused(cursor, "vouchers_status_move", update, "vouchers", voucher, status="used")


def test_the_times_of_a_voucher_fit_its_status(cursor: Any, batch: int, voucher: int) -> None:
    times = {"used_at": NOW, "expires_at": LATER}
    for rule, values in (
        ("vouchers_used_once", times),
        ("vouchers_status_fits_times_check", {"status": "used"}),
        ("vouchers_used_not_ahead", {"status": "used", "used_at": LATER}),
    ):
        refused(cursor, rule, update, "vouchers", voucher, **values)
    born_used = {"used_at": "2026-01-01", "expires_at": "2026-01-02"}
    rule = "vouchers_status_fits_times_check"
    refused(cursor, rule, samples.voucher, batch, **born_used)


def test_a_failed_synchronisation_says_why(cursor: Any, home: int, voucher: int) -> None:
    rule = "vouchers_failed_sync_has_error_check"
    refused(cursor, rule, update, "vouchers", voucher, sync_state="failed")
    user = pppoe_user(cursor, home)
    rule = "pppoe_users_failed_sync_has_error_check"
    refused(cursor, rule, update, "pppoe_users", user, sync_state="failed")


def pppoe_user(cursor: Any, location: int, **values: Any) -> int:
    return samples.pppoe_user(
        cursor,
        samples.customer(cursor, location),
        samples.router(cursor, location),
        samples.profile(cursor, location, service_type="pppoe"),
        **values,
    )


def test_a_pppoe_account_has_router_and_profile_of_one_branch(
    cursor: Any, home: int, away: int
) -> None:
    rule = "pppoe_users_agree_with_router"
    customer, router = samples.customer(cursor, home), samples.router(cursor, home)
    hotspot = samples.profile(cursor, home)
    elsewhere = samples.profile(cursor, away, service_type="pppoe")
    for profile in (hotspot, elsewhere):
        refused(cursor, rule, samples.pppoe_user, customer, router, profile)
    user = pppoe_user(cursor, home)
    for values in (
        {"profile_id": hotspot},
        {"profile_id": elsewhere},
        {"router_id": samples.router(cursor, away)},
    ):
        refused(cursor, rule, update, "pppoe_users", user, **values)
    moved = {"router_id": samples.router(cursor, away), "profile_id": elsewhere}
    update(cursor, "pppoe_users", user, **moved)


def test_a_pppoe_name_and_an_address_are_there_once_on_a_router(cursor: Any, home: int) -> None:
    customer, router = samples.customer(cursor, home), samples.router(cursor, home)
    profile = samples.profile(cursor, home, service_type="pppoe")
    there = (customer, router, profile)
    samples.pppoe_user(cursor, *there, username="Budi@isp.net", static_ip="10.1.1.1")
    for rule, values in (
        ("pppoe_users_router_id_username_key", {"username": "bUDI@isp.net"}),
        ("pppoe_users_router_id_static_ip_key", {"static_ip": "10.1.1.1"}),
        ("pppoe_users_static_ip_is_host_check", {"static_ip": "10.1.1.0/24"}),
        ("pppoe_users_username_form_check", {"username": "two words"}),
        ("pppoe_users_password_of_its_row_check", {"password": b"in the clear"}),
        ("pppoe_users_status_move", {"status": "isolated"}),
    ):
        refused(cursor, rule, samples.pppoe_user, *there, **values)
    elsewhere = (customer, samples.router(cursor, home), profile)
    assert samples.pppoe_user(cursor, *elsewhere, username="budi@isp.net", static_ip="10.1.1.1")


def test_a_pppoe_account_expires_only_where_it_has_an_end(cursor: Any, home: int) -> None:
    user = pppoe_user(cursor, home)
    rule = "pppoe_users_expired_has_end_check"
    refused(cursor, rule, update, "pppoe_users", user, status="expired")
    update(cursor, "pppoe_users", user, status="expired", expires_at=OVER)


def test_the_end_of_a_service_is_told_by_the_clock_of_the_branch(cursor: Any) -> None:
    rows = (
        # the last day of a month, in a zone in which it is still the day before in UTC
        ("2026-01-31 06:00+07", 1, "month", "Asia/Jakarta", "2026-02-28 06:00+07"),
        ("2026-01-31 06:00+07", 3, "month", "Asia/Jakarta", "2026-04-30 06:00+07"),
        ("2024-01-31 06:00+07", 1, "month", "Asia/Jakarta", "2024-02-29 06:00+07"),
        ("2026-12-31 23:30+09", 1, "month", "Asia/Jayapura", "2027-01-31 23:30+09"),
        ("2026-02-28 23:59+08", 1, "day", "Asia/Makassar", "2026-03-01 23:59+08"),
        ("2026-02-28 23:59+08", 36, "hour", "Asia/Makassar", "2026-03-02 11:59+08"),
        # the night in which the clocks go forward is an hour shorter, and an hour is an hour
        ("2026-03-28 12:00+01", 1, "day", "Europe/Berlin", "2026-03-29 12:00+02"),
        ("2026-03-28 12:00+01", 24, "hour", "Europe/Berlin", "2026-03-29 13:00+02"),
    )
    for zone in ("UTC", "Asia/Jayapura", "America/New_York"):
        cursor.execute("SELECT set_config('TimeZone', %s, true)", (zone,))
        for began, duration, unit, place, end in rows:
            cursor.execute(
                "SELECT service_end(%s, %s, %s, %s) = %s::timestamptz",
                (began, duration, unit, place, end),
            )
            assert cursor.fetchone() == (True,), (zone, began, duration, unit)


@pytest.mark.parametrize(
    ("table", "rule", "values"),
    [
        ("profiles", "profiles_name_not_blank_check", {"name": " "}),
        ("profiles", "profiles_mikrotik_name_not_blank_check", {"mikrotik_name": ""}),
        ("profiles", "profiles_rate_limit_form_check", {"rate_limit": "fast"}),
        ("profiles", "profiles_cost_price_check", {"cost_price": -1}),
        ("profiles", "profiles_duration_check", {"duration": 0}),
        ("profiles", "profiles_selling_price_check", {"selling_price": -1}),
        ("profiles", "profiles_data_limit_bytes_check", {"data_limit_bytes": 0}),
        ("profiles", "profiles_shared_users_check", {"shared_users": 0}),
        ("routers", "routers_name_not_blank_check", {"name": ""}),
        ("routers", "routers_api_username_not_blank_check", {"api_username": ""}),
        ("routers", "routers_port_check", {"port": 65536}),
        ("routers", "routers_host_form_check", {"host": "10.0.0.1 8728"}),
        ("routers", "routers_api_password_of_its_row_check", {"api_password": b"secret"}),
        ("routers", "routers_api_password_of_its_row_check", {"api_password": b"\x02" + bytes(40)}),
        ("routers", "routers_api_password_of_its_row_check", {"api_password": b"\x01" + bytes(31)}),
        ("vendors", "vendors_name_not_blank_check", {"name": ""}),
        ("vendors", "vendors_email_form_check", {"email": "siti at isp"}),
        ("vendors", "vendors_commission_bp_check", {"commission_bp": 10001}),
        ("vendors", "vendors_phone_check", {"phone": "08123456789"}),
        ("voucher_batches", "voucher_batches_prefix_form_check", {"prefix": "-V"}),
        ("voucher_batches", "voucher_batches_code_form_check", {"code": ""}),
        ("voucher_batches", "voucher_batches_quantity_check", {"quantity": 0}),
        ("voucher_batches", "voucher_batches_cost_price_check", {"cost_price": -1}),
        ("voucher_batches", "voucher_batches_selling_price_check", {"selling_price": -1}),
        ("vouchers", "vouchers_code_form_check", {"code": "no spaces"}),
        ("vouchers", "vouchers_password_of_its_row_check", {"password": b"in the clear"}),
        ("vouchers", "vouchers_status_move", {"status": "used"}),
        ("vouchers", "vouchers_status_move", {"status": "disabled"}),
    ],
)
def test_a_value_without_sense_is_refused(
    cursor: Any, home: int, batch: int, table: str, rule: str, values: dict[str, Any]
) -> None:
    make, parent = {
        "profiles": (samples.profile, home),
        "routers": (samples.router, home),
        "vendors": (samples.vendor, home),
        "voucher_batches": (samples.batch, samples.profile(cursor, home)),
        "vouchers": (samples.voucher, batch),
    }[table]
    refused(cursor, rule, make, parent, **values)


def test_a_code_is_there_once(cursor: Any, home: int, batch: int) -> None:
    samples.voucher(cursor, batch, code="ABC123")
    other = samples.batch(cursor, samples.profile(cursor, home), code="MINE")
    refused(cursor, "vouchers_code_key", samples.voucher, other, code="ABC123")
    third = samples.profile(cursor, home)
    refused(cursor, "voucher_batches_code_key", samples.batch, third, code="MINE")


def test_a_name_is_there_once_in_a_branch(cursor: Any, home: int, away: int) -> None:
    for table, make in (
        ("profiles", samples.profile),
        ("routers", samples.router),
        ("vendors", samples.vendor),
    ):
        make(cursor, home, name="Same")
        refused(cursor, f"{table}_location_id_name_key", make, home, name="Same")
        assert make(cursor, away, name="Same")


def test_a_log_in_is_one_vendors(cursor: Any, home: int) -> None:
    cursor.execute("SELECT id FROM admin_users")
    (admin,) = cursor.fetchone()
    samples.vendor(cursor, home, admin_user_id=admin)
    refused(cursor, "vendors_admin_user_id_key", samples.vendor, home, admin_user_id=admin)
