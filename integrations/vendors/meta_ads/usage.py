"""How full Meta says our quotas are: headers of JSON with percentages, of which the highest counts. None means nothing.

One tells the way back in minutes (``estimated_time_to_regain_access``), another in seconds (``reset_time_duration``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from integrations.outcome import QuotaSeen, Response
from integrations.vendors.meta_ads.declaration import INSIGHTS_AN_HOUR, SCORE

APP = "x-app-usage"
BUSINESS = "x-business-use-case-usage"
ACCOUNT = "x-ad-account-usage"
INSIGHTS = "x-fb-ads-insights-throttle"
DEVELOPMENT = "development_access"
BLOCKED, BLOCKED_IN_DEVELOPMENT = 60.0, 300.0  # seconds an ad account is shut out by tier, where no header says


def quotas(response: Response) -> Sequence[QuotaSeen]:
    """Return what the headers say of our quotas; the percentages are of the limits we count with."""
    seen = []
    for kind, share, wait in _uses(response):
        if kind == "ads_insights":
            seen.append(_seen("ads_insights", INSIGHTS_AN_HOUR, share, wait))
    account, app = _header(response, ACCOUNT), _header(response, APP)
    if account:
        wait = _number(account.get("reset_time_duration"))
        seen.append(_seen("account_score", SCORE, _highest(account), wait))
    if app:
        seen.append(_seen("app", 100.0, _highest(app), 0.0))
    throttle = _header(response, INSIGHTS)
    if throttle:
        seen.append(_seen("ads_insights", INSIGHTS_AN_HOUR, _highest(throttle), 0.0))
    return seen


def wait(response: Response) -> float:
    """Return the seconds a throttled caller stays away: what a header says, else what its tier is shut out for."""
    account = _header(response, ACCOUNT)
    told = [wait for _, share, wait in _uses(response) if share >= 100 or wait]
    if account and _highest(account) >= 100:
        told.append(_number(account.get("reset_time_duration")))
    if told and max(told) > 0:
        return max(told)
    development = any(DEVELOPMENT in response.headers.get(name, "") for name in (BUSINESS, ACCOUNT, INSIGHTS))
    return BLOCKED_IN_DEVELOPMENT if development else BLOCKED


def _uses(response: Response) -> Iterator[tuple[str, float, float]]:
    """Yield kind, per cent and seconds until access is regained, of every use of every business."""
    for uses in _header(response, BUSINESS).values():
        for use in uses if isinstance(uses, list) else ():
            if isinstance(use, dict):
                minutes = _number(use.get("estimated_time_to_regain_access"))
                yield str(use.get("type") or ""), _highest(use), minutes * 60


def _seen(quota: str, limit: float, share: float, wait: float) -> QuotaSeen:
    left = max(0.0, limit * (1 - share / 100))
    return QuotaSeen(quota=quota, limit=limit, remaining=left, reset=wait or None)


def _highest(use: Mapping[str, Any]) -> float:
    names = ("call_count", "total_cputime", "total_time", "acc_id_util_pct", "app_id_util_pct")
    return max(_number(use.get(name)) for name in names)


def _header(response: Response, name: str) -> Mapping[str, Any]:
    try:
        found = orjson.loads(response.headers.get(name, ""))
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
