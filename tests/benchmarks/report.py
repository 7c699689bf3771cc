"""What a benchmark measured: a line for people, a JSON file for machines."""

from __future__ import annotations

import json
import sys
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def report(name: str, **figures: float) -> None:
    """Print the figures and write them to ``results/<name>.json``."""
    shown = ", ".join(f"{key} {value:.3g}" if value < 1000 else f"{key} {value:,.0f}" for key, value in figures.items())
    sys.stdout.write(f"\n{name}: {shown}\n")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps({"name": name, **figures}, indent=2) + "\n", encoding="utf-8")
