from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import aiohttp
import avalara
import orjson
import pytest
from avalara.transaction_builder import TransactionBuilder
from multidict import CIMultiDictProxy
from yarl import URL

from integrations.sandbox.avalara import models, samples
from integrations.sandbox.avalara.errors import NUMBERS
from integrations.sandbox.avalara.jurisdictions import UNION, VAT_RATES
from tests.contracts import contract
from tests.integrations.sandbox.conftest import Sandbox, Start
from tests.integrations.sandbox.published import published

CONTRACT = "avalara/avatax-v2.subset.openapi.json"
CREATE, CHANGE = "/api/v2/transactions/create", "/api/v2/transactions/createoradjust"
LIST = "/api/v2/companies/DEFAULT/transactions"
ONE = "/api/v2/companies/{companyCode}/transactions/{transactionCode}"
RESOLVE = "/api/v2/addresses/resolve"
IRVINE = {"line1": "1 Main St", "city": "Irvine", "region": "CA", "country": "US", "postalCode": "92614"}
AUSTIN = {"line1": "2 High St", "city": "Austin", "region": "TX", "country": "US", "postalCode": "78701"}
LONDON = {"line1": "10 Paternoster Sq", "city": "London", "country": "GB", "postalCode": "EC4M 7LS"}
BERLIN = {"line1": "Invalidenstr. 116", "city": "Berlin", "country": "DE", "postalCode": "10115"}
PARIS = {"line1": "1 rue de Rivoli", "city": "Paris", "country": "FR", "postalCode": "75001"}
SALE: dict[str, Any] = {
    "type": "SalesInvoice",
    "companyCode": "DEFAULT",
    "code": "INV-1001",
    "date": "2026-10-01",
    "customerCode": "CUST-1",
    "currencyCode": "USD",
    "commit": True,
    "addresses": {"shipFrom": IRVINE, "shipTo": AUSTIN},
    "lines": [{"number": "1", "quantity": 2, "amount": 100.00, "taxCode": "PC040100", "itemCode": "SKU1"}],
}
DAY = 86_400


@dataclass(frozen=True, slots=True)
class Got:
    status: int
    headers: CIMultiDictProxy[str]
    body: Any

    @property
    def error(self) -> tuple[str, int, str]:
        detail = self.body["error"]["details"][0]
        return self.body["error"]["code"], detail["number"], detail["faultCode"]


Call = Callable[..., Awaitable[Got]]


@pytest.fixture
async def sandbox(start: Start) -> Sandbox:
    return await start("avalara")


@pytest.fixture
def call(sandbox: Sandbox) -> Call:
    """Send one request; fractions come back as decimals."""

    async def send(method: str, path: str, body: Any = None, *, basic: str = "2000001234:key", **headers: str) -> Got:
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json"} | headers
        if basic:
            sent["Authorization"] = f"Basic {b64encode(basic.encode()).decode()}"
        url = URL(f"{sandbox.url}/avalara{path}", encoded=True)
        async with sandbox.client.request(method, url, data=data, headers=sent) as answer:
            text = await answer.text()
            return Got(answer.status, answer.headers, json.loads(text, parse_float=Decimal) if text else None)

    return send


async def setting(sandbox: Sandbox, **values: Any) -> None:
    await sandbox.control("PUT", "settings", {"avalara": values})


def sale(code: str = "INV-1001", **rest: Any) -> dict[str, Any]:
    return {**SALE, "code": code, **rest}


def shipped(origin: dict[str, str], destination: dict[str, str], **rest: Any) -> dict[str, Any]:
    return sale(type="SalesOrder", addresses={"shipFrom": origin, "shipTo": destination}, **rest)


def line(amount: Any, number: str = "1", **rest: Any) -> dict[str, Any]:
    return {"number": number, "amount": amount, **rest}


async def effects(sandbox: Sandbox) -> list[tuple[str, str, str]]:
    return [(one["kind"], one["reference"], one["amount"]) for one in await sandbox.effects("avalara")]


def check(method: str, path: str, got: Got) -> None:
    """Hold an answer against the contract; it knows 200 alone where the vendor answers 201."""
    published(CONTRACT).check_answer(method, path, 200, orjson.loads(json.dumps(got.body, default=float)))


# --- the contract ---------------------------------------------------------------------------------------------------


async def test_every_answer_is_as_the_contract_has_it(call: Call) -> None:
    published(CONTRACT).check_request("POST", CREATE, SALE)
    check("POST", CREATE, await call("POST", CREATE, sale(type="SalesOrder")))
    check("POST", CREATE, await call("POST", f"{CREATE}?$include=Details,TaxDetailsByTaxType", SALE))
    check("POST", CHANGE, await call("POST", CHANGE, {"createTransactionModel": SALE, "adjustmentReason": "Other"}))
    check("GET", ONE, await call("GET", f"{LIST}/INV-1001"))
    adjusted = {"adjustmentReason": "PriceAdjusted", "newTransaction": SALE}
    check("POST", f"{ONE}/adjust", await call("POST", f"{LIST}/INV-1001/adjust", adjusted))
    check("POST", f"{ONE}/refund", await call("POST", f"{LIST}/INV-1001/refund", {"refundDate": "2026-10-01"}))
    check("POST", f"{ONE}/void", await call("POST", f"{LIST}/INV-1001/void", {"code": "DocVoided"}))
    check("POST", f"{ONE}/commit", await call("POST", f"{LIST}/{samples.SAVED}/commit", {"commit": True}))
    many = await call("GET", f"{LIST}?$include=Lines,Details,Summary,Addresses")
    check("GET", "/api/v2/companies/{companyCode}/transactions", many)
    check("GET", "/api/v2/companies", await call("GET", "/api/v2/companies"))
    check("GET", "/api/v2/utilities/ping", await call("GET", "/api/v2/utilities/ping"))
    for address in (AUSTIN, LONDON, {**AUSTIN, "line1": "Nowhere"}, {**AUSTIN, "postalCode": "10001"}):
        check("POST", RESOLVE, await call("POST", RESOLVE, address))


def test_lengths_types_and_enumerations_are_those_of_the_contract() -> None:
    schemas = orjson.loads(contract(CONTRACT).read_bytes())["components"]["schemas"]
    known = {
        "AddressLocationInfo": models.ADDRESS,
        "AddressValidationInfo": models.RESOLVE,
        "AddressesModel": models.ADDRESSES,
        "AdjustTransactionModel": models.ADJUST,
        "CommitTransactionModel": models.COMMIT,
        "CreateOrAdjustTransactionModel": models.CREATE_OR_ADJUST,
        "CreateTransactionModel": models.TRANSACTION,
        "LineItemModel": models.LINE,
        "RefundTransactionModel": models.REFUND,
        "TaxOverrideModel": models.OVERRIDE,
        "VoidTransactionModel": models.VOID,
    }
    for name, fields in known.items():
        for field, kind in fields.items():
            if field == "locationCode" and name == "AddressValidationInfo":
                continue
            told = schemas[name]["properties"][field]
            if isinstance(kind, tuple):
                expected: Any = tuple(one for one in told["enum"] if one != "Any")
            elif isinstance(kind, int):
                expected = told.get("maxLength", 0)
            elif isinstance(kind, str):
                expected = "date" if told.get("format") == "date" else told["type"]
            else:
                expected = kind

            assert (name, field, kind) == (name, field, expected)


