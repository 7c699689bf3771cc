"""Canada Post's adapter against the published schemas, its recorded errors and the traps of its interface."""

from __future__ import annotations

from base64 import b64decode
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from lxml import etree

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
from integrations.types.base import Money
from integrations.types.shipping import Shipment, ShipmentOrder
from integrations.vendors.canada_post import CanadaPost
from integrations.vendors.canada_post.adapter import LABEL_WAITS, LOOK_UP_WAITS, RATE, SHIPMENT, TRACK
from integrations.vendors.canada_post.declaration import VENDOR
from integrations.vendors.canada_post.messages import rate_body, refund_body, ship_body
from tests.integrations.sandbox.canada_post_requests import fits
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
PIN = "7023210039414604"
NUMBER = {"tracking_number": PIN}
HOST = "https://soa-gw.canadapost.ca"
HOME = "/rs/0002004381/0002004381/shipment"
ONE = f"{HOME}/545021584835957806"
LABEL = "/rs/artifact/76108cb5192002d5/10238/0"
NS = "http://www.canadapost.ca/ws"

JACKET: dict[str, Any] = {
    "description": "Waxed canvas jacket",
    "quantity": 2,
    "value": {"amount": "258.00", "currency": "CAD"},
    "sku": "JKT-001",
    "hs_code": "620193",
    "origin_country": "CA",
    "weight_kg": "1.4",
}
BOSTON = {
    "name": "Ann Roe",
    "lines": ["1 Beacon Street", "Suite 5"],
    "city": "Boston",
    "state": "MA",
    "postal_code": "02108-1234",
    "country": "US",
}
LISBON = {"name": "Ana Silva", "lines": ["Rua 3"], "city": "Lisboa", "postal_code": "1100-148", "country": "PT"}


def xml(name: str, inside: str = "", space: str = "shipment-v8") -> Response:
    text = f'<?xml version="1.0" encoding="UTF-8"?><{name} xmlns="{NS}/{space}">{inside}</{name}>'
    return answer(text, content_type=SHIPMENT)


def refused(*codes: str, status: int = 400, said: str = "…", space: str = "messages") -> Response:
    inside = "".join(f"<message><code>{code}</code><description>{said}</description></message>" for code in codes)
    found = xml("messages", inside, space)
    return Response(status=status, headers=found.headers, body=found.body)


def link(rel: str, path: str, media_type: str = SHIPMENT, host: str = HOST) -> str:
    return f'<link rel="{rel}" href="{host}{path}" media-type="{media_type}"/>'


def info(*, status: str = "transmitted", reference: str = "EXAMPLE-4001", host: str = HOST, pin: str = PIN) -> str:
    links = (
        link("self", ONE, host=host)
        + link("details", f"{ONE}/details", host=host)
        + link("label", LABEL, "application/pdf", host)
    )
    refund = link("refund", f"{ONE}/refund", host=host) if status == "transmitted" else ""
    tracking = f"<tracking-pin>{pin}</tracking-pin>" if pin else ""
    return (
        f"<customer-request-id>{reference}</customer-request-id><shipment-id>545021584835957806</shipment-id>"
        f"<shipment-status>{status}</shipment-status>{tracking}"
        "<shipment-price><service-code>DOM.EP</service-code><due-amount>31.58</due-amount></shipment-price>"
        f"<links>{links}{refund}</links>"
    )


def shipped(**facts: str) -> Response:
    return xml("shipment-info", info(**facts))


def listed(*paths: str) -> Response:
    return xml("shipments", "".join(link("shipment", path) for path in paths))


def details(refund: str = "") -> Response:
    inside = f"<refund-request-info><service-ticket-id>{refund}</service-ticket-id></refund-request-info>"
    return xml("shipment-details", f"<shipment-detail>{inside if refund else ''}</shipment-detail>")


def scan(code: str, day: str, time: str = "10:00:00", zone: str = "EST", said: str = "Item processed") -> str:
    return (
        f"<occurrence><event-identifier>{code}</event-identifier><event-date>{day}</event-date>"
        f"<event-time>{time}</event-time><event-time-zone>{zone}</event-time-zone>"
        f"<event-description>{said}</event-description><signatory-name>HETU</signatory-name>"
        "<event-site>QUEBEC</event-site><event-province>QC</event-province></occurrence>"
    )


def tracked(*scans: str) -> Response:
    inside = f"<pin>{PIN}</pin><expected-delivery-date/><significant-events>{''.join(scans)}</significant-events>"
    return xml("tracking-detail", inside, "track")


PDF = answer(b"%PDF-1.4 label", content_type="application/pdf")
GONE = refused(status=404)
RATES = xml(
    "price-quotes",
    "<price-quote><service-code>DOM.EP</service-code><service-name>Expedited Parcel</service-name>"
    '<price-details><base>9.59</base><taxes><gst percent="5.00">0.48</gst></taxes><due>10.98</due></price-details>'
    "<service-standard><expected-transit-time>2</expected-transit-time>"
    "<expected-delivery-date>2026-10-05</expected-delivery-date></service-standard></price-quote>",
    "ship/rate-v4",
)


