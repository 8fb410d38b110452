"""Routers, and what is sold on them: profiles, vouchers and PPPoE accounts."""

from __future__ import annotations

from enum import StrEnum

from peewee import BigIntegerField, BooleanField, Check, ForeignKeyField, IntegerField, TextField

from domains import (
    BasisPointsField,
    EnumField,
    InetField,
    LineField,
    MacField,
    MoneyField,
    NoteField,
    PhoneField,
    SecretField,
    TimestampedModel,
    TimestampField,
    email,
    spelled,
)
from domains.auth.models import AdminUser
from domains.customers.models import Customer
from domains.locations.models import Location


class ServiceType(StrEnum):
    """How a customer gets on the network."""

    HOTSPOT = "hotspot"
    PPPOE = "pppoe"


class RouterStatus(StrEnum):
    """What the last try to reach a router gave."""

    UNKNOWN = "unknown"
    ONLINE = "online"
    OFFLINE = "offline"
    ERROR = "error"


class ProfileDurationUnit(StrEnum):
    """Unit of a profile's duration; a month is a calendar month."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


class VoucherStatus(StrEnum):
    """Where a voucher is in its life."""

    UNUSED = "unused"
    USED = "used"
    EXPIRED = "expired"
    DISABLED = "disabled"


class PppoeUserStatus(StrEnum):
    """Whether a PPPoE account may connect; an isolated one sees only the page to pay at."""

    ACTIVE = "active"
    ISOLATED = "isolated"
    DISABLED = "disabled"
    EXPIRED = "expired"


class SyncState(StrEnum):
    """Whether the router has what the database says."""

    PENDING = "pending"
    SYNCED = "synced"
    FAILED = "failed"


class Router(TimestampedModel):
    """A MikroTik router of a branch, reached through its API."""

    location = ForeignKeyField(
        Location,
        backref="routers",
        on_delete="RESTRICT",
        index=False,
        help_text="Branch where the router is.",
    )
    name = LineField(
        help_text="Name of the router, unique in the branch.",
    )
    host = TextField(
        constraints=[Check(r"host ~ '^[\x21-\x7e]{1,253}$'", name="routers_host_form_check")],
        help_text="Host name or address of the API.",
    )
    port = IntegerField(
        default=8729,
        constraints=[Check("port BETWEEN 1 AND 65535", name="routers_port_check")],
        help_text="TCP port of the API; RouterOS has 8729 with TLS and 8728 without.",
    )
    use_tls = BooleanField(default=True, help_text="The API is spoken over TLS.")
    api_username = LineField(
        help_text="User of the API.",
    )
    api_password = SecretField(help_text="Password of the API, encrypted.")
    status = EnumField(
        RouterStatus,
        default=RouterStatus.UNKNOWN,
        help_text="What the last try to reach it gave.",
    )
    last_seen_at = TimestampField(null=True, help_text="When it last answered.")
    last_error = NoteField(null=True, help_text="What the last failed try said.")
    is_active = BooleanField(default=True, help_text="The system talks to the router.")

    class Meta:
        table_name = "routers"
        indexes = ((("location", "name"), True),)


class Vendor(TimestampedModel):
    """A reseller, who sells the vouchers of a branch for a commission."""

    location = ForeignKeyField(
        Location,
        backref="vendors",
        on_delete="RESTRICT",
        index=False,
        help_text="Branch whose vouchers are sold.",
    )
    name = LineField(
        help_text="Name of the reseller, unique in the branch.",
    )
    admin_user = ForeignKeyField(
        AdminUser,
        null=True,
        unique=True,
        backref="vendors",
        on_delete="RESTRICT",
        help_text="Log-in of the reseller, if there is one.",
    )
    contact_name = LineField(null=True, help_text="Whom to ask for.")
    phone = PhoneField(null=True, help_text="Phone, digits with country code.")
    email = TextField(
        null=True,
        constraints=[Check(email("email"), name="vendors_email_form_check")],
        help_text="E-mail address.",
    )
    address = NoteField(null=True, help_text="Postal address.")
    commission_bp = BasisPointsField(
        default=0, help_text="Commission on the selling price, basis points."
    )
    is_active = BooleanField(default=True, help_text="May sell.")

    class Meta:
        table_name = "vendors"
        indexes = ((("location", "name"), True),)


class Profile(TimestampedModel):
    """A product of a branch: how fast, how long, how much data, at what price."""

    location = ForeignKeyField(
        Location,
        backref="profiles",
        on_delete="RESTRICT",
        index=False,
        help_text="Branch that offers it.",
    )
    name = LineField(
        help_text="Name of the product, unique in the branch.",
    )
    service_type = EnumField(ServiceType, help_text="Sold as hotspot voucher or PPPoE account.")
    cost_price = MoneyField(default=0, help_text="What it costs the provider, rupiah.")
    selling_price = MoneyField(help_text="What the customer pays, rupiah.")
    duration = IntegerField(
        constraints=[
            Check(
                "duration BETWEEN 1 AND CASE duration_unit WHEN 'hour' THEN 87600"
                " WHEN 'day' THEN 3650 ELSE 120 END",
                name="profiles_duration_check",
            ),
            Check("duration BETWEEN 1 AND 87600", name="profiles_duration_range_check"),
        ],
        help_text="How long it lasts, in duration_unit.",
    )
    duration_unit = EnumField(ProfileDurationUnit, help_text="Unit of the duration.")
    rate_limit = TextField(
        null=True,
        constraints=[
            Check(
                "rate_limit ~ '^[0-9]{1,12}[kKmMgG]?(/[0-9]{1,12}[kKmMgG]?)?"
                "( [0-9]{1,12}[kKmMgG]?(/[0-9]{1,12}[kKmMgG]?)?){0,5}$'",
                name="profiles_rate_limit_form_check",
            )
        ],
        help_text="RouterOS rate limit, seen from the router: rx/tx, burst, threshold, time, "
        "priority, minimum, such as 2M/10M. Null means no limit.",
    )
    data_limit_bytes = BigIntegerField(
        null=True,
        constraints=[
            Check(
                "data_limit_bytes BETWEEN 1 AND 1000000000000000",
                name="profiles_data_limit_bytes_check",
            )
        ],
        help_text="Data both ways, bytes; null means no limit.",
    )
    shared_users = IntegerField(
        default=1,
        constraints=[
            Check(
                "shared_users BETWEEN 1 AND 100000",
                name="profiles_shared_users_check",
            )
        ],
        help_text="How many devices may be on at once.",
    )
    mikrotik_name = LineField(
        help_text="Name of the profile on the routers.",
    )
    is_active = BooleanField(default=True, help_text="Is on sale.")

    class Meta:
        table_name = "profiles"
        indexes = ((("location", "name"), True),)


class VoucherBatch(TimestampedModel):
    """Vouchers made together. The prices are the profile's at that time."""

    location = ForeignKeyField(
        Location,
        backref="voucher_batches",
        on_delete="RESTRICT",
        index=False,
        help_text="Branch that made them.",
    )
    profile = ForeignKeyField(
        Profile, backref="voucher_batches", on_delete="RESTRICT", help_text="What they give."
    )
    vendor = ForeignKeyField(
        Vendor,
        null=True,
        backref="voucher_batches",
        on_delete="RESTRICT",
        help_text="Reseller they were made for; null means the branch sells them itself.",
    )
    code = TextField(
        unique=True,
        constraints=[
            Check(
                spelled("code", "[A-Za-z0-9][A-Za-z0-9_-]*", 63),
                name="voucher_batches_code_form_check",
            )
        ],
        help_text="Code of the batch, found in the router's comments.",
    )
    prefix = TextField(
        null=True,
        constraints=[
            Check(
                spelled("prefix", "[A-Za-z0-9][A-Za-z0-9_-]*", 32),
                name="voucher_batches_prefix_form_check",
            )
        ],
        help_text="How each voucher's code begins.",
    )
    quantity = IntegerField(
        constraints=[Check("quantity BETWEEN 1 AND 100000", name="voucher_batches_quantity_check")],
        help_text="How many were made.",
    )
    cost_price = MoneyField(help_text="Cost of one voucher, rupiah.")
    selling_price = MoneyField(help_text="Price of one voucher, rupiah.")
    use_until = TimestampField(
        null=True, help_text="Shelf life: the last moment to log in with one; null: without end."
    )
    created_by = ForeignKeyField(
        AdminUser,
        null=True,
        backref="voucher_batches",
        on_delete="RESTRICT",
        help_text="Who made them.",
    )
    notes = NoteField(null=True, help_text="Notes of the staff.")

    class Meta:
        table_name = "voucher_batches"


