"""What an endpoint is: a path with its methods, what it may be sent, and what it does."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from integrations.sandbox.woocommerce.call import Call, Reply
from integrations.sandbox.woocommerce.rest_schema import Schema

EDITING = ("POST", "PUT", "PATCH")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One path with its methods. ``operation`` is the ledger's name, ``action`` what a stranger is told they cannot."""

    path: re.Pattern[str]
    methods: Sequence[str]
    operation: str
    resource: str
    action: str
    schema: Schema
    answer: Callable[[Call], Reply]


def at(
    path: str,
    methods: str | Sequence[str],
    operation: str,
    action: str,
    schema: Schema,
    answer: Callable[[Call], Reply],
) -> Endpoint:
    """Return the endpoint of a path below ``/wc/v3/``."""
    return Endpoint(
        path=re.compile(f"/wc/v3/{path}"),
        methods=(methods,) if isinstance(methods, str) else methods,
        operation=operation,
        resource=path.partition("/")[0],
        action=action,
        schema=schema,
        answer=answer,
    )


def created(call: Call, path: str, value: dict[str, Any]) -> Reply:
    """Return the answer to what was made: 201 with its address."""
    return Reply(value=value, status=201, headers=(("Location", call.link(path)),))
