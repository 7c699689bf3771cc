"""Consent to marketing, by channel, and how a profile shows it when its subscriptions are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from integrations.sandbox.klaviyo.paging import iso

NEVER, SUBSCRIBED = "NEVER_SUBSCRIBED", "SUBSCRIBED"
CHANNELS = ("email", "sms", "mobile_push", "whatsapp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What somebody agreed to: its state, when they did and when we heard (Unix seconds), and on which list."""

    state: str = SUBSCRIBED
    at: float
    noted: float
    list_id: str | None = None


def view(consents: Mapping[str, Consent]) -> dict[str, Any]:
    """Return the subscriptions of a profile. Who never said anything may be mailed, not texted."""
    email, sms = consents.get("email"), consents.get("sms")
    return {
        "email": {
            "marketing": {
                "can_receive_email_marketing": True,
                **_shown(email),
                "custom_method_detail": None,
                "double_optin": None if email is None else False,
                "suppression": [],
                "list_suppressions": [],
            }
        },
        "sms": {"marketing": {"can_receive_sms_marketing": sms is not None, **_shown(sms)}},
        "mobile_push": {"marketing": _short(consents.get("mobile_push"), "can_receive_push_marketing")},
        "whatsapp": {"marketing": _short(consents.get("whatsapp"), "can_receive")},
    }


def _shown(consent: Consent | None) -> dict[str, Any]:
    return {
        "consent": NEVER if consent is None else consent.state,
        "consent_timestamp": None if consent is None else iso(consent.at),
        "last_updated": None if consent is None else iso(consent.noted),
        "method": None if consent is None else "API",
        "method_detail": None if consent is None else consent.list_id or "",
    }


def _short(consent: Consent | None, can: str) -> dict[str, Any]:
    return {
        can: consent is not None,
        "consent": NEVER if consent is None else consent.state,
        "consent_timestamp": None if consent is None else iso(consent.at),
    }
