"""The standing orders of subscribers: the first one, and the one after a change of plan."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from demo import staff
from demo.bills import Terms
from demo.customers import Outlook, Subscriber
from domains.billing.models import Subscription, SubscriptionStatus

if TYPE_CHECKING:
    from demo.story import Story


def first(story: Story, created: int, subscriber: Subscriber, outlook: Outlook, line: int) -> int:
    """The one that lasts to the end, or to the change of plan."""
    if outlook.change is None:
        return _subscription(story, created, subscriber, outlook, line, subscriber.terms)
    story.at(outlook.change.credited, _change, subscriber, outlook, line)
    return story.book[Subscription].add(
        **_terms(subscriber, line, subscriber.terms),
        status=SubscriptionStatus.ENDED,
        ended_on=outlook.change.first - timedelta(1),
        credited_until=outlook.settled_before,
        created_at=created,
        updated_at=outlook.change.credited,
    )


def _change(story: Story, moment: int, subscriber: Subscriber, outlook: Outlook, line: int) -> None:
    """Another plan takes the line."""
    terms = subscriber.changed(subscriber.person.branch.zone.day(moment))
    subscriber.product, subscriber.price, subscriber.started_on = terms
    subscriber.subscription = _subscription(story, moment, subscriber, outlook, line, terms)
    branch = subscriber.person.branch
    deed = ("subscriptions.start", "subscription", subscriber.subscription)
    staff.did(story, moment, branch, branch.staff[0], *deed)


def _terms(subscriber: Subscriber, line: int, terms: Terms) -> dict[str, Any]:
    return {
        "location": subscriber.person.branch.id,
        "customer": subscriber.person.id,
        "profile": terms.product.id,
        "pppoe_user": line,
        "price": terms.price,
        "cycle": subscriber.cycle,
        "anchor_day": subscriber.anchor_day,
        "started_on": terms.began,
    }


def _subscription(
    story: Story, created: int, subscriber: Subscriber, outlook: Outlook, line: int, terms: Terms
) -> int:
    ends_on, next_on = subscriber.ends_on, outlook.next_on
    if subscriber.is_gone(story.plan.today):
        status = SubscriptionStatus.ENDED
    elif outlook.is_suspended:
        status = SubscriptionStatus.SUSPENDED
    else:
        status = SubscriptionStatus.ACTIVE
    billed = status != SubscriptionStatus.ENDED and (ends_on is None or next_on <= ends_on)
    return story.book[Subscription].add(
        **_terms(subscriber, line, terms),
        status=status,
        ended_on=ends_on,
        credited_until=outlook.settled_until,
        suspended_on=next_on if status == SubscriptionStatus.SUSPENDED else None,
        next_billing_on=next_on if billed else None,
        created_at=created,
    )
