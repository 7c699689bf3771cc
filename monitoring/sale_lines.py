"""The lines of a sale as people write them, one a line: ``100.00; 1; standard; BAG``; only the amount is needed."""

from __future__ import annotations

import re
from typing import Any

MOST = 50  # lines of one sale; the API takes more
SHAPE = "write it as 100.00; 1; standard; BAG"
_AMOUNT = re.compile(r"-?\d{1,12}(?:\.\d{1,6})?")


def sale_lines(text: str, currency: str) -> list[dict[str, Any]]:
    """Return the lines of a sale as the API takes them. Raise ValueError with the line and the remedy."""
    found: list[dict[str, Any]] = []
    for number, line in enumerate((line.strip() for line in text.splitlines() if line.strip()), 1):
        parts = [part.strip() for part in line.split(";")]
        if not _AMOUNT.fullmatch(parts[0]) or len(parts) > 4:
            raise ValueError(f"Line {number}: “{line[:40]}” is no line of a sale; {SHAPE}.")
        amount, quantity, code, sku = (*parts, "", "", "")[:4]
        one: dict[str, Any] = {"amount": {"amount": amount, "currency": currency}, "quantity": quantity or "1"}
        found.append(one | ({"tax_code": code} if code else {}) | ({"sku": sku} if sku else {}))
    if not found:
        raise ValueError(f"Give at least one line; {SHAPE}.")
    if len(found) > MOST:
        raise ValueError(f"That are more than {MOST} lines; ask for a few of them.")
    return found
