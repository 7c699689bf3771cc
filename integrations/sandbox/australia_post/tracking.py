"""Where parcels are: up to ten numbers in one request, each with its own answer or its own error."""

from __future__ import annotations

from typing import Any

from integrations.sandbox.australia_post.errors import Refused, shipping
from integrations.sandbox.australia_post.shipments import Item, Kept, Shipments, stamp
from integrations.sandbox.twin import World

_MOST = 10
_UNKNOWN = {"code": "ESB-10001", "name": "Invalid tracking ID"}


def track(world: World, shipments: Shipments, asked: str | None) -> dict[str, Any]:
    """Return ``tracking_results`` for comma-separated article or consignment ids.

    An unknown number is an error inside the 200, and so is one that is not part of an order yet: Australia Post hears
    of a parcel with the order. Setting: ``max_tracking_ids`` (10).
    """
    ids = [part.strip() for part in (asked or "").split(",") if part.strip()]
    if not ids:
        raise Refused(400, shipping("51100"))
    if len(ids) > int(world.setting("australia_post", "max_tracking_ids", _MOST)):
        raise Refused(400, shipping("51101"))
    speed = float(world.setting("australia_post", "tracking_speed", 1))
    return {"tracking_results": [_result(shipments, id, world.now(), speed) for id in ids]}


def _result(shipments: Shipments, id: str, now: float, speed: float) -> dict[str, Any]:
    for kept in shipments.all():
        if kept.ordered is None:
            continue
        for item in kept.items:
            if item.article == id:
                told = _told(kept, item, now, speed)
                return {"tracking_id": id, "status": told["status"], "trackable_items": [told]}
        if kept.consignment == id:
            items = [_told(kept, item, now, speed) for item in kept.items]
            whole = {"consignment_id": id, "number_of_items": len(items), "items": items}
            return {"tracking_id": id, "status": items[0]["status"], "trackable_items": [whole]}
    return {"tracking_id": id, "errors": [_UNKNOWN]}


def _told(kept: Kept, item: Item, now: float, speed: float) -> dict[str, Any]:
    scans = kept.journey.scans(now, speed) if kept.journey else []
    events = []
    for scan in scans:
        event = {"description": scan.stage.text, "date": stamp(scan.at)}
        if scan.stage.share >= 0.2:  # what is only known of a parcel happened nowhere
            event = {"location": _place(kept, arrived=scan.stage.arrived), **event}
        events.append(event)
    product = item.parcel.product
    return {
        "article_id": item.article,
        "product_type": product.group if product else "",
        "events": events,
        "status": kept.status(now, speed),
    }


def _place(kept: Kept, *, arrived: bool) -> str:
    """Return the suburb and state of one end, ``ALEXANDRIA NSW``; abroad the country stands in brackets."""
    address = kept.wish.told["to" if arrived else "from"]
    suburb = str(address.get("suburb", "")).upper()
    if arrived and kept.wish.country != "AU":
        return f"{suburb} ({kept.wish.country})"
    return f"{suburb} {address.get('state', '')}".strip()
