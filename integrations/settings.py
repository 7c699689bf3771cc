"""What the environment and quayside.toml say, as options. Pure: ``app.py`` reads, this understands.

Environment first, then ``.env``, then quayside.toml, then defaults. A name or value that is not understood is refused,
with the remedy in the sentence.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from integrations.adapter import QuotaPolicy
from integrations.options import BadSetting, IntegrationOptions, VendorOptions, built, vendor_options
from integrations.registry import VENDORS, adapter_class
from integrations.resilience.rate_limiter import LimiterOptions
from integrations.resilience.retry import RetryOptions
from integrations.sandbox.options import SandboxOptions

NAMES = (
    "DATABASE_URL",
    "HOST",
    "PORT",
    "SANDBOX",
    "SANDBOX_PORT",
    "SANDBOX_DEMO",
    "SECRET_KEY",
)
TABLES = ("web", "sandbox", "retry", "limiter", "vendors", "checkout", "syncs", "alerts", "retention")
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything a process may be told. ``tables`` are the parts of quayside.toml other packages understand."""

    database_url: str
    secret_keys: tuple[str, ...] = field(repr=False)  # empty: made once under var/
    host: str
    port: int
    sandbox: SandboxOptions
    sandbox_is_used: bool
    demo: bool
    integrations: IntegrationOptions
    var: Path
    tables: Mapping[str, Mapping[str, Any]]


def understand(
    environment: Mapping[str, str], toml: Mapping[str, Any], *, var: Path, proxies: Mapping[str, str] | None = None
) -> Settings:
    """Return the settings. Raise BadSetting."""
    own = {name: value for name, value in environment.items() if name.startswith("QUAYSIDE_")}
    own = _from_files(own)
    for name in own:
        _refuse_unknown(name)
    for table in toml:
        if table not in TABLES:
            raise BadSetting(
                f"quayside.toml: [{table}] is unknown; there are {', '.join(TABLES)}.{_like(table, TABLES)}"
            )
    sandbox = _one_of(own, "QUAYSIDE_SANDBOX", ("auto", "on", "off"), "auto")
    demo = _one_of(own, "QUAYSIDE_SANDBOX_DEMO", ("on", "off"), "on") == "on"
    sandbox_port = _port(own, "QUAYSIDE_SANDBOX_PORT", 8060)
    vendors = vendor_options(
        own, _table(toml, "vendors"), sandbox=sandbox, sandbox_url=f"http://{LOOPBACK}:{sandbox_port}"
    )
    used = any(vendor.sandboxed for vendor in vendors.values())
    sandbox_table = _table(toml, "sandbox")
    if demo and used:
        # The demo shopper converts prices all day: that is a shop on a larger plan than the free one.
        sandbox_table["settings"] = {"open_exchange_rates": {"plan": "enterprise"}, **sandbox_table.get("settings", {})}
        rates = vendors["open_exchange_rates"]
        if rates.sandboxed and rates.quotas is None:
            month = QuotaPolicy(name="month", limit=100_000, seconds=31 * 86_400, paced=False)
            vendors["open_exchange_rates"] = replace(rates, quotas=(month,))
    database_url = own.get("QUAYSIDE_DATABASE_URL") or f"sqlite:///{var / 'quayside.db'}"
    keys = tuple(key for key in own.get("QUAYSIDE_SECRET_KEY", "").split() if key)
    if any(len(key) < 16 for key in keys):
        raise BadSetting("QUAYSIDE_SECRET_KEY is too short; give at least 16 random characters.")
    if not keys and not database_url.startswith("sqlite"):
        raise BadSetting(
            "QUAYSIDE_SECRET_KEY must be set on Postgres, the same for all processes; 32 random characters."
        )
    return Settings(
        database_url=database_url,
        secret_keys=keys,
        host=own.get("QUAYSIDE_HOST") or LOOPBACK,
        port=_port(own, "QUAYSIDE_PORT", 8050),
        sandbox=built(
            SandboxOptions, "sandbox", {"host": LOOPBACK, "port": sandbox_port, "demo": demo, **sandbox_table}
        ),
        sandbox_is_used=used,
        demo=demo and used,
        integrations=IntegrationOptions(
            vendors=vendors,
            journal_dir=var / "journal",
            retry=built(RetryOptions, "retry", _table(toml, "retry")),
            limiter=built(LimiterOptions, "limiter", _table(toml, "limiter")),
            proxies=proxies or {},
        ),
        var=var,
        tables={name: _table(toml, name) for name in ("web", "checkout", "syncs", "alerts", "retention")},
    )


def check_credentials(vendors: Mapping[str, VendorOptions]) -> list[str]:
    """Return the settings that are missing, one sentence each, for vendors somebody has begun to set up."""
    missing = []
    for name, options in vendors.items():
        vendor = adapter_class(name).vendor
        if options.sandboxed or not options.set_credentials:
            continue
        for credential in vendor.credentials:
            if credential.required and not options.credentials.get(credential.name):
                missing.append(f"QUAYSIDE_{name.upper()}_{credential.name} is not set; {vendor.label} needs it.")
    return missing


def _from_files(own: Mapping[str, str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, value in own.items():
        if not name.endswith("_FILE"):
            values.setdefault(name, value)
            continue
        try:
            values[name.removesuffix("_FILE")] = Path(value).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise BadSetting(f'{name} is "{value}", which cannot be read ({error.strerror}); name a file.') from None
    return values


def _refuse_unknown(name: str) -> None:
    rest = name.removeprefix("QUAYSIDE_")
    if rest in NAMES or any(rest.startswith(f"{vendor.upper()}_") for vendor in VENDORS):
        return
    known = [*NAMES, *(f"{vendor.upper()}_{key}" for vendor in VENDORS for key in _keys(vendor))]
    close = difflib.get_close_matches(rest, known, 1, 0.7)
    hint = f" Did you mean QUAYSIDE_{close[0]}?" if close else ""
    raise BadSetting(f"{name} is unknown; remove it or correct it.{hint}")


def _keys(vendor: str) -> list[str]:
    return ["BASE_URL", *(credential.name for credential in adapter_class(vendor).vendor.credentials)]


def _like(name: str, known: tuple[str, ...]) -> str:
    found = difflib.get_close_matches(name, known, 1, 0.7)
    return f" Did you mean {found[0]}?" if found else ""


def _one_of(own: Mapping[str, str], name: str, words: tuple[str, ...], default: Any) -> Any:
    value = (own.get(name) or default).lower()
    if value not in words:
        raise BadSetting(f'{name} is "{own[name]}"; give {" or ".join(words)}.')
    return value


def _port(own: Mapping[str, str], name: str, default: int) -> int:
    value = own.get(name) or str(default)
    if not value.isdecimal() or not 0 < int(value) < 65536:
        raise BadSetting(f'{name} is "{value}"; give a port from 1 to 65535.')
    return int(value)


def _table(toml: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = toml.get(name, {})
    if not isinstance(value, dict):
        raise BadSetting(f"quayside.toml: {name} must be a table, [{name}].")
    return dict(value)


def known_vendors(table: str, names: Any, kind: str = "") -> Sequence[str]:
    """Return the vendors a table names. Raise BadSetting for one that there is not, or not of the kind."""
    for name in names if isinstance(names, list | tuple) else ():
        if name not in VENDORS:
            raise BadSetting(f'quayside.toml, [{table}]: there is no vendor "{name}".')
        if kind and adapter_class(name).vendor.kind != kind:
            raise BadSetting(f"quayside.toml, [{table}]: {name} takes no part in that; its kind is not {kind}.")
    return names  # type: ignore[no-any-return]  # the options refuse what is no list
