"""Avalara's adapter against its published contract, its official client, its errors and its traps."""

from __future__ import annotations

import json
from base64 import b64encode
from decimal import Decimal
from typing import Any

import orjson
import pytest

from integrations.errors import BusinessFailed, Fault, HttpFailed, InvalidInput, SchemaDrift
from integrations.outcome import Request, Response
from integrations.types.tax import TaxRequest
from integrations.vendors.avalara import Avalara, verdicts
from integrations.vendors.avalara.adapter import CREATE
from integrations.vendors.avalara.declaration import VENDOR
from integrations.vendors.avalara.messages import in_path
from integrations.vendors.avalara.verdicts import PING
from tests.contracts import contract
from tests.integrations.vendors.exchange import (
    FakeExchange,
    adapter_with_sandbox_credentials,
    answer,
    body_of,
    run,
)
from tests.integrations.vendors.openapi import document, problems, unknown_fields
from tests.integrations.vendors.wire import Wire, on_the_wire

QUOTE, COMMIT, VOID, ADDRESS, CHECK = (dict(operation.example) for operation in VENDOR.operations)


def line(number: str = "1", **more: Any) -> dict[str, Any]:
    details = [{"rate": 0.0625, "tax": 6.25}, {"rate": 0.02, "tax": 2.0}]
    body = {"lineNumber": number, "lineAmount": 100.0, "tax": 8.25, "taxableAmount": 100.0, "details": details}
    return {**body, "exemptAmount": 0.0, "isItemTaxable": True, **more}


def sold(**more: Any) -> dict[str, Any]:
    summary = [
        {"jurisName": "TEXAS", "jurisType": "State", "rate": 0.0625, "tax": 6.25, "taxName": "TX STATE TAX"},
        {"jurisName": "AUSTIN", "jurisType": "City", "rate": 0.02, "tax": 2.0, "taxName": "TX CITY TAX"},
        {"jurisName": "TRAVIS", "jurisType": "County", "rate": 0.0, "tax": 0.0, "taxName": "TX COUNTY TAX"},
    ]
    body = {"id": 289450369, "code": "EXAMPLE-7001", "status": "Temporary", "type": "SalesOrder"}
    totals = {"totalAmount": 100.0, "totalTax": 8.25, "totalTaxable": 100.0}
    return {**body, **totals, "lines": [line()], "summary": summary, **more}


def refused(number: int, status: int = 400, fault: str = "Client", refers_to: str = "") -> Response:
    detail = {"code": "X", "number": number, "message": "600 Congress Ave", "faultCode": fault, "refersTo": refers_to}
    return answer({"error": {"code": "X", "message": "600 Congress Ave", "details": [detail]}}, status)


def invoice(**more: Any) -> Response:
    return answer(sold(code="EXAMPLE-7002", status="Committed", type="SalesInvoice", **more), 201)


NOT_THERE = answer(b"", 404)


@pytest.fixture
def adapter() -> Avalara:
    made = adapter_with_sandbox_credentials(Avalara)
    assert isinstance(made, Avalara)
    return made


# --- what we send ------------------------------------------------------------------------------------------------------


def schema_of(whole: dict[str, Any], path: str, method: str) -> dict[str, Any]:
    content = whole["paths"][path][method]["requestBody"]["content"]
    found: dict[str, Any] = next(iter(content.values()))["schema"]
    return found


async def test_every_request_keeps_to_the_published_contract(adapter: Avalara) -> None:
    whole = document(contract("avalara/avatax-v2.subset.openapi.json"))
    void = "/api/v2/companies/{companyCode}/transactions/{transactionCode}/void"
    resolved = {"validatedAddresses": [{"city": "Austin"}], "resolutionQuality": "Rooftop"}
    for operation, value, response, path in (
        ("quote_tax", QUOTE, answer(sold(), 201), CREATE),
        ("commit_tax", COMMIT, invoice(), CREATE),
        ("void_tax", VOID, answer(sold(status="Cancelled")), void),
        ("resolve_address", ADDRESS, answer(resolved), "/api/v2/addresses/resolve"),
    ):
        exchange = FakeExchange(adapter, operation, [response])
        await run(adapter, exchange, value)
        schema = schema_of(whole, path, "post")
        sent = json.loads(body_of(exchange.last))
        assert problems(whole, schema, sent) == []
        assert unknown_fields(whole, schema, sent) == []
        described = whole["paths"][path]["post"]
        named = {parameter["name"] for parameter in described["parameters"] if parameter["in"] == "query"}
        assert {name for name, _ in exchange.last.query} <= named


