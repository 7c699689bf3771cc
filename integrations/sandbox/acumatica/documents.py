"""What all documents have in common: found by key or id, put, numbered, held, released."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, ClassVar

from integrations.sandbox.acumatica.errors import invalid, refused
from integrations.sandbox.acumatica.records import Record, Sent, Table, new_id
from integrations.sandbox.acumatica.schema import Entity
from integrations.sandbox.acumatica.stock import VENDOR, StockRow, Warehouse
from integrations.sandbox.acumatica.zone import ErpClock
from integrations.sandbox.twin import World

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,29}")
CENT = Decimal("0.01")


class Documents:
    """One kind of document. A subclass says what is checked, what is worked out, and what counts as an effect."""

    entity: ClassVar[Entity]
    default_type: ClassVar[str | None] = None  # the first key, where the document has a type
    computed: ClassVar[frozenset[str]] = frozenset({"Status"})  # what a caller may send but never decides
    codes: ClassVar[tuple[str, ...]] = ()  # fields that name a master record: a customer, a payment method
    required: ClassVar[str | None] = None  # the field without which no document is made

    def __init__(self, world: World, clock: ErpClock, warehouse: Warehouse) -> None:
        self.world = world
        self.clock = clock
        self.warehouse = warehouse
        self.table = Table(self.entity)
        self._numbers: dict[str, int] = {}

    def find(self, sent: Sent) -> Record | None:
        """Return the document that a caller's id or keys name, or None.

        Raises Refused when an id was given that no document has.
        """
        if sent.id is not None:
            row = self.table.with_id(sent.id)
            if row is None:
                raise no_entity()
            return row if isinstance(row, Record) else None
        keys = [sent.values.get(name) for name in self.entity.keys]
        if self.default_type is not None:
            keys[0] = keys[0] or self.default_type
        if any(key is None for key in keys):
            return None
        row = self.table.at(*keys)
        return row if isinstance(row, Record) else None

    def put(self, sent: Sent, *, insert_only: bool, update_only: bool) -> Record:
        """Insert or update a document and return it.

        Raises Refused: 412 when a condition does not hold, 422 when a value is wrong, 500 when the id is unknown.
        """
        known = self.find(sent)
        if known is not None and insert_only:
            raise refused(412, "The record already exists, and the request allows only insertion.")
        if known is None and update_only:
            raise refused(412, "The record does not exist, and the request allows only an update.")
        self._check_codes(sent, known)
        self.check(sent, known)
        if sent.wrong():
            raise invalid(sent.with_errors())
        record = known or self._new(sent)
        self._merge(record, sent)
        self.complete(record)
        self.touch(record)
        if known is None:
            self.note(record)
        return record

    def touch(self, record: Record) -> None:
        """Note that a document was modified now."""
        now = self.clock.now()
        for name in ("LastModified", "LastModifiedDateTime"):
            if name in self.entity.fields:
                record.values[name] = now
        self.table.touch(record)

    def check(self, sent: Sent, known: Record | None) -> None:
        """Put into ``sent`` what is wrong with it."""

    def complete(self, record: Record) -> None:
        """Work out what the ERP works out: defaults, lines, totals, status."""

    def note(self, record: Record) -> None:
        """Report the effect of a new document to the ledger."""

    def effect(self, kind: str, record: Record, reference: str | None, amount: Decimal | None = None) -> None:
        """Write one effect; the id is the document's number."""
        number = str(record.get(self.entity.keys[-1]))
        text = None if amount is None else f"{amount:f}"
        self.world.ledger.effect(vendor=VENDOR, kind=kind, reference=reference or "", id=number, amount=text)

    def check_lines(self, sent: Sent, name: str, quantity: str, *, above_zero: bool) -> None:
        """Put into the lines of ``sent`` what is wrong with item, warehouse and quantity."""
        for line in sent.details.get(name, []):
            if line.delete:
                continue
            sku = line.values.get("InventoryID")
            if sku is not None and self.warehouse.find(sku) is None:
                line.errors["InventoryID"] = f"'InventoryID' '{sku}' cannot be found in the system."
            if sku is None and line.id is None and quantity in line.values:
                line.errors["InventoryID"] = "'InventoryID' cannot be empty."
            where = line.values.get("WarehouseID")
            if where is not None and where.casefold() != self.warehouse.name.casefold():
                line.errors["WarehouseID"] = f"'WarehouseID' '{where}' cannot be found in the system."
            number = line.values.get(quantity)
            if above_zero and number is not None and number <= 0:
                line.errors[quantity] = f"'{quantity}' must be greater than 0."

    def stock_of(self, line: Record) -> StockRow | None:
        """Return the stock of the item a line names."""
        sku = line.get("InventoryID")
        return None if sku is None else self.warehouse.find(sku)

    def _check_codes(self, sent: Sent, known: Record | None) -> None:
        if known is None and self.required is not None and not sent.values.get(self.required):
            sent.errors[self.required] = f"'{self.required}' cannot be empty."
        for name in self.codes:
            value = sent.values.get(name)
            # Any well-formed code is a master record here: the sandbox cannot know which ones an instance has.
            if value is not None and (not _CODE.fullmatch(value) or "invalid" in value.lower()):
                sent.errors[name] = f"'{name}' '{value}' cannot be found in the system."

    def _new(self, sent: Sent) -> Record:
        values: dict[str, Any] = dict.fromkeys(self.entity.keys)
        kind = ""
        if self.default_type is not None:
            kind = sent.values.get(self.entity.keys[0]) or self.default_type
            values[self.entity.keys[0]] = kind
        self._numbers[kind] = self._numbers.get(kind, 0) + 1
        number = f"{self._numbers[kind]:06d}"
        values[self.entity.keys[-1]] = number
        return Record(id=new_id(self.entity.name, kind, number), values=values)

    def _merge(self, record: Record, sent: Sent) -> None:
        fixed = self.computed | frozenset(self.entity.keys)
        record.values.update({name: value for name, value in sent.values.items() if name not in fixed})
        for name, lines in sent.details.items():
            kept = record.details.setdefault(name, [])
            for line in lines:
                _merge_line(self.entity.name, record, name, kept, line)
        for name, inner in sent.linked.items():
            link = record.linked.setdefault(name, Record(id=new_id(record.id, name)))
            link.values.update(inner.values)


def _merge_line(entity: str, record: Record, name: str, kept: list[Record], line: Sent) -> None:
    known = next((old for old in kept if old.id == line.id), None) if line.id else None
    if line.id and known is None:
        raise no_entity()
    if known is None:
        at = max((old.values.get("LineNbr") or 0 for old in kept), default=0) + 1
        kept.append(Record(id=new_id(entity, record.id, name, at), values={"LineNbr": at, **line.values}))
    elif line.delete:
        kept.remove(known)
    else:
        known.values.update(line.values)


def no_entity() -> Exception:
    """Return the exception for keys or an id that no record has."""
    return refused(
        500,
        "No entity satisfies the condition.",
        kind="PX.Api.ContractBased.NoEntitySatisfiesTheConditionException",
    )


def defaults(record: Record, **values: Any) -> None:
    """Set the fields that have no value yet."""
    for name, value in values.items():
        if record.values.get(name) is None:
            record.values[name] = value


def total(lines: list[Record], amount: Callable[[Record], Decimal]) -> Decimal:
    """Return the sum over lines."""
    return sum((amount(line) for line in lines), Decimal(0))