def test_error_numbers_are_those_of_the_vendors_list() -> None:
    listed = orjson.loads(contract("avalara/error-code-ids.json").read_bytes())

    assert {name: listed[name] for name in NUMBERS} == NUMBERS


def test_vat_rates_of_the_union_are_those_in_force() -> None:
    table = orjson.loads(contract("eu_vat/eu_vat_rates_data-2026.9.29.json").read_bytes())["rates"]
    names = {"GR": "GR" if "GR" in table else "EL"}

    assert {code: float(VAT_RATES[code] * 100) for code in UNION} == {
        code: table[names.get(code, code)]["standard"] for code in UNION
    }


# --- the official SDK -----------------------------------------------------------------------------------------------


@pytest.fixture
def sdk(sandbox: Sandbox) -> avalara.AvataxClient:
    client = avalara.AvataxClient("Quayside", "1.0", "host1", f"{sandbox.url}/avalara")
    return client.add_credentials("2000001234", "key")


async def test_sdk_walks_a_document_from_quote_to_refund_and_void(sandbox: Sandbox, sdk: avalara.AvataxClient) -> None:
    told = []
    for act, *arguments in (
        (sdk.ping,),
        (sdk.create_transaction, sale(type="SalesOrder")),
        (sdk.create_transaction, sale(commit=False)),
        (sdk.commit_transaction, "DEFAULT", "INV-1001", {"commit": True}),
        (sdk.create_or_adjust_transaction, {"createTransactionModel": SALE}),
        (sdk.adjust_transaction, "DEFAULT", "INV-1001", {"adjustmentReason": "Other", "newTransaction": SALE}),
        (sdk.get_transaction_by_code, "DEFAULT", "INV-1001", {"documentType": "SalesInvoice"}),
        (sdk.refund_transaction, "DEFAULT", "INV-1001", {"refundDate": "2026-10-01", "refundTransactionCode": "R-1"}),
        (sdk.void_transaction, "DEFAULT", "R-1", {"code": "DocVoided"}, {"documentType": "ReturnInvoice"}),
        (sdk.list_transactions_by_company, "DEFAULT", {"$filter": "code eq 'INV-1001'"}),
        (sdk.query_companies,),
        (sdk.resolve_address, AUSTIN),
        (sdk.resolve_address_post, AUSTIN),
    ):
        got = await asyncio.to_thread(act, *arguments)
        told.append((got.status_code, got.json().get("status") or got.json().get("@recordsetCount")))
    got = await asyncio.to_thread(
        sdk.get_transaction_by_id,
        (await asyncio.to_thread(sdk.get_transaction_by_code, "DEFAULT", "INV-1001")).json()["id"],
    )

    assert told == [
        (200, None),
        (201, "Temporary"),
        (201, "Saved"),
        (200, "Committed"),
        (200, "Committed"),
        (200, "Committed"),
        (200, "Committed"),
        (201, "Committed"),
        (200, "Cancelled"),
        (200, 3),
        (200, 1),
        (200, None),
        (200, None),
    ]
    assert (got.status_code, got.json()["version"]) == (200, 3)


async def test_sdk_builds_a_transaction(sdk: avalara.AvataxClient) -> None:
    def build() -> Any:
        builder = TransactionBuilder(sdk, "DEFAULT", "SalesInvoice", "CUST-1")
        builder.with_transaction_code("B-1").with_commit()
        builder.with_address("SingleLocation", AUSTIN)
        builder.with_line(100, 1, "SKU1", "P0000000")
        return builder.create().json()

    made = await asyncio.to_thread(build)

    assert (made["status"], made["totalTax"], made["code"]) == ("Committed", 8.25, "B-1")


async def test_sdk_is_not_spared_the_slash_in_a_code(call: Call, sdk: avalara.AvataxClient) -> None:
    await call("POST", CREATE, sale("INV/1 2"))
    lost = await asyncio.to_thread(sdk.void_transaction, "DEFAULT", "INV/1 2", {"code": "DocVoided"})
    done = await asyncio.to_thread(sdk.void_transaction, "DEFAULT", "INV_-ava2f-_1 2", {"code": "DocVoided"})

    assert (lost.status_code, lost.content) == (404, b"")
    assert (done.status_code, done.json()["code"]) == (200, "INV/1 2")


# --- who asks -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("authorization", "kind"),
    [
        ("Basic " + b64encode(b"2000001234:key").decode(), "AccountIdLicenseKey"),
        ("Basic " + b64encode(b"me@shop.example:secret").decode(), "UsernamePassword"),
        ("Bearer some-token", "OpenIdBearerToken"),
        ("Basic " + b64encode(b"2000001234:invalid").decode(), "None"),
        ("Basic " + b64encode(b"no colon").decode(), "None"),
        ("Basic ???", "None"),
        ("Bearer invalid-token", "None"),
        ("Digest x", "None"),
        ("", "None"),
    ],
)
async def test_ping_never_fails_and_tells_a_good_credential_from_a_bad_one(
    call: Call, authorization: str, kind: str
) -> None:
    told = await call("GET", "/api/v2/utilities/ping", basic="", Authorization=authorization)
    asked = await call("GET", "/api/v2/companies", basic="", Authorization=authorization)

    assert (told.status, told.body["authenticated"], told.body["authenticationType"]) == (200, kind != "None", kind)
    assert asked.status == (401 if kind == "None" else 200)


async def test_unauthenticated_is_answered_by_the_gateway_without_number_or_target(call: Call) -> None:
    got = await call("POST", CREATE, SALE, basic="2000001234:invalid")

    assert (got.status, sorted(got.body["error"])) == (401, ["code", "details", "message"])
    assert got.body["error"]["code"] == "AuthenticationException"
    assert sorted(got.body["error"]["details"][0]) == ["code", "description", "faultCode", "helpLink", "message"]


async def test_every_answer_has_a_correlation_id_of_its_own(sandbox: Sandbox, call: Call) -> None:
    answers = [
        await call("GET", "/api/v2/utilities/ping"),
        await call("POST", CREATE, SALE),
        await call("POST", CREATE, b"{"),
        await call("GET", "/api/v2/companies//transactions/x"),
        await call("POST", CREATE, SALE, basic=""),
    ]
    await sandbox.fault("avalara", "status:503")
    answers.append(await call("POST", CREATE, SALE))

    assert len({got.headers["x-correlation-id"] for got in answers}) == 6
    assert answers[-1].error == ("ServiceNotReady", 1718, "Server")


