"""The blast guard: whether a run of the stock sync may write what it has planned. Counts in, a verdict out.

Judged for each side that would be written to: how many SKUs it would set to 0, and how many it would change, of those
that side has. What is new there is no change. An answer that should name all SKUs and leaves many out is judged as if
they had been set to 0: an empty answer, or half of one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal

from scheduler.options import InventoryOptions


@dataclass(slots=True, kw_only=True)
class Figures:
    """What would be done to one side. ``stock`` rows have something, ``rows`` there are; ``missing`` were left out."""

    rows: int = 0
    stock: int = 0
    changed: int = 0
    zeroed: int = 0
    new: int = 0
    missing: int = 0

    def count(self, before: Decimal | None, after: Decimal) -> None:
        """Count one change."""
        if before is None:
            self.new += 1
            return
        self.changed += 1
        self.zeroed += before > 0 >= after

    def plain(self) -> dict[str, int]:
        """Return the figures as JSON keeps them."""
        return asdict(self)


def judged(figures: Mapping[str, Figures], says: Mapping[str, str], options: InventoryOptions) -> str | None:
    """Return why a run must stop, a sentence per reason; None when it may go on.

    ``says`` is what would do it, by side, such as "Acumatica's answer".
    """
    reasons = []
    for side, found in figures.items():
        who = says[side]
        for number, share_of, what, share, least in (
            (
                found.zeroed,
                found.stock,
                "set {} of {} SKUs in stock to 0",
                options.emptied_share,
                options.emptied_count,
            ),
            (found.changed, found.rows, "change {} of {} SKUs", options.changed_share, options.changed_count),
        ):
            if is_beyond(number, share_of, share, least):
                said = what.format(number, share_of)
                reasons.append(f"{who} would {said} ({number / share_of:.0%}, more than {share:.0%}).")
        if is_beyond(found.missing, found.stock, options.emptied_share, options.emptied_count):
            reasons.append(
                f"{who} leaves out {found.missing} of {found.stock} SKUs in stock "
                f"({found.missing / found.stock:.0%}, more than {options.emptied_share:.0%})."
            )
    return " ".join(reasons) or None


def is_beyond(number: int, of: int, share: float, least: int) -> bool:
    """Tell whether so many of so many are more than a share, and more than the smallest number worth asking about."""
    return number > least and of > 0 and number / of > share


def covers(allowed: Mapping[str, Mapping[str, int]], figures: Mapping[str, Figures]) -> bool:
    """Tell whether a plan that somebody let go on does at least what is planned now, on every side."""
    return all(
        getattr(found, name) <= allowed.get(side, {}).get(name, 0)
        for side, found in figures.items()
        for name in ("zeroed", "changed", "missing")
    )