async def test_the_examples_are_what_the_official_client_sends(adapter: Avalara) -> None:
    avalara = pytest.importorskip("avalara", reason="the official client is in the development environment")
    client = avalara.AvataxClient("Quayside", "1.0", "quayside", "sandbox")
    client.add_credentials("1100000001", "quayside-license-key")
    expected = "Basic " + b64encode(b"1100000001:quayside-license-key").decode()
    exchange = FakeExchange(adapter, "commit_tax", [invoice()])
    await run(adapter, exchange, COMMIT)
    void = FakeExchange(adapter, "void_tax", [answer(sold(status="Cancelled"))])
    await run(adapter, void, VOID)

    assert exchange.authorised[0]["authorization"] == expected
    assert client.auth.username == "1100000001"
    assert exchange.last.path == "/api/v2/transactions/create"
    assert void.last.path == "/api/v2/companies/DEFAULT/transactions/EXAMPLE-7002/void"


async def test_an_estimate_is_an_order_and_a_sale_an_invoice_that_is_committed(adapter: Avalara) -> None:
    estimate, sale = (
        FakeExchange(adapter, "quote_tax", [answer(sold())]),
        FakeExchange(adapter, "commit_tax", [invoice()]),
    )
    await run(adapter, estimate, {**QUOTE, "customer": {"vat_number": "DE123456789"}, "date": "2026-09-30"})
    await run(adapter, sale, COMMIT)

    first, second = estimate.last.json, sale.last.json
    assert (first["type"], first["commit"], first["date"]) == ("SalesOrder", False, "2026-09-30")
    assert (first["customerCode"], first["businessIdentificationNo"]) == ("CONSUMER", "DE123456789")
    assert (second["type"], second["commit"], second["date"], second["code"]) == (
        "SalesInvoice",
        True,
        "2026-10-01",
        "EXAMPLE-7002",
    )
    assert estimate.last.repeatable is True


async def test_amounts_go_out_as_numbers_without_losing_a_digit(adapter: Avalara) -> None:
    lines = [{"quantity": "3", "amount": {"amount": "0.10", "currency": "KWD"}}]
    lines += [{"quantity": "1", "amount": {"amount": "-1234567.125", "currency": "KWD"}}]
    exchange = FakeExchange(adapter, "quote_tax", [answer(sold(lines=[line("1"), line("2")]))])
    await run(adapter, exchange, {**QUOTE, "currency": "KWD", "lines": lines})
    sent = json.loads(body_of(exchange.last), parse_float=Decimal)

    assert [one["amount"] for one in sent["lines"]] == [Decimal("0.10"), Decimal("-1234567.125")]


@pytest.mark.parametrize(
    ("given", "sent"), [("", None), ("standard", None), ("zero", "NT"), ("exempt", "NT"), ("PC040100", "PC040100")]
)
async def test_a_tax_code_is_avalaras_own(adapter: Avalara, given: str, sent: str | None) -> None:
    exchange = FakeExchange(adapter, "quote_tax", [answer(sold())])
    await run(adapter, exchange, {**QUOTE, "lines": [{**QUOTE["lines"][0], "tax_code": given}]})

    assert exchange.last.json["lines"][0].get("taxCode") == sent


@pytest.mark.parametrize(
    ("text", "path"),
    [("INV-1", "INV-1"), ("INV/1 2", "INV_-ava2f-_1%202"), ("a+b?c%d#e", "a_-ava2b-_b_-ava3f-_c_-ava25-_d_-ava23-_e")],
)
def test_five_characters_of_a_code_are_spelled_avalaras_way_in_a_path(text: str, path: str) -> None:
    assert in_path(text) == path


