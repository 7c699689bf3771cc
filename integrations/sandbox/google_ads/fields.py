"""The fields of a row that are played: what kind they are and what they say.

Names are the query's (snake_case); in the answer they are lowerCamelCase, int64 is text, a double a number, an enum its
word, and nought is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from integrations.sandbox.advertising import Campaign
from integrations.sandbox.google_ads.accounts import CHANNELS, Customer
from integrations.sandbox.google_ads.dates import DAYS_OF_WEEK

INT64, INT32, DOUBLE, STRING, BOOL, DATE = "int64", "int32", "double", "string", "bool", "date"


@dataclass(slots=True, kw_only=True)
class Sums:
    """What one row adds up."""

    cost: Decimal = Decimal(0)
    impressions: int = 0
    clicks: int = 0
    sales: Decimal = Decimal(0)
    sales_value: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row before its fields are chosen. ``segments`` by their name in the query."""

    customer: Customer
    campaign: Campaign | None
    segments: Mapping[str, str | int] = field(default_factory=dict)
    sums: Sums = field(default_factory=Sums)


@dataclass(frozen=True, slots=True)
class Field:
    """A field. ``kind`` is one of the words above or the words of an enum."""

    kind: str | tuple[str, ...]
    value: Callable[[Row], Any]


def _campaign(value: Callable[[Customer, Campaign], Any]) -> Callable[[Row], Any]:
    return lambda row: None if row.campaign is None else value(row.customer, row.campaign)


def _rate(top: Callable[[Sums], Decimal], bottom: Callable[[Sums], int]) -> Callable[[Row], float]:
    return lambda row: float(top(row.sums) / bottom(row.sums)) if bottom(row.sums) else 0.0


def _segment(name: str) -> Callable[[Row], Any]:
    return lambda row: row.segments.get(name)


FIELDS: dict[str, Field] = {
    "customer.resource_name": Field(STRING, lambda row: row.customer.resource_name),
    "customer.id": Field(INT64, lambda row: int(row.customer.id)),
    "customer.descriptive_name": Field(STRING, lambda row: f"Quayside {row.customer.id}"),
    "customer.currency_code": Field(STRING, lambda row: row.customer.currency),
    "customer.time_zone": Field(STRING, lambda row: row.customer.time_zone),
    "customer.manager": Field(BOOL, lambda row: row.customer.manager),
    "customer.test_account": Field(BOOL, lambda row: True),
    "customer.auto_tagging_enabled": Field(BOOL, lambda row: True),
    "customer.status": Field(("ENABLED", "CANCELED", "SUSPENDED", "CLOSED"), lambda row: "ENABLED"),
    "campaign.resource_name": Field(
        STRING, _campaign(lambda owner, one: f"{owner.resource_name}/campaigns/{owner.campaign_id(one)}")
    ),
    "campaign.id": Field(INT64, _campaign(lambda owner, one: owner.campaign_id(one))),
    "campaign.name": Field(STRING, _campaign(lambda owner, one: one.name)),
    "campaign.status": Field(
        ("ENABLED", "PAUSED", "REMOVED"), _campaign(lambda owner, one: "PAUSED" if one.paused else "ENABLED")
    ),
    "campaign.serving_status": Field(("SERVING", "NONE", "ENDED", "PENDING", "SUSPENDED"), lambda row: "SERVING"),
    "campaign.advertising_channel_type": Field(
        (*CHANNELS, "VIDEO", "HOTEL", "DEMAND_GEN", "LOCAL", "SMART", "MULTI_CHANNEL", "TRAVEL"),
        _campaign(lambda owner, one: CHANNELS[one.number % len(CHANNELS)]),
    ),
    "segments.date": Field(DATE, _segment("date")),
    "segments.day_of_week": Field(DAYS_OF_WEEK, _segment("day_of_week")),
    "segments.month": Field(DATE, _segment("month")),
    "segments.quarter": Field(DATE, _segment("quarter")),
    "segments.week": Field(DATE, _segment("week")),
    "segments.year": Field(INT32, _segment("year")),
    "metrics.cost_micros": Field(INT64, lambda row: int(row.sums.cost * 1_000_000)),
    "metrics.impressions": Field(INT64, lambda row: row.sums.impressions),
    "metrics.clicks": Field(INT64, lambda row: row.sums.clicks),
    "metrics.conversions": Field(DOUBLE, lambda row: float(row.sums.sales)),
    "metrics.conversions_value": Field(DOUBLE, lambda row: float(row.sums.sales_value)),
    "metrics.all_conversions": Field(DOUBLE, lambda row: float(row.sums.sales)),
    "metrics.ctr": Field(DOUBLE, _rate(lambda sums: Decimal(sums.clicks), lambda sums: sums.impressions)),
    "metrics.average_cpc": Field(DOUBLE, _rate(lambda sums: sums.cost * 1_000_000, lambda sums: sums.clicks)),
    "metrics.average_cpm": Field(DOUBLE, _rate(lambda sums: sums.cost * 1_000_000_000, lambda sums: sums.impressions)),
}
RESOURCES = {"campaign": ("campaign", "customer"), "customer": ("customer",)}  # and what may be selected with it


def camel(name: str) -> str:
    """Return a query's name as the answer writes it."""
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def shown(row: Row, names: tuple[str, ...]) -> dict[str, Any]:
    """Return a row with the fields named; a resource that is touched always brings its resource name."""
    resources = dict.fromkeys(name.partition(".")[0] for name in names)
    wanted = [f"{one}.resource_name" for one in resources if f"{one}.resource_name" in FIELDS]
    found: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys((*wanted, *names)):
        one = FIELDS[name]
        value = one.value(row)
        if value in (None, 0, "", False):
            continue
        resource, _, member = name.partition(".")
        found.setdefault(camel(resource), {})[camel(member)] = str(value) if one.kind == INT64 else value
    return found
