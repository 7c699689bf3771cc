"""Colours of the charts: readable on white and on slate, and apart for every common kind of colour-blindness.

The hues are those of Okabe and Ito ("Color Universal Design", jfly.uni-koeln.de/color), moved to a middle lightness.
A hue says whose fault an error is; within a hue, shades tell its types apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

BLUE = "#3d8bd0"
SKY = "#63b3de"
TEAL = "#12977a"
AMBER = "#d9931a"
VERMILION = "#dd5b2c"
PINK = "#c46fa3"
SLATE = "#8391a1"

SHADES: Mapping[str, tuple[str, ...]] = {  # by fault
    "theirs": (VERMILION, "#b8431a", "#ef8a63", "#93300e"),
    "network": (AMBER, "#b4750a", "#edb85c"),
    "ours": (BLUE, "#2768a3", "#8dbce6", "#1b4c7a"),
    "configuration": (PINK, "#9c4d7f", "#dda3c6"),
    "refused": (SLATE, "#5f6c7a", "#aab4bf"),
    "": (SLATE, "#5f6c7a"),
}

CIRCUIT: Mapping[str, str] = {
    "closed": TEAL,
    "half_open": AMBER,
    "open": VERMILION,
    "forced_open": "#93300e",
    "disabled": SLATE,
    "watch_only": "#aab4bf",
}


def error_colors(types: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Return a colour for each (error type, fault), the same for the same order of types."""
    used: dict[str, int] = {}
    colors: dict[tuple[str, str], str] = {}
    for error_type, fault in types:
        shades = SHADES.get(fault, SHADES[""])
        place = used.get(fault, 0)
        used[fault] = place + 1
        colors[error_type, fault] = shades[place % len(shades)]
    return colors
