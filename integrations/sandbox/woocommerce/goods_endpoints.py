"""The endpoints of products and of their variations, with the stock they keep."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from integrations.sandbox.woocommerce import goods, php, schemas
from integrations.sandbox.woocommerce.batches import batch
from integrations.sandbox.woocommerce.call import Call, Reply
from integrations.sandbox.woocommerce.endpoint import EDITING, Endpoint, at, created
from integrations.sandbox.woocommerce.errors import refused
from integrations.sandbox.woocommerce.listing import page
from integrations.sandbox.woocommerce.order_views import zone_of
from integrations.sandbox.woocommerce.product_views import product_view, variation_view
from integrations.sandbox.woocommerce.records import Product
from integrations.sandbox.woocommerce.shop import Shop

_ONE = "products/(?P<id>\\d+)"
_VARIATIONS = "products/(?P<product_id>\\d+)/variations"
_VARIATION = f"{_VARIATIONS}/(?P<id>\\d+)"
_SORTED_BY: Mapping[str, Callable[[Product], Any]] = {
    "slug": lambda product: product.slug,
    "price": lambda product: product.price or 0,
    "popularity": lambda product: product.total_sales,
    "rating": lambda product: 0,
}
_OF_A_VARIATION = (
    "To manipulate product variations you should use the /products/&lt;product_id&gt;/variations/&lt;id&gt; endpoint."
)


class GoodsEndpoints:
    """``products``, ``products/<id>/variations`` and their batches."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self.all: tuple[Endpoint, ...] = (
            at("products", "GET", "list_stock", "list", schemas.LIST_PRODUCTS, self._list_products),
            at("products", "POST", "create_product", "create", schemas.PRODUCT, self._create_product),
            at("products/batch", EDITING, "set_stock", "batch", {}, self._batch_products),
            at(_ONE, "GET", "list_stock", "view", schemas.VIEW, self.get),
            at(_ONE, EDITING, "set_stock", "edit", schemas.PRODUCT, self._update_product),
            at(_ONE, "DELETE", "delete_product", "delete", schemas.DELETE, self._delete_product),
            at(_VARIATIONS, "GET", "list_stock", "list", schemas.LIST_VARIATIONS, self._list_variations),
            at(_VARIATIONS, "POST", "create_product", "create", schemas.VARIATION, self._create_variation),
            at(f"{_VARIATIONS}/batch", EDITING, "set_stock", "batch", {}, self._batch_variations),
            at(_VARIATION, "GET", "list_stock", "view", schemas.VIEW, self._get_variation),
            at(_VARIATION, EDITING, "set_stock", "edit", schemas.VARIATION, self._update_variation),
            at(_VARIATION, "DELETE", "delete_product", "delete", schemas.DELETE, self._delete_variation),
        )

    def __repr__(self) -> str:
        return f"<GoodsEndpoints {len(self.all)}>"

    # Products

    def _list_products(self, call: Call) -> Reply:
        shown, more = page(call, "products", goods.select(self._shop, call), zone_of(self._shop), _SORTED_BY)
        return Reply(value=[product_view(self._shop, call, one) for one in shown], headers=more)

    def get(self, call: Call) -> Reply:
        """Return one product; a variation may be asked for as one."""
        return Reply(value=product_view(self._shop, call, self._product(call, 404)))

    def _create_product(self, call: Call) -> Reply:
        if call.params.get("id"):
            raise refused("woocommerce_rest_product_exists", "Cannot create existing product.", 400)
        made = goods.create(self._shop, call)
        return created(call, f"products/{made.id}", product_view(self._shop, call, made))

    def _update_product(self, call: Call) -> Reply:
        product = self._product(call, 400)
        if product.parent is not None:
            raise refused("woocommerce_rest_invalid_product_id", _OF_A_VARIATION, 404)
        return Reply(value=product_view(self._shop, call, goods.update(self._shop, product, call)))

    def _delete_product(self, call: Call) -> Reply:
        product = self._product(call, 404)
        shown = product_view(self._shop, call, product)
        goods.delete(self._shop, product, force=bool(call.params.get("force")))
        return Reply(value=shown)

    def _batch_products(self, call: Call) -> Reply:
        return batch(call, self._create_product, self._update_product, self._delete_product)

    def _product(self, call: Call, status: int) -> Product:
        found = self._shop.products.get(php.integer(call.params.get("id")))
        if found is None:
            raise refused("woocommerce_rest_product_invalid_id", "Invalid ID.", status)
        return found

    # Variations

    def _list_variations(self, call: Call) -> Reply:
        parent = self._shop.products.get(php.integer(call.params["product_id"]))
        found = goods.select_variations(parent, call)
        path = f"products/{php.integer(call.params['product_id'])}/variations"
        shown, more = page(call, path, found, zone_of(self._shop), _SORTED_BY)
        return Reply(value=[self._variation_view(call, one) for one in shown], headers=more)

    def _get_variation(self, call: Call) -> Reply:
        return Reply(value=self._variation_view(call, self._variation(call, 404)))

    def _create_variation(self, call: Call) -> Reply:
        parent = self._shop.products.get(php.integer(call.params["product_id"]))
        if parent is None:
            raise refused("woocommerce_rest_product_invalid_id", "Invalid product ID.", 404)
        made = goods.create(self._shop, call, parent)
        return created(call, f"products/{parent.id}/variations/{made.id}", self._variation_view(call, made))

    def _update_variation(self, call: Call) -> Reply:
        found = self._variation(call, 400)
        return Reply(value=self._variation_view(call, goods.update(self._shop, found, call)))

    def _delete_variation(self, call: Call) -> Reply:
        found = self._variation(call, 404)
        shown = self._variation_view(call, found)
        goods.delete(self._shop, found, force=bool(call.params.get("force")))
        return Reply(value=shown)

    def _batch_variations(self, call: Call) -> Reply:
        return batch(call, self._create_variation, self._update_variation, self._delete_variation)

    def _variation(self, call: Call, status: int) -> Product:
        """Return the variation of an id; one of another product may not be edited, and is not seen."""
        found = self._shop.products.get(php.integer(call.params.get("id")))
        if found is None or found.parent is None:
            raise refused("woocommerce_rest_product_variation_invalid_id", "Invalid ID.", status)
        if found.parent.id != php.integer(call.params["product_id"]):
            if status == 400:
                raise refused("woocommerce_rest_cannot_edit", "Parent product does not match current variation.", 403)
            raise refused("woocommerce_rest_product_variation_invalid_id", "Invalid ID.", status)
        return found

    def _variation_view(self, call: Call, found: Product) -> dict[str, Any]:
        return variation_view(self._shop, call, found, found.parent or found)
