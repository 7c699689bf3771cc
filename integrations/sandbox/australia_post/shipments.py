"""Shipments from their creation until they are part of an order, and the samples an example can ask for."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from integrations.sandbox.australia_post import prices, products
from integrations.sandbox.australia_post.errors import Refused, shipping
from integrations.sandbox.australia_post.products import PRODUCTS
from integrations.sandbox.australia_post.reading import Parcel, Wish
from integrations.sandbox.journey import Journey, Stage
from integrations.sandbox.shelf import Shelf
from integrations.sandbox.twin import World

_ZONE = ZoneInfo("Australia/Melbourne")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._"
_LOCATION = "QSB"  # the merchant location every consignment number of the account starts with

# ``code`` is the status an item has from that scan on.
_START = (
    Stage(share=0.0, code="Initiated", text="Shipping information received by Australia Post"),
    Stage(share=0.05, code="Initiated", text="Shipping information approved by Australia Post"),
    Stage(share=0.2, code="In Transit", text="Received by Australia Post"),
    Stage(share=0.5, code="In Transit", text="Processed through Australia Post facility", arrived=True),
    Stage(share=0.9, code="In Transit", text="With Australia Post for delivery today", arrived=True),
)
DELIVERED: Sequence[Stage] = (*_START, Stage(share=1.0, code="Delivered", text="Delivered", arrived=True))
_CARDED = (*_START, Stage(share=1.0, code="Awaiting Collection", text="Awaiting collection", arrived=True))
_LATE = (*_START, Stage(share=0.95, code="Possible Delay", text="Possible delay in delivery", arrived=True))
_NOBODY = (
    *_START,
    Stage(share=1.0, code="Cannot Be Delivered", text="Unable to be delivered as addressed", arrived=True),
)

# Article id -> stages and where on the way it stands for ever; None is not part of an order, so it can be deleted.
SAMPLES: Mapping[str, tuple[Sequence[Stage], float | None]] = {
    "QSB000000101000870900": (DELIVERED, None),
    "QSB000000201000870900": (DELIVERED, 0.0),
    "QSB000000301000870900": (DELIVERED, 0.6),
    "QSB000000401000870900": (DELIVERED, 0.92),
    "QSB000000501000870900": (DELIVERED, 1.2),
    "QSB000000601000870900": (_CARDED, 1.2),
    "QSB000000701000870900": (_LATE, 1.2),
    "QSB000000801000870900": (_NOBODY, 1.2),
}


@dataclass(slots=True, kw_only=True)
class Item:
    """One parcel of a shipment with the numbers it was given."""

    id: str
    article: str
    parcel: Parcel
    label: str | None = None  # where its label was last to be had


@dataclass(slots=True, kw_only=True)
class Kept:
    """One shipment. ``ordered`` is when it became part of an order; samples belong to no ``account``."""

    id: str
    account: str
    wish: Wish
    consignment: str
    items: list[Item]
    made: float
    order: str | None = None
    ordered: float | None = None
    stages: Sequence[Stage] = field(default=DELIVERED)
    pinned: float | None = None

    def status(self, now: float, speed: float) -> str:
        """Return the status: ``Created`` until it is ordered, then that of its newest scan."""
        journey = self.journey
        if journey is None:
            return "Created"
        scans = journey.scans(now, speed)
        return scans[0].stage.code if scans else "Sealed"

    @property
    def journey(self) -> Journey | None:
        """Return its way; None while nothing has been handed over."""
        if self.ordered is None:
            return None
        product = self.items[0].parcel.product
        days = products.transit_days(product, self.wish.origin, self.wish.destination) if product else 1
        return Journey(stages=self.stages, made=self.ordered, days=days, pinned=self.pinned)


class Shipments:
    """All shipments of all accounts. Setting: ``tracking_speed`` (1, above 0) shortens their way."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._random = world.chance(f"australia_post.shipments:{world.now():.0f}")
        self._numbers = self._random.randrange(1_000, 100_000)
        self._kept: Shelf[Kept] = Shelf()
        for article, (stages, share) in SAMPLES.items():
            self._add_sample(article, stages, share)

    def __repr__(self) -> str:
        return f"<Shipments {len(self._kept)} shipments>"

    def create(self, wish: Wish, account: str) -> Kept:
        """Keep a new shipment and report it; the same reference again makes another one."""
        self._numbers += 1
        consignment = f"{_LOCATION}{self._numbers:07d}" if wish.country == "AU" else f"GDX{self._numbers:07d}"
        kept = Kept(
            id=self._id(self._random),
            account=account,
            wish=wish,
            consignment=consignment,
            items=[
                Item(id=self._id(self._random), article=_article(consignment, place, wish.country), parcel=parcel)
                for place, parcel in enumerate(wish.parcels, start=1)
            ],
            made=self._world.now(),
        )
        self._kept.put(kept.id, kept)
        self._report("shipment", kept, prices.summary(wish, "")["total_cost"])
        return kept

    def find(self, id: str, account: str) -> Kept:
        """Return a shipment; raises Refused, 404, for one there is not and 400 for another account's."""
        kept = self._kept.get(id)
        if kept is None:
            raise Refused(404, shipping("44013", id, shipment_id=id))
        if kept.account not in ("", account):
            raise Refused(400, shipping("44038", id, shipment_id=id))
        return kept

    def owned(self, account: str) -> list[Kept]:
        """Return an account's shipments and the samples, the newest first (the vendor's order is not published)."""
        return [kept for kept in self._kept.newest_first() if kept.account in ("", account)]

    def all(self) -> list[Kept]:
        """Return every shipment, oldest first."""
        return self._kept.oldest_first()

    def delete(self, ids: Sequence[str], account: str) -> None:
        """Forget shipments, all or none of them; raises Refused when one is part of an order."""
        if not ids:
            raise Refused(400, shipping("44023"))
        found = [self.find(id, account) for id in ids]
        for kept in found:
            if kept.order is not None:
                raise Refused(400, shipping("44016", kept.id, shipment_id=kept.id))
        for kept in found:
            self._kept.take(kept.id)
            self._report("void", kept)

    def told(self, kept: Kept, *, whole: bool = False, status: str | None = None) -> dict[str, Any]:
        """Return a shipment as the API tells it: without addresses when it is made, ``whole`` when it is asked for."""
        speed = float(self._world.setting("australia_post", "tracking_speed", 1))
        now_status = status or kept.status(self._world.now(), speed)
        wish = kept.wish
        asked = ("shipment_reference", "customer_reference_1", "customer_reference_2", "email_tracking_enabled")
        items = zip(kept.items, prices.of_wish(wish), strict=True)
        told: dict[str, Any] = {
            "shipment_id": kept.id,
            "shipment_creation_date": stamp(kept.made),
            "shipment_modified_date": stamp(kept.ordered or kept.made),
            **{name: wish.told[name] for name in asked if name in wish.told},
        }
        if wish.references:
            told["sender_references"] = list(wish.references)
        if whole:
            told |= {"from": wish.told.get("from"), "to": wish.told.get("to")}
        told["items"] = [_told_item(kept, item, price, now_status) for item, price in items]
        told["options"] = {}
        told["shipment_summary"] = {
            **prices.summary(wish, now_status),
            "tracking_summary": {now_status: len(kept.items)},
            "number_of_items": len(kept.items),
        }
        told |= {"movement_type": "DESPATCH", "charge_to_account": kept.account or "0000000000"}
        if kept.order is not None:
            told["order_id"] = kept.order
        return told

    def _report(self, kind: str, kept: Kept, cost: Decimal | None = None) -> None:
        names = (kept.wish.reference, *kept.wish.references)
        self._world.ledger.effect(
            vendor="australia_post",
            kind=kind,
            reference=next((name for name in names if name), ""),
            id=kept.id,
            amount=None if cost is None else f"{cost} AUD",
        )

    @staticmethod
    def _id(draw: random.Random) -> str:
        return "".join(draw.choices(_LETTERS, k=24))

    def _add_sample(self, article: str, stages: Sequence[Stage], share: float | None) -> None:
        draw, now = random.Random(article), self._world.now()
        kg = Decimal(draw.randint(300, 4000)) / 1000
        asked = {"item_reference": "SKU-1", "product_id": "T28S", "weight": kg, "length": 20, "width": 15, "height": 10}
        kept = Kept(
            id=f"SAMPLE.{article[:10]}.parcel",
            account="",
            wish=_sample_wish(
                article, Parcel(product=PRODUCTS["T28S"], reference="SKU-1", kg=kg, charged=kg, cover=None, told=asked)
            ),
            consignment=article[:10],
            items=[],
            made=now,
            order=None if share is None else "AP0000000001",
            ordered=None if share is None else now,
            stages=stages,
            pinned=share,
        )
        kept.items.append(Item(id=self._id(draw), article=article, parcel=kept.wish.parcels[0]))
        self._kept.put(kept.id, kept)