@pytest.fixture
def post() -> CanadaPost:
    adapter = adapter_with_sandbox_credentials(CanadaPost)
    assert isinstance(adapter, CanadaPost)
    return adapter


def changed(part: str, **fields: Any) -> dict[str, Any]:
    return {**QUOTE[part], **fields}


def ordered(service_code: str = "DOM.EP", **fields: Any) -> ShipmentOrder:
    return ShipmentOrder.model_validate({"shipment": {**QUOTE, **fields}, "service_code": service_code})


def abroad(to: dict[str, Any], service_code: str, **fields: Any) -> ShipmentOrder:
    return ordered(service_code, destination=to, **{"contents": [JACKET], **fields})


def sent(order: ShipmentOrder) -> etree._Element:
    return etree.fromstring(ship_body("42708517", "Account", order, NOON))


def texts(root: etree._Element, name: str) -> list[str]:
    return [str(found.text) for found in root.iter(f"{{*}}{name}")]


# --- what we send, held against the schemas ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "order",
    [
        ordered(),
        ordered(ship_date="2026-10-05"),
        ordered(parcels=[{"weight_kg": "0.5"}]),
        abroad(BOSTON, "USA.EP"),
        abroad(LISBON, "INT.XP"),
        abroad({**LISBON, "country": "AE", "postal_code": ""}, "INT.TP"),
        abroad(LISBON, "INT.XP", contents=[], declared_value={"amount": "20", "currency": "CAD"}),
    ],
    ids=["home", "a later day", "no size", "united states", "abroad", "no postal codes", "a declared value alone"],
)
def test_requests_keep_to_the_published_schemas(order: ShipmentOrder) -> None:
    rating = etree.fromstring(rate_body("2004381", "42708517", order.shipment, NOON))

    assert fits(sent(order))
    assert fits(rating)
    assert fits(etree.fromstring(refund_body("dispatch@quayside.example")))


@pytest.mark.parametrize(
    ("operation", "value", "replies", "method", "path", "media_type"),
    [
        ("quote_rates", QUOTE, [RATES], "POST", "/rs/ship/price", RATE),
        ("create_shipment", ORDER, [shipped(), PDF], "POST", HOME, SHIPMENT),
        ("track_shipment", NUMBER, [tracked()], "GET", f"/vis/track/pin/{PIN}/detail", TRACK),
        ("cancel_shipment", NUMBER, [listed()], "GET", HOME, SHIPMENT),
    ],
)
async def test_version_is_in_the_media_type_and_accept_is_never_a_wildcard(
    post: CanadaPost, operation: str, value: Any, replies: list[Response], method: str, path: str, media_type: str
) -> None:
    exchange = FakeExchange(post, operation, replies)
    await run(post, exchange, value)
    first = exchange.requests[0]

    assert (first.method, first.path, first.headers["accept"]) == (method, path, media_type)
    assert first.headers["accept-language"] == "en-CA"
    assert first.headers.get("content-type") == (media_type if method == "POST" else None)
    assert all("*" not in request.headers["accept"] for request in exchange.requests)


def test_credentials_go_out_as_http_basic(post: CanadaPost) -> None:
    header = post.authorise(Request(method="GET", path="/rs/ship/price"), None)["authorization"]

    assert b64decode(header.removeprefix("Basic ")) == b"canada_post_sandbox_user:canada_post_sandbox_password"


def test_twenty_a_minute_is_the_limit_of_tracking_alone() -> None:
    steps = ("quote_rates", "create_shipment", "look_up", "cancel_shipment", "track_shipment")
    tightest = {step: min(quota.limit for quota in VENDOR.quotas if quota.covers(step)) for step in steps}

    assert tightest == dict(zip(steps, (840, 646, 646, 468, 20), strict=True))
    assert {quota.seconds for quota in VENDOR.quotas} == {60}


async def test_mailed_on_behalf_of_stands_in_the_path_with_leading_zeros() -> None:
    settings = {"USERNAME": "u", "PASSWORD": "p", "CUSTOMER_NUMBER": "1", "CONTRACT_ID": "2", "REFUND_EMAIL": "a@b.ca"}
    post = CanadaPost({**settings, "MAILED_ON_BEHALF_OF": "1234567890"})
    exchange = FakeExchange(post, "cancel_shipment", [listed()])
    await run(post, exchange, NUMBER)

    assert exchange.last.path == "/rs/0000000001/1234567890/shipment"
    assert exchange.last.query == (("trackingPIN", PIN),)


