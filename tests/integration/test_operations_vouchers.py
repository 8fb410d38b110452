"""Vouchers: batches are made whole, a voucher is redeemed once, what is due expires."""

from __future__ import annotations

import random
import tracemalloc
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domains.mikrotik import codes, operations
from domains.mikrotik.models import Profile, SyncState, Voucher, VoucherBatch, VoucherStatus
from domains.mikrotik.operations import (
    NotOnSale,
    VoucherDisabled,
    VoucherExpired,
    VoucherRefused,
    VoucherUnknown,
    VoucherUsed,
    expire_due_vouchers,
    make_batch,
    redeem,
)
from engine.connect.peewee_database import EngineDatabase
from kernel.errors import RuleViolation
from tests.support import samples
from tests.support.money import until_done
from tests.support.samples import CLIENTS, together

pytestmark = pytest.mark.as_app


@pytest.fixture
def home(models: Any) -> int:
    return samples.location(models)


@pytest.fixture
def profile(models: Any, home: int) -> int:
    return samples.profile(models, home, duration=1, duration_unit="month")


@pytest.fixture
def sold(billing: EngineDatabase) -> int:
    """A profile in a database that clients share."""
    sql = billing.connection().cursor()
    return samples.profile(sql, samples.location(sql))


def test_a_batch_of_ten_thousand_takes_little_memory(profile: int) -> None:
    make_batch(profile, 10, code="WARM", by=None)
    peaks = {}
    for quantity in (1_000, 10_000):
        tracemalloc.start()
        batch = make_batch(profile, quantity, code=f"B{quantity}", prefix="HS-", by=None)
        peaks[quantity] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        made = [v.code for v in batch.vouchers.select(Voucher.code)]
        assert len(set(made)) == len(made) == quantity == batch.quantity
        assert all(len(code) == 3 + codes.LENGTH and code.startswith("HS-") for code in made)
    print(f"peaks, bytes: {peaks}")
    assert peaks[10_000] < 1.5 * peaks[1_000]


def test_a_code_that_is_taken_is_replaced(profile: int, monkeypatch: pytest.MonkeyPatch) -> None:
    space = [f"CODE{n:03}" for n in range(60)]
    monkeypatch.setattr(
        operations, "new_codes", lambda count, prefix: sorted(random.sample(space, count))
    )
    for n in range(3):
        assert make_batch(profile, 20, code=f"B{n}", by=None).vouchers.count() == 20
    assert sorted(v.code for v in Voucher.select()) == space


def test_prices_are_those_of_the_moment(models: Any, profile: int) -> None:
    before = make_batch(profile, 5, code="BEFORE", by=None)
    Profile.update(selling_price=9000, cost_price=4000).where(Profile.id == profile).execute()
    after = make_batch(profile, 5, code="AFTER", by=None)
    for batch, prices in ((before, (3000, 5000)), (after, (4000, 9000))):
        assert batch == VoucherBatch.get_by_id(batch.id)
        assert batch.created_at is not None
        assert (batch.cost_price, batch.selling_price) == prices
        assert {(v.cost_price, v.selling_price) for v in batch.vouchers} == {prices}
        assert {(v.location_id, v.profile_id) for v in batch.vouchers} == {
            (batch.location_id, profile)
        }


def test_a_batch_that_is_refused_leaves_nothing(models: Any, home: int, profile: int) -> None:
    vendor = samples.vendor(models, home, is_active=False)
    away = samples.vendor(models, samples.location(models))
    pppoe = samples.profile(models, home, service_type="pppoe")
    retired = samples.profile(models, home, is_active=False)
    make_batch(profile, 1, code="ONE", by=None)
    branch = "voucher_batches_agree_with_branch"
    for rule, arguments in (
        ("voucher_batches_code_key", (profile, 1, {"code": "ONE"})),
        ("voucher_batches_quantity_check", (profile, 0, {"code": "TWO"})),
        ("voucher_batches_prefix_form_check", (profile, 1, {"code": "TWO", "prefix": "a b"})),
        (branch, (pppoe, 1, {"code": "TWO"})),
        (branch, (profile, 1, {"code": "TWO", "vendor": away})),
    ):
        number, quantity, named = arguments
        with pytest.raises(RuleViolation) as caught:
            make_batch(number, quantity, **named, by=None)
        assert caught.value.rule == rule
    for number, named in ((retired, {}), (profile, {"vendor": vendor})):
        with pytest.raises(NotOnSale, match="is retired"):
            make_batch(number, 1, code="TWO", **named, by=None)
    assert (VoucherBatch.select().count(), Voucher.select().count()) == (1, 1)


def test_batches_made_side_by_side_are_whole(billing: EngineDatabase, sold: int) -> None:
    batches = together(
        billing, lambda n: until_done(lambda: make_batch(sold, 100, code=f"B{n}", by=None))
    )
    assert [batch.vouchers.count() for batch in batches] == [100] * CLIENTS


