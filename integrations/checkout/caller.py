"""Who asks the checkout, and under which key."""

from __future__ import annotations

from typing import Annotated, Protocol

from fastapi import Header

Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="yours, one for each thing to do; a repeated one gives the first answer again",
        examples=["order-S-10042-charge"],
    ),
]


class Caller(Protocol):
    """Who asks, as the guard found out."""

    @property
    def label(self) -> str: ...

    @property
    def role(self) -> str | None: ...
