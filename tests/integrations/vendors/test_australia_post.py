"""Australia Post's adapter against the reference's tables, its recorded answers, the traps of its interface."""

from __future__ import annotations

import json
from base64 import b64decode
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from integrations.errors import BusinessFailed, CallFailed, Fault, HttpFailed, InvalidInput, SchemaDrift, Unsupported
from integrations.outcome import QuotaSeen, Request, Response, Verdict
from integrations.types.base import Money
from integrations.types.shipping import ShipmentOrder
from integrations.vendors.australia_post import AustraliaPost
from integrations.vendors.australia_post.adapter import LABEL_WAITS, LOOK_UP_WAITS, MOST_PAGES, PAGE
from integrations.vendors.australia_post.declaration import VENDOR
from integrations.vendors.australia_post.messages import shipment_body
from tests.integrations.vendors import australia_post_reference as reference
from tests.integrations.vendors.exchange import (
    FakeExchange,
    adapter_with_sandbox_credentials,
    answer,
    body_of,
    run,
)

QUOTE: dict[str, Any] = dict(VENDOR.operations[0].example)
ORDER: dict[str, Any] = dict(VENDOR.operations[1].example)
TRACK = {"tracking_number": "7XX1000634011427"}
CANCEL = {"tracking_number": "ABC000128B4C5"}
LINK = "https://ptest.npe.auspost.com.au/lodgement4/labels/c2991876.pdf?AWSAccessKeyId=A&Expires=1&Signature=a%2Fb%3D"
PDF = answer(b"%PDF-1.4", content_type="application/pdf")
AUCKLAND = {
    "name": "Aroha Ngata",
    "lines": ["5 Queen Street"],
    "city": "Auckland",
    "postal_code": "1010",
    "country": "NZ",
}

# The reference's sample of item prices, cut to what matters.
PRICED = {
    "items": [
        {
            "weight": 5,
            "prices": [
                {
                    "product_id": "E34",
                    "product_type": "EXPRESS POST",
                    "calculated_price": 42.70,
                    "bundled_price": 37.45,
                },
                {
                    "product_id": "T28S",
                    "product_type": "PARCEL POST + SIGNATURE",
                    "calculated_price": 9.00,
                    "calculated_price_ex_gst": 8.18,
                    "calculated_gst": 0.82,
                },
            ],
            "errors": [],
            "warnings": [
                {
                    "code": "43003",
                    "name": "NO_PRICE_SCALE_FOUND_FOR_QUANTITY",
                    "message": "The service T28V1N0 is not available based upon the submitted weight of 5 kg.",
                    "context": {"weight": "95.0", "product_id": "T28V1N0"},
                }
            ],
        }
    ]
}
ITEM = {
    "item_id": "LDCsEAOvU_oAAAFI6MwaDRYB",
    "tracking_details": {"article_id": "ABC000128B4C5", "consignment_id": "ABC000128"},
    "product_id": "T28S",
    "item_summary": {"total_cost": 5, "status": "Created"},
}


def shipment(**more: Any) -> dict[str, Any]:
    return {
        "shipment_id": "9lesEAOvOm4AAAFI3swaDRYB",
        "shipment_reference": "EXAMPLE-6001",
        "shipment_creation_date": "2014-08-27T15:48:09+10:00",
        "items": [ITEM],
        "shipment_summary": {"total_cost": 13.5, "fuel_surcharge": 2.15, "total_gst": 1.18, "status": "Created"},
        **more,
    }


def page(*shipments: dict[str, Any]) -> Response:
    return answer({"shipments": list(shipments)})


def label(status: str = "AVAILABLE", url: str = LINK) -> Response:
    told = {"request_id": "c2991876", "status": status, "request_date": "11-09-2019 17:43:46", "shipment_ids": ["9les"]}
    return answer({"labels": [told | ({"url": url} if url else {})]})


SHIPPED = answer({"shipments": [shipment()]}, 201)


def refused(status: int, code: str, name: str = "X", **more: Any) -> Response:
    return answer(
        {"errors": [{"code": code, "name": name, "message": "Ann Roe, 5 High St", "context": [], **more}]}, status
    )


def gateway(status: int, code: str) -> Response:
    """The gateway's own style."""
    return answer({"errors": [{"message": "…", "error_code": code, "error_name": "…"}]}, status)


@pytest.fixture
def post() -> AustraliaPost:
    adapter = adapter_with_sandbox_credentials(AustraliaPost)
    assert isinstance(adapter, AustraliaPost)
    return adapter


# --- what we send, held against the reference --------------------------------------------------------------------------


def changed(part: str, **fields: Any) -> dict[str, Any]:
    return {**QUOTE[part], **fields}


def ordered(service_code: str = "T28S", **fields: Any) -> ShipmentOrder:
    return ShipmentOrder.model_validate({"shipment": {**QUOTE, **fields}, "service_code": service_code})


def json_of(request: Request) -> Any:
    return json.loads(body_of(request))


