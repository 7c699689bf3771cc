"""The options of everything that calls vendors. ``app.py`` makes them from the environment and quayside.toml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from integrations.adapter import QuotaPolicy, Vendor
from integrations.registry import VENDORS, adapter_class
from integrations.resilience.circuit_breaker import BreakerOptions
from integrations.resilience.rate_limiter import LimiterOptions
from integrations.resilience.retry import RetryOptions


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
    vendor: Vendor, own: Mapping[str, str], mine: Mapping[str, Any], toml: Mapping[str, Any], *, sandbox_url: str | None
) -> VendorOptions:
    base_url = sandbox_url or own.get("BASE_URL") or vendor.base_url
    if "BASE_URL" in own and not own["BASE_URL"].startswith(("https://", "http://")):
        setting = f"QUAYSIDE_{vendor.name.upper()}_BASE_URL"
        raise BadSetting(f'{setting} is "{own["BASE_URL"]}"; it must begin with https:// (or http:// on this machine).')
    credentials = {credential.name: credential.default for credential in vendor.credentials}
    if sandbox_url:
        credentials |= {credential.name: credential.sandbox for credential in vendor.credentials if credential.sandbox}
    else:
        credentials |= {name: value for name, value in own.items() if name != "BASE_URL"}
    breaker: dict[str, Any] = {"slow_call_duration_threshold": vendor.slow_call_duration}
    breaker |= _table(toml.get("breaker", {}), "breaker") | _table(mine.get("breaker", {}), f"{vendor.name}.breaker")
    try:
        options = BreakerOptions(**breaker)
        quotas = tuple(QuotaPolicy(**quota) for quota in mine["quotas"]) if "quotas" in mine else None
    except (TypeError, ValueError) as error:
        raise BadSetting(f"quayside.toml, vendors.{vendor.name}: {error}.") from None
    return VendorOptions(
        base_url=base_url.rstrip("/"),
        credentials=credentials,
        set_credentials=frozenset(name for name in own if name != "BASE_URL"),
        sandboxed=sandbox_url is not None,
        breaker=options,
        quotas=quotas,
        concurrency=mine.get("concurrency"),
    )


def _table(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadSetting(f"quayside.toml: vendors.{name} must be a table.")
    return dict(value)