# --- quotes ---------------------------------------------------------------------------------------------------------


async def test_estimate_is_computed_by_authority_and_forgotten(sandbox: Sandbox, call: Call) -> None:
    made = await call("POST", CREATE, sale(type="SalesOrder"))
    omitted = await call("POST", CREATE, {name: value for name, value in SALE.items() if name != "type"})
    seen = await call("GET", f"{LIST}/INV-1001")

    assert (made.status, made.body["id"], made.body["status"]) == (201, 0, "Temporary")
    assert made.headers["Location"].endswith("/transactions/0")
    assert made.body["totalTax"] == Decimal("8.25")
    assert [(one["jurisdictionType"], one["rate"], one["tax"]) for one in made.body["lines"][0]["details"]] == [
        ("State", Decimal("0.0625"), Decimal("6.25")),
        ("City", Decimal("0.01"), Decimal(1)),
        ("Special", Decimal("0.01"), Decimal(1)),
    ]
    assert (omitted.body["type"], omitted.body["status"]) == ("SalesOrder", "Temporary")
    assert (seen.status, seen.error) == (404, ("EntityNotFoundError", 4, "Client"))
    assert seen.body["error"]["details"][0]["description"] == (
        "The Transaction with code 'DEFAULT:INV-1001' was not found."
    )
    assert await effects(sandbox) == []
    assert [one["operation"] for one in await sandbox.requests("avalara")] == ["quote_tax", "quote_tax", "look_up"]


@pytest.mark.parametrize(
    ("origin", "destination", "rest", "tax"),
    [
        (IRVINE, {**AUSTIN, "region": "NJ", "postalCode": "07102"}, {}, 0),
        (LONDON, AUSTIN, {}, "8.25"),
        (IRVINE, LONDON, {}, 0),
        (IRVINE, LONDON, {"isSellerImporterOfRecord": True}, 20),
        (LONDON, LONDON, {}, 20),
        (PARIS, BERLIN, {}, 19),
        (PARIS, BERLIN, {"businessIdentificationNo": "DE123456789"}, 0),
        (BERLIN, BERLIN, {"businessIdentificationNo": "DE123456789"}, 19),
        (IRVINE, {"city": "Beaconsfield", "region": "QC", "country": "CA", "postalCode": "H9W 5E1"}, {}, 5),
        (IRVINE, {"city": "Kuwait City", "country": "KW"}, {}, 0),
        (IRVINE, AUSTIN, {"exemptionNo": "X-1"}, 0),
        (IRVINE, AUSTIN, {"entityUseCode": "G"}, 0),
        (IRVINE, AUSTIN, {"entityUseCode": "TAXABLE"}, "8.25"),
    ],
)
async def test_destination_nexus_and_buyer_decide_the_tax(
    call: Call, origin: dict[str, str], destination: dict[str, str], rest: dict[str, Any], tax: Any
) -> None:
    made = await call("POST", CREATE, shipped(origin, destination, **rest))

    assert (made.status, made.body["totalTax"]) == (201, Decimal(tax))
    assert made.body["totalTaxable"] + made.body["totalExempt"] == made.body["totalAmount"] == 100
    assert made.body["totalTaxable"] == (100 if made.body["totalTax"] else 0)


async def test_no_nexus_is_no_error_and_said_in_the_detail(sandbox: Sandbox, call: Call) -> None:
    await setting(sandbox, nexus=["US-CA"])
    made = await call("POST", CREATE, SALE)
    detail = made.body["lines"][0]["details"][0]

    assert (made.status, made.body["totalTax"], made.body["totalExempt"]) == (201, 0, 100)
    assert (detail["nonTaxableType"], detail["rate"], detail["nonTaxableAmount"]) == ("NexusRule", 0, 100)


@pytest.mark.parametrize(
    ("code", "state", "postal_code", "taxable"),
    [
        ("PC040100", "PA", "19147", False),
        ("PC040100", "TX", "78701", True),
        ("FR020100", "CA", "92614", False),
        ("FR020100", "TX", "78701", True),
        ("NT", "TX", "78701", False),
    ],
)
async def test_product_decides_what_is_taxable(
    call: Call, code: str, state: str, postal_code: str, taxable: bool
) -> None:
    place = {**AUSTIN, "region": state, "postalCode": postal_code}
    made = await call("POST", CREATE, shipped(IRVINE, place, lines=[line(100, taxCode=code)]))

    assert (made.body["lines"][0]["isItemTaxable"], made.body["totalTax"] > 0) == (taxable, taxable)


async def test_amount_is_that_of_the_whole_line_and_may_be_negative(call: Call) -> None:
    lines = [line(90, "1", quantity=3), line(-10, "2")]
    made = await call("POST", CREATE, sale(lines=lines))

    assert (made.body["totalAmount"], made.body["totalTax"]) == (80, Decimal("6.60"))
    assert [one["tax"] for one in made.body["lines"]] == [Decimal("7.43"), Decimal("-0.83")]


async def test_amount_that_includes_tax_becomes_the_net_one_and_the_last_authority_takes_the_rest(call: Call) -> None:
    place = {**AUSTIN, "region": "PA", "postalCode": "19147"}
    made = await call("POST", CREATE, shipped(IRVINE, place, lines=[line("10.0", taxIncluded=True)]))
    one = made.body["lines"][0]

    assert (one["lineAmount"], one["tax"], one["taxIncluded"]) == (Decimal("9.26"), Decimal("0.74"), True)
    assert [detail["tax"] for detail in one["details"]] == [Decimal("0.56"), Decimal("0.18")]
    assert (made.body["totalAmount"], made.body["totalTax"]) == (Decimal("9.26"), Decimal("0.74"))


async def test_discount_is_shared_by_the_discounted_lines(call: Call) -> None:
    lines = [line(100, "1", discounted=True), line(50, "2"), line(50, "3", discounted=True)]
    made = await call("POST", CREATE, sale(lines=lines, discount=10))
    refused = await call("POST", CREATE, sale(lines=[line(50)], discount=10))

    assert [one["discountAmount"] for one in made.body["lines"]] == [Decimal("6.67"), 0, Decimal("3.33")]
    assert made.body["lines"][0]["taxableAmount"] == Decimal("93.33")
    assert (made.body["totalDiscount"], made.body["totalTaxable"]) == (10, 190)
    assert (refused.status, refused.error) == (400, ("NoLinesDiscounted", 190, "Client"))


