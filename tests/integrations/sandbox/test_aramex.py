from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import zeep
import zeep.exceptions
from lxml import etree

from integrations.sandbox.aramex.schema import TYPES
from tests.contracts import contract
from tests.integrations.sandbox.conftest import Sandbox, Start

NS = "{http://ws.aramex.net/ShippingAPI/v1/}"
CLIENT = {
    "UserName": "shop@example.com",
    "Password": "secret-test",
    "Version": "v1.0",
    "AccountNumber": "90001",
    "AccountPin": "123123",
    "AccountEntity": "AMM",
    "AccountCountryCode": "JO",
}
TRANSACTION = {f"Reference{number}": str(number) for number in range(1, 6)}
AMMAN = {"Line1": "Mecca St 1", "City": "Amman", "CountryCode": "JO"}
DUBAI = {"Line1": "Sheikh Zayed Rd 2", "City": "Dubai", "CountryCode": "AE"}
CONTACT = {"PersonName": "Sami", "CompanyName": "Shop", "PhoneNumber1": "+96265550100", "CellPhone": "+962795550100"}
DETAILS: dict[str, Any] = {
    "ActualWeight": {"Unit": "KG", "Value": 1.5},
    "DescriptionOfGoods": "Shirt",
    "GoodsOriginCountry": "JO",
    "NumberOfPieces": 1,
    "ProductGroup": "EXP",
    "ProductType": "PPX",
    "PaymentType": "P",
}
SHIPMENT: dict[str, Any] = {
    "Reference1": "A-1",
    "Shipper": {"PartyAddress": AMMAN, "Contact": CONTACT},
    "Consignee": {"PartyAddress": DUBAI, "Contact": CONTACT},
    "ShippingDateTime": datetime(2026, 10, 1, 12, 0),  # noqa: DTZ001 - Aramex's times are local, without a zone
    "Details": DETAILS,
    "ForeignHAWB": "A-1",
}
PICKUP: dict[str, Any] = {
    "PickupAddress": AMMAN,
    "PickupContact": CONTACT,
    "PickupLocation": "Reception",
    "PickupDate": datetime(2026, 10, 2, 9, 0),  # noqa: DTZ001 - local
    "ReadyTime": datetime(2026, 10, 2, 9, 0),  # noqa: DTZ001 - local
    "LastPickupTime": datetime(2026, 10, 2, 15, 0),  # noqa: DTZ001 - local
    "ClosingTime": datetime(2026, 10, 2, 17, 0),  # noqa: DTZ001 - local
    "Reference1": "run-1",
    "PickupItems": {
        "PickupItemDetail": [
            {
                "ProductGroup": "EXP",
                "ProductType": "PPX",
                "NumberOfShipments": 1,
                "NumberOfPieces": 1,
                "ShipmentWeight": {"Unit": "KG", "Value": 1.5},
            }
        ]
    },
}
PUBLISHED = {
    "RateCalculator": ("live/rates-calculator.v2.wsdl", "test/rates-calculator.dev.wsdl"),
    "Shipping": ("live/shipping.wsdl", "test/shipping.dev.wsdl", "portal/shipping.portal.wsdl"),
    "Tracking": ("test/tracking.v2.wsdl",),
    "Location": ("test/location.sbx.wsdl", "test/location.dev.wsdl"),
}
EVERY_WSDL = [(service, path) for service, paths in PUBLISHED.items() for path in paths]

Ask = Callable[..., Awaitable[Any]]


@pytest.fixture
async def sandbox(start: Start) -> Sandbox:
    return await start("aramex")


@contextmanager
def soap_client(wsdl: Any) -> Iterator[zeep.Client]:
    client = zeep.Client(wsdl, settings=zeep.Settings(forbid_dtd=True, forbid_external=True))
    yield client
    client.transport.session.close()


