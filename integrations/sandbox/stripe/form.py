"""Form bodies and query strings with brackets, as v1 of Stripe's API reads them.

``metadata[order_id]=A-1`` is a mapping, ``expand[]=x`` and ``expand[0]=x`` are lists, everything else is a string; what
a string means is decided by the parameter's reader.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from integrations.sandbox.stripe.errors import Refused, missing_param

_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_MAX_DEPTH = 10


def decode_body(body: bytes, content_type: str) -> dict[str, Any]:
    """Return the nested parameters of a v1 body; raises ``Refused`` for JSON, other media types and broken text."""
    if not body:
        return {}
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type != "application/x-www-form-urlencoded":
        raise Refused(
            400,
            "Invalid request (check that your POST content type is application/x-www-form-urlencoded). "
            f"The content type received was '{media_type}'.",
        )
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError:
        raise Refused(400, "Invalid request: the body is not valid form-encoded UTF-8.") from None
    return nest(pairs)


def nest(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return flat ``a[b][0]`` pairs as nested dicts and lists; raises ``Refused`` where two pairs contradict."""
    root: dict[str, Any] = {}
    for name, value in pairs:
        matched = _KEY.fullmatch(name)
        if matched is None:
            raise Refused(400, f"Invalid parameter name: {name}", code="parameter_unknown", param=name)
        steps = [matched[1], *re.findall(r"\[([^\[\]]*)\]", matched[2])]
        if len(steps) > _MAX_DEPTH:
            raise Refused(400, f"Parameter nested too deeply: {name}", param=name)
        _place(root, steps, value, name)
    return {key: _listed(value) for key, value in root.items()}


def _place(root: dict[str, Any], steps: list[str], value: str, name: str) -> None:
    node = root
    for step in steps[:-1]:
        node = node.setdefault(step or str(len(node)), {})
        if not isinstance(node, dict):
            raise Refused(400, f"Invalid parameter: {name} is given both as a value and as a hash.", param=name)
    last = steps[-1] or str(len(node))
    if isinstance(node.get(last), dict):
        raise Refused(400, f"Invalid parameter: {name} is given both as a value and as a hash.", param=name)
    node[last] = value


def _listed(value: Any) -> Any:
    """Turn hashes whose keys are 0, 1, 2 … into lists, inside out."""
    if not isinstance(value, dict):
        return value
    inner = {key: _listed(item) for key, item in value.items()}
    if inner and all(key.isdecimal() for key in inner):
        return [inner[key] for key in sorted(inner, key=int)]
    return inner


def names(words: str) -> frozenset[str]:
    """Return the words of a text as a set: parameters an endpoint knows, currencies."""
    return frozenset(words.split())


def allow(params: dict[str, Any], known: frozenset[str]) -> None:
    """Raise ``Refused`` for the first parameter the endpoint does not know."""
    for name in params:
        if name not in known:
            raise Refused(
                400,
                f"Received unknown parameter: {name}",
                code="parameter_unknown",
                param=name,
            )


def integer(params: dict[str, Any], name: str, *, required: bool = False) -> int | None:
    """Return a whole number, None when absent; raises ``Refused`` for anything else."""
    value = params.get(name)
    if value is None or value == "":
        if required:
            raise missing_param(name)
        return None
    if not isinstance(value, str) or not re.fullmatch(r"-?\d{1,18}", value):
        raise Refused(400, f"Invalid integer: {value}", code="parameter_invalid_integer", param=name)
    return int(value)


def boolean(params: dict[str, Any], name: str) -> bool | None:
    """Return a boolean, None when absent; raises ``Refused`` for anything but ``true`` and ``false``."""
    value = params.get(name)
    if value is None or value == "":
        return None
    if value not in ("true", "false"):
        raise Refused(400, f"Invalid boolean: {value}", param=name)
    return bool(value == "true")


def text(params: dict[str, Any], name: str, *, max_length: int = 5000) -> str | None:
    """Return a string, None when absent or unset by an empty one; raises ``Refused`` for a hash or too long a text."""
    value = params.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise Refused(400, "Invalid string", param=name)
    if len(value) > max_length:
        raise Refused(400, f"Invalid string: {value[:20]}…; must be at most {max_length} characters", param=name)
    return value


def choice(params: dict[str, Any], name: str, values: tuple[str, ...]) -> str | None:
    """Return one of ``values``, None when absent; raises ``Refused`` otherwise."""
    value = text(params, name)
    if value is not None and value not in values:
        raise Refused(400, f"Invalid {name}: must be one of {', '.join(values[:-1])}, or {values[-1]}", param=name)
    return value


def hash_of(params: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a nested hash, empty when absent or unset; raises ``Refused`` for a plain value."""
    value = params.get(name)
    if value is None or value == "":
        return {}
    if not isinstance(value, dict):
        raise Refused(400, "Invalid object", code="parameter_invalid_empty", param=name)
    return value


def metadata(params: dict[str, Any], known: dict[str, str] | None = None) -> dict[str, str]:
    """Return ``known`` with the given keys set, or unset where the value is empty (at most 50 keys of 40 characters)."""
    if params.get("metadata") == "":
        return {}
    merged = dict(known or {})
    for key, value in hash_of(params, "metadata").items():
        if not isinstance(value, str) or len(key) > 40 or len(value) > 500:
            raise Refused(400, "Metadata keys have up to 40 characters, values up to 500.", param=f"metadata[{key}]")
        if value:
            merged[key] = value
        else:
            merged.pop(key, None)
    if len(merged) > 50:
        raise Refused(400, "Metadata can have up to 50 keys.", param="metadata")
    return merged
