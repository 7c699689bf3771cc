"""What is wrong with a document, told as the vendor's GraphQL library tells it.

The checks are those of graphql-core; message, path and code are turned into the form that recorded exchanges with API
version 2026-04 show (``undefinedField``, ``selectionMismatch``, ``argumentNotAccepted`` …). A mistake that no recording
shows keeps graphql-core's words and has no code.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    Node,
    ObjectFieldNode,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    print_ast,
    validate,
    visit,
)

Path = tuple[str | int, ...]
Told = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a node stands: the path of names to it, and for an argument whose it is and of what type."""

    path: Path
    owner: str = ""  # Field, InputObject or Directive
    owner_name: str = ""
    type: str = ""


def problems(schema: GraphQLSchema, document: DocumentNode) -> list[dict[str, Any]]:
    """Return the errors of a document as an answer has them; none when it may be executed."""
    errors = validate(schema, document)
    if not errors:
        return []
    places = _Places(schema)
    info = TypeInfo(schema)
    visit(document, TypeInfoVisitor(info, places.watching(info)))
    return [_told(error, places) for error in errors]


def locations(error: GraphQLError) -> list[dict[str, int]]:
    """Return where in the document an error is."""
    return [{"line": place.line, "column": place.column} for place in error.locations or ()]


def _told(error: GraphQLError, places: _Places) -> dict[str, Any]:
    nodes: Sequence[Node | None] = error.nodes or [None]
    # Of a variable's two places (declared, used) the one where it does not fit is told.
    node = nodes[-1] if "used in position" in error.message else nodes[0]
    place = places.of(node)
    for pattern, tell in _TELLERS:
        found = pattern.fullmatch(error.message)
        if found is not None:
            message, extensions = tell(found, place, node)
            if extensions["code"] == "missingRequiredInputObjectAttribute":
                needs = places.type_of(extensions["inputObjectType"], extensions["argumentName"])
                message, extensions["argumentType"] = f"{message} Expected type {needs}", needs
            path = [*place.path, *([extensions["argumentName"]] if _names_argument(extensions, place) else [])]
            return {"message": message, "locations": locations(error)[:1], "path": path, "extensions": extensions}
    return {"message": error.message, "locations": locations(error), "path": list(place.path)}


def _names_argument(extensions: dict[str, Any], place: _Place) -> bool:
    return extensions["code"] == "missingRequiredInputObjectAttribute" and extensions["argumentName"] not in place.path


class _Places:
    """Finds the place of every node by walking the document once."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._found: dict[int, _Place] = {}

    def of(self, node: Node | None) -> _Place:
        """Return the place of a node, that of nothing for one that was not met."""
        return self._found.get(id(node), _Place(path=()))

    def type_of(self, kind: str, field: str) -> str:
        """Return the type of an input type's field."""
        return str(getattr(self._schema.type_map[kind], "fields", {})[field].type)

    def watching(self, info: TypeInfo) -> Visitor:
        """Return the visitor that fills this in."""
        found = self._found
        stack: list[_Place] = [_Place(path=())]

        class Watcher(Visitor):
            def enter(self, node: Node, key: Any, parent: Any, path: Any, ancestors: Any) -> None:
                place = _step(stack[-1], node, info, key, parent)
                stack.append(place)
                found[id(node)] = place

            def leave(self, node: Node, *_: Any) -> None:
                stack.pop()

        return Watcher()


def _step(above: _Place, node: Node, info: TypeInfo, key: Any, parent: Any) -> _Place:
    path = above.path
    if isinstance(node, OperationDefinitionNode):
        name = f" {node.name.value}" if node.name else ""
        return _Place(path=(f"{node.operation.value}{name}",))
    if isinstance(node, FragmentDefinitionNode):
        return _Place(path=(f"fragment {node.name.value}",))
    if isinstance(node, FieldNode):
        return _Place(path=(*path, node.alias.value if node.alias else node.name.value))
    if isinstance(node, InlineFragmentNode):
        name = f"... on {node.type_condition.name.value}" if node.type_condition else "..."
        return _Place(path=(*path, name))
    if isinstance(node, FragmentSpreadNode):
        return _Place(path=(*path, f"... {node.name.value}"))
    if isinstance(node, ArgumentNode):
        directive = info.get_directive()
        argument = info.get_argument()
        field = info.get_field_def()
        owner = ("Directive", directive.name) if directive else ("Field", _field_name(field, info))
        return _Place(
            path=(*path, node.name.value),
            owner=owner[0],
            owner_name=owner[1],
            type=str(argument.type) if argument else "",
        )
    if isinstance(node, ObjectFieldNode):
        kind = info.get_input_type()
        outer = info.get_parent_input_type()
        name = get_named_type(outer).name if outer is not None else ""
        return _Place(
            path=(*path, node.name.value), owner="InputObject", owner_name=name, type=str(kind) if kind else ""
        )
    if (
        isinstance(parent, list | tuple)
        and isinstance(key, int)
        and above.owner
        and above.type.lstrip().startswith("[")
    ):
        return _Place(path=(*path, key), owner=above.owner, owner_name=above.owner_name, type=above.type)
    return above


