"""The options of everything that calls vendors. ``app.py`` makes them from the environment and quayside.toml."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from integrations.adapter import QuotaPolicy, Vendor
from integrations.registry import VENDORS, adapter_class
from integrations.resilience.circuit_breaker import BreakerOptions
from integrations.resilience.rate_limiter import LimiterOptions
from integrations.resilience.retry import RetryOptions

TUNED = ("breaker", "quotas", "concurrency", "attempt_timeout")  # what [vendors.<name>] may hold


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorOptions:
    """One vendor: where it is, how we prove who we are, and what differs from its file."""

    base_url: str
    credentials: Mapping[str, str] = field(repr=False)
    set_credentials: frozenset[str] = frozenset()  # names that a person has set
    sandboxed: bool = False
    breaker: BreakerOptions = field(default_factory=BreakerOptions)
    quotas: tuple[QuotaPolicy, ...] | None = None  # instead of the vendor file's
    concurrency: int | None = None
    attempt_timeout: float | None = None  # seconds; the longest an attempt may take, whatever its operation allows
    # What quayside.toml sets: breaker.<name>, quotas, concurrency. Two that say the same are equal wherever it was said.
    set_limits: frozenset[str] = field(default=frozenset(), compare=False)

    def __post_init__(self) -> None:
        if self.concurrency is not None and self.concurrency < 1:
            raise ValueError("concurrency must be at least 1")
        if self.attempt_timeout is not None and self.attempt_timeout <= 0:
            raise ValueError("attempt_timeout must be above 0 seconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrationOptions:
    """``journal_dir`` holds the journals of this machine's processes."""

    vendors: Mapping[str, VendorOptions]
    journal_dir: Path = Path("var/journal")
    retry: RetryOptions = field(default_factory=RetryOptions)
    limiter: LimiterOptions = field(default_factory=LimiterOptions)
    proxies: Mapping[str, str] = field(default_factory=dict)  # scheme -> URL, "no" -> hosts that need none


class BadSetting(ValueError):
    """A setting that cannot be used; the message names it and the remedy."""


def vendor_options(
    settings: Mapping[str, str], toml: Mapping[str, Any], *, sandbox: str, sandbox_url: str
) -> dict[str, VendorOptions]:
    """Return the options of every vendor.

    ``settings`` are ``QUAYSIDE_<VENDOR>_<NAME>`` values; ``sandbox`` is auto, on or off. With auto the sandbox stands
    in for all vendors when no vendor has a credential or base URL of its own; with on, for every vendor without a base
    URL of its own, and real credentials are never sent there. Raise BadSetting.
    """
    vendors = {name: adapter_class(name).vendor for name in VENDORS}
    _refuse_unknown(settings, vendors)
    for name in toml:
        if name not in vendors and name != "breaker":
            close = difflib.get_close_matches(name, vendors, 1, 0.7)
            remedy = f"did you mean {close[0]}?" if close else f"there are breaker, {', '.join(vendors)}."
            raise BadSetting(f"quayside.toml: [vendors.{name}] is unknown; {remedy}")
    own = {name: _own_settings(settings, vendor) for name, vendor in vendors.items()}
    secret = {
        name: {key for key in own[name] if key == "BASE_URL" or _is_secret(vendors[name], key)} for name in vendors
    }
    everywhere = sandbox == "on" or (sandbox == "auto" and not any(secret.values()))
    return {
        name: _one(
            vendor,
            own[name],
            toml.get(name, {}),
            toml,
            sandbox_url=f"{sandbox_url}/{name}" if everywhere and "BASE_URL" not in own[name] else None,
        )
        for name, vendor in vendors.items()
    }


def _is_secret(vendor: Vendor, name: str) -> bool:
    return any(credential.name == name and credential.secret for credential in vendor.credentials)


def _own_settings(settings: Mapping[str, str], vendor: Vendor) -> dict[str, str]:
    prefix = f"QUAYSIDE_{vendor.name.upper()}_"
    names = {"BASE_URL", *(credential.name for credential in vendor.credentials)}
    return {name: settings[prefix + name] for name in names if settings.get(prefix + name)}


def _refuse_unknown(settings: Mapping[str, str], vendors: Mapping[str, Vendor]) -> None:
    for setting in settings:
        for name, vendor in vendors.items():
            prefix = f"QUAYSIDE_{name.upper()}_"
            if setting.startswith(prefix):
                known = ["BASE_URL", *(credential.name for credential in vendor.credentials)]
                if setting.removeprefix(prefix) not in known:
                    raise BadSetting(
                        f"{setting} is unknown; {vendor.label} has {', '.join(prefix + k for k in known)}."
                    )


