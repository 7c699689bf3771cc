"""The colours and type of the pages: a calm slate with one blue, the same in light and dark; no web font is loaded."""

from __future__ import annotations

from typing import Any

THEME: dict[str, Any] = {
    "primaryColor": "harbour",
    "primaryShade": {"light": 7, "dark": 6},
    "fontFamily": 'Inter, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif',
    "fontFamilyMonospace": 'ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace',
    "defaultRadius": "sm",
    "cursorType": "pointer",
    "focusRing": "auto",
    # A list of choices is made when it opens; made at once, each costs every load of its page a layout.
    "components": {"Combobox": {"defaultProps": {"keepMounted": False}}},
    "colors": {
        "harbour": [
            "#eaf3fb",
            "#d3e4f4",
            "#a5c8ea",
            "#74a9df",
            "#4e90d6",
            "#3b82d0",
            "#2c73c2",
            "#1f62ab",
            "#155699",
            "#044a87",
        ],
        "dark": [
            "#dfe5ec",
            "#b3bdc9",
            "#8f9baa",
            "#6a7786",
            "#3d4854",
            "#2c3641",
            "#1a222b",
            "#10161d",
            "#0b1016",
            "#070a0e",
        ],
    },
}
