"""What limits our calls to each vendor: the vendor file's, quayside.toml over it, an edit made in the browser over both.

A setting has a name (``breaker.consecutive_failures``, ``quotas.day.limit``, ``reserve``, ``concurrency``) and a number.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from integrations.adapter import QuotaPolicy, Vendor
from integrations.options import IntegrationOptions, VendorOptions
from integrations.registry import adapter_class
from integrations.resilience.circuit_breaker import BreakerOptions
from integrations.resilience.rate_limiter import LimiterOptions

Source = Literal["default", "vendor file", "quayside.toml"]
BREAKER = tuple(one.name for one in fields(BreakerOptions))


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What holds for one vendor. ``concurrency``: requests in flight at once in each process, None for any number."""

    breaker: BreakerOptions = field(default_factory=BreakerOptions)
    quotas: Sequence[QuotaPolicy] = ()
    reserve: float = LimiterOptions().reserve
    concurrency: int | None = None


class BadLimit(ValueError):
    """An edit that cannot be used. ``setting`` is its name, the message what it must be."""

    def __init__(self, setting: str, message: str) -> None:
        super().__init__(message)
        self.setting = setting


def limits_of(vendor: Vendor, options: VendorOptions, reserve: float) -> Limits:
    """Return what the files say of a vendor."""
    return Limits(
        breaker=options.breaker,
        quotas=options.quotas if options.quotas is not None else tuple(vendor.quotas),
        reserve=reserve,
        concurrency=options.concurrency or vendor.concurrency,
    )


def limit_problems(options: IntegrationOptions, name: str, edits: Mapping[str, float]) -> dict[str, str]:
    """Return what is wrong with each edit of a vendor's limits that cannot be used."""
    return problems(limits_of(adapter_class(name).vendor, options.vendors[name], options.limiter.reserve), edits)


def all_limits(options: IntegrationOptions) -> dict[str, Limits]:
    """Return what the files say of every vendor."""
    return {
        name: limits_of(adapter_class(name).vendor, vendor, options.limiter.reserve)
        for name, vendor in options.vendors.items()
    }


def values_of(limits: Limits) -> dict[str, float | None]:
    """Return every setting with its number; None where there is no limit."""
    values: dict[str, float | None] = {f"breaker.{name}": getattr(limits.breaker, name) for name in BREAKER}
    for quota in limits.quotas:
        values[f"quotas.{quota.name}.limit"] = quota.limit
        values[f"quotas.{quota.name}.seconds"] = quota.seconds
    return {**values, "reserve": limits.reserve, "concurrency": limits.concurrency}


def sources_of(vendor: Vendor, options: VendorOptions, reserve: float) -> dict[str, Source]:
    """Return where each number comes from while nobody has edited it."""
    found: dict[str, Source] = {}
    own = {"concurrency"} if vendor.concurrency is not None else set()
    if vendor.slow_call_duration != BreakerOptions().slow_call_duration_threshold:
        own.add("breaker.slow_call_duration_threshold")
    for name in values_of(limits_of(vendor, options, reserve)):
        if name in options.set_limits or (name.startswith("quotas.") and "quotas" in options.set_limits):
            found[name] = "quayside.toml"
        elif name.startswith("quotas.") or name in own:
            found[name] = "vendor file"
        elif name == "reserve" and reserve != LimiterOptions().reserve:
            found[name] = "quayside.toml"
        else:
            found[name] = "default"
    return found


def is_whole(setting: str) -> bool:
    """Tell whether a setting is a whole number."""
    kinds = {f"breaker.{one.name}": str(one.type) for one in fields(BreakerOptions)}
    return setting == "concurrency" or kinds.get(setting) == "int"


def edited(limits: Limits, edits: Mapping[str, float]) -> Limits:
    """Return the limits under edits. Raise BadLimit for the first that cannot be used."""
    for setting, value in edits.items():
        limits = _with_one(limits, setting, value)
    return limits


def problems(limits: Limits, edits: Mapping[str, float]) -> dict[str, str]:
    """Return what is wrong with each edit that cannot be used."""
    return {problem.setting: str(problem) for problem in _refused(limits, edits)}


def usable(limits: Limits, edits: Mapping[str, float]) -> dict[str, float]:
    """Return the edits that can be used: a quota the vendor file no longer has is passed over."""
    refused = {problem.setting for problem in _refused(limits, edits)}
    return {setting: value for setting, value in edits.items() if setting not in refused}


def _refused(limits: Limits, edits: Mapping[str, float]) -> Iterator[BadLimit]:
    for setting, value in edits.items():
        try:
            _with_one(limits, setting, value)
        except BadLimit as problem:
            yield problem


def _with_one(limits: Limits, setting: str, value: float) -> Limits:
    kind, _, rest = setting.partition(".")
    number: Any = value
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise BadLimit(setting, "must be a number.")
    if setting not in values_of(limits):
        raise BadLimit(setting, f"is no limit of this vendor; there are {', '.join(values_of(limits))}.")
    if is_whole(setting):
        if value != int(value):
            raise BadLimit(setting, "must be a whole number.")
        number = int(value)
    try:
        if kind == "breaker":
            return replace(limits, breaker=replace(limits.breaker, **{rest: number}))
        if kind == "quotas":
            name, _, part = rest.rpartition(".")
            quotas = [replace(quota, **{part: number}) if quota.name == name else quota for quota in limits.quotas]
            return replace(limits, quotas=tuple(quotas))
        if kind == "reserve":
            return replace(limits, reserve=LimiterOptions(reserve=number).reserve)
        VendorOptions(base_url="", credentials={}, concurrency=int(number))
        return replace(limits, concurrency=int(number))
    except ValueError as error:
        raise BadLimit(setting, f"must be {str(error).partition('must be ')[2]}.") from None