def address(sandbox: Sandbox, service: str) -> str:
    return f"{sandbox.url}/aramex/ShippingAPI.V2/{service}/Service_1_0.svc"


@pytest.fixture
def ask(sandbox: Sandbox) -> Ask:
    """Call one operation through zeep and a published WSDL, whose address alone is changed."""

    def call(service: str, path: Path, operation: str, message: dict[str, Any]) -> Any:
        with soap_client(str(path)) as client:
            binding = next(iter(client.wsdl.bindings))
            proxy = client.create_service(binding, address(sandbox, service))
            return proxy[operation](**message)

    async def ask_one(service: str, operation: str, *, wsdl: str = "", client: Any = CLIENT, **message: Any) -> Any:
        path = contract(f"aramex/{wsdl or PUBLISHED[service][0]}")
        whole = {"ClientInfo": client, "Transaction": TRANSACTION, **message}
        return await asyncio.to_thread(call, service, path, operation, whole)

    return ask_one


def codes(answer: Any) -> list[str]:
    """Return the codes of an answer's notifications; zeep has None for an empty array."""
    return [item.Code for item in (answer.Notifications.Notification if answer.Notifications else [])]


@pytest.mark.parametrize(("service", "path"), EVERY_WSDL)
def test_table_of_types_takes_what_each_published_wsdl_sends(service: str, path: str) -> None:
    schema = "{http://www.w3.org/2001/XMLSchema}"
    seen = 0
    for complex_type in etree.parse(contract(f"aramex/{path}")).iter(f"{schema}complexType"):
        holder = complex_type.getparent()
        name = complex_type.get("name") or (holder.get("name") if holder is not None else "")
        if name not in TYPES:
            continue
        seen += 1
        ours = {item.name: item for item in TYPES[name]}
        theirs = list(complex_type.find(f"{schema}sequence"))
        names = [item.get("name") for item in theirs]
        assert [known for known in ours if known in names] == names, f"{name} in {path}"
        for item in theirs:
            known = ours[item.get("name")]
            assert known.optional or item.get("minOccurs") != "0" or known.repeated, f"{name}.{known.name} in {path}"
            assert known.nillable or item.get("nillable") != "true", f"{name}.{known.name} in {path}"
        for missing in set(ours) - set(names):
            assert ours[missing].optional, f"{name}.{missing} is not in {path}"

    assert seen > 5


async def test_rates_come_through_zeep_for_each_product_and_currency(ask: Ask) -> None:
    async def price(wsdl: str = "", currency: str | None = None, **details: Any) -> tuple[str, Decimal]:
        extra = {"PreferredCurrencyCode": currency} if currency else {}
        answer = await ask(
            "RateCalculator",
            "CalculateRate",
            wsdl=wsdl,
            OriginAddress=AMMAN,
            DestinationAddress=DUBAI,
            ShipmentDetails={**DETAILS, **details},
            **extra,
        )
        assert (answer.HasErrors, codes(answer)) == (False, [])
        assert answer.Transaction.Reference3 == "3"
        return answer.TotalAmount.CurrencyCode, Decimal(str(answer.TotalAmount.Value))

    currency, dinars = await price()
    dollars = await price(currency="USD")

    assert currency == "JOD"
    assert dollars[0] == "USD"
    assert dollars[1] > dinars
    assert (await price(wsdl="test/rates-calculator.dev.wsdl"))[1] == dinars
    assert (await price(ProductType="EPX"))[1] < dinars
    assert (await price(ActualWeight={"Unit": "KG", "Value": 9}))[1] > dinars


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"OriginAddress": {**AMMAN, "City": "Aman"}}, "ERR52"),
        ({"DestinationAddress": {**DUBAI, "CountryCode": "ZZ"}}, "ERR51"),
        ({"DestinationAddress": {"Line1": "x", "City": "Berlin", "CountryCode": "DE"}}, "ERR53"),
        ({"ShipmentDetails": {**DETAILS, "ProductGroup": "DOM", "ProductType": "OND"}}, "ERR63"),
        ({"ShipmentDetails": {**DETAILS, "ProductType": "XXX"}}, "ERR62"),
    ],
)
async def test_bad_rate_request_is_a_200_with_notifications(ask: Ask, change: dict[str, Any], code: str) -> None:
    good = {"OriginAddress": AMMAN, "DestinationAddress": DUBAI, "ShipmentDetails": DETAILS}
    answer = await ask("RateCalculator", "CalculateRate", **{**good, **change})

    assert (answer.HasErrors, codes(answer)) == (True, [code])


