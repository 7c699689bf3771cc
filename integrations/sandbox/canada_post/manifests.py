"""Transmitting: the shipments of groups are handed over, billed, and listed on a manifest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from integrations.sandbox.canada_post.errors import Refused, business, not_found
from integrations.sandbox.canada_post.links import Links
from integrations.sandbox.canada_post.parcels import Parcel, Parcels
from integrations.sandbox.canada_post.places import local
from integrations.sandbox.canada_post.shipments import day
from integrations.sandbox.canada_post.xml import MANIFEST, MEDIA_TYPES, SHIPMENT, Value
from integrations.sandbox.twin import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One manifest: all shipments of one transmission."""

    id: str
    owner: str
    behalf: str
    po_number: str
    request: Value
    parcels: tuple[Parcel, ...]
    made: float
    artifact: str  # path of the hard copy


class Manifests:
    """The manifest service. Settings: ``transmit_seconds`` (0: how long a manifest cannot be fetched yet)."""

    def __init__(self, world: World, parcels: Parcels) -> None:
        self._world = world
        self._parcels = parcels
        self._manifests: dict[str, Manifest] = {}

    def __repr__(self) -> str:
        return f"<Manifests {len(self._manifests)}>"

    def transmit(self, asked: Value, links: Links) -> Value:
        """Transmit the shipments of the groups and return ``manifests``: a link to one manifest."""
        groups = asked["group-ids"]["group-id"]
        left_out = set(asked.get("excluded-shipments", {}).get("shipment-id", []))
        owned = self._parcels.owned(links.owner, links.behalf)
        for group in groups:
            if not any(parcel.group == group for parcel in owned):
                raise business("99003")
        chosen = [parcel for parcel in owned if parcel.group in groups and parcel.id not in left_out]
        if not chosen:
            raise business("9122")
        now = self._world.now()
        manifest = Manifest(
            id=self._parcels.new_id(),
            owner=links.owner,
            behalf=links.behalf,
            po_number=self._parcels.new_number("P"),
            request=asked,
            parcels=tuple(chosen),
            made=now,
            artifact=self._parcels.publish(["MANIFEST", f"{len(chosen)} SHIPMENTS", *(one.pin for one in chosen[:12])]),
        )
        for parcel in chosen:
            parcel.group, parcel.transmitted = None, now
            parcel.manifest, parcel.po_number = manifest.id, manifest.po_number
        self._manifests[manifest.id] = manifest
        due = sum((parcel.price.due for parcel in chosen), Decimal(0))
        self._world.ledger.effect(
            vendor="canada_post",
            kind="order",
            reference=asked.get("customer-reference", groups[0]),
            id=manifest.po_number,
            amount=f"{due} CAD",
        )
        return {"link": [self._link(manifest, links)]}

    def find(self, query: Mapping[str, str], links: Links) -> Value:
        """Return links to the manifests from one day to another."""
        begin = day(query.get("start"))
        end = day(query["end"]) if "end" in query else local(self._world.now()).date()
        found = [one for one in self._manifests.values() if (one.owner, one.behalf) == (links.owner, links.behalf)]
        return {"link": [self._link(one, links) for one in found if begin <= _day(one) <= end]}

    def one(self, number: str, links: Links) -> Manifest:
        """Return a manifest; raises Refused, 404 for none and 202 (unconfirmed) for one that is still being made."""
        found = self._manifests.get(number)
        if found is None or (found.owner, found.behalf) != (links.owner, links.behalf):
            raise not_found()
        if self._world.now() < found.made + float(self._world.setting("canada_post", "transmit_seconds", 0)):
            raise Refused(202, *business("9153").messages[0])
        return found

    def info(self, manifest: Manifest, links: Links) -> Value:
        """Return ``manifest``."""
        own = f"{links.home()}/manifest/{manifest.id}"
        shipments = f"{links.home()}/shipment?manifestId={manifest.id}"
        return {
            "po-number": manifest.po_number,
            "links": {
                "link": [
                    links.to(MANIFEST, "self", own),
                    links.to(MANIFEST, "details", f"{own}/details"),
                    {**links.to(MANIFEST, "manifestShipments", shipments), "@media-type": MEDIA_TYPES[SHIPMENT]},
                    {**links.to(MANIFEST, "artifact", manifest.artifact), "@media-type": "application/pdf"},
                ]
            },
        }

    @staticmethod
    def details(manifest: Manifest) -> Value:
        """Return ``manifest-details``."""
        charges = [parcel.price for parcel in manifest.parcels]
        zero = Decimal("0.00")
        made = local(manifest.made)
        settled = manifest.parcels[0].request["delivery-spec"]["settlement-info"]
        return {
            "po-number": manifest.po_number,
            "final-shipping-point": manifest.request.get("requested-shipping-point", "K1A0B1"),
            "shipping-point-name": "SANDBOX POST OFFICE",
            "shipping-point-id": manifest.request.get("shipping-point-id", "0192"),
            "mailed-by-customer": manifest.owner,
            "mailed-on-behalf-of": manifest.behalf,
            "paid-by-customer": settled.get("paid-by-customer", manifest.owner),
            "customer-ref": manifest.request.get("customer-reference"),
            "manifest-date": made.date(),
            "manifest-time": f"{made:%H:%M} {made.tzname()}",
            "contract-id": settled.get("contract-id"),
            "method-of-payment": manifest.request["method-of-payment"],
            "manifest-pricing-info": {
                "base-cost": sum((one.base for one in charges), zero),
                "automation-discount": sum((one.discount for one in charges), zero),
                "options-and-surcharges": sum((one.before_tax - one.base - one.discount for one in charges), zero),
                "gst": sum((one.gst for one in charges), zero),
                "pst": sum((one.pst for one in charges), zero),
                "hst": sum((one.hst for one in charges), zero),
                "total-due-cpc": sum((one.due for one in charges), zero),
            },
            "manifest-address": manifest.request["manifest-address"],
        }

    @staticmethod
    def _link(manifest: Manifest, links: Links) -> Value:
        return links.to(MANIFEST, "manifest", f"{links.home()}/manifest/{manifest.id}")


def _day(manifest: Manifest) -> date:
    return local(manifest.made).date()