async def test_price_request_keeps_to_the_reference(post: AustraliaPost) -> None:
    exchange = FakeExchange(post, "quote_rates", [answer(PRICED)])
    await run(post, exchange, QUOTE)

    assert (exchange.last.method, exchange.last.path) == ("POST", "/prices/items")
    assert reference.problems(reference.PRICES, json_of(exchange.last)) == []
    assert json_of(exchange.last) == {
        "from": {"postcode": "3000"},
        "to": {"postcode": "2000"},
        "items": [{"length": 30.0, "width": 20.0, "height": 10.0, "weight": 1.2}],
    }


async def test_shipment_and_label_requests_keep_to_the_reference(post: AustraliaPost) -> None:
    exchange = FakeExchange(post, "create_shipment", [SHIPPED, label(), PDF])
    await run(post, exchange, ORDER)
    made, printed, fetched = exchange.requests

    assert [(one.method, one.path) for one in exchange.requests] == [
        ("POST", "/shipments"),
        ("POST", "/labels"),
        ("GET", "/lodgement4/labels/c2991876.pdf"),
    ]
    assert reference.problems(reference.SHIPMENTS_AT_HOME, json_of(made)) == []
    assert reference.problems(reference.LABELS, json_of(printed)) == []
    assert json_of(printed)["shipments"] == [
        {"shipment_id": "9lesEAOvOm4AAAFI3swaDRYB", "items": [{"item_id": "LDCsEAOvU_oAAAFI6MwaDRYB"}]}
    ]
    assert made.repeatable is None
    assert printed.repeatable is True
    assert fetched.link == LINK


async def test_parcel_that_leaves_the_country_is_declared(post: AustraliaPost) -> None:
    exchange = FakeExchange(post, "create_shipment", [SHIPPED, label(), PDF])
    contents = [{**QUOTE["contents"][0], "quantity": 2, "value": {"amount": "190.01", "currency": "AUD"}}]
    away = {**ORDER, "shipment": {**QUOTE, "destination": AUCKLAND, "contents": contents}, "service_code": "PTI8"}
    await run(post, exchange, away)
    body = json_of(exchange.requests[0])
    (item,) = body["shipments"][0]["items"]

    assert reference.problems(reference.SHIPMENTS_ABROAD, body) == []
    assert body["shipments"][0]["to"]["country"] == "NZ"
    assert (item["classification_type"], item["commercial_value"]) == ("OTHER", True)
    assert item["item_contents"] == [
        {
            "description": "Merino jumper",
            "quantity": 2,
            "value": 95.01,
            "country_of_origin": "AU",
            "weight": 0.45,
            "tariff_code": "611011",
            "sku": "JMP-003",
        }
    ]


async def test_price_of_a_parcel_that_leaves_the_country_names_it(post: AustraliaPost) -> None:
    exchange = FakeExchange(post, "quote_rates", [answer(PRICED)])
    await run(post, exchange, {**QUOTE, "destination": {"country": "AE", "city": "Dubai"}})

    assert json_of(exchange.last)["to"] == {"country": "AE"}
    assert reference.problems(reference.PRICES, json_of(exchange.last)) == []


async def test_tracking_listing_and_deleting_ask_what_the_reference_knows(post: AustraliaPost) -> None:
    track = FakeExchange(post, "track_shipment", [answer({"tracking_results": []})])
    await run(post, track, {"tracking_number": "7XX1000 634011427"})
    cancel = FakeExchange(post, "cancel_shipment", [page(shipment()), answer(b"")])
    await run(post, cancel, CANCEL)
    listing, deleting = cancel.requests

    assert (track.last.method, track.last.path) == ("GET", "/track")
    assert list(track.last.query) == [("tracking_ids", "7XX1000634011427")]
    assert (listing.method, listing.path, listing.step) == ("GET", "/shipments", "look_up")
    assert list(listing.query) == [
        ("offset", "0"),
        ("number_of_shipments", "100"),
        ("status", "Created,Sealed,Initiated"),
    ]
    assert (deleting.method, deleting.path) == ("DELETE", "/shipments/9lesEAOvOm4AAAFI3swaDRYB")


def test_credentials_go_out_as_http_basic_with_the_account_and_its_leading_zeros(post: AustraliaPost) -> None:
    headers = post.authorise(Request(method="GET", path="/track"), None)

    assert b64decode(headers["authorization"].removeprefix("Basic ")) == b"auspost_sandbox_key:auspost_sandbox_password"
    assert headers["account-number"] == "0001234567"


async def test_no_credential_goes_out_with_a_link_to_a_label(post: AustraliaPost) -> None:
    exchange = FakeExchange(post, "create_shipment", [SHIPPED, label(), PDF])
    await run(post, exchange, ORDER)

    assert [bool(headers) for headers in exchange.authorised] == [True, True, False]


