"""Insights: what was spent and what came of it, by account, campaign, ad set or ad, and by day.

Every number is text, money has the decimals of the account's currency, days are those of the account's time zone, and
what delivered nothing has no row. Recent days change until they are settled. The fields played are those in ``FIELDS``;
breakdowns are not played and are refused, summaries, attribution windows and exports are passed over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from integrations.sandbox.advertising import Campaign, age, days, delivery, local_day, money
from integrations.sandbox.meta_ads.access import VENDOR
from integrations.sandbox.meta_ads.accounts import SHARES, Account, Node, account, node
from integrations.sandbox.meta_ads.errors import bad_parameter, no_such_object, too_much_data
from integrations.sandbox.meta_ads.parameters import Parameters
from integrations.sandbox.meta_ads.periods import Period, periods
from integrations.sandbox.twin import World

LEVELS = ("account", "campaign", "adset", "ad")
_DEFAULT_FIELDS = ("impressions", "spend")
_FILTERED = {"campaign.id", "campaign.name", "spend", "impressions", "clicks"}


@dataclass(slots=True, kw_only=True)
class Sums:
    """What one row adds up."""

    cost: Decimal = Decimal(0)
    impressions: int = 0
    clicks: int = 0
    sales: int = 0
    sales_value: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row before its fields are chosen."""

    account: Account
    node: Node | None  # None: the whole account
    campaign: Campaign | None
    period: Period
    sums: Sums


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A report that was asked for."""

    account: Account
    only: Node | None
    level: str
    fields: tuple[str, ...]
    periods: list[Period]
    filters: list[dict[str, Any]] = field(default_factory=list)
    sort: tuple[str, ...] = ()


def read_query(world: World, object_id: str, parameters: Parameters) -> Query:
    """Return the report a request asks for; raises ``GraphError`` for what cannot be reported."""
    only = None if object_id.startswith("act_") else node(object_id)
    owner = account(world, only.account if only else object_id.removeprefix("act_"))
    if owner is None or (only is None and not object_id.startswith("act_")):
        raise no_such_object(object_id, "get")
    level = parameters.text("level", only.level if only else "account")
    if level not in LEVELS:
        raise bad_parameter(f"level must be one of the following values: {', '.join(LEVELS)}")
    fields = tuple(parameters.names("fields")) or _DEFAULT_FIELDS
    unknown = [name for name in fields if name not in FIELDS]
    if unknown:
        raise bad_parameter(f"{', '.join(unknown)} {'is' if len(unknown) == 1 else 'are'} not valid for fields param.")
    if parameters.names("breakdowns"):
        raise bad_parameter(f"{', '.join(parameters.names('breakdowns'))} is not valid for breakdowns param.")
    return Query(
        account=owner,
        only=only,
        level=level,
        fields=fields,
        periods=periods(parameters, local_day(world.now(), owner.time_zone)),
        filters=_filters(parameters),
        sort=_sort(parameters),
    )


def rows(world: World, query: Query, *, most: int | None) -> list[dict[str, Any]]:
    """Return all rows of a report; raises ``GraphError`` when there could be more than ``most``."""
    nodes = _nodes(query)
    if most is not None and len(nodes) * len(query.periods) > most:
        raise too_much_data()
    found = []
    for one, campaign in nodes:
        for period in query.periods:
            sums = _sums(world, query.account, one, campaign, period)
            row = Row(account=query.account, node=one, campaign=campaign, period=period, sums=sums)
            if (sums.impressions or sums.cost) and all(_passes(row, wanted) for wanted in query.filters):
                found.append(row)
    for name, descending in reversed([_direction(one) for one in query.sort]):
        found.sort(key=_sort_key(name), reverse=descending)
    return [_shown(row, query.fields) for row in found]


def _nodes(query: Query) -> list[tuple[Node | None, Campaign | None]]:
    if query.level == "account":
        return [(None, None)]
    found: list[tuple[Node | None, Campaign | None]] = []
    for campaign in query.account.campaigns:
        for part in range(len(SHARES[query.level])):
            one = Node(account=query.account.id, campaign=campaign.number, level=query.level, part=part)
            only = query.only
            if only is None or (only.campaign == one.campaign and (only.level != one.level or only.part == one.part)):
                found.append((one, campaign))
    return found


def _sums(world: World, owner: Account, one: Node | None, campaign: Campaign | None, period: Period) -> Sums:
    sums = Sums()
    now = world.now()
    for each in owner.campaigns if campaign is None else (campaign,):
        for day in days(*period):
            found = delivery(
                world.seed,
                VENDOR,
                owner.id,
                each,
                day,
                currency=owner.currency,
                age=age(day, now, owner.time_zone),
            )
            if found is None:
                continue
            low, high = _bounds(one)
            sums.cost += money(float(found.cost) * high, owner.currency) - money(
                float(found.cost) * low, owner.currency
            )
            sums.impressions += int(found.impressions * high) - int(found.impressions * low)
            sums.clicks += int(found.clicks * high) - int(found.clicks * low)
            sales = round(found.sales)
            sums.sales += int(sales * high) - int(sales * low)
            value = float(found.sales_value)
            sums.sales_value += money(value * high, owner.currency) - money(value * low, owner.currency)
    return sums


def _bounds(one: Node | None) -> tuple[float, float]:
    """Return which part of a campaign's day a node has, as two cumulative shares: the parts add up to the whole."""
    if one is None:
        return 0.0, 1.0
    shares = SHARES[one.level]
    return round(sum(shares[: one.part]), 6), round(sum(shares[: one.part + 1]), 6)


