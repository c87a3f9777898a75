"""
The short form of fields in schema files, and the JSON Schema that it stands for.

``points: integer``, ``tags: string[]``, ``tier: {type: string, enum: [gold, silver]}``: a type
alone, or a type with what there is to say about the field. See docs/reference/schema-files.md.
"""

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from forebay.cli.source_files import Source, Way
from forebay.control.schemas.model import ResourceType
from forebay.kernel.json import shown

Document = dict[str, Any]

_LONG = 2**53
TYPES: Mapping[str, Document] = {
    "string": {"type": "string"},
    "uri": {"type": "string", "format": "uri"},
    "date": {"type": "string", "format": "date"},
    "date-time": {"type": "string", "format": "date-time"},
    "boolean": {"type": "boolean"},
    "number": {"type": "number"},
    "byte": {"type": "integer", "meta:xdmType": "byte", "minimum": -(2**7), "maximum": 2**7},
    "short": {"type": "integer", "meta:xdmType": "short", "minimum": -(2**15), "maximum": 2**15},
    # The type is stated, since bounds alone would choose a smaller one, and a bound that is
    # widened later would then change the type of a column.
    "integer": {"type": "integer", "meta:xdmType": "int"},
    "long": {"type": "integer", "meta:xdmType": "long", "minimum": -_LONG, "maximum": _LONG},
    "object": {"type": "object"},
    "array": {"type": "array"},
    "map": {"type": "object", "meta:xdmType": "map"},
}
_ALIASES = {"int": "integer", "double": "number", "text": "string", "datetime": "date-time"}

RULES = (
    *("format", "pattern", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum"),
    *("exclusiveMaximum", "multipleOf", "minItems", "maxItems", "uniqueItems", "minProperties"),
    *("maxProperties", "default"),
)
"""Members that are JSON Schema's own and stay as they are."""
_OWN = (
    *("type", "title", "description", "required", "deprecated", "enum", "suggested"),
    *("fields", "items", "values", "dataType"),
)
_TYPE_OF = {"fields": "object", "items": "array", "values": "map"}

Report = Callable[[Way, str], None]


def named(kind: ResourceType, text: str) -> str:
    """Return the reference to a resource that is named by title, ``$id`` or ``meta:altId``."""
    return f"{_MARK}{kind.value}:{text}"


def named_parts(reference: str) -> tuple[ResourceType, str] | None:
    """Return kind and name of a reference that `named` made, None for any other text."""
    if not reference.startswith(_MARK):
        return None
    kind, _, text = reference.removeprefix(_MARK).partition(":")
    return ResourceType(kind), text


_MARK = "\0named:"


def check_members(value: Mapping[str, Any], allowed: Iterable[str], way: Way, say: Report) -> None:
    """Report members that nothing knows, each with the nearest right one."""
    allowed = list(allowed)
    for name in value:
        if name not in allowed:
            near = difflib.get_close_matches(name, allowed, 1, 0.5)
            right = f"did you mean {near[0]}?" if near else f"expected {', '.join(allowed)}"
            say((*way, name), f"{name} is unknown here; {right}")


def members_of(fields: object, way: Way, say: Report) -> Document:
    """Return ``properties``, and ``required`` if there is any, for the fields of an object."""
    if not isinstance(fields, dict) or not fields:
        say(way, f"fields is {shown(fields)}; expected names with their types")
        return {"properties": {}}
    properties = {name: field(spec, (*way, name), say) for name, spec in fields.items()}
    required = [
        name for name, spec in fields.items() if isinstance(spec, dict) and _is_required(spec)
    ]
    return {"properties": properties} | ({"required": required} if required else {})


def field(spec: object, way: Way, say: Report) -> Document:
    """Return the JSON Schema of one field."""
    if isinstance(spec, str):
        spec = {"type": spec}
    if not isinstance(spec, dict):
        say(way, f"{way[-1]} is {shown(spec)}; expected a type, or an object with a type")
        return {}
    check_members(spec, (*_OWN, *RULES), way, say)
    node = _typed(spec, way, say)
    node |= {name: spec[name] for name in RULES if name in spec}
    _add_texts(node, spec, way, say)
    _add_choices(node, spec, way, say)
    if "fields" in spec:
        node |= members_of(spec["fields"], (*way, "fields"), say)
    if "items" in spec:
        node["items"] = field(spec["items"], (*way, "items"), say)
    if node.get("meta:xdmType") == "map":
        node["additionalProperties"] = field(spec.get("values", "string"), (*way, "values"), say)
    return node


def _by_type(name: str, way: Way, say: Report) -> Document:
    if name.endswith("[]"):
        return {"type": "array", "items": _by_type(name.removesuffix("[]"), way, say)}
    known = TYPES.get(_ALIASES.get(name, name))
    if known is None:
        near = difflib.get_close_matches(name, [*TYPES, *_ALIASES], 1, 0.5)
        hint = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(TYPES)}"
        say(way, f"{name} is no type; {hint}")
        return {}
    node = dict(known)
    if node.get("meta:xdmType") == "map":
        node["additionalProperties"] = {"type": "string"}
    return node


