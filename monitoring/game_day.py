"""The faults that can be injected into the sandbox, in words, and scenarios made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_LONGEST = 3600  # seconds
_LARGEST_SEED = 2**31


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One kind of fault. ``asks`` names the number it needs, "" for none; ``usual`` is what is offered for it."""

    label: str
    asks: str = ""
    usual: str = ""


FAULTS: Mapping[str, FaultKind] = {
    "status": FaultKind("Answers with a status", "Status", "503"),
    "timeout": FaultKind("Never answers"),
    "reset": FaultKind("Cuts the connection"),
    "slow": FaultKind("Answers late", "Seconds late", "2.5"),
    "drip": FaultKind("Drips its answer"),
    "truncate": FaultKind("Breaks off its answer"),
    "garbage": FaultKind("Answers nonsense"),
    "schema": FaultKind("Changes its answer's fields"),
    "rate_limit": FaultKind("Says we send too much", "For seconds", "60"),
    "lost_answer": FaultKind("Does it, and the answer is lost"),
}


@dataclass(frozen=True, slots=True)
class Scenario:
    """Faults that belong together. ``vendor`` "*" is every vendor."""

    label: str
    meaning: str
    vendor: str
    fault: str
    rate: float = 1.0
    seconds: float = 120.0
    operation: str | None = None

    def faults_for(self, vendors: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
        """Return the faults for these vendors; none when its vendor is not among them."""
        names = sorted(vendors) if self.vendor == "*" else [self.vendor] if self.vendor in vendors else []
        return [
            {
                "vendor": name,
                "operation": self.operation,
                "fault": self.fault,
                "rate": self.rate,
                "seconds": self.seconds,
                "seed": 7,
            }
            for name in names
        ]


SCENARIOS: Mapping[str, Scenario] = {
    "fedex_down": Scenario("FedEx down", "every answer is 503 for five minutes", "fedex", "status:503", seconds=300.0),
    "stripe_lost": Scenario(
        "Stripe loses answers",
        "payments are made and half of the answers are lost for two minutes",
        "stripe",
        "lost_answer",
        rate=0.5,
        operation="create_payment",
    ),
    "acumatica_slow": Scenario(
        "Acumatica slow", "every answer comes 12 s late for three minutes", "acumatica", "slow:12", seconds=180.0
    ),
    "acumatica_limited": Scenario(
        "ERP throttles",
        "half of the requests to Acumatica get a 429 for two minutes",
        "acumatica",
        "rate_limit:120",
        0.5,
    ),
    "rates_down": Scenario(
        "No exchange rates",
        "the first source hangs for two minutes; the next has to answer",
        "open_exchange_rates",
        "timeout",
    ),
    "all_limited": Scenario(
        "Everybody throttles", "all vendors say 429 for a minute", "*", "rate_limit:60", seconds=60.0
    ),
}


def fault_text(text: str) -> str:
    """Return a fault as people read it: ``status:503`` is ``Answers with a status (503)``."""
    kind, _, value = text.partition(":")
    label = FAULTS[kind].label if kind in FAULTS else kind
    return f"{label} ({value})" if value else label


def wrong_with(
    typed: Mapping[str, str | None], operation: str | None, kind: str, vendors: Mapping[str, Sequence[str]]
) -> tuple[dict[str, str], dict[str, Any] | None]:
    """Return what is wrong with each field, and the fault when nothing is."""
    wrong: dict[str, str] = {}
    vendor = typed["vendor"] or ""
    if vendor not in vendors:
        wrong["vendor"] = "Choose whose calls are to go wrong."
    elif operation is not None and operation not in vendors[vendor]:
        operation = None
    fault = FAULTS.get(kind)
    value = _number(typed["value"])
    text = kind
    if fault is None:
        wrong["vendor"] = "Choose a fault."
    elif fault.asks:
        low, high = (200, 599) if kind == "status" else (0.1, 600)
        if value is None or not low <= value <= high or (kind == "status" and value != int(value)):
            wrong["value"] = f"Give a number from {low:g} to {high:g}."
        else:
            text = f"{kind}:{value:g}"
    rate = _number((typed["rate"] or "").replace("\u202f", "").replace(" ", "").removesuffix("%"))
    if rate is None or not 0 < rate <= 100:
        wrong["rate"] = "Give a share above 0 % and up to 100 %."
    seconds = _number(typed["seconds"])
    if seconds is None or not 1 <= seconds <= _LONGEST:
        wrong["seconds"] = f"Give 1 to {_LONGEST} seconds."
    seed = _number(typed["seed"])
    if seed is None or seed != int(seed) or not 0 <= seed < _LARGEST_SEED:
        wrong["seed"] = "Give a whole number: the same one hits the same requests again."
    if wrong or rate is None or seconds is None or seed is None:
        return wrong, None
    return {}, {
        "vendor": vendor,
        "operation": operation,
        "fault": text,
        "rate": rate / 100,
        "seconds": seconds,
        "seed": int(seed),
    }


def _number(text: str | None) -> float | None:
    try:
        return float((text or "").strip())
    except ValueError:
        return None
