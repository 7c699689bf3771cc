"""What may be set of the checkout, ``[checkout]`` in quayside.toml. Durations in float seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from integrations.vat.rules import SellerOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutOptions:
    """The checkout.

    ``carriers`` are those asked for quotes (default: those that are set up), all within ``quote_deadline`` (0.5 to 30,
    default 4). Amounts are converted with rates stated at most ``max_rate_age`` ago (an hour to 30 days, default 4 days:
    the ECB rests over long weekends). ``processors`` names who takes payments in a currency, such as
    ``{ EUR = "mollie" }``; the table of ``payments.py`` decides for the rest. A step of an order that failed is tried again
    after ``backoff`` (0.1 to 600, default 15), and then later and later. The others say how the seller stands, see
    ``SellerOptions``.
    """

    carriers: tuple[str, ...] = ()
    quote_deadline: float = 4.0
    backoff: float = 15.0
    max_rate_age: float = 4 * 86_400.0
    processors: Mapping[str, str] = field(default_factory=dict)
    oss: bool = True
    ioss: bool = False
    unknown_number: Literal["charge", "accept"] = "charge"
    between_gulf_states: Literal["export", "domestic"] = "export"

    def __post_init__(self) -> None:
        _within("checkout.quote_deadline", self.quote_deadline, 0.5, 30)
        _within("checkout.max_rate_age", self.max_rate_age, 3600, 30 * 86_400)
        _within("checkout.backoff", self.backoff, 0.1, 600)
        for name, allowed in (
            ("unknown_number", ("charge", "accept")),
            ("between_gulf_states", ("export", "domestic")),
        ):
            if getattr(self, name) not in allowed:
                raise ValueError(f'checkout.{name} is "{getattr(self, name)}"; give {" or ".join(allowed)}')

    @property
    def seller(self) -> SellerOptions:
        return SellerOptions(
            oss=self.oss,
            ioss=self.ioss,
            unknown_number=self.unknown_number,
            between_gulf_states=self.between_gulf_states,
        )


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ValueError(f"{name} is {value:g}; give a number from {low:g} to {high:g}")