def test_a_parcel_is_never_smaller_than_we_say() -> None:
    odd = {"weight_kg": "1.00001", "length_cm": "10.01", "width_cm": "5", "height_cm": "5.05"}
    (item,) = shipment_body(ordered(parcels=[odd]))["shipments"][0]["items"]

    assert [item[name] for name in ("weight", "length", "width", "height")] == [
        Decimal("1.001"),
        Decimal("10.1"),
        Decimal("5.0"),
        Decimal("5.1"),
    ]


def test_suburb_and_state_go_out_in_capitals_and_a_company_beside_its_person() -> None:
    to = changed(
        "destination", city="Surry Hills", state="nsw", company="Walker Pty Ltd", lines=["Level 1", " ", "2 Rd"]
    )
    sent = shipment_body(ordered(destination=to))["shipments"][0]["to"]

    assert (sent["suburb"], sent["state"], sent["business_name"]) == ("SURRY HILLS", "NSW", "Walker Pty Ltd")
    assert sent["lines"] == ["Level 1", "2 Rd"]


def test_a_company_without_a_person_is_the_name() -> None:
    sent = shipment_body(ordered(destination=changed("destination", name="", company="Walker Pty Ltd")))
    to = sent["shipments"][0]["to"]

    assert (to["name"], "business_name" in to) == ("Walker Pty Ltd", False)


# --- refused before anything is sent -----------------------------------------------------------------------------------

PARCEL = QUOTE["parcels"][0]
LINE = QUOTE["contents"][0]


@pytest.mark.parametrize(
    ("order", "field"),
    [
        (ordered(reference="R" * 51), "shipment.reference"),
        (ordered(service_code=""), "service_code"),
        (ordered(service_code="T28 S"), "service_code"),
        (ordered(origin=changed("origin", postal_code="300")), "shipment.origin.postal_code"),
        (ordered(origin=changed("origin", state="Victoria")), "shipment.origin.state"),
        (ordered(destination=changed("destination", postal_code="")), "shipment.destination.postal_code"),
        (ordered(destination=changed("destination", state="")), "shipment.destination.state"),
        (ordered(destination=changed("destination", city="")), "shipment.destination.city"),
        (ordered(destination=changed("destination", city="x" * 41)), "shipment.destination.city"),
        (ordered(destination=changed("destination", lines=[])), "shipment.destination.lines"),
        (ordered(destination=changed("destination", lines=["x" * 41])), "shipment.destination.lines"),
        (ordered(destination=changed("destination", lines=["a", "b", "c", "d"])), "shipment.destination.lines"),
        (ordered(destination=changed("destination", name="")), "shipment.destination.name"),
        (ordered(destination=changed("destination", name="x" * 41)), "shipment.destination.name"),
        (ordered(destination=changed("destination", company="x" * 41)), "shipment.destination.company"),
        (ordered(destination=changed("destination", phone="1" * 21)), "shipment.destination.phone"),
        (ordered(destination=changed("destination", email="a" * 51)), "shipment.destination.email"),
        (ordered(parcels=[{**PARCEL, "length_cm": "105.1"}]), "shipment.parcels.0.length_cm"),
        (ordered(parcels=[PARCEL, {**PARCEL, "height_cm": "0"}]), "shipment.parcels.1.height_cm"),
        (ordered(parcels=[{"weight_kg": "1", "length_cm": "10"}]), "shipment.parcels.0"),
        (
            ordered(parcels=[{"weight_kg": "1", "length_cm": "100", "width_cm": "50", "height_cm": "50.1"}]),
            "shipment.parcels.0",
        ),
        (
            ordered(parcels=[{"weight_kg": "1", "length_cm": "30", "width_cm": "4", "height_cm": "4.9"}]),
            "shipment.parcels.0",
        ),
        (ordered(destination={**AUCKLAND, "postal_code": ""}), "shipment.destination.postal_code"),
        (ordered(destination={**AUCKLAND, "postal_code": "1" * 11}), "shipment.destination.postal_code"),
        (ordered(destination=AUCKLAND, contents=[]), "shipment.contents"),
        (ordered(destination=AUCKLAND, contents=[{**LINE, "description": " "}]), "shipment.contents.0.description"),
        (
            ordered(destination=AUCKLAND, contents=[{**LINE, "value": {"amount": "9", "currency": "USD"}}]),
            "shipment.contents.0.value.currency",
        ),
    ],
)
async def test_order_australia_post_would_refuse_is_refused_by_field(
    post: AustraliaPost, order: ShipmentOrder, field: str
) -> None:
    exchange = FakeExchange(post, "create_shipment")
    with pytest.raises(InvalidInput) as caught:
        await run(post, exchange, order)

    assert (caught.value.field, exchange.requests) == (field, [])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"origin": changed("origin", country="NZ")}, "origin.country"),
        ({"parcels": [PARCEL] * 21}, "parcels"),
        ({"parcels": [PARCEL] * 2, "destination": AUCKLAND}, "parcels"),
    ],
)
@pytest.mark.parametrize("operation", ["quote_rates", "create_shipment"])
async def test_what_australia_post_does_not_carry_is_unsupported(
    post: AustraliaPost, operation: str, changes: dict[str, Any], field: str
) -> None:
    exchange = FakeExchange(post, operation)
    value = {**QUOTE, **changes}
    before = "" if operation == "quote_rates" else "shipment."
    with pytest.raises(Unsupported) as caught:
        await run(post, exchange, value if not before else {"shipment": value, "service_code": "T28S"})

    assert (caught.value.field, exchange.requests) == (f"{before}{field}", [])


