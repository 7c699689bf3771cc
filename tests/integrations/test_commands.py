"""The commands about vendors and calls, as people and programs use them: what they say, and how they end."""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from db.calls import search
from db.circuit_acts import set_by_hand
from db.engine import open_database
from db.sealed import Seal
from integrations import commands
from integrations.errors import InvalidInput, UnknownVendor
from integrations.registry import VENDORS, adapter_class
from integrations.runtime import Runtime
from integrations.settings import understand
from tests.acceptance.conftest import Harbour, harbour_on

ROOT = Path(__file__).parents[2]
NOON = datetime(2026, 10, 1, 12, 0, tzinfo=UTC)
EXAMPLES = [(vendor, operation.name) for vendor in VENDORS for operation in adapter_class(vendor).vendor.operations]
UNSUPPORTED = [
    (vendor, operation.name)
    for vendor in VENDORS
    for operation in adapter_class(vendor).vendor.operations
    if not operation.supported
]
# A message and its edit count against a vendor's slow quota, which is not what these tests are about.
TOML = {"vendors": {"slack": {"quotas": [{"name": "wide", "limit": 1000, "seconds": 1.0}]}}}


@pytest.fixture(scope="module")
async def harbour(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, seal: Seal
) -> AsyncIterator[Harbour]:
    folder = tmp_path_factory.mktemp("commands")
    (folder / "quayside.db").write_bytes(sqlite_template.read_bytes())
    db = open_database(f"sqlite:///{folder / 'quayside.db'}", seal)
    async with harbour_on(db, folder, toml=TOML) as opened:
        yield opened
    await db.close()


async def call(
    runtime: Runtime, vendor: str, operation: str, text: str = "", **more: Any
) -> tuple[dict[str, Any], int]:
    options = {"priority": "interactive", "idempotency_key": None, "correlation_id": None, **more}
    return await commands.call(runtime, vendor, operation, text, **options)


# --- vendors -------------------------------------------------------------------------------------------------------------


def listed(tmp_path: Path, **environment: str) -> list[dict[str, Any]]:
    options = understand(environment, {}, var=tmp_path).integrations
    found: list[dict[str, Any]] = json.loads(json.dumps(commands.vendor_list(options)))
    return found


def test_vendors_lists_every_vendor_with_what_a_program_needs(tmp_path: Path) -> None:
    found = listed(tmp_path)

    assert [vendor["name"] for vendor in found] == list(VENDORS)
    for vendor in found:
        assert {"name", "label", "kind", "base_url", "credentials", "operations", "quotas"} <= set(vendor)
        assert all({"env", "set"} <= set(credential) for credential in vendor["credentials"])
        for operation in vendor["operations"]:
            shape = {"name", "supported", "idempotent", "fallback", "input_schema", "result_schema", "example"}
            assert set(operation) == shape | {"repeat"}
            assert operation["repeat"] in {"read", "natural", "key", "look_up", "never"}
            jsonschema.Draft202012Validator.check_schema(operation["result_schema"])
            jsonschema.validate(operation["example"], operation["input_schema"])


def test_vendors_tells_which_credentials_are_set_and_shows_none(tmp_path: Path) -> None:
    stripe = next(v for v in listed(tmp_path, QUAYSIDE_STRIPE_SECRET_KEY="sk_live_1") if v["name"] == "stripe")

    assert stripe["credentials"] == [
        {"env": "QUAYSIDE_STRIPE_SECRET_KEY", "set": True, "required": True},
        {"env": "QUAYSIDE_STRIPE_WEBHOOK_SECRET", "set": False, "required": False},
    ]
    assert "sk_live_1" not in json.dumps(stripe)


def test_vendors_says_for_people_where_calls_go_and_what_is_missing(tmp_path: Path) -> None:
    lines = commands.vendor_lines(listed(tmp_path, QUAYSIDE_STRIPE_SECRET_KEY="sk_live_1"))

    assert any(line.startswith("stripe ") and "ready" in line for line in lines)
    assert any("missing QUAYSIDE_OPEN_EXCHANGE_RATES_APP_ID" in line for line in lines)


