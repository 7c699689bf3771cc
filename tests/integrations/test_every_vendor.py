"""Every vendor of the list fails well, whatever it is: the same walk through the command for each, none left out."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from db.calls import search
from db.engine import open_database
from db.owner import new_owner
from db.sealed import Seal
from integrations import commands
from integrations.adapter import Operation, Vendor
from integrations.options import VendorOptions
from integrations.registry import VENDORS, adapter_class
from integrations.runtime import Runtime, open_runtime
from tests.acceptance.conftest import Harbour, harbour_on

QUICK = {
    "retry": {"base": 0.01, "cap": 0.02},
    "vendors": {
        # A vendor fails here on purpose, again and again; its circuit is another test's matter.
        "breaker": {"minimum_number_of_calls": 1000, "consecutive_failures": 1000},
    },
}
# What each vendor refuses inside an answer whose status says yes, and the class it gets. A vendor that is not here
# tells everything by its statuses, or lets nothing be refused that way: NOTHING_INSIDE says how.
INSIDE_A_200: dict[str, tuple[str, dict[str, Any], str]] = {
    "aramex": ("quote_rates", {"destination": {"country": "AE", "city": "Atlantis"}}, "rejected"),
    "shopify": ("get_order", {"order_id": "404"}, "not_found"),
    "slack": ("post_message", {"channel": "#missing"}, "channel_not_found"),
}
NOTHING_INSIDE: dict[str, str] = {
    "acumatica": "a failed action is told by a status, or by the state of the operation that is polled",
    "australia_post": "statuses; a product that takes no such parcel is left out, a number it does not know is unknown",
    "avalara": "statuses; an address it cannot place is a result, and a ping that knows nobody a bad credential",
    "canada_post": "statuses; a number without a history is a result: unknown",
    "dhl_express": "problem documents with a status",
    "ecb": "a file",
    "fedex": "statuses; a number it does not know is a result: unknown",
    "frankfurter": "statuses",
    "google_ads": "statuses; a conversion that is refused later is a result, and a stream that breaks has its own tests",
    "klaviyo": "statuses; what becomes of an event that was taken is told to nobody",
    "meta_ads": "codes, whatever the status; nothing we ask brings one inside a 200, and its own tests see to that",
    "mollie": "statuses; a failed payment is a result",
    "open_exchange_rates": "statuses",
    "paypal": "statuses; a decline is a result",
    "razorpay": "statuses; a failed payment is a result",
    "sendgrid": "statuses; what becomes of a mail comes as events",
    "signifyd": "statuses; a rejection is a result",
    "smsa": "statuses; a number it does not know, and a return it does not cancel any more, are results",
    "stripe": "statuses; a decline is a result",
    "tap": "statuses; a decline is a result, and a refund waits first: one refused at once is the adapter's own test",
    "twilio": "statuses; a message that failed is a result",
    "ups": "statuses; a number it does not know is a result: unknown",
    "vies": "an error code in a 200 is a result: unknown",
    "woocommerce": "statuses; one of a batch that is refused is a result",
}
# Whose 429, or what stands for it, is more than "too fast".
IN_THEIR_WORDS = {
    "open_exchange_rates": ("quota_exhausted", "configuration"),  # of the month: waiting does not help, a plan does
    "vies": ("global_max_concurrent_req", "theirs"),  # all of its users together are too many
}


@pytest.fixture(scope="module")
async def harbour(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, seal: Seal
) -> AsyncIterator[Harbour]:
    folder = tmp_path_factory.mktemp("every")
    (folder / "quayside.db").write_bytes(sqlite_template.read_bytes())
    db = open_database(f"sqlite:///{folder / 'quayside.db'}", seal)
    async with harbour_on(db, folder, toml=QUICK) as opened:
        yield opened
    await db.close()


def declared(name: str) -> Vendor:
    return adapter_class(name).vendor


async def called(runtime: Runtime, vendor: str, operation: str, value: Any) -> tuple[dict[str, Any], int]:
    return await commands.call(
        runtime,
        vendor,
        operation,
        json.dumps(value),
        priority="interactive",
        idempotency_key=None,
        correlation_id=None,
    )


def check_of(vendor: str) -> Operation:
    """Return the operation that proves a vendor's credential."""
    operation = declared(vendor).operation(declared(vendor).check)
    assert operation is not None
    return operation


async def fails(harbour: Harbour, vendor: str, fault: str, operation: str | None = None) -> Failure:
    """Call the check of a vendor under a fault; return what was said and recorded.

    Where something else may answer (a cached rate, another vendor), the call succeeds and its record does not.
    """
    wanted = {"vendor": vendor, "operation": operation, "fault": fault, "rate": 1.0}
    harbour.sandbox.faults.add([wanted])
    try:
        found, code = await called(harbour.runtime, vendor, check_of(vendor).name, check_of(vendor).example)
    finally:
        harbour.sandbox.faults.clear()
    await harbour.runtime.recorder.flush()
    rows = await search(harbour.db, correlation_id=found["correlation_id"])
    row = next(one for one in rows if one.vendor == vendor and one.operation == check_of(vendor).name)
    assert row.outcome == "error"
    if check_of(vendor).fallback is None:
        assert (code, found["error"]["type"]) == (1, row.error_type)
        assert found["error"]["message"]
    else:
        assert code in (0, 1)
    return Failure(error_type=row.error_type, fault=row.fault)