@pytest.mark.parametrize("wsdl", PUBLISHED["Shipping"])
async def test_shipment_is_made_labelled_and_tracked(sandbox: Sandbox, ask: Ask, wsdl: str) -> None:
    info = {"ReportID": 9201, "ReportType": "RPT"}
    client = {**CLIENT, "Source": 24} if wsdl.startswith("live") else CLIENT
    made = await ask(
        "Shipping", "CreateShipments", wsdl=wsdl, client=client, Shipments={"Shipment": [SHIPMENT]}, LabelInfo=info
    )
    (done,) = made.Shipments.ProcessedShipment
    printed = await ask(
        "Shipping",
        "PrintLabel",
        wsdl=wsdl,
        client=client,
        ShipmentNumber=done.ID,
        ProductGroup="EXP",
        OriginEntity="AMM",
        LabelInfo={"ReportID": 9729, "ReportType": "URL"},
    )
    async with sandbox.client.get(printed.ShipmentLabel.LabelURL) as label:
        content = await label.read()

    assert (made.HasErrors, done.HasErrors, done.Reference1, done.ForeignHAWB) == (False, False, "A-1", "A-1")
    assert done.ShipmentLabel.LabelFileContents.startswith(b"%PDF-")
    assert content.startswith(b"%PDF-")
    effects = await sandbox.effects("aramex")
    assert [(e["kind"], e["reference"], e["id"]) for e in effects] == [("shipment", "A-1", done.ID)]
    assert re.fullmatch(r"\d+\.\d{3} JOD", effects[0]["amount"])
    assert [r["operation"] for r in await sandbox.requests("aramex")][:1] == ["create_shipment"]


async def test_one_bad_shipment_of_a_batch_spoils_only_itself(sandbox: Sandbox, ask: Ask) -> None:
    lost = {**SHIPMENT, "Consignee": {"PartyAddress": {**DUBAI, "City": "Nowhere"}, "Contact": CONTACT}}
    client = {**CLIENT, "Source": 24}
    answer = await ask("Shipping", "CreateShipments", client=client, Shipments={"Shipment": [SHIPMENT, lost]})
    good, bad = answer.Shipments.ProcessedShipment

    assert answer.HasErrors is True
    assert (good.HasErrors, bad.HasErrors, bad.ID) == (False, True, None)
    assert codes(bad) == ["ERR52"]
    assert len(await sandbox.effects("aramex")) == 1


async def test_tracking_moves_with_time_and_unknown_waybills_stand_apart(sandbox: Sandbox, ask: Ask) -> None:
    client = {**CLIENT, "Source": 24}
    made = await ask("Shipping", "CreateShipments", client=client, Shipments={"Shipment": [SHIPMENT]})
    number = made.Shipments.ProcessedShipment[0].ID
    seen = []
    for last_only in (True, False):
        answer = await ask(
            "Tracking",
            "TrackShipments",
            Shipments={"string": [number, "1"]},
            GetLastTrackingUpdateOnly=last_only,
        )
        (pair,) = answer.TrackingResults.KeyValueOfstringArrayOfTrackingResultmFAkxlpY
        seen.append([result.UpdateCode for result in pair.Value.TrackingResult])
        sandbox.clock.move(10 * 86_400)
    answer = await ask("Tracking", "TrackShipments", Shipments={"string": [number]}, GetLastTrackingUpdateOnly=False)
    (pair,) = answer.TrackingResults.KeyValueOfstringArrayOfTrackingResultmFAkxlpY
    times = [result.UpdateDateTime for result in pair.Value.TrackingResult]

    assert seen[0] == ["SH014"]
    assert seen[1] == ["SH005", "SH003", "SH001", "SH022", "SH047", "SH012", "SH014"]
    assert pair.Key == number
    assert times == sorted(times, reverse=True)
    assert times[0].tzinfo is None
    unknown = await ask("Tracking", "TrackShipments", Shipments={"string": ["1"]}, GetLastTrackingUpdateOnly=True)
    assert (unknown.HasErrors, unknown.NonExistingWaybills.string) == (False, ["1"])


