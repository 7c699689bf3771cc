"""Aramex's adapter: its messages, what its 200s really say, and the traps of its interface."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from integrations.errors import (
    BusinessFailed,
    Fault,
    HttpFailed,
    InvalidInput,
    MissingCredential,
    SchemaDrift,
    Unsupported,
)
from integrations.outcome import Request, Response, Verdict
from integrations.soap_fault import parse_xml
from integrations.types.shipping import Shipment, ShipmentOrder
from integrations.vendors.aramex import Aramex
from integrations.vendors.aramex.declaration import NAMESPACE, VENDOR
from integrations.vendors.aramex.messages import creation_message
from tests.integrations.vendors.exchange import (
    NOON,
    FakeExchange,
    adapter_with_sandbox_credentials,
    answer,
    body_of,
    run,
)

QUOTE: dict[str, Any] = dict(VENDOR.operations[0].example)
ORDER: dict[str, Any] = dict(VENDOR.operations[1].example)
TRACK = {"tracking_number": "44000000001"}
INFO = {"AccountNumber": "60000001"}
NOTICE = "<Notification><Code>{}</Code><Message>{}</Message></Notification>"


def soap(body: str, status: int = 200) -> Response:
    return answer(
        f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{body}</s:Body></s:Envelope>',
        status,
        content_type="text/xml; charset=utf-8",
    )


def price(currency: str, value: str) -> Response:
    return soap(
        f'<RateCalculatorResponse xmlns="{NAMESPACE}"><Notifications/><HasErrors>false</HasErrors>'
        f"<TotalAmount><CurrencyCode>{currency}</CurrencyCode><Value>{value}</Value></TotalAmount>"
        "</RateCalculatorResponse>"
    )


def refusal(code: str, message: str = "…") -> Response:
    return soap(
        f'<RateCalculatorResponse xmlns="{NAMESPACE}"><Notifications>{NOTICE.format(code, message)}</Notifications>'
        "<HasErrors>true</HasErrors><TotalAmount><CurrencyCode/><Value>0</Value></TotalAmount></RateCalculatorResponse>"
    )


def processed(id: str, errors: str = "false", notifications: str = "") -> Response:
    return soap(
        f'<ShipmentCreationResponse xmlns="{NAMESPACE}"><HasErrors>{errors}</HasErrors><Shipments><ProcessedShipment>'
        f"<ID>{id}</ID><Reference1>EXAMPLE-2001</Reference1><HasErrors>{errors}</HasErrors>"
        f"<Notifications>{notifications}</Notifications><ShipmentLabel><LabelURL/>"
        "<LabelFileContents>JVBERi0=</LabelFileContents></ShipmentLabel></ProcessedShipment></Shipments>"
        "</ShipmentCreationResponse>"
    )


def updates(*rows: tuple[str, str, str, str]) -> Response:
    found = "".join(
        f'<TrackingResult xmlns="{NAMESPACE}"><WaybillNumber>44000000001</WaybillNumber><UpdateCode>{code}</UpdateCode>'
        f"<UpdateDescription>{said}</UpdateDescription><UpdateDateTime>{at}</UpdateDateTime>"
        f"<UpdateLocation>Dubai, AE</UpdateLocation><Comments/><ProblemCode>{problem}</ProblemCode></TrackingResult>"
        for code, said, at, problem in rows
    )
    return soap(
        f'<ShipmentTrackingResponse xmlns="{NAMESPACE}" xmlns:a="http://schemas.microsoft.com/2003/10/Serialization/Arrays">'
        "<HasErrors>false</HasErrors><TrackingResults><a:KeyValueOfstringArrayOfTrackingResultmFAkxlpY>"
        f"<a:Key>44000000001</a:Key><a:Value>{found}</a:Value></a:KeyValueOfstringArrayOfTrackingResultmFAkxlpY>"
        "</TrackingResults></ShipmentTrackingResponse>"
    )


def fault(code: str, status: int = 500) -> Response:
    return soap(f"<s:Fault><faultcode>{code}</faultcode><faultstring>no</faultstring></s:Fault>", status)


@pytest.fixture
def aramex() -> Aramex:
    adapter = adapter_with_sandbox_credentials(Aramex)
    assert isinstance(adapter, Aramex)
    return adapter


def sent(exchange: FakeExchange, name: str) -> list[str]:
    root = parse_xml(body_of(exchange.last))
    assert root is not None
    return [element.text or "" for element in root.iter(f"{{{NAMESPACE}}}{name}")]


# --- quotes -----------------------------------------------------------------------------------------------------------


async def test_quote_asks_once_for_each_product(aramex: Aramex) -> None:
    exchange = FakeExchange(aramex, "quote_rates", [price("KWD", value) for value in ("3.782", "5.673", "4.1")])
    quotes = await run(aramex, exchange, QUOTE)

    assert [(quote.service_code, quote.price.amount) for quote in quotes] == [
        ("EPX", Decimal("3.782")),
        ("PPX", Decimal("5.673")),
        ("PDX", Decimal("4.1")),
    ]
    assert exchange.last.headers["SOAPAction"] == f'"{NAMESPACE}Service_1_0/CalculateRate"'
    assert exchange.last.path == "/ShippingAPI.V2/RateCalculator/Service_1_0.svc"


async def test_quote_within_a_country_asks_for_domestic_products(aramex: Aramex) -> None:
    inland = {**QUOTE, "destination": {**QUOTE["destination"], "city": "Abu Dhabi", "country": "AE"}}
    exchange = FakeExchange(aramex, "quote_rates", [price("AED", "20"), price("AED", "25")])
    quotes = await run(aramex, exchange, inland)

    assert [quote.service_code for quote in quotes] == ["OND", "ONP"]
    assert sent(exchange, "ProductGroup") == ["DOM"]


async def test_product_that_is_not_sold_is_left_out(aramex: Aramex) -> None:
    replies = [price("KWD", "3.782"), refusal("ERR61"), price("KWD", "4.1")]
    quotes = await run(aramex, FakeExchange(aramex, "quote_rates", replies), QUOTE)

    assert [quote.service_code for quote in quotes] == ["EPX", "PDX"]


async def test_first_reason_is_raised_when_no_product_fits(aramex: Aramex) -> None:
    bad_city = refusal("ERR52", "OriginAddress - City name is invalid (Dubay)")
    exchange = FakeExchange(aramex, "quote_rates", [bad_city, refusal("ERR61"), refusal("ERR61")])

    with pytest.raises(BusinessFailed) as caught:
        await run(aramex, exchange, QUOTE)

    assert "at OriginAddress (ERR52)" in caught.value.message
    assert "Dubay" not in caught.value.message


@pytest.mark.parametrize("code", ["ERR01", "ERR75", "ERR82", "ERR03"])
async def test_refused_login_stops_at_once_before_the_account_is_blocked(aramex: Aramex, code: str) -> None:
    exchange = FakeExchange(aramex, "quote_rates", [refusal(code, "ClientInfo - Invalid username or password")])

    with pytest.raises(BusinessFailed) as caught:
        await run(aramex, exchange, QUOTE)

    assert len(exchange.requests) == 1
    assert (caught.value.fault, caught.value.retryable, caught.value.sent) == ("configuration", False, False)
    assert caught.value.retry_after == 900.0
    assert caught.value.error_type == ("account_blocked" if code == "ERR03" else "unauthorized")


async def test_element_we_do_not_know_is_passed_over(aramex: Aramex) -> None:
    new = price("KWD", "3.782</Value><Discount>1</Discount><Value2>7").body.replace(b"</Value></Tot", b"</Value2></Tot")
    quotes = await run(aramex, FakeExchange(aramex, "quote_rates", [answer(new)] * 3), QUOTE)

    assert quotes[0].price.amount == Decimal("3.782")


# --- shipments --------------------------------------------------------------------------------------------------------


async def test_created_shipment_has_its_number_and_label(aramex: Aramex) -> None:
    exchange = FakeExchange(aramex, "create_shipment", [processed("43166258001")])
    made = await run(aramex, exchange, ORDER)

    assert (made.tracking_number, made.reference, made.service_code) == ("43166258001", "EXAMPLE-2001", "EPX")
    assert (made.labels[0].format, made.labels[0].content) == ("PDF", "JVBERi0=")
    assert sent(exchange, "ForeignHAWB") == ["EXAMPLE-2001"]


async def test_empty_notifications_and_a_single_shipment_are_read(aramex: Aramex) -> None:
    body = processed("43166258001").body.replace(b"<Notifications></Notifications>", b"<Notifications/>")
    exchange = FakeExchange(aramex, "create_shipment", [Response(status=200, headers={}, body=body)])

    assert b"<Notifications/>" in body
    assert (await run(aramex, exchange, ORDER)).tracking_number == "43166258001"


async def test_three_decimals_of_a_currency_reach_aramex(aramex: Aramex) -> None:
    exchange = FakeExchange(aramex, "create_shipment", [processed("1")])
    await run(aramex, exchange, ORDER)

    assert "42.500" in sent(exchange, "Value")


async def test_shipping_time_is_local_and_without_a_zone(aramex: Aramex) -> None:
    exchange = FakeExchange(aramex, "create_shipment", [processed("1")])
    await run(aramex, exchange, ORDER)

    assert sent(exchange, "ShippingDateTime") == ["2026-10-01T12:00:00"]


async def test_numbered_shipment_with_flagged_errors_exists_and_is_not_sent_again(aramex: Aramex) -> None:
    flagged = processed("43166258001", "true", NOTICE.format("ERR20", "Label failed"))
    made = await run(aramex, FakeExchange(aramex, "create_shipment", [flagged]), ORDER)

    assert made.tracking_number == "43166258001"


async def test_refused_shipment_was_certainly_not_made(aramex: Aramex) -> None:
    refused = processed("", "true", NOTICE.format("ERR52", "Consignee - City name is invalid (X)"))

    with pytest.raises(BusinessFailed) as caught:
        await run(aramex, FakeExchange(aramex, "create_shipment", [refused]), ORDER)

    assert (caught.value.error_type, caught.value.sent) == ("rejected", False)


def test_creation_has_no_look_up_so_a_lost_answer_stays_unknown() -> None:
    assert not hasattr(Aramex, "look_up_create_shipment")


async def test_cancelling_is_unsupported_and_says_what_to_do(aramex: Aramex) -> None:
    exchange = FakeExchange(aramex, "cancel_shipment")

    with pytest.raises(Unsupported, match="only a pickup"):
        await run(aramex, exchange, TRACK)

    assert exchange.requests == []


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"city": ""}, "shipment.destination.city"),
        ({"lines": []}, "shipment.destination.lines"),
        ({"phone": ""}, "shipment.destination.phone"),
        ({"name": ""}, "shipment.destination.name"),
    ],
    ids=["city", "lines", "phone", "name"],
)
def test_order_without_a_required_field_is_refused(fields: dict[str, Any], field: str) -> None:
    to = {**QUOTE["destination"], **fields}
    order = ShipmentOrder(shipment=Shipment.model_validate({**QUOTE, "destination": to}), service_code="EPX")

    with pytest.raises(InvalidInput) as caught:
        creation_message(INFO, order, NOON.date())

    assert caught.value.field == field


def test_product_of_the_wrong_group_is_refused() -> None:
    order = ShipmentOrder(shipment=Shipment.model_validate(QUOTE), service_code="OND")

    with pytest.raises(InvalidInput, match="EPX, PPX, PDX"):
        creation_message(INFO, order, NOON.date())


async def test_missing_credential_is_named_before_anything_is_sent() -> None:
    aramex = Aramex({"USERNAME": "u"})
    exchange = FakeExchange(aramex, "track_shipment")

    with pytest.raises(MissingCredential, match="QUAYSIDE_ARAMEX_PASSWORD"):
        await run(aramex, exchange, TRACK)

    assert exchange.requests == []


# --- tracking ---------------------------------------------------------------------------------------------------------


async def test_newest_update_decides_the_status_and_local_times_stay_text(aramex: Aramex) -> None:
    reply = updates(
        ("SH014", "Record created.", "2026-09-28T09:00:00", ""),
        ("SH003", "Out for Delivery", "2026-10-01T08:15:00", ""),
    )
    where = await run(aramex, FakeExchange(aramex, "track_shipment", [reply]), TRACK)

    assert where.status == "out_for_delivery"
    assert where.events[0].at is None
    assert where.events[0].description == "Out for Delivery (2026-10-01 08:15 local time)"


@pytest.mark.parametrize(
    ("said", "problem", "status"),
    [
        ("Delivered", "", "delivered"),
        ("Not delivered, customer absent", "", "exception"),
        ("Delivered", "A10", "exception"),
        ("Departed Operations facility - In Transit", "", "in_transit"),
        ("Record created.", "", "created"),
    ],
)
async def test_words_of_an_update_become_a_status(aramex: Aramex, said: str, problem: str, status: str) -> None:
    reply = updates(("SH000", said, "2026-10-01T08:15:00", problem))
    where = await run(aramex, FakeExchange(aramex, "track_shipment", [reply]), TRACK)

    assert where.status == status


async def test_waybill_aramex_does_not_know_is_an_answer(aramex: Aramex) -> None:
    reply = soap(
        f'<ShipmentTrackingResponse xmlns="{NAMESPACE}" xmlns:a="http://schemas.microsoft.com/2003/10/Serialization/Arrays">'
        "<HasErrors>false</HasErrors><TrackingResults/><NonExistingWaybills><a:string>44000000001</a:string>"
        "</NonExistingWaybills></ShipmentTrackingResponse>"
    )
    where = await run(aramex, FakeExchange(aramex, "track_shipment", [reply]), TRACK)

    assert (where.status, where.events) == ("unknown", ())


# --- errors -----------------------------------------------------------------------------------------------------------

REQUEST = Request(method="POST", path="/")
HTML = "<html><body><h2>Service Unavailable</h2></body></html>"


@pytest.mark.parametrize(
    ("response", "error_type", "fault", "flags"),
    [
        (fault("s:Client"), "soap_client_fault", "ours", "untouched business"),
        (fault("a:DeserializationFailed"), "soap_client_fault", "ours", "untouched business"),
        (fault("a:ActionNotSupported"), "soap_client_fault", "ours", "untouched business"),
        (fault("s:Server"), "soap_server_fault", "theirs", "retryable counts business"),
        (fault("a:InternalServiceFault"), "soap_server_fault", "theirs", "retryable counts business"),
        (fault("s:Server", status=200), "soap_server_fault", "theirs", "retryable counts business"),
        (answer(HTML, 503, content_type="text/html"), "http_503", "theirs", "retryable counts"),
        (answer("<html><p>broken", 502, content_type="text/html"), "http_502", "theirs", "retryable counts"),
        (answer(b"", 500), "http_500", "theirs", "retryable counts"),
        (answer(HTML, 404, content_type="text/html"), "http_404", "ours", "untouched"),
        (answer(HTML, 429, content_type="text/html"), "rate_limited", "ours", "retryable untouched"),
        (refusal("ERR52"), "rejected", "ours", "untouched business"),
        (refusal(""), "rejected", "ours", "untouched business"),
    ],
)
def test_recorded_error_gets_its_verdict(
    aramex: Aramex, response: Response, error_type: str, fault: Fault, flags: str
) -> None:
    verdict = aramex.classify(REQUEST, response)

    assert verdict is not None
    assert verdict == Verdict(
        error_type=error_type,
        fault=fault,
        message=verdict.message,
        retryable="retryable" in flags,
        counts="counts" in flags,
        untouched="untouched" in flags,
        business="business" in flags,
    )


@pytest.mark.parametrize(
    "body",
    [HTML, "<html><p>broken", "", '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'],
    ids=["html", "broken html", "empty", "cut off"],
)
async def test_success_that_is_not_soap_is_schema_drift(aramex: Aramex, body: str) -> None:
    with pytest.raises(SchemaDrift):
        await run(aramex, FakeExchange(aramex, "track_shipment", [answer(body)]), TRACK)


async def test_price_that_is_no_number_is_schema_drift(aramex: Aramex) -> None:
    with pytest.raises(SchemaDrift):
        await run(aramex, FakeExchange(aramex, "quote_rates", [price("KWD", "not a number")]), QUOTE)


async def test_answer_that_says_nothing_of_errors_is_schema_drift(aramex: Aramex) -> None:
    silent = price("KWD", "3.782").body.replace(b"<HasErrors>false</HasErrors>", b"")

    with pytest.raises(SchemaDrift) as caught:
        await run(aramex, FakeExchange(aramex, "quote_rates", [answer(silent)]), QUOTE)

    assert caught.value.field == "HasErrors"


async def test_warnings_without_errors_are_a_success(aramex: Aramex) -> None:
    warned = price("KWD", "3.782").body.replace(
        b"<Notifications/>", f"<Notifications>{NOTICE.format('WRN1', 'x')}</Notifications>".encode()
    )

    assert aramex.classify(REQUEST, answer(warned)) is None


async def test_server_fault_is_raised_as_a_failure_of_theirs(aramex: Aramex) -> None:
    with pytest.raises(BusinessFailed) as caught:
        await run(aramex, FakeExchange(aramex, "track_shipment", [fault("s:Server")]), TRACK)

    assert (caught.value.retryable, caught.value.status, caught.value.sent) == (True, 500, True)


async def test_page_instead_of_soap_is_judged_by_its_status(aramex: Aramex) -> None:
    with pytest.raises(HttpFailed) as caught:
        await run(aramex, FakeExchange(aramex, "track_shipment", [answer(HTML, 502)]), TRACK)

    assert caught.value.error_type == "http_502"


def test_client_info_is_never_kept_in_a_record() -> None:
    client_info = {"UserName", "Password", "AccountNumber", "AccountPin", "AccountEntity", "Version"}
    people = {
        "PersonName",
        "PhoneNumber1",
        "CellPhone",
        "EmailAddress",
        "Line1",
        "City",
        "Message",
        "LabelFileContents",
    }

    assert not (client_info | people) & VENDOR.kept_fields
