"""FedEx's adapter against FedEx's own contract, its recorded errors and the traps of its interface."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.adapter import Access
from integrations.errors import BusinessFailed, Fault, HttpFailed, InvalidInput, SchemaDrift, Unsupported
from integrations.outcome import Request, Response, Verdict
from integrations.types.base import Money
from integrations.types.shipping import Shipment, ShipmentOrder
from integrations.vendors.fedex import Fedex
from integrations.vendors.fedex.adapter import LOOK_UP_WAITS
from integrations.vendors.fedex.declaration import VENDOR
from integrations.vendors.fedex.messages import rate_body, ship_body
from tests.contracts import contract
from tests.integrations.vendors.exchange import NOON, FakeExchange, adapter_with_sandbox_credentials, answer, run
from tests.integrations.vendors.openapi import document, problems, unknown_fields

QUOTE: dict[str, Any] = dict(VENDOR.operations[0].example)
ORDER: dict[str, Any] = dict(VENDOR.operations[1].example)
TRACK = {"tracking_number": "794600000001"}
BEARER = Access(headers={"authorization": "Bearer t-1"}, expires_in=3599)

RATES = {
    "transactionId": "624deea6",
    "output": {
        "rateReplyDetails": [
            {
                "serviceType": "INTERNATIONAL_ECONOMY",
                "serviceName": "FedEx International Economy",
                "commit": {
                    "dateDetail": {"dayFormat": "2026-10-06T18:00:00"},
                    "transitDays": {"minimumTransitTime": "FOUR_DAYS"},
                },
                "ratedShipmentDetails": [
                    {"rateType": "LIST", "totalNetCharge": 61.2, "shipmentRateDetail": {"currency": "USD"}},
                    {"rateType": "ACCOUNT", "totalNetCharge": 38.54, "currency": "USD"},
                ],
            }
        ]
    },
}
SHIPPED = {
    "output": {
        "transactionShipments": [
            {
                "serviceType": "INTERNATIONAL_ECONOMY",
                "masterTrackingNumber": "794953535000",
                "pieceResponses": [
                    {
                        "trackingNumber": "794953535000",
                        "packageDocuments": [{"contentType": "LABEL", "docType": "PDF", "encodedLabel": "JVBERi0="}],
                    }
                ],
                "completedShipmentDetail": {
                    "shipmentRating": {"shipmentRateDetails": [{"totalNetCharge": 60.25, "currency": "USD"}]}
                },
            }
        ]
    }
}


def tracked(*results: dict[str, Any]) -> dict[str, Any]:
    return {"output": {"completeTrackResults": [{"trackingNumber": "794600000001", "trackResults": list(results)}]}}


def refused(code: str, status: int, message: str = "…") -> Response:
    return answer({"transactionId": "t", "errors": [{"code": code, "message": message}]}, status)


@pytest.fixture
def fedex() -> Fedex:
    adapter = adapter_with_sandbox_credentials(Fedex)
    assert isinstance(adapter, Fedex)
    return adapter


# --- what we send, held against the contract --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "value", "reply", "file", "path", "method", "schema"),
    [
        ("quote_rates", QUOTE, RATES, "rate-api", "/rate/v1/rates/quotes", "post", "Full_Schema_Quote_Rate"),
        ("create_shipment", ORDER, SHIPPED, "ship-api", "/ship/v1/shipments", "post", "Full_Schema_Ship"),
        (
            "cancel_shipment",
            TRACK,
            {"output": {"cancelledShipment": True}},
            "ship-api",
            "/ship/v1/shipments/cancel",
            "put",
            "Full_Schema_Cancel_Shipment",
        ),
        (
            "track_shipment",
            TRACK,
            tracked(),
            "track",
            "/track/v1/trackingnumbers",
            "post",
            "Full_Schema_Tracking_Numbers",
        ),
    ],
)
async def test_request_keeps_to_the_published_contract(
    fedex: Fedex, operation: str, value: Any, reply: Any, file: str, path: str, method: str, schema: str
) -> None:
    published = document(contract(f"fedex/{file}.json"))
    exchange = FakeExchange(fedex, operation, [answer(reply)])
    await run(fedex, exchange, value)
    wanted = {"$ref": f"#/components/schemas/{schema}"}

    assert method in published["paths"][path]
    assert (exchange.last.method.lower(), exchange.last.path) == (method, path)
    assert problems(published, wanted, exchange.last.json) == []
    assert unknown_fields(published, wanted, exchange.last.json) == []


async def test_look_up_keeps_to_the_published_contract(fedex: Fedex) -> None:
    published = document(contract("fedex/track.json"))
    exchange = FakeExchange(
        fedex, "create_shipment", [answer(tracked({"trackingNumberInfo": {"trackingNumber": "7"}}))]
    )
    await fedex.look_up_create_shipment(exchange, ShipmentOrder.model_validate(ORDER))
    wanted = {"$ref": "#/components/schemas/Full_Schema_Tracking_References"}

    assert exchange.last.step == "look_up"
    assert problems(published, wanted, exchange.last.json) == []
    assert unknown_fields(published, wanted, exchange.last.json) == []


async def test_sign_in_sends_a_form_and_takes_over_the_lifetime(fedex: Fedex) -> None:
    exchange = FakeExchange(fedex, "track_shipment", [answer({"access_token": "abc", "expires_in": 3599})])
    access = await fedex.sign_in(exchange)

    assert access == Access(headers={"authorization": "Bearer abc"}, expires_in=3599)
    assert (exchange.last.path, exchange.last.step, exchange.last.signed) == ("/oauth/token", "sign_in", False)
    assert dict(exchange.last.form or ())["grant_type"] == "client_credentials"


async def test_tracking_project_has_its_own_token() -> None:
    settings = {"CLIENT_ID": "a", "CLIENT_SECRET": "b", "TRACK_CLIENT_ID": "c", "TRACK_CLIENT_SECRET": "d"}
    fedex = Fedex(settings)
    tokens = [answer({"access_token": "ship", "expires_in": 3599}), answer({"access_token": "track", "expires_in": 60})]
    access = await fedex.sign_in(FakeExchange(fedex, "track_shipment", tokens))
    ship, track = (Request(method="POST", path=path) for path in ("/ship/v1/shipments", "/track/v1/trackingnumbers"))

    assert access.expires_in == 60
    assert fedex.authorise(ship, access) == {"authorization": "Bearer ship"}
    assert fedex.authorise(track, access) == {"authorization": "Bearer track"}


# --- what comes back --------------------------------------------------------------------------------------------------


async def test_quote_takes_the_price_of_the_account_before_the_list_price(fedex: Fedex) -> None:
    (quote,) = await run(fedex, FakeExchange(fedex, "quote_rates", [answer(RATES)]), QUOTE)

    assert quote.price == Money.model_validate({"amount": "38.54", "currency": "USD"})
    assert (quote.transit_days, quote.delivery_date.isoformat(), quote.as_of) == (4, "2026-10-06", NOON)


async def test_created_shipment_has_its_label_and_price(fedex: Fedex) -> None:
    made = await run(fedex, FakeExchange(fedex, "create_shipment", [answer(SHIPPED)]), ORDER)

    assert (made.tracking_number, made.reference) == ("794953535000", "EXAMPLE-1001")
    assert (made.labels[0].format, made.labels[0].content) == ("PDF", "JVBERi0=")
    assert made.price == Money.model_validate({"amount": "60.25", "currency": "USD"})


async def test_second_cancellation_is_a_cancellation(fedex: Fedex) -> None:
    reply = {"output": {"cancelledShipment": False, "cancelledHistory": True}}
    word = await run(fedex, FakeExchange(fedex, "cancel_shipment", [answer(reply)]), TRACK)

    assert word.cancelled


async def test_our_reference_stands_on_every_piece(fedex: Fedex) -> None:
    two = {**ORDER["shipment"], "parcels": [{"weight_kg": "1"}, {"weight_kg": "2"}]}
    exchange = FakeExchange(fedex, "create_shipment", [answer(SHIPPED)])
    await run(fedex, exchange, {**ORDER, "shipment": two})
    pieces = exchange.last.json["requestedShipment"]["requestedPackageLineItems"]

    assert [piece["customerReferences"][0]["value"] for piece in pieces] == ["EXAMPLE-1001", "EXAMPLE-1001"]


async def test_look_up_finds_the_shipment_by_our_reference(fedex: Fedex) -> None:
    found = tracked({"trackingNumberInfo": {"trackingNumber": "794953535000"}, "serviceDetail": {"type": "GROUND"}})
    exchange = FakeExchange(fedex, "create_shipment", [answer(found)])
    made = await fedex.look_up_create_shipment(exchange, ShipmentOrder.model_validate(ORDER))

    assert made is not None
    assert made.tracking_number == "794953535000"


async def test_look_up_waits_for_a_label_that_is_found_late_before_it_says_no(fedex: Fedex) -> None:
    nothing = answer(tracked({"error": {"code": "TRACKING.REFERENCENUMBER.NOTFOUND"}}))
    exchange = FakeExchange(fedex, "create_shipment", [nothing] * len(LOOK_UP_WAITS))
    made = await fedex.look_up_create_shipment(exchange, ShipmentOrder.model_validate(ORDER))

    assert made is None
    assert exchange.slept == [wait for wait in LOOK_UP_WAITS if wait]


# --- refused before anything is sent -----------------------------------------------------------------------------------


def changed(part: str, **fields: Any) -> Shipment:
    return Shipment.model_validate({**QUOTE, part: {**QUOTE[part], **fields}})


@pytest.mark.parametrize(
    ("shipment", "field"),
    [
        (changed("destination", postal_code=""), "destination.postal_code"),
        (changed("origin", postal_code="12345678901"), "origin.postal_code"),
    ],
    ids=["none", "too long"],
)
def test_quote_without_a_usable_postal_code_is_refused(shipment: Shipment, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        rate_body("1", shipment, NOON.date())

    assert caught.value.field == field


def test_country_without_postal_codes_needs_none() -> None:
    body = rate_body("1", changed("destination", country="AE", postal_code="", state=""), NOON.date())

    assert body["requestedShipment"]["recipient"]["address"]["postalCode"] == ""


def test_more_than_forty_parcels_are_unsupported() -> None:
    many = Shipment.model_validate({**QUOTE, "parcels": [{"weight_kg": "1"}] * 41})

    with pytest.raises(Unsupported, match="at most 40 parcels"):
        rate_body("1", many, NOON.date())


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"lines": []}, "shipment.destination.lines"),
        ({"city": ""}, "shipment.destination.city"),
        ({"phone": ""}, "shipment.destination.phone"),
        ({"name": ""}, "shipment.destination.name"),
    ],
    ids=["lines", "city", "phone", "name"],
)
def test_order_without_a_required_field_is_refused(fields: dict[str, Any], field: str) -> None:
    order = ShipmentOrder(shipment=changed("destination", **fields), service_code="X")

    with pytest.raises(InvalidInput) as caught:
        ship_body("1", order, NOON.date())

    assert caught.value.field == field


def test_parcel_across_a_border_needs_its_contents() -> None:
    bare = Shipment.model_validate({**QUOTE, "contents": [], "declared_value": None})

    with pytest.raises(InvalidInput, match="customs"):
        ship_body("1", ShipmentOrder(shipment=bare, service_code="X"), NOON.date())


def test_quebec_is_pq_for_fedex() -> None:
    address = rate_body("1", Shipment.model_validate(QUOTE), NOON.date())["requestedShipment"]["recipient"]["address"]

    assert address["stateOrProvinceCode"] == "PQ"


def test_dimensions_are_whole_centimetres_never_smaller() -> None:
    (item,) = rate_body("1", Shipment.model_validate(QUOTE), NOON.date())["requestedShipment"][
        "requestedPackageLineItems"
    ]

    assert item["dimensions"] == {"length": 40, "width": 30, "height": 13, "units": "CM"}


# --- errors ----------------------------------------------------------------------------------------------------------

TOKEN, SHIP, CANCEL, TRACKING = (
    "/oauth/token",
    "/ship/v1/shipments",
    "/ship/v1/shipments/cancel",
    "/track/v1/trackingnumbers",
)
SHORT = "We have received too many requests in a short duration. Please wait a while to try again."


@pytest.mark.parametrize(
    ("path", "response", "error_type", "fault", "flags", "retry_after"),
    [
        (SHIP, refused("NOT.AUTHORIZED.ERROR", 401), "unauthorized", "configuration", "untouched expired", None),
        (SHIP, refused("LOGIN.REAUTHENTICATE.ERROR", 401), "unauthorized", "configuration", "untouched expired", None),
        (TOKEN, refused("NOT.AUTHORIZED.ERROR", 401), "unauthorized", "configuration", "untouched", None),
        (TOKEN, refused("FORBIDDEN.ERROR", 403), "token_penalty", "ours", "untouched", 600.0),
        (SHIP, refused("FORBIDDEN.ERROR", 403), "forbidden", "configuration", "untouched", None),
        (SHIP, refused("ACCOUNT.NUMBER.MISMATCH", 400), "account_not_allowed", "configuration", "untouched", None),
        (SHIP, refused("SHIPMENT.USER.UNAUTHORIZED", 403), "account_not_allowed", "configuration", "untouched", None),
        (CANCEL, refused("TRACKINGNUMBER.ENTERED.INVALID", 400), "invalid_tracking_number", "ours", "untouched", None),
        (SHIP, refused("SOMETHING.NEW", 400), "http_400", "ours", "untouched", None),
        (SHIP, refused("NOT.FOUND.ERROR", 404), "not_found", "ours", "untouched", None),
        (SHIP, answer({"error": "NOT.FOUND.ERROR", "error_detail": "x"}, 404), "not_found", "ours", "untouched", None),
        (SHIP, refused("INTERNAL.SERVER.ERROR", 500), "http_500", "theirs", "retryable counts", None),
        (SHIP, refused("SERVICE.UNAVAILABLE.ERROR", 503), "http_503", "theirs", "retryable counts", None),
        (SHIP, answer("<html>down</html>", 502, content_type="text/html"), "http_502", "theirs", "retryable counts", None),
        (SHIP, refused("TOO.MANY", 429, SHORT), "rate_limited", "ours", "retryable untouched", 10.0),
    ],
)  # fmt: skip
def test_recorded_error_gets_its_verdict(
    fedex: Fedex,
    path: str,
    response: Response,
    error_type: str,
    fault: Fault,
    flags: str,
    retry_after: float | None,
) -> None:
    verdict = fedex.classify(Request(method="POST", path=path), response)

    assert verdict is not None
    assert verdict == Verdict(
        error_type=error_type,
        fault=fault,
        message=verdict.message,
        retryable="retryable" in flags,
        retry_after=retry_after,
        counts="counts" in flags,
        untouched="untouched" in flags,
        expired="expired" in flags,
    )
    assert verdict.message.startswith("FedEx")


def test_spent_daily_quota_lasts_until_midnight_gmt(fedex: Fedex) -> None:
    body = {"errors": [{"code": "QUOTA.EXCEEDED", "message": "The daily quota of the organization is spent."}]}
    response = answer(body, 429, {"Date": "Thu, 01 Oct 2026 22:30:00 GMT"})
    verdict = fedex.classify(Request(method="POST", path=SHIP), response)
    (seen,) = fedex.quotas_seen(response)

    assert verdict is not None
    assert (verdict.error_type, verdict.retryable, verdict.retry_after) == ("daily_quota_spent", False, 5400.0)
    assert (seen.quota, seen.remaining, seen.reset) == ("organisation_day", 0, 5400.0)


def test_short_throttling_empties_the_ten_second_window(fedex: Fedex) -> None:
    (seen,) = fedex.quotas_seen(refused("TOO.MANY", 429, SHORT))

    assert (seen.quota, seen.remaining, seen.reset) == ("project", 0, 10.0)
    assert list(fedex.quotas_seen(answer({}))) == []


async def test_number_fedex_does_not_know_is_an_answer(fedex: Fedex) -> None:
    reply = answer(tracked({"error": {"code": "TRACKING.TRACKINGNUMBER.NOTFOUND", "message": "…"}}))
    where = await run(fedex, FakeExchange(fedex, "track_shipment", [reply]), TRACK)

    assert (where.status, where.events) == ("unknown", ())


async def test_error_of_a_number_inside_a_200_is_a_business_failure(fedex: Fedex) -> None:
    reply = answer(tracked({"error": {"code": "TRACKING.TRACKINGNUMBER.EMPTY", "message": "…"}}))

    with pytest.raises(BusinessFailed) as caught:
        await run(fedex, FakeExchange(fedex, "track_shipment", [reply]), TRACK)

    assert (caught.value.error_type, caught.value.status, caught.value.retryable) == (
        "invalid_tracking_number",
        200,
        False,
    )


async def test_reused_number_shows_the_newest_shipment(fedex: Fedex) -> None:
    def result(unique: str, code: str, at: str) -> dict[str, Any]:
        return {
            "trackingNumberInfo": {"trackingNumber": "7", "trackingNumberUniqueId": unique},
            "latestStatusDetail": {"derivedCode": code},
            "scanEvents": [{"date": at, "derivedStatusCode": code, "eventDescription": "…"}],
        }

    old = result("2459000000~7~FX", "DL", "2023-05-01T10:00:00-05:00")
    new = result("2461000000~7~FX", "OD", "2026-10-01T08:00:00-05:00")
    where = await run(fedex, FakeExchange(fedex, "track_shipment", [answer(tracked(old, new))]), TRACK)

    assert where.status == "out_for_delivery"


async def test_time_without_an_offset_is_left_out_rather_than_guessed(fedex: Fedex) -> None:
    result = {
        "latestStatusDetail": {"derivedCode": "DL"},
        "scanEvents": [
            {"date": "2026-10-01T09:30:00+02:00", "derivedStatusCode": "DL", "scanLocation": {"city": "Bonn"}},
            {"date": "2026-09-30T09:30:00", "derivedStatusCode": "PU"},
        ],
        "dateAndTimes": [{"type": "ACTUAL_DELIVERY", "dateTime": "2026-10-01T00:00:00"}],
    }
    where = await run(fedex, FakeExchange(fedex, "track_shipment", [answer(tracked(result))]), TRACK)

    assert where.events[0].at is not None
    assert where.events[0].at.isoformat() == "2026-10-01T07:30:00+00:00"
    assert where.events[1].at is None
    assert where.delivered_at == where.events[0].at


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"output"', "body"),
        (b"[]", "body"),
        ({"transactionId": "t"}, "output"),
        ({"output": {"rateReplyDetails": [{"serviceType": "X", "ratedShipmentDetails": []}]}}, "ratedShipmentDetails"),
        (
            {"output": {"rateReplyDetails": [{"serviceType": "X", "ratedShipmentDetails": [{"totalNetCharge": "?"}]}]}},
            "output.rateReplyDetails.0.ratedShipmentDetails.0.totalNetCharge",
        ),
    ],
    ids=["cut off", "a list", "no output", "no price", "price is no number"],
)
async def test_answer_we_no_longer_understand_names_the_field(fedex: Fedex, body: Any, field: str) -> None:
    with pytest.raises(SchemaDrift) as caught:
        await run(fedex, FakeExchange(fedex, "quote_rates", [answer(body)]), QUOTE)

    assert caught.value.field == field


async def test_failure_of_the_look_up_is_not_a_no(fedex: Fedex) -> None:
    exchange = FakeExchange(fedex, "create_shipment", [refused("INTERNAL.SERVER.ERROR", 500)])

    with pytest.raises(HttpFailed):
        await fedex.look_up_create_shipment(exchange, ShipmentOrder.model_validate(ORDER))


def test_nothing_personal_and_no_secret_is_kept_in_a_record() -> None:
    never = {
        "personName",
        "phoneNumber",
        "emailAddress",
        "streetLines",
        "client_secret",
        "access_token",
        "encodedLabel",
    }

    assert not never & VENDOR.kept_fields
