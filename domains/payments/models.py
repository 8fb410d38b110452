"""The tables of the payments domain."""

from __future__ import annotations

from enum import StrEnum

from peewee import BooleanField, Check, Default, ForeignKeyField, IntegerField, TextField

from domains import (
    BaseModel,
    BasisPointsField,
    DigestField,
    DocumentField,
    EnumField,
    LineField,
    MoneyField,
    NoteField,
    TimestampedModel,
    TimestampField,
    clear_json,
    spelled,
)
from domains.auth.models import AdminUser
from domains.billing.models import Invoice
from domains.customers.models import Customer
from domains.locations.models import Location
from domains.mikrotik.models import Vendor
from domains.plugins.models import PaymentPlugin

PROVIDER_FORM = spelled("provider", "[a-z][a-z0-9_]*", 63)


class PaymentMethodType(StrEnum):
    """Who moves the money: a gateway, the staff, or the customer's own balance."""

    GATEWAY = "gateway"
    MANUAL = "manual"
    WALLET = "wallet"


class PaymentStatus(StrEnum):
    """Where a payment is; review: money came that does not fit, and a person has to look."""

    PENDING = "pending"
    PROCESSING = "processing"
    PAID = "paid"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REFUNDED = "refunded"
    REVIEW = "review"


class PaymentLinkStatus(StrEnum):
    """Whether a link still leads to a payment."""

    OPEN = "open"
    PAID = "paid"
    EXPIRED = "expired"
    REVOKED = "revoked"


class PaymentEventOutcome(StrEnum):
    """What became of an event."""

    APPLIED = "applied"
    IGNORED = "ignored"
    REJECTED = "rejected"
    FAILED = "failed"
    REVIEW = "review"


class PaymentMethod(TimestampedModel):
    """A way of paying that a customer or a cashier may choose."""

    code = TextField(
        unique=True,
        constraints=[
            Check(spelled("code", "[a-z][a-z0-9_]*", 63), name="payment_methods_code_form_check")
        ],
        help_text="Name by which the code refers to it.",
    )
    name = LineField(
        help_text="Name that the customer sees.",
    )
    type = EnumField(PaymentMethodType, help_text="Who moves the money.")
    plugin = ForeignKeyField(
        PaymentPlugin,
        null=True,
        backref="payment_methods",
        on_delete="RESTRICT",
        help_text="Plugin that carries it out; a gateway has one.",
    )
    fee_bp = BasisPointsField(default=0, help_text="Fee in basis points of the amount; 250: 2.5 %.")
    fee_fixed = MoneyField(default=0, help_text="Fee in rupiah for each payment, besides fee_bp.")
    fee_least = MoneyField(null=True, help_text="Smallest fee in rupiah; null: none.")
    fee_most = MoneyField(null=True, help_text="Largest fee in rupiah; null: none.")
    config = DocumentField(
        default=dict,
        constraints=[
            Check("jsonb_typeof(config) = 'object'", name="payment_methods_config_object_check"),
            Check(clear_json("config"), name="payment_methods_config_hides_no_secret_check"),
        ],
        help_text="What to show or send, such as the bank account; secrets belong to the plugin.",
    )
    is_active = BooleanField(default=True, help_text="Whether it is offered.")

    class Meta:
        table_name = "payment_methods"
        constraints = [
            Check(
                "type <> 'gateway' OR plugin_id IS NOT NULL",
                name="payment_methods_gateway_has_plugin_check",
            ),
            Check("fee_least <= fee_most", name="payment_methods_fee_bounds_check"),
        ]


class Payment(TimestampedModel):
    """An attempt to pay, which may have succeeded.

    Which invoices its money settled, payment_allocations tells; invoice names the one it was made
    for. A payment is taken off its invoices before it is refunded.
    """

    location = ForeignKeyField(
        Location,
        index=False,
        backref="payments",
        on_delete="RESTRICT",
        help_text="Branch whose revenue it is.",
    )
    customer = ForeignKeyField(
        Customer,
        index=False,
        backref="payments",
        on_delete="RESTRICT",
        help_text="Who pays.",
    )
    invoice = ForeignKeyField(
        Invoice,
        null=True,
        backref="payments",
        on_delete="RESTRICT",
        help_text="Invoice it was made for; null for a top-up or a payment on account.",
    )
    method = ForeignKeyField(
        PaymentMethod,
        backref="payments",
        on_delete="RESTRICT",
        help_text="How it is paid.",
    )
    vendor = ForeignKeyField(
        Vendor,
        null=True,
        index=False,
        backref="payments",
        on_delete="RESTRICT",
        help_text="Reseller who took the money.",
    )
    amount = MoneyField(
        constraints=[Check("amount > 0", name="payments_amount_positive_check")],
        help_text="Rupiah to pay, without the fee.",
    )
    fee = MoneyField(default=0, help_text="Rupiah of fee, by the method's rates at that time.")
    allocated = MoneyField(
        default=0, help_text="Rupiah of the amount allocated to invoices; kept by the database."
    )
    status = EnumField(PaymentStatus, default=PaymentStatus.PENDING, help_text="Where it is.")
    provider = TextField(
        null=True,
        constraints=[Check(PROVIDER_FORM, name="payments_provider_form_check")],
        help_text="Name of the plugin through which it went; null for manual ones.",
    )
    external_ref = LineField(
        null=True,
        help_text="The provider's own reference, to which its callbacks refer.",
    )
    paid_at = TimestampField(null=True, help_text="When the money came in.")
    expires_at = TimestampField(null=True, help_text="When a pending payment lapses.")
    refunded = MoneyField(default=0, help_text="Rupiah of the amount given back so far.")
    refunded_at = TimestampField(
        null=True, help_text="When rupiah were last given back; filled by the database."
    )
    refunded_by = ForeignKeyField(
        AdminUser,
        null=True,
        index=False,
        backref="refunded_payments",
        on_delete="RESTRICT",
        help_text="Who gave back last; null means the system.",
    )
    refund_reason = LineField(
        null=True, longest=500, help_text="Why it was last given back, as the ledger says, too."
    )
    disputed_at = TimestampField(
        null=True, help_text="When the provider took the money back; a person has to decide."
    )
    received_by = ForeignKeyField(
        AdminUser,
        null=True,
        index=False,
        backref="received_payments",
        on_delete="RESTRICT",
        help_text="Who took the money at the counter.",
    )
    notes = NoteField(null=True, help_text="Free text, for the staff.")

    class Meta:
        table_name = "payments"
        constraints = [
            Check("allocated <= amount - refunded", name="payments_not_overspent_check"),
            Check(
                "(status = 'refunded') = (refunded = amount)",
                name="payments_refunded_is_whole_check",
            ),
            Check(
                "(refunded > 0) = (refunded_at IS NOT NULL)",
                name="payments_refunded_has_time_check",
            ),
            Check(
                "refunded = 0 OR status IN ('paid', 'refunded')",
                name="payments_only_paid_is_refunded_check",
            ),
            Check(
                "disputed_at IS NULL OR status IN ('paid', 'review', 'refunded')",
                name="payments_only_what_came_is_disputed_check",
            ),
            Check("allocated = 0 OR status = 'paid'", name="payments_only_paid_is_allocated_check"),
            Check(
                "(status IN ('paid', 'refunded')) = (paid_at IS NOT NULL)",
                name="payments_paid_has_time_check",
            ),
            Check(
                "external_ref IS NULL OR provider IS NOT NULL",
                name="payments_external_ref_has_provider_check",
            ),
        ]


