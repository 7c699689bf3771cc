"""Shipments: made with a waybill number, a label and a price where it is asked for; there is no way to cancel one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from integrations.sandbox.dhl_express import documents, tariff
from integrations.sandbox.dhl_express.errors import Refused
from integrations.sandbox.dhl_express.lane import Lane, account_number, lane
from integrations.sandbox.dhl_express.pickups import Pickups
from integrations.sandbox.dhl_express.planned import check_moment, read_moment
from integrations.sandbox.dhl_express.quotes import Quotes
from integrations.sandbox.dhl_express.tariff import Load, Product
from integrations.sandbox.twin import World

INVALID_ACCOUNT = "8007: The Shipper Account is invalid."
_INVALID_WAYBILL = (
    "400104: The provided Shipment Identification Number is invalid. Please check the request message and retry."
)
_KEPT = 50_000
_MOST_RESERVED = 999


@dataclass(slots=True, kw_only=True)
class Sent:
    """One shipment: which way it goes, under which references, and since when it is known."""

    waybill: str
    pieces: tuple[str, ...]
    references: tuple[tuple[str, str], ...]  # type and value, the shipment's before its pieces'
    account: str
    product: Product
    lane: Lane
    receiver: str
    description: str
    load: Load
    unit: str
    planned: datetime
    made: float  # Unix seconds
    days: int
    held: float | None = None  # a sample's share of the way (0 to 1), at which it stands still
    ending: str = "OK"  # how the way of a sample ends


class Shipments:
    """The shipments by waybill number, and the numbers given out in advance.

    Settings: ``identifiers_enabled`` (false: DHL enables it for an account).
    """

    def __init__(self, world: World, quotes: Quotes, pickups: Pickups) -> None:
        self._world = world
        self._quotes = quotes
        self._pickups = pickups
        self._random = world.chance(f"dhl_express.shipments:{world.now():.0f}")
        self._reserved: dict[str, str] = {}  # waybill number -> account
        self.sent: dict[str, Sent] = {}

    def __repr__(self) -> str:
        return f"<Shipments {len(self.sent)} sent, {len(self._reserved)} numbers reserved>"

    def create(self, body: dict[str, Any], base_url: str, *, strict: bool, only_validate: bool) -> dict[str, Any]:
        """Make a shipment and return MyDHL's answer; with ``only_validate`` nothing is made and no number given.

        Raises Refused 400 with every business problem at once.
        """
        parties, content = body["customerDetails"], body["content"]
        account = account_number(body["accounts"], INVALID_ACCOUNT)
        way = lane(
            parties["shipperDetails"]["postalAddress"], parties["receiverDetails"]["postalAddress"], strict=strict
        )
        planned = read_moment(body["plannedShippingDateAndTime"])
        check_moment(planned, self._world.now())
        carried = tariff.load(content["packages"], content["unitOfMeasurement"])
        problems = list(_problems(content))
        product = self._product(body["productCode"], way, content["isCustomsDeclarable"])
        if product is None:
            problems.append(
                f"1001: The requested product(s) ({body['productCode']}) not available based on your search criteria."
            )
        waybill = self._wanted_number(body, account, problems)
        if problems or product is None:
            raise Refused(400, *problems)
        if only_validate:
            return {"warnings": []}
        self._reserved.pop(waybill, None)
        sent = Sent(
            waybill=waybill or self._number(),
            pieces=tuple(self._piece_number() for _ in content["packages"]),
            references=tuple(_references(body)),
            account=account,
            product=product,
            lane=way,
            receiver=parties["receiverDetails"]["contactInformation"]["fullName"],
            description=content["description"],
            load=carried,
            unit=content["unitOfMeasurement"],
            planned=planned,
            made=self._world.now(),
            days=tariff.transit_days(product, way.origin.country, way.destination.country),
        )
        self._keep(sent)
        return self._told(sent, body, base_url)

    def reserve(self, account: str, kind: str, size: int) -> dict[str, Any]:
        """Return waybill numbers to send later as ``identifiers``; one number makes one shipment."""
        if not self._world.setting("dhl_express", "identifiers_enabled", False):
            raise Refused(
                400,
                "3501: Request Identifier is not allowed for your username. Please contact your DHL Express "
                "representative.",
            )
        make = self._number if kind == "SID" else self._piece_number
        numbers = [make() for _ in range(min(size, _MOST_RESERVED))]
        if kind == "SID":
            self._reserved.update(dict.fromkeys(numbers, account))
        return {"identifiers": [{"typeCode": kind, "list": numbers}]}

    def _product(self, code: str, way: Lane, declarable: bool) -> Product | None:
        offered = tariff.products(way.origin.country, way.destination.country, declarable=declarable)
        return next((item for item in offered if item.code == code and not item.agreement), None)

    def _wanted_number(self, body: dict[str, Any], account: str, problems: list[str]) -> str:
        """Return the waybill number a request brings with it, "" when it brings none."""
        wanted = [item["value"] for item in body.get("identifiers", []) if item["typeCode"] == "shipmentId"]
        if wanted and self._reserved.get(wanted[0]) != account:
            problems.append(_INVALID_WAYBILL)
        return wanted[0] if wanted else ""

    def _keep(self, sent: Sent) -> None:
        self.sent[sent.waybill] = sent
        if len(self.sent) > _KEPT:
            del self.sent[next(iter(self.sent))]
        billed = next(cost for cost in self._prices(sent) if cost.type == "BILLC")
        self._world.ledger.effect(
            vendor="dhl_express",
            kind="shipment",
            reference=sent.references[0][1] if sent.references else "",
            id=sent.waybill,
            amount=f"{billed.total} {billed.currency}",
        )

    def _prices(self, sent: Sent) -> tuple[tariff.Price, ...]:
        return self._quotes.prices(sent.product, sent.lane, sent.load.charged)

    def _told(self, sent: Sent, body: dict[str, Any], base_url: str) -> dict[str, Any]:
        at = f"{base_url.rstrip('/')}/shipments/{sent.waybill}/tracking"
        told: dict[str, Any] = {
            "url": f"{base_url.rstrip('/')}/shipments",
            "shipmentTrackingNumber": sent.waybill,
            "trackingUrl": at,
            "packages": [
                {"referenceNumber": place, "trackingNumber": piece, "trackingUrl": f"{at}?pieceTrackingNumber={piece}"}
                for place, piece in enumerate(sent.pieces, start=1)
            ],
            "documents": documents.made_for(sent.waybill, sent.pieces, _label_lines(sent), body),
        }
        if body["pickup"]["isRequested"]:
            number = self._pickups.book(sent.account, sent.waybill, sent.lane.origin.country, sent.planned)
            told["dispatchConfirmationNumber"] = number
            told["cancelPickupUrl"] = f"{base_url.rstrip('/')}/pickups/{number}"
        if body.get("getRateEstimates", False):
            told.update(self._charges(sent))
        wanted = body.get("estimatedDeliveryDate", {})
        if wanted.get("isRequested", False):
            kind = wanted.get("typeCode", "QDDF")
            days = sent.days + (kind == "QDDC")
            told["estimatedDeliveryDate"] = {
                "estimatedDeliveryDate": tariff.arrival(sent.product, sent.planned.date(), days)[:10],
                "estimatedDeliveryType": kind,
            }
        return told

    def _charges(self, sent: Sent) -> dict[str, Any]:
        """Return what it costs, or the warning with which MyDHL makes a shipment whose price it cannot tell."""
        if self._quotes.price_unavailable:
            return {"warnings": ["can't return prices"]}
        return {
            "shipmentCharges": [
                {
                    "currencyType": cost.type,
                    "priceCurrency": cost.currency,
                    "price": cost.total,
                    "serviceBreakdown": [
                        {"name": sent.product.name, "price": cost.freight},
                        {"name": "FUEL SURCHARGE", "price": cost.fuel, "typeCode": "FF"},
                    ],
                }
                for cost in self._prices(sent)
            ]
        }

    def _number(self) -> str:
        """Return an unused waybill number: nine digits and their remainder by seven."""
        while True:
            first = self._random.randrange(100_000_000, 1_000_000_000)
            number = f"{first}{first % 7}"
            if number not in self.sent and number not in self._reserved:
                return number

    def _piece_number(self) -> str:
        return f"JD0146{self._random.randrange(10**14):014}"


def _problems(content: dict[str, Any]) -> Iterator[str]:
    if len(content["description"]) < 3:
        yield "7143: Shipment description must contain at least 3 characters."
    for package in content["packages"]:
        if "dimensions" not in package and "typeCode" not in package:
            yield "7160: Either the package dimensions or the package typeCode must be provided."
            break
    if content["isCustomsDeclarable"]:
        if "exportDeclaration" not in content:
            yield "7120: Required #/content/exportDeclaration for a dutiable shipment."
        if "declaredValue" not in content or "declaredValueCurrency" not in content:
            yield "7139: The declared value and its currency must be provided for a dutiable shipment."
    for place, line in enumerate(content.get("exportDeclaration", {}).get("lineItems", [])):
        if len(line["description"]) < 3:
            yield (
                f"7144: The export line item description #/content/exportDeclaration/lineItems/{place}/description "
                "must contain at least 3 characters."
            )
        if not line["weight"]:
            yield f"#/content/exportDeclaration/lineItems/{place}/weight: netValue or grossValue must be provided."


def _references(body: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for item in body.get("customerReferences", []):
        yield item.get("typeCode", "CU"), item["value"]
    for package in body["content"]["packages"]:
        for item in package.get("customerReferences", []):
            yield item.get("typeCode", "CU"), item["value"]


def _label_lines(sent: Sent) -> list[str]:
    origin, destination = sent.lane.origin, sent.lane.destination
    return [
        "SANDBOX - NOT FOR SHIPPING",
        sent.product.name,
        f"WAYBILL {sent.waybill}",
        f"{origin.city} {origin.country} -> {destination.city} {destination.country}",
        *(f"{kind}: {value}" for kind, value in sent.references[:3]),
    ]


def weight(sent: Sent) -> Decimal:
    """Return what a shipment weighs on the scale, in its own unit."""
    return tariff.in_unit(sent.load.provided, sent.unit)
