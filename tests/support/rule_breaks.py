"""For each rule of the domains that a trigger keeps, one write that breaks it, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.support import money, samples
from tests.support.as_app import ROLES
from tests.support.money import one
from tests.support.ways_to_write import Add, Change, Empty, Remove, Write

NEXT_YEAR = "now() + interval '1 year'"
DIGEST = bytes(31)


class Shop:
    """Rows of an ISP, made where they are asked for. c: a cursor."""

    def __init__(self, cursor: Any) -> None:
        self.c = cursor
        self.home = money.main_office(cursor)
        self.who = money.customer(cursor, self.home)

    def away(self) -> int:
        return samples.location(self.c)

    def other(self) -> int:
        return money.customer(self.c, self.home)

    def plan(self, kind: str = "pppoe") -> int:
        return samples.profile(self.c, self.home, service_type=kind)

    def line(self, **values: Any) -> int:
        router = samples.router(self.c, self.home)
        return samples.pppoe_user(self.c, self.who, router, self.plan(), **values)

    def standing(self, **values: Any) -> int:
        return money.subscription(self.c, self.who, **values)

    def terms(self, **values: Any) -> dict[str, Any]:
        """The columns of a subscription."""
        days = {"anchor_day": 1, "started_on": "2026-01-01", "next_billing_on": "2026-01-01"}
        row = {"location_id": self.home, "customer_id": self.who, "profile_id": self.plan()}
        return row | {"price": 1} | days | values

    def draft(self) -> int:
        return money.draft(self.c, self.who, 100)

    def owed(self) -> int:
        return money.issued(self.c, self.who, 100)

    def invoice(self, **values: Any) -> Add:
        row = {"location_id": self.home, "customer_id": self.who}
        return Add("invoices", row | values)

    def payment(self, status: str = "paid", **values: Any) -> int:
        return money.payment(self.c, self.who, 100, status, **values)

    def attempt(self, **values: Any) -> Add:
        row = {"location_id": self.home, "customer_id": self.who, "method_id": money.method(self.c)}
        return Add("payments", row | {"amount": 100} | values)

    def link(self, **values: Any) -> Add:
        row = {"token_hash": DIGEST + b"1", "amount": 100, "expires_at": "2099-01-01"}
        return Add("payment_links", row | values)

    def open_link(self) -> int:
        row = {"token_hash": DIGEST + b"2", "amount": 100, "expires_at": "2099-01-01"}
        return money.insert(self.c, "payment_links", invoice_id=self.owed(), **row)

    def event(self, **values: Any) -> int:
        row = {"provider": "duitku", "event_key": "k", "payload": "{}", "signature_ok": True}
        return money.insert(self.c, "payment_events", **row | values)

    def entry(self, **values: Any) -> Add:
        row = {"customer_id": self.who, "entry_type": "adjustment", "amount": 5}
        return Add("transaction_logs", row | {"description": "x"} | values)

    def batch(self, **values: Any) -> int:
        return samples.batch(self.c, self.plan("hotspot"), **values)

    def voucher(self, **values: Any) -> int:
        return samples.voucher(self.c, self.batch(**values), **values)

    def used(self) -> int:
        voucher = self.voucher()
        samples.update(self.c, "vouchers", voucher, status="used", used_at=("now()",))
        return voucher

    def role(self) -> int:
        return int(one(self.c, "SELECT id FROM roles WHERE code = 'super_admin'"))

    def admin(self) -> int:
        return int(one(self.c, "SELECT id FROM admin_users WHERE username = 'admin'"))

    def act(self) -> int:
        return money.insert(self.c, "activity_logs", username="a", action="customers.read")

    def claimed(self) -> int:
        item = samples.notification(self.c)
        row = {"status": "processing", "attempts": 1, "locked_by": "w"}
        samples.update(self.c, "notification_queue", item, locked_until=("now()",), **row)
        return item

    def template(self, **values: Any) -> Add:
        row = {"name": "t", "category": "broadcast", "variables": "[]"}
        return Add("whatsapp_templates", row | values)


Break = Callable[[Shop], Write]


def shrinks_the_super_admin(s: Shop) -> Write:
    """As another than the owner, who may."""
    row = s.role()
    s.c.execute(f"GRANT ALL ON roles TO {ROLES['app']}; SET LOCAL ROLE {ROLES['app']}")
    return Change("roles", row, {"permissions": "'{}'"})


def moves_with_a_subscription(s: Shop) -> Write:
    s.standing()
    return Change("customers", s.who, {"location_id": str(s.away())})


def subscribes_after_leaving(s: Shop) -> Write:
    samples.update(s.c, "customers", s.who, deleted_at=("now()",))
    return Add("subscriptions", s.terms())


def hands_a_paid_line_over(s: Shop) -> Write:
    line = s.line()
    s.standing(pppoe_user_id=line)
    return Change("pppoe_users", line, {"customer_id": str(s.other())})


def refunds_less_than_it_did(s: Shop) -> Write:
    payment = s.payment()
    samples.update(s.c, "payments", payment, refunded=50)
    return Change("payments", payment, {"refunded": "40"})


AUTH: dict[str, Break] = {
    "activity_logs_append_only": lambda s: Change("activity_logs", s.act(), {"action": "'x.y'"}),
    "activity_logs_append_only, all": lambda s: Empty("activity_logs"),
    "activity_logs_young_is_kept": lambda s: Remove("activity_logs", s.act()),
    "admin_users_last_super_admin_stays": lambda s: Change(
        "admin_users", s.admin(), {"is_active": "false"}
    ),
    "locations_one_is_default": lambda s: Change("locations", s.home, {"is_default": "false"}),
    "roles_super_admin_keeps_permissions": shrinks_the_super_admin,
    "roles_system_role_stays": lambda s: Change("roles", s.role(), {"code": "'x'"}),
    "roles_system_role_stays, gone": lambda s: Remove("roles", s.role()),
    "backups_status_move": lambda s: Add("backups", {"status": "completed"}),
}
CUSTOMERS: dict[str, Break] = {
    "customers_balance_follows_ledger": lambda s: Change("customers", s.who, {"balance": "5"}),
    "customers_balance_follows_ledger, new": lambda s: Add(
        "customers", {"location_id": s.home, "number": "X1", "name": "x", "balance": 5}
    ),
    "customers_id_is_fixed": lambda s: Change("customers", s.who, {"id": "99999999"}),
    "customers_subscriber_stays": moves_with_a_subscription,
    "transaction_logs_append_only": lambda s: Change(
        "transaction_logs", money.entry(s.c, s.who, 5), {"amount": "6"}
    ),
    "transaction_logs_append_only, gone": lambda s: Remove(
        "transaction_logs", money.entry(s.c, s.who, 5)
    ),
    "transaction_logs_append_only, all": lambda s: Empty("transaction_logs"),
    "transaction_logs_reversal_mirrors_entry": lambda s: s.entry(
        entry_type="reversal", amount=-6, reverses_id=money.entry(s.c, s.who, 9)
    ),
    "transaction_logs_matches_payment": lambda s: s.entry(
        entry_type="payment", reference_type="payment", reference_id=s.payment("pending")
    ),
    "transaction_logs_credit_fits_invoice": lambda s: s.entry(
        reference_type="invoice_credit", reference_id=s.draft()
    ),
}
MIKROTIK: dict[str, Break] = {
    "routers_location_is_fixed": lambda s: Change(
        "routers", samples.router(s.c, s.home), {"location_id": str(s.away())}
    ),
    "vendors_location_is_fixed": lambda s: Change(
        "vendors", samples.vendor(s.c, s.home), {"location_id": str(s.away())}
    ),
    "profiles_kind_is_fixed": lambda s: Change("profiles", s.plan(), {"service_type": "'hotspot'"}),
    "pppoe_users_agree_with_router": lambda s: Change(
        "pppoe_users", s.line(), {"profile_id": str(s.plan("hotspot"))}
    ),
    "pppoe_users_status_move": lambda s: Change(
        "pppoe_users", s.line(status="disabled"), {"status": "'isolated'"}
    ),
    "voucher_batches_agree_with_branch": lambda s: Add(
        "voucher_batches",
        {"location_id": s.home, "profile_id": s.plan(), "code": "B", "quantity": 1}
        | {"cost_price": 1, "selling_price": 1},
    ),
    "voucher_batches_terms_are_fixed": lambda s: Change(
        "voucher_batches", s.batch(), {"selling_price": "1"}
    ),
    "vouchers_agree_with_batch": lambda s: Add(
        "vouchers",
        {"batch_id": s.batch(), "location_id": s.home, "profile_id": s.plan("hotspot")}
        | {"code": "V1", "cost_price": 3000, "selling_price": 5000},
    ),
    "vouchers_terms_are_fixed": lambda s: Change("vouchers", s.voucher(), {"selling_price": "1"}),
    "vouchers_status_move": lambda s: Change("vouchers", s.used(), {"status": "'unused'"}),
    "vouchers_used_once": lambda s: Change("vouchers", s.used(), {"expires_at": NEXT_YEAR}),
    "vouchers_used_not_ahead": lambda s: Change(
        "vouchers", s.voucher(), {"status": "'used'", "used_at": NEXT_YEAR}
    ),
    "vouchers_used_in_shelf_life": lambda s: Change(
        "vouchers", s.voucher(use_until="2026-01-01"), {"status": "'used'", "used_at": "now()"}
    ),
    "vouchers_expired_after_end": lambda s: Change("vouchers", s.used(), {"status": "'expired'"}),
    "vouchers_used_are_kept": lambda s: Remove("vouchers", s.used()),
    "vouchers_not_truncated": lambda s: Empty("vouchers"),
}
BILLING: dict[str, Break] = {
    "subscriptions_branch_of_customer": lambda s: Add(
        "subscriptions", s.terms(location_id=s.away())
    ),
    "subscriptions_customer_is_there": subscribes_after_leaving,
    "subscriptions_profile_fits": lambda s: Add(
        "subscriptions", s.terms(profile_id=samples.profile(s.c, s.away()))
    ),
    "subscriptions_profile_fits, moved": lambda s: Change(
        "subscriptions", s.standing(), {"profile_id": str(samples.profile(s.c, s.away()))}
    ),
    "subscriptions_line_fits": lambda s: Add(
        "subscriptions", s.terms(customer_id=s.other(), pppoe_user_id=s.line())
    ),
    "subscriptions_line_fits, moved": lambda s: Change(
        "subscriptions",
        money.subscription(s.c, s.other()),
        {"pppoe_user_id": str(s.line())},
    ),
    "pppoe_users_subscribed_line_stays": hands_a_paid_line_over,
    "subscriptions_owner_is_fixed": lambda s: Change(
        "subscriptions", s.standing(), {"customer_id": str(s.other())}
    ),
    "subscriptions_status_move": lambda s: Add(
        "subscriptions", s.terms(status="ended", ended_on="2026-02-01", next_billing_on=None)
    ),
    "invoices_branch_of_customer": lambda s: s.invoice(location_id=s.away()),
    "invoices_customer_of_subscription": lambda s: s.invoice(
        customer_id=s.other(), subscription_id=s.standing(), period="[2026-01-01,2026-02-01)"
    ),
    "invoices_customer_of_subscription, moved": lambda s: Change(
        "invoices",
        money.draft(s.c, s.other(), 100),
        {"subscription_id": str(s.standing()), "period": "'[2026-01-01,2026-02-01)'"},
    ),
    "invoices_issued_is_frozen": lambda s: Change("invoices", s.owed(), {"total": "99"}),
    "invoices_issued_is_frozen, key": lambda s: Change("invoices", s.owed(), {"id": "99999999"}),
    "invoices_issued_is_kept": lambda s: Remove("invoices", s.owed()),
    "invoices_not_truncated": lambda s: Empty("invoices"),
    "invoices_issued_not_ahead": lambda s: Change(
        "invoices",
        s.draft(),
        {"status": "'open'", "subtotal": "100", "total": "100", "due_on": "'2099-01-01'"}
        | {"issued_at": NEXT_YEAR},
    ),
    "invoices_owner_is_fixed": lambda s: Change(
        "invoices", s.draft(), {"customer_id": str(s.other())}
    ),
    "invoices_paid_is_sum": lambda s: Change("invoices", s.owed(), {"paid": "1"}),
    "invoices_paid_not_ahead": lambda s: Change("invoices", s.owed(), {"paid_at": NEXT_YEAR}),
    "invoices_status_move": lambda s: Change("invoices", s.owed(), {"status": "'draft'"}),
    "invoices_sums_are_of_items": lambda s: Change(
        "invoices",
        s.draft(),
        {"status": "'open'", "subtotal": "99", "total": "99", "due_on": "'2099-01-01'"},
    ),
    "invoice_items_issued_is_frozen": lambda s: Add(
        "invoice_items",
        {"invoice_id": s.owed(), "kind": "other", "description": "x"}
        | {"unit_price": 1, "amount": 1},
    ),
    "invoice_items_issued_is_frozen, moved": lambda s: Change(
        "invoice_items",
        money.item(s.c, s.draft(), 5),
        {"invoice_id": str(s.owed())},
    ),
    "invoice_items_issued_is_frozen, gone": lambda s: Remove(
        "invoice_items",
        one(s.c, "SELECT id FROM invoice_items WHERE invoice_id = %s", s.owed()),
    ),
    "invoice_items_not_truncated": lambda s: Empty("invoice_items"),
}
PAYMENTS: dict[str, Break] = {
    "payment_allocations_not_changed": lambda s: Change(
        "payment_allocations", money.allocation(s.c, s.payment(), s.owed(), 50), {"amount": "60"}
    ),
    "payment_allocations_not_changed, all": lambda s: Empty("payment_allocations"),
    "payment_allocations_same_customer": lambda s: Add(
        "payment_allocations",
        {"payment_id": s.payment(), "invoice_id": money.issued(s.c, s.other(), 100), "amount": 9},
    ),
    "payment_events_kept_as_came": lambda s: Change("payment_events", s.event(), {"amount": "9"}),
    "payment_events_not_truncated": lambda s: Empty("payment_events"),
    "payment_events_signed_is_kept": lambda s: Remove("payment_events", s.event()),
    "payment_links_amount_is_owed": lambda s: s.link(invoice_id=s.owed(), amount=150),
    "payment_links_amount_is_owed, moved": lambda s: Change(
        "payment_links", s.open_link(), {"amount": "99"}
    ),
    "payment_links_invoice_is_owed": lambda s: s.link(invoice_id=s.draft()),
    "payment_links_invoice_is_fixed": lambda s: Change(
        "payment_links", s.open_link(), {"invoice_id": str(s.owed())}
    ),
    "payment_links_status_move": lambda s: s.link(invoice_id=s.owed(), status="paid"),
    "payment_methods_type_is_fixed": lambda s: Change(
        "payment_methods", money.method(s.c), {"type": "'wallet'"}
    ),
    "payments_allocated_is_sum": lambda s: Change("payments", s.payment(), {"allocated": "1"}),
    "payments_begins_whole": lambda s: s.attempt(refunded=5, refunded_at="2026-01-01"),
    "payments_branch_of_customer": lambda s: s.attempt(location_id=s.away()),
    "payments_customer_of_invoice": lambda s: s.attempt(
        invoice_id=money.issued(s.c, s.other(), 100)
    ),
    "payments_customer_of_invoice, moved": lambda s: Change(
        "payments", s.payment("pending"), {"invoice_id": str(money.issued(s.c, s.other(), 100))}
    ),
    "payments_not_truncated": lambda s: Empty("payments"),
    "payments_owner_is_fixed": lambda s: Change(
        "payments", s.payment("pending"), {"customer_id": str(s.other())}
    ),
    "payments_paid_not_ahead": lambda s: s.attempt(status="paid", paid_at="2099-01-01"),
    "payments_refund_stays": refunds_less_than_it_did,
    "payments_settled_is_frozen": lambda s: Change("payments", s.payment(), {"amount": "101"}),
    "payments_settled_is_frozen, key": lambda s: Change(
        "payments", s.payment(), {"id": "99999999"}
    ),
    "payments_settled_is_kept": lambda s: Remove("payments", s.payment()),
    "payments_status_move": lambda s: Change("payments", s.payment(), {"status": "'pending'"}),
    "payments_vendor_of_branch": lambda s: s.attempt(vendor_id=samples.vendor(s.c, s.away())),
}
MESSAGES: dict[str, Break] = {
    "notification_queue_claim_is_counted": lambda s: Change(
        "notification_queue", s.claimed(), {"attempts": "3"}
    ),
    "notification_queue_claimed_by_one_worker": lambda s: Change(
        "notification_queue", s.claimed(), {"locked_by": "'v'"}
    ),
    "notification_queue_status_move": lambda s: Change(
        "notification_queue", samples.notification(s.c), {"status": "'sent'"}
    ),
    "whatsapp_messages_status_move": lambda s: Change(
        "whatsapp_messages",
        samples.message(s.c, samples.session(s.c, s.home)),
        {"status": "'read'"},
    ),
    "whatsapp_sessions_status_move": lambda s: Change(
        "whatsapp_sessions", samples.session(s.c, s.home), {"status": "'connected'"}
    ),
    "whatsapp_templates_braces_are_placeholders": lambda s: s.template(body="Halo {"),
    "whatsapp_templates_placeholders_are_declared": lambda s: s.template(body="Halo {nama}"),
}
BREAKS = AUTH | CUSTOMERS | MIKROTIK | BILLING | PAYMENTS | MESSAGES
