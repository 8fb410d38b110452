"""What a branch took, day by day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from domains import get, operation
from domains.locations.models import Location
from domains.payments.models import Payment

# A payment from the balance brings nothing in: its money came in when the balance was topped up.
# A refund counts on the day on which it was given back, so that no past day changes. Money that was
# sent back out of review never was the branch's: it is in no ledger.
REVENUE = """
    SELECT day, sum(received)::bigint, sum(refunded)::bigint FROM (
        SELECT (p.paid_at AT TIME ZONE %(zone)s)::date AS day, p.amount AS received, 0 AS refunded
        FROM payments p JOIN payment_methods m ON m.id = p.method_id
        WHERE p.location_id = %(location)s AND m.type <> 'wallet'
          AND (p.status = 'paid' OR EXISTS (
              SELECT FROM transaction_logs t WHERE t.entry_type = 'payment'
                AND t.reference_type = 'payment' AND t.reference_id = p.id))
          AND p.paid_at >= %(first)s::date::timestamp AT TIME ZONE %(zone)s
          AND p.paid_at < %(last)s::date::timestamp AT TIME ZONE %(zone)s
        UNION ALL
        SELECT (t.created_at AT TIME ZONE %(zone)s)::date, 0, -t.amount
        FROM transaction_logs t JOIN payments p ON p.id = t.reference_id
        WHERE t.entry_type = 'refund' AND p.location_id = %(location)s
          AND t.created_at >= %(first)s::date::timestamp AT TIME ZONE %(zone)s
          AND t.created_at < %(last)s::date::timestamp AT TIME ZONE %(zone)s
    ) moves GROUP BY day ORDER BY day
"""


@dataclass(frozen=True)
class DayOfRevenue:
    """What came in and what was given back on a day, in rupiah, without fees."""

    day: date
    received: int
    refunded: int

    @property
    def net(self) -> int:
        """What is left of it, in rupiah."""
        return self.received - self.refunded


def revenue(location: int | Location, first: date, last: date) -> list[DayOfRevenue]:
    """The days of a branch, from the first up to the last, exclusive, on which money moved.

    Days are those of the branch's time zone. Payments from the balance are not counted, and money
    in review not before it is accepted. Raises Missing.
    """
    database = Payment._meta.database
    with operation(database):
        place = get(Location, location)
        values = {"location": place.id, "zone": place.timezone, "first": first, "last": last}
        rows = database.execute_sql(REVENUE, values).fetchall()
    return [DayOfRevenue(*row) for row in rows]
