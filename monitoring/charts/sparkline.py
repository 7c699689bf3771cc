"""A small line without axes, as an SVG picture of its own: it needs no script, so it is there with the first paint."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from monitoring.charts.palette import BLUE

WIDTH, HEIGHT = 120, 32
FEWEST = 3  # values below which a line says nothing


def points(values: Sequence[float | None]) -> list[tuple[float, float]]:
    """Return the places of the known values in a box of ``WIDTH`` x ``HEIGHT``, the greatest at the top."""
    known = [(place, value) for place, value in enumerate(values) if value is not None]
    if len(known) < FEWEST:
        return []
    top = max(value for _place, value in known) or 1.0
    step = WIDTH / max(1, len(values) - 1)
    return [(round(place * step, 1), round(HEIGHT - 2 - (HEIGHT - 4) * value / top, 1)) for place, value in known]


def picture(values: Sequence[float | None]) -> str | None:
    """Return a data URL of the line over its shaded area; None for fewer than ``FEWEST`` known values.

    Buckets without a value are bridged: the line says how it went, not when nothing was called.
    """
    line = points(values)
    if not line:
        return None
    path = "L".join(f"{x:g} {y:g}" for x, y in line)
    first, last = line[0][0], line[-1][0]
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none">'
        f'<path d="M{first:g} {HEIGHT}L{path}L{last:g} {HEIGHT}Z" fill="{BLUE}" fill-opacity=".18"/>'
        f'<path d="M{path}" fill="none" stroke="{BLUE}" stroke-width="1.5" vector-effect="non-scaling-stroke"/></svg>'
    )
    return "data:image/svg+xml," + quote(svg, safe=" /:=;,.()'\"<>-").replace('"', "'").replace("#", "%23")
