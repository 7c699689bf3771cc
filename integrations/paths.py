"""How a path is made from its template: ``filled("/v1/payments/{id}/refunds", id=payment_id)``."""

from __future__ import annotations

from urllib.parse import quote


def filled(template: str, **parts: str) -> str:
    """Return the path of a template: every part quoted, so that a slash or a question mark in it leads nowhere else."""
    for name, value in parts.items():
        template = template.replace(f"{{{name}}}", quote(value, safe=""))
    return template
