"""Marketing: who a shopper is to the mailing tool, what they did, what advertising cost and what it brought."""

from __future__ import annotations

import datetime
from typing import Literal

from pydantic import Field, model_validator

from integrations.types.base import Country, Exact, Model, Money, Reference, UtcDatetime

EventValue = str | int | bool | None


class Profile(Model):
    """A shopper. At least one of ``email``, ``phone`` (E.164) and ``external_id`` is given; what is '' is left as it is."""

    email: str = Field(default="", max_length=254)
    phone: str = Field(default="", max_length=20)
    external_id: str = Field(default="", max_length=64)
    first_name: str = ""
    last_name: str = ""
    city: str = ""
    region: str = ""
    country: Country | None = None
    postal_code: str = ""
    properties: dict[str, EventValue] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _known_by_something(self) -> Profile:
        if not (self.email or self.phone or self.external_id):
            raise ValueError("give email, phone or external_id")
        return self


class SavedProfile(Model):
    """The profile as the vendor keeps it."""

    vendor: str
    profile_id: str
    created: bool


class TrackedEvent(Model):
    """Something a shopper did. ``reference`` keeps it from being counted twice."""

    reference: Reference
    name: str = Field(min_length=1, max_length=127)  # e.g. "Placed Order"
    profile: Profile
    at: UtcDatetime | None = None
    value: Money | None = None
    properties: dict[str, EventValue] = Field(default_factory=dict)


class AcceptedEvent(Model):
    """The vendor has taken the event; it is processed later."""

    vendor: str
    reference: str


class SpendQuery(Model):
    """Days of spend, both included, by campaign."""

    since: datetime.date
    until: datetime.date
    cursor: str = ""

    @model_validator(mode="after")
    def _in_order(self) -> SpendQuery:
        if self.until < self.since:
            raise ValueError("until must not be before since")
        return self


class CampaignSpend(Model):
    """What one campaign cost on one day of the ad account's own time zone."""

    vendor: str
    account_id: str
    campaign_id: str
    campaign_name: str
    date: datetime.date
    spend: Money
    impressions: int
    clicks: int
    conversions: Exact


class SpendPage(Model):
    """A page of spend; ``next_cursor`` '' at the end. A campaign without delivery on a day has no row."""

    rows: tuple[CampaignSpend, ...]
    next_cursor: str = ""


class Conversion(Model):
    """A sale for the advertiser's books. Personal data is hashed as the vendor asks before it is sent."""

    reference: Reference
    name: Literal["Purchase", "Refund", "Lead", "CompleteRegistration"] = "Purchase"
    at: UtcDatetime | None = None
    value: Money
    email: str = ""
    phone: str = ""
    first_name: str = ""
    last_name: str = ""
    country: Country | None = None
    postal_code: str = ""
    click_id: str = ""  # gclid, or fbc
    browser_id: str = ""  # fbp
    ip_address: str = ""
    user_agent: str = ""
    source_url: str = ""
    quantity: Exact | None = None


class SentConversion(Model):
    """What the vendor said; ``message`` names what it took only in part."""

    vendor: str
    reference: str
    accepted: bool
    message: str = ""
