"""The vendors that have a twin: the only list of them."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import cast

from integrations.sandbox.twin import Twin, World

TWINS: dict[str, str] = {
    "acumatica": "integrations.sandbox.acumatica:AcumaticaTwin",
    "aramex": "integrations.sandbox.aramex:AramexTwin",
    "australia_post": "integrations.sandbox.australia_post:AustraliaPostTwin",
    "avalara": "integrations.sandbox.avalara:AvalaraTwin",
    "canada_post": "integrations.sandbox.canada_post:CanadaPostTwin",
    "dhl_express": "integrations.sandbox.dhl_express:DhlExpressTwin",
    "ecb": "integrations.sandbox.ecb:EcbTwin",
    "fedex": "integrations.sandbox.fedex:FedexTwin",
    "frankfurter": "integrations.sandbox.frankfurter:FrankfurterTwin",
    "google_ads": "integrations.sandbox.google_ads:GoogleAdsTwin",
    "klaviyo": "integrations.sandbox.klaviyo:KlaviyoTwin",
    "meta_ads": "integrations.sandbox.meta_ads:MetaAdsTwin",
    "mollie": "integrations.sandbox.mollie:MollieTwin",
    "open_exchange_rates": "integrations.sandbox.open_exchange_rates:OpenExchangeRatesTwin",
    "paypal": "integrations.sandbox.paypal:PaypalTwin",
    "razorpay": "integrations.sandbox.razorpay:RazorpayTwin",
    "sendgrid": "integrations.sandbox.sendgrid:SendgridTwin",
    "shopify": "integrations.sandbox.shopify:ShopifyTwin",
    "signifyd": "integrations.sandbox.signifyd.twin:SignifydTwin",
    "slack": "integrations.sandbox.slack:SlackTwin",
    "smsa": "integrations.sandbox.smsa:SmsaTwin",
    "stripe": "integrations.sandbox.stripe:StripeTwin",
    "tap": "integrations.sandbox.tap:TapTwin",
    "twilio": "integrations.sandbox.twilio:TwilioTwin",
    "ups": "integrations.sandbox.ups:UpsTwin",
    "vies": "integrations.sandbox.vies:ViesTwin",
    "woocommerce": "integrations.sandbox.woocommerce:WooCommerceTwin",
}


def load(name: str) -> Callable[[World], Twin]:
    """Return what builds the twin of this name.

    Raises ValueError naming the twins there are when it is none of them.
    """
    if name not in TWINS:
        raise ValueError(f"{name!r} has no twin; the sandbox plays {', '.join(TWINS)}")
    module, _, attribute = TWINS[name].partition(":")
    return cast("Callable[[World], Twin]", getattr(import_module(module), attribute))