async def test_override_replaces_the_tax_and_keeps_what_was_computed(call: Call) -> None:
    override = {"type": "taxAmount", "taxAmount": 5.67, "reason": "Import"}
    whole = await call("POST", CREATE, sale("A", taxOverride=override, lines=[line(100, "1"), line(50, "2")]))
    part = await call("POST", CREATE, sale("B", lines=[line(100, "1", taxOverride=override), line(50, "2")]))

    assert (whole.body["totalTax"], whole.body["totalTaxCalculated"]) == (Decimal("5.67"), Decimal("12.38"))
    assert [one["tax"] for one in whole.body["lines"]] == [Decimal("3.78"), Decimal("1.89")]
    assert sum(one["tax"] for one in whole.body["lines"][0]["details"]) == Decimal("3.78")
    assert (part.body["lines"][0]["tax"], part.body["lines"][1]["tax"]) == (Decimal("5.67"), Decimal("4.13"))
    assert part.body["lines"][0]["taxOverrideType"] == "TaxAmount"


@pytest.mark.parametrize(("currency", "tax"), [("JPY", "8"), ("KWD", "8.250"), ("USD", "8.25")])
async def test_tax_is_rounded_to_the_unit_of_the_currency(
    sandbox: Sandbox, call: Call, currency: str, tax: str
) -> None:
    made = await call("POST", CREATE, sale(currencyCode=currency, lines=[line(100)]))

    assert made.body["totalTax"] == Decimal(tax)
    assert [one["amount"] for one in await sandbox.effects("avalara")] == [f"{tax} {currency}"]


async def test_names_are_read_in_any_case_and_values_as_text(call: Call) -> None:
    body = {
        "TYPE": "salesorder",
        "Date": "2026-10-01T00:00:00",
        "customercode": 17,
        "commit": "false",
        "discount": "0.0",
        "addresses": {"ShipFrom": {**IRVINE, "country": "USA"}, "ShipTo": {**AUSTIN, "country": "United States"}},
        "lines": [{"Amount": "100.0", "unknown": {}}],
    }
    made = await call("POST", CREATE, body)
    single = await call("POST", CREATE, {**body, "addresses": {"SingleLocation": {**AUSTIN, "region": "Texas"}}})

    assert (made.status, made.body["customerCode"], made.body["date"]) == (201, "17", "2026-10-01")
    assert (made.body["totalTax"], single.body["totalTax"]) == (Decimal("8.25"), Decimal("8.25"))
    assert {one["country"] for one in made.body["addresses"]} == {"US"}


@pytest.mark.parametrize(
    ("asked", "nested"),
    [
        ("", {"lines", "details", "summary", "addresses"}),
        ("?$include=Lines", {"lines"}),
        ("?$include=Details", {"lines", "details"}),
        ("?%24include=Summary%2CAddresses", {"lines", "details", "summary", "addresses"}),
        ("?$include=SummaryOnly", {"summary"}),
        ("?$include=LinesOnly", {"lines"}),
        ("?$include=TaxDetailsByTaxType", {"taxDetailsByTaxType"}),
    ],
)
async def test_include_decides_what_is_nested(call: Call, asked: str, nested: set[str]) -> None:
    body = (await call("POST", f"{CREATE}{asked}", SALE)).body
    found = {name for name in ("lines", "summary", "addresses", "taxDetailsByTaxType") if name in body}
    found |= {"details"} if "lines" in body and "details" in body["lines"][0] else set()

    assert found == nested


# --- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "error", "target"),
    [
        ({"lines": []}, ("MissingLine", 311, "Client"), "HttpRequestHeaders"),
        ({"customerCode": None}, ("ValueRequiredError", 5, "Client"), "IncorrectData"),
        ({"date": None}, ("ValueRequiredError", 5, "Client"), "IncorrectData"),
        ({"lines": [{"number": "1"}]}, ("ValueRequiredError", 5, "Client"), "IncorrectData"),
        ({"addresses": {"shipTo": AUSTIN}}, ("MissingAddress", 304, "Client"), "IncorrectData"),
        ({"code": "x" * 51}, ("StringLengthError", 13, "Client"), "IncorrectData"),
        ({"lines": [line(1, taxCode="x" * 26)]}, ("StringLengthError", 13, "Client"), "IncorrectData"),
        ({"type": "Invoice"}, ("ModelStateInvalid", 47, "Client"), "HttpRequest"),
        ({"lines": [line("many")]}, ("ModelStateInvalid", 47, "Client"), "HttpRequest"),
        ({"lines": [line(1e15)]}, ("ModelStateInvalid", 47, "Client"), "HttpRequest"),
        ({"lines": {}}, ("ModelStateInvalid", 47, "Client"), "HttpRequest"),
        ({"date": "1 October"}, ("ModelStateInvalid", 47, "Client"), "HttpRequest"),
        ({"commit": "perhaps"}, ("ModelStateInvalid", 47, "Client"), "HttpRequest"),
        ({"companyCode": "OTHER"}, ("GetTaxError", 300, "GetTaxError"), "Unknown"),
    ],
)
async def test_bad_sale_is_refused_in_the_vendors_shape(
    sandbox: Sandbox, call: Call, change: dict[str, Any], error: tuple[str, int, str], target: str
) -> None:
    got = await call("POST", CREATE, {**SALE, **change})

    assert (got.status, got.error, got.body["error"]["target"]) == (400, error, target)
    assert got.body["error"]["details"][0]["helpLink"].startswith("https://developer.avalara.com/avatax/errors/")
    assert await effects(sandbox) == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "ModelRequiredException"),
        (b"null", "ModelRequiredException"),
        (b"{", "ModelStateInvalid"),
        (b"[]", "ModelStateInvalid"),
        (b"\xff", "ModelStateInvalid"),
        (b"[" * 100_000, "ModelStateInvalid"),
    ],
)
async def test_body_that_is_no_model_is_refused(call: Call, body: bytes, code: str) -> None:
    got = await call("POST", CREATE, body)

    assert (got.status, got.body["error"]["code"]) == (400, code)


async def test_postal_code_of_another_state_is_told_line_by_line_under_a_sub_code(call: Call) -> None:
    place = {**AUSTIN, "region": "AL", "postalCode": "10021"}
    got = await call("POST", CREATE, shipped(IRVINE, place, lines=[line(1, "1-LI"), line(2, "1-FR")]))
    details = got.body["error"]["details"]

    assert (got.status, got.error) == (400, ("GetTaxError", 300, "GetTaxError"))
    assert [one["faultSubCode"] for one in details] == ["InvalidZipForStateError"] * 2
    assert details[0]["refersTo"] == 'Addresses[1]; Line["1-LI"] : AL 10021'


@pytest.mark.parametrize(
    ("change", "sub_code"),
    [
        ({"country": "Atlantis"}, "CountryError"),
        ({"region": "Avalon"}, "RegionCodeError"),
        ({"region": None, "postalCode": "00000"}, "RegionCodeError"),
    ],
)
async def test_place_that_is_nowhere_is_refused(call: Call, change: dict[str, str], sub_code: str) -> None:
    got = await call("POST", CREATE, shipped(IRVINE, {**AUSTIN, **change}))

    assert (got.status, got.body["error"]["details"][0]["faultSubCode"]) == (400, sub_code)


