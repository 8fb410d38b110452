"""The tables of the billing domain."""

from __future__ import annotations

from enum import StrEnum

from peewee import SQL, Check, ForeignKeyField, IntegerField, SmallIntegerField

from domains import (
    BasisPointsField,
    DateRangeField,
    DayField,
    EnumField,
    LineField,
    MoneyField,
    NoteField,
    TimestampedModel,
    TimestampField,
)
from domains.customers.models import Customer
from domains.locations.models import Location
from domains.mikrotik.models import PppoeUser, Profile


class SubscriptionStatus(StrEnum):
    """Whether a subscription is billed: it is while active."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    ENDED = "ended"


class SubscriptionCycle(StrEnum):
    """How long a billed period is: 1, 3, 6 or 12 months, a day, a week; once: until it ends."""

    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    HALF_YEARLY = "half_yearly"
    YEARLY = "yearly"
    DAILY = "daily"
    WEEKLY = "weekly"
    ONCE = "once"


class InvoiceStatus(StrEnum):
    """Where an invoice is: being written, waiting for money, or settled in one of two ways."""

    DRAFT = "draft"
    OPEN = "open"
    PARTIAL = "partial"
    PAID = "paid"
    VOID = "void"


class InvoiceItemKind(StrEnum):
    """What an item charges for."""

    SUBSCRIPTION = "subscription"
    INSTALLATION = "installation"
    EQUIPMENT = "equipment"
    VOUCHER = "voucher"
    LATE_FEE = "late_fee"
    OTHER = "other"


class Subscription(TimestampedModel):
    """A customer's standing order for a profile, billed period by period."""

    location = ForeignKeyField(
        Location,
        backref="subscriptions",
        on_delete="RESTRICT",
        help_text="Branch that bills it.",
    )
    customer = ForeignKeyField(
        Customer,
        backref="subscriptions",
        on_delete="RESTRICT",
        help_text="Who subscribes.",
    )
    profile = ForeignKeyField(
        Profile,
        backref="subscriptions",
        on_delete="RESTRICT",
        help_text="What is subscribed to.",
    )
    pppoe_user = ForeignKeyField(
        PppoeUser,
        null=True,
        backref="subscriptions",
        on_delete="RESTRICT",
        help_text="The line it pays for, where there is one.",
    )
    status = EnumField(
        SubscriptionStatus,
        default=SubscriptionStatus.ACTIVE,
        help_text="Whether it is billed.",
    )
    price = MoneyField(
        help_text="Rupiah per period before tax; the profile's price when it was agreed."
    )
    cycle = EnumField(
        SubscriptionCycle, default=SubscriptionCycle.MONTHLY, help_text="Length of a period."
    )
    anchor_day = SmallIntegerField(
        constraints=[
            Check("anchor_day BETWEEN 1 AND 31", name="subscriptions_anchor_day_range_check")
        ],
        help_text="Day of the month on which a period begins; the last day of a shorter month.",
    )
    started_on = DayField(help_text="First day of service.")
    ended_on = DayField(
        null=True,
        help_text="Last day of service; may lie ahead. The day before started_on: never served.",
    )
    credited_until = DayField(
        null=True, help_text="Days before it are settled: what was not served was credited."
    )
    suspended_on = DayField(
        null=True,
        help_text="First day without service, while it is suspended; filled by the database.",
    )
    next_billing_on = DayField(
        null=True, help_text="When the next invoice is due to be made; null: none will be."
    )

    class Meta:
        table_name = "subscriptions"
        constraints = [
            Check("ended_on >= started_on - 1", name="subscriptions_ends_after_start_check"),
            Check("next_billing_on >= started_on", name="subscriptions_billed_after_start_check"),
            Check(
                "status <> 'ended' OR (ended_on IS NOT NULL AND next_billing_on IS NULL)",
                name="subscriptions_ended_is_final_check",
            ),
            Check(
                "(status = 'suspended') = (suspended_on IS NOT NULL)",
                name="subscriptions_suspended_has_day_check",
            ),
            Check(
                "cycle <> 'once' OR ended_on IS NOT NULL",
                name="subscriptions_once_has_end_check",
            ),
            Check(
                "status <> 'active' OR num_nonnulls(next_billing_on, ended_on) > 0",
                name="subscriptions_active_is_billed_check",
            ),
        ]


