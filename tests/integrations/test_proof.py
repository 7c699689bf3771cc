"""How a vendor is told who we are, as people read it: for every vendor there is, and without a secret."""

from __future__ import annotations

import pytest

from integrations.proof import shown_proof
from integrations.registry import VENDORS, adapter_class

WITHOUT = {"aramex", "ecb", "frankfurter", "vies"}  # in the body, or not at all


@pytest.mark.parametrize("name", VENDORS)
def test_every_vendor_shows_its_proof_with_variables_only(name: str) -> None:
    proof = shown_proof(adapter_class(name))
    sandbox = {one.sandbox for one in adapter_class(name).vendor.credentials if one.secret and len(one.sandbox) > 3}

    assert (proof == {}) == (name in WITHOUT)
    assert all("${" + name.upper() + "_" in value for header, value in proof.items() if "auth" in header)
    assert not [secret for secret in sandbox for value in proof.values() if secret in value]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("stripe", {"authorization": "Bearer ${STRIPE_SECRET_KEY}"}),
        ("twilio", {"authorization": "Basic ${TWILIO_ACCOUNT_SID}:${TWILIO_AUTH_TOKEN}"}),
        ("klaviyo", {"authorization": "Klaviyo-API-Key ${KLAVIYO_PRIVATE_KEY}"}),
        ("fedex", {"authorization": "Bearer ${FEDEX_ACCESS_TOKEN}"}),
        ("shopify", {"x-shopify-access-token": "${SHOPIFY_ACCESS_TOKEN}"}),
        ("acumatica", {"cookie": "${ACUMATICA_SESSION}"}),
        ("ups", {"authorization": "Bearer ${UPS_ACCESS_TOKEN}"}),  # without the id that is of one request only
    ],
)
def test_the_proof_is_what_the_adapter_sends(name: str, expected: dict[str, str]) -> None:
    assert shown_proof(adapter_class(name)) == expected