async def test_forced_timeout_takes_its_time_and_stores_nothing(sandbox: Sandbox, call: Call) -> None:
    await setting(sandbox, force_timeout_seconds=0.01)
    got = await call("POST", f"{CREATE}?$include=ForceTimeout", SALE)
    seen = await call("GET", f"{LIST}/INV-1001")

    assert (got.status, got.error) == (400, ("TimeoutRequested", 316, "Client"))
    assert seen.status == 404


# --- documents ------------------------------------------------------------------------------------------------------


async def test_invoice_is_stored_and_can_be_looked_up(sandbox: Sandbox, call: Call) -> None:
    made = await call("POST", CREATE, SALE)
    seen = await call("GET", f"{LIST}/INV-1001?documentType=SalesInvoice")
    by_id = await call("GET", f"/api/v2/transactions/{made.body['id']}")
    by_company_id = await call("GET", f"/api/v2/companies/{made.body['companyId']}/transactions/INV-1001")

    assert (made.status, made.body["status"], made.body["version"]) == (201, "Committed", 1)
    assert made.headers["Location"] == f"/api/v2/companies/{made.body['companyId']}/transactions/{made.body['id']}"
    assert made.body == seen.body == by_id.body == by_company_id.body
    assert made.body["modifiedDate"] == "2026-10-01T12:00:00.000"
    assert "messages" not in made.body
    assert await effects(sandbox) == [("tax", "INV-1001", "8.25 USD")]
    assert [one["operation"] for one in await sandbox.requests("avalara")] == ["commit_tax", *["look_up"] * 3]


async def test_saved_document_is_replaced_until_it_is_committed(sandbox: Sandbox, call: Call) -> None:
    first = await call("POST", CREATE, sale(commit=False))
    second = await call("POST", CREATE, sale(commit=False, lines=[line(200)]))
    done = await call("POST", f"{LIST}/INV-1001/commit", {"commit": True})
    late = await call("POST", CREATE, sale(commit=False))
    twice = await call("POST", f"{LIST}/INV-1001/commit", {"commit": True})

    assert (first.body["status"], second.body["status"]) == ("Saved", "Saved")
    assert (second.body["id"], second.body["totalTax"]) == (first.body["id"], Decimal("16.50"))
    assert (done.status, done.body["status"]) == (200, "Committed")
    assert (late.status, late.error) == (400, ("GetTaxError", 300, "GetTaxError"))
    assert late.body["error"]["message"] == "DocStatus is invalid for this operation."
    detail = late.body["error"]["details"][0]
    assert (detail["description"], detail["refersTo"]) == ("Expected Saved|Posted", "DocStatus")
    assert detail["faultSubCode"] == "DocStatusError"
    assert (twice.status, twice.error) == (400, ("InvalidDocumentStatus", 1314, "Client"))
    assert await effects(sandbox) == [("tax", "INV-1001", "16.50 USD")]


async def test_code_is_taken_for_each_type_and_company_alone(sandbox: Sandbox, call: Call) -> None:
    await setting(sandbox, companies=["DEFAULT", "EU"])
    await call("POST", CREATE, SALE)
    returned = await call("POST", CREATE, sale(type="ReturnInvoice", lines=[line(-100)]))
    elsewhere = await call("POST", CREATE, sale(companyCode="EU"))
    seen = await call("GET", f"{LIST}/INV-1001")
    other = await call("GET", f"{LIST}/INV-1001?documentType=5")
    unknown = await call("GET", f"{LIST}/INV-1001?documentType=Bill")

    assert (returned.status, returned.body["totalTax"]) == (201, Decimal("-8.25"))
    assert elsewhere.status == 201
    assert (seen.body["type"], other.body["type"]) == ("SalesInvoice", "ReturnInvoice")
    assert (unknown.status, unknown.error) == (400, ("InvalidEnumValue", 164, "Client"))


async def test_without_a_code_the_same_sale_is_stored_twice(sandbox: Sandbox, call: Call) -> None:
    bare = {name: value for name, value in SALE.items() if name != "code"}
    codes = [(await call("POST", CREATE, bare)).body["code"] for _ in range(2)]

    assert len(set(codes)) == 2
    assert [len(code) for code in codes] == [36, 36]
    assert len(await effects(sandbox)) == 2


async def test_create_or_adjust_makes_a_version_and_owes_only_the_difference(sandbox: Sandbox, call: Call) -> None:
    body = {"createTransactionModel": SALE, "adjustmentReason": "Other"}
    first = await call("POST", CHANGE, body)
    again = await call("POST", CHANGE, {"createTransactionModel": SALE})
    more = await call("POST", CHANGE, {"createTransactionModel": sale(lines=[line(120)])})
    old = await call("GET", f"/api/v2/transactions/{first.body['id']}")
    quote = await call("POST", CHANGE, {"createTransactionModel": sale(type="SalesOrder")})

    assert [one.status for one in (first, again, more)] == [201, 200, 200]
    assert [one.body["version"] for one in (first, again, more)] == [1, 2, 3]
    assert len({one.body["id"] for one in (first, again, more)}) == 3
    assert (again.body["adjustmentReason"], again.body["adjustmentDescription"]) == (
        "Other",
        "Create or adjust transaction",
    )
    assert old.body["status"] == "Adjusted"
    assert (await call("GET", f"{LIST}/INV-1001")).body == more.body
    assert (quote.status, quote.body["status"]) == (201, "Temporary")
    assert await effects(sandbox) == [("tax", "INV-1001", "8.25 USD"), ("tax", "INV-1001", "1.65 USD")]
    assert [one["operation"] for one in await sandbox.requests("avalara")][-3:] == [
        "look_up",
        "quote_tax",
        "look_up",
    ]


async def test_adjustment_keeps_code_and_type(call: Call) -> None:
    await call("POST", CREATE, SALE)
    bad = {"adjustmentReason": "PriceAdjusted", "newTransaction": sale(type="ReturnInvoice")}
    refused = await call("POST", f"{LIST}/INV-1001/adjust", bad)
    moved = {"adjustmentReason": "PriceAdjusted", "newTransaction": sale("INV-2")}
    made = await call("POST", f"{LIST}/INV-1001/adjust", moved)
    nameless = await call("POST", f"{LIST}/INV-1001/adjust", {"adjustmentReason": "", "newTransaction": SALE})

    assert (refused.status, refused.error) == (400, ("CannotAdjustDocumentType", 195, "Client"))
    assert (made.status, made.body["code"], made.body["version"]) == (200, "INV-1001", 2)
    assert (nameless.status, nameless.body["error"]["code"]) == (400, "ModelStateInvalid")
    assert "adjustmentReason" in nameless.body["error"]["details"][0]["description"]


