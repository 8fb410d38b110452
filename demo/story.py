"""The history as it unfolds: what happens next is always what comes first in time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from heapq import heappop, heappush
from itertools import count
from typing import Any

from demo import closing, names, signup, staff, tokens, vouchers
from demo.plan import Plan
from demo.seeded import Seeded
from demo.sheets import Batch, Book
from demo.world import Branch

# Each brings a few rows.
BATCH_ACTIONS = 5_000
COMPANY_PHONE = "021 5550123"

Action = Callable[..., None]


class Story:
    """Who acts when. An action adds rows to the book and says what follows from it.

    begins, now: the moments between which the history lies. Memory grows with the customers and
    with what is still to come of them, not with the length of the history.
    """

    def __init__(self, plan: Plan, book: Book, seeded: Seeded, branches: list[Branch]) -> None:
        self.plan = plan
        self.book = book
        self.seeded = seeded
        self.branches = branches
        self.begins = min(branch.zone.moment(plan.start) for branch in branches)
        self.now = max(branch.zone.moment(plan.today) for branch in branches)
        self.first_phone = int(plan.chance("phones").random() * names.SUBSCRIBERS)
        self.first_code = int(plan.chance("codes").random() * tokens.CODES)
        self.company = {
            "company_name": seeded.settings["company_name"],
            "company_phone": seeded.settings["company_phone"] or COMPANY_PHONE,
        }
        self.numbers: Counter[tuple[int, date]] = Counter()
        self._coming: list[tuple[int, int, Action, tuple[Any, ...]]] = []
        self._order = count()

    def at(self, moment: int, action: Action, *arguments: Any) -> None:
        """Have action(story, moment, …) happen, unless the history ends before that moment."""
        if moment < self.now:
            heappush(self._coming, (moment, next(self._order), action, arguments))

    def batches(self) -> Iterator[tuple[int, Batch]]:
        """All rows, batch by batch, each with the moment that it leads up to.

        A row refers only to rows of its own batch or of one before.
        """
        signup.begin(self)
        vouchers.begin(self)
        staff.begin(self)
        for number in count(1):
            if not self._coming:
                break
            moment, _, action, arguments = heappop(self._coming)
            action(self, moment, *arguments)
            if number % BATCH_ACTIONS == 0:
                yield moment, self.book.take()
        closing.close(self)
        yield self.now, self.book.take()
