"""A setting that cannot be used is refused at start, in one sentence that names it and the remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from integrations.adapter import QuotaPolicy
from integrations.options import BadSetting
from integrations.registry import VENDORS
from integrations.settings import Settings, check_credentials, understand


def settings(tmp_path: Path, environment: dict[str, str] | None = None, toml: dict[str, Any] | None = None) -> Settings:
    return understand(environment or {}, toml or {}, var=tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        (
            "QUAYSIDE_SANDBOX_PROT",
            "8060",
            "QUAYSIDE_SANDBOX_PROT is unknown; remove it or correct it. Did you mean QUAYSIDE_SANDBOX_PORT?",
        ),
        ("QUAYSIDE_COLOUR", "red", "QUAYSIDE_COLOUR is unknown; remove it or correct it."),
        (
            "QUAYSIDE_STRIP_SECRET_KEY",
            "sk_test_1",
            "QUAYSIDE_STRIP_SECRET_KEY is unknown; remove it or correct it. Did you mean QUAYSIDE_STRIPE_SECRET_KEY?",
        ),
        ("QUAYSIDE_PORT", "80a", 'QUAYSIDE_PORT is "80a"; give a port from 1 to 65535.'),
        ("QUAYSIDE_PORT", "0", 'QUAYSIDE_PORT is "0"; give a port from 1 to 65535.'),
        ("QUAYSIDE_SANDBOX_PORT", "65536", 'QUAYSIDE_SANDBOX_PORT is "65536"; give a port from 1 to 65535.'),
        ("QUAYSIDE_SANDBOX", "maybe", 'QUAYSIDE_SANDBOX is "maybe"; give auto or on or off.'),
        ("QUAYSIDE_SECRET_KEY", "short", "QUAYSIDE_SECRET_KEY is too short; give at least 16 random characters."),
        (
            "QUAYSIDE_DATABASE_URL",
            "postgresql://localhost/quayside",
            "QUAYSIDE_SECRET_KEY must be set on Postgres, the same for all processes; 32 random characters.",
        ),
        (
            "QUAYSIDE_STRIPE_BASE_URL",
            "api.stripe.com",
            'QUAYSIDE_STRIPE_BASE_URL is "api.stripe.com"; give an address such as https://api.example.com.',
        ),
        (
            "QUAYSIDE_STRIPE_BASE_URL",
            "https://:443",
            'QUAYSIDE_STRIPE_BASE_URL is "https://:443"; give an address such as https://api.example.com.',
        ),
        (
            "QUAYSIDE_STRIPE_BASE_URL",
            "https://a:99999",
            'QUAYSIDE_STRIPE_BASE_URL is "https://a:99999"; give an address such as https://api.example.com.',
        ),
        (
            "QUAYSIDE_STRIPE_KEY",
            "sk_test_1",
            "QUAYSIDE_STRIPE_KEY is unknown; Stripe has QUAYSIDE_STRIPE_BASE_URL, QUAYSIDE_STRIPE_SECRET_KEY, "
            "QUAYSIDE_STRIPE_WEBHOOK_SECRET.",
        ),
        (
            "QUAYSIDE_STRIPE_SECRET_KEY_FILE",
            "/no/such/file",
            'QUAYSIDE_STRIPE_SECRET_KEY_FILE is "/no/such/file", which cannot be read (No such file or directory); '
            "name a file.",
        ),
    ],
)
def test_a_bad_variable_is_refused(tmp_path: Path, name: str, value: str, sentence: str) -> None:
    with pytest.raises(BadSetting) as caught:
        settings(tmp_path, {name: value})

    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("toml", "sentence"),
    [
        ({"vendor": {}}, "quayside.toml: [vendor] is unknown; there are web, sandbox, retry"),
        ({"retry": 3}, "quayside.toml: retry must be a table, [retry]."),
        ({"retry": {"bass": 1}}, "quayside.toml, [retry]: bass is unknown; did you mean base?"),
        ({"retry": {"base": "1"}}, "quayside.toml, [retry]: base is '1'; give a number."),
        ({"retry": {"base": True}}, "quayside.toml, [retry]: base is True; give a number."),
        ({"retry": {"budget_least": 1.5}}, "quayside.toml, [retry]: budget_least is 1.5; give a whole number."),
        ({"retry": {"base": 0}}, "quayside.toml, [retry]: retry.base must be above 0 and at most retry.cap."),
        ({"limiter": {"reserve": 1.0}}, "quayside.toml, [limiter]: limiter.reserve must be at least 0 and below 1."),
        ({"vendors": {"fedx": {}}}, "quayside.toml: [vendors.fedx] is unknown; did you mean fedex?"),
        ({"vendors": {"fedex": 3}}, "quayside.toml: vendors.fedex must be a table, [vendors.fedex]."),
        (
            {"vendors": {"fedex": {"quota": []}}},
            "quayside.toml, [vendors.fedex]: quota is unknown; there are breaker, quotas, concurrency, attempt_timeout.",
        ),
        (
            {"vendors": {"fedex": {"quotas": {"name": "a"}}}},
            "quayside.toml, [vendors.fedex]: quotas must be a list of tables, such as",
        ),
        (
            {"vendors": {"fedex": {"quotas": [{"name": "a", "limit": 3}]}}},
            "quayside.toml, [vendors.fedex.quotas]: 'seconds' is missing.",
        ),
        (
            {"vendors": {"fedex": {"quotas": [{"name": "a", "limit": 1, "seconds": 1, "operations": "sign_in"}]}}},
            'quayside.toml, [vendors.fedex]: operations must be a list of names such as ["quote_rates"].',
        ),
        (
            {"vendors": {"fedex": {"quotas": [{"name": "a", "limit": 0, "seconds": 1}]}}},
            "quayside.toml, [vendors.fedex.quotas]: quota a: limit and seconds must be above 0.",
        ),
        (
            {"vendors": {"fedex": {"concurrency": 0}}},
            "quayside.toml, [vendors.fedex]: concurrency must be at least 1.",
        ),
        (
            {"vendors": {"fedex": {"attempt_timeout": -1}}},
            "quayside.toml, [vendors.fedex]: attempt_timeout must be above 0 seconds.",
        ),
        (
            {"vendors": {"breaker": {"failure_rate_threshold": 50}}},
            "breaker.failure_rate_threshold must be above 0 and at most 1.",
        ),
        (
            {"vendors": {"fedex": {"breaker": {"wait": 3}}}},
            "quayside.toml, [vendors.fedex.breaker]: wait is unknown; there are failure_rate_threshold,",
        ),
        ({"sandbox": {"sed": 3}}, "quayside.toml, [sandbox]: sed is unknown; did you mean seed?"),
    ],
)
def test_a_bad_line_of_the_file_is_refused(tmp_path: Path, toml: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadSetting) as caught:
        settings(tmp_path, toml=toml)

    assert sentence in str(caught.value)


def test_without_credentials_the_sandbox_stands_in_for_everybody(tmp_path: Path) -> None:
    found = settings(tmp_path, {"QUAYSIDE_SANDBOX_PORT": "9999"})

    assert found.sandbox_is_used
    assert {name: options.base_url for name, options in found.integrations.vendors.items()} == {
        name: f"http://127.0.0.1:9999/{name}" for name in VENDORS
    }
    assert found.database_url == f"sqlite:///{tmp_path / 'quayside.db'}"


def test_one_real_credential_ends_the_sandbox_for_everybody(tmp_path: Path) -> None:
    found = settings(tmp_path, {"QUAYSIDE_STRIPE_SECRET_KEY": "sk_live_1"})

    assert not found.sandbox_is_used
    assert found.integrations.vendors["stripe"].base_url == "https://api.stripe.com"
    assert found.integrations.vendors["stripe"].credentials["SECRET_KEY"] == "sk_live_1"


def test_a_real_credential_is_never_sent_to_the_sandbox(tmp_path: Path) -> None:
    found = settings(tmp_path, {"QUAYSIDE_STRIPE_SECRET_KEY": "sk_live_1", "QUAYSIDE_SANDBOX": "on"})

    assert found.integrations.vendors["stripe"].sandboxed
    assert "sk_live_1" not in found.integrations.vendors["stripe"].credentials.values()


def test_no_credential_is_shown_by_repr(tmp_path: Path) -> None:
    key = "a-key-of-more-than-16-letters"
    found = settings(tmp_path, {"QUAYSIDE_STRIPE_SECRET_KEY": "sk_live_1", "QUAYSIDE_SECRET_KEY": key})

    assert "sk_live_1" not in repr(found)
    assert key not in repr(found)


def test_a_credential_may_stand_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("sk_live_2\n", encoding="utf-8")

    found = settings(tmp_path, {"QUAYSIDE_STRIPE_SECRET_KEY_FILE": str(path)})

    assert found.integrations.vendors["stripe"].credentials["SECRET_KEY"] == "sk_live_2"


def test_a_vendor_that_is_half_set_up_is_named_with_what_is_missing(tmp_path: Path) -> None:
    found = settings(tmp_path, {"QUAYSIDE_FEDEX_CLIENT_ID": "id", "QUAYSIDE_FEDEX_CLIENT_SECRET": "secret"})

    missing = check_credentials(found.integrations.vendors)

    assert missing == ["QUAYSIDE_FEDEX_ACCOUNT_NUMBER is not set; FedEx needs it."]


def test_one_vendors_options_stand_over_everybodys(tmp_path: Path) -> None:
    toml = {
        "vendors": {
            "breaker": {"consecutive_failures": 9, "minimum_number_of_calls": 8},
            "fedex": {
                "breaker": {"consecutive_failures": 3},
                "quotas": [{"name": "project", "limit": 20, "seconds": 1.0}],
                "attempt_timeout": 4,
            },
        }
    }

    vendors = settings(tmp_path, toml=toml).integrations.vendors

    assert (vendors["fedex"].breaker.consecutive_failures, vendors["fedex"].breaker.minimum_number_of_calls) == (3, 8)
    assert vendors["stripe"].breaker.consecutive_failures == 9
    assert vendors["fedex"].quotas == (QuotaPolicy(name="project", limit=20, seconds=1.0),)
    assert vendors["fedex"].attempt_timeout == 4
