"""The status machines of subscriptions and invoices."""

from domains import StatusMachine
from domains.billing.models import (
    Invoice,
    InvoiceStatus,
    Subscription,
    SubscriptionStatus,
)

SUBSCRIPTIONS = StatusMachine(
    Subscription.status,
    start={SubscriptionStatus.ACTIVE, SubscriptionStatus.SUSPENDED},
    moves={
        SubscriptionStatus.ACTIVE: {SubscriptionStatus.SUSPENDED, SubscriptionStatus.ENDED},
        SubscriptionStatus.SUSPENDED: {SubscriptionStatus.ACTIVE, SubscriptionStatus.ENDED},
    },
)

# An invoice of which something is owed.
OWING = (InvoiceStatus.OPEN, InvoiceStatus.PARTIAL)

# Between open, partial and paid an invoice moves as money is allocated to it and taken off again;
# one of nothing to pay is paid when it is issued.
# A paid one may become void only where there was nothing to pay: `paid` must be 0 by then.
INVOICES = StatusMachine(
    Invoice.status,
    start={InvoiceStatus.DRAFT},
    moves={
        InvoiceStatus.DRAFT: {InvoiceStatus.OPEN, InvoiceStatus.PAID, InvoiceStatus.VOID},
        InvoiceStatus.OPEN: {InvoiceStatus.PARTIAL, InvoiceStatus.PAID, InvoiceStatus.VOID},
        InvoiceStatus.PARTIAL: {InvoiceStatus.OPEN, InvoiceStatus.PAID},
        InvoiceStatus.PAID: {InvoiceStatus.OPEN, InvoiceStatus.PARTIAL, InvoiceStatus.VOID},
    },
)
