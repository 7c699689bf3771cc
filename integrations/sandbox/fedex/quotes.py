"""The answer to a rate request."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from integrations.sandbox.fedex import rates
from integrations.sandbox.fedex.checks import Reader, account_number, wrong
from integrations.sandbox.fedex.errors import Refused
from integrations.sandbox.fedex.rates import Place, Service
from integrations.sandbox.fedex.shipments import PICKUPS
from integrations.sandbox.twin import World

_RATE_TYPES = ("ACCOUNT", "LIST", "PREFERRED", "INCENTIVE")
_DAY_NAMES = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")


def quote(world: World, body: Reader) -> dict[str, Any]:
    """Return FedEx's ``output``: a reply per service, or the one service that was named.

    Transit times are left out unless ``rateRequestControlParameters.returnTransitTimes`` asks for them.
    """
    account_number(body)
    asked = body.object("requestedShipment")
    origin, destination = rates.place(asked.object("shipper")), rates.place(asked.object("recipient"))
    asked.one_of("pickupType", PICKUPS)
    packaging = asked.text("packagingType", "YOUR_PACKAGING")
    types = asked.texts("rateRequestType", ("ACCOUNT",))
    if any(kind not in _RATE_TYPES for kind in types):
        raise wrong(asked.at("rateRequestType"))
    kg = rates.weight_kg(asked.objects("requestedPackageLineItems"))
    wanted = asked.text("serviceType", "")
    chosen = [item for item in rates.services(origin, destination) if wanted in ("", item.type)]
    if not chosen:
        raise Refused(
            "SERVICE.PACKAGECOMBINATION.INVALID",
            "Invalid service and packaging combination for this origin and destination.",
            field=asked.at("serviceType"),
        )
    control = body.optional("rateRequestControlParameters")
    with_times = control is not None and control.flag("returnTransitTimes", False)
    now = datetime.fromtimestamp(world.now(), UTC)
    details = []
    for service in chosen:
        detail: dict[str, Any] = {
            "serviceType": service.type,
            "serviceName": service.name,
            "packagingType": packaging,
            "ratedShipmentDetails": [
                _rated(service, origin, destination, kg, kind) for kind in types if kind in ("ACCOUNT", "LIST")
            ],
            "signatureOptionType": "SERVICE_DEFAULT",
            "serviceDescription": {"serviceType": service.type, "description": service.name},
        }
        if with_times:
            detail.update(_times(service, origin, destination, now))
        details.append(detail)
    alerts = []
    if "PREFERRED" in types:
        alerts.append(
            {
                "code": "PREFERRED.CURRENCY.IGNORED",
                "alertType": "NOTE",
                "message": "The preferred currency is not available for this account.",
            }
        )
    return {"rateReplyDetails": details, "quoteDate": now.date().isoformat(), "isEncoded": False, "alerts": alerts}


def _rated(service: Service, origin: Place, destination: Place, kg: Decimal, kind: str) -> dict[str, Any]:
    price = rates.charge(service, origin, destination, kg, at_list=kind == "LIST")
    return {
        "rateType": kind,
        "ratedWeightMethod": "ACTUAL",
        "totalDiscounts": 0.0,
        "totalBaseCharge": price.base,
        "totalNetCharge": price.net,
        "totalVatCharge": 0.0,
        "totalNetFedExCharge": price.net,
        "totalDutiesAndTaxes": 0.0,
        "totalNetChargeWithDutiesAndTaxes": price.net,
        "currency": price.currency,
        "shipmentRateDetail": {
            "rateZone": str(rates.zone(origin, destination) + 2),
            "dimDivisor": 5000,
            "fuelSurchargePercent": rates.FUEL * 100,
            "totalSurcharges": price.fuel,
            "totalFreightDiscount": 0.0,
            "surCharges": [{"type": "FUEL", "description": "Fuel Surcharge", "level": "PACKAGE", "amount": price.fuel}],
            "taxes": [],
            "totalBillingWeight": {"units": "KG", "value": kg.quantize(Decimal("0.01"))},
            "currency": price.currency,
        },
    }


def _times(service: Service, origin: Place, destination: Place, now: datetime) -> dict[str, Any]:
    days = rates.transit(service, origin, destination)
    arrives = rates.delivery(now, days)
    moment = arrives.strftime("%Y-%m-%dT%H:%M:%S")  # FedEx gives the recipient's local time, without an offset
    return {
        "operationalDetail": {
            "transitTime": rates.day_code(days),
            "deliveryDate": moment,
            "commitDate": moment,
            "deliveryDay": _DAY_NAMES[arrives.weekday()],
            "ineligibleForMoneyBackGuarantee": False,
        },
        "commit": {
            "dateDetail": {"dayOfWeek": _DAY_NAMES[arrives.weekday()], "dayFormat": moment},
            "transitDays": {
                "minimumTransitTime": rates.day_code(days),
                "description": f"{days} Business Day{'s' if days > 1 else ''}",
            },
        },
    }
