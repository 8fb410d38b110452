"""Customers and the ledger of their balances."""

from __future__ import annotations

from enum import StrEnum

from peewee import BigIntegerField, BooleanField, Check, ForeignKeyField, IntegerField, TextField

from domains import (
    BaseModel,
    EnumField,
    LineField,
    MoneyField,
    NoteField,
    PhoneField,
    TimestampedModel,
    TimestampField,
    email,
    spelled,
)
from domains.auth.models import AdminUser
from domains.locations.models import Location

# What the entry by which a part of an invoice is credited refers to.
INVOICE_CREDIT = "invoice_credit"
# Each node of Citus gives identities of a range of its own, 2**48 apart.
MOST_IDENTITY = 2**62


class CustomerStatus(StrEnum):
    """Whether a customer is served."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    INACTIVE = "inactive"


class TransactionLogEntryType(StrEnum):
    """What made an entry of the ledger."""

    TOP_UP = "top_up"
    PAYMENT = "payment"
    CHARGE = "charge"
    REFUND = "refund"
    ADJUSTMENT = "adjustment"
    REVERSAL = "reversal"
    OPENING = "opening"


class Customer(TimestampedModel):
    """A subscriber of a branch. The balance changes only through transaction_logs.

    Deleting is soft: who has a history keeps it, and the phone number is free for another.
    """

    location = ForeignKeyField(
        Location,
        backref="customers",
        on_delete="RESTRICT",
        index=False,
        help_text="Branch that serves the customer.",
    )
    number = TextField(
        constraints=[
            Check(
                spelled("number", "[A-Za-z0-9][A-Za-z0-9/_-]*", 63),
                name="customers_number_form_check",
            )
        ],
        help_text="Customer number, unique in the branch.",
    )
    name = LineField(
        help_text="Full name.",
    )
    phone = PhoneField(
        null=True,
        help_text="WhatsApp number, digits with country code; one customer's only, unless shared.",
    )
    phone_is_shared = BooleanField(
        default=False, help_text="The number is another customer's as well, as in a family."
    )
    email = TextField(
        null=True,
        constraints=[Check(email("email"), name="customers_email_form_check")],
        help_text="E-mail address; letter case does not matter.",
    )
    address = NoteField(null=True, help_text="Where the service is installed.")
    status = EnumField(
        CustomerStatus,
        default=CustomerStatus.ACTIVE,
        help_text="Served (active), stopped for a while (suspended) or gone (inactive).",
    )
    balance = MoneyField(
        signed=True,
        default=0,
        help_text="Rupiah; above zero is credit, below zero is debt. Equals the last ledger entry.",
    )
    credit_limit = MoneyField(default=0, help_text="How far below zero the balance may go, rupiah.")
    notes = NoteField(null=True, help_text="Notes of the staff.")
    opted_out_at = TimestampField(
        null=True, help_text="When the customer wanted no more messages; null: may be written to."
    )
    is_never_isolated = BooleanField(
        default=False, help_text="The service is not stopped for what is overdue."
    )
    deleted_at = TimestampField(null=True, help_text="When the customer was deleted.")

    class Meta:
        table_name = "customers"
        indexes = ((("location", "number"), True),)
        constraints = [
            Check("balance >= -credit_limit", name="customers_balance_within_credit_check"),
            Check(
                "phone IS NOT NULL OR NOT phone_is_shared",
                name="customers_shared_phone_is_there_check",
            ),
        ]


class TransactionLog(BaseModel):
    """An entry of the customer ledger: append-only, and chained without gaps per customer.

    The database fills seq, balance_before and balance_after.
    """

    customer = ForeignKeyField(
        Customer,
        backref="transactions",
        on_delete="RESTRICT",
        index=False,
        help_text="Whose balance it is.",
    )
    seq = IntegerField(
        constraints=[Check("seq BETWEEN 1 AND 2000000000", name="transaction_logs_seq_check")],
        help_text="1, 2, 3 … per customer; filled by the database.",
    )
    entry_type = EnumField(TransactionLogEntryType, help_text="What made the entry.")
    amount = MoneyField(
        signed=True,
        constraints=[Check("amount <> 0", name="transaction_logs_amount_not_zero_check")],
        help_text="Rupiah; above zero in the customer's favour, below zero against.",
    )
    balance_before = MoneyField(
        signed=True, help_text="Balance before the entry, rupiah; filled by the database."
    )
    balance_after = MoneyField(
        signed=True, help_text="Balance after the entry, rupiah; filled by the database."
    )
    reference_type = TextField(
        null=True,
        constraints=[
            Check(
                spelled("reference_type", "[a-z][a-z0-9_]*", 63),
                name="transaction_logs_reference_type_form_check",
            )
        ],
        help_text="Kind of the business event, such as payment or invoice.",
    )
    reference_id = BigIntegerField(
        null=True,
        constraints=[
            Check(
                f"reference_id BETWEEN {-MOST_IDENTITY} AND {MOST_IDENTITY}",
                name="transaction_logs_reference_id_range_check",
            )
        ],
        help_text="Identity of the business event; posted once per entry type, but for refunds "
        "and credits.",
    )
    reverses = ForeignKeyField(
        "self",
        null=True,
        backref="reversals",
        on_delete="RESTRICT",
        index=False,
        help_text="The entry that this one takes back; an entry is taken back once.",
    )
    description = LineField(
        longest=300,
        help_text="What the customer reads on the statement.",
    )
    created_by = ForeignKeyField(
        AdminUser,
        null=True,
        backref="transactions",
        on_delete="RESTRICT",
        index=False,
        help_text="Who posted it; null means the system.",
    )

    class Meta:
        table_name = "transaction_logs"
        indexes = ((("customer", "seq"), True),)
        constraints = [
            Check(
                "balance_after = balance_before + amount",
                name="transaction_logs_balance_is_chained_check",
            ),
            Check(
                "(reference_type IS NULL) = (reference_id IS NULL)",
                name="transaction_logs_reference_is_whole_check",
            ),
            Check(
                "(entry_type = 'reversal') = (reverses_id IS NOT NULL)",
                name="transaction_logs_reversal_names_entry_check",
            ),
            Check("reverses_id <> id", name="transaction_logs_reverses_another_check"),
            Check(
                "CASE WHEN entry_type IN ('top_up', 'payment') THEN amount > 0"
                " WHEN entry_type IN ('charge', 'refund') THEN amount < 0 ELSE true END",
                name="transaction_logs_sign_fits_type_check",
            ),
            Check(
                "entry_type NOT IN ('payment', 'refund') OR reference_type IS NOT DISTINCT FROM"
                " 'payment'",
                name="transaction_logs_payment_is_named_check",
            ),
            Check(
                "entry_type <> 'opening' OR seq = 1",
                name="transaction_logs_opening_is_first_check",
            ),
        ]
