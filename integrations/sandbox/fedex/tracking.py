"""Where a package is: its scans follow from its age, so that the same question a day later has another answer."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from integrations.sandbox.fedex.checks import Reader, wrong
from integrations.sandbox.fedex.errors import Refused
from integrations.sandbox.fedex.shipments import Shipments, Shipped
from integrations.sandbox.twin import World

_MAX_NUMBERS = 30
# Code, description and derived status of each scan, with its moment as a share of the transit time (0 to 1).
_SCANS = (
    (0.0, "OC", "Shipment information sent to FedEx", "Label created"),
    (0.25, "PU", "Picked up", "Picked up"),
    (0.4, "DP", "Left FedEx origin facility", "In transit"),
    (0.6, "IT", "In transit", "In transit"),
    (0.7, "CC", "International shipment release - Import", "In transit"),
    (0.85, "AR", "At destination sort facility", "In transit"),
    (0.95, "OD", "On FedEx vehicle for delivery", "Out for delivery"),
    (1.0, "DL", "Delivered", "Delivered"),
)


class Tracking:
    """The two ways to ask for packages."""

    def __init__(self, world: World, shipments: Shipments) -> None:
        self._world = world
        self._shipments = shipments

    def by_number(self, body: Reader) -> dict[str, Any]:
        """Return FedEx's ``output`` for up to 30 numbers; an unknown one has its error inside, the others their scans."""
        detailed = body.flag("includeDetailedScans")
        asked = body.objects("trackingInfo")
        if len(asked) > _MAX_NUMBERS:
            raise Refused(
                "TRACKING.TRACKINGNUMBERS.LIMIT", f"At most {_MAX_NUMBERS} tracking numbers.", field="trackingInfo"
            )
        numbers = []
        for item in asked:
            info = item.object("trackingNumberInfo")
            if "trackingNumber" not in info or not info.text("trackingNumber", " ").strip():
                raise Refused(
                    "TRACKING.TRACKINGNUMBER.EMPTY", "Please provide tracking number.", field=info.at("trackingNumber")
                )
            numbers.append(info.text("trackingNumber"))
        results = []
        for number in numbers:
            found = self._shipments.find(number)
            if found is None:
                results.append({"trackingNumber": number, "trackResults": [_not_found(number)]})
            else:
                results.append({"trackingNumber": number, "trackResults": self._results(found, detailed)})
        return {"completeTrackResults": results}

    def by_reference(self, body: Reader) -> dict[str, Any]:
        """Return FedEx's ``output`` for the packages with a customer reference, account and range of ship dates.

        A package is found only ``reference_lag_seconds`` (a setting, 0) after it was made.
        """
        detailed = body.flag("includeDetailedScans", False)
        asked = body.object("referencesInformation")
        value, kind = asked.text("value"), asked.text("type", "")
        begin, end = _day(asked, "shipDateBegin"), _day(asked, "shipDateEndDate")
        account = asked.text("accountNumber", "")
        if not account:
            asked.text("destinationCountryCode")
            asked.text("destinationPostalCode")
        lag = float(self._world.setting("fedex", "reference_lag_seconds", 0))
        found = [
            shipped
            for shipped in self._shipments.packages.values()
            if _named(shipped, kind, value)
            and account in ("", shipped.account)
            and begin <= shipped.ship_date <= end
            and self._world.now() >= shipped.made + lag
        ]
        if not found:
            error = {
                "code": "TRACKING.REFERENCENUMBER.NOTFOUND",
                "message": "Reference number cannot be found. Please correct the reference number and try again.",
            }
            return {"completeTrackResults": [{"trackResults": [{"error": error}]}]}
        return {
            "completeTrackResults": [
                {
                    "trackingNumber": shipped.tracking_number,
                    "trackResults": self._results(shipped, detailed),
                }
                for shipped in found
            ]
        }

    def _results(self, shipped: Shipped, detailed: bool) -> list[dict[str, Any]]:
        """Return the package's result; with the setting ``reused_numbers`` an older package of that number before it."""
        result = self._result(shipped, detailed)
        if not self._world.setting("fedex", "reused_numbers", False):
            return [result]
        older = self._result(shipped, detailed, years_ago=1)
        return [older, result]

    def _result(self, shipped: Shipped, detailed: bool, *, years_ago: int = 0) -> dict[str, Any]:
        made = datetime.fromtimestamp(shipped.made, UTC) - timedelta(days=364 * years_ago)
        share = 1.0 if years_ago else min(1.0, self._shipments.age_days(shipped) / shipped.days)
        domestic = shipped.origin.country == shipped.destination.country
        scans = [scan for scan in _SCANS if scan[0] <= share and not (domestic and scan[1] == "CC")]
        if shipped.cancelled and not years_ago:
            scans = [(0.0, "CA", "Shipment cancelled by sender", "Cancelled")]
        _, code, description, status = scans[-1]
        transit = timedelta(days=shipped.days)
        events = [_scan(shipped, made + transit * moment, moment, *names) for moment, *names in reversed(scans)]
        number = shipped.tracking_number
        dates = [("SHIP", shipped.ship_date.isoformat() + "T00:00:00"), ("ESTIMATED_DELIVERY", _offset(made + transit))]
        if code == "DL":
            dates = [*dates[:1], ("ACTUAL_DELIVERY", _offset(made + transit))]
        return {
            "trackingNumberInfo": {
                "trackingNumber": number,
                "trackingNumberUniqueId": f"{made.toordinal()}000~{number}~FX",
                "carrierCode": "FDXE" if shipped.service.express else "FDXG",
            },
            "additionalTrackingInfo": {
                "packageIdentifiers": [
                    {"type": kind, "values": [value], "trackingNumberUniqueId": "", "carrierCode": ""}
                    for kind, value in shipped.references.items()
                ],
                "hasAssociatedShipments": shipped.master != number,
            },
            "serviceDetail": {
                "type": shipped.service.type,
                "description": shipped.service.name,
                "shortDescription": shipped.service.type[:2],
            },
            "latestStatusDetail": {
                "code": code,
                "derivedCode": code,
                "statusByLocale": status,
                "description": description,
                "scanLocation": events[0]["scanLocation"],
            },
            "dateAndTimes": [{"type": kind, "dateTime": moment} for kind, moment in dates],
            "scanEvents": events if detailed else events[:1],
            "shipmentDetails": {
                "possessionStatus": code not in ("OC", "CA"),
                "weight": [{"unit": "KG", "value": f"{shipped.kg:.2f}"}],
            },
        }