@pytest.mark.parametrize("name", ["CUSTOMER_NUMBER", "CONTRACT_ID"])
async def test_number_that_is_none_names_its_setting(name: str) -> None:
    settings = {"USERNAME": "u", "PASSWORD": "p", "CUSTOMER_NUMBER": "1", "CONTRACT_ID": "2"}
    post = CanadaPost({**settings, name: "12-34"})
    with pytest.raises(InvalidInput, match=f"QUAYSIDE_CANADA_POST_{name}") as caught:
        await run(post, FakeExchange(post, "quote_rates"), QUOTE)

    assert (caught.value.field, caught.value.fault) == (name, "configuration")


def test_shipment_is_transmitted_at_once_so_that_nobody_bills_it_by_hand() -> None:
    root = sent(ordered())

    assert texts(root, "transmit-shipment") == ["true"]
    assert texts(root, "group-id") == []


def test_pricing_is_asked_for_and_never_refused() -> None:
    assert texts(sent(ordered()), "provide-pricing-info") == ["true"]


def test_our_reference_is_the_request_id_and_on_the_label() -> None:
    root = sent(ordered(reference="ORDER-1"))

    assert (texts(root, "customer-request-id"), texts(root, "customer-ref-1")) == (["ORDER-1"], ["ORDER-1"])


def test_postal_codes_are_written_in_capitals_without_blanks() -> None:
    order = ordered(
        origin=changed("origin", postal_code="k1a 0b1"), destination=changed("destination", postal_code="h3b4w8")
    )
    root = sent(order)

    assert texts(root, "requested-shipping-point") == ["K1A0B1"]
    assert texts(root, "postal-zip-code") == ["K1A0B1", "H3B4W8"]


def test_a_parcel_is_never_smaller_than_we_say() -> None:
    odd = {"weight_kg": "1.0001", "length_cm": "20.01", "width_cm": "15", "height_cm": "9.99"}
    root = sent(ordered(parcels=[odd]))

    assert texts(root, "weight") == ["1.001"]
    assert [texts(root, side) for side in ("length", "width", "height")] == [["20.1"], ["15.0"], ["10.0"]]


def test_contents_are_told_by_the_piece() -> None:
    root = sent(abroad(BOSTON, "USA.EP"))

    assert texts(root, "customs-number-of-units") == ["2"]
    assert (texts(root, "customs-value-per-unit"), texts(root, "unit-weight")) == (["129.00"], ["0.700"])
    assert texts(root, "hs-tariff-code") == ["6201.93"]
    assert (texts(root, "country-of-origin"), texts(root, "province-of-origin")) == (["CA"], ["ON"])
    assert texts(root, "option-code") == ["RASE"]


def test_at_home_nothing_is_told_to_customs() -> None:
    root = sent(ordered(contents=[JACKET]))

    assert (texts(root, "customs"), texts(root, "option-code")) == ([], [])


def test_what_has_a_meaning_in_xml_stays_a_text() -> None:
    root = sent(ordered(destination=changed("destination", name="Ann <b>Roe</b> & Sons\nLtd")))

    assert texts(root, "name") == ["Dispatch", "Ann <b>Roe</b> & Sons Ltd"]