class Voucher(TimestampedModel):
    """A hotspot code that is used once. Its time runs from the first log-in."""

    batch = ForeignKeyField(
        VoucherBatch, backref="vouchers", on_delete="RESTRICT", help_text="Made with these others."
    )
    location = ForeignKeyField(
        Location,
        backref="vouchers",
        on_delete="RESTRICT",
        index=False,
        help_text="Branch, as in the batch.",
    )
    profile = ForeignKeyField(
        Profile,
        backref="vouchers",
        on_delete="RESTRICT",
        help_text="What it gives, as in the batch.",
    )
    customer = ForeignKeyField(
        Customer,
        null=True,
        backref="vouchers",
        on_delete="RESTRICT",
        index=False,
        help_text="Who uses it, where that is known.",
    )
    code = TextField(
        unique=True,
        constraints=[
            Check(
                spelled("code", "[A-Za-z0-9][A-Za-z0-9_-]*", 64, least=3),
                name="vouchers_code_form_check",
            )
        ],
        help_text="What the customer types; the user name on the hotspot.",
    )
    password = SecretField(
        null=True, help_text="Password, encrypted; null means that the code is the password too."
    )
    status = EnumField(
        VoucherStatus, default=VoucherStatus.UNUSED, help_text="Where it is in its life."
    )
    cost_price = MoneyField(help_text="Cost, rupiah, as in the batch.")
    selling_price = MoneyField(help_text="Price, rupiah, as in the batch.")
    use_until = TimestampField(
        null=True, help_text="Last moment of a first log-in, as in the batch; null: without end."
    )
    used_at = TimestampField(null=True, help_text="First log-in.")
    expires_at = TimestampField(
        null=True, help_text="End of its time; filled by the database at the first log-in."
    )
    sync_state = EnumField(
        SyncState, default=SyncState.PENDING, help_text="Whether the routers have it as it is here."
    )
    sync_error = NoteField(null=True, help_text="Why the last synchronisation failed.")

    class Meta:
        table_name = "vouchers"
        constraints = [
            Check(
                "CASE status WHEN 'unused' THEN used_at IS NULL"
                " WHEN 'disabled' THEN true"
                " WHEN 'expired' THEN num_nonnulls(used_at, use_until) > 0"
                " ELSE used_at IS NOT NULL END",
                name="vouchers_status_fits_times_check",
            ),
            Check(
                "(used_at IS NULL) = (expires_at IS NULL)",
                name="vouchers_times_come_together_check",
            ),
            Check("expires_at > used_at", name="vouchers_expires_after_used_check"),
            Check(
                "(sync_state = 'failed') = (sync_error IS NOT NULL)",
                name="vouchers_failed_sync_has_error_check",
            ),
        ]