def _shown(row: Row, names: tuple[str, ...]) -> dict[str, Any]:
    shown = {name: FIELDS[name](row) for name in names}
    since, until = row.period
    dates = {"date_start": since.isoformat(), "date_stop": until.isoformat()}
    return {name: value for name, value in shown.items() if value not in (None, [])} | dates


def _actions(row: Row) -> list[dict[str, str]]:
    found = [("link_click", row.sums.clicks), ("purchase", row.sums.sales)]
    return [{"action_type": kind, "value": str(count)} for kind, count in found if count]


def _values(row: Row) -> list[dict[str, str]]:
    return [{"action_type": "purchase", "value": str(row.sums.sales_value)}] if row.sums.sales_value else []


def _of_level(level: str, what: str) -> Callable[[Row], str | None]:
    """Return a field that names the row's campaign, ad set or ad; absent where the row is about something larger."""

    def value(row: Row) -> str | None:
        if row.node is None or row.campaign is None or LEVELS.index(level) > LEVELS.index(row.node.level):
            return None
        part = row.node.part if row.node.level == level else 0
        if level == "adset" and row.node.level == "ad":
            part = row.node.part // 2
        one = Node(account=row.account.id, campaign=row.campaign.number, level=level, part=part)
        return one.id if what == "id" else one.name(row.campaign)

    return value


def _rate(top: Callable[[Sums], Decimal], bottom: Callable[[Sums], int]) -> Callable[[Row], str | None]:
    def value(row: Row) -> str | None:
        divisor = bottom(row.sums)
        return f"{top(row.sums) / divisor:.6f}" if divisor else None

    return value


FIELDS: dict[str, Callable[[Row], Any]] = {
    "account_currency": lambda row: row.account.currency,
    "account_id": lambda row: row.account.id,
    "account_name": lambda row: row.account.name,
    "action_values": _values,
    "actions": _actions,
    "ad_id": _of_level("ad", "id"),
    "ad_name": _of_level("ad", "name"),
    "adset_id": _of_level("adset", "id"),
    "adset_name": _of_level("adset", "name"),
    "campaign_id": _of_level("campaign", "id"),
    "campaign_name": _of_level("campaign", "name"),
    "clicks": lambda row: str(row.sums.clicks),
    "cpc": _rate(lambda sums: sums.cost, lambda sums: sums.clicks),
    "cpm": _rate(lambda sums: sums.cost * 1000, lambda sums: sums.impressions),
    "ctr": _rate(lambda sums: Decimal(sums.clicks * 100), lambda sums: sums.impressions),
    "date_start": lambda row: row.period[0].isoformat(),
    "date_stop": lambda row: row.period[1].isoformat(),
    "impressions": lambda row: str(row.sums.impressions),
    "objective": lambda row: "OUTCOME_SALES" if row.node else None,
    "reach": lambda row: str(int(row.sums.impressions * 0.72)),
    "spend": lambda row: str(row.sums.cost),
}


def _filters(parameters: Parameters) -> list[dict[str, Any]]:
    wanted = parameters.value("filtering") or []
    if not isinstance(wanted, list) or not all(isinstance(one, dict) for one in wanted):
        raise bad_parameter("param filtering must be an array.")
    for one in wanted:
        if one.get("field") not in _FILTERED or one.get("operator") not in _OPERATORS or "value" not in one:
            raise bad_parameter(f"Filtering by {one.get('field')} {one.get('operator')} is not possible.")
    return wanted


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "EQUAL": lambda have, want: str(have) == str(want),
    "NOT_EQUAL": lambda have, want: str(have) != str(want),
    "IN": lambda have, want: isinstance(want, list) and str(have) in map(str, want),
    "NOT_IN": lambda have, want: isinstance(want, list) and str(have) not in map(str, want),
    "CONTAIN": lambda have, want: str(want).lower() in str(have).lower(),
    "GREATER_THAN": lambda have, want: Decimal(str(have)) > Decimal(str(want)),
    "LESS_THAN": lambda have, want: Decimal(str(have)) < Decimal(str(want)),
}


def _passes(row: Row, wanted: dict[str, Any]) -> bool:
    name = wanted["field"].replace("campaign.", "campaign_")
    try:
        return _OPERATORS[wanted["operator"]](FIELDS[name](row), wanted["value"])
    except ArithmeticError:
        raise bad_parameter(f"The value of the filter on {wanted['field']} must be a number.") from None


def _sort(parameters: Parameters) -> tuple[str, ...]:
    wanted = tuple(parameters.names("sort"))
    for one in wanted:
        name, _ = _direction(one)
        if name not in FIELDS or not one.endswith(("_ascending", "_descending")):
            raise bad_parameter(f"{one} is not valid for sort param.")
    return wanted


def _direction(sort: str) -> tuple[str, bool]:
    name, _, direction = sort.rpartition("_")
    return name, direction == "descending"


def _sort_key(name: str) -> Callable[[Row], Any]:
    numbers = {"spend", "impressions", "clicks", "cpc", "cpm", "ctr", "reach"}
    if name in numbers:
        return lambda row: Decimal(FIELDS[name](row) or 0)
    return lambda row: str(FIELDS[name](row))