def _scan(shipped: Shipped, moment: datetime, share: float, code: str, description: str, status: str) -> dict[str, Any]:
    there = share >= 0.65
    place, city = (shipped.destination, shipped.cities[1]) if there else (shipped.origin, shipped.cities[0])
    return {
        "date": _offset(moment),
        "eventType": code,
        "eventDescription": description,
        "derivedStatus": status,
        "derivedStatusCode": code,
        "exceptionCode": "",
        "exceptionDescription": "",
        "scanLocation": {
            "city": city.upper(),
            "countryCode": place.country,
            "postalCode": place.postal_code,
            "residential": False,
        },
        "locationType": "CUSTOMER" if code == "OC" else "DELIVERY_LOCATION" if code == "DL" else "FEDEX_FACILITY",
    }


def _not_found(number: str) -> dict[str, Any]:
    return {
        "trackingNumberInfo": {"trackingNumber": number, "trackingNumberUniqueId": ""},
        "error": {
            "code": "TRACKING.TRACKINGNUMBER.NOTFOUND",
            "message": "Tracking number cannot be found. Please correct the tracking number and try again.",
        },
    }


# The documents name a reference differently when a shipment is made and when it is looked for.
_SAME = {"PURCHASE_ORDER": "P_O_NUMBER", "INVOICE": "INVOICE_NUMBER", "DEPARTMENT": "DEPARTMENT_NUMBER"}
_ANY = frozenset(("", "SHIPPER_REFERENCE", "FREE_FORM_REFERENCE"))


def _named(shipped: Shipped, kind: str, value: str) -> bool:
    if kind in _ANY:
        return value in shipped.references.values()
    return shipped.references.get(_SAME.get(kind, kind)) == value


def _day(asked: Reader, name: str) -> date:
    try:
        return date.fromisoformat(asked.text(name))
    except ValueError:
        raise wrong(asked.at(name)) from None


def _offset(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