class PaymentAllocation(BaseModel):
    """The part of a payment that settles an invoice, or part of it; deleted to take it back."""

    payment = ForeignKeyField(
        Payment,
        index=False,
        backref="allocations",
        on_delete="RESTRICT",
        help_text="Payment the money comes from.",
    )
    invoice = ForeignKeyField(
        Invoice,
        backref="allocations",
        on_delete="RESTRICT",
        help_text="Invoice the money goes to.",
    )
    amount = MoneyField(
        constraints=[Check("amount > 0", name="payment_allocations_amount_positive_check")],
        help_text="Rupiah of the payment that go to the invoice.",
    )

    class Meta:
        table_name = "payment_allocations"
        indexes = ((("payment", "invoice"), True),)


class PaymentLink(TimestampedModel):
    """A link by which whoever holds it may pay an invoice; one per invoice is open."""

    invoice = ForeignKeyField(
        Invoice,
        backref="payment_links",
        on_delete="RESTRICT",
        help_text="Invoice it leads to.",
    )
    token_hash = DigestField(unique=True, help_text="The sha256 of the token in the link.")
    amount = MoneyField(
        constraints=[Check("amount > 0", name="payment_links_amount_positive_check")],
        help_text="Rupiah to pay: what the invoice still owes, as long as the link is open.",
    )
    url = LineField(
        null=True,
        longest=2000,
        help_text="The gateway's page to pay on, for just that amount; never the link with its "
        "token. Emptied by the database when the amount changes.",
    )
    status = EnumField(
        PaymentLinkStatus,
        default=PaymentLinkStatus.OPEN,
        help_text="Whether it still leads to a payment.",
    )
    expires_at = TimestampField(help_text="When it stops working.")
    regenerated_count = IntegerField(
        default=0,
        constraints=[
            Check(
                "regenerated_count BETWEEN 0 AND 1000000",
                name="payment_links_regenerated_count_range_check",
            )
        ],
        help_text="How often its token was replaced.",
    )

    class Meta:
        table_name = "payment_links"


class PaymentEvent(BaseModel):
    """A callback from a provider, kept as it came; only its processing is written later.

    A key is taken by a signed event alone, so that a forged one cannot shut the true one out.
    """

    provider = TextField(
        constraints=[Check(PROVIDER_FORM, name="payment_events_provider_form_check")],
        help_text="Name of the plugin whose provider sent it.",
    )
    event_key = LineField(
        help_text="What makes the event one of its kind: its id, or reference and status.",
    )
    external_ref = LineField(null=True, help_text="The payment that it names, if it names one.")
    amount = MoneyField(null=True, help_text="Rupiah that came in, without the provider's fee.")
    is_success = BooleanField(default=True, help_text="Whether it says that money came in.")
    payload = DocumentField(
        longest=131_072,
        help_text="What was sent, as far as JSON can hold it; 128 kB at the most.",
    )
    signature_ok = BooleanField(default=False, help_text="Whether its signature was right.")
    received_at = TimestampField(constraints=[Default("now()")], help_text="When it came.")
    processed_at = TimestampField(null=True, help_text="When it was dealt with; null: not yet.")
    outcome = EnumField(PaymentEventOutcome, null=True, help_text="What became of it.")
    payment = ForeignKeyField(
        Payment,
        null=True,
        backref="events",
        on_delete="RESTRICT",
        help_text="Payment it is about, once found.",
    )
    error = NoteField(null=True, help_text="Why it was not applied.")

    class Meta:
        table_name = "payment_events"
        constraints = [
            Check(
                "(processed_at IS NULL) = (outcome IS NULL)",
                name="payment_events_processed_has_outcome_check",
            ),
            Check(
                "outcome <> 'applied' OR signature_ok",
                name="payment_events_applied_is_signed_check",
            ),
        ]
