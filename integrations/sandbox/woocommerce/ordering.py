"""Changes to orders: made over the API, edited, brought into another status, thrown away."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from integrations.sandbox.shopper import smallest
from integrations.sandbox.woocommerce import php, refunds
from integrations.sandbox.woocommerce.call import Call
from integrations.sandbox.woocommerce.errors import refused
from integrations.sandbox.woocommerce.order_views import OrderViews
from integrations.sandbox.woocommerce.records import PAID_STATUSES, Charge, Line, Order, Product
from integrations.sandbox.woocommerce.schemas import ORDER_STATUSES
from integrations.sandbox.woocommerce.shop import TAXES, Shop, write_meta

CUSTOMERS = range(26, 33)  # the accounts there are
_ADDRESS = (
    *("first_name", "last_name", "company", "address_1", "address_2", "city", "state", "postcode", "country"),
    "phone",
)
_PLAIN = ("customer_note", "payment_method", "transaction_id")
_RECALCULATED_BY = ("billing", "shipping", "line_items", "shipping_lines", "fee_lines", "coupon_lines")
_NULL_REMOVES = ("product_id", "method_id", "method_title", "name", "code")
_OWED_IN = ("pending", "failed")
_COMPLETE_FROM = ("on-hold", "pending", "failed", "cancelled")


def create(shop: Shop, call: Call) -> Order:
    """Make an order of what a request has. Raises Refused."""
    now = shop.now()
    id = shop.new_id()
    currency = str(call.params.get("currency") or "USD")
    order = Order(
        id=id,
        number=f"{shop.setting('number_prefix', '')}{id}",
        key=f"wc_order_{id:013x}",
        status="pending",
        currency=currency,
        unit=smallest(currency),
        created_at=now,
        updated_at=now,
        billing=dict.fromkeys((*_ADDRESS, "email"), ""),
        shipping=dict.fromkeys(_ADDRESS, ""),
        created_via=str(call.params.get("created_via") or "rest-api"),
        tax_line_id=shop.new_id("item"),
    )
    _write(shop, order, call)
    _recalculate(order)
    shop.keep(order)
    _finish(shop, order, call, creating=True)
    return order


def update(shop: Shop, order: Order, call: Call) -> Order:
    """Change what a request names; every save counts as a change, and so does one that changes nothing."""
    before, shown = order.status, _shown(shop, order)
    if call.has("currency"):
        order.currency = str(call.params["currency"])
    _write(shop, order, call)
    if any(call.has(name) for name in _RECALCULATED_BY):
        _recalculate(order)
    _finish(shop, order, call, creating=False)
    if _shown(shop, order) != shown:
        shop.effect(_kind(before, order.status), reference=order.number, id=order.id)
    return order


def delete(shop: Shop, order: Order, *, force: bool) -> None:
    """Throw an order away, for good or into the trash. Raises Refused when it is there already."""
    if force:
        del shop.orders[order.id]
    elif order.status == "trash":
        raise refused("woocommerce_rest_already_trashed", "The shop_order has already been deleted.", 410)
    else:
        order.status, order.updated_at = "trash", shop.now()
    shop.happens("order.deleted", order.id)
    shop.effect("void", reference=order.number, id=order.id)


def _kind(before: str, after: str) -> str:
    if after == before:
        return "order_update"
    kinds = {"completed": "fulfilment", "cancelled": "void", "processing": "payment", "refunded": "refund"}
    if after == "processing" and before in PAID_STATUSES:
        return "order_update"
    return kinds.get(after, "order_update")


def _shown(shop: Shop, order: Order) -> dict[str, Any]:
    """Return all of an order but when it was saved."""
    view = OrderViews(shop, Call(params={"dp": 3}, query={}, home="")).order(order)
    return {name: value for name, value in view.items() if not name.startswith("date_modified")}


def _write(shop: Shop, order: Order, call: Call) -> None:
    params = call.params
    for name in _PLAIN:
        if call.has(name):
            setattr(order, name, str(params[name]))
    if call.has("payment_method_title"):
        order.payment_title = str(params["payment_method_title"])
    if call.has("parent_id"):
        order.parent_id = php.integer(params["parent_id"])
    for name, address in (("billing", order.billing), ("shipping", order.shipping)):
        if isinstance(params.get(name), Mapping):
            address.update({key: str(value or "") for key, value in params[name].items() if key in address})
    for one in _rows(params, "line_items"):
        _write_line(shop, order, one)
    for one in _rows(params, "shipping_lines"):
        _write_charge(shop, order.shipping_lines, one, "method_title", needs="method_id")
    for one in _rows(params, "fee_lines"):
        _write_charge(shop, order.fee_lines, one, "name", needs="name")
    for one in _rows(params, "coupon_lines"):
        code = str(one.get("code") or "")
        if not code:
            raise refused("woocommerce_rest_invalid_coupon", "Coupon code is required.", 400)
        raise refused("woocommerce_rest_invalid_coupon", f'Coupon "{code}" does not exist!', 400)
    if call.has("customer_id"):
        customer = php.integer(params["customer_id"])
        if customer and customer not in CUSTOMERS:
            raise refused("woocommerce_rest_invalid_customer_id", "Customer ID is invalid.", 400)
        order.customer_id = customer
    write_meta(shop, order.meta, _rows(params, "meta_data"))


def _finish(shop: Shop, order: Order, call: Call, *, creating: bool) -> None:
    """Bring the order into its status, after everything else, and save it."""
    now, status = shop.now(), call.params.get("status")
    owed = order.status in _OWED_IN and order.total > 0
    if status:
        wanted = str(status).removeprefix("wc-")
        # A status that is none (a batch checks nothing) is taken for the first of all.
        _set_status(shop, order, wanted if wanted in ORDER_STATUSES else "pending", now)
    if call.params.get("set_paid") is True and (creating or owed) and order.status in _COMPLETE_FROM:
        shop.pay(order, str(call.params.get("transaction_id") or ""), now)
        if order.lines and all(line.product is not None and line.product.virtual for line in order.lines):
            shop.set_status(order, "completed", now)
        if creating:
            shop.effect("payment", reference=order.number, id=order.id, amount=f"{order.total:f}")
    shop.touch(order, now)


def _set_status(shop: Shop, order: Order, status: str, now: float) -> None:
    if status == "refunded" and order.status != status and order.refundable > 0:
        # A status set by hand moves no money: the store notes the rest as refunded and says so.
        refunds.give_back(shop, order, order.refundable, now, reason="Order fully refunded.", by_gateway=False)
    shop.set_status(order, status, now)


def _recalculate(order: Order) -> None:
    order.tax = TAXES.get(order.shipping["country"] or order.billing["country"])
    for line in order.lines:
        line.tax = Decimal(0) if order.tax is None else order.tax.on(line.total, order.unit)


def _rows(params: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    given = params.get(name)
    return [one for one in given if isinstance(one, Mapping)] if isinstance(given, list) else []


def _write_line(shop: Shop, order: Order, given: Mapping[str, Any]) -> None:
    line = _existing(order.lines, given)
    if _is_removed(given):
        if line is None:
            raise _not_of_order()
        _adjust_stock(shop, line, 0)
        order.lines.remove(line)
        return
    if line is None:
        product = _product(shop, given)
        quantity = php.integer(given.get("quantity", 1))
        total = ((product.price if product else None) or Decimal(0)) * quantity
        line = Line(
            id=shop.new_id("item"),
            name=product.name if product else "",
            product=product,
            quantity=quantity,
            subtotal=total,
            total=total,
        )
        order.lines.append(line)
    if given.get("quantity") is not None:
        # The totals of a line stay as they are when only its number changes.
        _adjust_stock(shop, line, php.integer(given["quantity"]))
        line.quantity = php.integer(given["quantity"])
    if given.get("name"):
        line.name = str(given["name"])
    for name in ("subtotal", "total"):
        found = php.amount(given[name]) if given.get(name) is not None else None
        if found is not None:
            setattr(line, name, found)
    write_meta(shop, line.meta, _rows(given, "meta_data"))


def _write_charge(shop: Shop, charges: list[Charge], given: Mapping[str, Any], title: str, *, needs: str) -> None:
    charge = _existing(charges, given)
    if _is_removed(given):
        if charge is None:
            raise _not_of_order()
        charges.remove(charge)
        return
    if charge is None:
        if not given.get(needs):
            if needs == "name":
                raise refused("woocommerce_rest_invalid_fee_item", "Fee name is required.", 400)
            raise refused("woocommerce_rest_invalid_shipping_item", "Shipping method ID is required.", 400)
        charge = Charge(id=shop.new_id("item"), title="", total=Decimal(0))
        charges.append(charge)
    charge.title = str(given.get(title) or charge.title)
    charge.method_id = str(given.get("method_id") or charge.method_id)
    found = php.amount(given["total"]) if given.get("total") is not None else None
    charge.total = charge.total if found is None else found


def _existing(rows: list[Any], given: Mapping[str, Any]) -> Any:
    if not given.get("id"):
        return None
    found = next((row for row in rows if row.id == php.integer(given["id"])), None)
    if found is None:
        raise _not_of_order()
    return found


def _is_removed(given: Mapping[str, Any]) -> bool:
    return any(name in given and given[name] is None for name in _NULL_REMOVES) or given.get("quantity") == 0


def _not_of_order() -> Exception:
    return refused("woocommerce_rest_invalid_item_id", "Order item ID provided is not associated with order.", 400)


def _product(shop: Shop, given: Mapping[str, Any]) -> Product | None:
    if given.get("sku"):
        return shop.by_sku(str(given["sku"]))
    id = php.integer(given.get("variation_id") or given.get("product_id") or 0)
    if not id:
        raise refused("woocommerce_rest_required_product_reference", "Product ID or SKU is required.", 400)
    return shop.products.get(id)


def _adjust_stock(shop: Shop, line: Line, quantity: int) -> None:
    if line.product is not None and line.reduced:
        shop.move(line.product, line.reduced - quantity, shop.now())
        line.reduced = quantity
