"""What the database took once and must not take: extremes of values, and rows that do not belong
together; each is refused by the rule that is named."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import money, samples
from tests.support.money import one, refused


@pytest.fixture
def home(cursor: Any) -> int:
    return money.main_office(cursor)


@pytest.fixture
def who(cursor: Any, home: int) -> int:
    return money.customer(cursor, home)


def change(cursor: Any, table: str, row: int, **values: Any) -> None:
    columns = ", ".join(f"{column} = %s" for column in values)
    cursor.execute(f"UPDATE {table} SET {columns} WHERE id = %s", [*values.values(), row])
    assert cursor.rowcount == 1


@pytest.mark.parametrize("name", ["", "  ", "\u200b", "\u2060\u00ad", "\u3164", "\u2800", "\u0301"])
def test_a_name_can_be_seen(cursor: Any, who: int, name: str) -> None:
    if name == "\u0301":  # an accent alone leaves a mark
        change(cursor, "customers", who, name=name)
        return
    with refused(cursor, "customers_name_not_blank_check"):
        change(cursor, "customers", who, name=name)


NAMES = """
    SELECT attrelid::regclass::text, attname::text,
           string_agg(pg_get_expr(conbin, conrelid), ' AND ')
    FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid
    LEFT JOIN pg_constraint k ON conrelid = attrelid AND contype = 'c' AND conkey = ARRAY[attnum]
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname !~ '^migrat'
      AND atttypid = 'text'::regtype AND attname ~ '(^|_)(name|username|author|subject)$'
    GROUP BY 1, 2
