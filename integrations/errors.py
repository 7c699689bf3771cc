"""Everything that can go wrong with a call, as one tree.

QuaysideError
├── CallFailed                  the vendor was asked; carries what a decision needs
│   ├── TransportFailed         no answer, or not a whole one (connect, timeout, reset, truncated, too_large)
│   ├── HttpFailed              an answer whose status says no
│   ├── BusinessFailed          a status that says yes, a body that says no (SOAP Fault, ok:false, HasErrors)
│   ├── SchemaDrift             an answer we no longer understand
│   └── OutcomeUnknown          a write whose answer was lost; it may have happened
└── CallRefused                 we did not send anything; never counts against the vendor
    ├── InvalidInput            exit 2: names the field
    │   ├── Unsupported         this vendor cannot do that
    │   ├── UnknownVendor, UnknownOperation
    │   ├── KeyReused           same idempotency key, other parameters
    │   ├── AlreadyHappened     found by a person to have happened, and its answer is not to be had
    │   ├── AlreadyCaptured     a payment that is captured cannot be let go of, only refunded
    │   ├── OrderKnown          an order of this reference is there already
    │   ├── TotalDiffers        an order costs something else than its shopper was shown
    │   ├── UnknownOrder        no order of this reference was placed at the checkout
    │   └── DeliveryRefused     a webhook delivery that is not proven to be the vendor's
    ├── MissingCredential       exit 2: names the setting
    ├── LinkRefused             a link the vendor gave leads away from it
    └── NotPermitted            exit 3
        ├── CircuitIsOpen
        ├── NoPermit            the quota or a concurrency limit leaves no room before the deadline
        ├── LeaseHeld           somebody else is doing it now
        └── StoreIsUnavailable  a write that needs our own claim, while the database is away

Every error has ``error_type`` (low cardinality, stored), ``fault`` (ours, theirs, network, configuration) and a
message that is a sentence for the person on call. No message carries a secret or personal data.
"""

from __future__ import annotations

from typing import ClassVar, Literal

Fault = Literal["ours", "theirs", "network", "configuration"]


class QuaysideError(Exception):
    """Something went wrong."""

    error_type: str = "error"
    fault: Fault = "ours"
    retryable: bool = False
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class CallFailed(QuaysideError):
    """The vendor was asked and the call did not succeed."""

    def __init__(
        self,
        message: str,
        *,
        error_type: str,
        fault: Fault,
        retryable: bool = False,
        retry_after: float | None = None,
        status: int | None = None,
        vendor_request_id: str | None = None,
        sent: bool = True,
    ) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.fault = fault
        self.retryable = retryable
        self.retry_after = retry_after  # seconds from now
        self.status = status
        self.vendor_request_id = vendor_request_id
        self.sent = sent  # False: proven that the vendor saw nothing of it


class TransportFailed(CallFailed):
    """No answer, or not a whole one."""


class HttpFailed(CallFailed):
    """The status says no."""


class BusinessFailed(CallFailed):
    """The status says yes, the body says no."""


class SchemaDrift(CallFailed):
    """An answer we no longer understand; ``field`` names where."""

    def __init__(self, message: str, *, field: str, status: int | None = None) -> None:
        super().__init__(message, error_type="schema_drift", fault="theirs", status=status)
        self.field = field


class OutcomeUnknown(CallFailed):
    """The answer of a write was lost; it may have happened. Look before sending again."""

    def __init__(
        self, message: str, *, cause: CallFailed | None = None, looked_up: QuaysideError | None = None
    ) -> None:
        super().__init__(
            message,
            error_type="outcome_unknown",
            fault=cause.fault if cause else "network",
            status=cause.status if cause else None,
            vendor_request_id=cause.vendor_request_id if cause else None,
        )
        self.cause = cause
        self.looked_up = looked_up  # what the look-up ended with; None where none was made


class CallRefused(QuaysideError):
    """We did not send anything."""


class InvalidInput(CallRefused):
    """The input cannot be sent; ``field`` names what to mend."""

    error_type = "invalid_input"
    exit_code = 2

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class Unsupported(InvalidInput):
    """This vendor cannot do that."""

    error_type = "unsupported"


class UnknownVendor(InvalidInput):
    """No vendor of that name."""

    error_type = "unknown_vendor"


class UnknownOperation(InvalidInput):
    """The vendor has no operation of that name."""

    error_type = "unknown_operation"


class KeyReused(InvalidInput):
    """The idempotency key was used before with other parameters."""

    error_type = "key_reused"


class AlreadyHappened(InvalidInput):
    """A person found that the write under this key has happened. It is not sent again, and its answer is not to be had;
    ``retryable`` says that a later look-up may still bring it."""

    error_type = "already_happened"

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message, field="idempotency_key")
        self.retryable = retryable


class AlreadyCaptured(InvalidInput):
    """The payment is captured, so nothing is held that could be let go; it can be refunded."""

    error_type = "already_captured"


class OrderKnown(InvalidInput):
    """An order of this reference is there already."""

    error_type = "order_known"


class TotalDiffers(InvalidInput):
    """An order costs something else than its shopper was shown; nothing was asked for."""

    error_type = "total_differs"


class UnknownOrder(InvalidInput):
    """No order of this reference was placed at the checkout."""

    error_type = "unknown_order"


class DeliveryRefused(InvalidInput):
    """A webhook delivery is not proven to be the vendor's: no signature, a wrong one, or one too old."""

    error_type = "delivery_refused"


class MissingCredential(CallRefused):
    """A credential is not set."""

    error_type = "missing_credential"
    fault = "configuration"
    exit_code = 2


class LinkRefused(CallRefused):
    """A link the vendor gave leads away from it; nothing was sent."""

    error_type = "link_refused"
    fault = "theirs"


class NotPermitted(CallRefused):
    """We held the call back."""

    exit_code = 3
    retryable = True

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class CircuitIsOpen(NotPermitted):
    """The circuit of this vendor is open."""

    error_type = "circuit_open"
    fault = "theirs"


class NoPermit(NotPermitted):
    """No permit before the deadline."""

    error_type = "no_permit"


class LeaseHeld(NotPermitted):
    """Somebody else is doing this now."""

    error_type = "lease_held"


class RatesTooOld(NotPermitted):
    """No exchange rates young enough to convert with."""

    error_type = "rates_too_old"


class StoreIsUnavailable(NotPermitted):
    """The database is away, and this write needs our own claim in it."""

    error_type = "store_unavailable"


def is_final(error: QuaysideError) -> bool:
    """Return True when the vendor said a lasting no to this one request: sending it again will not help, another may."""
    if not isinstance(error, CallFailed) or isinstance(error, OutcomeUnknown):
        return False
    return error.fault == "ours" and not error.retryable