async def test_pickup_is_made_once_tracked_and_cancelled_once(sandbox: Sandbox, ask: Ask) -> None:
    client = {**CLIENT, "Source": 24}
    made = await ask("Shipping", "CreatePickup", client=client, Pickup=PICKUP)
    pickup = made.ProcessedPickup
    again = await ask("Shipping", "CreatePickup", client=client, Pickup=PICKUP)
    tracked = await ask("Tracking", "TrackPickup", Reference=pickup.ID)
    cancelled = await ask("Shipping", "CancelPickup", client=client, PickupGUID=pickup.GUID, Comments="no")
    twice = await ask("Shipping", "CancelPickup", client=client, PickupGUID=pickup.GUID, Comments="no")
    unknown = await ask("Tracking", "TrackPickup", Reference="none")

    assert (made.HasErrors, pickup.Reference1) == (False, "run-1")
    assert again.HasErrors is True
    (notification,) = again.Notifications.Notification
    assert notification.Message == f"Duplicate collection already exists ({pickup.ID})"
    assert (tracked.HasErrors, tracked.Reference, tracked.LastStatusDescription) == (
        False,
        pickup.ID,
        "Pickup scheduled",
    )
    assert (cancelled.HasErrors, twice.HasErrors, unknown.HasErrors) == (False, True, True)
    assert [e["kind"] for e in await sandbox.effects("aramex")] == ["pickup", "cancel"]


@pytest.mark.parametrize("wsdl", PUBLISHED["Location"])
async def test_places_are_listed_and_addresses_judged(ask: Ask, wsdl: str) -> None:
    countries = await ask("Location", "FetchCountries", wsdl=wsdl)
    country = await ask("Location", "FetchCountry", wsdl=wsdl, Code="DE")
    cities = await ask("Location", "FetchCities", wsdl=wsdl, CountryCode="AE", NameStartsWith="A")
    offices = await ask("Location", "FetchOffices", wsdl=wsdl, CountryCode="JO")
    good = await ask("Location", "ValidateAddress", wsdl=wsdl, Address=DUBAI)
    bad = await ask("Location", "ValidateAddress", wsdl=wsdl, Address={**DUBAI, "City": "Dubay"})

    assert {"AE", "JO", "DE"} <= {item.Code for item in countries.Countries.Country}
    assert (country.Country.IsoCode, country.Country.PostCodeRequired) == ("DEU", True)
    assert cities.Cities.string == ["Abu Dhabi", "Ajman", "Al Ain"]
    assert [office.Entity for office in offices.Offices.Office] == ["AMM"]
    assert good.HasErrors is False
    assert (bad.HasErrors, codes(bad)) == (True, ["ERR52"])
    assert [item.City for item in bad.SuggestedAddresses.Address] == ["Dubai"]


