"""Readers of a JSON request: each returns a value of the right kind or refuses, naming the field."""

from __future__ import annotations

from typing import Any

from integrations.sandbox.fedex.errors import Refused


class Reader:
    """A JSON object with its path, so that a refusal can say where."""

    def __init__(self, value: Any, path: str = "") -> None:
        self._value = self._object(value, path or "request")
        self.path = path

    def __contains__(self, name: str) -> bool:
        return self._value.get(name) is not None

    @staticmethod
    def _object(value: Any, path: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise wrong(path)
        return value

    def at(self, name: str) -> str:
        """Return the path of a member."""
        return f"{self.path}.{name}" if self.path else name

    def object(self, name: str) -> Reader:
        """Return a required object."""
        return Reader(self._required(name), self.at(name))

    def optional(self, name: str) -> Reader | None:
        """Return an object, None when absent."""
        return self.object(name) if name in self else None

    def objects(self, name: str) -> list[Reader]:
        """Return a required list of objects with at least one."""
        value = self._required(name)
        if not isinstance(value, list):
            raise wrong(self.at(name))
        if not value:
            raise missing(self.at(name))
        return [Reader(item, f"{self.at(name)}[{index}]") for index, item in enumerate(value)]

    def some(self, name: str) -> list[Reader]:
        """Return a list of objects, empty when absent."""
        return self.objects(name) if self._value.get(name) else []

    def text(self, name: str, default: str | None = None) -> str:
        """Return a string; without a default it is required and not empty."""
        value = self._value.get(name)
        if value in (None, ""):
            if default is None:
                raise missing(self.at(name))
            return default
        if not isinstance(value, str):
            raise wrong(self.at(name))
        return value

    def one_of(self, name: str, values: tuple[str, ...], default: str | None = None) -> str:
        """Return one of the values."""
        value = self.text(name, default)
        if value not in values:
            raise wrong(self.at(name))
        return value

    def texts(self, name: str, default: tuple[str, ...] | None = None) -> list[str]:
        """Return a list of strings."""
        value = self._value.get(name)
        if value is None and default is not None:
            return list(default)
        value = self._required(name)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise wrong(self.at(name))
        return value

    def number(self, name: str) -> float:
        """Return a required number above 0; FedEx reads digits in a string as a number too."""
        value = self._required(name)
        try:
            number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else 0.0
        except ValueError:
            raise wrong(self.at(name)) from None
        if not 0 < number < 1e9:
            raise wrong(self.at(name))
        return number

    def flag(self, name: str, default: bool | None = None) -> bool:
        """Return a boolean."""
        value = self._value.get(name)
        if value is None and default is not None:
            return default
        value = self._required(name)
        if value in ("true", "false"):
            return bool(value == "true")
        if not isinstance(value, bool):
            raise wrong(self.at(name))
        return value

    def _required(self, name: str) -> Any:
        value = self._value.get(name)
        if value is None:
            raise missing(self.at(name))
        return value


def missing(path: str) -> Refused:
    """Return the refusal of a request without a required field."""
    name = path.rpartition(".")[2].partition("[")[0]
    return Refused(f"{name.upper()}.REQUIRED", f"{name} is required: {path}.", field=path)


def wrong(path: str) -> Refused:
    """Return the refusal of a value of the wrong kind."""
    return Refused("INVALID.INPUT.EXCEPTION", f"Invalid field value in the input: {path}.", field=path)


def account_number(request: Reader) -> str:
    """Return ``accountNumber.value``, at most nine characters."""
    account = request.object("accountNumber").text("value")
    if len(account) > 9 or not account.isalnum():
        raise Refused(
            "ACCOUNTNUMBER.REGISTRATION.REQUIRED",
            "Please enter a valid 9-digit account number.",
            field="accountNumber.value",
        )
    return account