# --- call ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("vendor", "operation"), [one for one in EXAMPLES if one not in UNSUPPORTED])
async def test_the_example_of_every_operation_succeeds(harbour: Harbour, vendor: str, operation: str) -> None:
    found, code = await call(harbour.runtime, vendor, operation)

    assert code == 0, found
    assert {"result", "stale", "correlation_id", "call_id"} <= set(found)
    declared = next(one for one in commands.vendor_list(harbour.runtime.options) if one["name"] == vendor)
    schema = next(one["result_schema"] for one in declared["operations"] if one["name"] == operation)
    jsonschema.validate(json.loads(json.dumps(found["result"])), schema)


@pytest.mark.parametrize(("vendor", "operation"), UNSUPPORTED)
async def test_what_a_vendor_cannot_do_is_said_and_ends_with_2(harbour: Harbour, vendor: str, operation: str) -> None:
    found, code = await call(harbour.runtime, vendor, operation)

    assert (code, found["error"]["type"]) == (2, "unsupported")
    assert vendor not in commands.ready_for(operation, harbour.runtime.options)


@pytest.mark.parametrize(
    ("vendor", "operation", "text", "kind", "field", "says"),
    [
        ("fedexx", "quote_rates", "{}", "unknown_vendor", "vendor", 'No vendor "fedexx"; there are acumatica,'),
        (
            "fedex",
            "quote",
            "{}",
            "unknown_operation",
            "operation",
            'FedEx has no operation "quote"; it has quote_rates',
        ),
        ("fedex", "track_shipment", "{", "invalid_input", "input", "The input is not JSON ("),
        ("fedex", "track_shipment", "[]", "invalid_input", "input", "The input must be a JSON object such as"),
        ("fedex", "track_shipment", "@/no/file", "invalid_input", "input", "/no/file cannot be read (No such file"),
        ("fedex", "track_shipment", "{}", "invalid_input", "tracking_number", "tracking_number: Field required."),
        ("fedex", "track_shipment", '{"tracking_number": "1", "x": 1}', "invalid_input", "x", "x: Extra inputs are"),
        ("ecb", "latest_rates", '{"base": "usd"}', "invalid_input", "base", "is not an ISO 4217 currency such as USD"),
        (
            "stripe",
            "create_payment",
            '{"reference": "A", "amount": {"amount": 1.5, "currency": "USD"}}',
            "invalid_input",
            "amount.amount",
            "a decimal must be a string",
        ),
    ],
)
async def test_a_bad_call_names_the_field_and_the_remedy_and_sends_nothing(
    harbour: Harbour, vendor: str, operation: str, text: str, kind: str, field: str, says: str
) -> None:
    before = len(harbour.requests())

    found, code = await call(harbour.runtime, vendor, operation, text)

    assert (code, found["error"]["type"], found["error"]["field"]) == (2, kind, field)
    assert says in found["error"]["message"]
    assert "\n" not in found["error"]["message"]
    assert set(found["error"]) == {"type", "retryable", "fault", "message", "field"}
    assert found["correlation_id"]
    assert len(harbour.requests()) == before


async def test_a_key_that_was_used_for_something_else_is_refused(harbour: Harbour) -> None:
    order = adapter_class("fedex").vendor.operation("create_shipment")
    assert order is not None
    other = {**order.example, "shipment": {**order.example["shipment"], "reference": "OTHER"}}
    _, first = await call(harbour.runtime, "fedex", "create_shipment", idempotency_key="k-reused")

    found, code = await call(harbour.runtime, "fedex", "create_shipment", json.dumps(other), idempotency_key="k-reused")

    assert (first, code, found["error"]["type"]) == (0, 2, "key_reused")


async def test_a_decline_is_a_result(harbour: Harbour) -> None:
    declined = {
        "reference": "DECLINED-1",
        "amount": {"amount": "10.00", "currency": "USD"},
        "payment_method": "pm_card_visa_chargeDeclined",
    }

    found, code = await call(harbour.runtime, "stripe", "create_payment", json.dumps(declined))

    assert (code, found["result"]["status"]) == (0, "declined")


