"""What we send to SendGrid: one personalization for one person, our reference as a custom argument, checked first."""

from __future__ import annotations

from typing import Any

from integrations.errors import InvalidInput, Unsupported
from integrations.types.messages import EmailMessage
from integrations.vendors.sendgrid.declaration import REFERENCE

LARGEST = 20_000_000  # bytes of text and HTML; SendGrid takes 30 MB a message, all encoding included


def mail(value: EmailMessage, sender: dict[str, str], reply_to: str) -> dict[str, Any]:
    """Return the body of mail/send. Raise InvalidInput or Unsupported naming the field."""
    _refuse_unfit(value)
    person: dict[str, Any] = {
        "to": [_person(value.to, value.to_name)],
        "custom_args": {REFERENCE: value.reference},
    }
    body: dict[str, Any] = {"personalizations": [person], "from": sender}
    if reply_to:
        body["reply_to"] = {"email": reply_to}
    if value.subject:
        body["subject"] = value.subject
    if value.template:
        body["template_id"] = value.template
        if value.data:
            person["dynamic_template_data"] = dict(value.data)
    else:
        # Plain text has to stand before HTML.
        parts = (("text/plain", value.text), ("text/html", value.html))
        body["content"] = [{"type": kind, "value": text} for kind, text in parts if text]
    if value.category:
        body["categories"] = [value.category]
    return body


def proof(sender: dict[str, str]) -> dict[str, Any]:
    """Return a mail that is judged and not sent, which proves the key and the sender."""
    return {
        "personalizations": [{"to": [{"email": sender["email"]}]}],
        "from": sender,
        "subject": "Quayside asks whether this key is accepted",
        "content": [{"type": "text/plain", "value": "Nothing is sent."}],
        "mail_settings": {"sandbox_mode": {"enable": True}},
    }


def sender(address: str, name: str) -> dict[str, str]:
    """Return who a mail is from."""
    return _person(address, name)


def _refuse_unfit(value: EmailMessage) -> None:
    if value.template:
        if not value.template.startswith("d-"):
            raise Unsupported("Only dynamic templates are used; their ids begin with d-.", field="template")
        if value.text or value.html:
            raise InvalidInput("A mail has a template or a text of its own, not both.", field="template")
        return
    if value.data:
        raise InvalidInput("Data goes into a template; name one, or leave the data out.", field="data")
    if not value.subject:
        raise InvalidInput("A mail without a template needs a subject.", field="subject")
    if not value.text and not value.html:
        raise InvalidInput("A mail without a template needs a text.", field="text")
    if len(value.text.encode()) + len(value.html.encode()) > LARGEST:
        raise InvalidInput(
            f"The mail is larger than {LARGEST // 1_000_000} MB.", field="html" if value.html else "text"
        )


def _person(address: str, name: str) -> dict[str, str]:
    return {"email": address, "name": name} if name else {"email": address}
