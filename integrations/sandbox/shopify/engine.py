"""GraphQL as the shop's API executes it: from the body of a request to the body of its answer.

Parse → choose the operation → validate → variables → cost (over 1,000 points: refused) → bucket (too little in it:
THROTTLED) → sizes of lists → execute. Only what came as far as the bucket is told its cost. All of it is HTTP 200.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    Lexer,
    OperationDefinitionNode,
    OperationType,
    Source,
    TokenKind,
    build_schema,
    execute_sync,
    parse,
)
from graphql.execution.values import VariableValues, get_argument_values, get_variable_values

from integrations.sandbox.shopify.bucket import Buckets
from integrations.sandbox.shopify.cost import Meter
from integrations.sandbox.shopify.validation import locations, problems
from integrations.sandbox.shopify.variables import MOST_ENTRIES, too_large, variable_errors

MOST_POINTS = 1_000
LIMITS_PAGE = "https://shopify.dev/api/usage/rate-limits"
_MAX_COST = """Query cost is {cost}, which exceeds the single query max cost limit ({limit}).

See https://shopify.dev/concepts/about-apis/rate-limits for more information on how the
cost of a query is calculated.

To query larger amounts of data with fewer limits, bulk operations should be used instead.
See https://shopify.dev/api/usage/bulk-operations/queries for usage details.
"""


class Unfit(Exception):
    """A request that is not executed; carries the ``errors`` of the answer."""

    def __init__(self, *errors: dict[str, Any]) -> None:
        super().__init__(errors[0]["message"] if errors else "")
        self.errors = list(errors)


@dataclass(slots=True, kw_only=True)
class Call:
    """Who asks, and what is noted while the answer is made. ``busy`` are keys that another request holds right now."""

    credential: str
    scopes: frozenset[str]
    busy: frozenset[str] = frozenset()
    warnings: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """An operation that may be executed."""

    document: DocumentNode
    operation: OperationDefinitionNode
    given: Mapping[str, Any]
    variables: VariableValues
    meter: Meter
    requested: int

    @property
    def is_mutation(self) -> bool:
        return self.operation.operation is OperationType.MUTATION


@lru_cache(maxsize=1)
def load_schema() -> GraphQLSchema:
    """Return the part of the Admin API 2026-07 that is played."""
    folder = Path(__file__).with_name("schema")
    return build_schema("\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.graphql"))))


def plan(text: str, given: Mapping[str, Any], name: str | None) -> Plan:
    """Return what a request asks for. Raises Unfit when it cannot be executed."""
    schema = load_schema()
    document = _parsed(text)
    operation = choose(document, name)
    errors = problems(schema, document)
    if errors:
        raise Unfit(*errors)
    errors = variable_errors(schema, operation, given)
    if errors:
        raise Unfit(*errors)
    variables = get_variable_values(schema, operation.variable_definitions or (), dict(given))
    if isinstance(variables, list):  # what our own look at the variables has not seen
        raise Unfit(*({"message": error.message, "locations": locations(error)} for error in variables))
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
    meter = Meter(schema=schema, fragments=fragments, variables=variables)
    requested = meter.requested(operation)
    if requested > MOST_POINTS:
        raise Unfit(
            {
                "message": _MAX_COST.format(cost=requested, limit=MOST_POINTS),
                "extensions": {
                    "code": "MAX_COST_EXCEEDED",
                    "cost": requested,
                    "maxCost": MOST_POINTS,
                    "documentation": LIMITS_PAGE,
                },
            }
        )
    return Plan(
        document=document, operation=operation, given=given, variables=variables, meter=meter, requested=requested
    )


def answer(made: Plan, call: Call, root: Mapping[str, Any], buckets: Buckets) -> dict[str, Any]:
    """Return the body of the answer to a planned request, and charge for it."""
    if not buckets.take(call.credential, made.requested):
        return throttled(made.requested, buckets.status(call.credential))
    large = _too_large(made)
    if large is not None:
        return {"errors": [large], **_cost(made.requested, None, buckets.status(call.credential))}
    result = execute_sync(
        load_schema(),
        made.document,
        root_value=root,
        context_value=call,
        variable_values=dict(made.given),
        operation_name=made.operation.name.value if made.operation.name else None,
    )
    for error in result.errors or ():
        if error.original_error is not None and not isinstance(error.original_error, GraphQLError):
            raise error.original_error
    actual = made.meter.actual(made.operation, result.data)
    buckets.give_back(call.credential, made.requested - actual)
    body: dict[str, Any] = {"errors": [_told(error) for error in result.errors]} if result.errors else {}
    body |= {"data": result.data, **_cost(made.requested, actual, buckets.status(call.credential))}
    if call.warnings:
        body["extensions"]["search"] = call.warnings
    return body


def throttled(requested: int, status: Mapping[str, int]) -> dict[str, Any]:
    """Return the body of a refusal for want of points: HTTP 200, no data, the cost that was not paid."""
    error = {"message": "Throttled", "extensions": {"code": "THROTTLED", "documentation": LIMITS_PAGE}}
    return {"errors": [error], **_cost(requested, None, status)}


def choose(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    """Return the operation asked for. Raises Unfit when that is not clear."""
    operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    if name:
        for one in operations:
            if one.name is not None and one.name.value == name:
                return one
        raise Unfit({"message": f'No operation named "{name}"'})
    if len(operations) != 1:
        raise Unfit({"message": "An operation name is required"})
    return operations[0]


def _parsed(text: str) -> DocumentNode:
    try:
        return parse(text)
    except GraphQLSyntaxError as problem:
        message, line, column = _where_it_ends(text, problem)
        raise Unfit(
            {
                "message": f"syntax error, unexpected {message} at [{line}, {column}]",
                "locations": [{"line": line, "column": column}],
                "extensions": {"code": "PARSE_ERROR"},
            }
        ) from problem


def _where_it_ends(text: str, problem: GraphQLSyntaxError) -> tuple[str, int, int]:
    """Return what was not expected and where; the end of the text is told at its last word."""
    place = problem.locations[0] if problem.locations else None
    line, column = (place.line, place.column) if place else (1, 1)
    if "<EOF>" not in problem.message:
        sign = text.splitlines()[line - 1][column - 1 : column] if text.splitlines() else ""
        return f'invalid token ("{sign}")', line, column
    lexer, last = Lexer(Source(text)), (line, column)
    while lexer.token.kind is not TokenKind.EOF:
        if lexer.token.kind is not TokenKind.SOF:
            last = (lexer.token.line, lexer.token.column)
        lexer.advance()
    return "end of file", *last


def _too_large(made: Plan) -> dict[str, Any] | None:
    root = load_schema().get_root_type(made.operation.operation)
    for node in made.operation.selection_set.selections:
        if root is None or not isinstance(node, FieldNode) or node.name.value not in root.fields:
            continue
        name = node.alias.value if node.alias else node.name.value
        arguments = get_argument_values(root.fields[node.name.value], node, made.variables)
        found = too_large(arguments, [name])
        if found is not None:
            path, size = found
            place = node.loc.start_token if node.loc else None
            return {
                "message": f"The input array size of {size} is greater than the maximum allowed of {MOST_ENTRIES}.",
                "locations": [{"line": place.line, "column": place.column}] if place else [],
                "path": path,
                "extensions": {"code": "MAX_INPUT_SIZE_EXCEEDED"},
            }
    return None


def _told(error: GraphQLError) -> dict[str, Any]:
    told: dict[str, Any] = {"message": error.message, "locations": locations(error)}
    if error.extensions:
        told["extensions"] = dict(error.extensions)
    return {**told, "path": list(error.path or ())}


def _cost(requested: int, actual: int | None, status: Mapping[str, int]) -> dict[str, Any]:
    return {
        "extensions": {
            "cost": {
                "requestedQueryCost": requested,
                "actualQueryCost": actual,
                "throttleStatus": dict(status),
            }
        }
    }
