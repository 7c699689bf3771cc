"""Signifyd: an order is screened as a sale, and the decision is read again by our order id.

There is no idempotency header. ``orderId`` is the natural key: whether a second sale of the same order is taken as the
same or answered with 409 no source settles, so a lost answer is looked up by it, as Signifyd's own connectors with their
timeout of a second have to. A rejection is a decision, not an error, and comes with 200.

Signifyd publishes its OpenAPI only for download. Sources: its own connectors signifyd/php at bdfe0f9, commercetools at
dd108e0, Salesforce-Commerce-Cloud at 24d9e4f and magento2 at 6e63ce9. Which members it requires is unconfirmed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from integrations.adapter import Access, Adapter, Credential, Exchange, Idempotency, Operation, Vendor
from integrations.classify import by_status, invalid_request, retry_after
from integrations.errors import InvalidInput, SchemaDrift
from integrations.look_up import sent_or_unknown
from integrations.oauth import basic
from integrations.outcome import Request, Response, Verdict
from integrations.paths import filled
from integrations.reading import CamelAnswer, read
from integrations.types.base import Money
from integrations.types.fraud import DecisionQuery, FraudDecision, FraudScreening, ScreeningDecision
from integrations.types.shipping import Address

NAME, LABEL = "signifyd", "Signifyd"
SALES = "/v3/orders/events/sales"
DECISION = "/v3/orders/{orderId}/decision"
ABOUT_US = {"application": "Quayside", "version": "1.0"}
# CHALLENGE and CREDIT want a person (more proof, a refund of a part): the order is held until there is one.
_DECISIONS: Mapping[str, FraudDecision] = {
    "ACCEPT": "accept",
    "REJECT": "reject",
    "HOLD": "hold",
    "CHALLENGE": "hold",
    "CREDIT": "hold",
}
# No e-mail address, telephone number, name, address or card digit, and no text of theirs that may quote one.
_KEPT = (
    "orderId signifydId decision checkpointAction checkpointActionReason checkpointActionPolicy score createdAt coverage "
    "fraudChargebacks amount currency decisionDelivery coverageRequests purchase orderChannel totalPrice totalShippingCost "
    "products itemId itemPrice itemQuantity itemIsDigital shipments shipmentId fulfillmentMethod countryCode transactions "
    "transactionId gateway gatewayStatusCode paymentMethod traceId signifydClient application version"
)

VENDOR = Vendor(
    name=NAME,
    label=LABEL,
    kind="fraud",
    base_url="https://api.signifyd.com",
    docs_url="https://docs.signifyd.com/",
    check="get_decision",
    credentials=(Credential(name="API_KEY", sandbox="quayside-team-key"),),
    kept_fields=frozenset(_KEPT.split()),
    slow_call_duration=5.0,
    operations=(
        Operation(
            name="screen_order",
            input=FraudScreening,
            result=ScreeningDecision,
            example={
                "reference": "EXAMPLE-5001",
                "total": {"amount": "59.98", "currency": "USD"},
                "placed_at": "2026-10-01T12:00:00Z",
                "email": "buyer@example.com",
                "ip_address": "203.0.113.9",
                "shipping": {
                    "name": "Ada Example",
                    "lines": ["1 Main Street"],
                    "city": "Austin",
                    "state": "TX",
                    "postal_code": "78701",
                    "country": "US",
                },
                "items": [
                    {"sku": "SKU1", "name": "Mug", "quantity": 2, "price": {"amount": "27.49", "currency": "USD"}}
                ],
                "avs_code": "Y",
                "cvv_code": "M",
                "processor": "stripe",
                "payment_id": "pi_example",
            },
            idempotency=Idempotency.OURS,
            reference="reference",
            deadline=30.0,
            attempt_timeout=10.0,
        ),
        Operation(
            name="get_decision",
            input=DecisionQuery,
            result=ScreeningDecision,
            example={"reference": "SANDBOX-ACCEPTED"},
            deadline=20.0,
            attempt_timeout=8.0,
        ),
    ),
)


class _Decision(CamelAnswer):
    checkpoint_action: str
    checkpoint_action_reason: str | None = None
    score: Decimal | None = None
    created_at: datetime | None = None


class _Cover(CamelAnswer):
    amount: Decimal = Decimal(0)


class _Coverage(CamelAnswer):
    fraud_chargebacks: _Cover | None = None


class _Screened(CamelAnswer):
    order_id: str
    signifyd_id: str | None = None
    decision: _Decision | None = None
    coverage: _Coverage | None = None


class Signifyd(Adapter):
    """Screening of sales, version 3."""

    vendor = VENDOR

    async def screen_order(self, exchange: Exchange, value: FraudScreening) -> ScreeningDecision:
        """Screen an order after its payment was authorized. A rejection is a result.

        Raise InvalidInput for an item priced in another currency than the order.
        """
        request = Request(method="POST", path=SALES, template=SALES, headers=_HEADERS, json=sale(value, exchange.now()))
        return _result((await exchange.send(request)).exact_json(), value.reference)

    async def look_up_screen_order(self, exchange: Exchange, value: FraudScreening) -> ScreeningDecision | None:
        """Return the decision on our order id; None when Signifyd knows no such order."""
        found = await self._decision(exchange, value.reference, step="look_up")
        return None if found is None else _result(found, value.reference)

    async def get_decision(self, exchange: Exchange, value: DecisionQuery) -> ScreeningDecision:
        """Return the decision as it stands; one that is not there yet, of an order not known either, is pending."""
        found = await self._decision(exchange, value.reference)
        if found is None:
            unknown = f"{LABEL} knows no order of this reference."
            return ScreeningDecision(vendor=NAME, reference=value.reference, decision="pending", reasons=(unknown,))
        return _result(found, value.reference)

    def authorise(self, request: Request, access: Access | None) -> Mapping[str, str]:
        """Return the team's key as user name, with an empty password."""
        return {"authorization": basic(self.credential("API_KEY"), "")}

    def classify(self, request: Request, response: Response) -> Verdict | None:
        if response.status == 409:
            return Verdict(
                error_type="conflict",
                fault="theirs",
                message=f"{LABEL} is busy with the same order; its decision is looked up.",
                retryable=True,
                retry_after=retry_after(response),
                counts=False,
            )
        if response.status == 404:
            return Verdict(
                error_type="not_found",
                fault="ours",
                message=f"{LABEL} knows no such order.",
                counts=False,
                untouched=True,
            )
        verdict = by_status(LABEL, response)
        if verdict is not None and response.status in (400, 422):
            return invalid_request(LABEL, verdict, ", ".join(_refused_fields(response)))
        return verdict

    async def _decision(self, exchange: Exchange, reference: str, *, step: str = "") -> Any:
        path = filled(DECISION, orderId=reference)
        request = Request(method="GET", path=path, template=DECISION, headers=_HEADERS, step="look_up" if step else "")
        response = await sent_or_unknown(exchange, request)
        return None if response is None else response.exact_json()