async def test_the_correlation_id_and_the_trigger_are_recorded(harbour: Harbour) -> None:
    found, _ = await call(harbour.runtime, "ecb", "latest_rates", correlation_id="case-12")
    await harbour.runtime.recorder.flush()

    (row,) = await search(harbour.db, correlation_id="case-12")
    assert (found["correlation_id"], found["call_id"]) == ("case-12", row.id)
    assert (row.trigger, row.priority) == ("user", "interactive")
    (shown,) = commands.calls_json([row], harbour.runtime.options)["calls"]
    assert set(shown) >= {
        *("id", "correlation_id", "vendor", "operation", "priority", "trigger", "started_at", "duration", "outcome"),
        *("error_type", "attempts"),
    }
    assert set(shown["attempts"][0]) >= {
        *("id", "number", "method", "url", "status", "duration", "error_type", "circuit_state", "span_id"),
    }
    assert "case-12" in commands.call_lines({"calls": [shown]})[0]


async def test_a_circuit_held_open_ends_with_3(harbour: Harbour) -> None:
    now, name = datetime.now(UTC), "frankfurter"
    until, why = now + timedelta(minutes=1), "a test"
    await set_by_hand(harbour.db, name, name, "forced_open", expires_at=until, now=now, reason=why, by="ada")
    await asyncio.sleep(0.7)  # the states are read again every half second

    text = '{"date": "2026-09-29", "base": "EUR"}'
    found, code = await call(harbour.runtime, name, "historical_rates", text)
    await set_by_hand(harbour.db, name, name, "closed", expires_at=None, now=now, reason=why, by="ada")
    await asyncio.sleep(0.7)

    assert (code, found["error"]["type"]) == (3, "circuit_open")


async def test_a_vendor_that_fails_ends_with_1(harbour: Harbour) -> None:
    harbour.sandbox.faults.add([{"vendor": "stripe", "operation": "get_payment", "fault": "status:500", "rate": 1.0}])

    found, code = await call(harbour.runtime, "stripe", "get_payment")
    harbour.sandbox.faults.clear()

    assert (code, found["error"]["type"], found["error"]["fault"]) == (1, "http_500", "theirs")


def without(harbour: Harbour, vendor: str, **changed: Any) -> Runtime:
    """The same runtime with one vendor's options changed."""
    options = harbour.runtime.options
    vendors = {**options.vendors, vendor: replace(options.vendors[vendor], **changed)}
    return replace(harbour.runtime, options=replace(options, vendors=vendors))


async def test_a_missing_credential_names_the_setting_and_ends_with_2(harbour: Harbour) -> None:
    runtime = without(harbour, "stripe", sandboxed=False, credentials={})

    found, code = await call(runtime, "stripe", "get_payment")

    assert (code, found["error"]["type"]) == (2, "missing_credential")
    assert found["error"]["message"] == "QUAYSIDE_STRIPE_SECRET_KEY is not set; set it in the environment or in .env."


async def test_without_a_sandbox_it_says_how_to_start_one(harbour: Harbour) -> None:
    runtime = without(harbour, "stripe", base_url="http://127.0.0.1:1/stripe")

    found, code = await call(runtime, "stripe", "get_payment")

    assert (code, found["error"]["type"]) == (2, "missing_credential")
    assert "start one with: python app.py sandbox" in found["error"]["message"]


# --- input, since, check -------------------------------------------------------------------------------------------------


def test_the_input_comes_from_a_file_or_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "input.json"
    path.write_text('{"base": "EUR"}', encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", io.StringIO('{"base": "GBP"}'))

    assert commands.read_input("ecb", "latest_rates", f"@{path}") == {"base": "EUR"}
    assert commands.read_input("ecb", "latest_rates", "-") == {"base": "GBP"}


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "input.bin"
    path.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(InvalidInput, match="is not UTF-8 text"):
        commands.read_input("ecb", "latest_rates", f"@{path}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, None),
        ("90s", NOON - timedelta(seconds=90)),
        ("1h", NOON - timedelta(hours=1)),
        ("7d", NOON - timedelta(days=7)),
        ("2026-10-01T10:00:00Z", NOON - timedelta(hours=2)),
    ],
)
def test_since_is_a_stretch_or_a_moment(text: str | None, expected: datetime | None) -> None:
    assert commands.parse_since(text, NOON) == expected


