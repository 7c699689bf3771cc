"""The ERP as its callers see it: an instance with one tenant, endpoint Default 24.200.001, cookie sessions."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson

from integrations.sandbox.acumatica import schema
from integrations.sandbox.acumatica.documents import Documents, no_entity
from integrations.sandbox.acumatica.errors import Refused, http_error, of_status, refused
from integrations.sandbox.acumatica.ledgers import Adjustments, Invoices, Payments, PurchaseOrders
from integrations.sandbox.acumatica.odata import BadFilter, Filter, parse
from integrations.sandbox.acumatica.operations import Operations
from integrations.sandbox.acumatica.records import Record, Row, Sent, Table, View, new_id, read, show
from integrations.sandbox.acumatica.sales import SalesOrders
from integrations.sandbox.acumatica.sessions import Session, Sessions, cookies
from integrations.sandbox.acumatica.stock import VENDOR, Warehouse
from integrations.sandbox.acumatica.zone import ErpClock
from integrations.sandbox.catalogue import catalogue
from integrations.sandbox.ledger import utc_text
from integrations.sandbox.twin import Answer, Ask, Latency, Quota, Route, World

ENDPOINT = "/entity/Default/24.200.001"
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_BROKEN_FIELDS = ("InventoryID", "OrderNbr", "ReferenceNbr", "ShipmentNbr", "Results", "id")

Act = Callable[[Ask, Session], Answer]


class AcumaticaTwin:
    """Settings: user_limit (2), slot_seconds (600), login_limit_status (500), release_seconds (0.2), time_zone
    (America/New_York), ship_after (null; demo 75), pos_seconds (0; demo 5); read when the state is made: warehouse
    (MAIN), catalogue_size (3000).
    """

    name = VENDOR
    latency = Latency(median=0.14, p95=0.55)
    quotas: Sequence[Quota] = (Quota(name="requests_per_minute", limit=600, seconds=60.0),)

    def __init__(self, world: World) -> None:
        self._world = world
        self._clock = ErpClock(world.now, lambda: str(self._setting("time_zone", "America/New_York")))
        items = catalogue(world.seed, int(self._setting("catalogue_size", 3000)))
        self._warehouse = Warehouse(world, self._clock, items, str(self._setting("warehouse", "MAIN")))
        self._sessions = Sessions(
            world.now,
            world.chance("acumatica sessions"),
            user_limit=lambda: int(self._setting("user_limit", 2)),
            slot_seconds=lambda: float(self._setting("slot_seconds", 600.0)),
        )
        self._operations = Operations(world.now, lambda: float(self._setting("release_seconds", 0.2)))
        self._sales = SalesOrders(world, self._clock, self._warehouse)
        self._purchases = PurchaseOrders(world, self._clock, self._warehouse)
        self._payments = Payments(world, self._clock, self._warehouse)
        self._invoices = Invoices(world, self._clock, self._warehouse)
        self._adjustments = Adjustments(world, self._clock, self._warehouse)

    def __repr__(self) -> str:
        return f"<AcumaticaTwin {self._warehouse!r}, {self._sessions!r}, {self._operations!r}>"

    def routes(self) -> Sequence[Route]:
        """Return the routes: sign-in, versions, the entities, their actions and the status of a long operation."""
        routes = [
            Route(method="POST", path="/entity/auth/login", operation="sign_in", answer=self._sign_in),
            # "Sign-out requests bypass the queue" (License Restrictions for API Users).
            Route(method="POST", path="/entity/auth/logout", operation="sign_out", answer=self._sign_out, counts=False),
            Route(method="GET", path="/entity", operation="look_up", answer=self._versions),
            self._route("GET", "/{form}/{action}/status/{guid}", "poll", lambda ask, session: self._poll(ask, session)),
            *self._table(self._warehouse.table, "list_stock"),
            self._route("PUT", "/InventorySummaryInquiry", "list_stock", self._summary),
            self._route("PUT", "/InventoryQuantityAvailable", "list_stock", self._available),
            *self._documents(self._adjustments, put="adjust_stock", get="look_up"),
            *self._documents(self._sales, put="put_sales_order", get="find_sales_order"),
            *self._documents(self._purchases, put="put_purchase_order", get="list_purchase_orders"),
            *self._documents(self._payments, put="put_payment", get="look_up"),
            *self._documents(self._invoices, put="put_invoice", get="look_up"),
            *self._table(self._sales.shipments, "look_up"),
        ]
        adjustments, payments, invoices, sales = self._adjustments, self._payments, self._invoices, self._sales
        routes += [
            self._action(adjustments, "ReleaseAdjustment", "adjust_stock", adjustments.release),
            self._action(payments, "ReleasePayment", "put_payment", payments.release),
            self._action(invoices, "ReleaseInvoice", "put_invoice", invoices.release),
            self._action(sales, "SalesOrderCreateShipment", "put_sales_order", lambda row: lambda: sales.ship(row)),
            self._route("POST", "/SalesOrder/CancelSalesOrder", "put_sales_order", self._cancel),
            self._route("POST", "/Shipment/ConfirmShipment", "put_sales_order", self._confirm),
        ]
        return routes

    def controls(self) -> Sequence[Route]:
        """Return what a test may look into or change: stock, open sessions."""
        return (
            Route(method="GET", path="/stock", operation="control", answer=self._show_stock),
            Route(method="PUT", path="/stock", operation="control", answer=self._set_stock),
            Route(method="GET", path="/sessions", operation="control", answer=self._show_sessions),
        )

    def rate_limited(self, quota: Quota, retry_after: float) -> Answer:
        """Return 429; the ERP announces neither quota nor wait in a header."""
        return of_status(429)

    def unavailable(self, status: int) -> Answer:
        """Return an HttpError, or the web server's page for what never reached the ERP."""
        return of_status(status)

    def schema_broken(self, answer: Answer) -> Answer:
        """Return the answer with the key of each record gone."""
        if not answer.body:
            return answer
        value = orjson.loads(answer.body)
        for record in value if isinstance(value, list) else [value]:
            record.pop(next((name for name in _BROKEN_FIELDS if name in record), ""), None)
        return Answer.json(value, status=answer.status)

    # Signing in and out

    async def _sign_in(self, ask: Ask) -> Answer:
        given = _form_or_json(ask)
        if given is None or not given.get("name"):
            return http_error(400, "The name and the password must be specified.")
        name, password = str(given["name"]), str(given.get("password") or "")
        if not password or "invalid" in name.lower() or "invalid" in password.lower():
            return http_error(500, "Invalid credentials. Please try again.")
        session = self._sessions.sign_in(name)
        if session is None:
            # The text counts, not the status: the vendor's own client reads it out of any answer that is no success.
            return http_error(int(self._setting("login_limit_status", 500)), "API Login Limit")
        return Answer(status=204, headers=cookies(session, str(given.get("branch") or "MAIN")))

    async def _sign_out(self, ask: Ask) -> Answer:
        self._sessions.sign_out(ask.headers.get("Cookie", ""))
        return Answer(status=204)

    async def _versions(self, ask: Ask) -> Answer:
        href = urlsplit(ask.base_url).path + ENDPOINT + "/"
        return Answer.json(
            {
                "version": {"acumaticaBuildVersion": "24.200.0190", "databaseVersion": "24.200.0190"},
                "endpoints": [{"name": "Default", "version": "24.200.001", "href": href}],
            }
        )

    # Routes

    def _route(self, method: str, path: str, operation: str, act: Act) -> Route:
        return Route(method=method, path=ENDPOINT + path, operation=operation, answer=self._signed_in(act))

    def _signed_in(self, act: Act) -> Callable[[Ask], Awaitable[Answer]]:
        async def answer(ask: Ask) -> Answer:
            try:
                session = self._sessions.find(ask.headers.get("Cookie", ""))
                if session is None:
                    return of_status(401)
                self._catch_up()
                return act(ask, session)
            except Refused as no:
                return no.answer

        return answer

    def _table(self, table: Table, operation: str) -> list[Route]:
        path = f"/{table.entity.name}"
        return [
            self._route("GET", path, operation, lambda ask, session: self._list(ask, table)),
            self._route("GET", path + "/{keys:.+}", operation, lambda ask, session: self._one(ask, table)),
        ]

    def _documents(self, documents: Documents, *, put: str, get: str) -> list[Route]:
        path = f"/{documents.entity.name}"
        return [
            *self._table(documents.table, get),
            self._route("PUT", path, put, lambda ask, session: self._put(ask, session, documents)),
        ]

    def _action(
        self, documents: Documents, action: str, operation: str, prepare: Callable[[Record], Callable[[], None]]
    ) -> Route:
        form = documents.entity.name

        def act(ask: Ask, session: Session) -> Answer:
            self._operations.check_free(session, form)
            record = self._named(ask, documents)
            location = f"{urlsplit(ask.base_url).path}{ENDPOINT}/{form}/{action}"
            return self._operations.start(session, form, location, prepare(record))

        return self._route("POST", f"/{form}/{action}", operation, act)

    def _catch_up(self) -> None:
        self._warehouse.trade()
        self._operations.catch_up()
        self._sales.live()

    # Reading

    def _list(self, ask: Ask, table: Table) -> Answer:
        text = ask.query.get("$filter", "")
        wanted: Filter | None = None
        if text:
            try:
                wanted = parse(text, table.entity.knows, self._clock.read)
            except BadFilter as problem:
                raise refused(400, str(problem)) from problem
        rows = table.page(text, wanted, _count(ask, "$skip") or 0, _count(ask, "$top"))
        view = _view(ask)
        return Answer.json([show(table.entity, row, view, self._clock, at) for at, row in enumerate(rows, 1)])

    def _one(self, ask: Ask, table: Table) -> Answer:
        keys = ask.match["keys"]
        row: Row | None = table.with_id(keys) if _GUID.fullmatch(keys) else table.at(*keys.split("/"))
        if row is None:
            raise no_entity()
        return Answer.json(show(table.entity, row, _view(ask), self._clock))

    def _summary(self, ask: Ask, session: Session) -> Answer:
        sent = self._read(ask, schema.SUMMARY)
        sku, where = sent.values.get("InventoryID"), sent.values.get("WarehouseID")
        stock = self._warehouse.find(sku) if sku else None
        if sku and stock is None:
            sent.errors["InventoryID"] = f"'InventoryID' '{sku}' cannot be found in the system."
            return Answer.json(sent.with_errors(), status=422)
        lines = []
        if stock is not None and (where is None or where.casefold() == self._warehouse.name.casefold()):
            values = {
                "WarehouseID": self._warehouse.name,
                "LocationID": "STORAGE",
                "BaseUOM": "EA",
                "QtyOnHand": stock.on_hand,
                "QtyAvailable": stock.available,
                "QtyAvailableForShipment": stock.available,
                "QtyNotAvailable": Decimal(0),
                "EstimatedUnitCost": stock.item.cost,
                "EstimatedTotalCost": stock.item.cost * stock.on_hand,
            }
            lines.append(Record(id=new_id("summary", stock.item.sku), values=values))
        return self._inquiry(ask, schema.SUMMARY, sent, lines)

    def _available(self, ask: Ask, session: Session) -> Answer:
        sent = self._read(ask, schema.AVAILABLE)
        sku, since = sent.values.get("InventoryID"), sent.values.get("LastModifiedDateTime")
        lines = []
        for row in self._warehouse.table:
            at = row.get("LastModified")
            stock = self._warehouse.find(row.get("InventoryID"))
            if (
                stock is None
                or (since is not None and at <= since)
                or (sku and sku.casefold() != stock.item.sku.casefold())
            ):
                continue
            values = {"InventoryID": stock.item.sku, "QtyAvailable": stock.available, "LastModifiedDateTime": at}
            lines.append(Record(id=new_id("available", stock.item.sku), values=values))
        return self._inquiry(ask, schema.AVAILABLE, sent, lines)

    def _inquiry(self, ask: Ask, entity: schema.Entity, sent: Sent, lines: list[Record]) -> Answer:
        record = Record(id=new_id(entity.name), values=sent.values, details={"Results": lines})
        return Answer.json(show(entity, record, _view(ask), self._clock))

    # Writing

    def _put(self, ask: Ask, session: Session, documents: Documents) -> Answer:
        self._operations.check_free(session, documents.entity.name)
        sent = self._read(ask, documents.entity)
        record = documents.put(
            sent,
            insert_only=ask.headers.get("If-None-Match", "").strip() == "*",
            update_only=ask.headers.get("If-Match", "").strip() == "*",
        )
        view = _view(ask)
        shown = View(select=view.select, expand=view.expand.union(sent.details, sent.linked))
        return Answer.json(show(documents.entity, record, shown, self._clock))

    def _cancel(self, ask: Ask, session: Session) -> Answer:
        self._sales.cancel(self._named(ask, self._sales))
        return Answer(status=204)

    def _confirm(self, ask: Ask, session: Session) -> Answer:
        sent = read(schema.SHIPMENT, _body(ask).get("entity"), self._clock)
        table = self._sales.shipments
        row = table.with_id(sent.id) if sent.id else table.at(sent.values.get("ShipmentNbr"))
        if not isinstance(row, Record):
            raise no_entity()
        shipment = row
        location = f"{urlsplit(ask.base_url).path}{ENDPOINT}/Shipment/ConfirmShipment"
        return self._operations.start(session, "Shipment", location, lambda: self._sales.confirm(shipment))

    def _poll(self, ask: Ask, session: Session) -> Answer:
        answer = self._operations.poll(session, ask.match["guid"])
        if answer.status == 202:
            return Answer(status=202, headers=(("Location", urlsplit(ask.base_url).path + ask.path),))
        return answer

    def _named(self, ask: Ask, documents: Documents) -> Record:
        """Return the document an action is to act on."""
        record = documents.find(read(documents.entity, _body(ask).get("entity"), self._clock))
        if record is None:
            raise no_entity()
        return record

    def _read(self, ask: Ask, entity: schema.Entity) -> Sent:
        return read(entity, _body(ask), self._clock)

    # Controls

    async def _show_stock(self, ask: Ask) -> Answer:
        self._catch_up()
        return Answer.json(self._warehouse.levels())

    async def _set_stock(self, ask: Ask) -> Answer:
        self._catch_up()
        try:
            levels = {str(sku): Decimal(str(quantity)) for sku, quantity in orjson.loads(ask.body).items()}
            self._warehouse.count(levels)
        except KeyError as problem:
            return Answer.json({"error": f"{problem.args[0]} is no item of the catalogue"}, status=400)
        except (ValueError, AttributeError, InvalidOperation):
            return Answer.json({"error": "the body must be a JSON object of item and quantity"}, status=400)
        return Answer.json(levels)

    async def _show_sessions(self, ask: Ask) -> Answer:
        return Answer.json(
            [
                {
                    "user": session.user,
                    "opened_at": utc_text(session.opened_at),
                    "last_used": utc_text(session.last_used),
                }
                for session in self._sessions.open()
            ]
        )

    def _setting(self, name: str, usual: Any) -> Any:
        return self._world.setting(VENDOR, name, usual)


def _form_or_json(ask: Ask) -> dict[str, Any] | None:
    """Return what was sent as JSON or as a form; None when it is neither."""
    if "form" in ask.headers.get("Content-Type", ""):
        return dict(parse_qsl(ask.body.decode("utf-8", "replace")))
    try:
        value = orjson.loads(ask.body)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def _body(ask: Ask) -> dict[str, Any]:
    try:
        value = orjson.loads(ask.body)
    except orjson.JSONDecodeError as problem:
        raise refused(400, "The request body is not valid JSON.") from problem
    if not isinstance(value, dict):
        raise refused(400, "The request body must be a JSON object.")
    return value


def _count(ask: Ask, name: str) -> int | None:
    text = ask.query.get(name)
    if text is None:
        return None
    if not text.isdigit():
        raise refused(400, f"The value of {name} must be a whole number.")
    return int(text)


def _view(ask: Ask) -> View:
    select = ask.query.get("$select")
    return View(select=None if not select else _names(select), expand=_names(ask.query.get("$expand", "")))


def _names(text: str) -> frozenset[str]:
    return frozenset(name.strip() for name in text.split(",") if name.strip())
