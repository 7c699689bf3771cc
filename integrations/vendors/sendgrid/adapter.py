"""SendGrid's operations. Every accepted request sends a mail, and there is no asking whether one did.

What can be known comes by the Event Webhook: an event that carries our reference proves that the mail was taken. So a
lost answer is waited on for a moment; where nothing is heard it stays unknown and nothing is sent again, because silence
proves nothing. Whoever settles it by hand may look at SendGrid's Activity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from integrations.adapter import Access, Adapter, Delivery, Exchange, Vendor, VendorEvent
from integrations.errors import BusinessFailed, SchemaDrift
from integrations.outcome import QuotaSeen, Request, Response, Verdict
from integrations.types.messages import EmailMessage, SentEmail, TokenCheck, TokenQuery
from integrations.vendors.sendgrid import events, messages, verdicts
from integrations.vendors.sendgrid.declaration import LABEL, NAME, SEND, VENDOR

# The first event is usually there within seconds; how soon is not promised.
LOOK_UP_WAITS = (0.0, 3.0, 6.0)


class SendGrid(Adapter):
    """Mail Send, version 3."""

    vendor: ClassVar[Vendor] = VENDOR

    async def send_email(self, exchange: Exchange, value: EmailMessage) -> SentEmail:
        """Hand a mail to SendGrid, which queues it: whether it arrives is told later, by events.

        Raise InvalidInput or Unsupported for a mail that would be refused.
        """
        body = messages.mail(value, self._sender(), self.setting("REPLY_TO"))
        response = await exchange.send(_write(body))
        message_id = response.headers.get("x-message-id", "")
        if response.status != 202 or not message_id:
            raise SchemaDrift(
                f"{LABEL} did not say that it took the mail.", field="x-message-id", status=response.status
            )
        return SentEmail(vendor=NAME, message_id=message_id, reference=value.reference)

    async def look_up_send_email(self, exchange: Exchange, value: EmailMessage) -> SentEmail | None:
        """Return the mail when an event with our reference has been heard. Raise BusinessFailed when none has."""
        for wait in LOOK_UP_WAITS if self.setting("WEBHOOK_KEY") else ():
            if wait:
                await exchange.sleep(wait)
            for event in await exchange.events(value.reference):
                # An event's message id is that of the answer and a part that tells one recipient from another.
                return SentEmail(vendor=NAME, message_id=event.resource.partition(".")[0], reference=value.reference)
        raise BusinessFailed(
            f"No event of {LABEL}'s has told whether it took the mail; look into its Activity before it is sent again.",
            error_type="not_heard",
            fault="theirs",
        )

    async def check_token(self, exchange: Exchange, value: TokenQuery) -> TokenCheck:
        """Prove the key and the sender with a mail that is judged and not sent."""
        sender = self._sender()
        response = await exchange.send(_write(messages.proof(sender)))
        if response.status != 200 or response.body.strip():
            raise SchemaDrift(f"{LABEL} answers a trial with something else.", field="body", status=response.status)
        return TokenCheck(vendor=NAME, account=sender["email"])

    def authorise(self, request: Request, access: Access | None) -> Mapping[str, str]:
        return {"authorization": f"Bearer {self.credential('API_KEY')}"}

    def classify(self, request: Request, response: Response) -> Verdict | None:
        return verdicts.judge(response)

    def quotas_seen(self, response: Response) -> Sequence[QuotaSeen]:
        return verdicts.quotas(response)

    async def receive(self, exchange: Exchange, delivery: Delivery) -> Sequence[VendorEvent]:
        """Return the events of a delivery, proven by its signature."""
        return events.events(delivery, self.setting("WEBHOOK_KEY"))

    def _sender(self) -> dict[str, str]:
        return messages.sender(self.credential("FROM"), self.setting("FROM_NAME"))


def _write(body: Mapping[str, Any]) -> Request:
    return Request(method="POST", path=SEND, template=SEND, json=body)