async def test_bad_password_blocks_the_user_after_five(sandbox: Sandbox, ask: Ask) -> None:
    bad = {**CLIENT, "Password": "invalid"}
    seen = [codes(await ask("Location", "FetchCountries", client=bad)) for _ in range(5)]
    blocked = codes(await ask("Location", "FetchCountries"))
    other = codes(await ask("Location", "FetchCountries", client={**CLIENT, "UserName": "other@example.com"}))
    sandbox.clock.move(86_401)
    after = codes(await ask("Location", "FetchCountries"))
    mismatch = codes(await ask("Location", "FetchCountries", client={**CLIENT, "AccountPin": ""}))

    assert seen == [["ERR01"]] * 5
    assert (blocked, other, after, mismatch) == (["ERR03"], [], [], ["ERR82"])


def envelope(body: str, header: str = "") -> bytes:
    return (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:v1="http://ws.aramex.net/ShippingAPI/v1/">'
        f"{header}<s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def client_info(*names: str) -> str:
    return "".join(f"<v1:{name}>{CLIENT[name]}</v1:{name}>" for name in names or CLIENT)


async def post(sandbox: Sandbox, service: str, operation: str, body: bytes, **headers: str) -> tuple[int, str]:
    named = {
        "Content-Type": "text/xml; charset=utf-8",
        "SOAPAction": f'"http://ws.aramex.net/ShippingAPI/v1/Service_1_0/{operation}"',
        **headers,
    }
    async with sandbox.client.post(address(sandbox, service), data=body, headers=named) as answer:
        return answer.status, await answer.text()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (client_info("Password", "UserName"), "Expecting element 'UserName'"),
        (client_info("UserName", "Password"), "Expecting element 'Version'"),
        ("<v1:UserName>a</v1:UserName><v1:UserName>b</v1:UserName>", "Expecting element 'Password"),
        (client_info() + "<v1:Source>many</v1:Source>", "cannot be parsed as the type 'int'"),
    ],
)
async def test_elements_out_of_order_or_missing_are_a_wcf_fault(sandbox: Sandbox, body: str, expected: str) -> None:
    message = f"<v1:CountriesFetchingRequest><v1:ClientInfo>{body}</v1:ClientInfo></v1:CountriesFetchingRequest>"
    status, text = await post(sandbox, "Location", "FetchCountries", envelope(message))

    assert status == 500
    assert "a:DeserializationFailed" in text
    assert expected in text


async def test_missing_ship_date_is_a_fault_and_makes_nothing(sandbox: Sandbox) -> None:
    party = "<v1:PartyAddress xmlns:i='http://www.w3.org/2001/XMLSchema-instance' i:nil='true'/>"
    party += "<v1:Contact xmlns:i='http://www.w3.org/2001/XMLSchema-instance' i:nil='true'/>"
    shipment = f"<v1:Shipper>{party}</v1:Shipper><v1:Consignee>{party}</v1:Consignee>"
    message = (
        f"<v1:ShipmentCreationRequest><v1:ClientInfo>{client_info()}</v1:ClientInfo>"
        f"<v1:Shipments><v1:Shipment>{shipment}</v1:Shipment></v1:Shipments></v1:ShipmentCreationRequest>"
    )
    status, text = await post(sandbox, "Shipping", "CreateShipments", envelope(message))

    assert status == 500
    assert "Expecting element 'ShippingDateTime'" in text
    assert await sandbox.effects("aramex") == []