async def test_voided_document_stays_cancelled_and_its_code_taken(sandbox: Sandbox, call: Call) -> None:
    await call("POST", CREATE, SALE)
    nameless = await call("POST", f"{LIST}/INV-1001/void", {})
    done = await call("POST", f"{LIST}/INV-1001/void", {"code": "DocVoided"})
    again = await call("POST", f"{LIST}/INV-1001/void", {"code": "DocVoided"})
    anew = await call("POST", CREATE, SALE)
    changed = await call("POST", CHANGE, {"createTransactionModel": SALE})
    missing = await call("POST", f"{LIST}/INV-9/void", {"code": "DocVoided"})

    assert (nameless.status, nameless.error) == (400, ("ValueRequiredError", 5, "Client"))
    assert (done.status, done.body["status"], done.body["messages"]) == (200, "Cancelled", [])
    assert (again.status, again.error) == (400, ("TransactionAlreadyCancelled", 198, "Client"))
    assert (await call("GET", f"{LIST}/INV-1001")).body["status"] == "Cancelled"
    assert [one.body["error"]["details"][0]["faultSubCode"] for one in (anew, changed)] == ["DocStatusError"] * 2
    assert (missing.status, missing.body["error"]["message"]) == (404, "Document not found.")
    assert await effects(sandbox) == [("tax", "INV-1001", "8.25 USD"), ("void", "INV-1001", "8.25 USD")]
    assert [one["operation"] for one in await sandbox.requests("avalara")][1] == "void_tax"


async def test_type_is_the_sales_invoice_unless_it_is_named(call: Call) -> None:
    await call("POST", CREATE, sale("R-1", type="ReturnInvoice", lines=[line(-100)]))
    read = await call("GET", f"{LIST}/R-1")
    lost = await call("POST", f"{LIST}/R-1/void", {"code": "DocVoided"})
    done = await call("POST", f"{LIST}/R-1/void?documentType=ReturnInvoice", {"code": "DocVoided"})

    assert (read.status, lost.status, done.status) == (200, 404, 200)


async def test_locked_document_refuses_every_change(sandbox: Sandbox, call: Call) -> None:
    body = sale(samples.LOCKED)
    answers = [
        await call("POST", f"{LIST}/{samples.LOCKED}/void", {"code": "DocVoided"}),
        await call("POST", CHANGE, {"createTransactionModel": body}),
        await call("POST", CREATE, body),
    ]

    assert [got.error for got in answers] == [("CannotModifyLockedTransaction", 1100, "Client")] * 3
    assert (await call("GET", f"{LIST}/{samples.LOCKED}")).body["locked"] is True
    assert await effects(sandbox) == []


async def test_known_documents_are_there_on_a_fresh_sandbox(sandbox: Sandbox, call: Call) -> None:
    found = [
        (await call("GET", f"{LIST}/{code}")).body["status"]
        for code in (samples.SAVED, samples.COMMITTED, samples.VOIDED, samples.LOCKED)
    ]

    assert found == ["Saved", "Committed", "Cancelled", "Committed"]
    assert await effects(sandbox) == []


# --- refunds --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "amount", "tax"),
    [
        ({}, "-150", "-12.38"),
        ({"refundType": "Full", "refundPercentage": 100}, "-150", "-12.38"),
        ({"refundType": "Partial", "refundLines": ["2"]}, "-50", "-4.13"),
        ({"refundType": "Partial", "refundLines": ["1"], "refundPercentage": 50}, "-50", "-4.13"),
        ({"refundType": "Percentage", "refundPercentage": 10}, "-15", "-1.24"),
        ({"refundType": "TaxOnly"}, "0", "-12.38"),
    ],
)
async def test_refund_takes_back_the_tax_of_the_sale(
    sandbox: Sandbox, call: Call, asked: dict[str, Any], amount: str, tax: str
) -> None:
    await call("POST", CREATE, sale(lines=[line(100, "1"), line(50, "2")]))
    await setting(sandbox, nexus=[])
    body = {"refundTransactionCode": "R-1", "refundDate": "2026-10-01", **asked}
    made = await call("POST", f"{LIST}/INV-1001/refund", body)
    again = await call("POST", f"{LIST}/INV-1001/refund", body)

    assert (made.status, made.body["type"], made.body["status"]) == (201, "ReturnInvoice", "Committed")
    assert (made.body["totalAmount"], made.body["totalTax"]) == (Decimal(amount), Decimal(tax))
    assert made.body["lines"][0]["taxOverrideType"] == "TaxAmount"
    assert again.body["error"]["details"][0]["faultSubCode"] == "DocStatusError"
    assert (await effects(sandbox))[1:] == [("tax", "R-1", f"{tax} USD")]


@pytest.mark.parametrize(
    ("code", "asked", "error"),
    [
        ("INV-1001", {"refundDate": None}, "ValueRequiredError"),
        ("INV-1001", {"refundPercentage": 50}, "RefundTypeAndPercentageMismatch"),
        ("INV-1001", {"refundLines": ["1"]}, "RefundTypeAndLineMismatch"),
        ("INV-1001", {"refundType": "Partial"}, "RefundLinesRequired"),
        ("INV-1001", {"refundType": "Partial", "refundLines": ["7"]}, "LineNoOutOfRange"),
        ("INV-1001", {"refundType": "Percentage"}, "RefundPercentageMissing"),
        ("INV-1001", {"refundType": "Percentage", "refundPercentage": 101}, "RefundPercentageOutOfRange"),
        ("INV-1001", {"refundType": "TaxOnly", "refundPercentage": 50}, "RefundPercentageForTaxOnly"),
        ("INV-1001", {"refundType": "Some"}, "ModelStateInvalid"),
        (samples.SAVED, {}, "InvalidDocumentStatus"),
        (samples.VOIDED, {}, "InvalidDocumentStatus"),
        ("INV-9", {}, "EntityNotFoundError"),
    ],
)
async def test_refund_that_does_not_fit_is_refused(call: Call, code: str, asked: dict[str, Any], error: str) -> None:
    await call("POST", CREATE, SALE)
    got = await call("POST", f"{LIST}/{code}/refund", {"refundDate": "2026-10-01", **asked})

    assert (got.status, got.body["error"]["code"]) == (404 if code == "INV-9" else 400, error)


async def test_refund_by_tax_date_is_computed_at_the_date_of_the_sale(call: Call) -> None:
    await call("POST", CREATE, sale(date="2026-08-01"))
    made = await call("POST", f"{LIST}/INV-1001/refund?useTaxDateOverride=true", {"refundDate": "2026-10-01"})

    assert (made.body["date"], made.body["taxDate"], made.body["totalTax"]) == (
        "2026-10-01",
        "2026-08-01T00:00:00",
        Decimal("-8.25"),
    )
    assert made.body["taxOverrideType"] == "TaxDate"


