"""The account: its stores, and what there was in it before anybody looked.

A few dozen people of several countries, twelve lists (two pages), the metrics of a shop, and the orders of three weeks.
The samples are no effects.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import islice

from integrations.sandbox.catalogue import catalogue
from integrations.sandbox.klaviyo.consents import Consent
from integrations.sandbox.klaviyo.events import INTERNAL, Events
from integrations.sandbox.klaviyo.ids import Ids
from integrations.sandbox.klaviyo.lists import DOUBLE, SINGLE, Lists
from integrations.sandbox.klaviyo.profiles import Profiles
from integrations.sandbox.shopper import Basket, shopper
from integrations.sandbox.timeline import Timeline
from integrations.sandbox.twin import Effects, World

ACCOUNT_ID = "QsNdBx"
SUBSCRIBED_EMAIL, SUBSCRIBED_SMS = "Subscribed to Email Marketing", "Subscribed to SMS Marketing"
_INTERNAL = (
    *("Received Email", "Opened Email", "Clicked Email", "Bounced Email", "Marked Email as Spam", "Dropped Email"),
    *("Unsubscribed from Email Marketing", SUBSCRIBED_EMAIL, SUBSCRIBED_SMS, "Sent SMS", "Received SMS"),
)
_METRICS = ("Placed Order", "Ordered Product", "Fulfilled Order", "Cancelled Order", "Refunded Order")
_LISTS = (
    "Newsletter",
    "SMS",
    "VIP",
    "Gulf",
    "Europe",
    "Americas",
    "Asia",
    "Home",
    "Apparel",
    "Outdoor",
    "Beauty",
    "Test",
)
_DAY = 86_400
_PEOPLE = 48


class Account:
    """Everything in the one account there is, whatever key is used."""

    def __init__(self, world: World) -> None:
        timeline = Timeline(world.now)
        quiet = replace(world, now=timeline.now, ledger=_Quiet(world.ledger, timeline))
        # One dictionary for both, whoever changes it.
        quiet.settings = world.settings
        ids = Ids(world)
        self.world = quiet
        self.ids = ids
        self.profiles = Profiles(quiet, ids)
        self.events = Events(quiet, ids)
        self.lists = Lists(quiet, ids)
        self._open(timeline, world.now())
        self.opened = world.now()
        ids.live()

    def __repr__(self) -> str:
        return f"<Account {self.profiles!r} {self.events!r} {self.lists!r}>"

    def _open(self, timeline: Timeline, now: float) -> None:
        with timeline.past(now - 400 * _DAY):
            for name in _INTERNAL:
                self.events.metric(name, INTERNAL)
            for name in _METRICS:
                self.events.metric(name)
            for name in _LISTS:
                self.lists.create(name, DOUBLE if name == "Newsletter" else SINGLE)
        baskets = list(islice(shopper(self.world.seed, catalogue(self.world.seed, 300)), _PEOPLE))
        for number, basket in enumerate(baskets):
            with timeline.past(now - 21 * _DAY + number * 21 * _DAY / _PEOPLE):
                self._sale(number, basket)

    def _sale(self, number: int, basket: Basket) -> None:
        customer = basket.customer
        first, _, last = customer.name.partition(" ")
        at = self.world.now()
        person = {
            "email": customer.email,
            "external_id": f"sandbox-customer-{number + 1}",
            "first_name": first,
            "last_name": last,
            "location": {"city": customer.city, "country": customer.country, "zip": customer.postal_code},
        }
        found = self.profiles.find(person)
        profile = found[0] if found else self.profiles.create(person)
        newsletter, *others = self.lists.all()
        if number % 3:
            self.profiles.consent(profile, "email", Consent(at=at, noted=at, list_id=newsletter.id))
            self.lists.add(newsletter, profile.id)
        self.lists.add(others[number % len(others)], profile.id)
        self.events.take(
            profile,
            self.events.metric("Placed Order"),
            {"OrderId": f"sandbox-{number + 1}", "Items": [line.sku for line in basket.lines]},
            unique_id=f"sandbox-{number + 1}:placed",
            value=Decimal(basket.total),
            currency=basket.currency,
        )


class _Quiet:
    """The ledger, which hears nothing of what is said to have happened before it was there."""

    def __init__(self, ledger: Effects, timeline: Timeline) -> None:
        self._ledger = ledger
        self._timeline = timeline

    def effect(self, *, vendor: str, kind: str, reference: str, id: str, amount: str | None = None) -> None:
        if not self._timeline.is_past:
            self._ledger.effect(vendor=vendor, kind=kind, reference=reference, id=id, amount=amount)