@pytest.mark.parametrize(
    ("operation", "changed", "field"),
    [
        ("commit_tax", {"reference": "R" * 51}, "reference"),
        ("quote_tax", {"destination": {"country": "US", "city": "Austin"}}, "destination.postal_code"),
        ("quote_tax", {"origin": {"country": "CA"}}, "origin.postal_code"),
        ("quote_tax", {"destination": {"country": "BR", "lines": ["x" * 101]}}, "destination.lines"),
        ("quote_tax", {"destination": {"country": "BR", "lines": ["a", "b", "c", "d"]}}, "destination.lines"),
        ("quote_tax", {"destination": {"country": "BR", "city": "x" * 51}}, "destination.city"),
        ("quote_tax", {"destination": {"country": "BR", "postal_code": "1" * 12}}, "destination.postal_code"),
        (
            "quote_tax",
            {"lines": [{"quantity": "1", "amount": {"amount": "1", "currency": "EUR"}}]},
            "lines.0.amount.currency",
        ),
        ("quote_tax", {"lines": [{**QUOTE["lines"][0], "tax_code": "reduced"}]}, "lines.0.tax_code"),
        ("quote_tax", {"lines": [{**QUOTE["lines"][0], "tax_code": "rate:7"}]}, "lines.0.tax_code"),
    ],
)
async def test_what_avalara_cannot_take_is_said_before_it_is_sent(
    adapter: Avalara, operation: str, changed: dict[str, Any], field: str
) -> None:
    exchange = FakeExchange(adapter, operation)
    with pytest.raises(InvalidInput) as caught:
        await run(adapter, exchange, {**QUOTE, **changed})

    assert (caught.value.field, exchange.requests) == (field, [])


async def test_an_address_that_says_too_little_is_refused_by_its_field(adapter: Avalara) -> None:
    exchange = FakeExchange(adapter, "resolve_address")
    with pytest.raises(InvalidInput) as caught:
        await run(adapter, exchange, {"lines": ["600 Congress Ave"], "country": "US"})

    assert (caught.value.field, exchange.requests) == ("postal_code", [])


# --- what comes back ---------------------------------------------------------------------------------------------------


async def test_rates_are_fractions_there_and_percent_here(adapter: Avalara) -> None:
    found = await run(adapter, FakeExchange(adapter, "quote_tax", [answer(sold(), 201)]), QUOTE)

    assert (found.source, str(found.total_tax.amount), found.total_tax.currency) == ("avalara", "8.25", "USD")
    assert [(str(one.tax.amount), one.rate, one.treatment) for one in found.lines] == [
        ("8.25", Decimal("8.25"), "taxed")
    ]
    assert [(one.name, one.kind, one.rate) for one in found.jurisdictions] == [
        ("TEXAS", "state", Decimal("6.25")),
        ("AUSTIN", "city", Decimal(2)),
    ]
    assert found.rule == "Computed by Avalara: TX STATE TAX, TX CITY TAX."


async def test_no_nexus_means_no_tax_and_is_no_error(adapter: Avalara) -> None:
    nothing = line(tax=0.0, taxableAmount=0.0, details=[])
    exempt = line("2", tax=0.0, taxableAmount=0.0, exemptAmount=10.0, details=[])
    body = sold(totalTax=0.0, lines=[nothing, exempt], summary=[])
    asked = {**QUOTE, "lines": QUOTE["lines"] * 2}
    found = await run(adapter, FakeExchange(adapter, "quote_tax", [answer(body)]), asked)

    assert (found.total_tax.amount, [one.treatment for one in found.lines]) == (0, ["out_of_scope", "exempt"])
    assert "no nexus" in found.rule


@pytest.mark.parametrize(
    "body",
    [sold(lines=[line("2")]), sold(totalTax=None), {}, sold(lines=[{"lineNumber": "1"}])],
    ids=["another-line", "no-total", "empty", "half-a-line"],
)
async def test_an_answer_that_lacks_a_figure_is_drift_and_never_no_tax(adapter: Avalara, body: Any) -> None:
    with pytest.raises(SchemaDrift):
        await run(adapter, FakeExchange(adapter, "quote_tax", [answer(body)]), QUOTE)


@pytest.mark.parametrize("status", [200, 201])
async def test_any_2xx_is_a_success(adapter: Avalara, status: int) -> None:
    body = orjson.loads(invoice().body)
    found = await run(adapter, FakeExchange(adapter, "commit_tax", [answer(body, status)]), COMMIT)

    assert (found.status, found.document_id, found.reference) == ("committed", "289450369", "EXAMPLE-7002")