"""


def test_whatever_is_called_a_name_is_one_line_that_can_be_seen(cursor: Any) -> None:
    """A subject with a line break in it would begin a header of its own in the e-mail."""
    cursor.execute(NAMES)
    names = cursor.fetchall()
    assert len(names) > 15
    for table, column, checks in names:
        condition = checks.replace("%", "%%")
        for value in ("", " ", "\u200b", "a\nBcc: b@c.d", "x" * 1_000):
            query = f'SELECT {condition} FROM (SELECT %s::text AS "{column}") row'
            assert one(cursor, query, value) is False, (table, column, value[:20])


@pytest.mark.parametrize("name", ["x" * 201, "Siti\nRahma", "Siti\u202eamhaR", "a\x07"])
def test_a_name_is_one_line_of_some_length(cursor: Any, who: int, name: str) -> None:
    with refused(cursor, "customers_name_not_blank_check"):
        change(cursor, "customers", who, name=name)


@pytest.mark.parametrize(
    "name", ["ستي رحمة", "四郎", "Müller-Lüdenscheidt", "O'Brien", "صفحه\u200cبند"]
)
def test_names_of_every_script_are_names(cursor: Any, who: int, name: str) -> None:
    change(cursor, "customers", who, name=name)


@pytest.mark.parametrize(
    "moment", ["20206-11-27", "infinity", "-infinity", "1999-12-31 23:59:59Z", "2100-01-01 00:00Z"]
)
def test_a_moment_is_of_this_century(cursor: Any, who: int, moment: str) -> None:
    with refused(cursor, "payments_expires_at_check"):
        money.payment(cursor, who, 100, "pending", expires_at=moment)


def test_no_moment_or_day_of_any_table_is_without_bounds(cursor: Any) -> None:
    cursor.execute(
        """SELECT a.attrelid::regclass::text, attname FROM pg_attribute a JOIN pg_class c
           ON c.oid = a.attrelid WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
           AND relname NOT LIKE 'migrat%%' AND attnum > 0
           AND atttypid IN ('timestamptz'::regtype, 'date'::regtype, 'daterange'::regtype)
           AND attname <> 'number_month' AND NOT EXISTS (
               SELECT FROM pg_constraint k WHERE conrelid = a.attrelid AND contype = 'c'
               AND conkey = ARRAY[attnum]
               AND pg_get_constraintdef(k.oid) ~ 'to_timestamp|make_date')"""
    )
    assert cursor.fetchall() == []


def test_money_does_not_come_in_tomorrow(cursor: Any, who: int) -> None:
    with refused(cursor, "payments_paid_not_ahead"):
        money.payment(cursor, who, 100, paid_at="tomorrow")
    invoice = money.draft(cursor, who, 100)
    with refused(cursor, "invoices_issued_not_ahead"):
        money.issue(cursor, invoice, 100, "tomorrow")


@pytest.mark.parametrize("column", ["amount", "fee"])
@pytest.mark.parametrize("value", [-1, 10**15 + 1, 2**63 - 1])
def test_an_amount_has_bounds(cursor: Any, who: int, column: str, value: int) -> None:
    with refused(cursor, f"payments_{column}_check"):
        money.insert(
            cursor,
            "payments",
            location_id=one(cursor, "SELECT location_id FROM customers WHERE id = %s", who),
            customer_id=who,
            method_id=money.method(cursor),
            **({"amount": 1} | {column: value}),
        )


@pytest.mark.parametrize(
    ("kind", "amount", "reference", "rule"),
    [
        ("charge", 500, None, "transaction_logs_sign_fits_type_check"),
        ("refund", 500, "payment", "transaction_logs_sign_fits_type_check"),
        ("top_up", -500, None, "transaction_logs_sign_fits_type_check"),
        ("payment", 500, None, "transaction_logs_payment_is_named_check"),
        ("payment", 500, "voucher", "transaction_logs_payment_is_named_check"),
        ("payment", 500, "payment", "transaction_logs_matches_payment"),
        ("refund", -500, "payment", "transaction_logs_matches_payment"),
    ],
)
def test_an_entry_has_the_sign_and_the_event_of_its_type(
    cursor: Any, who: int, kind: str, amount: int, reference: str | None, rule: str
) -> None:
    money.entry(cursor, who, 1_000, entry_type="opening")
    with refused(cursor, rule):
        money.entry(
            cursor,
            who,
            amount,
            entry_type=kind,
            reference_type=reference,
            reference_id=reference and 0,
        )
    with refused(cursor, "transaction_logs_opening_is_first_check"):
        money.entry(cursor, who, 1, entry_type="opening")


def test_an_entry_is_made_now(cursor: Any, who: int) -> None:
    entry = money.entry(cursor, who, 5, created_at="2001-01-01")
    query = "SELECT created_at = now() FROM transaction_logs WHERE id = %s"
    assert one(cursor, query, entry)


@pytest.mark.parametrize("provider", ["", "Duitku", " duitku", "duitku ", "\u200bduitku"])
def test_a_provider_has_one_spelling(cursor: Any, who: int, provider: str) -> None:
    with refused(cursor, "payments_provider_form_check"):
        money.payment(cursor, who, 1, "pending", provider=provider)
    event = {"event_key": "k", "payload": "{}"}
    with refused(cursor, "payment_events_provider_form_check"):
        money.insert(cursor, "payment_events", provider=provider, **event)


@pytest.mark.parametrize(
    "config",
    [
        '{"apiKey": "x"}',
        '{"a": [{"X-Api-Key": "x"}]}',
        '{"pin": 1}',
        '{"headers": {}}',
        '{"url": "https://user:hunter2@example.com"}',
        '{"clientPwd": "x"}',
        '{"a": "-----BEGIN PRIVATE"}',
    ],
)
def test_no_secret_is_in_the_clear(cursor: Any, config: str) -> None:
    with refused(cursor, "payment_methods_config_hides_no_secret_check"):
        change(cursor, "payment_methods", money.method(cursor), config=config)
    with refused(cursor, "settings_value_hides_no_secret_check"):
        cursor.execute(
            "INSERT INTO settings (key, value, type, category, description)"
            " VALUES ('extra', %s, 'object', 'a', 'b')",
            (config,),
        )
    plugin = one(cursor, "SELECT min(id) FROM payment_plugins")
    with refused(cursor, "plugin_configurations_value_hides_no_secret_check"):
        money.insert(cursor, "plugin_configurations", plugin_id=plugin, key="a", value=config)


@pytest.mark.parametrize(
    "config", ['{"bank": "BCA", "shipping": 1, "spinner": true}', '{"a": "b:c@d"}']
)
def test_what_is_no_secret_is_taken(cursor: Any, config: str) -> None:
    change(cursor, "payment_methods", money.method(cursor), config=config)


@pytest.mark.parametrize(
    "key", ["pin", "db_pwd", "passphrase", "headers", "api_key", "auth", "my_token_2"]
)
def test_a_key_that_names_a_secret_demands_one(cursor: Any, key: str) -> None:
    plugin = one(cursor, "SELECT min(id) FROM payment_plugins")
    with refused(cursor, "plugin_configurations_key_demands_secret_check"):
        money.insert(cursor, "plugin_configurations", plugin_id=plugin, key=key, value="1")


def test_a_setting_stays_in_its_range(cursor: Any) -> None:
    change_it = "UPDATE settings SET value = %s WHERE key = 'max_login_attempts'"
    for value in ("0", "101", "-5", "99999999999999999999"):
        with refused(cursor, "settings_value_in_range_check"):
            cursor.execute(change_it, (value,))
    cursor.execute(change_it, ("10",))
    with refused(cursor, "settings_key_names_no_secret_check"):
        cursor.execute("UPDATE settings SET key = 'smtp_password' WHERE key = 'company_name'")


def test_the_type_of_a_method_stays(cursor: Any) -> None:
    with refused(cursor, "payment_methods_type_is_fixed"):
        change(cursor, "payment_methods", money.method(cursor), type="wallet")


def test_a_voucher_keeps_its_times_its_vendor_and_itself(cursor: Any, home: int) -> None:
    vendor, other = samples.vendor(cursor, home), samples.vendor(cursor, home)
    batch = samples.batch(cursor, samples.profile(cursor, home), vendor_id=vendor)
    voucher = samples.voucher(cursor, batch)
    with refused(cursor, "voucher_batches_terms_are_fixed"):
        change(cursor, "voucher_batches", batch, vendor_id=other)
    change(cursor, "vouchers", voucher, status="used", used_at="now", expires_at="2036-01-01")
    query = "SELECT expires_at - used_at = '1 day' FROM vouchers WHERE id = %s"
    assert one(cursor, query, voucher)
    with refused(cursor, "vouchers_used_once"):
        change(cursor, "vouchers", voucher, expires_at="2036-01-01")
    with refused(cursor, "vouchers_used_are_kept"):
        cursor.execute("DELETE FROM vouchers")
    with refused(cursor, "vouchers_not_truncated"):
        cursor.execute("TRUNCATE vouchers")


def test_a_subscription_fits_its_customer_profile_and_line(
    cursor: Any, home: int, who: int
) -> None:
    away = money.branch(cursor, "AWAY")
    pppoe = samples.profile(cursor, home, service_type="pppoe")
    line = samples.pppoe_user(cursor, who, samples.router(cursor, home), pppoe)
    other = money.customer(cursor, home)
    row = {"profile_id": pppoe, "pppoe_user_id": line}
    with refused(cursor, "subscriptions_line_fits"):
        money.subscription(cursor, other, **row)
    with refused(cursor, "subscriptions_profile_fits"):
        money.subscription(cursor, who, profile_id=samples.profile(cursor, away))
    with refused(cursor, "subscriptions_profile_fits"):
        money.subscription(cursor, who, **(row | {"profile_id": samples.profile(cursor, home)}))
    money.subscription(cursor, who, **row)
    with refused(cursor, "subscriptions_live_pppoe_user_id_key"):
        money.subscription(cursor, who, **row)
    with refused(cursor, "pppoe_users_subscribed_line_stays"):
        change(cursor, "pppoe_users", line, customer_id=other)
    with refused(cursor, "customers_subscriber_stays"):
        change(cursor, "customers", who, location_id=away)
    with refused(cursor, "customers_subscriber_stays"):
        change(cursor, "customers", who, deleted_at="now")


def test_an_open_link_asks_for_what_is_owed(cursor: Any, who: int) -> None:
    row = {"token_hash": bytes(32), "expires_at": "2027-01-01"}
    draft, invoice = money.draft(cursor, who, 100), money.issued(cursor, who, 100)
    with refused(cursor, "payment_links_invoice_is_owed"):
        money.insert(cursor, "payment_links", invoice_id=draft, amount=100, **row)
    with refused(cursor, "payment_links_amount_is_owed"):
        money.insert(cursor, "payment_links", invoice_id=invoice, amount=150, **row)
    url = "https://pay.example.com/1"
    link = money.insert(cursor, "payment_links", invoice_id=invoice, amount=100, url=url, **row)
    money.allocation(cursor, money.payment(cursor, who, 60), invoice, 60)
    cursor.execute("SELECT amount, url, status::text FROM payment_links WHERE id = %s", (link,))
    assert cursor.fetchall() == [(40, None, "open")]
    with refused(cursor, "payment_links_amount_is_owed"):
        change(cursor, "payment_links", link, amount=100)
    money.allocation(cursor, money.payment(cursor, who, 60), invoice, 40)
    assert one(cursor, "SELECT status::text FROM payment_links WHERE id = %s", link) == "paid"


def test_an_invoice_is_paid_when_its_money_came_in(cursor: Any, who: int) -> None:
    invoice = money.draft(cursor, who, 100)
    money.issue(cursor, invoice, 100, "2026-03-01 08:00+07")
    early = money.payment(cursor, who, 60, paid_at="2026-02-01 08:00+07")
    late = money.payment(cursor, who, 60, paid_at="2026-03-05 08:00+07")
    money.allocation(cursor, late, invoice, 60)
    money.allocation(cursor, early, invoice, 40)
    query = "SELECT paid_at = '2026-03-05 08:00+07' FROM invoices WHERE id = %s"
    assert one(cursor, query, invoice)


def test_a_phone_may_be_shared_where_somebody_says_so(cursor: Any, home: int, who: int) -> None:
    phone = one(cursor, "SELECT phone FROM customers WHERE id = %s", who)
    other = money.customer(cursor, home)
    with refused(cursor, "customers_phone_key"):
        change(cursor, "customers", other, phone=phone)
    change(cursor, "customers", other, phone=phone, phone_is_shared=True)
    change(cursor, "customers", who, phone=None)
    with refused(cursor, "customers_shared_phone_is_there_check"):
        change(cursor, "customers", other, phone=None)


def test_nothing_of_a_new_payment_was_given_back(cursor: Any, who: int) -> None:
    with refused(cursor, "payments_begins_whole"):
        money.payment(cursor, who, 100, refunded=30, refunded_at="now")
    with refused(cursor, "payments_begins_whole"):
        money.payment(cursor, who, 100, disputed_at="now")
    made = money.payment(cursor, who, 100)
    change(cursor, "payments", made, refunded=30)
    for part, rule in ((20, "payments_refund_stays"), (101, "payments_not_overspent_check")):
        with refused(cursor, rule):
            change(cursor, "payments", made, refunded=part)


def test_one_statement_that_pays_and_refunds_posts_both(cursor: Any, who: int) -> None:
    waiting = money.payment(cursor, who, 100, "pending")
    change(cursor, "payments", waiting, status="paid", paid_at="yesterday", refunded=30)
    assert money.balance(cursor, who) == 70