def test_what_is_said_of_a_200_is_said_of_a_vendor_once() -> None:
    said = [*INSIDE_A_200, *NOTHING_INSIDE]

    assert sorted(said) == [name for name in VENDORS if name in said]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What the record says of a call that failed."""

    error_type: str | None
    fault: str | None


SECRETS = {name: [one.name for one in declared(name).credentials if one.secret and one.sandbox] for name in VENDORS}


@asynccontextmanager
async def another(harbour: Harbour, name: str, template: Path, **vendors: VendorOptions) -> AsyncIterator[Harbour]:
    """Give another process that calls the same sandbox with other options, and shares nothing with the first."""
    folder = harbour.folder / name
    folder.mkdir()
    (folder / "quayside.db").write_bytes(template.read_bytes())
    options = replace(harbour.runtime.options, vendors=vendors, journal_dir=folder / "journal")
    db = open_database(f"sqlite:///{folder / 'quayside.db'}", harbour.db.seal)
    async with open_runtime(db, options, new_owner("test")) as runtime:
        yield replace(harbour, runtime=runtime, db=db, folder=folder)
    await db.close()


@pytest.fixture(scope="module")
async def strangers(harbour: Harbour, sqlite_template: Path) -> AsyncIterator[Harbour]:
    """A process whose every secret is wrong."""
    spoilt = {
        name: replace(
            mine, credentials={**mine.credentials, **{one: f"invalid-{mine.credentials[one]}" for one in SECRETS[name]}}
        )
        for name, mine in harbour.runtime.options.vendors.items()
    }
    async with another(harbour, "strangers", sqlite_template, **spoilt) as found:
        yield found


@pytest.fixture(scope="module")
async def impatient(harbour: Harbour, sqlite_template: Path) -> AsyncIterator[Harbour]:
    """A process that waits a quarter of a second for an answer."""
    hasty = {name: replace(mine, attempt_timeout=0.25) for name, mine in harbour.runtime.options.vendors.items()}
    async with another(harbour, "impatient", sqlite_template, **hasty) as found:
        yield found


@pytest.mark.parametrize("vendor", [name for name in VENDORS if SECRETS[name]])
async def test_a_bad_credential_is_said_to_be_that(strangers: Harbour, vendor: str) -> None:
    found, code = await called(strangers.runtime, vendor, check_of(vendor).name, check_of(vendor).example)

    if check_of(vendor).fallback is None:
        error = found["error"]
        assert (code, error["fault"], error["retryable"]) == (1, "configuration", False), error
        assert "invalid-" not in error["message"]
    await strangers.runtime.recorder.flush()
    rows = await search(strangers.db, correlation_id=found["correlation_id"])
    assert {one.fault for one in rows if one.vendor == vendor} == {"configuration"}


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_bad_field_is_named_by_every_operation_and_nothing_is_sent(harbour: Harbour, vendor: str) -> None:
    before = len(harbour.requests(vendor))
    for operation in declared(vendor).operations:
        found, code = await called(harbour.runtime, vendor, operation.name, {**operation.example, "colour": "red"})
        assert (code, found["error"]["type"], found["error"]["field"]) == (2, "invalid_input", "colour"), operation.name

    assert len(harbour.requests(vendor)) == before


@pytest.mark.parametrize("vendor", VENDORS)
async def test_an_answer_that_does_not_come_is_a_timeout(impatient: Harbour, vendor: str) -> None:
    found = await fails(impatient, vendor, "timeout")

    assert (found.error_type, found.fault) == ("timeout", "theirs")


@pytest.mark.parametrize("vendor", VENDORS)
async def test_garbage_is_an_answer_we_do_not_understand(harbour: Harbour, vendor: str) -> None:
    found = await fails(harbour, vendor, "garbage")

    assert (found.error_type, found.fault) == ("schema_drift", "theirs")


@pytest.mark.parametrize("vendor", VENDORS)
async def test_trouble_at_the_vendor_is_theirs(harbour: Harbour, vendor: str) -> None:
    found = await fails(harbour, vendor, "status:503")

    assert found.fault == "theirs"


@pytest.mark.parametrize("vendor", INSIDE_A_200)
async def test_a_failure_inside_a_200_is_a_failure(harbour: Harbour, vendor: str) -> None:
    name, changed, error_type = INSIDE_A_200[vendor]
    operation = declared(vendor).operation(name)
    assert operation is not None
    found, code = await called(harbour.runtime, vendor, name, {**operation.example, **changed})

    assert (code, found["error"]["type"]) == (1, error_type), found


@pytest.mark.parametrize("vendor", VENDORS)
async def test_too_many_requests_are_told_by_the_headers_of_that_vendor(harbour: Harbour, vendor: str) -> None:
    """The last test of a vendor here: its quota is spent afterwards."""
    # Where we sign in first, the sign-in is not what is held back: some vendors count it otherwise.
    named = check_of(vendor).name if declared(vendor).sign_in else None
    found = await fails(harbour, vendor, "rate_limit:90", named)

    assert (found.error_type, found.fault) == IN_THEIR_WORDS.get(vendor, ("rate_limited", "ours"))