def _one(
    vendor: Vendor, own: Mapping[str, str], mine: Any, toml: Mapping[str, Any], *, sandbox_url: str | None
) -> VendorOptions:
    base_url = sandbox_url or own.get("BASE_URL") or vendor.base_url
    if "BASE_URL" in own:
        _refuse_bad_url(f"QUAYSIDE_{vendor.name.upper()}_BASE_URL", own["BASE_URL"])
    credentials = {credential.name: credential.default for credential in vendor.credentials}
    if sandbox_url:
        credentials |= {credential.name: credential.sandbox for credential in vendor.credentials if credential.sandbox}
    else:
        credentials |= {name: value for name, value in own.items() if name != "BASE_URL"}
    where = f"vendors.{vendor.name}"
    table = _table(mine, where)
    breaker: dict[str, Any] = {"slow_call_duration_threshold": vendor.slow_call_duration}
    in_file = _table(toml.get("breaker", {}), "vendors.breaker") | _table(table.pop("breaker", {}), f"{where}.breaker")
    breaker |= in_file
    set_limits = {f"breaker.{key}" for key in in_file} | table.keys()
    values: dict[str, Any] = {"breaker": built(BreakerOptions, f"{where}.breaker", breaker)}
    if "quotas" in table:
        values["quotas"] = _quotas(where, table.pop("quotas"))
    for key in table:
        if key not in TUNED:
            raise BadSetting(f"quayside.toml, [{where}]: {key} is unknown; there are {', '.join(TUNED)}.")
    return built(  # type: ignore[no-any-return]  # of the kind that is asked for
        VendorOptions,
        where,
        {
            "base_url": base_url.rstrip("/"),
            "credentials": credentials,
            "set_credentials": frozenset(name for name in own if name != "BASE_URL"),
            "sandboxed": sandbox_url is not None,
            "set_limits": frozenset(set_limits),
            **values,
            **table,
        },
    )


def _refuse_bad_url(setting: str, url: str) -> None:
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("https", "http") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        good = False
    if not good:
        raise BadSetting(f'{setting} is "{url}"; give an address such as https://api.example.com.')


def _quotas(where: str, value: Any) -> tuple[QuotaPolicy, ...]:
    form = '[{ name = "project", limit = 1400, seconds = 10 }]'
    if not isinstance(value, list) or not all(isinstance(quota, dict) for quota in value):
        raise BadSetting(f"quayside.toml, [{where}]: quotas must be a list of tables, such as {form}.")
    quotas: tuple[QuotaPolicy, ...] = tuple(
        built(QuotaPolicy, f"{where}.quotas", {**quota, **_covered(where, quota)}) for quota in value
    )
    return quotas


def _covered(where: str, quota: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    names = quota.get("operations", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BadSetting(f'quayside.toml, [{where}]: operations must be a list of names such as ["quote_rates"].')
    return {"operations": tuple(names)}


def _table(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadSetting(f"quayside.toml: {name} must be a table, [{name}].")
    return dict(value)


def built(kind: Any, table: str, values: Mapping[str, Any]) -> Any:
    """Return options of a kind from a table of quayside.toml. Raise BadSetting naming the key and the remedy."""
    known = {field.name: field for field in fields(kind) if field.init}
    for key, value in values.items():
        if key not in known:
            close = difflib.get_close_matches(key, known, 1, 0.7)
            remedy = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}."
            raise BadSetting(f"quayside.toml, [{table}]: {key} is unknown; {remedy}")
        wanted = _WORDS.get(str(known[key].type))
        if wanted is not None and (
            not isinstance(value, wanted[0]) or (isinstance(value, bool) and bool not in wanted[0])
        ):
            raise BadSetting(f"quayside.toml, [{table}]: {key} is {value!r}; give {wanted[1]}.")
    try:
        return kind(**values)
    except (TypeError, ValueError) as error:
        absent = str(error).partition("keyword-only argument")[2]
        reason = f"{absent.lstrip('s: ')} is missing" if absent else error
        raise BadSetting(f"quayside.toml, [{table}]: {reason}.") from None


_WORDS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "float": ((int, float), "a number"),
    "float | None": ((int, float, type(None)), "a number"),
    "int": ((int,), "a whole number"),
    "int | None": ((int, type(None)), "a whole number"),
    "bool": ((bool,), "true or false"),
    "str": ((str,), "a text"),
}
