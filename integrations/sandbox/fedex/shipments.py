"""Shipments: made with labels and tracking numbers, cancelled while FedEx does not have them."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from integrations.sandbox import labels
from integrations.sandbox.fedex import rates
from integrations.sandbox.fedex.checks import Reader, account_number, missing, wrong
from integrations.sandbox.fedex.errors import Refused
from integrations.sandbox.fedex.rates import Charge, Place, Service
from integrations.sandbox.twin import World

PICKUPS = ("CONTACT_FEDEX_TO_SCHEDULE", "DROPOFF_AT_FEDEX_LOCATION", "USE_SCHEDULED_PICKUP")
_PAYMENTS = ("SENDER", "RECIPIENT", "THIRD_PARTY", "COLLECT")
_IMAGES = ("ZPLII", "EPL2", "PDF", "PNG")
_PACKAGINGS = (
    "YOUR_PACKAGING", "FEDEX_ENVELOPE", "FEDEX_BOX", "FEDEX_SMALL_BOX", "FEDEX_MEDIUM_BOX", "FEDEX_LARGE_BOX",
    "FEDEX_EXTRA_LARGE_BOX", "FEDEX_10KG_BOX", "FEDEX_25KG_BOX", "FEDEX_PAK", "FEDEX_TUBE",
)  # fmt: skip
_KEPT = 50_000
# Numbers an example can ask for on a fresh sandbox: one to track, one to cancel.
SAMPLES = frozenset({"794600000001", "794600000002"})


@dataclass(slots=True, kw_only=True)
class Shipped:
    """One package: where it goes, what it cost, and since when it exists."""

    tracking_number: str
    master: str
    references: dict[str, str]  # customerReferenceType -> value
    account: str
    service: Service
    origin: Place
    destination: Place
    cities: tuple[str, str]
    kg: Decimal
    ship_date: date
    made: float  # Unix seconds
    days: int
    cancelled: bool = False


class Shipments:
    """The packages by tracking number."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._random = world.chance(f"fedex.shipments:{world.now():.0f}")
        self.packages: dict[str, Shipped] = {}
        self.documents: dict[str, tuple[str, bytes]] = {}  # tracking number -> (image type, label)

    def __repr__(self) -> str:
        return f"<Shipments {len(self.packages)} packages>"

    def create(self, body: Reader, base_url: str) -> dict[str, Any]:
        """Make a shipment of one package or more and return FedEx's ``output``."""
        account = account_number(body)
        response = body.one_of("labelResponseOptions", ("URL_ONLY", "LABEL"))
        asked = body.object("requestedShipment")
        shipper, recipients = asked.object("shipper"), asked.objects("recipients")
        origin, destination = _party(shipper), _party(recipients[0])
        asked.one_of("pickupType", PICKUPS)
        packaging = asked.one_of("packagingType", _PACKAGINGS)
        service = _service(asked, origin, destination)
        asked.number("totalWeight")
        _payment(asked.object("shippingChargesPayment"), account)
        label = asked.object("labelSpecification")
        image = label.one_of("imageType", _IMAGES)
        label.text("labelStockType")
        lines = asked.objects("requestedPackageLineItems")
        kg = rates.weight_kg(lines)
        if origin.country != destination.country:
            _customs(asked)
        ship_date = self._ship_date(asked)
        references = [_references(line) for line in lines]
        price = rates.charge(service, origin, destination, kg)
        days = rates.transit(service, origin, destination)
        numbers = [self._number() for _ in lines]
        cities = shipper.object("address").text("city"), recipients[0].object("address").text("city")
        for number, line, named in zip(numbers, lines, references, strict=True):
            self._keep(
                Shipped(
                    tracking_number=number,
                    master=numbers[0],
                    references=named,
                    account=account,
                    service=service,
                    origin=origin,
                    destination=destination,
                    cities=cities,
                    kg=rates.weight_kg([line]),
                    ship_date=ship_date,
                    made=self._world.now(),
                    days=days,
                )
            )
            self.documents[number] = (image, _label(image, number, service, cities, named))
        self._world.ledger.effect(
            vendor="fedex",
            kind="shipment",
            reference=next((value for named in references for value in named.values()), ""),
            id=numbers[0],
            amount=f"{price.net} {price.currency}",
        )
        pieces = [
            self._piece(
                number, position, numbers[0], price, line, image, named, base_url if response == "URL_ONLY" else ""
            )
            for position, (number, line, named) in enumerate(zip(numbers, lines, references, strict=True), start=1)
        ]
        return {
            "transactionShipments": [
                {
                    "serviceType": service.type,
                    "serviceName": service.name,
                    "serviceCategory": "EXPRESS" if service.express else "GROUND",
                    "shipDatestamp": ship_date.isoformat(),
                    "masterTrackingNumber": numbers[0],
                    "alerts": [
                        {
                            "code": "SHIP.RECIPIENT.POSTALCITY.MISMATCH",
                            "alertType": "NOTE",
                            "message": "Recipient Postal-City Mismatch.",
                        }
                    ]
                    if destination.postal_code == "00000"
                    else [],
                    "pieceResponses": pieces,
                    "completedShipmentDetail": _completed(service, origin, destination, price, numbers[0], packaging),
                }
            ]
        }

    def cancel(self, body: Reader) -> dict[str, Any]:
        """Cancel a shipment FedEx has not picked up and return FedEx's ``output``."""
        account = account_number(body)
        number = body.text("trackingNumber")
        body.one_of("deletionControl", ("DELETE_ALL_PACKAGES", "DELETE_ONE_PACKAGE"), "DELETE_ALL_PACKAGES")
        found = self.find(number, account)
        if found is None or found.account != account:
            raise Refused(
                "TRACKINGNUMBER.ENTERED.INVALID",
                "Tracking number is invalid, or does not belong to this account.",
                field="trackingNumber",
            )
        if found.cancelled:
            return {"cancelledShipment": False, "cancelledHistory": True, "message": "Shipment is already cancelled."}
        if self.age_days(found) >= 0.25:
            return {
                "cancelledShipment": False,
                "cancelledHistory": False,
                "message": "Shipment cannot be cancelled: FedEx has the package.",
            }
        for package in self.packages.values():
            if package.master == found.master:
                package.cancelled = True
        self._world.ledger.effect(
            vendor="fedex",
            kind="cancel",
            reference=next(iter(found.references.values()), ""),
            id=found.master,
        )
        return {
            "cancelledShipment": True,
            "cancelledHistory": True,
            "successMessage": "Success",
            "message": "Shipment is successfully cancelled.",
        }

    def find(self, number: str, account: str = "") -> Shipped | None:
        """Return a package; a sample number has one from its first question on, whoever asks."""
        if number in SAMPLES and number not in self.packages:
            now = self._world.now()
            origin = Place(country="US", postal_code="38118", residential=False)
            destination = Place(country="US", postal_code="90210", residential=True)
            self._keep(
                Shipped(
                    tracking_number=number,
                    master=number,
                    references={"CUSTOMER_REFERENCE": f"SAMPLE-{number[-1]}"},
                    account=account,
                    service=rates.services(origin, destination)[0],
                    origin=origin,
                    destination=destination,
                    cities=("Memphis", "Beverly Hills"),
                    kg=Decimal("2.4"),
                    ship_date=datetime.fromtimestamp(now, UTC).date(),
                    made=now,
                    days=2,
                )
            )
        found = self.packages.get(number)
        if found is not None and number in SAMPLES and account:
            found.account = account
        return found

    def age_days(self, shipped: Shipped) -> float:
        """Return how many days a package has been on its way, faster by the setting ``tracking_speed``."""
        speed = float(self._world.setting("fedex", "tracking_speed", 1))
        return (self._world.now() - shipped.made) * speed / 86_400

    def _keep(self, shipped: Shipped) -> None:
        self.packages[shipped.tracking_number] = shipped
        if len(self.packages) > _KEPT:
            oldest = next(iter(self.packages))
            del self.packages[oldest]
            self.documents.pop(oldest, None)

    def _number(self) -> str:
        """Return an unused Express number: eleven digits and their check digit (weights 3 1 7, modulo 11, modulo 10)."""
        while True:
            digits = [7, 9, 4, *(self._random.randrange(10) for _ in range(8))]
            check = sum(digit * weight for digit, weight in zip(digits, (3, 1, 7) * 4, strict=False)) % 11 % 10
            number = "".join(map(str, [*digits, check]))
            if number not in self.packages:
                return number

    def _ship_date(self, asked: Reader) -> date:
        today = datetime.fromtimestamp(self._world.now(), UTC).date()
        text = asked.text("shipDatestamp", today.isoformat())
        try:
            chosen = date.fromisoformat(text)
        except ValueError:
            raise wrong(asked.at("shipDatestamp")) from None
        # A day of grace: the caller's date is the shipper's own, which may be behind or ahead of UTC.
        if not -1 <= (chosen - today).days <= 10:
            raise Refused(
                "SHIPDATE.INVALID", "Invalid ship date: up to 10 days ahead.", field=asked.at("shipDatestamp")
            )
        return chosen

    def _piece(
        self,
        number: str,
        position: int,
        master: str,
        price: Charge,
        line: Reader,
        image: str,
        references: dict[str, str],
        url_base: str,
    ) -> dict[str, Any]:
        document: dict[str, Any] = {
            "contentType": "LABEL",
            "copiesToPrint": 1,
            "docType": image,
            "trackingNumber": number,
        }
        if url_base:
            document["url"] = f"{url_base.rstrip('/')}/document/v2/labels/{number}"
        else:
            document["encodedLabel"] = base64.b64encode(self.documents[number][1]).decode()
        return {
            "trackingNumber": number,
            "masterTrackingNumber": master,
            "trackingIdType": "FEDEX",
            "packageSequenceNumber": position,
            "netChargeAmount": price.net if position == 1 else 0.0,
            "baseRateAmount": price.base if position == 1 else 0.0,
            "netDiscountAmount": 0.0,
            "currency": price.currency,
            "packageDocuments": [document],
            "customerReferences": [
                {"customerReferenceType": kind, "value": value} for kind, value in references.items()
            ],
        }


