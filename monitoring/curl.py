"""A recorded attempt as a curl line that somebody can run: secrets as variables, what was never kept as ``[hidden]``.

Headers are not recorded. How the vendor is told who we are stands as one variable, so that the line can be pasted into a
ticket as it is.
"""

from __future__ import annotations

import shlex
from urllib.parse import urlsplit

from db.calls import AttemptRow

HIDDEN = "[hidden]"


def as_curl(attempt: AttemptRow, base_url: str, *, variable: str = "") -> str:
    """Return the request of an attempt as a curl command over several lines.

    ``base_url`` is the vendor's; the path of the attempt is taken from its host on. ``variable`` names the header that
    proves who we are, by default ``VENDOR_AUTH_HEADER`` (such as ``Authorization: Bearer …``).
    """
    name = variable or f"{attempt.vendor.upper()}_AUTH_HEADER"
    lines = [f"curl -X {attempt.method} {shlex.quote(_address(base_url, attempt.path))}", f'-H "${name}"']
    body = attempt.request
    if body:
        lines += [f"-H {shlex.quote('Content-Type: ' + _media_type(body))}", f"--data-raw {shlex.quote(body)}"]
    return " \\\n  ".join(lines)


def _address(base_url: str, path: str) -> str:
    """Return the whole address: a recorded path may or may not begin with the path of the base URL."""
    parts = urlsplit(base_url)
    origin = f"{parts.scheme}://{parts.netloc}"
    prefix = parts.path.rstrip("/")
    if prefix and not path.startswith(f"{prefix}/"):
        return f"{origin}{prefix}/{path.lstrip('/')}"
    return f"{origin}/{path.lstrip('/')}"


def _media_type(body: str) -> str:
    first = body.lstrip()[:1]
    if first in "{[":
        return "application/json"
    return "text/xml; charset=utf-8" if first == "<" else "application/x-www-form-urlencoded"
