"""Where a parcel is. Settings: ``tracking_speed`` (1), ``tracking_namespace`` (false: errors in the messages' own)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integrations.sandbox.canada_post import rates
from integrations.sandbox.canada_post.errors import Refused, business
from integrations.sandbox.canada_post.parcels import Parcel, Parcels
from integrations.sandbox.canada_post.places import local, province
from integrations.sandbox.canada_post.shipments import day
from integrations.sandbox.canada_post.xml import Value
from integrations.sandbox.journey import Scan
from integrations.sandbox.twin import World

_FRENCH = {
    "3000": "Renseignements électroniques soumis par l'expéditeur",
    "2300": "Article ramassé par Postes Canada",
    "0100": "Article traité à l'installation postale",
    "0174": "Article sorti pour livraison",
    "1496": "Article livré avec succès",
    "1479": "Tentative de livraison. Une carte indique où l'article peut être ramassé.",
    "1701": "Article disponible pour ramassage au bureau de poste",
    "1415": "Article refusé par le destinataire. Retour de l'article.",
}


class Tracking:
    """The tracking service. A pin is known once its shipment was transmitted (unconfirmed), from its first event on."""

    def __init__(self, world: World, parcels: Parcels) -> None:
        self._world = world
        self._parcels = parcels

    def detail(self, pin: str, french: bool) -> Value:
        """Return ``tracking-detail``: every event, newest first."""
        parcel, scans = self._found(pin)
        references = parcel.request["delivery-spec"].get("references", {})
        expected = rates.delivery_date(parcel.service, parcel.origin, parcel.destination, parcel.mailed)
        return {
            "pin": parcel.pin,
            "active-exists": "1",
            "archive-exists": "",
            "changed-expected-date": "",
            "destination-postal-id": parcel.destination,
            "expected-delivery-date": expected or "",
            "changed-expected-delivery-reason": "",
            "mailed-by-customer-number": parcel.owner,
            "mailed-on-behalf-of-customer-number": parcel.behalf,
            "original-pin": "",
            "service-name": parcel.service.nom if french else parcel.service.name,
            "service-name-2": parcel.service.nom,
            "customer-ref-1": references.get("customer-ref-1", ""),
            "customer-ref-2": references.get("customer-ref-2", ""),
            "return-pin": parcel.return_pin or "",
            "signature-image-exists": "false",
            "suppress-signature": "false",
            "delivery-options": {"item": [{"delivery-option": "", "delivery-option-description": ""}]},
            "significant-events": {"occurrence": [_occurrence(parcel, scan, french) for scan in scans]},
        }

    def summary(self, pin: str, french: bool) -> Value:
        """Return ``tracking-summary`` with the newest event of one pin."""
        parcel, scans = self._found(pin)
        return {"pin-summary": [_summary(parcel, scans, french)]}

    def by_reference(self, query: Mapping[str, str], french: bool) -> Value:
        """Return ``tracking-summary`` of the parcels with a reference, mailed between two days.

        Either customer number or destination postal code says whose (unconfirmed).
        """
        begin, end = day(query.get("mailingDateFrom")), day(query.get("mailingDateTo"))
        reference = query.get("referenceNumber")
        owner, destination = query.get("customerNumber", "").zfill(10), query.get("destinationPostalCode")
        if not reference or not ("customerNumber" in query or destination):
            raise business("9105")
        summaries = []
        for parcel in self._parcels.by_id.values():
            named = parcel.request["delivery-spec"].get("references", {})
            mine = parcel.owner in ("", owner) if "customerNumber" in query else parcel.destination == destination
            if reference in (named.get("customer-ref-1"), named.get("customer-ref-2")) and mine:
                scans = self._scans(parcel)
                if scans and begin <= parcel.mailed <= end:
                    summaries.append(_summary(parcel, scans, french))
        if not summaries:
            raise _no_history()
        return {"pin-summary": summaries[:100]}

    def _found(self, pin: str) -> tuple[Parcel, list[Scan]]:
        parcel = self._parcels.with_pin(pin)
        scans = self._scans(parcel) if parcel else []
        if parcel is None or not scans:
            raise _no_history()
        return parcel, scans

    def _scans(self, parcel: Parcel) -> list[Scan]:
        if parcel.transmitted is None:
            return []
        speed = float(self._world.setting("canada_post", "tracking_speed", 1))
        return parcel.journey.scans(self._world.now(), speed)


def _no_history() -> Refused:
    return Refused(404, "004", "No Pin History")


def _where(parcel: Parcel, scan: Scan) -> tuple[str, str, str]:
    """Return site, province and time zone of a scan; abroad only the country is known, and no zone."""
    if scan.stage.arrived and parcel.country != "CA":
        return parcel.country, "", ""
    place = province(parcel.destination if scan.stage.arrived else parcel.origin)
    return place.city, place.code, place.zone


def _occurrence(parcel: Parcel, scan: Scan, french: bool) -> dict[str, Any]:
    site, code, zone = _where(parcel, scan)
    moment = local(scan.at, zone or "UTC")
    return {
        "event-identifier": scan.stage.code,
        "event-date": moment.date(),
        "event-time": f"{moment:%H:%M:%S}",
        "event-time-zone": moment.tzname() if zone else "",
        "event-description": _FRENCH[scan.stage.code] if french else scan.stage.text,
        "signatory-name": "",
        "event-site": site,
        "event-province": code,
        "event-retail-location-id": "",
        "event-retail-name": "",
    }


def _summary(parcel: Parcel, scans: list[Scan], french: bool) -> dict[str, Any]:
    newest = scans[0]
    site, code, zone = _where(parcel, newest)
    moment = local(newest.at, zone or "UTC")
    delivered = next((scan for scan in scans if scan.stage.code == "1496"), None)
    attempted = next((scan for scan in scans if scan.stage.code == "1479"), None)
    references = parcel.request["delivery-spec"].get("references", {})
    expected = rates.delivery_date(parcel.service, parcel.origin, parcel.destination, parcel.mailed)
    home = province(parcel.destination)
    return {
        "pin": parcel.pin,
        "origin-postal-id": parcel.origin[:3],
        "destination-postal-id": parcel.destination[:3],
        "destination-province": home.code if parcel.country == "CA" else "",
        "service-name": parcel.service.nom if french else parcel.service.name,
        "mailed-on-date": parcel.mailed,
        "expected-delivery-date": expected or "",
        "actual-delivery-date": local(delivered.at, home.zone).date() if delivered else "",
        "delivery-option-completed-ind": "1" if delivered else "",
        "event-date-time": f"{moment:%Y%m%d:%H%M%S}",
        "event-description": _FRENCH[newest.stage.code] if french else newest.stage.text,
        "attempted-date": local(attempted.at, home.zone).date() if attempted else "",
        "customer-ref-1": references.get("customer-ref-1", ""),
        "customer-ref-2": references.get("customer-ref-2", ""),
        "return-pin": parcel.return_pin or "",
        "event-type": "DELIVERED" if delivered else "INFO",
        "event-location": f"{site}, {code}" if code else site,
        "signatory-name": "",
    }
