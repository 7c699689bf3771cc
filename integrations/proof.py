"""How a vendor is told who we are, for people to read: the headers, with each secret as a shell variable.

It is what the adapter itself would send, made with the names of the variables in place of their values, so that it can
not differ from what goes out. Nothing secret is touched.
"""

from __future__ import annotations

from base64 import b64decode

from integrations.adapter import Access, Adapter, SignIn
from integrations.outcome import Request

_ANY = Request(method="GET", path="/")


def shown_proof(adapter: type[Adapter]) -> dict[str, str]:
    """Return header -> value, such as ``{"authorization": "Bearer ${STRIPE_SECRET_KEY}"}``; {} where none proves it.

    HTTP Basic stands in clear, ``Basic ${TWILIO_ACCOUNT_SID}:${TWILIO_AUTH_TOKEN}``. What a sign-in gives is
    ``${FEDEX_ACCESS_TOKEN}``, of a session ``${ACUMATICA_SESSION}``.
    """
    vendor = adapter.vendor
    # Where there is a sign-in, settings that are no secret do not prove anything, and the adapter may read them at once.
    made = adapter(
        {
            one.name: one.sandbox if vendor.sign_in and not one.secret else _variable(vendor.name, one.name)
            for one in vendor.credentials
            if one.required
        }
    )
    access = _access(vendor.name, vendor.sign_in) if vendor.sign_in else None
    first, second = made.authorise(_ANY, access), made.authorise(_ANY, access)
    # What differs each time is of one request only.
    return {name.lower(): _plain(value) for name, value in first.items() if second.get(name) == value}


def _access(vendor: str, terms: SignIn) -> Access:
    given = _variable(vendor, "SESSION" if terms.kind == "session" else "ACCESS_TOKEN")
    return Access(headers={terms.header: f"Bearer {given}" if terms.header == "authorization" else given})


def _variable(vendor: str, name: str) -> str:
    return f"${{{vendor.upper()}_{name}}}"


def _plain(value: str) -> str:
    kind, _, rest = value.partition(" ")
    return f"Basic {b64decode(rest).decode()}" if kind == "Basic" else value