# --- codes in paths -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "segment"),
    [
        ("A/1", "A_-ava2f-_1"),
        ("A+1", "A_-ava2b-_1"),
        ("A?1", "A_-ava3f-_1"),
        ("A%1", "A_-ava25-_1"),
        ("A#1", "A_-ava23-_1"),
        ("A 1", "A%201"),
    ],
)
async def test_codes_are_found_in_the_vendors_own_encoding(call: Call, code: str, segment: str) -> None:
    await call("POST", CREATE, sale(code))
    seen = await call("GET", f"{LIST}/{segment}")

    assert (seen.status, seen.body["code"]) == (200, code)


@pytest.mark.parametrize("segment", ["A+1", "A%2B1", "A%3F1", "A%251", "A%231"])
async def test_codes_in_the_usual_encoding_are_not_found(call: Call, segment: str) -> None:
    for code in ("A+1", "A?1", "A%1", "A#1"):
        await call("POST", CREATE, sale(code))
    seen = await call("GET", f"{LIST}/{segment}")

    assert seen.status == 404


@pytest.mark.parametrize(
    "path", ["/api/v2/companies//transactions/INV-1001/commit", f"{LIST}//void", f"{LIST}/A%2F1/void"]
)
async def test_path_without_a_company_or_code_is_a_404_without_a_body(call: Call, path: str) -> None:
    got = await call("POST", path, {"commit": True})
    refused = await call("POST", path, {"commit": True}, basic="")

    assert (got.status, got.body, refused.status) == (404, None, 401)


async def test_unknown_company_is_named(call: Call) -> None:
    got = await call("GET", "/api/v2/companies/OTHER/transactions/INV-1001")

    assert (got.status, got.body["error"]["message"]) == (404, "Company not found.")


# --- lists ----------------------------------------------------------------------------------------------------------


async def test_list_without_a_date_covers_thirty_days(call: Call) -> None:
    await call("POST", CREATE, sale("OLD", date="2026-08-31"))
    await call("POST", CREATE, sale("EDGE", date="2026-09-01"))
    named = "$filter=code in ('OLD', 'EDGE')".replace(" ", "%20")
    short = await call("GET", f"{LIST}?{named}")
    by_tax_date = await call("GET", f"{LIST}?{named}%20and%20taxDate%20gt%20'2026-01-01'")
    whole = await call("GET", f"{LIST}?{named}%20and%20date%20ge%20'2026-01-01'")
    everything = await call("GET", f"{LIST}?$filter=date%20gt%202020-01-01")

    assert [one["code"] for one in short.body["value"]] == ["EDGE"]
    assert [one["code"] for one in by_tax_date.body["value"]] == ["EDGE"]
    assert {one["code"] for one in whole.body["value"]} == {"OLD", "EDGE"}
    assert everything.body["@recordsetCount"] == 66
    assert len({one["currencyCode"] for one in everything.body["value"]}) > 3


async def test_pages_are_walked_by_the_next_link(sandbox: Sandbox, call: Call) -> None:
    path = f"{LIST}?$filter=date%20gt%202020-01-01&$top=25&$orderBy=date%20DESC,%20id"
    seen: list[dict[str, Any]] = []
    pages = []
    while path:
        page = (await call("GET", path)).body
        pages.append(len(page["value"]))
        seen += page["value"]
        path = page.get("@nextLink", "").removeprefix(f"{sandbox.url}/avalara")
        assert page["@recordsetCount"] == 64

    assert pages == [25, 25, 14]
    assert len({one["id"] for one in seen}) == 64
    assert [one["date"] for one in seen] == sorted((one["date"] for one in seen), reverse=True)
    assert "lines" not in seen[0]


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("code eq 'A-1'", {"A-1"}),
        ("CODE = a-1", {"A-1"}),
        ("code startswith 'A-' and totalTax gt 8.25", {"A-2"}),
        ("code startswith 'A-' and totalAmount between 100 and 200", {"A-1"}),
        ("code in (A-1,'A-2')", {"A-1", "A-2"}),
        ("(code eq A-1 or code eq A-2) and status ne saved", {"A-1"}),
        ("code eq A-1 or code eq A-2 and status ne saved", {"A-1"}),
        ("code endswith '-2' and locked eq false", {"A-2"}),
        ("customerCode contains 'b''s' and date ge '2026-10-01T00:00:00'", {"A-2"}),
        ('customerCode contains "b\'s" and date le 2026-10-01', {"A-2"}),
        ("code startswith A- and purchaseOrderNo is not null", {"A-1"}),
        ("code startswith A- and purchaseOrderNo is null", {"A-2"}),
        ("code startswith A- and id lt 5", set()),
    ],
)
async def test_filter_finds(call: Call, text: str, codes: set[str]) -> None:
    await call("POST", CREATE, sale("A-1", purchaseOrderNo="PO"))
    await call("POST", CREATE, sale("A-2", commit=False, lines=[line(200)], customerCode="Bob's"))
    got = await call("GET", str(URL(LIST) % {"$filter": text}))

    assert (got.status, {one["code"] for one in got.body["value"]}) == (200, codes)


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({"$filter": "colour eq 'red'"}, "FieldNotQueryableError"),
        ({"$filter": "totalDiscount eq 0"}, "FieldNotQueryableError"),
        ({"$filter": "code eq 'A' status eq 'Saved'"}, "ExpectedConjunctionError"),
        ({"$filter": "code eq"}, "MalformedFilterException"),
        ({"$filter": "code like 'A'"}, "MalformedFilterException"),
        ({"$filter": "(code eq 'A'"}, "MalformedFilterException"),
        ({"$filter": "code eq 'A')"}, "MalformedFilterException"),
        ({"$filter": "code eq 'A"}, "MalformedFilterException"),
        ({"$orderBy": "colour ASC"}, "FieldNotOrderableError"),
        ({"$top": "-1"}, "QueryParameterOutOfRange"),
        ({"$skip": "x"}, "QueryParameterOutOfRange"),
    ],
)
async def test_list_that_cannot_be_read_is_refused(call: Call, query: dict[str, str], error: str) -> None:
    got = await call("GET", str(URL(LIST) % query))

    assert (got.status, got.body["error"]["code"]) == (400, error)


async def test_companies_are_listed_with_the_default_one_first(sandbox: Sandbox, call: Call) -> None:
    await setting(sandbox, companies=["SHOP", "EU"])
    got = await call("GET", "/api/v2/companies")
    one = await call("GET", str(URL("/api/v2/companies") % {"$filter": "isDefault eq true"}))
    made = await call("POST", CREATE, {**SALE, "companyCode": None})

    assert [(one["companyCode"], one["isDefault"]) for one in got.body["value"]] == [("SHOP", True), ("EU", False)]
    assert [company["id"] for company in one.body["value"]] == [made.body["companyId"]]