def _party(party: Reader) -> Place:
    address, contact = party.object("address"), party.object("contact")
    if not address.texts("streetLines"):
        raise missing(address.at("streetLines"))
    address.text("city")
    contact.text("phoneNumber")
    if not ("personName" in contact or "companyName" in contact):
        raise missing(contact.at("personName"))
    found = rates.place(party)
    if found.country == "CA" and address.text("stateOrProvinceCode", "") == "QC":
        # FedEx's own table of province codes has PQ for Quebec.
        raise Refused(
            "STATEORPROVINCECODE.INVALID", "Invalid state or province code.", field=address.at("stateOrProvinceCode")
        )
    return found


def _service(asked: Reader, origin: Place, destination: Place) -> Service:
    wanted = asked.text("serviceType")
    for service in rates.services(origin, destination):
        if service.type == wanted:
            return service
    raise Refused(
        "SERVICE.PACKAGECOMBINATION.INVALID",
        "Invalid service and packaging combination for this origin and destination.",
        field=asked.at("serviceType"),
    )


def _payment(payment: Reader, account: str) -> None:
    kind = payment.one_of("paymentType", _PAYMENTS)
    payor = payment.optional("payor")
    if payor is None:
        if kind != "SENDER":
            raise missing(payment.at("payor"))
        return
    paying = payor.object("responsibleParty").object("accountNumber").text("value")
    if kind == "SENDER" and paying != account:
        raise Refused(
            "ACCOUNT.NUMBER.MISMATCH",
            "When payment Type is SENDER, ShippingChargesPayment Payor AccountNumber should match the shipper account "
            "number.",
        )


