"""PaymentIntents: created, confirmed, authenticated, captured, cancelled; declines and uncaptured ones that expire."""

from __future__ import annotations

from typing import Any

from integrations.sandbox.stripe import form, listing, money
from integrations.sandbox.stripe.account import Account, Call, Object
from integrations.sandbox.stripe.cards import CARDS, Card
from integrations.sandbox.stripe.charges import Charges
from integrations.sandbox.stripe.errors import Refused, card_error, missing_param, no_such

_SHARED = form.names(
    """expand payment_method payment_method_data payment_method_options payment_method_types receipt_email
    setup_future_usage shipping capture_method"""
)
_CREATE = _SHARED | form.names(
    """amount currency application_fee_amount automatic_payment_methods confirm confirmation_method customer
    customer_account description error_on_requires_action mandate mandate_data metadata off_session on_behalf_of
    radar_options return_url statement_descriptor statement_descriptor_suffix transfer_data transfer_group
    use_stripe_sdk confirmation_token amount_details payment_details"""
)
_UPDATE = _SHARED | form.names(
    """amount currency application_fee_amount customer description metadata statement_descriptor
    statement_descriptor_suffix transfer_data transfer_group"""
)
_CONFIRM = _SHARED | form.names(
    """client_secret error_on_requires_action mandate mandate_data off_session radar_options return_url
    use_stripe_sdk confirmation_token"""
)
_CAPTURE = form.names(
    """amount_to_capture application_fee_amount expand final_capture metadata statement_descriptor
    statement_descriptor_suffix transfer_data"""
)
_LIST = listing.PAGING | {"customer"}
_CAPTURE_METHODS = ("automatic", "automatic_async", "manual")
_REASONS = ("duplicate", "fraudulent", "requested_by_customer", "abandoned")
_CANCELABLE = ("requires_payment_method", "requires_capture", "requires_confirmation", "requires_action", "processing")
_CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
_DAY = 86_400
# Dashboard payment methods became the default in 2023-08-16, asynchronous capture in 2024-04-10 (docs.stripe.com/upgrades).
_AUTOMATIC_METHODS_SINCE = "2023-08-16"
_ASYNC_CAPTURE_SINCE = "2024-04-10"


