"""Acumatica: a cookie session, and the operations as calls on the contract-based endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from integrations.adapter import Access, Adapter, Exchange, SignIn
from integrations.errors import InvalidInput, SchemaDrift
from integrations.outcome import Request, Response, Verdict
from integrations.time_zone import zone_named
from integrations.types.erp import (
    FoundSalesOrder,
    Invoice,
    PostedDocument,
    PurchaseOrder,
    PurchaseOrderPage,
    PurchaseOrderQuery,
    ReceivedPayment,
    SalesOrder,
    SalesOrderQuery,
    StockAdjustment,
    StockPage,
    StockQuery,
)
from integrations.vendors.acumatica import purchase_orders, receivables, sales_orders, stock
from integrations.vendors.acumatica.declaration import VENDOR
from integrations.vendors.acumatica.documents import Endpoint, Kind, posted
from integrations.vendors.acumatica.errors import judged

LOGIN, LOGOUT = "/entity/auth/login", "/entity/auth/logout"


class Acumatica(Adapter):
    """The ERP of one customer: its instance, tenant, zone, warehouse and customer are settings."""

    vendor = VENDOR

    def __init__(self, settings: Mapping[str, str]) -> None:
        """Take the settings. Raise InvalidInput for a zone that is none, or a number that is not above 0."""
        defaults = {credential.name: credential.default for credential in VENDOR.credentials}
        super().__init__(defaults | {name: value for name, value in settings.items() if value})
        self._zone = zone_named(VENDOR.name, self.setting("TIME_ZONE"))
        self._login_wait = float(self._number("LOGIN_WAIT"))
        slots = self._number("MAX_SESSIONS")
        terms = SignIn(kind="session", slots=slots, slot_seconds=VENDOR.sign_in.slot_seconds if VENDOR.sign_in else 600)
        # The licence of this instance decides how many sessions there are, so its facts differ from the class's.
        self.vendor = replace(VENDOR, sign_in=terms, concurrency=slots)  # type: ignore[misc]

    def _number(self, name: str) -> int:
        value = self.setting(name)
        if not value.isdecimal() or not 1 <= int(value) <= 3600:
            raise InvalidInput(
                f'QUAYSIDE_ACUMATICA_{name} is "{value}"; give a whole number from 1 to 3600.', field=name
            )
        return int(value)

    # --- session -------------------------------------------------------------------------------------------------------

    async def sign_in(self, exchange: Exchange) -> Access:
        """Open a session; every cookie the ERP sets belongs to it. Raise SchemaDrift when it sets none."""
        fields = {
            "name": self.credential("USERNAME"),
            "password": self.credential("PASSWORD"),
            "tenant": self.setting("TENANT"),
            "branch": self.setting("BRANCH"),
        }
        body = {name: value for name, value in fields.items() if value}
        response = await exchange.send(
            Request(method="POST", path=LOGIN, template=LOGIN, json=body, step="sign_in", signed=False)
        )
        if not response.cookies:
            raise SchemaDrift("Acumatica: a sign-in without a cookie.", field="Set-Cookie", status=response.status)
        return Access(headers={"Cookie": "; ".join(f"{name}={value}" for name, value in response.cookies.items())})

    async def sign_out(self, exchange: Exchange, access: Access) -> None:
        """Close a session, which frees its place under the licence at once instead of after ten minutes."""
        request = Request(
            method="POST",
            path=LOGOUT,
            template=LOGOUT,
            headers=access.headers,
            content=b"",
            step="sign_out",
            signed=False,
            repeatable=True,
            cost=0.0,  # "Sign-out requests bypass the queue" (License Restrictions for API Users)
        )
        await exchange.send(request)

    def classify(self, request: Request, response: Response) -> Verdict | None:
        """Judge by the ERP's own errors, see ``errors.py``."""
        return judged(request, response, login_limit_wait=self._login_wait)

    # --- stock ---------------------------------------------------------------------------------------------------------

    async def list_stock(self, exchange: Exchange, query: StockQuery) -> StockPage:
        """Return a page of stock levels."""
        return await stock.list_stock(self._endpoint(exchange), query, self._zone)

    async def adjust_stock(self, exchange: Exchange, adjustment: StockAdjustment) -> PostedDocument:
        """Post differences in one released document; one of this reference that is there already is not made again."""
        return await stock.adjust_stock(self._endpoint(exchange), adjustment, self._settings)

    async def look_up_adjust_stock(self, exchange: Exchange, adjustment: StockAdjustment) -> PostedDocument | None:
        """Return the document of this reference, released; None when there is none."""
        return await stock.look_up_adjust_stock(self._endpoint(exchange), adjustment)

    # --- sales ---------------------------------------------------------------------------------------------------------

    async def put_sales_order(self, exchange: Exchange, order: SalesOrder) -> PostedDocument:
        """Put an order unless the ERP has one of this reference."""
        body = sales_orders.body(order, self._settings, self._zone, exchange.now())
        return await self._endpoint(exchange).put_once(self._sales_order, order.reference, body)

    async def look_up_put_sales_order(self, exchange: Exchange, order: SalesOrder) -> PostedDocument | None:
        """Return the order of this reference, None when there is none."""
        return await self._look_up(exchange, self._sales_order, order.reference)

    async def find_sales_order(self, exchange: Exchange, query: SalesOrderQuery) -> FoundSalesOrder:
        """Return what the ERP knows of an order."""
        return await sales_orders.find(self._endpoint(exchange), query, self.setting("ORDER_TYPE"), self._zone)

    # --- purchases -----------------------------------------------------------------------------------------------------

    async def put_purchase_order(self, exchange: Exchange, order: PurchaseOrder) -> PostedDocument:
        """Put a purchase order unless the ERP has one of this reference."""
        body = purchase_orders.body(order, self._settings)
        return await self._endpoint(exchange).put_once(purchase_orders.KIND, order.reference, body)

    async def look_up_put_purchase_order(self, exchange: Exchange, order: PurchaseOrder) -> PostedDocument | None:
        """Return the purchase order of this reference, None when there is none."""
        return await self._look_up(exchange, purchase_orders.KIND, order.reference)

    async def list_purchase_orders(self, exchange: Exchange, query: PurchaseOrderQuery) -> PurchaseOrderPage:
        """Return a page of purchase orders."""
        return await purchase_orders.list_orders(self._endpoint(exchange), query, self._zone)

    # --- receivables ---------------------------------------------------------------------------------------------------

    async def put_payment(self, exchange: Exchange, payment: ReceivedPayment) -> PostedDocument:
        """Put a payment unless the ERP has one of this reference; release it where that is asked for."""
        body = receivables.payment_body(payment, self._settings, self._zone, exchange.now())
        endpoint = self._endpoint(exchange)
        return await receivables.put(endpoint, receivables.PAYMENT, payment.reference, body, release=payment.release)

    async def look_up_put_payment(self, exchange: Exchange, payment: ReceivedPayment) -> PostedDocument | None:
        """Return the payment of this reference, released where that was asked for; None when there is none."""
        endpoint = self._endpoint(exchange)
        return await receivables.look_up(endpoint, receivables.PAYMENT, payment.reference, release=payment.release)

    async def put_invoice(self, exchange: Exchange, invoice: Invoice) -> PostedDocument:
        """Put an invoice unless the ERP has one of this reference; release it where that is asked for."""
        body = receivables.invoice_body(invoice, self._settings, self._zone, exchange.now())
        endpoint = self._endpoint(exchange)
        return await receivables.put(endpoint, receivables.INVOICE, invoice.reference, body, release=invoice.release)

    async def look_up_put_invoice(self, exchange: Exchange, invoice: Invoice) -> PostedDocument | None:
        """Return the invoice of this reference, released where that was asked for; None when there is none."""
        endpoint = self._endpoint(exchange)
        return await receivables.look_up(endpoint, receivables.INVOICE, invoice.reference, release=invoice.release)

    # -------------------------------------------------------------------------------------------------------------------

    @property
    def _sales_order(self) -> Kind:
        return sales_orders.kind(self.setting("ORDER_TYPE"))

    def _endpoint(self, exchange: Exchange) -> Endpoint:
        return Endpoint(exchange, self.setting("ENDPOINT"))

    async def _look_up(self, exchange: Exchange, kind: Kind, reference: str) -> PostedDocument | None:
        found = await self._endpoint(exchange).find(kind, reference)
        return None if found is None else posted(found, kind, reference)