_HEADERS = {"accept": "application/json"}


def sale(value: FraudScreening, now: datetime) -> dict[str, Any]:
    """Return the body of a sale. Raise InvalidInput for an item in another currency than the order."""
    currency = value.total.currency
    for index, item in enumerate(value.items):
        if item.price.currency != currency:
            raise InvalidInput(
                f"Item {index + 1} is priced in {item.price.currency}, the order in {currency}; convert it.",
                field=f"items.{index}.price.currency",
            )
    placed_at = _time(value.placed_at or now)
    body: dict[str, Any] = {
        "orderId": value.reference,
        "decisionDelivery": "SYNC",
        "coverageRequests": ["FRAUD"],
        "purchase": {
            "createdAt": placed_at,
            "orderChannel": "WEB",
            "totalPrice": _number(value.total),
            "currency": currency,
            "products": [
                {
                    "itemId": item.sku or item.name,
                    "itemName": item.name,
                    "itemPrice": _number(item.price),
                    "itemQuantity": item.quantity,
                    "shipmentId": "1",
                }
                for item in value.items
            ],
            "shipments": [_shipment(value)],
        },
        "transactions": [_transaction(value, placed_at)],
        "signifydClient": ABOUT_US,
    }
    if value.email:
        body["purchase"]["confirmationEmail"] = value.email
    if value.phone:
        body["purchase"]["confirmationPhone"] = value.phone
    if value.ip_address:
        body["device"] = {"clientIpAddress": value.ip_address}
    return body


