"""Is a vendor healthy, and if not, whose fault is it: a pure verdict from the calls of the last minutes.

The verdict rests on the lower end of the Wilson score interval (95 %, E. B. Wilson, 1927), not on the plain rate: one
failure in twenty is no outage, five of five is. What we refused ourselves and what was our own fault (a bad input, a
declined card) says nothing about the vendor and is left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from db.evidence import Evidence

Verdict = Literal["healthy", "degraded", "down"]
Fault = Literal["ours", "theirs", "network", "configuration"]

Z = 1.96  # 95 %
MINIMUM_CALLS = 5
DOWN_FROM = 0.5
DEGRADED_FROM = 0.1
_OPEN = frozenset({"open", "half_open", "forced_open"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """A verdict with its reason. ``error_rate`` is over the calls that count (None without any); ``fault`` is None
    while the vendor is healthy."""

    verdict: Verdict
    fault: Fault | None
    sentence: str
    calls: int
    failed: int
    error_rate: float | None


def wilson_lower_bound(failed: int, total: int, z: float = Z) -> float:
    """Return the rate that the true failure rate exceeds with the certainty of ``z``; 0 for no calls."""
    if total <= 0:
        return 0.0
    rate = failed / total
    middle = rate + z * z / (2 * total)
    spread = z * math.sqrt((rate * (1 - rate) + z * z / (4 * total)) / total)
    return max(0.0, (middle - spread) / (1 + z * z / total))


def judge(
    evidence: Evidence,
    *,
    label: str,
    circuit_state: str = "closed",
    circuit_reason: str = "",
    others_answer: bool = False,
    others_unreachable: bool = False,
    minutes: int = 10,
) -> Health:
    """Return the verdict on one vendor.

    ``others_answer``: at least one other vendor answered in the same time; ``others_unreachable``: at least one other
    could not be reached either. Together they tell our network from theirs.
    """
    failed = counted_failures(evidence)
    total = counted_calls(evidence)
    rate = failed / total if total else None
    fault = blame(evidence, others_answer=others_answer, others_unreachable=others_unreachable) if failed else None

    def health(verdict: Verdict, sentence: str, blamed: Fault | None) -> Health:
        return Health(verdict=verdict, fault=blamed, sentence=sentence, calls=total, failed=failed, error_rate=rate)

    if circuit_state == "forced_open":
        return health("down", f"{label} is held open by hand: {circuit_reason or 'no reason given'}.", fault or "ours")
    if circuit_state in _OPEN:
        return health(
            "down",
            f"The circuit of {label} is {circuit_state.replace('_', ' ')}. {_cause(evidence, label, fault)}".strip(),
            fault or "theirs",
        )
    if not total:
        return health("healthy", f"No calls to {label} in the last {minutes} min.", None)
    lower = wilson_lower_bound(failed, total)
    share = f"{failed} of {total} calls failed in the last {minutes} min."
    if total >= MINIMUM_CALLS and lower >= DOWN_FROM:
        return health("down", f"{share} {_cause(evidence, label, fault)}".strip(), fault)
    if failed >= 2 and lower >= DEGRADED_FROM:
        return health("degraded", f"{share} {_cause(evidence, label, fault)}".strip(), fault)
    return health("healthy", share if failed else f"All {total} calls answered in the last {minutes} min.", None)


def judge_all(
    evidence: Mapping[str, Evidence],
    *,
    labels: Mapping[str, str],
    circuits: Mapping[str, tuple[str, str]],
    minutes: int = 10,
) -> dict[str, Health]:
    """Return the verdict on every vendor of ``labels``; ``circuits`` is vendor -> (state, reason)."""
    verdicts = {}
    for vendor, label in labels.items():
        others = [found for name, found in evidence.items() if name != vendor]
        state, reason = circuits.get(vendor, ("closed", ""))
        verdicts[vendor] = judge(
            evidence.get(vendor, Evidence(vendor=vendor)),
            label=label,
            circuit_state=state,
            circuit_reason=reason,
            others_answer=any(_answered(found) for found in others),
            others_unreachable=any(_unreachable(found) for found in others),
            minutes=minutes,
        )
    return verdicts


def worst_circuit(states: Iterable[tuple[str, str, str]]) -> dict[str, tuple[str, str]]:
    """Return vendor -> (state, reason) of its worst circuit, from (vendor, state, reason) of all its circuits."""
    order = ("forced_open", "open", "half_open", "disabled", "watch_only", "closed")
    worst: dict[str, tuple[str, str]] = {}
    for vendor, state, reason in states:
        known = worst.get(vendor)
        if known is None or order.index(state) < order.index(known[0]):
            worst[vendor] = (state, reason)
    return worst


def counted_failures(evidence: Evidence) -> int:
    """Return the failures that say something about the vendor or the way to it: all but our own fault."""
    return sum(count for fault, count in evidence.failed.items() if fault != "ours")


def counted_calls(evidence: Evidence) -> int:
    """Return the calls the failures are a share of."""
    return max(evidence.calls - evidence.failed.get("ours", 0), counted_failures(evidence))


def blame(evidence: Evidence, *, others_answer: bool, others_unreachable: bool) -> Fault:
    """Return whose fault most of the failures are; "ours" when all of them are.

    Failures to reach a vendor are the network's while other vendors cannot be reached either or nobody else was asked;
    when the others answer and only this one cannot be reached, they are the vendor's.
    """
    counts = {fault: count for fault, count in evidence.failed.items() if fault != "ours" and count}
    if not counts:
        return "ours"
    most = max(sorted(counts), key=lambda fault: counts[fault])
    if most == "configuration":
        return "configuration"
    if most == "network":
        return "theirs" if others_answer and not others_unreachable else "network"
    return "theirs"


def _answered(evidence: Evidence) -> bool:
    return evidence.calls > sum(evidence.failed.values())


def _unreachable(evidence: Evidence) -> bool:
    network = evidence.failed.get("network", 0)
    return network >= 2 and network > evidence.calls / 2


def _cause(evidence: Evidence, label: str, fault: Fault | None) -> str:
    if fault is None:
        return ""
    kinds = sorted(evidence.error_types, key=lambda kind: (-evidence.error_types[kind], kind))
    mostly = f" Mostly {kinds[0]}." if kinds else ""
    sentence = {
        "theirs": f"{label} fails, not we.",
        "network": "Other vendors cannot be reached either, or nobody else was asked: look at our network first.",
        "configuration": f"A credential or setting of {label} is wrong: look at it on our side.",
        "ours": "What we send is refused.",
    }[fault]
    return sentence + mostly
