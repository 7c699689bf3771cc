"""The example files say what is true: they are understood, and they name everything there is."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import app
from integrations.registry import VENDORS, adapter_class
from integrations.settings import NAMES, understand
from scheduler.settings import scheduler_options

ROOT = Path(__file__).parents[1]


def test_the_example_settings_are_the_defaults_and_are_understood(tmp_path: Path) -> None:
    toml = tomllib.loads((ROOT / "quayside.example.toml").read_text(encoding="utf-8"))

    settings = understand({"QUAYSIDE_SANDBOX_DEMO": "off"}, toml, var=tmp_path)
    plain = understand({"QUAYSIDE_SANDBOX_DEMO": "off"}, {}, var=tmp_path)

    assert settings.integrations == plain.integrations
    assert scheduler_options(settings) == scheduler_options(plain)
    assert app.web_options(settings) == app.web_options(plain)


def block(name: str) -> list[str]:
    """Return what the example environment says of a vendor; more may follow on a line."""
    vendor = adapter_class(name).vendor
    setting = f"# QUAYSIDE_{name.upper()}"
    return [
        f"# {vendor.label} ({vendor.docs_url})",
        f"{setting}_BASE_URL={vendor.base_url}",
        *(f"{setting}_{one.name}={one.default}{'' if one.required else '   optional'}" for one in vendor.credentials),
    ]


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_example_environment_says_what_a_vendor_takes(vendor: str) -> None:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    missing = [line for line in block(vendor) if not any(there.startswith(line) for there in lines)]

    assert missing == [], "paste into .env.example, at its place in the alphabet:\n\n" + "\n".join(block(vendor))


def test_the_example_environment_names_every_setting_of_our_own() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")

    assert [name for name in NAMES if f"# QUAYSIDE_{name}=" not in example] == []