def _field_name(field: Any, info: TypeInfo) -> str:
    parent = info.get_parent_type()
    fields = getattr(parent, "fields", {})
    return next((name for name, definition in fields.items() if definition is field), "")


def _undefined_field(found: re.Match[str], place: _Place, node: Node | None) -> Told:
    return f"Field '{found['field']}' doesn't exist on type '{found['type']}'", {
        "code": "undefinedField",
        "typeName": found["type"],
        "fieldName": found["field"],
    }


def _no_selection(found: re.Match[str], place: _Place, node: Node | None) -> Told:
    field, kind = found["field"], found["type"].strip("[]!")
    message = f"Field must have selections (field '{field}' returns {kind} but has no selections. "
    return message + f"Did you mean '{field} {{ ... }}'?)", {
        "code": "selectionMismatch",
        "nodeName": f"field '{field}'",
        "typeName": kind,
    }


def _selection_on_leaf(found: re.Match[str], place: _Place, node: Node | None) -> Told:
    field, kind = found["field"], found["type"].strip("[]!")
    return f"Selections can't be made on scalars (field '{field}' returns {kind} but has selections)", {
        "code": "selectionMismatch",
        "nodeName": f"field '{field}'",
        "typeName": kind,
    }


def _unknown_argument(found: re.Match[str], place: _Place, node: Node | None) -> Told:
    return f"Field '{found['field']}' doesn't accept argument '{found['argument']}'", {
        "code": "argumentNotAccepted",
        "name": found["field"],
        "typeName": "Field",
        "argumentName": found["argument"],
    }


def _unknown_input_field(found: re.Match[str], place: _Place, node: Node | None) -> Told:
    return f"InputObject '{found['type']}' doesn't accept argument '{found['field']}'", {
        "code": "argumentNotAccepted",
        "name": found["type"],
        "typeName": "InputObject",
        "argumentName": found["field"],
    }


def _missing_argument(found: re.Match[str], place: _Place, node: Node | None) -> Told:
    kind = "Directive" if isinstance(node, DirectiveNode) else "Field"
    return f"{kind} '{found['field']}' is missing required arguments: {found['argument']}", {
        "code": "missingRequiredArguments",
        "className": kind,
        "name": found["field"],
        "arguments": found["argument"],
    }


def _missing_input_field(found: re.Match[str], place: _Place, node: Node | None) -> Told:
    message = f"Argument '{found['field']}' on InputObject '{found['type']}' is required."
    return message, {
        "code": "missingRequiredInputObjectAttribute",
        "argumentName": found["field"],
        "inputObjectType": found["type"],
    }


def _wrong_literal(found: re.Match[str], place: _Place, node: Node | None) -> Told:
    value = print_ast(node) if node is not None else ""
    name = next((part for part in reversed(place.path) if isinstance(part, str)), "")
    message = f"Argument '{name}' on {place.owner} '{place.owner_name}' has an invalid value ({value}). "
    return message + f"Expected type '{place.type}'.", {
        "code": "argumentLiteralsIncompatible",
        "typeName": place.owner,
        "argumentName": name,
    }


def _undefined_directive(found: re.Match[str], place: _Place, node: Node | None) -> Told:
    return f"Directive @{found['name']} is not defined", {"code": "undefinedDirective", "directiveName": found["name"]}


def _misplaced_directive(found: re.Match[str], place: _Place, node: Node | None) -> Told:
    where = {"query": "queries", "mutation": "mutations"}.get(found["where"], found["where"])
    return f"'@{found['name']}' can't be applied to {where} (allowed: fields)", {
        "code": "directiveCannotBeApplied",
        "targetName": where,
        "name": found["name"],
    }