# --- refused before anything is sent -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "field"),
    [
        (ordered(reference="R" * 36), "shipment.reference"),
        (ordered(service_code=""), "service_code"),
        (ordered(service_code="X" * 33), "service_code"),
        (ordered(service_code="USA.EP"), "service_code"),
        (abroad(BOSTON, "DOM.EP"), "service_code"),
        (abroad(LISBON, "USA.EP"), "service_code"),
        (ordered(ship_date="2026-09-30"), "shipment.ship_date"),
        (ordered(parcels=[{"weight_kg": "1000"}]), "shipment.parcels.0.weight_kg"),
        (ordered(parcels=[{"weight_kg": "1", "length_cm": "20"}]), "shipment.parcels.0"),
        (
            ordered(parcels=[{"weight_kg": "1", "length_cm": "1000", "width_cm": "1", "height_cm": "1"}]),
            "shipment.parcels.0.length_cm",
        ),
        (ordered(origin=changed("origin", postal_code="10115")), "shipment.origin.postal_code"),
        (ordered(origin=changed("origin", state="")), "shipment.origin.state"),
        (ordered(origin=changed("origin", phone="")), "shipment.origin.phone"),
        (ordered(origin=changed("origin", company="", name="")), "shipment.origin.company"),
        (ordered(destination=changed("destination", name="")), "shipment.destination.name"),
        (ordered(destination=changed("destination", name="x" * 45)), "shipment.destination.name"),
        (ordered(destination=changed("destination", name="Ann\x07")), "shipment.destination.name"),
        (ordered(destination=changed("destination", phone="1" * 26)), "shipment.destination.phone"),
        (ordered(destination=changed("destination", lines=[])), "shipment.destination.lines"),
        (ordered(destination=changed("destination", lines=["a", "b", "c"])), "shipment.destination.lines"),
        (ordered(destination=changed("destination", lines=["x" * 45])), "shipment.destination.lines"),
        (ordered(destination=changed("destination", city="")), "shipment.destination.city"),
        (ordered(destination=changed("destination", state="")), "shipment.destination.state"),
        (ordered(destination=changed("destination", postal_code="")), "shipment.destination.postal_code"),
        (abroad({**BOSTON, "postal_code": "2108"}, "USA.EP"), "shipment.destination.postal_code"),
        (abroad({**LISBON, "postal_code": ""}, "INT.XP"), "shipment.destination.postal_code"),
        (abroad({**LISBON, "postal_code": "1" * 15}, "INT.XP"), "shipment.destination.postal_code"),
        (abroad(BOSTON, "USA.EP", contents=[]), "shipment.contents"),
        (abroad(BOSTON, "USA.EP", contents=[JACKET] * 501), "shipment.contents"),
        (abroad(BOSTON, "USA.EP", contents=[{**JACKET, "weight_kg": "3"}]), "shipment.contents"),
        (
            abroad(BOSTON, "USA.EP", contents=[{**JACKET, "value": {"amount": "9", "currency": "USD"}}]),
            "shipment.contents.0.value",
        ),
        (
            abroad(BOSTON, "USA.EP", contents=[], declared_value={"amount": "9", "currency": "USD"}),
            "shipment.declared_value",
        ),
        (
            abroad(BOSTON, "USA.EP", contents=[{**JACKET, "value": {"amount": "0", "currency": "CAD"}}]),
            "shipment.contents.0.value",
        ),
        (abroad(BOSTON, "USA.EP", contents=[{**JACKET, "quantity": 10_000}]), "shipment.contents.0.quantity"),
        (abroad(BOSTON, "USA.EP", contents=[{**JACKET, "hs_code": "620"}]), "shipment.contents.0.hs_code"),
        (abroad(BOSTON, "USA.EP", contents=[{**JACKET, "description": ""}]), "shipment.contents.0.description"),
    ],
)
def test_order_canada_post_would_refuse_is_refused_by_field(order: ShipmentOrder, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        sent(order)

    assert caught.value.field == field


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"parcels": [{"weight_kg": "100"}]}, "parcels.0.weight_kg"),
        ({"destination": changed("destination", postal_code="H3B")}, "destination.postal_code"),
        ({"destination": {**BOSTON, "postal_code": ""}}, "destination.postal_code"),
        ({"destination": {**LISBON, "postal_code": "1" * 11}}, "destination.postal_code"),
        ({"ship_date": "2026-09-30"}, "ship_date"),
    ],
)
def test_scenario_canada_post_would_not_price_is_refused_by_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        rate_body("2004381", "42708517", Shipment.model_validate({**QUOTE, **changes}), NOON)

    assert caught.value.field == field


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"origin": {**BOSTON, "phone": "1"}}, "origin.country", "from Canada only"),
        ({"parcels": [{"weight_kg": "1"}] * 2}, "parcels", "one by one"),
    ],
)
def test_what_canada_post_does_not_do_is_unsupported(changes: dict[str, Any], field: str, says: str) -> None:
    with pytest.raises(Unsupported, match=says) as caught:
        rate_body("2004381", "42708517", Shipment.model_validate({**QUOTE, **changes}), NOON)

    assert caught.value.field == field


def test_a_day_is_past_when_it_is_past_on_the_pacific_coast() -> None:
    late = datetime(2026, 10, 2, 5, 0, tzinfo=UTC)  # still the first in Vancouver
    body = rate_body("1", "2", Shipment.model_validate({**QUOTE, "ship_date": "2026-10-01"}), late)

    assert texts(etree.fromstring(body), "expected-mailing-date") == ["2026-10-01"]


@pytest.mark.parametrize("number", ["123", "7023210039414604/x", "1" * 17])
async def test_number_that_cannot_be_canada_posts_is_refused(post: CanadaPost, number: str) -> None:
    exchange = FakeExchange(post, "track_shipment")
    with pytest.raises(InvalidInput) as caught:
        await run(post, exchange, {"tracking_number": number})

    assert (caught.value.field, exchange.requests) == ("tracking_number", [])


async def test_without_an_address_for_refunds_nothing_is_cancelled() -> None:
    post = CanadaPost({"USERNAME": "u", "PASSWORD": "p", "CUSTOMER_NUMBER": "1", "CONTRACT_ID": "2"})
    exchange = FakeExchange(post, "cancel_shipment")
    with pytest.raises(MissingCredential, match="QUAYSIDE_CANADA_POST_REFUND_EMAIL"):
        await run(post, exchange, NUMBER)

    assert exchange.requests == []


