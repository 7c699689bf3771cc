"""Shipments: made with tracking numbers and labels, kept until they are voided."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from integrations.sandbox import labels
from integrations.sandbox.geography import local, same_customs_territory
from integrations.sandbox.twin import World
from integrations.sandbox.ups import consignment, tariff
from integrations.sandbox.ups.consignment import SHIPMENTS, Package, Place
from integrations.sandbox.ups.errors import missing, wrong
from integrations.sandbox.ups.numbers import tracking_number
from integrations.sandbox.ups.quotes import NOT_QUALIFIED, Quotes, billing_weight, money, reference
from integrations.sandbox.ups.request import Node
from integrations.sandbox.ups.tariff import Price, Service

_KEPT = 50_000
_LABELS = ("GIF", "ZPL", "EPL", "SPL")  # a shipment is made with no PDF; label recovery gives one
_AHEAD = timedelta(days=7)
_STANDARD = "11"


@dataclass(slots=True, kw_only=True)
class Parcel:
    """One package of a shipment."""

    number: str
    package: Package
    voided: bool = False


@dataclass(slots=True, kw_only=True)
class Sent:
    """One shipment; its id is the number of its first package."""

    id: str
    shipper: str
    parcels: list[Parcel]
    references: tuple[tuple[str, str], ...]  # the shipment's own; the packages have theirs
    service: Service
    origin: Place
    destination: Place
    receiver: str
    ship_date: date
    made: float  # Unix seconds
    days: int
    held: float | None = None  # a sample's share of the way (0 to 1), at which it stands still
    troubled: bool = False  # a sample whose delivery was tried in vain
    forms: bool = False  # papers for customs were asked for

    @property
    def voided(self) -> bool:
        return all(parcel.voided for parcel in self.parcels)

    def has_reference(self, value: str) -> bool:
        """Return True when the shipment or one of its packages has the reference number."""
        return any(
            value == own for named in (self.references, *(item.package.references for item in self.parcels))
            for _, own in named
        )  # fmt: skip


class Shipments:
    """The shipments by id."""

    def __init__(self, world: World, quotes: Quotes) -> None:
        self._world = world
        self._quotes = quotes
        self._random = world.chance(f"ups.shipments:{world.now():.0f}")
        self.sent: dict[str, Sent] = {}
        self._owners: dict[str, str] = {}  # tracking number -> shipment id

    def __repr__(self) -> str:
        return f"<Shipments {len(self.sent)} sent>"

    def create(self, body: Node) -> dict[str, Any]:
        """Make a shipment and return ``ShipmentResponse``."""
        asked = body.node("ShipmentRequest")
        request, shipment = asked.node("Request"), asked.node("Shipment")
        option = request.optional("RequestOption", "nonvalidate")
        if option not in ("validate", "nonvalidate"):
            raise wrong(request.at("RequestOption"), option)
        shipper, receiver = shipment.node("Shipper"), shipment.node("ShipTo")
        account = _account(shipper)
        origin, destination = self._ends(shipment, shipper, receiver)
        abroad = origin.country != destination.country
        packages = consignment.packages(shipment, SHIPMENTS, origin, "Packaging")
        named = shipment.maybe("Service")
        code = named.optional("Code") if named else ""
        if not code:
            raise SHIPMENTS.refuse("0500", "Missing or invalid service code")
        service = consignment.service(code, origin, destination, SHIPMENTS)
        own = consignment.references(shipment, SHIPMENTS)
        _check_references(own, packages, origin, destination)
        _check_payment(shipment, account)
        if abroad:
            _check_abroad(shipment, receiver, origin, destination, service)
        image = _label_image(asked)
        sent = Sent(
            id="",
            shipper=account,
            parcels=[Parcel(number=self._number(account, service), package=package) for package in packages],
            references=own,
            service=service,
            origin=origin,
            destination=destination,
            receiver=receiver.text("Name"),
            ship_date=self._ship_date(shipment, origin),
            made=self._world.now(),
            days=service.days[
                tariff.zone(origin.country, destination.country, (origin.postal_code, destination.postal_code))
            ],
        )
        sent.id = sent.parcels[0].number
        sent.forms = _wants_forms(shipment)
        options = shipment.maybe("ShipmentRatingOptions")
        wished = options is not None and "NegotiatedRatesIndicator" in options
        price = self._quotes.price(service, origin, destination, packages)
        self._keep(sent, price, by_contract=wished and self._quotes.has_contract)
        return {
            "ShipmentResponse": {
                "Response": {
                    "ResponseStatus": {"Code": "1", "Description": "Success"},
                    **({"Alert": [NOT_QUALIFIED]} if wished and not self._quotes.has_contract else {}),
                    **reference(request),
                },
                "ShipmentResults": self._results(sent, price, image, shipment, contract=wished),
            }
        }

    def keep(self, sent: Sent) -> None:
        """Remember a shipment; the oldest are forgotten when there are too many."""
        self.sent[sent.id] = sent
        self._owners.update((parcel.number, sent.id) for parcel in sent.parcels)
        if len(self.sent) > _KEPT:
            oldest = self.sent.pop(next(iter(self.sent)))
            for parcel in oldest.parcels:
                self._owners.pop(parcel.number, None)

    def find(self, number: str) -> Sent | None:
        """Return the shipment a tracking number is of, None for an unknown one."""
        return self.sent.get(self._owners.get(number, ""))

    def _ends(self, shipment: Node, shipper: Node, receiver: Node) -> tuple[Place, Place]:
        sender = shipment.maybe("ShipFrom")
        _check_party(shipper, "1", "shipper")
        _check_party(receiver, "2", "ship to")
        origin = consignment.place(shipper.node("Address"), SHIPMENTS, "1", "shipper")
        destination = consignment.place(receiver.node("Address"), SHIPMENTS, "2", "ship to")
        if sender is not None:
            _check_party(sender, "3", "ship from")
            origin = consignment.place(sender.node("Address"), SHIPMENTS, "3", "ship from")
        if destination.country in ("US", "CA") and not destination.state:
            raise SHIPMENTS.refuse("0206", "Missing or invalid ship to state province code")
        return origin, destination

    def _ship_date(self, shipment: Node, origin: Place) -> date:
        today = local(origin.country, self._world.now()).date()
        if "ShipmentDate" not in shipment:
            return today
        day = shipment.day("ShipmentDate")
        if not today <= day <= today + _AHEAD:
            raise wrong(shipment.at("ShipmentDate"), shipment.text("ShipmentDate"))
        return day

    def _keep(self, sent: Sent, price: Price, *, by_contract: bool) -> None:
        self.keep(sent)
        named = [value for _, value in sent.references]
        named += [value for parcel in sent.parcels for _, value in parcel.package.references]
        self._world.ledger.effect(
            vendor="ups",
            kind="shipment",
            reference=named[0] if named else "",
            id=sent.id,
            amount=f"{price.contract if by_contract else price.published:.2f} {price.currency}",
        )

    def _number(self, account: str, service: Service) -> str:
        while True:
            number = tracking_number(account, service.code, self._random.randrange(10_000_000))
            if number not in self._owners:
                return number

    def _results(self, sent: Sent, price: Price, image: str, shipment: Node, *, contract: bool) -> dict[str, Any]:
        sample = self._world.setting("ups", "environment", "production") == "cie"
        nothing = money(price.currency, Decimal(0))
        unit = sent.parcels[0].package.unit
        results: dict[str, Any] = {
            "ShipmentCharges": {
                "TransportationCharges": money(price.currency, price.published),
                "ServiceOptionsCharges": nothing,
                "TotalCharges": money(price.currency, price.published),
            },
            "BillingWeight": billing_weight(sum((p.package.billed_kg for p in sent.parcels), Decimal(0)), unit),
            "ShipmentIdentificationNumber": sent.id,
            "PackageResults": [
                {
                    "TrackingNumber": parcel.number,
                    "ServiceOptionsCharges": nothing,
                    "ShippingLabel": _shipping_label(sent, parcel, image, sample=sample, first=place == 0),
                }
                for place, parcel in enumerate(sent.parcels)
            ],
        }
        if contract and self._quotes.has_contract:
            results["NegotiatedRateCharges"] = {"TotalCharge": money(price.currency, price.contract)}
        if sent.forms:
            results["Form"] = {
                "Code": "01",
                "Description": "All Requested International Forms",
                "Image": form_image(sent),
            }
        return results


def graphic(sent: Sent, number: str, image: str, *, sample: bool) -> str:
    """Return a package's label in one of UPS's formats, base64."""
    lines = [
        "SAMPLE" if sample else "SANDBOX - NOT FOR SHIPPING",
        sent.service.name.upper(),
        f"TRACKING #: {number}",
        f"{sent.origin.city} {sent.origin.country} -> {sent.destination.city} {sent.destination.country}",
        *(f"REF: {value}" for _, value in sent.references[:2]),
    ]
    written = {"PDF": labels.pdf, "ZPL": labels.zpl}.get(image, labels.epl)
    content = labels.gif(number) if image == "GIF" else written(lines)
    return base64.b64encode(content).decode()


def form_image(sent: Sent) -> dict[str, Any]:
    """Return the papers for customs of a shipment."""
    content = base64.b64encode(labels.pdf(["INVOICE", sent.id])).decode()
    return {"ImageFormat": {"Code": "PDF", "Description": "PDF"}, "GraphicImage": content}


def html_page(number: str) -> str:
    """Return the page that shows a GIF label, base64."""
    return base64.b64encode(f'<html><body><img src="./label{number}.gif"></body></html>'.encode()).decode()


def _shipping_label(sent: Sent, parcel: Parcel, image: str, *, sample: bool, first: bool) -> dict[str, Any]:
    label: dict[str, Any] = {
        "ImageFormat": {"Code": image, "Description": image},
        "GraphicImage": graphic(sent, parcel.number, image, sample=sample),
    }
    if image == "GIF":
        label["HTMLImage"] = html_page(parcel.number)
    if first and sent.origin.country != "US":
        label["InternationalSignatureGraphicImage"] = base64.b64encode(labels.gif("WARSAW")).decode()
    return label


def _wants_forms(shipment: Node) -> bool:
    options = shipment.maybe("ShipmentServiceOptions")
    return options is not None and options.maybe("InternationalForms") is not None


def _account(shipper: Node) -> str:
    refused = SHIPMENTS.refuse("0100", "Missing or invalid shipper number")
    account = shipper.text("ShipperNumber", refused)
    if len(account) != 6 or not account.isalnum():
        raise refused
    return account.upper()


def _check_party(party: Node, side: str, words: str) -> None:
    party.text("Name", SHIPMENTS.refuse(f"0{side}01", f"Missing or invalid {words} company name"))
    address = party.node("Address")
    if not address.texts("AddressLine"):
        raise SHIPMENTS.refuse(f"0{side}02", f"Missing or invalid {words} address line 1")
    address.text("City", SHIPMENTS.refuse(f"0{side}05", f"Missing or invalid {words} city"))


def _check_references(
    own: tuple[tuple[str, str], ...], packages: list[Package], origin: Place, destination: Place
) -> None:
    """Refuse a reference in the wrong place: within the United States on a package, everywhere else on the shipment."""
    on_packages = origin.country == destination.country == "US"
    if own and on_packages:
        raise SHIPMENTS.refuse("0541", "Shipment/ReferenceNumber is not allowed for this shipment")
    if any(package.references for package in packages) and not on_packages:
        raise SHIPMENTS.refuse("0542", "Package/ReferenceNumber is not allowed for this shipment")


def _check_payment(shipment: Node, account: str) -> None:
    refused = SHIPMENTS.refuse("0412", "Missing or invalid payment method account number")
    told = shipment.maybe("PaymentInformation")
    charges = told.nodes("ShipmentCharge") if told else []
    if not any(charge.text("Type") == "01" for charge in charges):
        raise refused
    for charge in charges:
        shipper = charge.maybe("BillShipper")
        payer = shipper or charge.maybe("BillReceiver") or charge.maybe("BillThirdParty")
        if payer is None:
            raise refused
        if payer.text("AccountNumber", refused).upper() != account and shipper is not None:
            raise SHIPMENTS.refuse("0415", "The payment account must be the shipper's account number.")


def _check_abroad(shipment: Node, receiver: Node, origin: Place, destination: Place, service: Service) -> None:
    """Refuse a shipment abroad without what the document requires there."""
    if service.code != _STANDARD or not same_customs_territory(origin.country, destination.country):
        shipment.text("Description")
    receiver.text("AttentionName")
    no_phone = SHIPMENTS.refuse("0213", "Missing or invalid ship to phone number")
    phone = receiver.maybe("Phone")
    if phone is None:
        raise no_phone
    phone.text("Number", no_phone)
    if origin.country == "US" and destination.country == "CA" and "InvoiceLineTotal" not in shipment:
        raise missing(shipment.at("InvoiceLineTotal"))


def _label_image(asked: Node) -> str:
    told = asked.node("LabelSpecification")
    image = told.node("LabelImageFormat").text("Code").upper()
    if image not in _LABELS:
        raise SHIPMENTS.refuse("0301", "Missing or invalid label print method code")
    if image != "GIF":
        size = told.node("LabelStockSize")
        if size.text("Height") not in ("6", "8"):
            raise wrong(size.at("Height"), size.text("Height"))
        if size.text("Width") != "4":
            raise wrong(size.at("Width"), size.text("Width"))
    return image