@pytest.mark.parametrize(
    ("body", "resolved"),
    [
        (
            {
                "validatedAddresses": [{"line1": "600 CONGRESS AVE", "postalCode": "78701-1234"}],
                "resolutionQuality": "Rooftop",
            },
            True,
        ),
        ({"validatedAddresses": [], "messages": [{"summary": "Unknown street.", "severity": "Error"}]}, False),
        ({"validatedAddresses": [{"line1": "x"}], "resolutionQuality": "NotCoded"}, False),
        (
            {"validatedAddresses": [{"line1": "x"}], "messages": [{"severity": "Error", "details": "Two of them."}]},
            False,
        ),
    ],
)
async def test_an_address_that_cannot_be_placed_is_a_200_and_an_answer(
    adapter: Avalara, body: dict[str, Any], resolved: bool
) -> None:
    found = await run(adapter, FakeExchange(adapter, "resolve_address", [answer(body)]), ADDRESS)

    assert found.resolved is resolved
    if resolved:
        assert (found.address.lines, found.address.postal_code, found.address.city) == (
            ("600 CONGRESS AVE",),
            "78701-1234",
            "Austin",
        )
    else:
        assert found.message


# --- errors ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("response", "error_type", "fault", "retryable"),
    [
        (refused(30, 401), "unauthorized", "configuration", False),
        (answer(b"", 401), "unauthorized", "configuration", False),
        (refused(31, 403), "forbidden", "configuration", False),
        (refused(4, 404), "not_found", "ours", False),
        (NOT_THERE, "not_found", "ours", False),
        (refused(5, refers_to="lines[0].amount"), "invalid_request", "ours", False),
        (refused(47), "invalid_request", "ours", False),
        (refused(198), "already_cancelled", "ours", False),
        (refused(303), "already_exists", "ours", False),
        (refused(303, 409), "already_exists", "ours", False),
        (refused(1303), "already_exists", "ours", False),
        (refused(300, refers_to="DocStatus"), "already_exists", "ours", False),
        (refused(300, refers_to="Lines"), "invalid_request", "ours", False),
        (refused(309), "invalid_address", "ours", False),
        (refused(313), "not_committed", "ours", False),
        (refused(1100), "locked", "ours", False),
        (refused(1715, 429), "rate_limited", "ours", True),
        (refused(1716), "rate_limited", "ours", True),
        (refused(1723, 503), "rate_limited", "ours", True),
        (answer(b"", 429), "rate_limited", "ours", True),
        (refused(209, 500, "Server"), "trouble_209", "theirs", True),
        (refused(316, 500, "Server"), "trouble_316", "theirs", True),
        (refused(1718, 503, "Server"), "trouble_1718", "theirs", True),
        (refused(50, 500, "Server"), "http_500", "theirs", True),
        (answer(b"<html>", 502), "http_502", "theirs", True),
    ],
)
def test_every_refusal_has_its_class(
    adapter: Avalara, response: Response, error_type: str, fault: Fault, retryable: bool
) -> None:
    verdict = adapter.classify(Request(method="POST", path=CREATE), response)

    assert verdict is not None
    assert (verdict.error_type, verdict.fault, verdict.retryable) == (error_type, fault, retryable)
    assert "Congress" not in verdict.message


def test_every_number_we_know_is_one_of_avalaras() -> None:
    known = set(json.loads(contract("avalara/error-code-ids.json").read_text(encoding="utf-8")).values())

    assert {*verdicts._FINAL, *verdicts._THROTTLED, *verdicts._TROUBLE} <= known


def test_a_ping_with_a_wrong_credential_is_a_200_that_says_no(adapter: Avalara) -> None:
    verdict = adapter.classify(Request(method="GET", path=PING), answer({"authenticated": False, "version": "26"}))

    assert verdict is not None
    assert (verdict.error_type, verdict.fault, verdict.business) == ("unauthorized", "configuration", True)
    assert adapter.classify(Request(method="GET", path=PING), answer({"authenticated": True})) is None


# --- lost answers ------------------------------------------------------------------------------------------------------


async def test_a_lost_commit_is_read_by_its_code(adapter: Avalara) -> None:
    value = TaxRequest.model_validate(COMMIT)
    there = FakeExchange(adapter, "commit_tax", [invoice()])
    found = await adapter.look_up_commit_tax(there, value)
    gone = await adapter.look_up_commit_tax(FakeExchange(adapter, "commit_tax", [NOT_THERE]), value)
    saved = answer(sold(code="EXAMPLE-7002", status="Saved"))
    uncommitted = await adapter.look_up_commit_tax(FakeExchange(adapter, "commit_tax", [saved]), value)

    assert found is not None
    assert found.status == "committed"
    assert dict(there.last.query) == {"documentType": "SalesInvoice"}
    assert (gone, uncommitted) == (None, None)


