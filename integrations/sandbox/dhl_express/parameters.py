"""Readers of a query string: each returns a value of its kind or refuses as MyDHL does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal, InvalidOperation

from multidict import MultiMapping

from integrations.sandbox.dhl_express.errors import missing, wrong_format


class Parameters:
    """The query of one request."""

    def __init__(self, query: MultiMapping[str]) -> None:
        self._query = query

    def require(self, *names: str) -> None:
        """Refuse when some are absent, naming all that are."""
        absent = [name for name in names if not self._query.get(name)]
        if absent:
            raise missing(absent)

    def text(self, name: str, default: str = "") -> str:
        """Return the text of a parameter."""
        return self._query.get(name) or default

    def texts(self, name: str, most: int) -> list[str]:
        """Return the values of a parameter that is repeated, or has commas between them."""
        values = [part.strip() for text in self._query.getall(name, []) for part in text.split(",") if part.strip()]
        if len(values) > most:
            raise wrong_format(name, f"maxItems={most}")
        return values

    def choice(self, name: str, values: Sequence[str], default: str = "") -> str:
        """Return one of the values."""
        value = self.text(name, default)
        if value not in values:
            raise wrong_format(name, f"valid parameters for {name} are [{', '.join(values)}]")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return true or false."""
        return self.choice(name, ("true", "false"), "true" if default else "false") == "true"

    def number(self, name: str) -> Decimal:
        """Return a number above 0 with at most three decimals."""
        try:
            value = Decimal(self.text(name))
        except InvalidOperation:
            raise wrong_format(name, "type=number") from None
        if not value.is_finite() or value <= 0:
            raise wrong_format(name, "minimum=0.001")
        if value % Decimal("0.001"):
            raise wrong_format(name, "multipleOf=0.001")
        return value

    def day(self, name: str) -> date:
        """Return a day."""
        text = self.text(name)
        try:
            if len(text) != len("2026-10-01"):  # the other forms of ISO 8601 are none of MyDHL's
                raise ValueError(text)
            return date.fromisoformat(text)
        except ValueError:
            raise wrong_format(name, "format=YYYY-MM-DD") from None