# --- what comes back: quotes and shipments -----------------------------------------------------------------------------


async def test_quote_is_what_is_due_in_canadian_dollars(post: CanadaPost) -> None:
    (quote,) = await run(post, FakeExchange(post, "quote_rates", [RATES]), QUOTE)

    assert quote.price == Money(amount=Decimal("10.98"), currency="CAD")
    assert (quote.service_code, quote.service_name) == ("DOM.EP", "Canada Post Expedited Parcel")
    assert (quote.transit_days, quote.delivery_date) == (2, date(2026, 10, 5))


async def test_service_without_a_price_is_left_out_and_not_free(post: CanadaPost) -> None:
    free = (
        "<price-quote><service-code>DOM.LIB</service-code><price-details><due>0.00</due></price-details></price-quote>"
    )
    exchange = FakeExchange(post, "quote_rates", [xml("price-quotes", free, "ship/rate-v4")])

    assert await run(post, exchange, QUOTE) == []


async def test_nothing_for_sale_is_no_quote_and_no_error(post: CanadaPost) -> None:
    assert await run(post, FakeExchange(post, "quote_rates", [refused("9111")]), QUOTE) == []


async def test_created_shipment_has_number_price_and_label(post: CanadaPost) -> None:
    exchange = FakeExchange(post, "create_shipment", [shipped(), PDF])
    made = await run(post, exchange, ORDER)

    assert (made.tracking_number, made.reference, made.service_code) == (PIN, "EXAMPLE-4001", "DOM.EP")
    assert made.price == Money(amount=Decimal("31.58"), currency="CAD")
    assert [(one.format, b64decode(one.content)) for one in made.labels] == [("PDF", b"%PDF-1.4 label")]
    assert exchange.last.headers["accept"] == "application/pdf"


@pytest.mark.parametrize(
    "host", [HOST, "https://ct.soa-gw.canadapost.ca", "http://127.0.0.1:8060/canada_post", "https://elsewhere.example"]
)
async def test_links_are_followed_at_the_base_url_whatever_host_they_name(post: CanadaPost, host: str) -> None:
    exchange = FakeExchange(post, "create_shipment", [shipped(host=host), PDF])
    await run(post, exchange, ORDER)

    assert exchange.last.path == LABEL


async def test_link_to_no_service_is_drift_and_not_followed(post: CanadaPost) -> None:
    replies = [listed(ONE), xml("shipment-info", info(status="created").replace(ONE, "/login"))]
    exchange = FakeExchange(post, "cancel_shipment", replies)
    with pytest.raises(SchemaDrift) as caught:
        await run(post, exchange, NUMBER)

    assert caught.value.field == "link.href"
    assert [request.method for request in exchange.requests] == ["GET", "GET"]


async def test_label_that_is_not_ready_is_waited_for(post: CanadaPost) -> None:
    exchange = FakeExchange(post, "create_shipment", [shipped(), answer(b"", 202), answer(b"", 202), PDF])
    made = await run(post, exchange, ORDER)

    assert made.labels[0].content
    assert exchange.slept == [1.0, 2.0]
    assert [request.step for request in exchange.requests] == ["", "", "poll", "poll"]


@pytest.mark.parametrize(
    "replies",
    [
        [answer(b"", 202)] * len(LABEL_WAITS),
        [answer(b"", 503)],
        [GONE],
        [answer(b"<html>", content_type="text/html")],
    ],
    ids=["never ready", "away", "gone", "no label"],
)
async def test_label_that_cannot_be_had_does_not_undo_the_shipment(post: CanadaPost, replies: list[Response]) -> None:
    made = await run(post, FakeExchange(post, "create_shipment", [shipped(), *replies]), ORDER)

    assert made.tracking_number == PIN
    assert [(one.content, one.url) for one in made.labels] == [("", HOST + LABEL)]


async def test_service_without_tracking_has_no_number(post: CanadaPost) -> None:
    made = await run(post, FakeExchange(post, "create_shipment", [shipped(pin=""), PDF]), ORDER)

    assert made.tracking_number == ""


# --- what comes back: looking up ---------------------------------------------------------------------------------------


async def look_up(post: CanadaPost, *replies: Response) -> tuple[Any, FakeExchange]:
    exchange = FakeExchange(post, "create_shipment", replies)
    return await post.look_up_create_shipment(exchange, ShipmentOrder.model_validate(ORDER)), exchange


async def test_shipment_is_looked_up_by_its_request_id_and_comes_with_its_label(post: CanadaPost) -> None:
    made, exchange = await look_up(post, listed(ONE), shipped(), details(), PDF)

    assert (made.tracking_number, len(made.labels)) == (PIN, 1)
    assert exchange.requests[0].query == (("requestId", "EXAMPLE-4001"),)
    assert [request.path for request in exchange.requests] == [HOME, ONE, f"{ONE}/details", LABEL]
    assert {request.step for request in exchange.requests} == {"look_up"}