def _shipment(value: FraudScreening) -> dict[str, Any]:
    shipment: dict[str, Any] = {"shipmentId": "1", "fulfillmentMethod": "DELIVERY"}
    if value.shipping is not None:
        destination: dict[str, Any] = {"address": _address(value.shipping)}
        if value.shipping.name:
            destination["fullName"] = value.shipping.name
        if value.shipping.company:
            destination["organization"] = value.shipping.company
        shipment["destination"] = destination
    return shipment


def _transaction(value: FraudScreening, placed_at: str) -> dict[str, Any]:
    transaction: dict[str, Any] = {
        "transactionId": value.payment_id or value.reference,
        "gateway": value.processor or "unknown",
        "gatewayStatusCode": "SUCCESS" if value.payment_id else "PENDING",
        "paymentMethod": "CREDIT_CARD",
        "amount": _number(value.total),
        "currency": value.total.currency,
        "createdAt": placed_at,
    }
    verifications = {"avsResponseCode": value.avs_code, "cvvResponseCode": value.cvv_code}
    if any(verifications.values()):
        transaction["verifications"] = {name: code for name, code in verifications.items() if code}
    card: dict[str, Any] = {"cardBin": value.card_bin, "cardLast4": value.card_last4}
    details = {name: digits for name, digits in card.items() if digits}
    if value.billing is not None:
        details["billingAddress"] = _address(value.billing)
        if value.billing.name:
            details["accountHolderName"] = value.billing.name
    if details:
        transaction["checkoutPaymentDetails"] = details
    return transaction


def _address(address: Address) -> dict[str, str]:
    street, *rest = (*address.lines, "")
    found = {
        "streetAddress": street,
        "unit": " ".join(line for line in rest if line),
        "city": address.city,
        "provinceCode": address.state,
        "postalCode": address.postal_code,
        "countryCode": address.country,
    }
    return {name: text for name, text in found.items() if text}


def _number(money: Money) -> Decimal:
    """Return an amount as a JSON number with the currency's own decimals."""
    return money.rounded().amount


def _time(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _result(body: Any, reference: str) -> ScreeningDecision:
    found = read(_Screened, body)
    if found.order_id != reference:
        raise SchemaDrift(f"{LABEL} answered about another order than it was asked for.", field="orderId")
    decision = found.decision
    if decision is None:
        return ScreeningDecision(vendor=NAME, reference=reference, case_id=found.signifyd_id or "", decision="pending")
    cover = found.coverage.fraud_chargebacks if found.coverage else None
    return ScreeningDecision(
        vendor=NAME,
        reference=reference,
        case_id=found.signifyd_id or "",
        # A word that is new to us is for a person to look at, never an acceptance.
        decision=_DECISIONS.get(decision.checkpoint_action, "hold"),
        score=decision.score,
        reasons=(decision.checkpoint_action_reason,) if decision.checkpoint_action_reason else (),
        guaranteed=cover is not None and cover.amount > 0,
        decided_at=decision.created_at,
    )


def _refused_fields(response: Response) -> list[str]:
    """Return the names of the fields an error body complains of; never what it says of their values."""
    try:
        errors = response.json().get("errors")
    except (SchemaDrift, AttributeError):
        return []
    return [str(name)[:60] for name in errors][:5] if isinstance(errors, dict) else []