def _typed(spec: Mapping[str, Any], way: Way, say: Report) -> Document:
    """Return the part of a field that follows from its type, stated or implied."""
    if "dataType" in spec:
        if not isinstance(spec["dataType"], str) or "type" in spec:
            say(way, "dataType is the title or the $id of a data type, and stands instead of type")
        return {"$ref": named(ResourceType.DATA_TYPE, str(spec["dataType"]))}
    implied = next((_TYPE_OF[name] for name in _TYPE_OF if name in spec), "string")
    stated = spec.get("type", implied)
    if not isinstance(stated, str):
        say((*way, "type"), f"type is {shown(stated)}; expected one of {', '.join(TYPES)}")
        return {}
    kind = _ALIASES.get(stated, stated)
    for member, owner in _TYPE_OF.items():
        if member in spec and kind != owner:
            say((*way, member), f"{member} belongs to the type {owner}; this one is {stated}")
    for owner, member in (("object", "fields"), ("array", "items")):
        if kind == owner and member not in spec:
            say(way, f"{way[-1]} is of type {owner} and needs {member}")
    return _by_type(stated, (*way, "type") if "type" in spec else way, say)


def _add_texts(node: Document, spec: Mapping[str, Any], way: Way, say: Report) -> None:
    for name in ("title", "description"):
        if name in spec:
            if not isinstance(spec[name], str):
                say((*way, name), f"{name} is {shown(spec[name])}; expected a text (quote it)")
            node[name] = spec[name]
    for name in ("required", "deprecated"):
        if name in spec and not isinstance(spec[name], bool):
            say((*way, name), f"{name} is {shown(spec[name])}; expected true or false")
    if spec.get("deprecated") is True:
        node["meta:status"] = "deprecated"


def _add_choices(node: Document, spec: Mapping[str, Any], way: Way, say: Report) -> None:
    for name in ("enum", "suggested"):
        choices = spec.get(name)
        if choices is None:
            continue
        if not isinstance(choices, list | dict) or not choices:
            say((*way, name), f"{name} is {shown(choices)}; expected a list of values, or labels")
            continue
        if name == "enum":
            node["enum"] = list(choices)
        if isinstance(choices, dict):
            node["meta:enum"] = choices
        elif name == "suggested":
            node["meta:enum"] = {str(value): str(value) for value in choices}


def _is_required(spec: Mapping[str, Any]) -> bool:
    return spec.get("required") is True


def reporter(source: Source, faults: list[str]) -> Report:
    """Return what notes faults of a file with their lines."""

    def say(way: Way, message: str) -> None:
        faults.append(f"{source.place(way)}: {message}")

    return say