@pytest.mark.parametrize("text", ["yesterday", "1w", "2026-10-01T10:00:00", "-1h", "999999d"])
def test_since_that_is_neither_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"--since is \".*\"; give 30s, 15m, 1h, 7d or 2026-"):
        commands.parse_since(text, NOON)


async def test_check_proves_every_credential_and_names_the_one_that_is_wrong(harbour: Harbour) -> None:
    good, code = await commands.check(harbour.runtime, [])
    assert (code, [vendor["name"] for vendor in good["vendors"] if vendor["ok"]]) == (0, list(VENDORS)), good

    harbour.sandbox.faults.add([{"vendor": "aramex", "operation": None, "fault": "status:500", "rate": 1.0}])
    found, code = await commands.check(harbour.runtime, ["aramex", "stripe"])
    harbour.sandbox.faults.clear()

    assert (code, [vendor["ok"] for vendor in found["vendors"]]) == (1, [False, True])
    assert commands.check_lines(found)[1] == "ok   stripe               Stripe accepts our credential."


async def test_a_vendor_that_lacks_the_example_has_let_us_in_all_the_same(harbour: Harbour) -> None:
    harbour.sandbox.faults.add([{"vendor": "twilio", "operation": "get_sms", "fault": "status:404", "rate": 1.0}])
    found, code = await commands.check(harbour.runtime, ["twilio"])
    harbour.sandbox.faults.clear()

    assert (code, found["vendors"][0]["ok"]) == (0, True)


async def test_a_vendor_that_does_not_serve_the_example_has_let_us_in_all_the_same(harbour: Harbour) -> None:
    harbour.sandbox.settings["australia_post"] = {"lodgement_postcode": "3207"}
    found, code = await commands.check(harbour.runtime, ["australia_post"])
    del harbour.sandbox.settings["australia_post"]

    assert (code, found["vendors"][0]["ok"]) == (0, True)


async def test_check_of_an_unknown_vendor_is_refused(harbour: Harbour) -> None:
    with pytest.raises(UnknownVendor):
        await commands.check(harbour.runtime, ["fedexx"])


# --- the program itself --------------------------------------------------------------------------------------------------


async def program(folder: Path, *arguments: str, **environment: str) -> tuple[int, str, str]:
    """Run ``python app.py`` in a folder; return its exit code and what it said."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("QUAYSIDE_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "app.py"),
        *arguments,
        cwd=folder,
        env={**inherited, **environment},
        stdout=PIPE,
        stderr=PIPE,
    )
    said, errors = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode(), errors.decode()


async def test_the_program_refuses_a_bad_setting_in_one_line(tmp_path: Path) -> None:
    code, said, errors = await program(tmp_path, "vendors", "--json", QUAYSIDE_PORT="none")

    sentence = 'QUAYSIDE_PORT is "none"; give a port from 1 to 65535.'
    assert (code, errors) == (2, f"error: {sentence}\n")
    assert json.loads(said)["error"]["message"] == sentence


async def test_the_program_refuses_a_file_that_is_no_toml(tmp_path: Path) -> None:
    (tmp_path / "quayside.toml").write_text("[retry\n", encoding="utf-8")

    code, _, errors = await program(tmp_path, "vendors")

    assert code == 2
    assert errors.startswith("error: quayside.toml cannot be read: ")
    assert errors.count("\n") == 1


async def test_the_program_calls_and_lists_what_it_called(tmp_path: Path, harbour: Harbour) -> None:
    port = harbour.runtime.options.vendors["ecb"].base_url.rpartition(":")[2].partition("/")[0]
    settings = {"QUAYSIDE_SANDBOX": "on", "QUAYSIDE_SANDBOX_PORT": port}
    code, said, errors = await program(tmp_path, "call", "ecb", "latest_rates", "--json", **settings)
    listed_code, list_said, _ = await program(tmp_path, "calls", "--json", "--since", "1h", **settings)
    bad_code, bad_said, bad_errors = await program(tmp_path, "call", "ecb", "latest_rates", "{", "--json", **settings)

    assert (code, errors) == (0, "")
    assert (listed_code, [one["id"] for one in json.loads(list_said)["calls"]]) == (0, [json.loads(said)["call_id"]])
    assert (bad_code, json.loads(bad_said)["error"]["type"]) == (2, "invalid_input")
    assert bad_errors.count("\n") == 1