def stamp(at: float) -> str:
    """Return Unix seconds as the vendor writes times: Melbourne's clock with its offset."""
    return datetime.fromtimestamp(at, _ZONE).isoformat(timespec="seconds")


def label_stamp(at: float) -> str:
    """Return Unix seconds as label requests have them: ``01-10-2026 22:00:00``, with no zone."""
    return datetime.fromtimestamp(at, _ZONE).strftime("%d-%m-%Y %H:%M:%S")


def local_day(at: float) -> str:
    """Return the day in Melbourne, ``2026-10-01``."""
    return datetime.fromtimestamp(at, _ZONE).date().isoformat()


def _article(consignment: str, place: int, country: str) -> str:
    return f"{consignment}{place:02d}000870900" if country == "AU" else f"0079352{consignment[3:]}{place:02d}1978"


def _told_item(kept: Kept, item: Item, price: products.Price, status: str) -> dict[str, Any]:
    asked = item.parcel.told
    numbers = {"article_id": item.article, "consignment_id": kept.consignment}
    told: dict[str, Any] = {"weight": item.parcel.kg, "item_id": item.id}
    if item.label is not None:  # the barcode comes with the label
        numbers["barcode_id"] = f"0199312650999998912{item.article}|4200{kept.wish.destination}"
        told["label"] = {"label_url": item.label, "status": "Available"}
    told |= {
        name: asked[name]
        for name in ("item_reference", "authority_to_leave", "allow_partial_delivery")
        if name in asked
    }
    return {
        **told,
        "tracking_details": numbers,
        "product_id": item.parcel.product.id if item.parcel.product else "",
        "item_summary": {**price.summed(), "status": status},
        "item_contents": asked.get("item_contents", []),
    }


def _sample_wish(article: str, parcel: Parcel) -> Wish:
    reference = f"SAMPLE-{article[6:10]}"

    def address(name: str, line: str, suburb: str, state: str, postcode: str) -> dict[str, Any]:
        return {"name": name, "lines": [line], "suburb": suburb, "state": state, "postcode": postcode}

    return Wish(
        reference=reference,
        references=[reference],
        origin="3000",
        destination="2000",
        country="AU",
        parcels=[parcel],
        told={
            "shipment_reference": reference,
            "customer_reference_1": reference,
            "from": address("Quayside Sandbox", "1 Quay St", "MELBOURNE", "VIC", "3000"),
            "to": address("Jo Sample", "2 Pier Rd", "SYDNEY", "NSW", "2000"),
        },
    )