def _customs(asked: Reader) -> None:
    """Require what a border asks for: commodities with description, weight and value."""
    for commodity in asked.object("customsClearanceDetail").objects("commodities"):
        commodity.text("description")
        weight = commodity.object("weight")
        weight.one_of("units", ("KG", "LB"))
        weight.number("value")
        value = commodity.optional("customsValue") or commodity.object("unitPrice")
        value.number("amount")
        value.text("currency")


def _references(line: Reader) -> dict[str, str]:
    return {item.text("customerReferenceType"): item.text("value") for item in line.some("customerReferences")}


def _label(image: str, number: str, service: Service, cities: tuple[str, str], references: dict[str, str]) -> bytes:
    lines = ["SANDBOX - NOT FOR SHIPPING", service.type, f"TRK# {number}", f"{cities[0]} -> {cities[1]}"]
    lines += [f"{kind}: {value}" for kind, value in references.items()]
    if image == "PNG":
        return labels.png(number)
    return {"PDF": labels.pdf, "ZPLII": labels.zpl, "EPL2": labels.epl}[image](lines)


def _completed(
    service: Service, origin: Place, destination: Place, price: Charge, master: str, packaging: str
) -> dict[str, Any]:
    return {
        "usDomestic": origin.country == destination.country == "US",
        "carrierCode": "FDXE" if service.express else "FDXG",
        "packagingDescription": packaging,
        "masterTrackingId": {"trackingNumber": master, "trackingIdType": "FEDEX"},
        "serviceDescription": {"serviceType": service.type, "description": service.name},
        "shipmentRating": {
            "actualRateType": "PAYOR_ACCOUNT_SHIPMENT",
            "shipmentRateDetails": [
                {
                    "rateType": "PAYOR_ACCOUNT_SHIPMENT",
                    "totalBaseCharge": price.base,
                    "totalSurcharges": price.fuel,
                    "totalNetFedExCharge": price.net,
                    "totalNetCharge": price.net,
                    "currency": price.currency,
                }
            ],
        },
    }
