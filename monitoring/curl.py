"""A recorded attempt as a curl line that somebody can run: secrets as variables, what was never kept as ``[hidden]``.

Headers are not recorded. What proves who we are stands with variables of the shell in place of the secrets, so that the
line can be pasted into a ticket as it is; ``notes`` says what it lacks before it is run.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from urllib.parse import urlsplit

from db.calls import AttemptRow

HIDDEN = "[hidden]"
NOT_KEPT = "[the body is not kept any more]"
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_CUT = "…"  # the end of a text that was too long to be kept
_SIZE = re.compile(r"\(\d+ bytes( of [^)]*)?\)")  # what is kept of a body that could not be read
_WRITES = ("POST", "PUT", "PATCH", "DELETE")


def as_curl(attempt: AttemptRow, base_url: str, *, proof: Mapping[str, str] | None = None) -> str:
    """Return the request of an attempt as a curl command over several lines.

    ``base_url`` is the vendor's; the path of the attempt is taken from its host on. ``proof`` are the headers that prove
    who we are (see ``VendorFacts``); without it there is one variable for them, ``$FEDEX_AUTH_HEADER``.
    """
    address = _address(base_url, attempt.path)
    first = f"curl -X {attempt.method} "
    if re.search(r"[\[\]{}]", address):
        first += "--globoff "  # else curl takes brackets for a range of addresses
    lines = [first + shlex.quote(address)]
    lines += [f'-H "${attempt.vendor.upper()}_AUTH_HEADER"'] if proof is None else map(_proven, proof, proof.values())
    body = attempt.request
    if lost_body(attempt):
        lines.append(f"--data-raw {shlex.quote(NOT_KEPT)}")
    elif body:
        lines += [f"-H {shlex.quote('Content-Type: ' + _media_type(body))}", f"--data-raw {shlex.quote(body)}"]
    return " \\\n  ".join(lines)


def variables(proof: Mapping[str, str]) -> list[str]:
    """Return the shell variables that headers name, in their order."""
    return list(dict.fromkeys(name for value in proof.values() for name in _VARIABLE.findall(value)))


def lost_body(attempt: AttemptRow) -> bool:
    """Tell whether there was a body, as far as is known, that is not kept any more: nothing of the answer is either."""
    return attempt.request is None and attempt.response is None and attempt.method in ("POST", "PUT", "PATCH")


def notes(attempt: AttemptRow, proof: Mapping[str, str], *, writes: bool, bodies_kept: str) -> list[str]:
    """Return what whoever runs the line has to know first; ``bodies_kept`` is for how long bodies are kept, in words."""
    said = []
    names = variables(proof)
    if names:
        said.append(f"Set {_listed(names)} in your shell first. Further headers are not recorded.")
    elif attempt.operation == "sign_in":
        said.append("Headers are not recorded; a sign-in may need some.")
    else:
        said.append("Headers are not recorded; none proves who we are to this vendor.")
    body = attempt.request or ""
    if lost_body(attempt):
        said.append(f"Its body is not kept any more (bodies are kept for {bodies_kept}).")
    elif _SIZE.fullmatch(body):
        said.append("Of its body only the size was kept; put in your own.")
    elif HIDDEN in body or HIDDEN in attempt.path:
        where = " and ".join(name for name, text in (("address", attempt.path), ("body", body)) if HIDDEN in text)
        said.append(f"Its {where} was redacted when it was recorded: put in what reads {HIDDEN}.")
    if body.endswith(_CUT):
        said.append("Its body was longer than what is kept.")
    if writes and attempt.method in _WRITES:
        said.append("This writes: run twice it may happen twice. A replay keeps its idempotency key and is safer.")
    return said


def _proven(name: str, value: str) -> str:
    if value.startswith("Basic ") and _VARIABLE.search(value):
        return f"-u {_doubly_quoted(value.removeprefix('Basic '))}"
    header = f"{name}: {value}"
    return f"-H {_doubly_quoted(header) if _VARIABLE.search(header) else shlex.quote(header)}"


def _doubly_quoted(text: str) -> str:
    """Return a text in double quotes in which the shell puts in the variables and changes nothing else."""
    parts = re.split(r"(\$\{\w+\})", text)
    kept = [part if _VARIABLE.fullmatch(part) else re.sub(r'([\\"$`])', r"\\\1", part) for part in parts]
    return f'"{"".join(kept)}"'


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


def _listed(names: list[str]) -> str:
    shown = [f"${name}" for name in names]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