@pytest.mark.parametrize("number", ["A,B", ",", " "])
@pytest.mark.parametrize("operation", ["track_shipment", "cancel_shipment"])
async def test_several_numbers_at_once_are_refused(post: AustraliaPost, operation: str, number: str) -> None:
    exchange = FakeExchange(post, operation)
    with pytest.raises(InvalidInput) as caught:
        await run(post, exchange, {"tracking_number": number})

    assert (caught.value.field, exchange.requests) == ("tracking_number", [])


# --- what comes back ---------------------------------------------------------------------------------------------------


def aud(amount: str) -> Money:
    return Money.model_validate({"amount": amount, "currency": "AUD"})


async def quoted(post: AustraliaPost, body: Any, **changes: Any) -> list[tuple[str, Money]]:
    found = await run(post, FakeExchange(post, "quote_rates", [answer(body)]), {**QUOTE, **changes})
    return [(quote.service_code, quote.price) for quote in found]


async def test_quote_is_the_price_with_tax_in_it_and_digit_for_digit(post: AustraliaPost) -> None:
    body = b'{"items":[{"prices":[{"product_id":"T28S","calculated_price":9.10,"calculated_price_ex_gst":8.27}]}]}'
    found = await run(post, FakeExchange(post, "quote_rates", [answer(body)]), QUOTE)

    assert [(quote.service_name, str(quote.price.amount)) for quote in found] == [("Australia Post T28S", "9.10")]


async def test_a_warning_inside_a_200_leaves_its_product_out(post: AustraliaPost) -> None:
    assert await quoted(post, PRICED) == [("E34", aud("42.7")), ("T28S", aud("9"))]


async def test_several_parcels_cost_what_they_cost_together_and_only_where_all_are_taken(post: AustraliaPost) -> None:
    heavy = {"prices": [{"product_id": "T28S", "calculated_price": 11.35}], "errors": []}
    body = {"items": [*PRICED["items"], heavy]}

    assert await quoted(post, body, parcels=[PARCEL, PARCEL]) == [("T28S", aud("20.35"))]


async def test_product_without_a_price_is_left_out_and_not_free(post: AustraliaPost) -> None:
    assert await quoted(post, {"items": [{"prices": [{"product_id": "T28S", "calculated_price": 0}]}]}) == []


async def test_no_prices_are_no_quotes_and_no_error(post: AustraliaPost) -> None:
    assert await quoted(post, {"items": [{"prices": [], "errors": []}]}) == []
    assert await quoted(post, {"items": []}) == []


async def test_shipment_comes_with_its_label_and_a_price_that_has_the_surcharges(post: AustraliaPost) -> None:
    made = await run(post, FakeExchange(post, "create_shipment", [SHIPPED, label(), PDF]), ORDER)

    assert (made.tracking_number, made.reference, made.price) == ("ABC000128B4C5", "EXAMPLE-6001", aud("13.5"))
    assert [(one.format, b64decode(one.content), one.url) for one in made.labels] == [("PDF", b"%PDF-1.4", "")]


async def test_several_parcels_are_tracked_by_their_consignment(post: AustraliaPost) -> None:
    second = {**ITEM, "tracking_details": {"article_id": "ABC000128B4C6", "consignment_id": "ABC000128"}}
    shipped = answer({"shipments": [shipment(items=[ITEM, second])]}, 201)
    made = await run(post, FakeExchange(post, "create_shipment", [shipped, label(), PDF]), ORDER)

    assert made.tracking_number == "ABC000128"


async def test_price_that_is_not_told_is_none_and_not_nought(post: AustraliaPost) -> None:
    shipped = answer({"shipments": [shipment(shipment_summary={"status": "Created"})]}, 201)
    made = await run(post, FakeExchange(post, "create_shipment", [shipped, label(), PDF]), ORDER)

    assert made.price is None


async def test_label_made_asynchronously_is_polled_for(post: AustraliaPost) -> None:
    answers = [SHIPPED, label("PENDING", ""), label("PENDING", ""), label(), PDF]
    exchange = FakeExchange(post, "create_shipment", answers, deadline=90)
    made = await run(post, exchange, ORDER)

    assert made.labels[0].content
    assert [(one.method, one.path, one.step) for one in exchange.requests[2:4]] == [
        ("GET", "/labels/c2991876", "poll")
    ] * 2
    assert exchange.slept == list(LABEL_WAITS[:2])


