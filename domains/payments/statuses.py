"""The status machines of payments and payment links."""

from domains import StatusMachine
from domains.payments.models import (
    Payment,
    PaymentLink,
    PaymentLinkStatus,
    PaymentStatus,
)

CLOSED = {
    PaymentStatus.PAID,
    PaymentStatus.FAILED,
    PaymentStatus.CANCELLED,
    PaymentStatus.EXPIRED,
    PaymentStatus.REVIEW,
}

# Money for an attempt that was given up goes to review, where a person accepts it (paid), sends it
# back (refunded) or finds that none came (cancelled). Money that came a second time for a payment
# is a payment of its own, which begins in review.
PAYMENTS = StatusMachine(
    Payment.status,
    start={
        PaymentStatus.PENDING,
        PaymentStatus.PROCESSING,
        PaymentStatus.PAID,
        PaymentStatus.REVIEW,
    },
    moves={
        PaymentStatus.PENDING: CLOSED | {PaymentStatus.PROCESSING},
        PaymentStatus.PROCESSING: CLOSED,
        PaymentStatus.FAILED: {PaymentStatus.REVIEW},
        PaymentStatus.CANCELLED: {PaymentStatus.REVIEW},
        PaymentStatus.EXPIRED: {PaymentStatus.REVIEW},
        PaymentStatus.REVIEW: {
            PaymentStatus.PAID,
            PaymentStatus.REFUNDED,
            PaymentStatus.CANCELLED,
        },
        PaymentStatus.PAID: {PaymentStatus.REFUNDED},
    },
)

LINKS = StatusMachine(
    PaymentLink.status,
    start={PaymentLinkStatus.OPEN},
    moves={
        PaymentLinkStatus.OPEN: {
            PaymentLinkStatus.PAID,
            PaymentLinkStatus.EXPIRED,
            PaymentLinkStatus.REVOKED,
        }
    },
)
