"""Vendor name -> dotted path of its adapter class: the only list of vendors, sorted. Its twin goes by the same path."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from integrations.errors import UnknownVendor

if TYPE_CHECKING:
    from integrations.adapter import Adapter

VENDORS: dict[str, str] = {
    "acumatica": "integrations.vendors.acumatica:Acumatica",
    "aramex": "integrations.vendors.aramex:Aramex",
    "australia_post": "integrations.vendors.australia_post:AustraliaPost",
    "avalara": "integrations.vendors.avalara:Avalara",
    "canada_post": "integrations.vendors.canada_post:CanadaPost",
    "dhl_express": "integrations.vendors.dhl_express:DhlExpress",
    "ecb": "integrations.vendors.ecb:Ecb",
    "fedex": "integrations.vendors.fedex:Fedex",
    "frankfurter": "integrations.vendors.frankfurter:Frankfurter",
    "google_ads": "integrations.vendors.google_ads:GoogleAds",
    "klaviyo": "integrations.vendors.klaviyo:Klaviyo",
    "meta_ads": "integrations.vendors.meta_ads:MetaAds",
    "mollie": "integrations.vendors.mollie:Mollie",
    "open_exchange_rates": "integrations.vendors.open_exchange_rates:OpenExchangeRates",
    "paypal": "integrations.vendors.paypal:Paypal",
    "razorpay": "integrations.vendors.razorpay:Razorpay",
    "sendgrid": "integrations.vendors.sendgrid:SendGrid",
    "shopify": "integrations.vendors.shopify:Shopify",
    "signifyd": "integrations.vendors.signifyd:Signifyd",
    "slack": "integrations.vendors.slack:Slack",
    "smsa": "integrations.vendors.smsa:Smsa",
    "stripe": "integrations.vendors.stripe:Stripe",
    "tap": "integrations.vendors.tap:Tap",
    "twilio": "integrations.vendors.twilio:Twilio",
    "ups": "integrations.vendors.ups:Ups",
    "vies": "integrations.vendors.vies:Vies",
    "woocommerce": "integrations.vendors.woocommerce:WooCommerce",
}


def adapter_class(vendor: str) -> type[Adapter]:
    """Return the vendor's adapter class. Raise UnknownVendor with the names there are."""
    path = VENDORS.get(vendor)
    if path is None:
        raise UnknownVendor(f'No vendor "{vendor}"; there are {", ".join(VENDORS)}.', field="vendor")
    module, name = path.split(":")
    found: type[Adapter] = getattr(import_module(module), name)
    return found
