"""The store's state: what it sells, its orders, and the moves that change both.

Ids of what is there at the start are the same in every life of the sandbox; those of later objects contain the start
time, so that a sandbox started again does not give out the ids of its former life.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from integrations.sandbox.catalogue import Item
from integrations.sandbox.shopper import Customer, smallest
from integrations.sandbox.storefront import TAX_RATES, Sale
from integrations.sandbox.twin import World
from integrations.sandbox.woocommerce.records import PAID_STATUSES, Charge, Line, Meta, Note, Order, Product, Tax

VENDOR = "woocommerce"
VERSION = "11.1.0"
FIRST_ORDER = 5001
ITEM_BASE = 10_000  # the catalogue's n-th item is product 10000 + n
_PARENT_BASE = 1_000
_GROUP, _OF_A_GROUP = 20, 3  # the first three of every twenty items are variations of one product
_EPOCH = 1_600_000_000
_KEPT = 20_000  # orders; a demo that runs for weeks must not grow without end
_STATES = {"Tokyo": "JP13", "Osaka": "JP27", "Aichi": "JP23"}
_REDUCED_IN = ("processing", "completed", "on-hold")
_RESTORED_IN = ("cancelled", "pending")
TAXES = {
    country: Tax(rate_id=place, code=f"{country}-TAX-1", label="Tax", share=share)
    for place, (country, share) in enumerate(TAX_RATES.items(), 1)
}


class Shop:
    """One store; ``happened`` tells the webhooks of every change once it trades."""

    def __init__(self, world: World, items: Sequence[Item]) -> None:
        self.world = world
        self.products: dict[int, Product] = {}
        self.orders: dict[int, Order] = {}
        self.happened: list[tuple[str, int]] = []  # topic and what it happened to, in this request
        self.open = False
        self._counts: dict[str, int] = {}
        self._offset = 0
        self._catalogued: dict[str, Product] = {}
        self._stock(items)

    def __repr__(self) -> str:
        return f"<Shop {len(self.products)} products, {len(self.orders)} orders>"

    def now(self) -> float:
        """Return the time in Unix seconds."""
        return self.world.now()

    def setting(self, name: str, usual: Any) -> Any:
        """Return a setting as it stands now."""
        return self.world.setting(VENDOR, name, usual)

    def new_id(self, kind: str = "post") -> int:
        """Return the next number of a kind: post (orders, products, refunds), item, note, meta, webhook."""
        self._counts[kind] = self._counts.get(kind, 0) + 1
        return self._offset + self._counts[kind]

    def start_trading(self) -> None:
        """End the opening: from now on what happens is news."""
        self.open = True
        self._offset = 100 * max(100, int(self.now()) - _EPOCH)

    def happens(self, topic: str, id: int) -> None:
        """Note a change for the webhooks; the same one twice in a request is told once."""
        if self.open and (topic, id) not in self.happened:
            self.happened.append((topic, id))

    def effect(self, kind: str, *, reference: str, id: int, amount: str | None = None) -> None:
        """Tell the ledger of something that happened for good."""
        if self.open:
            self.world.ledger.effect(vendor=VENDOR, kind=kind, reference=reference, id=str(id), amount=amount)

    def by_sku(self, sku: str) -> Product | None:
        """Return the product or variation that has the SKU."""
        return next((one for one in self.products.values() if one.sku == sku), None)

    # Orders

    def place(self, sale: Sale, at: float) -> Order:
        """Take an order at the checkout: it is paid, and its goods leave the stock, unless the sale is not paid."""
        customer = sale.customer
        id = self.new_id() if self.open else FIRST_ORDER + len(self.orders)
        address = address_of(customer)
        order = Order(
            id=id,
            number=f"{self.setting('number_prefix', '')}{id}",
            key=f"wc_order_{id:013x}",
            status="pending",
            currency=sale.currency,
            unit=smallest(sale.currency),
            created_at=at,
            updated_at=at,
            billing={**address, "email": customer.email, "phone": customer.phone},
            shipping={**address, "phone": ""},
            customer_id=26 + id % 7 if id % 3 == 0 else 0,
            payment_method="bacs" if sale.fate == "held" else "stripe",
            payment_title="Direct bank transfer" if sale.fate == "held" else "Credit card",
            tax=TAXES.get(customer.country),
            tax_line_id=self.new_id("item"),
            meta=[Meta(id=self.new_id("meta"), key="is_vat_exempt", value="no")],
        )
        for one in sale.lines:
            product = self._catalogued[one.item.sku]
            total = one.price * one.quantity
            order.lines.append(
                Line(
                    id=self.new_id("item"),
                    name=one.item.name,
                    product=product,
                    quantity=one.quantity,
                    subtotal=total,
                    total=total,
                    tax=sale.tax_on(total),
                )
            )
        title = "Flat rate" if sale.shipping_dollars else "Free shipping"
        order.shipping_lines.append(
            Charge(
                id=self.new_id("item"),
                title=title,
                total=sale.shipping,
                method_id=title.lower().replace(" ", "_"),
            )
        )
        self.keep(order)
        if sale.fate == "held":
            self.set_status(order, "on-hold", at)
        elif sale.fate != "unpaid" and not sale.test:
            self.pay(order, f"pi_woo_{id}", at)
        return order

    def keep(self, order: Order) -> None:
        """Put a new order into the books."""
        self.orders[order.id] = order
        while len(self.orders) > _KEPT:
            del self.orders[next(iter(self.orders))]
        self.happens("order.created", order.id)
        self.effect("order", reference=order.number, id=order.id, amount=f"{order.total:f}")

    def pay(self, order: Order, transaction_id: str, at: float) -> None:
        """Note that the customer paid: the order is to be sent."""
        order.transaction_id = transaction_id or order.transaction_id
        order.paid_at = order.paid_at or at
        self.set_status(order, "processing", at)

    def set_status(self, order: Order, status: str, at: float) -> None:
        """Bring an order into a status, with all that follows from it; the same one again changes nothing."""
        before = order.status
        if status == before:
            return
        order.status = status
        if status in PAID_STATUSES:
            order.paid_at = order.paid_at or at
        if status == "completed":
            order.completed_at = at
        self.note(order, f"Order status changed from {_label(before)} to {_label(status)}.", at)
        if status in _REDUCED_IN:
            self._reduce(order, at)
        elif status in _RESTORED_IN:
            self._restore(order, at)
        self.touch(order, at)

    def touch(self, order: Order, at: float) -> None:
        """Note that an order was saved, whether anything changed or not."""
        order.updated_at = at
        self.happens("order.updated", order.id)

    def note(self, order: Order, text: str, at: float, *, author: str = "system", for_customer: bool = False) -> Note:
        """Put a remark on an order; the order itself is not saved by it."""
        made = Note(id=self.new_id("note"), text=text, at=at, author=author, for_customer=for_customer)
        order.notes.append(made)
        return made

    # Stock

    def move(self, product: Product, quantity: int, at: float) -> None:
        """Add to the number of what counts for a product; nothing happens where nobody counts."""
        holder = product.holder
        if holder is None:
            return
        holder.quantity = (holder.quantity or 0) + quantity
        self.saved(holder, at)

    def saved(self, product: Product, at: float) -> None:
        """Note that a product was saved; a parent's number goes for its variations, theirs for its status."""
        product.settle()
        product.updated_at = at
        for child in product.children:
            if not child.managed:
                child.stock_status = product.stock_status
        parent = product.parent
        if parent is not None and not parent.managed:
            any_left = any(child.stock_status != "outofstock" for child in parent.children)
            parent.stock_status = "instock" if any_left else "outofstock"
        self.happens("product.updated", product.id)

    def _reduce(self, order: Order, at: float) -> None:
        for line in order.lines:
            if line.product is not None and not line.reduced and line.product.holder is not None:
                line.reduced = line.quantity
                line.product.total_sales += line.quantity
                self.move(line.product, -line.quantity, at)

    def _restore(self, order: Order, at: float) -> None:
        for line in order.lines:
            if line.product is not None and line.reduced:
                self.move(line.product, line.reduced, at)
                line.reduced = 0

    # The goods of the first day

    def _stock(self, items: Sequence[Item]) -> None:
        opened = self.now() - 120 * 86_400
        for place, item in enumerate(items):
            group, within = divmod(place, _GROUP)
            made = Product(
                id=ITEM_BASE + place + 1,
                name=item.name,
                sku=item.sku,
                price=item.price,
                quantity=item.quantity,
                weight=str(item.weight_kg),
                category=item.category,
                created_at=opened,
                updated_at=opened,
            )
            if within < _OF_A_GROUP:
                self._vary(made, self._parent(group, opened), "ABC"[within])
            self._catalogued[item.sku] = made
            self._put(made)
        # A variation may leave the counting to its parent, some goods are not counted, and one has no SKU at all.
        gift = Product(
            id=901,
            name="Gift Box",
            sku="GIFT-BOX",
            price=None,
            type="variable",
            quantity=40,
            created_at=opened,
            updated_at=opened,
        )
        self._put(gift)
        for place, size in enumerate(("Small", "Large")):
            box = Product(
                id=902 + place,
                name="Gift Box",
                sku=f"GIFT-BOX-{size[0]}",
                price=Decimal(6 + 4 * place),
                managed=False,
                created_at=opened,
                updated_at=opened,
            )
            self._vary(box, gift, size)
            self._put(box)
        for id, name, sku, price in ((904, "Gift Card", "", "50.00"), (905, "Engraving", "SRV-ENGRAVE", "9.00")):
            self._put(
                Product(
                    id=id,
                    name=name,
                    sku=sku,
                    price=Decimal(price),
                    managed=False,
                    virtual=True,
                    created_at=opened,
                    updated_at=opened,
                )
            )
        for one in list(self.products.values()):
            self.saved(one, opened)

    def _parent(self, group: int, opened: float) -> Product:
        found = self.products.get(_PARENT_BASE + group)
        if found is None:
            found = Product(
                id=_PARENT_BASE + group,
                name=f"Collection {group + 1}",
                sku=f"SET-{group + 1:03d}",
                price=None,
                type="variable",
                managed=False,
                created_at=opened,
                updated_at=opened,
            )
            self._put(found)
        return found

    def _vary(self, made: Product, parent: Product, option: str) -> None:
        made.type, made.parent, made.option = "variation", parent, option
        parent.children.append(made)

    def _put(self, made: Product) -> None:
        made.slug = made.slug or "-".join(made.name.lower().replace(",", "").split()) + f"-{made.id}"
        self.products[made.id] = made