async def test_list_of_whole_shipments_is_read_as_well(post: CanadaPost) -> None:
    whole = xml("shipments", f"<shipment-info>{info()}</shipment-info>")
    made, _ = await look_up(post, whole, details(), PDF)

    assert made.tracking_number == PIN


async def test_shipment_that_was_refunded_is_not_the_one_that_was_lost(post: CanadaPost) -> None:
    empty = [listed(ONE), shipped(), details("GT1")] * len(LOOK_UP_WAITS)
    made, _ = await look_up(post, *empty)

    assert made is None


@pytest.mark.parametrize("nothing", [listed(), GONE], ids=["an empty list", "404"])
async def test_look_up_waits_for_a_shipment_that_is_found_late_before_it_says_no(
    post: CanadaPost, nothing: Response
) -> None:
    made, exchange = await look_up(post, *[nothing] * len(LOOK_UP_WAITS))

    assert made is None
    assert exchange.slept == [wait for wait in LOOK_UP_WAITS if wait]


@pytest.mark.parametrize(
    "reply", [answer(b"", 500), answer("<html>", 404, content_type="text/html"), refused("AA003", status=403)]
)
async def test_failure_of_the_look_up_is_not_a_no(post: CanadaPost, reply: Response) -> None:
    with pytest.raises((HttpFailed, SchemaDrift)):
        await look_up(post, reply)


# --- what comes back: cancelling ---------------------------------------------------------------------------------------


async def cancel(post: CanadaPost, *replies: Response) -> tuple[Any, FakeExchange]:
    exchange = FakeExchange(post, "cancel_shipment", replies)
    return await run(post, exchange, NUMBER), exchange


@pytest.mark.parametrize("reply", [answer(b"", 204), GONE], ids=["voided", "voided by the attempt before"])
async def test_shipment_that_is_not_transmitted_is_voided(post: CanadaPost, reply: Response) -> None:
    cancelled, exchange = await cancel(post, listed(ONE), shipped(status="created"), reply)

    assert cancelled.cancelled is True
    assert (exchange.last.method, exchange.last.path, exchange.last.headers["accept"]) == ("DELETE", ONE, SHIPMENT)


async def test_transmitted_shipment_is_refunded_and_the_money_comes_later(post: CanadaPost) -> None:
    ticket = xml("shipment-refund-request-info", "<service-ticket-id>GT12345678RT</service-ticket-id>")
    cancelled, exchange = await cancel(post, listed(ONE), shipped(), ticket)

    assert (cancelled.cancelled, "GT12345678RT" in cancelled.message) == (True, True)
    assert (exchange.last.method, exchange.last.path) == ("POST", f"{ONE}/refund")
    assert b"<email>dispatch@quayside.example</email>" in body_of(exchange.last)


async def test_refund_that_was_asked_for_before_is_an_answer(post: CanadaPost) -> None:
    cancelled, _ = await cancel(post, listed(ONE), shipped(), refused("7292", status=409))

    assert (cancelled.cancelled, "before" in cancelled.message) == (True, True)


@pytest.mark.parametrize("replies", [[listed()], [listed(ONE), GONE]], ids=["not listed", "gone meanwhile"])
async def test_number_with_no_shipment_of_ours_cancels_nothing(post: CanadaPost, replies: list[Response]) -> None:
    cancelled, _ = await cancel(post, *replies)

    assert (cancelled.cancelled, "voided before" in cancelled.message) == (False, True)


async def test_of_several_shipments_under_one_number_none_is_cancelled(post: CanadaPost) -> None:
    exchange = FakeExchange(post, "cancel_shipment", [listed(ONE, f"{HOME}/2"), shipped(), shipped()])
    with pytest.raises(BusinessFailed, match="none was cancelled") as caught:
        await run(post, exchange, NUMBER)

    assert (caught.value.error_type, caught.value.sent) == ("ambiguous_number", False)
    assert {request.method for request in exchange.requests} == {"GET"}


async def test_empty_list_of_messages_is_no_word_of_success(post: CanadaPost) -> None:
    empty = refused(status=200)
    with pytest.raises(BusinessFailed):
        await cancel(post, listed(ONE), shipped(status="created"), empty)


# --- what comes back: tracking -----------------------------------------------------------------------------------------


async def where(post: CanadaPost, reply: Response) -> Any:
    return await run(post, FakeExchange(post, "track_shipment", [reply]), NUMBER)


