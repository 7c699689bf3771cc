"""The example files say what is true: they are understood, and they name everything there is."""

from __future__ import annotations

import tomllib
from pathlib import Path

import app
from integrations.registry import VENDORS, adapter_class
from integrations.settings import NAMES, understand

ROOT = Path(__file__).parents[1]


def test_the_example_settings_are_the_defaults_and_are_understood(tmp_path: Path) -> None:
    toml = tomllib.loads((ROOT / "quayside.example.toml").read_text(encoding="utf-8"))

    settings = understand({"QUAYSIDE_SANDBOX_DEMO": "off"}, toml, var=tmp_path)
    plain = understand({"QUAYSIDE_SANDBOX_DEMO": "off"}, {}, var=tmp_path)

    assert settings.integrations == plain.integrations
    assert app.scheduler_options(settings) == app.scheduler_options(plain)
    assert app.web_options(settings) == app.web_options(plain)


def test_the_example_environment_names_every_setting() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    expected = [f"QUAYSIDE_{name}" for name in NAMES]
    for name in VENDORS:
        vendor = adapter_class(name).vendor
        expected += [f"QUAYSIDE_{name.upper()}_{credential.name}" for credential in vendor.credentials]

    missing = [name for name in expected if f"# {name}=" not in example]

    assert missing == []
