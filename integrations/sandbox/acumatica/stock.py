"""What is in the warehouse, and how it moves: by documents, by the shop's tills (demo), and by a test's hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from integrations.sandbox.acumatica.records import Record, Table, new_id
from integrations.sandbox.acumatica.schema import STOCK_ITEM
from integrations.sandbox.acumatica.zone import ErpClock
from integrations.sandbox.catalogue import Item
from integrations.sandbox.twin import World

VENDOR = "acumatica"
_UNIT = "EA"
_LONGEST_CATCH_UP = 500  # till sales made up for at once after the sandbox was left alone for long


@dataclass(slots=True, kw_only=True)
class StockRow:
    """A stock item as the ERP shows it. The fields are worked out when asked for: a catalogue may have 100 000."""

    item: Item
    warehouse: str
    on_hand: Decimal
    modified: float
    reserved: Decimal = field(default=Decimal(0))  # on open sales orders

    @property
    def id(self) -> str:
        """Return the record's GUID."""
        return new_id(STOCK_ITEM.name, self.item.sku)

    def get(self, name: str) -> Any:
        """Return a field, or None."""
        match name:
            case "InventoryID":
                return self.item.sku
            case "LastModified" | "LastModifiedDateTime":
                return self.modified
            case "DefaultPrice" | "CurySpecificPrice":
                return self.item.price
            case "AverageCost" | "LastCost":
                return self.item.cost
            case "Description":
                return self.item.name
            case "ItemClass":
                return self.item.category.upper()
            case "DimensionWeight":
                return self.item.weight_kg
            case "CountryOfOrigin":
                return self.item.country_of_origin
            case "TariffCode":
                return self.item.hs_code
            case "DefaultWarehouseID":
                return self.warehouse
            case _:
                return _SAME_FOR_ALL.get(name)

    def lines(self, name: str) -> Sequence[Record]:
        """Return the warehouses the item is kept in: there is one."""
        if name != "WarehouseDetails":
            return []
        values = {"WarehouseID": self.warehouse, "QtyOnHand": self.on_hand, "IsDefault": True, "Status": "Active"}
        return [Record(id=new_id(STOCK_ITEM.name, self.item.sku, self.warehouse), values=values)]

    def link(self, name: str) -> None:
        """Return None: a stock item has no linked record."""

    @property
    def available(self) -> Decimal:
        """Return what is on hand and not promised to an open sales order."""
        return self.on_hand - self.reserved


_SAME_FOR_ALL = {
    "ItemStatus": "Active",
    "ItemType": "Finished Good",
    "BaseUOM": _UNIT,
    "SalesUOM": _UNIT,
    "PurchaseUOM": _UNIT,
    "WeightUOM": "KG",
    "Availability": "Set as Available (Track Qty)",
}


class Warehouse:
    """The stock of one warehouse, in catalogue order."""

    def __init__(self, world: World, clock: ErpClock, items: Sequence[Item], name: str) -> None:
        self._world = world
        self._clock = clock
        self.name = name
        self.table = Table(STOCK_ITEM)
        # Seeded long ago, so that a first sync that asks for the last day's changes does not get everything.
        seeded = clock.now() - 30 * 86_400
        self._rows: dict[str, StockRow] = {}
        for item in items:
            row = StockRow(item=item, warehouse=name, on_hand=Decimal(item.quantity), modified=seeded)
            self._rows[item.sku.casefold()] = row
            self.table.touch(row)
        self._tick = self._due_tick()

    def __repr__(self) -> str:
        return f"<Warehouse {self.name}, {len(self._rows)} items>"

    def find(self, sku: str) -> StockRow | None:
        """Return an item's stock, or None."""
        return self._rows.get(sku.strip().casefold())

    def levels(self) -> dict[str, Decimal]:
        """Return what is on hand of every item."""
        return {row.item.sku: row.on_hand for row in self._rows.values()}

    def move(self, row: StockRow, difference: Decimal, *, reference: str, document: str) -> None:
        """Change what is on hand and note it as an effect."""
        self._set(row, row.on_hand + difference, self._clock.now())
        self._note(row, difference, reference, document)

    def count(self, levels: Mapping[str, Decimal]) -> None:
        """Set what is on hand from outside, as a person at the ERP's own screen would; no effect of a request."""
        for sku, quantity in levels.items():
            row = self.find(sku)
            if row is None:
                raise KeyError(sku)
            self._set(row, quantity, self._clock.now())

    def reserve(self, row: StockRow, difference: Decimal) -> None:
        """Promise so many more (or fewer) to open sales orders."""
        row.reserved += difference

    def trade(self) -> None:
        """Catch up with what the tills have sold since: one sale every ``pos_seconds`` (demo: 5), the same by seed."""
        due = self._due_tick()
        if due is None or self._tick is None:
            self._tick = due
            return
        seconds = self._pos_seconds()
        rows = list(self._rows.values())
        for tick in range(max(self._tick, due - _LONGEST_CATCH_UP) + 1, due + 1):
            draw = self._world.chance(f"pos:{tick}")
            row = draw.choice(rows)
            # A sale while there is stock; an empty shelf is filled by a delivery.
            difference = Decimal(-draw.choice((1, 1, 1, 2, 3))) if row.on_hand > 3 else Decimal(draw.randint(20, 120))
            self._set(row, row.on_hand + difference, round(tick * seconds, 3))
            self._note(row, difference, f"till-{tick}", f"T{tick}")
        self._tick = due

    def _note(self, row: StockRow, difference: Decimal, reference: str, document: str) -> None:
        self._world.ledger.effect(
            vendor=VENDOR, kind="stock", reference=f"{reference}/{row.item.sku}", id=document, amount=f"{difference:f}"
        )

    def _set(self, row: StockRow, quantity: Decimal, at: float) -> None:
        row.on_hand = quantity
        row.modified = max(at, row.modified)
        self.table.touch(row)

    def _pos_seconds(self) -> float:
        seconds = float(self._world.setting(VENDOR, "pos_seconds", 5.0 if self._world.demo else 0.0))
        return seconds if seconds > 0 else 0.0

    def _due_tick(self) -> int | None:
        seconds = self._pos_seconds()
        return int(self._world.now() // seconds) if seconds else None
