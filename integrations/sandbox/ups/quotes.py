"""``/rating``: one service, or all of them, with its days where they are asked for."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from integrations.sandbox.geography import business_days_after, local
from integrations.sandbox.twin import World
from integrations.sandbox.ups import consignment, tariff
from integrations.sandbox.ups.consignment import RATES, Package, Place
from integrations.sandbox.ups.errors import Refused, for_status, missing, wrong
from integrations.sandbox.ups.request import Node
from integrations.sandbox.ups.tariff import Price, Service

_OPTIONS = ("rate", "shop", "ratetimeintransit", "shoptimeintransit")
_MAY_VARY = {"Code": "110971", "Description": "Your invoice may vary from the displayed reference rates"}
NOT_QUALIFIED = {
    "Code": "120900",
    "Description": "User Id and Shipper Number combination is not qualified to receive negotiated rates.",
}
_DAY_NAMES = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_PAST, _FUTURE = timedelta(days=35), timedelta(days=60)


class Quotes:
    """Answers the question for rates.

    Settings: ``negotiated`` (true: the account has a contract), ``environment`` ("production"; "cie" is UPS's test
    environment, whose contract rates are made up).
    """

    def __init__(self, world: World) -> None:
        self._world = world

    def answer(self, body: Node, option: str, version: int, *, with_times: bool) -> dict[str, Any]:
        """Return ``RateResponse``; raises Refused 404 for an option there is not, 400 for a request of no use."""
        option = option.lower()
        if option not in _OPTIONS:
            raise for_status(404)
        with_times = with_times or option.endswith("timeintransit")
        asked = body.node("RateRequest")
        request, shipment = asked.node("Request"), asked.node("Shipment")
        shipper, receiver = shipment.node("Shipper"), shipment.node("ShipTo")
        sender = shipment.maybe("ShipFrom")
        origin = consignment.place(shipper.node("Address"), RATES, "1", "shipper")
        if sender is not None:
            origin = consignment.place(sender.node("Address"), RATES, "3", "ship from")
        destination = consignment.place(receiver.node("Address"), RATES, "2", "ship to")
        if origin.country != destination.country and not origin.city:
            # A postcode is enough to rate at home, and not to find an origin for abroad.
            raise RATES.refuse("1538", "Invalid Origin.")
        packages = consignment.packages(shipment, RATES, origin, "PackagingType")
        services = self._services(shipment, option, origin, destination)
        times = self._times_asked(shipment, origin, destination) if with_times else None
        negotiated = self._negotiated(shipment, shipper)
        subversion = int(request.optional("SubVersion", "0")) if request.optional("SubVersion", "0").isdecimal() else 0
        alerts = [_MAY_VARY] if negotiated is not False else [_MAY_VARY, NOT_QUALIFIED]
        response: dict[str, Any] = {
            "ResponseStatus": {"Code": "1", "Description": "Success"},
            "Alert": alerts,
            **reference(request),
        }
        rated = [
            self._rated(service, origin, destination, packages, negotiated is True, subversion, times)
            for service in services
        ]
        return {"RateResponse": {"Response": response, "RatedShipment": rated}}

    def price(self, service: Service, origin: Place, destination: Place, packages: list[Package]) -> Price:
        """Return what packages cost together now."""
        return tariff.price(
            service,
            origin.country,
            destination.country,
            tariff.zone(origin.country, destination.country, (origin.postal_code, destination.postal_code)),
            consignment.total_kg(packages),
            seed=self._world.seed,
            at=self._world.now(),
            tests=self._world.setting("ups", "environment", "production") == "cie",
        )

    @property
    def has_contract(self) -> bool:
        """Say whether the account has rates of its own."""
        return bool(self._world.setting("ups", "negotiated", True))

    def _services(self, shipment: Node, option: str, origin: Place, destination: Place) -> tuple[Service, ...]:
        if option.startswith("shop"):
            return tariff.services(origin.country, destination.country)
        named = shipment.maybe("Service")
        code = named.optional("Code") if named else ""
        if not code:
            raise RATES.refuse("0500", "Missing or invalid service code")
        return (consignment.service(code, origin, destination, RATES),)

    def _negotiated(self, shipment: Node, shipper: Node) -> bool | None:
        """Return whether contract rates are told; None when nobody asked for them."""
        options = shipment.maybe("ShipmentRatingOptions")
        if options is None or "NegotiatedRatesIndicator" not in options:
            return None
        return self.has_contract and bool(shipper.optional("ShipperNumber"))

    def _times_asked(self, shipment: Node, origin: Place, destination: Place) -> date:
        """Return the day of pickup; raises Refused when what UPS needs for its days is not told."""
        asked = shipment.maybe("DeliveryTimeInformation")
        if asked is None:
            raise missing(shipment.at("DeliveryTimeInformation"))
        if asked.text("PackageBillType") not in ("02", "03", "04", "07"):
            raise wrong(asked.at("PackageBillType"), asked.text("PackageBillType"))
        abroad = origin.country != destination.country
        if abroad and asked.text("PackageBillType") == "03" and "InvoiceLineTotal" not in shipment:
            raise Refused("111549", "Invalid Shipment Contents Value.")
        today = local(origin.country, self._world.now()).date()
        pickup = asked.maybe("Pickup")
        day = pickup.day("Date") if pickup else today
        if not today - _PAST <= day <= today + _FUTURE:
            raise wrong(asked.at("Pickup.Date"), day.strftime("%Y%m%d"))
        return day

    def _rated(
        self,
        service: Service,
        origin: Place,
        destination: Place,
        packages: list[Package],
        negotiated: bool,
        subversion: int,
        pickup: date | None,
    ) -> dict[str, Any]:
        price = self.price(service, origin, destination, packages)
        unit = packages[0].unit
        told: dict[str, Any] = {
            # UPS leaves the name of a service empty (seen in recorded answers).
            "Service": {"Code": service.code, "Description": ""},
            "RatedShipmentAlert": [_MAY_VARY],
            "BillingWeight": billing_weight(consignment.total_kg(packages), unit),
            "TransportationCharges": money(price.currency, price.published),
            "ServiceOptionsCharges": money(price.currency, Decimal(0)),
            "TotalCharges": money(price.currency, price.published),
            "RatedPackage": [
                {"Weight": str(item.weight), "BillingWeight": billing_weight(item.billed_kg, unit)} for item in packages
            ],
        }
        if subversion >= 1601:
            told["ItemizedCharges"] = [{"Code": "375", **money(price.currency, price.fuel)}]
        if subversion >= 1701:
            told["BaseServiceCharge"] = money(price.currency, price.base)
        if negotiated:
            told["NegotiatedRateCharges"] = {"TotalCharge": money(price.currency, price.contract)}
        days = service.days[
            tariff.zone(origin.country, destination.country, (origin.postal_code, destination.postal_code))
        ]
        if service.by:
            told["GuaranteedDelivery"] = {"BusinessDaysInTransit": str(days), "DeliveryByTime": service.by}
        if pickup is not None:
            told["TimeInTransit"] = _time_in_transit(service, days, pickup)
        return told


def reference(request: Node) -> dict[str, Any]:
    """Return the transaction reference a request brought with it, to be echoed."""
    told = request.maybe("TransactionReference")
    context = told.optional("CustomerContext") if told else ""
    return {"TransactionReference": {"CustomerContext": context}} if context else {}


def money(currency: str, amount: Decimal) -> dict[str, str]:
    """Return an amount as UPS writes it: a text with two decimals."""
    return {"CurrencyCode": currency, "MonetaryValue": f"{amount:.2f}"}


def billing_weight(kg: Decimal, unit: str) -> dict[str, Any]:
    """Return a billed weight as UPS writes it."""
    metric = unit == "KGS"
    names = {"Code": "KGS", "Description": "Kilograms"} if metric else {"Code": "LBS", "Description": "Pounds"}
    return {"UnitOfMeasurement": names, "Weight": f"{tariff.billed(kg, unit):.1f}"}


def _time_in_transit(service: Service, days: int, pickup: date) -> dict[str, Any]:
    arrives = business_days_after(pickup, days)
    return {
        "PickupDate": pickup.strftime("%Y%m%d"),
        "PackageBillType": "03",
        "ServiceSummary": {
            "Service": {"Description": service.name},
            **({"GuaranteedIndicator": ""} if service.by else {}),
            "EstimatedArrival": {
                "Arrival": {"Date": arrives.strftime("%Y%m%d"), "Time": "233000"},
                "BusinessDaysInTransit": str(days),
                "Pickup": {"Date": pickup.strftime("%Y%m%d"), "Time": "180000"},
                "DayOfWeek": _DAY_NAMES[arrives.weekday()],
                "TotalTransitDays": str((arrives - pickup).days),
            },
            "SaturdayDelivery": "0",
        },
    }