async def test_label_that_is_never_made_leaves_the_shipment_to_the_look_up(post: AustraliaPost) -> None:
    answers = [SHIPPED, *[label("PENDING", "")] * (len(LABEL_WAITS) + 1)]
    with pytest.raises(BusinessFailed, match="the shipment stands") as caught:
        await run(post, FakeExchange(post, "create_shipment", answers, deadline=90), ORDER)

    assert (caught.value.error_type, caught.value.fault, caught.value.sent) == ("label_pending", "theirs", True)


async def test_link_that_has_expired_is_asked_for_anew(post: AustraliaPost) -> None:
    denied = answer("<Error><Code>AccessDenied</Code></Error>", 403, content_type="application/xml")
    exchange = FakeExchange(post, "create_shipment", [SHIPPED, label(), denied, label(), PDF])
    made = await run(post, exchange, ORDER)

    assert made.labels[0].content
    assert [one.path for one in exchange.requests].count("/labels") == 2


@pytest.mark.parametrize("url", ["https://bucket.example/label.pdf", "http://auspost.com.au/label.pdf"])
async def test_link_that_leads_away_is_handed_on_and_not_followed(post: AustraliaPost, url: str) -> None:
    exchange = FakeExchange(post, "create_shipment", [SHIPPED, label(url=url)])
    made = await run(post, exchange, ORDER)

    assert [(one.content, one.url) for one in made.labels] == [("", url)]
    assert len(exchange.requests) == 2


async def test_label_that_is_no_pdf_is_drift(post: AustraliaPost) -> None:
    with pytest.raises(SchemaDrift, match="not a PDF"):
        await run(post, FakeExchange(post, "create_shipment", [SHIPPED, label(), answer("<html>")]), ORDER)


# --- tracking ----------------------------------------------------------------------------------------------------------


def event(said: str, day: str = "2014-05-30", **more: Any) -> dict[str, Any]:
    return {"description": said, "date": f"{day}T14:43:09+10:00", **more}


def tracked(status: str, *events: dict[str, Any], **more: Any) -> Response:
    item = {"article_id": "7XX1000634011427", "product_type": "eParcel", "events": list(events), "status": status}
    return answer({"tracking_results": [{"tracking_id": "7XX1", "status": status, "trackable_items": [item], **more}]})


async def where(post: AustraliaPost, reply: Response) -> Any:
    return await run(post, FakeExchange(post, "track_shipment", [reply]), TRACK)


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("Created", "created"),
        ("Sealed", "created"),
        ("Initiated", "created"),
        ("In Transit", "in_transit"),
        ("In transit", "in_transit"),
        ("Possible delay", "in_transit"),
        ("Awaiting Collection", "in_transit"),
        ("On Board for Delivery", "out_for_delivery"),
        ("Delivered", "delivered"),
        ("Delivered in Full", "delivered"),
        ("Cannot be delivered", "exception"),
        ("Article damaged", "exception"),
        ("Held by courier", "exception"),
        ("Cancelled", "cancelled"),
        ("Something new", "unknown"),
    ],
)
async def test_status_is_read_whatever_its_case(post: AustraliaPost, said: str, status: str) -> None:
    assert (await where(post, tracked(said))).status == status


async def test_status_nobody_has_described_is_on_its_way_once_it_was_seen(post: AustraliaPost) -> None:
    assert (await where(post, tracked("Something new", event("Received")))).status == "in_transit"


async def test_reference_sample_is_read_newest_first_in_utc(post: AustraliaPost) -> None:
    reply = tracked(
        "Delivered",
        event("Processed through Australia Post facility", "2014-05-29", location="CHULLORA NSW"),
        event("Delivered", location="ALEXANDRIA NSW"),
        event("Shipping information approved by Australia Post", "2014-05-23"),
    )
    found = await where(post, reply)

    assert [(one.status, one.place) for one in found.events] == [
        ("delivered", "ALEXANDRIA NSW"),
        ("in_transit", "CHULLORA NSW"),
        ("created", ""),
    ]
    assert found.delivered_at == found.events[0].at == datetime(2014, 5, 30, 4, 43, 9, tzinfo=UTC)


async def test_parcel_on_board_is_in_transit_by_its_status_and_out_for_delivery_by_its_event(
    post: AustraliaPost,
) -> None:
    found = await where(post, tracked("In transit", event("With Australia Post for delivery today")))

    assert (found.status, found.delivered_at) == ("out_for_delivery", None)


async def test_several_parcels_are_where_the_one_least_far_is(post: AustraliaPost) -> None:
    def parcel(status: str) -> dict[str, Any]:
        return {"article_id": status, "status": status, "events": [event(status)]}

    whole = {"consignment_id": "ABC", "items": [parcel("Delivered"), parcel("In transit")]}
    reply = answer({"tracking_results": [{"tracking_id": "ABC", "status": "Delivered", "trackable_items": [whole]}]})
    found = await where(post, reply)

    assert (found.status, found.delivered_at, len(found.events)) == ("in_transit", None, 2)