def write_meta(shop: Shop, meta: list[Meta], given: Sequence[Mapping[str, Any]]) -> None:
    """Change ``meta_data`` as a save does; null takes an entry away.

    An entry with an id changes that one. One without replaces the first of its key and takes the others of that key
    away, and is added only where the key is new; with the setting ``meta_adds`` it is always added, as plug-ins do.
    """
    for one in given:
        key, value, id = str(one.get("key") or ""), one.get("value"), one.get("id")
        same = [entry for entry in meta if (entry.id == id if id else entry.key == key)]
        if not id and shop.setting("meta_adds", False):
            same = []
        for double in same[1:]:
            meta.remove(double)
        if not same:
            same = [Meta(id=shop.new_id("meta"), key=key, value=value)]
            meta.append(same[0])
        same[0].key, same[0].value = key or same[0].key, value
        if value is None:
            meta.remove(same[0])


def address_of(customer: Customer) -> dict[str, str]:
    """Return a customer's address in the store's fields."""
    first, _, last = customer.name.partition(" ")
    lines = (*customer.lines, "")
    return {
        "first_name": first,
        "last_name": last,
        "company": "",
        "address_1": lines[0],
        "address_2": lines[1],
        "city": customer.city,
        "state": _STATES.get(customer.state, customer.state),
        "postcode": customer.postal_code,
        "country": customer.country,
    }


def _label(status: str) -> str:
    if status == "pending":
        return "Pending payment"
    return "On hold" if status == "on-hold" else status.capitalize()
