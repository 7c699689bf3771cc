"""The vendors that have a twin: those of the registry, each by its name below ``integrations/sandbox``.

The twin of ``integrations.vendors.ecb:Ecb`` is ``integrations.sandbox.ecb:EcbTwin``, so a vendor stands in one list alone.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import cast

from integrations.registry import VENDORS
from integrations.sandbox.twin import Twin, World

TWINS: dict[str, str] = {
    name: path.replace("integrations.vendors.", "integrations.sandbox.", 1) + "Twin" for name, path in VENDORS.items()
}


def load(name: str) -> Callable[[World], Twin]:
    """Return what builds the twin of this name.

    Raises ValueError naming the twins there are when it is none of them.
    """
    if name not in TWINS:
        raise ValueError(f"{name!r} has no twin; the sandbox plays {', '.join(TWINS)}")
    module, _, attribute = TWINS[name].partition(":")
    return cast("Callable[[World], Twin]", getattr(import_module(module), attribute))
