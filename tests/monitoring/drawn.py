"""What was drawn, as text to look things up in."""

from __future__ import annotations

import json
from typing import Any


def text_of(component: Any) -> str:
    """Return a component with all its properties as JSON."""
    return json.dumps(component, default=lambda part: part.to_plotly_json(), ensure_ascii=False)
