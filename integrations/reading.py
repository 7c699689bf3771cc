"""Read a vendor's answer into a model of just the fields we use; what does not fit is SchemaDrift naming the field."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from integrations.errors import SchemaDrift


class Answer(BaseModel):
    """Part of a vendor's answer. A vendor may add fields any day, so unknown ones are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class CamelAnswer(Answer):
    """The same, for vendors that write ``likeThis``."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


Read = TypeVar("Read", bound=BaseModel)


def read(kind: type[Read], value: Any, *, status: int | None = None) -> Read:
    """Return the value as a model of the kind. Raise SchemaDrift naming the first field that does not fit.

    The offending value stays out of the message: it may be personal.
    """
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "body"
        raise SchemaDrift(
            f'The answer\'s "{field}" is not as the contract has it ({first["type"]}).', field=field, status=status
        ) from error