class PaymentIntents:
    """The endpoints below ``/v1/payment_intents``."""

    def __init__(self, account: Account, charges: Charges) -> None:
        self._account = account
        self._charges = charges

    def create(self, call: Call) -> Object:
        """Make a PaymentIntent and, with ``confirm``, confirm it at once."""
        params = call.params
        form.allow(params, _CREATE)
        amount = form.integer(params, "amount", required=True) or 0
        if params.get("currency") in (None, ""):
            raise missing_param("currency")
        currency = money.check_currency(form.text(params, "currency"))
        money.check_amount(amount, currency)
        default = "automatic_async" if call.version >= _ASYNC_CAPTURE_SINCE else "automatic"
        id = self._account.new_id("pi")
        intent: Object = {
            "id": id,
            "object": "payment_intent",
            "amount": amount,
            "amount_capturable": 0,
            "amount_details": {"tip": {}},
            "amount_received": 0,
            "application": None,
            "application_fee_amount": None,
            "automatic_payment_methods": self._automatic(call),
            "canceled_at": None,
            "cancellation_reason": None,
            "capture_method": form.choice(params, "capture_method", _CAPTURE_METHODS) or default,
            "client_secret": f"{id}_secret_{self._account.new_id('s', 25)[2:]}",
            "confirmation_method": form.choice(params, "confirmation_method", ("automatic", "manual")) or "automatic",
            "created": self._account.now(),
            "currency": currency,
            "customer": form.text(params, "customer"),
            "description": form.text(params, "description", max_length=1000),
            "last_payment_error": None,
            "latest_charge": None,
            "livemode": False,
            "metadata": form.metadata(params),
            "next_action": None,
            "on_behalf_of": None,
            "payment_method": None,
            "payment_method_options": {
                "card": {
                    "installments": None,
                    "mandate_options": None,
                    "network": None,
                    "request_three_d_secure": "automatic",
                }
            },
            "payment_method_types": self._method_types(params),
            "processing": None,
            "receipt_email": form.text(params, "receipt_email", max_length=800),
            "review": None,
            "setup_future_usage": form.choice(params, "setup_future_usage", ("on_session", "off_session")),
            "shipping": form.hash_of(params, "shipping") or None,
            "source": None,
            "statement_descriptor": form.text(params, "statement_descriptor", max_length=22),
            "statement_descriptor_suffix": form.text(params, "statement_descriptor_suffix", max_length=22),
            "status": "requires_payment_method",
            "transfer_data": None,
            "transfer_group": form.text(params, "transfer_group"),
        }
        self._set_method(intent, params)
        confirm = form.boolean(params, "confirm")
        if confirm:
            self._check_confirmation(intent, params)
        else:
            for name in ("return_url", "off_session", "error_on_requires_action"):
                if params.get(name):
                    raise Refused(400, f"You may only pass {name} with confirm=true.", param=name)
        self._account.intents.put(intent)
        self._account.note_event(call, "payment_intent.created", intent)
        return self._pay(call, intent) if confirm else intent

    def retrieve(self, call: Call) -> Object:
        """Return one PaymentIntent."""
        form.allow(call.params, frozenset({"expand", "client_secret"}))
        return self._found(call)

    def update(self, call: Call) -> Object:
        """Change what may still be changed."""
        form.allow(call.params, _UPDATE)
        intent = self._found(call)
        amount, currency = form.integer(call.params, "amount"), form.text(call.params, "currency")
        metadata = form.metadata(call.params, intent["metadata"])
        if amount is not None or currency is not None:
            self._expect(intent, _CONFIRMABLE, "updated")
            new_currency = money.check_currency(currency) if currency else intent["currency"]
            new_amount = intent["amount"] if amount is None else amount
            money.check_amount(new_amount, new_currency)
            intent["amount"], intent["currency"] = new_amount, new_currency
        if call.params.get("payment_method"):
            self._expect(intent, _CONFIRMABLE, "updated")
            self._set_method(intent, call.params)
        for name in ("description", "receipt_email", "statement_descriptor", "customer", "transfer_group"):
            if name in call.params:
                intent[name] = form.text(call.params, name)
        intent["metadata"] = metadata
        return intent

    def confirm(self, call: Call) -> Object:
        """Charge the payment method: paid, authorised, declined (402) or waiting for the customer."""
        form.allow(call.params, _CONFIRM)
        intent = self._found(call)
        self._expect(intent, _CONFIRMABLE, "confirmed")
        capture_method = form.choice(call.params, "capture_method", _CAPTURE_METHODS)
        self._set_method(intent, call.params)
        self._check_confirmation(intent, call.params)
        intent["capture_method"] = capture_method or intent["capture_method"]
        return self._pay(call, intent)

    def capture(self, call: Call) -> Object:
        """Take an authorised amount, all of it or a part; the rest is let go."""
        form.allow(call.params, _CAPTURE)
        intent = self._found(call)
        self._expect(intent, ("requires_capture",), "captured")
        wanted = form.integer(call.params, "amount_to_capture")
        amount = intent["amount_capturable"] if wanted is None else wanted
        if form.boolean(call.params, "final_capture") is False:
            raise Refused(400, "This account is not eligible for multicapture.", param="final_capture")
        if amount > intent["amount_capturable"]:
            raise Refused(
                400,
                f"The amount to capture ({amount}) is greater than the amount that can be captured "
                f"({intent['amount_capturable']}).",
                code="amount_too_large",
                param="amount_to_capture",
            )
        money.check_amount(amount, intent["currency"], param="amount_to_capture")
        intent["metadata"] = form.metadata(call.params, intent["metadata"])
        self._charges.capture(call, intent, amount)
        self._succeed(call, intent, amount)
        self._account.effect("capture", intent, id=intent["id"], amount=amount)
        return intent

    def cancel(self, call: Call) -> Object:
        """Cancel a PaymentIntent that is not paid; an authorised amount is let go."""
        form.allow(call.params, frozenset({"cancellation_reason", "expand"}))
        intent = self._found(call)
        reason = form.choice(call.params, "cancellation_reason", _REASONS)
        self._expect(intent, _CANCELABLE, "canceled")
        authorized = intent["amount_capturable"]
        self._cancel(call, intent, reason)
        self._account.effect("cancel", intent, id=intent["id"], amount=authorized or intent["amount"])
        return intent

    def page(self, call: Call) -> Object:
        """Return PaymentIntents, newest first."""
        form.allow(call.params, _LIST)
        customer = form.text(call.params, "customer")
        found = [item for item in self._all() if customer is None or item["customer"] == customer]
        return listing.page(found, call.params, url="/v1/payment_intents")

    def search(self, call: Call) -> Object:
        """Return the PaymentIntents a search query names."""
        form.allow(call.params, frozenset({"query", "limit", "page", "expand"}))
        return listing.search(self._all(), call.params, url="/v1/payment_intents/search")

    def authenticate(self, id: str, *, passed: bool) -> Object | None:
        """Finish what ``next_action`` asked of the customer; None when nothing is asked."""
        intent = self._account.intents.get(id)
        if intent is None or intent["status"] != "requires_action":
            return None
        intent["next_action"] = None
        if passed:
            self._authorize(None, intent, CARDS[intent["payment_method"]])
            return intent
        intent["status"] = "requires_payment_method"
        intent["last_payment_error"] = {
            "code": "payment_intent_authentication_failure",
            "message": "We are unable to authenticate your payment method. Please choose a different payment method.",
            "type": "invalid_request_error",
        }
        self._account.note_event(None, "payment_intent.payment_failed", intent)
        return intent

    # What the endpoints are made of

    def _automatic(self, call: Call) -> Object | None:
        asked = form.hash_of(call.params, "automatic_payment_methods")
        if asked:
            if "enabled" not in asked:
                raise missing_param("automatic_payment_methods[enabled]")
            redirects = form.choice(asked, "allow_redirects", ("always", "never")) or "always"
            return {"allow_redirects": redirects, "enabled": True} if form.boolean(asked, "enabled") else None
        if "payment_method_types" in call.params or call.version < _AUTOMATIC_METHODS_SINCE:
            return None
        return {"allow_redirects": "always", "enabled": True}

    @staticmethod
    def _method_types(params: dict[str, Any]) -> list[str]:
        types = params.get("payment_method_types") or ["card"]
        if not isinstance(types, list) or not all(isinstance(item, str) for item in types):
            raise Refused(400, "Invalid array", param="payment_method_types")
        return types

    @staticmethod
    def _set_method(intent: Object, params: dict[str, Any]) -> None:
        method = form.text(params, "payment_method")
        if params.get("payment_method_data"):
            data = form.hash_of(params, "payment_method_data")
            token = form.hash_of(data, "card").get("token", "")
            method = f"pm_card_{token.removeprefix('tok_')}"
            if data.get("type") != "card" or not token:
                raise Refused(
                    400,
                    "Sending credit card numbers directly to the Stripe API is generally unsafe. "
                    "Use a test payment method such as pm_card_visa.",
                    param="payment_method_data",
                )
        if method is None:
            return
        if method not in CARDS:
            raise no_such("PaymentMethod", method, param="payment_method", status=400)
        intent["payment_method"] = method
        if intent["status"] == "requires_payment_method":
            intent["status"] = "requires_confirmation"

    @staticmethod
    def _check_confirmation(intent: Object, params: dict[str, Any]) -> None:
        if intent["payment_method"] is None:
            raise Refused(
                400,
                "You cannot confirm this PaymentIntent because it's missing a payment method. Update the PaymentIntent "
                "with a payment method, or provide it in this request.",
                code="payment_intent_unexpected_state",
            )
        automatic = intent["automatic_payment_methods"]
        if automatic and automatic["allow_redirects"] == "always" and not params.get("return_url"):
            raise Refused(
                400,
                "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of "
                "these payment methods might redirect your customer off of your page, you must provide a `return_url`. "
                "If you don't want to accept redirect-based payment methods, set "
                "`automatic_payment_methods[enabled]` to `true` and `automatic_payment_methods[allow_redirects]` to "
                "`never` when creating Setup Intents and Payment Intents.",
            )
        form.boolean(params, "error_on_requires_action")

    def _pay(self, call: Call, intent: Object) -> Object:
        card = CARDS[intent["payment_method"]]
        intent["last_payment_error"] = intent["next_action"] = None
        if card.authenticate:
            return self._ask_customer(call, intent)
        if card.code is not None:
            raise self._decline(call, intent, card, card.code)
        return self._authorize(call, intent, card)

    def _ask_customer(self, call: Call, intent: Object) -> Object:
        off_session = call.params.get("off_session") not in (None, "", "false")
        if off_session or call.params.get("error_on_requires_action") == "true":
            absent = Card(
                code="authentication_required",
                decline_code="authentication_required",
                message="Your card was declined. This transaction requires authentication.",
            )
            raise self._decline(call, intent, absent, "authentication_required")
        intent["status"] = "requires_action"
        url = f"{call.base_url.rstrip('/')}/redirect/authenticate/{intent['id']}"
        return_url = form.text(call.params, "return_url")
        if return_url is None:
            intent["next_action"] = {
                "type": "use_stripe_sdk",
                "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": url},
            }
        else:
            intent["next_action"] = {
                "type": "redirect_to_url",
                "redirect_to_url": {"return_url": return_url, "url": url},
            }
        self._account.note_event(call, "payment_intent.requires_action", intent)
        return intent

    def _decline(self, call: Call, intent: Object, card: Card, code: str) -> Refused:
        charge = self._charges.fail(call, intent, card)
        intent["latest_charge"] = charge["id"]
        intent["status"] = "requires_payment_method"
        refused = card_error(
            card.message, code=code, decline_code=card.decline_code, charge=charge["id"], payment_intent=intent
        )
        facts = {name: value for name, value in refused.error.items() if name != "payment_intent"}
        intent["last_payment_error"] = facts
        intent["payment_method"] = None
        self._account.note_event(call, "payment_intent.payment_failed", intent)
        return refused

    def _authorize(self, call: Call | None, intent: Object, card: Card) -> Object:
        charge = self._charges.authorize(call, intent, card)
        intent["latest_charge"] = charge["id"]
        if intent["capture_method"] == "manual":
            intent["status"] = "requires_capture"
            intent["amount_capturable"] = intent["amount"]
            self._account.note_event(call, "payment_intent.amount_capturable_updated", intent)
        else:
            self._charges.capture(call, intent, intent["amount"])
            self._succeed(call, intent, intent["amount"])
        self._account.effect("payment", intent, id=intent["id"], amount=intent["amount"])
        return intent

    def _succeed(self, call: Call | None, intent: Object, amount: int) -> None:
        intent["status"] = "succeeded"
        intent["amount_capturable"] = 0
        intent["amount_received"] = amount
        self._account.note_event(call, "payment_intent.succeeded", intent)

    def _cancel(self, call: Call | None, intent: Object, reason: str | None) -> None:
        if intent["status"] == "requires_capture":
            self._charges.release(intent["latest_charge"])
        intent["status"] = "canceled"
        intent["amount_capturable"] = 0
        intent["next_action"] = None
        intent["canceled_at"] = self._account.now()
        intent["cancellation_reason"] = reason
        self._account.note_event(call, "payment_intent.canceled", intent)

    def _found(self, call: Call) -> Object:
        id = call.match["id"]
        intent = self._account.intents.get(id)
        if intent is None:
            raise no_such("payment_intent", id, param="intent")
        return self._expired(intent)

    def _all(self) -> list[Object]:
        return [self._expired(intent) for intent in self._account.intents.newest_first()]

    def _expired(self, intent: Object) -> Object:
        """Cancel an authorisation that nobody captured in time (cards: 7 days), and return the PaymentIntent."""
        days = float(self._account.world.setting("stripe", "authorization_days", 7))
        if intent["status"] == "requires_capture" and self._account.now() >= intent["created"] + days * _DAY:
            self._cancel(None, intent, "automatic")
        return intent

    @staticmethod
    def _expect(intent: Object, statuses: tuple[str, ...], done: str) -> None:
        if intent["status"] in statuses:
            return
        raise Refused(
            400,
            f"This PaymentIntent could not be {done} because it has a status of {intent['status']}. "
            f"Only a PaymentIntent with one of the following statuses may be {done}: {', '.join(statuses)}.",
            code="payment_intent_unexpected_state",
            stored=True,
            payment_intent=intent,
        )