def test_a_redeemed_voucher_runs_as_long_as_its_profile_says(models: Any, profile: int) -> None:
    customer = samples.customer(models, samples.location(models))
    code = make_batch(profile, 1, code="B", by=None).vouchers.get().code
    Voucher.update(sync_state=SyncState.FAILED, sync_error="no route").execute()
    voucher = redeem(code, customer=customer)
    assert (voucher.status, voucher.customer_id) == (VoucherStatus.USED, customer)
    assert (voucher.sync_state, voucher.sync_error) == (SyncState.PENDING, None)
    models.execute(
        "SELECT expires_at = service_end(used_at, 1, 'month', 'Asia/Jakarta'), "
        "now() - used_at < '10 s' FROM vouchers"
    )
    assert models.fetchall() == [(True, True)]


def test_each_refusal_says_why(models: Any, profile: int) -> None:
    make_batch(profile, 4, code="B", by=None)
    used, disabled, expired, over = Voucher.select().order_by(Voucher.id)
    redeem(used.code)
    models.execute("UPDATE vouchers SET status = 'disabled' WHERE id = %s", (disabled.id,))
    models.execute(
        "UPDATE vouchers SET status = 'used', used_at = now() - interval '40 days' "
        "WHERE id IN (%s, %s)",
        (expired.id, over.id),
    )
    models.execute("UPDATE vouchers SET status = 'expired' WHERE id = %s", (expired.id,))
    before = list(Voucher.select().order_by(Voucher.id).dicts())
    for code, error in (
        (used.code, VoucherUsed),
        (disabled.code, VoucherDisabled),
        (expired.code, VoucherExpired),
        (over.code, VoucherExpired),
        ("NOSUCH", VoucherUnknown),
    ):
        with pytest.raises(error, match=code) as caught:
            redeem(code)
        assert (type(caught.value), caught.value.code) == (error, code)
    assert list(Voucher.select().order_by(Voucher.id).dicts()) == before


def test_a_code_is_read_as_people_type_it_and_the_first_log_in_counts(
    models: Any, profile: int
) -> None:
    make_batch(profile, 2, code="B", by=None)
    first, second = Voucher.select().order_by(Voucher.id)
    moment = datetime(2026, 11, 3, 8, 30, tzinfo=UTC)
    used = redeem(f"  {first.code[:4].lower()} {first.code[4:].lower()} ", at=moment)
    assert (used.id, used.used_at) == (first.id, moment)
    with pytest.raises(RuleViolation) as caught:
        redeem(second.code, at=datetime.now(UTC) + timedelta(days=1))
    assert caught.value.rule == "vouchers_used_not_ahead"


def test_a_voucher_is_not_used_after_its_shelf_life(models: Any, profile: int) -> None:
    gone = datetime.now(UTC) - timedelta(seconds=1)
    make_batch(profile, 2, code="B", by=None, use_until=gone)
    late, last = Voucher.select().order_by(Voucher.id)
    with pytest.raises(VoucherExpired):
        redeem(late.code)
    assert redeem(last.code, at=gone).status == VoucherStatus.USED
    assert expire_due_vouchers() == 1
    assert Voucher.get_by_id(late.id).status == VoucherStatus.EXPIRED


@pytest.mark.parametrize(
    "vouchers", [120, pytest.param(1_000, marks=pytest.mark.campaign)], ids=["short", "long"]
)
def test_of_clients_at_the_same_time_one_gets_the_voucher(
    billing: EngineDatabase, sold: int, vouchers: int
) -> None:
    make_batch(sold, vouchers, code="B", by=None)
    everything = [voucher.code for voucher in Voucher.select()]

    def client(number: int) -> Counter[str]:
        counts: Counter[str] = Counter()
        for code in random.Random(number).sample(everything, vouchers):
            try:
                until_done(lambda code=code: redeem(code))
                counts[code] += 1
            except VoucherRefused as refusal:
                counts[type(refusal).__name__] += 1
        return counts

    counts = sum(together(billing, client), Counter())
    refusals = counts.pop("VoucherUsed")
    print(f"{counts.total()} redeemed, {refusals} refused, of {vouchers} vouchers")
    assert counts == Counter(everything)
    assert refusals == vouchers * (CLIENTS - 1)
    assert Voucher.select().where(Voucher.status == VoucherStatus.USED).count() == vouchers


def test_due_vouchers_expire_once_also_side_by_side(billing: EngineDatabase, sold: int) -> None:
    make_batch(sold, 3_100, code="B", by=None)
    sql = billing.connection().cursor()
    sql.execute(
        "UPDATE vouchers SET status = 'used', used_at = "
        "now() - CASE WHEN id % 31 = 0 THEN 0 ELSE 40 END * interval '1 day'"
    )

    def client(number: int) -> list[int]:
        return list(iter(lambda: until_done(lambda: expire_due_vouchers(limit=100)), 0))

    found = [count for counts in together(billing, client) for count in counts]
    print(f"{sum(found)} expired in {len(found)} transactions")
    assert sum(found) == 3_000
    assert max(found) == 100
    sql.execute("SELECT status::text, count(*), max(expires_at) < now() FROM vouchers GROUP BY 1")
    assert sorted(sql.fetchall()) == [("expired", 3_000, True), ("used", 100, False)]