async def test_startrack_answers_have_the_events_of_their_consignment_too(post: AustraliaPost) -> None:
    consignment = {"events": [event("Awaiting collection", "2014-05-31")], "status": "Awaiting Collection"}
    found = await where(post, tracked("", event("Received"), consignment=consignment))

    assert [one.description for one in found.events] == ["Awaiting collection", "Received"]


async def test_time_without_an_offset_is_left_out_rather_than_guessed(post: AustraliaPost) -> None:
    found = await where(post, tracked("In transit", {"description": "Received", "date": "2014-05-30T14:43:09"}))

    assert [one.at for one in found.events] == [None]


@pytest.mark.parametrize("code", ["ESB-10001", "ESB-10002"])
async def test_unknown_number_is_an_error_inside_a_200_and_an_answer(post: AustraliaPost, code: str) -> None:
    errors = [{"code": code, "name": "Invalid tracking ID"}]
    found = await where(post, answer({"tracking_results": [{"tracking_id": "7XX1000", "errors": errors}]}))

    assert (found.status, found.events, found.tracking_number) == ("unknown", (), "7XX1000634011427")


async def test_unknown_number_that_comes_as_a_status_is_an_answer_too(post: AustraliaPost) -> None:
    found = await where(post, refused(404, "51104", "INVALID_TRACKING_ID"))

    assert found.status == "unknown"


async def test_trouble_of_the_tracking_inside_a_200_is_theirs(post: AustraliaPost) -> None:
    errors = [{"code": "ESB-20050", "name": "System Error"}]
    with pytest.raises(BusinessFailed) as caught:
        await where(post, answer({"tracking_results": [{"tracking_id": "7XX1", "errors": errors}]}))

    assert (caught.value.error_type, caught.value.fault, caught.value.retryable) == ("tracking_failed", "theirs", True)


# --- cancelling --------------------------------------------------------------------------------------------------------


async def cancelled(post: AustraliaPost, *replies: Response) -> Any:
    return await run(post, FakeExchange(post, "cancel_shipment", replies), CANCEL)


@pytest.mark.parametrize("number", ["ABC000128B4C5", "ABC000128"])
async def test_shipment_is_deleted_by_its_own_id_whichever_number_names_it(post: AustraliaPost, number: str) -> None:
    exchange = FakeExchange(post, "cancel_shipment", [page(shipment()), answer(b"")])
    found = await run(post, exchange, {"tracking_number": number})

    assert (found.cancelled, exchange.last.method) == (True, "DELETE")


@pytest.mark.parametrize(
    "ordered_by",
    [{"order_id": "AP1"}, {"shipment_summary": {"status": "Sealed"}}, {"shipment_summary": {"status": "Initiated"}}],
)
async def test_shipment_in_an_order_is_kept_and_nothing_is_deleted(post: AustraliaPost, ordered_by: Any) -> None:
    found = await cancelled(post, page(shipment(**ordered_by)))

    assert found.cancelled is False
    assert "in an order already" in found.message


async def test_shipment_ordered_meanwhile_is_kept(post: AustraliaPost) -> None:
    found = await cancelled(post, page(shipment()), refused(400, "44016", "SHIPMENT_INITIATED"))

    assert found.cancelled is False
    assert "in an order already" in found.message


async def test_shipment_that_is_gone_when_it_is_deleted_is_cancelled(post: AustraliaPost) -> None:
    found = await cancelled(post, page(shipment()), refused(404, "44013", "SHIPMENT_NOT_FOUND_ERROR"))

    assert found.cancelled is True


async def test_number_that_is_not_ours_or_long_sent_is_said_so(post: AustraliaPost) -> None:
    found = await cancelled(post, page(shipment(items=[])))

    assert (found.cancelled, "still waits to be sent" in found.message) == (False, True)


async def test_failure_to_delete_is_raised(post: AustraliaPost) -> None:
    with pytest.raises(HttpFailed):
        await cancelled(post, page(shipment()), answer({}, 500))


# --- the look-up -------------------------------------------------------------------------------------------------------


async def look_up(post: AustraliaPost, *replies: Response) -> tuple[Any, FakeExchange]:
    exchange = FakeExchange(post, "create_shipment", replies, deadline=90)
    return await post.look_up_create_shipment(exchange, ShipmentOrder.model_validate(ORDER)), exchange


async def test_look_up_finds_the_shipment_and_its_label(post: AustraliaPost) -> None:
    made, exchange = await look_up(post, page(shipment()), label(), PDF)

    assert (made.tracking_number, made.reference) == ("ABC000128B4C5", "EXAMPLE-6001")
    assert made.labels[0].content
    assert exchange.requests[0].step == "look_up"