async def test_another_sale_under_our_code_is_not_taken_for_ours(adapter: Avalara) -> None:
    value = TaxRequest.model_validate(COMMIT)
    with pytest.raises(BusinessFailed) as caught:
        await adapter.look_up_commit_tax(FakeExchange(adapter, "commit_tax", [invoice(totalAmount=250.0)]), value)

    assert caught.value.error_type == "document_differs"


async def test_gross_amounts_are_compared_with_the_tax_in_them(adapter: Avalara) -> None:
    value = TaxRequest.model_validate({**COMMIT, "tax_included": True})
    body = invoice(totalAmount=92.38, totalTax=7.62)
    found = await adapter.look_up_commit_tax(FakeExchange(adapter, "commit_tax", [body]), value)

    assert found is not None


async def test_a_committed_document_is_not_committed_twice(adapter: Avalara) -> None:
    found = await run(adapter, FakeExchange(adapter, "commit_tax", [refused(303), invoice()]), COMMIT)
    with pytest.raises(HttpFailed):
        await run(adapter, FakeExchange(adapter, "commit_tax", [refused(303), NOT_THERE]), COMMIT)

    assert found.status == "committed"


async def test_a_second_void_is_no_error(adapter: Avalara) -> None:
    found = await run(adapter, FakeExchange(adapter, "void_tax", [refused(198)]), VOID)
    with pytest.raises(HttpFailed, match="refund it instead"):
        await run(adapter, FakeExchange(adapter, "void_tax", [refused(1100)]), VOID)

    assert (found.status, found.total_tax) == ("voided", None)


# --- against the sandbox -----------------------------------------------------------------------------------------------


def of(wire: Wire) -> Avalara:
    assert isinstance(wire.adapter, Avalara)
    return wire.adapter


async def test_a_sale_is_estimated_committed_found_and_voided_once() -> None:
    async with on_the_wire("avalara") as wire:
        quote = await wire.call("quote_tax", QUOTE)
        before = await wire.effects()
        made = await wire.call("commit_tax", COMMIT)
        again = await wire.call("commit_tax", COMMIT)
        value = TaxRequest.model_validate(COMMIT)
        looked = await of(wire).look_up_commit_tax(wire.exchange("commit_tax"), value)
        voided = await wire.call("void_tax", VOID)
        twice = await wire.call("void_tax", VOID)
        effects = [effect["kind"] for effect in await wire.effects()]

    assert quote.total_tax.amount > 0
    assert quote.jurisdictions
    assert before == []
    assert made.total_tax == quote.total_tax
    assert looked == made
    assert again.document_id == made.document_id
    assert (voided.status, twice.status) == ("voided", "voided")
    assert effects == ["tax", "void"]


async def test_a_document_that_is_not_there_cannot_be_voided() -> None:
    async with on_the_wire("avalara") as wire:
        with pytest.raises(HttpFailed) as caught:
            await wire.call("void_tax", {"reference": "NO-SUCH"})

    assert caught.value.error_type == "not_found"


async def test_an_address_is_placed_or_said_not_to_be() -> None:
    async with on_the_wire("avalara") as wire:
        good = await wire.call("resolve_address", ADDRESS)
        bad = await wire.call("resolve_address", {**ADDRESS, "postal_code": "00000", "lines": ["1 Nowhere"]})

    assert (good.resolved, bad.resolved) == (True, False)
    assert bad.message


async def test_a_bad_credential_is_said_as_that_by_ping_and_by_the_rest() -> None:
    async with on_the_wire("avalara") as wire:
        wire.adapter = Avalara({"ACCOUNT_ID": "1100000001", "LICENSE_KEY": "invalid"})
        with pytest.raises(BusinessFailed) as ping:
            await wire.call("check_token", CHECK)
        with pytest.raises(HttpFailed) as rest:
            await wire.call("quote_tax", QUOTE)

    assert (ping.value.error_type, rest.value.error_type) == ("unauthorized", "unauthorized")