@pytest.mark.parametrize(
    ("codes", "status"),
    [
        ([], "created"),
        (["3000"], "created"),
        (["3000", "2300"], "in_transit"),
        (["3000", "0100", "0174"], "out_for_delivery"),
        (["3000", "0174", "1496"], "delivered"),
        (["3000", "174", "1496", "20"], "delivered"),
        (["3000", "0174", "1479"], "exception"),
        (["3000", "0174", "1415"], "exception"),
        (["3000", "0127"], "exception"),
        (["3000", "9999"], "in_transit"),
        (["1203"], "created"),
    ],
)
@pytest.mark.parametrize("turned", [False, True], ids=["oldest first", "newest first"])
async def test_status_is_that_of_the_newest_scan_in_either_order(
    post: CanadaPost, codes: list[str], status: str, turned: bool
) -> None:
    scans = [scan(code, f"2026-09-{20 + number}") for number, code in enumerate(codes)]
    found = await where(post, tracked(*(scans[::-1] if turned else scans)))

    assert found.status == status
    assert [one.status for one in found.events] == codes[::-1]


async def test_delivery_back_to_the_sender_is_no_delivery(post: CanadaPost) -> None:
    back = scan("1496", "2026-09-21", said="Item successfully returned to the sender")
    found = await where(post, tracked(back, scan("1415", "2026-09-20")))

    assert (found.status, found.delivered_at) == ("exception", None)


@pytest.mark.parametrize(
    ("zone", "hour", "minute"),
    [("EST", 15, 0), ("EDT", 14, 0), ("NST", 13, 30), ("NDT", 12, 30), ("PDT", 17, 0), ("AST", 14, 0), ("CST", 16, 0)],
)
async def test_date_time_and_zone_of_a_scan_become_utc(post: CanadaPost, zone: str, hour: int, minute: int) -> None:
    found = await where(post, tracked(scan("1496", "2026-09-20", zone=zone)))

    assert found.events[0].at == datetime(2026, 9, 20, hour, minute, tzinfo=UTC)
    assert found.delivered_at == found.events[0].at


@pytest.mark.parametrize("zone", ["", "ISRAEL"])
async def test_time_without_a_zone_we_know_is_left_out_rather_than_guessed(post: CanadaPost, zone: str) -> None:
    (one,) = (await where(post, tracked(scan("4600", "2026-09-20", zone=zone)))).events
    local = " ".join(part for part in ("2026-09-20 10:00:00", zone) if part)

    assert (one.at, one.description) == (None, f"Item processed ({local} local time)")


async def test_name_of_who_signed_is_not_passed_on(post: CanadaPost) -> None:
    found = await where(post, tracked(scan("1496", "2026-09-20")))

    assert "HETU" not in found.model_dump_json()
    assert found.events[0].place == "QUEBEC, QC"


@pytest.mark.parametrize("space", ["messages", "track"])
@pytest.mark.parametrize("status", [404, 200])
async def test_number_without_a_history_is_unknown_in_either_namespace(
    post: CanadaPost, space: str, status: int
) -> None:
    found = await where(post, refused("004", status=status, said="No Pin History", space=space))

    assert (found.status, found.events) == ("unknown", ())


async def test_404_that_is_not_canada_posts_own_is_an_error(post: CanadaPost) -> None:
    with pytest.raises(HttpFailed) as caught:
        await where(post, answer("<html>", 404, content_type="text/html"))

    assert caught.value.error_type == "http_404"


# --- errors ------------------------------------------------------------------------------------------------------------

SLM = "Rejected by SLM Monitor"
CVC = (
    "/rs/ship/price: cvc-simple-type 1: element {http://www.canadapost.ca/ws/ship/rate-v4}postal-code value 'H3B' is not "
    "a valid instance of the element type"
)


