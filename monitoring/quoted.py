"""How a shipping quote came about, carrier by carrier: who answered, who failed, who was not asked and why. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from db.circuits import CircuitRow
from monitoring.facts import VendorFacts

State = Literal["failed", "refused", "stale", "answered", "left_out"]
_ORDER: Mapping[State, int] = {"failed": 0, "refused": 1, "stale": 2, "answered": 3, "left_out": 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierTurn:
    """One carrier. ``refused``: we held the call back; ``left_out``: it was not its turn at all; ``stale``: it failed and
    its last quotes stand in. ``share`` is ``seconds`` of the deadline, at most 1. ``call_id`` "" without a call.
    ``since`` is when its circuit opened, where that is what keeps it from being asked."""

    vendor: str
    state: State
    sentence: str
    quotes: int = 0
    seconds: float = 0.0
    share: float = 0.0
    error_type: str = ""
    fault: str = ""
    call_id: str = ""
    since: datetime | None = None

    @property
    def was_asked(self) -> bool:
        return self.state in ("failed", "stale", "answered")


def quoting(vendors: Sequence[VendorFacts]) -> list[VendorFacts]:
    """Return the vendors that can quote at all, by their label."""
    able = [one for one in vendors if any(each.name == "quote_rates" and each.supported for each in one.operations)]
    return sorted(able, key=lambda one: one.label.lower())


def carrier_turns(
    answer: Mapping[str, Any],
    beside: Mapping[str, Any],
    carriers: Sequence[VendorFacts],
    circuits: Sequence[CircuitRow],
) -> list[CarrierTurn]:
    """Return every carrier there is, what went wrong first. ``answer`` and ``beside`` are those of the quote by hand."""
    counts: dict[str, int] = {}
    for quote in answer["quotes"]:
        counts[quote["vendor"]] = counts.get(quote["vendor"], 0) + 1
    failures = {one["vendor"]: one for one in answer["failures"]}
    asked = {one["vendor"]: one for one in beside["asked"]}
    found = [
        _turn(asked[facts.name], failures.get(facts.name), counts.get(facts.name, 0), beside["deadline"], circuits)
        if facts.name in asked
        else CarrierTurn(vendor=facts.name, state="left_out", sentence=_left_out(facts, beside))
        for facts in carriers
    ]
    return sorted(found, key=lambda one: (_ORDER[one.state], -one.seconds, one.vendor))


def _turn(
    asked: Mapping[str, Any],
    failure: Mapping[str, Any] | None,
    quotes: int,
    deadline: float,
    circuits: Sequence[CircuitRow],
) -> CarrierTurn:
    seconds = float(asked["seconds"])
    common: dict[str, Any] = {
        "vendor": asked["vendor"],
        "quotes": quotes,
        "seconds": seconds,
        "share": min(1.0, seconds / deadline),
        "call_id": asked["call_id"],
    }
    if failure is None:
        return CarrierTurn(state="answered", sentence="" if quotes else "It has no service for this.", **common)
    state: State = "refused" if asked["refused"] else "stale" if failure["stood_in"] else "failed"
    return CarrierTurn(
        state=state,
        sentence=failure["message"],
        error_type=failure["error_type"],
        fault=failure["fault"],
        since=_open_since(asked["vendor"], circuits) if failure["error_type"] == "circuit_open" else None,
        **common,
    )


def _open_since(vendor: str, circuits: Sequence[CircuitRow]) -> datetime | None:
    opened = [row.changed_at for row in circuits if row.vendor == vendor and row.state not in ("closed", "disabled")]
    return min(opened, default=None)


def _left_out(facts: VendorFacts, beside: Mapping[str, Any]) -> str:
    reason = beside["not_asked"].get(facts.name)
    if reason is not None:
        return f"{facts.label} {reason}."
    if facts.name in beside["set_up"]:
        return "It is not among the carriers you chose."
    if facts.missing:
        return f"It is not set up: set {' and '.join(facts.missing)}."
    return "checkout.carriers in quayside.toml leaves it out."