class PppoeUser(TimestampedModel):
    """A customer's PPPoE account on a router. Its branch is the router's."""

    customer = ForeignKeyField(
        Customer, backref="pppoe_users", on_delete="RESTRICT", help_text="Whose account it is."
    )
    router = ForeignKeyField(
        Router,
        backref="pppoe_users",
        on_delete="RESTRICT",
        index=False,
        help_text="Router that lets it in.",
    )
    profile = ForeignKeyField(
        Profile, backref="pppoe_users", on_delete="RESTRICT", help_text="What it gives."
    )
    username = TextField(
        constraints=[
            Check(
                spelled("username", "[A-Za-z0-9][A-Za-z0-9@._-]*", 64),
                name="pppoe_users_username_form_check",
            )
        ],
        help_text="PPPoE name, unique on the router; letter case does not matter.",
    )
    password = SecretField(help_text="PPPoE password, encrypted.")
    status = EnumField(
        PppoeUserStatus,
        default=PppoeUserStatus.ACTIVE,
        help_text="Whether it may connect.",
    )
    expires_at = TimestampField(null=True, help_text="Paid until; null means without end.")
    static_ip = InetField(
        null=True,
        constraints=[
            Check("static_ip = host(static_ip)::inet", name="pppoe_users_static_ip_is_host_check")
        ],
        help_text="Address it always gets, one per account and router.",
    )
    mac = MacField(null=True, help_text="The only device that may connect; null means any.")
    sync_state = EnumField(
        SyncState, default=SyncState.PENDING, help_text="Whether the router has it as it is here."
    )
    sync_error = NoteField(null=True, help_text="Why the last synchronisation failed.")

    class Meta:
        table_name = "pppoe_users"
        constraints = [
            Check(
                "status <> 'expired' OR expires_at IS NOT NULL",
                name="pppoe_users_expired_has_end_check",
            ),
            Check(
                "(sync_state = 'failed') = (sync_error IS NOT NULL)",
                name="pppoe_users_failed_sync_has_error_check",
            ),
        ]
