"""Variables as they come in: what of a value does not fit its type, told as ``INVALID_VARIABLE``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLSchema,
    OperationDefinitionNode,
    Undefined,
    VariableDefinitionNode,
    get_location,
    print_ast,
    type_from_ast,
)

from integrations.sandbox.shopify.gid import parse

MOST_ENTRIES = 250

_Problem = tuple[list[str | int], str]


def variable_errors(
    schema: GraphQLSchema, operation: OperationDefinitionNode, given: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return an error for each variable whose value does not fit."""
    errors = []
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        kind = type_from_ast(schema, definition.type)
        if kind is None or (name not in given and definition.default_value is not None):
            continue
        value = given.get(name)
        problems = list(_problems(kind, value))  # type: ignore[arg-type]  # validation has seen to input types
        if problems:
            errors.append(_error(definition, name, value, problems))
    return errors


def too_large(value: Any, path: list[str | int]) -> tuple[list[str | int], int] | None:
    """Return where a list has more than 250 entries, and how many; None when none has."""
    if isinstance(value, list):
        if len(value) > MOST_ENTRIES:
            return path, len(value)
        entries: Iterator[tuple[str | int, Any]] = iter(enumerate(value))
    elif isinstance(value, Mapping):
        entries = iter(value.items())
    else:
        return None
    return next((found for key, one in entries if (found := too_large(one, [*path, key]))), None)


def _error(definition: VariableDefinitionNode, name: str, value: Any, problems: list[_Problem]) -> dict[str, Any]:
    within = [f"{'.'.join(map(str, path))} ({text})" for path, text in problems if path]
    told = f" for {', '.join(within)}" if within else ""
    place = get_location(definition.loc.source, definition.loc.start) if definition.loc else None
    return {
        "message": f"Variable ${name} of type {print_ast(definition.type)} was provided invalid value{told}",
        "locations": [{"line": place.line, "column": place.column}] if place else [],
        "extensions": {
            "code": "INVALID_VARIABLE",
            "value": value,
            "problems": [{"path": path, "explanation": text} for path, text in problems],
        },
    }


def _problems(kind: GraphQLInputType, value: Any, path: tuple[str | int, ...] = ()) -> Iterator[_Problem]:
    if isinstance(kind, GraphQLNonNull):
        if value is None:
            yield list(path), "Expected value to not be null"
        else:
            yield from _problems(kind.of_type, value, path)
    elif value is None:
        return
    elif isinstance(kind, GraphQLList):
        for place, one in enumerate(value if isinstance(value, list) else [value]):
            yield from _problems(kind.of_type, one, (*path, place))
    elif isinstance(kind, GraphQLInputObjectType):
        if not isinstance(value, Mapping):
            yield list(path), f"Expected {value!r} to be a key-value object"
            return
        for name in value:
            if name not in kind.fields:
                yield [*path, name], f"Field is not defined on {kind.name}"
        for name, field in kind.fields.items():
            if name in value or field.default_value is Undefined:
                yield from _problems(field.type, value.get(name), (*path, name))
    elif isinstance(kind, GraphQLEnumType):
        if value not in kind.values:
            yield list(path), f'Expected "{value}" to be one of: {", ".join(kind.values)}'
    else:
        text = _scalar_problem(kind, value)
        if text is not None:
            yield list(path), text


def _scalar_problem(kind: GraphQLNamedType, value: Any) -> str | None:
    fits = True
    match kind.name:
        case "ID":
            return None if isinstance(value, str) and parse(value) else f"Invalid global id '{value}'"
        case "Int":
            fits = isinstance(value, int) and not isinstance(value, bool) and -(2**31) <= value < 2**31
        case "Float":
            fits = isinstance(value, int | float) and not isinstance(value, bool)
        case "String":
            fits = isinstance(value, str)
        case "Boolean":
            fits = isinstance(value, bool)
        case "Money" | "Decimal":
            fits = is_decimal(value)
        case "DateTime":
            return None if _is_moment(value) else f"Invalid DateTime '{value}'"
        case "URL":
            return (
                None if isinstance(value, str) and urlsplit(value).scheme else f"Invalid url '{value}', missing scheme"
            )
    return None if fits else f"Could not coerce value {_shown(value)} to {kind.name}"


def is_decimal(value: Any) -> bool:
    """Return True for a number, or a text of one."""
    try:
        return not isinstance(value, bool) and Decimal(str(value)).is_finite()
    except InvalidOperation:
        return False


def _is_moment(value: Any) -> bool:
    try:
        datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return False
    return bool(re.search(r"\d", value))


def _shown(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