def _undeclared_variable(found: re.Match[str], place: _Place, node: Node | None) -> Told:
    operation = found["operation"] or "anonymous query"
    return f"Variable ${found['name']} is used by {operation} but not declared", {
        "code": "variableNotDefined",
        "variableName": found["name"],
    }


def _unused_variable(found: re.Match[str], place: _Place, node: Node | None) -> Told:
    operation = found["operation"] or "anonymous query"
    return f"Variable ${found['name']} is declared by {operation} but not used", {
        "code": "variableNotUsed",
        "variableName": found["name"],
    }


def _variable_mismatch(found: re.Match[str], place: _Place, node: Node | None) -> Told:
    name = next((part for part in reversed(place.path) if isinstance(part, str)), "")
    types = f"{found['has']} / {found['needs']}"
    return f"Type mismatch on variable ${found['name']} and argument {name} ({types})", {
        "code": "variableMismatch",
        "variableName": found["name"],
        "typeName": found["has"],
        "argumentName": name,
        "errorMessage": "Type mismatch",
    }


def _undefined_type(found: re.Match[str], place: _Place, node: Node | None) -> Told:
    if any(str(part).startswith(("... on", "fragment")) for part in place.path):
        return f"No such type {found['type']}, so it can't be a fragment condition", {
            "code": "undefinedType",
            "typeName": found["type"],
        }
    return f"{found['type']} isn't a defined input type", {
        "code": "variableRequiresValidType",
        "typeName": found["type"],
    }


def _undefined_fragment(found: re.Match[str], place: _Place, node: Node | None) -> Told:
    return f"Fragment {found['name']} was used, but not defined", {
        "code": "useAndDefineFragment",
        "fragmentName": found["name"],
    }


def _unused_fragment(found: re.Match[str], place: _Place, node: Node | None) -> Told:
    return f"Fragment {found['name']} was defined, but not used", {
        "code": "useAndDefineFragment",
        "fragmentName": found["name"],
    }


_MORE = r"( Did you mean .*)?"
_TELLERS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], _Place, Node | None], Told]], ...] = tuple(
    (re.compile(pattern, re.DOTALL), tell)
    for pattern, tell in (
        (r"Cannot query field '(?P<field>\w+)' on type '(?P<type>\w+)'\." + _MORE, _undefined_field),
        (
            r"Field '(?P<field>\w+)' of type '(?P<type>[^']+)' must have a selection of subfields\." + _MORE,
            _no_selection,
        ),
        (
            r"Field '(?P<field>\w+)' must not have a selection since type '(?P<type>[^']+)' has no subfields\.",
            _selection_on_leaf,
        ),
        (r"Unknown argument '(?P<argument>\w+)' on field '\w+\.(?P<field>\w+)'\." + _MORE, _unknown_argument),
        (
            r"Expected value of type '(?P<type>\w+)' not to include unknown field '(?P<field>\w+)'.*",
            _unknown_input_field,
        ),
        (
            r"Expected value of type '(?P<type>\w+)' to include required field '(?P<field>\w+)'.*",
            _missing_input_field,
        ),
        (
            r"Argument '(@|\w+\.)(?P<field>\w+)\((?P<argument>\w+):\)' of type '[^']+' is required, but .*",
            _missing_argument,
        ),
        (r"Unknown directive '@(?P<name>\w+)'\.", _undefined_directive),
        (r"Directive '@(?P<name>\w+)' may not be used on (?P<where>[\w ]+)\.", _misplaced_directive),
        (r"Variable '\$(?P<name>\w+)' is not defined( by operation '(?P<operation>\w+)')?\.", _undeclared_variable),
        (r"Variable '\$(?P<name>\w+)' is never used( in operation '(?P<operation>\w+)')?\.", _unused_variable),
        (
            r"Variable '\$(?P<name>\w+)' of type '(?P<has>[^']+)' used in position expecting type '(?P<needs>[^']+)'\.",
            _variable_mismatch,
        ),
        (r"Unknown type '(?P<type>\w+)'\." + _MORE, _undefined_type),
        (r"Unknown fragment '(?P<name>\w+)'\.", _undefined_fragment),
        (r"Fragment '(?P<name>\w+)' is never used\.", _unused_fragment),
        (r".*(cannot represent|does not exist in|Expected value of|cannot be an? ).*", _wrong_literal),
    )
)
