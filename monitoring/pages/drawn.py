"""Parts of a page that many tabs show alike: drawn once, as the JSON that each of them is sent.

Making a page's components and their JSON costs more than reading its figures. A reading that ``Hub.once`` shares
therefore ends with ``drawn``; Dash puts the ready JSON into each answer as it is.
"""

from __future__ import annotations

from typing import Any

import orjson
from plotly.io.json import to_json_plotly  # type: ignore[import-untyped]


def drawn(*parts: Any) -> tuple[orjson.Fragment, ...]:
    """Return parts (components, texts, None) as ready JSON, to be a callback's values."""
    return tuple(orjson.Fragment(to_json_plotly(part)) for part in parts)