# --- addresses ------------------------------------------------------------------------------------------------------


async def test_address_is_resolved_by_get_and_post_alike(sandbox: Sandbox, call: Call) -> None:
    got = await call("POST", RESOLVE, AUSTIN)
    asked = await call("GET", str(URL(RESOLVE) % AUSTIN))
    mixed = await call("POST", RESOLVE, {**AUSTIN, "textCase": "Mixed"})
    found = got.body["validatedAddresses"][0]

    assert got.body == asked.body
    assert (found["line1"], found["city"], found["postalCode"][:6]) == ("2 HIGH ST", "AUSTIN", "78701-")
    assert mixed.body["validatedAddresses"][0]["line1"] == "2 High St"
    assert got.body["resolutionQuality"] == "Intersection"
    assert [one["jurisdictionName"] for one in got.body["taxAuthorities"]][:2] == ["TEXAS", "AUSTIN"]
    assert "messages" not in got.body
    assert {one["operation"] for one in await sandbox.requests("avalara")} == {"resolve_address"}
    assert await effects(sandbox) == []


@pytest.mark.parametrize(
    ("change", "summary", "quality"),
    [
        ({"line1": "invalid address line"}, "An exact street name match could not be found", "NotCoded"),
        ({"line1": "Main Street"}, "An exact street name match could not be found", "NotCoded"),
        ({"postalCode": "10018"}, "Address not geocoded.", "External"),
        ({"city": "Non existent city"}, "Address not geocoded.", "External"),
        (
            {"line1": "123 Main Street", "city": "Irvine", "region": "CA", "postalCode": "92615"},
            "The address is not deliverable.",
            "NotCoded",
        ),
    ],
)
async def test_address_that_cannot_be_resolved_is_a_200_with_messages(
    call: Call, change: dict[str, str], summary: str, quality: str
) -> None:
    got = await call("POST", RESOLVE, {**AUSTIN, **change})

    assert (got.status, got.body["resolutionQuality"]) == (200, quality)
    assert (got.body["messages"][0]["summary"], got.body["messages"][0]["severity"]) == (summary, "Error")
    assert got.body["validatedAddresses"][0]["addressType"] == "UnknownAddressType"


@pytest.mark.parametrize(
    ("address", "error"),
    [
        ({"line1": "2 High St", "city": "Austin"}, ("InvalidAddress", 309, "Client")),
        ({"city": "Austin", "region": "TX"}, ("InvalidAddress", 309, "Client")),
        ({"postalCode": "78701", "country": "Atlantis"}, ("InvalidAddress", 309, "Client")),
        ({"postalCode": "787017870178"}, ("StringLengthError", 13, "Client")),
        ({"postalCode": "78701", "textCase": "Lower"}, ("ModelStateInvalid", 47, "Client")),
    ],
)
async def test_address_that_is_too_little_is_refused(
    call: Call, address: dict[str, str], error: tuple[str, int, str]
) -> None:
    posted = await call("POST", RESOLVE, address)
    asked = await call("GET", str(URL(RESOLVE) % address))

    assert (posted.status, posted.error, asked.status, asked.error) == (400, error, 400, error)


async def test_address_of_another_country_comes_back_as_it_was(call: Call) -> None:
    got = await call("POST", RESOLVE, {**LONDON, "country": "United Kingdom"})
    by_code_alone = await call("POST", RESOLVE, {"postalCode": "78701"})

    assert got.body["validatedAddresses"][0]["city"] == "London"
    assert (got.body["address"]["country"], "messages" in got.body) == ("GB", False)
    assert by_code_alone.body["validatedAddresses"][0]["region"] == "TX"


# --- limits and faults ----------------------------------------------------------------------------------------------


async def test_too_many_requests_are_refused_for_each_account_without_a_header(sandbox: Sandbox, call: Call) -> None:
    await setting(sandbox, quotas=[["requests", 1, 60]])
    await call("GET", RESOLVE + "?postalCode=78701")
    refused = await call("POST", CREATE, SALE)
    other = await call("GET", RESOLVE + "?postalCode=78701", basic="2000009999:key")
    await setting(sandbox, retry_after=True)
    told = await call("POST", CREATE, SALE)
    sandbox.clock.move(60)
    later = await call("POST", CREATE, SALE)

    assert (refused.status, refused.error) == (429, ("RateLimitExceededError", 1723, "Client"))
    assert [name for name in refused.headers if "limit" in name.lower() or name == "Retry-After"] == []
    assert (other.status, told.headers["Retry-After"], later.status) == (200, "60", 201)
    assert len(await effects(sandbox)) == 1


async def test_concurrent_requests_are_limited_where_the_setting_says_so(sandbox: Sandbox, call: Call) -> None:
    await setting(sandbox, concurrent_requests=1, processing_seconds=0.2)
    answers = await asyncio.gather(*(call("POST", CREATE, sale(f"C-{number}")) for number in range(3)))
    later = await call("POST", CREATE, sale("C-9"))

    assert sorted(got.status for got in answers) == [201, 429, 429]
    refused = next(got for got in answers if got.status == 429)
    assert refused.error == ("ConcurrentRequestLimitExceeded", 1716, "Client")
    assert later.status == 201


async def test_lost_answer_leaves_a_document_that_can_be_looked_up(sandbox: Sandbox, call: Call) -> None:
    await sandbox.fault("avalara", "lost_answer", operation="commit_tax")
    with pytest.raises(aiohttp.ClientError):
        await call("POST", CREATE, SALE)
    await sandbox.control("DELETE", "faults")
    seen = await call("GET", f"{LIST}/INV-1001?documentType=SalesInvoice")

    assert (seen.status, seen.body["status"]) == (200, "Committed")
    assert await effects(sandbox) == [("tax", "INV-1001", "8.25 USD")]


async def test_broken_schema_has_no_tax_and_a_status_of_another_type(sandbox: Sandbox, call: Call) -> None:
    await sandbox.fault("avalara", "schema")
    made = await call("POST", CREATE, SALE)
    found = await call("POST", RESOLVE, AUSTIN)
    listed = await call("GET", LIST)

    assert ("totalTax" in made.body, made.body["status"]) == (False, 4)
    assert "validatedAddresses" not in found.body
    assert "value" not in listed.body


async def test_same_seed_makes_the_same_past(start: Start) -> None:
    twins = [(await start("avalara", seed=seed)) for seed in (3, 3, 4)]
    totals = []
    for sandbox in twins:
        url = f"{sandbox.url}/avalara{LIST}?$filter=date gt 2020-01-01"
        async with sandbox.client.get(url, headers={"Authorization": "Bearer t"}) as answer:
            totals.append([(one["code"], one["totalTax"]) for one in (await answer.json())["value"]])

    assert totals[0] == totals[1] != totals[2]
