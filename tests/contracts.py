"""Where the vendors' own contracts are, for the tests that hold us against them."""

from __future__ import annotations

from pathlib import Path

import pytest

CONTRACTS = Path(__file__).parents[2] / "shared" / "contracts"


def contract(path: str) -> Path:
    """Return a contract file or folder, such as ``fedex/rate-api.json``; skips the test by name where it is absent."""
    found = CONTRACTS / path
    if not found.exists():
        pytest.skip(f"the contract {path} is not beside this repository")
    return found