async def test_reference_is_not_unique_so_the_look_up_compares_more_and_takes_the_newest(post: AustraliaPost) -> None:
    others = [
        shipment(shipment_id="other-reference", shipment_reference="EXAMPLE-6002"),
        shipment(shipment_id="other-product", items=[{**ITEM, "product_id": "E34"}]),
        shipment(shipment_id="other-parcels", items=[ITEM, ITEM]),
        shipment(shipment_id="other-place", to={"postcode": "4000"}),
        shipment(shipment_id="older", shipment_creation_date="2014-08-27T15:00:00+10:00", to={"postcode": "2000"}),
        shipment(shipment_id="newest", shipment_creation_date="2014-08-27T06:00:00+00:00"),
        shipment(shipment_id="old", shipment_creation_date="2014-08-27T15:59:00+10:00"),
    ]
    _, exchange = await look_up(post, page(*others), label(), PDF)

    assert json_of(exchange.requests[1])["shipments"][0]["shipment_id"] == "newest"


async def test_look_up_waits_for_a_shipment_that_is_listed_late_before_it_says_no(post: AustraliaPost) -> None:
    made, exchange = await look_up(post, *[page()] * len(LOOK_UP_WAITS))

    assert made is None
    assert exchange.slept == [wait for wait in LOOK_UP_WAITS if wait]


async def test_look_up_reads_every_page(post: AustraliaPost) -> None:
    full = page(*[shipment(shipment_reference="X")] * PAGE)
    made, exchange = await look_up(post, full, page(shipment()), label(), PDF)

    assert made is not None
    assert dict(exchange.requests[1].query)["offset"] == str(PAGE)


async def test_look_up_that_cannot_read_everything_is_not_a_no(post: AustraliaPost) -> None:
    with pytest.raises(BusinessFailed, match="put them into orders") as caught:
        await look_up(post, *[page(*[shipment(shipment_reference="X")] * PAGE)] * MOST_PAGES)

    assert caught.value.error_type == "too_many_shipments"


async def test_failure_of_the_look_up_is_not_a_no(post: AustraliaPost) -> None:
    with pytest.raises(HttpFailed):
        await look_up(post, answer({}, 500))


async def test_look_up_gives_up_on_a_label_only_where_it_fails_for_good(post: AustraliaPost) -> None:
    made, _ = await look_up(post, page(shipment()), label("ERROR", ""))
    with pytest.raises(CallFailed) as caught:
        await look_up(post, page(shipment()), answer({}, 503))

    assert (made.tracking_number, made.labels) == ("ABC000128B4C5", ())
    assert caught.value.retryable


# --- errors ------------------------------------------------------------------------------------------------------------

FRAMEWORK = {"errors": [{"error": "unprocessable_entity", "error_description": "…", "messages": ["…"]}]}
CREATE = Request(method="POST", path="/shipments")


@pytest.mark.parametrize(
    ("response", "error_type", "fault", "flags", "says"),
    [
        (
            refused(400, "41001", "CUSTOMER_NOT_FOUND"),
            "account_not_allowed",
            "configuration",
            "untouched",
            "leading zeros",
        ),
        (refused(404, "41002"), "account_not_allowed", "configuration", "untouched", "ACCOUNT_NUMBER"),
        (refused(400, "44038"), "account_not_allowed", "configuration", "untouched", "ACCOUNT_NUMBER"),
        (refused(400, "41003"), "contract_not_valid", "configuration", "untouched", "account manager"),
        (refused(400, "41007"), "not_served", "ours", "untouched", "between these places"),
        (refused(400, "42001"), "not_served", "ours", "untouched", "between these places"),
        (refused(400, "42012"), "not_served", "ours", "untouched", "ask for its prices"),
        (refused(400, "66004"), "not_served", "ours", "untouched", "ask for its prices"),
        (refused(400, "42010"), "parcel_not_accepted", "ours", "untouched", "size or weight"),
        (
            refused(400, "400", "Bad Request", field="shipments[0].to.suburb"),
            "address_not_accepted",
            "ours",
            "untouched",
            "do not belong together",
        ),
        (
            refused(400, "40002", field="shipments[0].items[0].product_id"),
            "invalid_request",
            "ours",
            "untouched",
            "sent at shipments[0].items[0].product_id (40002);",
        ),
        (answer(FRAMEWORK, 422), "invalid_request", "ours", "untouched", "sent (unprocessable_entity);"),
        (refused(404, "44013"), "not_found", "ours", "untouched", "nothing under the id"),
        (refused(400, "44017"), "already_ordered", "ours", "untouched", "in an order already"),
        (gateway(401, "API_001"), "unauthorized", "configuration", "untouched expired", "credential"),
        (gateway(403, "API_003"), "forbidden", "configuration", "untouched", "permissions"),
        (gateway(429, "API_002"), "rate_limited", "ours", "retryable untouched", "too much"),
        (gateway(403, "API_002"), "rate_limited", "ours", "retryable untouched", "too much"),
        (answer("<html>", 400, content_type="text/html"), "http_400", "ours", "untouched", "HTTP 400"),
        (refused(500, "99999"), "http_500", "theirs", "retryable counts", "trouble"),
        (refused(503, "41001"), "http_503", "theirs", "retryable counts", "trouble"),
    ],
)
def test_recorded_error_gets_its_verdict_in_each_of_its_three_styles(
    post: AustraliaPost, response: Response, error_type: str, fault: Fault, flags: str, says: str
) -> None:
    verdict = post.classify(CREATE, response)

    assert verdict is not None
    assert says in verdict.message
    assert "Ann Roe" not in verdict.message
    assert verdict == Verdict(
        error_type=error_type,
        fault=fault,
        message=verdict.message,
        retryable="retryable" in flags,
        counts="counts" in flags,
        untouched="untouched" in flags,
        expired="expired" in flags,
    )