class Invoice(TimestampedModel):
    """A bill to a customer. Once it leaves draft, its items and totals stand.

    The amounts, which a draft may still lack: total = subtotal - discount + tax, of which paid has
    been allocated from payments.
    """

    location = ForeignKeyField(
        Location,
        index=False,
        backref="invoices",
        on_delete="RESTRICT",
        help_text="Branch that bills; its numbers run by month without gaps.",
    )
    customer = ForeignKeyField(
        Customer,
        index=False,
        backref="invoices",
        on_delete="RESTRICT",
        help_text="Who owes it.",
    )
    subscription = ForeignKeyField(
        Subscription,
        null=True,
        backref="invoices",
        on_delete="RESTRICT",
        help_text="Subscription it bills; null for a single sale.",
    )
    number = NoteField(
        null=True,
        help_text="The number printed on it, such as INV/MAIN/2026/11/0001; a draft has none. "
        "Filled by the database.",
    )
    number_month = DayField(
        null=True,
        help_text="First day of the month in which it is numbered, by the branch's time zone.",
    )
    number_seq = IntegerField(
        null=True,
        constraints=[
            Check("number_seq BETWEEN 1 AND 2000000000", name="invoices_number_seq_positive_check")
        ],
        help_text="1, 2, 3 … in the branch and month, without gaps.",
    )
    foreign_number = LineField(
        null=True,
        longest=100,
        help_text="Number in another system, where it was billed or sent to a provider before.",
    )
    period = DateRangeField(
        null=True,
        constraints=[
            Check(
                "NOT (isempty(period) OR lower_inf(period) OR upper_inf(period))",
                name="invoices_period_has_days_check",
            )
        ],
        help_text="Days that it bills; a subscription's day is billed once.",
    )
    status = EnumField(InvoiceStatus, default=InvoiceStatus.DRAFT, help_text="Where it is.")
    subtotal = MoneyField(default=0, help_text="Rupiah: the sum of the items' amounts.")
    discount = MoneyField(
        default=0,
        help_text="Rupiah taken off the subtotal before tax: the sum of the items' shares.",
    )
    tax = MoneyField(default=0, help_text="Rupiah: the sum of the items' taxes.")
    total = MoneyField(default=0, help_text="Rupiah to pay.")
    paid = MoneyField(default=0, help_text="Rupiah allocated to it so far; kept by the database.")
    issued_at = TimestampField(null=True, help_text="When it left draft.")
    due_on = DayField(null=True, help_text="Last day to pay without being late.")
    paid_at = TimestampField(
        null=True, help_text="When the last rupiah of it came in; kept by the database."
    )
    notes = NoteField(null=True, help_text="Free text, printed on it.")

    class Meta:
        table_name = "invoices"
        indexes = (
            (("location", "number"), True),
            (("location", "number_month", "number_seq"), True),
        )
        constraints = [
            Check(
                "status IN ('draft', 'void') OR discount <= subtotal",
                name="invoices_discount_within_subtotal_check",
            ),
            Check(
                "status IN ('draft', 'void') OR total = subtotal - discount + tax",
                name="invoices_total_adds_up_check",
            ),
            Check("paid <= total", name="invoices_not_overpaid_check"),
            Check(
                "CASE status WHEN 'open' THEN paid = 0 AND total > 0"
                " WHEN 'partial' THEN paid > 0 AND paid < total"
                " WHEN 'paid' THEN paid = total"
                " ELSE paid = 0 END",
                name="invoices_paid_fits_status_check",
            ),
            Check(
                "(status = 'paid') = (paid_at IS NOT NULL)",
                name="invoices_paid_has_time_check",
            ),
            Check("paid_at >= issued_at", name="invoices_paid_once_issued_check"),
            Check(
                "status IN ('draft', 'void') OR num_nulls(issued_at, due_on) = 0",
                name="invoices_issued_has_dates_check",
            ),
            Check(
                "num_nonnulls(number, number_month, number_seq, issued_at)"
                " = CASE WHEN issued_at IS NULL THEN 0 ELSE 4 END",
                name="invoices_issued_is_numbered_check",
            ),
            Check("status <> 'draft' OR issued_at IS NULL", name="invoices_draft_not_issued_check"),
            Check(
                "subscription_id IS NULL OR period IS NOT NULL",
                name="invoices_subscription_has_period_check",
            ),
            SQL(
                "CONSTRAINT invoices_subscription_id_period_excl"
                " EXCLUDE USING gist (subscription_id WITH =, period WITH &&)"
                " WHERE (status <> 'void')"
            ),
        ]


class InvoiceItem(TimestampedModel):
    """One line of an invoice; frozen once the invoice leaves draft."""

    invoice = ForeignKeyField(
        Invoice,
        backref="items",
        on_delete="CASCADE",
        help_text="Invoice it stands on.",
    )
    kind = EnumField(InvoiceItemKind, help_text="What it charges for.")
    description = LineField(longest=300, help_text="The line as printed.")
    quantity = IntegerField(
        default=1,
        constraints=[
            Check("quantity BETWEEN 1 AND 100000", name="invoice_items_quantity_positive_check")
        ],
        help_text="How many.",
    )
    unit_price = MoneyField(help_text="Rupiah for one, before tax.")
    amount = MoneyField(help_text="Rupiah: quantity times unit_price, before tax.")
    discount = MoneyField(
        default=0, help_text="Rupiah: the item's share of the invoice's discount, before tax."
    )
    tax_rate_bp = BasisPointsField(default=0, help_text="Rate of tax in basis points; 1100: 11 %.")
    tax = MoneyField(
        default=0,
        help_text="Rupiah of tax at that rate on what is left after the discount, rounded.",
    )

    class Meta:
        table_name = "invoice_items"
        constraints = [
            Check(
                "amount = quantity::numeric * unit_price",
                name="invoice_items_amount_adds_up_check",
            ),
            Check("discount <= amount", name="invoice_items_discount_within_amount_check"),
            Check(
                "abs((amount - discount)::numeric * tax_rate_bp - tax::numeric * 10000) < 10000",
                name="invoice_items_tax_fits_rate_check",
            ),
        ]
