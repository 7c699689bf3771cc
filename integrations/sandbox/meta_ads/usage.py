"""How much of its limits an ad account has used, and the headers that say so.

Two limits at once (developers.facebook.com/docs/marketing-apis/rate-limiting): calls in an hour, a quota of the server's,
and a score that decays in 300 seconds, counted here: a read is 1 point, a write 3. Headers come only once there is
something to say, and their units differ: minutes in the business use case, seconds for the account.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from integrations.sandbox.meta_ads.access import VENDOR
from integrations.sandbox.meta_ads.errors import throttled
from integrations.sandbox.twin import Quota, Standing, World

READ, WRITE = 1, 3
USE_CASES = ("ads_insights", "ads_management")
_DECAY = 300.0
_ADS = 40  # active ads of an account, which raise its hourly limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """What an access tier gives: points in 300 seconds, seconds blocked beyond them, calls an hour by use case."""

    points: int
    blocked: float
    insights: int
    management: int


TIERS = {
    "development_access": Tier(points=60, blocked=300.0, insights=600 + 400 * _ADS, management=300 + 40 * _ADS),
    "standard_access": Tier(points=9_000, blocked=60.0, insights=190_000 + 400 * _ADS, management=100_000 + 40 * _ADS),
}


class Usage:
    """The scores of all accounts.

    Settings: ``tier`` ("standard_access" or "development_access"), ``usage`` (None; {"call_count", "total_cputime",
    "total_time"} in per cent to be shown whatever was used).
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._spent: dict[str, deque[tuple[float, int]]] = {}  # account -> when and how many points
        self._blocked: dict[str, float] = {}  # account -> until when

    def __repr__(self) -> str:
        return f"<Usage {len(self._spent)} accounts>"

    @property
    def tier_name(self) -> str:
        name = str(self._world.setting(VENDOR, "tier", "standard_access"))
        return name if name in TIERS else "standard_access"

    def quotas(self) -> tuple[Quota, ...]:
        """Return the hourly limits of the tier as it stands."""
        tier = TIERS[self.tier_name]
        return (
            Quota(name="ads_insights", limit=tier.insights, seconds=3600.0, operations=("daily_spend", "poll")),
            Quota(name="ads_management", limit=tier.management, seconds=3600.0, operations=("look_up",)),
        )

    def spend(self, account: str, points: int) -> None:
        """Take points from an account's score; raises ``GraphError`` (17) while it is blocked."""
        now, tier = self._world.now(), TIERS[self.tier_name]
        if now < self._blocked.get(account, 0.0):
            raise throttled("account")
        if self._points(account) + points > tier.points:
            self._blocked[account] = now + tier.blocked
            raise throttled("account")
        self._spent.setdefault(account, deque()).append((now, points))

    def account_header(self, account: str, scored: bool) -> tuple[tuple[str, str], ...]:
        """Return how the account's score stands, nothing below one per cent or for a call that is not scored."""
        if not scored:
            return ()
        now, points = self._world.now(), self._points(account)
        ends = self._blocked.get(account, 0.0)
        percent = 100.0 if now < ends else round(points / TIERS[self.tier_name].points * 100, 2)
        if percent < 1:
            return ()
        reset = math.ceil((ends if now < ends else self._spent[account][0][0] + _DECAY) - now)
        value = {
            "acc_id_util_pct": percent,
            "reset_time_duration": reset,
            "ads_api_access_tier": self.tier_name,
        }
        throttle = {"app_id_util_pct": round(percent / 4, 2), "acc_id_util_pct": percent}
        return (
            ("X-Ad-Account-Usage", orjson.dumps(value).decode()),
            ("X-FB-Ads-Insights-Throttle", orjson.dumps(throttle | {"ads_api_access_tier": self.tier_name}).decode()),
        )

    def headers(self, account: str, standings: Sequence[Standing], *, regain: float = 0.0) -> list[tuple[str, str]]:
        """Return the usage headers; ``regain`` are the seconds until calls are taken again, 0 while they are."""
        found = []
        cases = [self._case(one, regain) for one in standings if one.quota.name in USE_CASES]
        if any(case["call_count"] >= 1 for case in cases):
            found.append(("X-Business-Use-Case-Usage", orjson.dumps({account or "0": cases}).decode()))
        for one in standings:
            if one.quota.name == "app" and (used := self._percentages(one))["call_count"] >= 1:
                found.append(("X-App-Usage", orjson.dumps(used).decode()))
        return found

    def _case(self, standing: Standing, regain: float) -> dict[str, Any]:
        return {
            "type": standing.quota.name,
            **self._percentages(standing),
            "estimated_time_to_regain_access": math.ceil(regain / 60),
            "ads_api_access_tier": self.tier_name,
        }

    def _percentages(self, standing: Standing) -> dict[str, int]:
        forced = self._world.setting(VENDOR, "usage", None)
        if forced is not None:
            return {name: int(forced.get(name, 0)) for name in ("call_count", "total_cputime", "total_time")}
        used = round((standing.quota.limit - standing.remaining) / standing.quota.limit * 100)
        return {"call_count": used, "total_cputime": used // 2, "total_time": used * 3 // 4}

    def _points(self, account: str) -> int:
        spent = self._spent.get(account)
        while spent and spent[0][0] <= self._world.now() - _DECAY:
            spent.popleft()
        return sum(points for _, points in spent or ())
