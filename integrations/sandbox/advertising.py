"""What advertising costs and brings in: the campaigns of an account and their days, the same for the same seed.

A day is not settled when it ends: its cost is restated for three days and its sales are credited for a week, so that a
trailing week read again differs from what was read before. Some campaigns run all the time, some in every other week or
so, and some are paused and deliver nothing.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from integrations.sandbox.rates import CURRENCIES

DAY = 86_400.0
_COST_SETTLES, _SALES_SETTLE = 3 * DAY, 7 * DAY
_AIMS = ("Prospecting", "Retargeting", "Brand", "Catalogue", "Win-back", "Clearance")
_PLACES = ("US", "DE", "GB", "AE", "FR", "CA")
_RANGES = ("Apparel", "Bags", "Home", "Beauty", "Outdoor", "All goods")
_PAUSED, _SEASONAL = 2, 4  # of the campaigns of an account; the rest runs all the time
_NO_DECIMALS, _THREE_DECIMALS = frozenset({"ISK", "JPY", "KRW"}), frozenset({"BHD", "JOD", "KWD", "OMR"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """A campaign. ``number`` counts from 1 within the account; ``budget`` is US dollars a day."""

    number: int
    name: str
    paused: bool
    seasonal: bool
    budget: float
    click_rate: float
    sale_rate: float  # sales for one click
    basket: float  # US dollars a sale brings


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What one campaign did on one day, or in a part of it; money in the account's currency."""

    cost: Decimal
    impressions: int
    clicks: int
    sales: Decimal  # one decimal: a sale may be shared between campaigns
    sales_value: Decimal


@lru_cache(maxsize=64)
def campaigns(seed: int, vendor: str, account: str, size: int = 12) -> tuple[Campaign, ...]:
    """Return the campaigns of an account, oldest first."""
    draw = random.Random(f"{seed}:{vendor}:{account}:campaigns")
    return tuple(
        Campaign(
            number=number,
            name=f"{draw.choice(_AIMS)} | {draw.choice(_PLACES)} | {draw.choice(_RANGES)} {number:02d}",
            paused=number > size - _PAUSED,
            seasonal=size - _PAUSED - _SEASONAL < number <= size - _PAUSED,
            budget=draw.uniform(25, 420),
            click_rate=draw.uniform(0.006, 0.026),
            sale_rate=draw.uniform(0.012, 0.04),
            basket=draw.uniform(38, 125),
        )
        for number in range(1, size + 1)
    )


def delivery(
    seed: int, vendor: str, account: str, campaign: Campaign, day: date, *, currency: str, age: float
) -> Delivery | None:
    """Return what a campaign did on a day, ``age`` seconds after the day began; None when it delivered nothing."""
    draw = random.Random(f"{seed}:{vendor}:{account}:{campaign.number}:{day.isoformat()}")
    if age <= 0 or campaign.paused or (campaign.seasonal and not _in_season(seed, vendor, account, campaign, day)):
        return None
    over = min(1.0, age / DAY)  # how much of the day is over
    week = 1 + 0.18 * math.sin(2 * math.pi * day.weekday() / 7)
    spent = campaign.budget * week * draw.uniform(0.75, 1.0)
    shown = spent / draw.uniform(5, 13) * 1000
    clicked = shown * campaign.click_rate * draw.uniform(0.8, 1.2)
    sold = clicked * campaign.sale_rate * draw.uniform(0.6, 1.4)
    restated = 0.97 + 0.03 * min(1.0, max(0.0, age - DAY) / _COST_SETTLES)
    credited = 0.6 + 0.4 * min(1.0, max(0.0, age - DAY) / _SALES_SETTLE)
    sales = Decimal(f"{sold * over * credited:.1f}")
    level = CURRENCIES[currency][1]
    return Delivery(
        cost=money(spent * over * restated * level, currency),
        impressions=int(shown * over),
        clicks=int(clicked * over),
        sales=sales,
        sales_value=money(float(sales) * campaign.basket * level, currency),
    )


def decimals(currency: str) -> int:
    """Return how many decimals the currency has."""
    return 0 if currency in _NO_DECIMALS else 3 if currency in _THREE_DECIMALS else 2


def money(amount: float, currency: str) -> Decimal:
    """Return an amount with the currency's decimals."""
    return Decimal(str(amount)).quantize(Decimal(1).scaleb(-decimals(currency)), ROUND_HALF_UP)


def local_day(now: float, zone: str) -> date:
    """Return the day it is in the account's time zone."""
    return datetime.fromtimestamp(now, ZoneInfo(zone)).date()


def age(day: date, now: float, zone: str) -> float:
    """Return the seconds since a day began in the account's time zone; negative before it has."""
    return now - datetime.combine(day, time(), ZoneInfo(zone)).timestamp()


def days(since: date, until: date) -> list[date]:
    """Return the days from one to another, both included."""
    return [since + timedelta(days=number) for number in range((until - since).days + 1)]


def _in_season(seed: int, vendor: str, account: str, campaign: Campaign, day: date) -> bool:
    year, week, _ = day.isocalendar()
    return random.Random(f"{seed}:{vendor}:{account}:{campaign.number}:{year}-{week}").random() < 0.6