@pytest.mark.parametrize(("headers", "wait"), [({}, None), ({"Retry-After": "7"}, 7.0)])
def test_wait_after_too_many_requests_is_the_vendors_where_it_gives_one(
    post: AustraliaPost, headers: dict[str, str], wait: float | None
) -> None:
    body = {"errors": [{"error_code": "API_002", "error_name": "Too many requests"}]}
    verdict = post.classify(CREATE, answer(body, 429, headers))

    assert verdict is not None
    assert verdict.retry_after == wait


@pytest.mark.parametrize(
    ("path", "body", "error_type", "fault"),
    [
        ("/prices/items", {"items": [{"prices": [], "errors": [{"code": "42010"}]}]}, "parcel_not_accepted", "ours"),
        ("/prices/items", {"items": [{"errors": [{"code": "44003"}]}]}, "invalid_request", "ours"),
        ("/shipments", {"errors": [{"code": "42012"}]}, "not_served", "ours"),
        ("/labels", {"labels": [{"request_id": "c", "status": "ERROR"}]}, "label_failed", "theirs"),
    ],
)
def test_failure_inside_a_200_is_a_failure(
    post: AustraliaPost, path: str, body: Any, error_type: str, fault: Fault
) -> None:
    verdict = post.classify(Request(method="POST", path=path), answer(body))

    assert verdict is not None
    assert (verdict.error_type, verdict.fault, verdict.business) == (error_type, fault, True)


def test_what_the_headers_say_of_each_window_is_seen(post: AustraliaPost) -> None:
    headers = {
        "X-RateLimit-Limit-minute": "10",
        "X-RateLimit-Remaining-minute": "0",
        "X-RateLimit-Limit-day": "5000",
        "X-RateLimit-Remaining-day": "many",
    }

    assert list(post.quotas_seen(answer({}, headers=headers))) == [
        QuotaSeen(quota="minute", limit=10, remaining=0),
        QuotaSeen(quota="day", limit=5000),
    ]


def test_tracking_has_a_quota_of_its_own_that_can_be_set() -> None:
    (quota,) = VENDOR.quotas

    assert (quota.name, quota.limit, quota.seconds) == ("tracking", 10, 60)
    assert [one.name for one in VENDOR.operations if quota.covers(one.name)] == ["track_shipment"]


@pytest.mark.parametrize(
    ("operation", "value", "replies", "field"),
    [
        ("quote_rates", QUOTE, [answer(b"[]")], "body"),
        ("quote_rates", QUOTE, [answer(b'{"items')], "body"),
        ("quote_rates", QUOTE, [answer({})], "items"),
        (
            "quote_rates",
            QUOTE,
            [answer({"items": [{"prices": [{"product_id": "E"}]}]})],
            "items.0.prices.0.calculated_price",
        ),
        ("create_shipment", ORDER, [answer({}, 201)], "shipments"),
        ("create_shipment", ORDER, [answer({"shipments": []}, 201)], "shipments"),
        ("create_shipment", ORDER, [answer({"shipments": [{"items": []}]}, 201)], "shipments.0.shipment_id"),
        ("create_shipment", ORDER, [SHIPPED, answer({"labels": []})], "labels"),
        ("create_shipment", ORDER, [SHIPPED, label(url="")], "labels.0.url"),
        ("create_shipment", ORDER, [SHIPPED, answer({"labels": [{"status": "PENDING"}]})], "labels.0.request_id"),
        (
            "create_shipment",
            ORDER,
            [answer({"shipments": [shipment(items=[{"item_id": "i"}])]}, 201), label(), PDF],
            "shipments.0.items.0.tracking_details",
        ),
        ("track_shipment", TRACK, [answer({})], "tracking_results"),
        ("cancel_shipment", CANCEL, [answer({})], "shipments"),
    ],
)
async def test_answer_we_no_longer_understand_names_the_field(
    post: AustraliaPost, operation: str, value: Any, replies: list[Response], field: str
) -> None:
    with pytest.raises(SchemaDrift) as caught:
        await run(post, FakeExchange(post, operation, replies), value)

    assert caught.value.field == field


def test_nothing_personal_and_no_secret_is_kept_in_a_record() -> None:
    never = {"name", "business_name", "lines", "suburb", "phone", "email", "message", "url", "label_url", "value"}

    assert not never & VENDOR.kept_fields
