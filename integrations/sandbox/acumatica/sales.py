"""Sales orders, and the shipments that fulfil them."""

from __future__ import annotations

from decimal import Decimal

from integrations.sandbox.acumatica.documents import CENT, Documents, defaults, total
from integrations.sandbox.acumatica.errors import refused
from integrations.sandbox.acumatica.records import Record, Sent, Table, new_id
from integrations.sandbox.acumatica.schema import SALES_ORDER, SHIPMENT
from integrations.sandbox.acumatica.stock import VENDOR, StockRow, Warehouse
from integrations.sandbox.acumatica.zone import ErpClock
from integrations.sandbox.twin import World

_OPEN, _SHIPPING, _COMPLETED, _CANCELED, _HOLD = "Open", "Shipping", "Completed", "Canceled", "On Hold"
_DEMO_SHIP_AFTER = 75.0  # seconds from order to shipment, and again to its confirmation


class SalesOrders(Documents):
    """Every PUT without a known number makes another order: the ERP has no idempotency key."""

    entity = SALES_ORDER
    default_type = "SO"
    computed = frozenset({"Status", "OrderedQty", "OrderTotal", "LastModified", "CreatedDate"})
    codes = ("CustomerID", "PaymentMethod", "CashAccount")
    required = "CustomerID"

    def __init__(self, world: World, clock: ErpClock, warehouse: Warehouse) -> None:
        super().__init__(world, clock, warehouse)
        self.shipments = Table(SHIPMENT)
        self._reserved: dict[str, list[tuple[StockRow, Decimal]]] = {}
        self._waiting: dict[str, tuple[float, Record]] = {}  # order id: when its next step is due
        self._draw = world.chance("shipments")

    def check(self, sent: Sent, known: Record | None) -> None:
        """Refuse a change to an order that is finished, and lines that cannot be sold."""
        if known is not None and known.get("Status") in (_COMPLETED, _CANCELED):
            sent.errors["Status"] = "The sales order cannot be changed because it is completed or canceled."
        currency = sent.values.get("CurrencyID")
        if currency is not None and (len(currency) != 3 or not currency.isalpha()):
            sent.errors["CurrencyID"] = f"'CurrencyID' '{currency}' cannot be found in the system."
        self.check_lines(sent, "Details", "OrderQty", above_zero=True)

    def complete(self, record: Record) -> None:
        """Price the lines, add them up, reserve the stock."""
        defaults(record, CurrencyID="USD", Date=self.clock.today(), Hold=False)
        defaults(record, CreatedDate=self.clock.now())
        lines = record.details.setdefault("Details", [])
        for line in lines:
            self._complete_line(line)
        taxes = total(record.details.get("TaxDetails", []), lambda line: line.number("TaxAmount"))
        freight = record.linked["Totals"].number("Freight") if "Totals" in record.linked else Decimal(0)
        goods = total(lines, lambda line: line.number("Amount"))
        record.values["TaxTotal"] = taxes or record.number("TaxTotal")
        record.values["OrderedQty"] = total(lines, lambda line: line.number("OrderQty"))
        record.values["OrderTotal"] = goods + record.number("TaxTotal") + freight
        status = record.get("Status")
        if status in (None, _OPEN, _HOLD):
            record.values["Status"] = _HOLD if record.get("Hold") else _OPEN
        self._reserve(record)
        self._plan(record)

    def note(self, record: Record) -> None:
        """Report the order by our reference, else by the customer's order number."""
        reference = record.get("ExternalRef") or record.get("CustomerOrder")
        self.effect("order", record, reference, record.number("OrderTotal"))

    def cancel(self, record: Record) -> None:
        """Cancel an order that is not on its way; raises Refused when it is."""
        if record.get("Status") not in (_OPEN, _HOLD):
            raise refused(422, "The order cannot be canceled in its present status.")
        record.values["Status"] = _CANCELED
        self._reserve(record)
        self._waiting.pop(record.id, None)
        self.touch(record)

    def ship(self, record: Record) -> None:
        """Make a shipment of an open order; raises ValueError when the order is not open."""
        if record.get("Status") != _OPEN:
            raise ValueError(f"The sales order {record.get('OrderNbr')} is not open.")
        number = f"{len(self.shipments) + 1:06d}"
        lines = record.details["Details"]
        quantity = total(lines, lambda line: line.number("OrderQty"))
        weight = total(lines, lambda line: self._weight(line))
        now = self.clock.now()
        shared = {"ShipmentNbr": number, "ShipmentType": "Shipment", "ShippedQty": quantity}
        shipment = Record(
            id=new_id(SHIPMENT.name, number),
            values={
                "ShipmentNbr": number,
                "Status": "Open",
                "Type": "Shipment",
                "Operation": "Issue",
                "CustomerID": record.get("CustomerID"),
                "WarehouseID": self.warehouse.name,
                "ShipVia": record.get("ShipVia"),
                "Hold": False,
                "ShippedQty": quantity,
                "ShippedWeight": weight,
                "ShipmentDate": self.clock.today(),
                "CreatedDateTime": now,
                "LastModifiedDateTime": now,
                "PackageCount": 0,
            },
            details={
                "Orders": [
                    Record(
                        id=new_id(SHIPMENT.name, number, "order"),
                        values={**shared, "OrderType": record.get("OrderType"), "OrderNbr": record.get("OrderNbr")},
                    )
                ]
            },
        )
        self.shipments.touch(shipment)
        line = {**shared, "Status": "Open", "ShipmentDate": self.clock.today(), "LastModifiedDateTime": now}
        record.details.setdefault("Shipments", []).append(Record(id=new_id(record.id, number), values=line))
        record.values["Status"] = _SHIPPING
        self.touch(record)
        self._plan(record)

    def confirm(self, shipment: Record) -> None:
        """Hand a shipment over: it gets its tracking number, the goods leave the warehouse, the order is completed.

        Raises ValueError when it is confirmed already.
        """
        if shipment.get("Status") != "Open":
            raise ValueError(f"The shipment {shipment.get('ShipmentNbr')} is not open.")
        ordered = shipment.details["Orders"][0]
        record = self.table.at(ordered.get("OrderType"), ordered.get("OrderNbr"))
        tracking = f"7946{self._draw.randrange(10**8):08d}"
        package = {"TrackingNbr": tracking, "BoxID": "MEDIUM", "Type": "Auto", "Confirmed": True, "UOM": "KG"}
        package_id = new_id(shipment.id, "package")
        shipment.details["Packages"] = [
            Record(id=package_id, values={**package, "Weight": shipment.get("ShippedWeight")})
        ]
        shipment.values.update(Status="Confirmed", PackageCount=1, LastModifiedDateTime=self.clock.now())
        self.shipments.touch(shipment)
        if isinstance(record, Record):
            self._finish(record, str(shipment.get("ShipmentNbr")))

    def live(self) -> None:
        """Take the orders whose time has come a step further: shipped, then completed.

        The setting ``ship_after`` is the seconds each step takes; null (the default outside demo mode) leaves orders
        open.
        """
        now = self.clock.now()
        for due, record in list(self._waiting.values()):
            if due > now:
                continue
            del self._waiting[record.id]
            if record.get("Status") == _OPEN:
                self.ship(record)
            elif record.get("Status") == _SHIPPING:
                shipment = self.shipments.at(record.details["Shipments"][-1].get("ShipmentNbr"))
                if isinstance(shipment, Record) and shipment.get("Status") == "Open":
                    self.confirm(shipment)

    def _finish(self, record: Record, shipment: str) -> None:
        now = self.clock.now()
        for line in record.details["Details"]:
            stock, quantity = self.stock_of(line), line.number("OrderQty")
            line.values.update(QtyOnShipments=quantity, OpenQty=Decimal(0), Completed=True)
            if stock is not None:
                reference = str(record.get("ExternalRef") or record.get("CustomerOrder") or record.get("OrderNbr"))
                self.warehouse.move(stock, -quantity, reference=reference, document=shipment)
        for line in record.details["Shipments"]:
            if line.get("ShipmentNbr") == shipment:
                line.values.update(Status="Confirmed", LastModifiedDateTime=now)
        record.values["Status"] = _COMPLETED
        self._reserve(record)
        self.touch(record)

    def _complete_line(self, line: Record) -> None:
        stock = self.stock_of(line)
        defaults(line, UOM="EA", WarehouseID=self.warehouse.name, OrderQty=Decimal(0))
        if stock is not None:
            defaults(line, LineDescription=stock.item.name)
            defaults(line, UnitPrice=stock.item.price)
        extended = (line.number("OrderQty") * line.number("UnitPrice")).quantize(CENT)
        line.values["ExtendedPrice"] = extended
        line.values["Amount"] = Decimal(0) if line.get("FreeItem") else extended - line.number("DiscountAmount")
        line.values["OpenQty"] = line.number("OrderQty")
        defaults(line, QtyOnShipments=Decimal(0))
        defaults(line, Completed=False)

    def _weight(self, line: Record) -> Decimal:
        stock = self.stock_of(line)
        return Decimal(0) if stock is None else stock.item.weight_kg * line.number("OrderQty")

    def _reserve(self, record: Record) -> None:
        """Promise the goods of an order that is under way, and no longer those of one that is not."""
        for stock, quantity in self._reserved.pop(record.id, []):
            self.warehouse.reserve(stock, -quantity)
        if record.get("Status") in (_OPEN, _SHIPPING):
            promised = [
                (found, line.number("OrderQty"))
                for line in record.details["Details"]
                if (found := self.stock_of(line)) is not None
            ]
            for row, quantity in promised:
                self.warehouse.reserve(row, quantity)
            self._reserved[record.id] = promised

    def _plan(self, record: Record) -> None:
        after = self.world.setting(VENDOR, "ship_after", _DEMO_SHIP_AFTER if self.world.demo else None)
        if after is not None and record.get("Status") in (_OPEN, _SHIPPING):
            self._waiting[record.id] = (self.clock.now() + float(after), record)