@pytest.mark.parametrize(
    ("body", "headers", "status", "expected"),
    [
        (b"<a", {}, 500, "not well-formed"),
        (b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>', {}, 500, "Document type"),
        (envelope("<v1:Other/>"), {}, 500, "CountriesFetchingRequest"),
        (envelope("<v1:CountriesFetchingRequest/>"), {"SOAPAction": '"x"'}, 500, "ActionNotSupported"),
        (envelope("<v1:CountriesFetchingRequest/>"), {"Content-Type": "application/json"}, 415, "content type"),
        (
            envelope("<v1:CountriesFetchingRequest/>", '<s:Header><v1:X s:mustUnderstand="1"/></s:Header>'),
            {},
            500,
            "MustUnderstand",
        ),
    ],
)
async def test_what_is_no_message_of_the_service_is_refused(
    sandbox: Sandbox, body: bytes, headers: dict[str, str], status: int, expected: str
) -> None:
    answered, text = await post(sandbox, "Location", "FetchCountries", body, **headers)

    assert answered == status
    assert expected in text


async def test_pickup_times_with_and_without_a_zone_are_compared(ask: Ask) -> None:
    ready = datetime(2026, 10, 2, 9, 0, tzinfo=UTC)
    answer = await ask(
        "Shipping", "CreatePickup", client={**CLIENT, "Source": 24}, Pickup={**PICKUP, "ReadyTime": ready}
    )

    assert answer.HasErrors is False


async def test_reserved_number_makes_a_shipment_once(sandbox: Sandbox, ask: Ask) -> None:
    message = (
        f"<v1:ReserveRangeRequest><v1:ClientInfo>{client_info()}</v1:ClientInfo><v1:Entity>AMM</v1:Entity>"
        "<v1:ProductGroup>EXP</v1:ProductGroup><v1:Count>2</v1:Count></v1:ReserveRangeRequest>"
    )
    _, text = await post(sandbox, "Shipping", "ReserveShipmentNumberRange", envelope(message))
    found = re.search(r"<FromWaybill>(\d+)</FromWaybill><ToWaybill>(\d+)</ToWaybill>", text)
    assert found is not None
    client = {**CLIENT, "Source": 24}
    numbered = {"Shipment": [{**SHIPMENT, "Number": found[1]}]}
    made = await ask("Shipping", "CreateShipments", client=client, Shipments=numbered)
    again = await ask("Shipping", "CreateShipments", client=client, Shipments=numbered)

    assert int(found[2]) == int(found[1]) + 1
    assert found[1] == made.Shipments.ProcessedShipment[0].ID
    assert codes(again.Shipments.ProcessedShipment[0]) == ["ERR24"]
    assert len(await sandbox.effects("aramex")) == 1


@pytest.mark.parametrize(
    "path",
    [
        "/ShippingAPI.V2/RateCalculator/Service_1_0.svc",
        "/shippingapi/shipping/service_1_0.svc",
        "/ShippingAPI.V2/Tracking/Service_1_0.svc",
        "/ShippingAPI/Location/Service_1_0.svc",
    ],
)
async def test_wsdl_is_served_at_every_path_and_names_it(sandbox: Sandbox, path: str) -> None:
    url = f"{sandbox.url}/aramex{path}"
    async with sandbox.client.get(f"{url}?wsdl") as answer:
        document = await answer.read()

    def load() -> tuple[str, int]:
        with soap_client(BytesIO(document)) as client:
            (port,) = client.wsdl.services["Service_1_0"].ports.values()
            return port.binding_options["address"], len(port.binding._operations)

    location, operations = await asyncio.to_thread(load)

    assert location == url
    assert operations >= 1


async def test_faults_have_the_form_of_wcf_and_its_web_server(sandbox: Sandbox, ask: Ask) -> None:
    await sandbox.fault("aramex", "status:500")
    with pytest.raises(zeep.exceptions.Fault, match="internal error"):
        await ask("Location", "FetchCountries")
    await sandbox.control("DELETE", "faults")
    await sandbox.fault("aramex", "status:503")
    status, text = await post(sandbox, "Location", "FetchCountries", b"")
    await sandbox.control("DELETE", "faults")
    await sandbox.fault("aramex", "rate_limit:60")
    limited, _ = await post(sandbox, "Location", "FetchCountries", b"")
    await sandbox.control("DELETE", "faults")
    await sandbox.fault("aramex", "schema")
    answer = await ask("Location", "FetchCities", CountryCode="AE")

    assert (status, "Service Unavailable" in text, limited) == (503, True, 429)
    assert answer.HasErrors is None
