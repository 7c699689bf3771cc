"""Which calls a URL asks for: its parameters as a filter, and a sentence for each that cannot be read.

The page, the CSV and a replay read the same parameters, so that all three mean the same calls.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from db.call_filter import CallFilter
from db.call_search import Order

ORDERS: tuple[Order, ...] = get_args(Order)
OUTCOMES = ("failed", "success", "error", "refused", "unknown")
FAULTS = ("theirs", "ours", "network", "configuration")
TRIGGERS = ("sync", "api", "user", "replay", "demo")
PRIORITIES = ("interactive", "batch")
CIRCUITS = ("closed", "open", "half_open", "forced_open", "disabled", "watch_only")
_LONGEST = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a URL asks for; ``problems`` are sentences by parameter, and what they are about is left out of the filter."""

    filter: CallFilter = field(default_factory=CallFilter)
    order: Order = "newest"
    problems: Mapping[str, str] = field(default_factory=dict)


def status_range(text: str) -> tuple[int, int]:
    """Return the HTTP statuses a person means by ``503``, ``5xx`` or ``400-429``. Raise ValueError with examples."""
    typed = text.strip().lower()
    if found := re.fullmatch(r"([1-5])xx", typed):
        first = int(found[1]) * 100
        return first, first + 99
    if found := re.fullmatch(r"(\d{3})(?:\s*[-–]\s*(\d{3}))?", typed):
        low, high = int(found[1]), int(found[2] or found[1])
        if 100 <= low <= high <= 599:
            return low, high
    raise ValueError("Give a status such as 503, 5xx or 400-429.")


def seconds_of(text: str) -> float:
    """Return the seconds a person means by ``1.5``, ``250ms``, ``2 s`` or ``1 min``. Raise ValueError with examples."""
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?)\s*(ms|s|min)?", text.strip().lower())
    if not found:
        raise ValueError("Give a duration such as 1.5, 250ms or 2min.")
    return float(found[1]) * {"ms": 0.001, "s": 1.0, "min": 60.0}[found[2] or "s"]


def number_of(text: str) -> int:
    """Return a number of attempts. Raise ValueError."""
    if not re.fullmatch(r"\d{1,3}", text.strip()) or not 1 <= int(text) <= 100:
        raise ValueError("Give a whole number from 1 to 100.")
    return int(text)


def _one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in words:
            raise ValueError(f"Choose one of {', '.join(words)}.")
        return text

    return read


def _text(text: str) -> str:
    if len(text) > _LONGEST or "\x00" in text:
        raise ValueError(f"Give at most {_LONGEST} characters.")
    return text.strip()


# Parameter of the URL -> field of the filter, and how its text is read. The order is that of the page.
PARAMETERS: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "vendor": ("vendor", _text),
    "outcome": ("outcome", _one_of(*OUTCOMES)),
    "operation": ("operation", _text),
    "error_type": ("error_type", _text),
    "text": ("text", _text),
    "fault": ("fault", _one_of(*FAULTS)),
    "status": ("status", status_range),
    "trigger": ("trigger", _one_of(*TRIGGERS)),
    "priority": ("priority", _one_of(*PRIORITIES)),
    "correlation_id": ("correlation_id", _text),
    "key": ("idempotency_key", _text),
    "run": ("run_id", _text),
    "user": ("user_name", _text),
    "slower": ("slower", seconds_of),
    "faster": ("faster", seconds_of),
    "attempts": ("attempts", number_of),
    "circuit": ("circuit_state", _one_of(*CIRCUITS)),
    "id": ("id", _text),
}


def asked_of(parameters: Mapping[str, str]) -> Asked:
    """Return what the parameters of a URL ask for; others than ours are somebody else's."""
    values: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for name, (attribute, read) in PARAMETERS.items():
        text = parameters.get(name, "")
        if not text.strip():
            continue
        try:
            values[attribute] = read(text)
        except ValueError as error:
            problems[name] = str(error)
    if values.get("slower") is not None and values.get("faster") is not None and values["slower"] > values["faster"]:
        problems["faster"] = "This is shorter than “slower than”; no call can be both."
        values.pop("faster")
    order = parameters.get("sort", "newest")
    if order not in ORDERS:
        problems["sort"] = f"Choose one of {', '.join(ORDERS)}."
        order = "newest"
    return Asked(filter=CallFilter(**values), order=next(one for one in ORDERS if one == order), problems=problems)


def parameters_for(parameters: Mapping[str, str]) -> dict[str, str]:
    """Return those of the parameters that are about calls, without the empty ones: what a link or a replay keeps."""
    return {name: parameters[name] for name in PARAMETERS if parameters.get(name, "").strip()}