@pytest.mark.parametrize(
    ("response", "error_type", "fault", "flags", "says"),
    [
        (refused("Server", status=500, said=SLM), "rate_limited", "ours", "retryable untouched waits", "for a minute"),
        (refused("Server", status=429, said=SLM), "rate_limited", "ours", "retryable untouched waits", "for a minute"),
        (refused("Server", status=200, said=SLM), "rate_limited", "ours", "retryable untouched waits", "for a minute"),
        (
            refused("Server", status=503, said=SLM),
            "http_503",
            "theirs",
            "retryable untouched counts",
            "out of service",
        ),
        (refused("Server", status=500, said=CVC), "invalid_request", "ours", "untouched", "(postal-code);"),
        (refused("Server", status=500, said="Internal Error"), "http_500", "theirs", "retryable counts", "trouble"),
        (refused("E002", status=401), "unauthorized", "configuration", "untouched", "_USERNAME"),
        (refused("AA001", status=403), "unauthorized", "configuration", "untouched", "deactivated"),
        (refused("AA002", status=403), "wrong_environment", "configuration", "untouched", "_BASE_URL"),
        (refused("AA003", status=403), "account_not_allowed", "configuration", "untouched", "_CUSTOMER_NUMBER"),
        (refused("AA004", status=403), "account_not_allowed", "configuration", "untouched", "_MAILED_ON_BEHALF_OF"),
        (refused("AA005", status=403), "account_not_allowed", "configuration", "untouched", "platform"),
        (refused("AA006", status=403), "account_not_allowed", "configuration", "untouched", "platform"),
        (refused("1162"), "payment_refused", "configuration", "untouched", "credit card"),
        (refused("1711"), "payment_refused", "configuration", "untouched", "_PAYMENT_METHOD"),
        (refused("9174"), "payment_refused", "configuration", "untouched", "credit card"),
        (refused("2550"), "account_not_allowed", "configuration", "untouched", "_CONTRACT_ID"),
        (refused("3000"), "not_served", "ours", "untouched", "ask for its rates"),
        (refused("10028"), "not_served", "ours", "untouched", "ask for its rates"),
        (refused("10033"), "not_served", "ours", "untouched", "ask for its rates"),
        (refused("8064"), "already_transmitted", "ours", "untouched", "once more"),
        (refused("1157", "1159"), "invalid_request", "ours", "untouched", "sent (1157, 1159);"),
        (refused("9111"), "invalid_request", "ours", "untouched", "sent (9111);"),
        (refused("1157", status=200), "invalid_request", "ours", "business", "sent (1157);"),
        (refused(status=404), "http_404", "ours", "untouched", "HTTP 404"),
        (answer(b"", 406), "http_406", "ours", "untouched", "HTTP 406"),
        (answer(b"", 415), "http_415", "ours", "untouched", "HTTP 415"),
        (answer(b"", 412), "http_412", "ours", "untouched", "HTTP 412"),
        (answer(b"", 401), "unauthorized", "configuration", "untouched expired", "credential"),
        (answer(b"", 403), "forbidden", "configuration", "untouched", "permissions"),
        (answer("<html>", 500, content_type="text/html"), "http_500", "theirs", "retryable counts", "trouble"),
        (answer("<html>", 503, content_type="text/html"), "http_503", "theirs", "retryable counts", "trouble"),
    ],
)
def test_recorded_error_gets_its_verdict(
    post: CanadaPost, response: Response, error_type: str, fault: Fault, flags: str, says: str
) -> None:
    verdict = post.classify(Request(method="POST", path=HOME), response)

    assert verdict is not None
    assert says in verdict.message
    assert verdict == Verdict(
        error_type=error_type,
        fault=fault,
        message=verdict.message,
        retryable="retryable" in flags,
        retry_after=60.0 if "waits" in flags else None,
        counts="counts" in flags,
        untouched="untouched" in flags,
        expired="expired" in flags,
        business="business" in flags,
    )


@pytest.mark.parametrize(
    "said", ["The name Ann Roe is too long.", CVC.replace("postal-code", "name").replace("H3B", "Ann Roe")]
)
def test_what_an_error_quotes_of_us_is_not_passed_on(post: CanadaPost, said: str) -> None:
    verdict = post.classify(Request(method="POST", path=HOME), refused("Ann Roe", status=400, said=said))

    assert verdict is not None
    assert "Roe" not in verdict.message


@pytest.mark.parametrize(
    ("operation", "value", "reply", "field"),
    [
        ("quote_rates", QUOTE, answer("<html><br></html>", content_type="text/html"), "body"),
        ("quote_rates", QUOTE, answer(RATES.body[:-20]), "body"),
        ("quote_rates", QUOTE, answer(b'<!DOCTYPE x [<!ENTITY a "b">]><price-quotes/>'), "body"),
        ("quote_rates", QUOTE, xml("services"), "price-quotes"),
        (
            "quote_rates",
            QUOTE,
            xml("price-quotes", "<price-quote><service-code>X</service-code></price-quote>"),
            "price-details/due",
        ),
        (
            "quote_rates",
            QUOTE,
            xml("price-quotes", "<price-quote><price-details><due>1</due></price-details></price-quote>"),
            "service-code",
        ),
        ("create_shipment", ORDER, xml("shipment-info", "<shipment-id>1</shipment-id>"), "shipment-status"),
        ("track_shipment", NUMBER, xml("tracking-summary"), "tracking-detail"),
        ("cancel_shipment", NUMBER, xml("groups"), "shipments"),
    ],
)
async def test_answer_we_no_longer_understand_names_the_field(
    post: CanadaPost, operation: str, value: Any, reply: Response, field: str
) -> None:
    with pytest.raises(SchemaDrift) as caught:
        await run(post, FakeExchange(post, operation, [reply]), value)

    assert caught.value.field == field


def test_nothing_personal_and_no_secret_is_kept_in_a_record() -> None:
    address = {"name", "company", "contact-phone", "client-voice-number", "address-line-1", "city", "postal-zip-code"}
    never = address | {
        "email",
        "description",
        "signatory-name",
        "customer-number",
        "contract-id",
        "href",
        "postal-code",
    }

    assert not never & VENDOR.kept_fields
