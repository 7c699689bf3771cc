"""What a query costs, before and after: the points of the rate limit.

Objects cost 1, leaves nothing, mutations 10, counts at the root 10. A connection costs 2 and, for each node, what a node
costs times a factor that grows with the logarithm of the page size: recorded exchanges with API version 2026-04 show 4
for ten nodes, 7 for fifty, 9 for a hundred, 11 for 250, not the tenfold that older pages tell. What is asked for before
execution is the page size; what is paid afterwards is what came. Money, page information and user errors are free.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
)
from graphql.execution.values import VariableValues, get_argument_values

MUTATION, COUNT = 10, 10
_DEARER = {"refundCreate": 20, "fulfillmentTrackingInfoUpdate": 50}
_FREE = frozenset({"PageInfo", "MoneyBag", "MoneyV2"})
_UNKNOWN = object()  # stands for the data of a query that has not run


def factor(nodes: int) -> int:
    """Return how often the cost of a node is charged for a page of so many."""
    return 0 if nodes <= 0 else max(1, math.floor(2 * math.log(nodes)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """Reads the cost of one operation."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: VariableValues

    def requested(self, operation: OperationDefinitionNode) -> int:
        """Return ``requestedQueryCost``: as if every page were full."""
        return self._root(operation, _UNKNOWN)

    def actual(self, operation: OperationDefinitionNode, data: Any) -> int:
        """Return ``actualQueryCost`` of an operation that answered this."""
        return self._root(operation, data)

    def _root(self, operation: OperationDefinitionNode, data: Any) -> int:
        root = self.schema.get_root_type(operation.operation)
        if root is None:
            return 0
        fields = self._fields(root, operation.selection_set)
        if root is self.schema.mutation_type:
            return sum(self._mutation(root, node, _part(data, node)) for _, node in fields)
        # Without data (an error in a field that may not be null) the question itself was still paid for.
        return max(1, sum(self._field(parent, node, _part(data, node)) for parent, node in fields))

    def _mutation(self, root: GraphQLObjectType, node: FieldNode, data: Any) -> int:
        base = _DEARER.get(node.name.value, MUTATION)
        definition = root.fields.get(node.name.value)
        if definition is None or node.selection_set is None or data is None:
            return base
        payload = get_named_type(definition.type)
        # What stands directly in the payload is part of the mutation; only what hangs on it costs.
        for parent, part in self._fields(payload, node.selection_set):
            kind = _type_of(parent, part)
            value = _part(data, part)
            if kind is not None and not _is_free(kind) and part.selection_set is not None and value is not None:
                base += self._children(kind, part.selection_set, value)
        return base

    def _field(self, parent: GraphQLNamedType, node: FieldNode, data: Any) -> int:
        kind = _type_of(parent, node)
        if kind is None or node.selection_set is None or is_leaf_type(kind) or _is_free(kind):
            return 0
        if kind.name == "Count":
            return COUNT if parent is self.schema.query_type else 1
        if kind.name.endswith("Connection"):
            return self._connection(parent, node, kind, data)
        if data is None:
            return 1
        return 1 + self._children(kind, node.selection_set, data)

    def _connection(self, parent: GraphQLNamedType, node: FieldNode, kind: GraphQLNamedType, data: Any) -> int:
        nodes = self._size(parent, node) if data is _UNKNOWN else _count(data)
        each = 0
        for owner, part in self._fields(kind, node.selection_set):
            inner = _type_of(owner, part)
            if inner is None or part.selection_set is None:
                continue
            value = _part(data, part)
            if part.name.value == "nodes":
                each = max(each, self._children(inner, part.selection_set, value))
            elif part.name.value == "edges":
                for edge_owner, edge_part in self._fields(inner, part.selection_set):
                    whose = _type_of(edge_owner, edge_part)
                    if edge_part.name.value == "node" and whose is not None and edge_part.selection_set is not None:
                        inside = value if value is _UNKNOWN else [_part(edge, edge_part) for edge in value or ()]
                        each = max(each, self._children(whose, edge_part.selection_set, inside))
        return 2 + factor(nodes) * (1 + each)

    def _children(self, kind: GraphQLNamedType, selections: SelectionSetNode, data: Any) -> int:
        """Return what hangs on an object, or on the dearest one of a list."""
        if isinstance(data, list):
            return max((self._children(kind, selections, one) for one in data if one is not None), default=0)
        if not is_abstract_type(kind):
            return sum(self._field(parent, node, _part(data, node)) for parent, node in self._fields(kind, selections))
        # Of the kinds that an interface may turn out to be, the dearest counts.
        costs: dict[str, int] = {}
        for parent, node in self._fields(kind, selections):
            costs[parent.name] = costs.get(parent.name, 0) + self._field(parent, node, _part(data, node))
        shared = costs.pop(kind.name, 0)
        return shared + max(costs.values(), default=0)

    def _size(self, parent: GraphQLNamedType, node: FieldNode) -> int:
        definition = getattr(parent, "fields", {})[node.name.value]
        arguments = get_argument_values(definition, node, self.variables)
        return int(arguments.get("first") or arguments.get("last") or 0)

    def _fields(
        self, parent: GraphQLNamedType, selections: SelectionSetNode | None
    ) -> Sequence[tuple[GraphQLNamedType, FieldNode]]:
        """Return the fields selected, fragments resolved, each with the type it is selected on."""
        found: list[tuple[GraphQLNamedType, FieldNode]] = []
        for selection in selections.selections if selections else ():
            if isinstance(selection, FieldNode):
                found.append((parent, selection))
            elif isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition
                found += self._fields(
                    self._named(condition.name.value, parent) if condition else parent, selection.selection_set
                )
            elif isinstance(selection, FragmentSpreadNode) and selection.name.value in self.fragments:
                fragment = self.fragments[selection.name.value]
                found += self._fields(self._named(fragment.type_condition.name.value, parent), fragment.selection_set)
        return found

    def _named(self, name: str, parent: GraphQLNamedType) -> GraphQLNamedType:
        return parent if name == parent.name else self.schema.type_map[name]


def _type_of(parent: GraphQLNamedType, node: FieldNode) -> GraphQLNamedType | None:
    definition = getattr(parent, "fields", {}).get(node.name.value)
    return None if definition is None else get_named_type(definition.type)


def _is_free(kind: GraphQLNamedType) -> bool:
    return kind.name in _FREE or kind.name.endswith("UserError")


def _part(data: Any, node: FieldNode) -> Any:
    if data is _UNKNOWN:
        return _UNKNOWN
    key = node.alias.value if node.alias else node.name.value
    if isinstance(data, list):
        return [one.get(key) if isinstance(one, Mapping) else None for one in data]
    return data.get(key) if isinstance(data, Mapping) else None


def _count(data: Any) -> int:
    if not isinstance(data, Mapping):
        return 0
    lists: Iterable[Any] = (value for value in data.values() if isinstance(value, list))
    return max((len(value) for value in lists), default=0)
