"""
From the payload form back to the standard notation: what the ``xdm`` family of views shows.

The reverse of `xdm.conversion`, for documents and for records: wrapper objects disappear, and each
field has its name in standard notation again (schema-catalog-profile, 2.4 and 1.13). A field that
states no standard name is the tenant's own and keeps the one it has.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from forebay.xdm.composition import Library
from forebay.xdm.names import Path
from forebay.xdm.pointers import Nowhere, resolve

Document = dict[str, Any]

_BY_NAME = ("definitions", "patternProperties")
_LISTS = ("allOf", "oneOf", "anyOf")
_SINGLE = ("items", "additionalProperties", "not", "contains", "propertyNames")
_MEMBERS = ("properties", "required", "meta:xdmField")
_REFERENCES_MAX = 64


def standard_form(document: Mapping[str, Any], library: Library | None = None) -> Document:
    """
    Return a document, raw or composed, in standard notation; the document is not changed.

    `xdm.conversion.convert` makes the payload form of it again.

    Args:
        document: A resource in payload form.
        library: Where the raw form's references lead: a required member, or the target of a
            reference, may be declared in another resource than the one that names it. A composed
            document needs none.
    """
    return _Writer(document, library).node(document)


def standard_record(record: object, composed: Mapping[str, Any]) -> Any:  # noqa: ANN401  any JSON
    """Return a record in standard notation, given the composed schema that it obeys."""
    if isinstance(record, list):
        items = composed.get("items")
        return [
            standard_record(item, items if isinstance(items, Mapping) else {}) for item in record
        ]
    if not isinstance(record, Mapping):
        return record
    free = composed.get("additionalProperties")
    other = free if isinstance(free, Mapping) else {}
    shown: Document = {}
    for name, value in record.items():
        field = composed.get("properties", {}).get(name, other)
        if _is_wrapper(field) and isinstance(value, Mapping):
            named, rest = _unwrapped_record(value, field)
            shown |= named
            if rest:
                shown[name] = rest
        else:
            shown[field.get("meta:xdmField", name)] = standard_record(value, field)
    return shown


def _unwrapped_record(
    value: Mapping[str, Any], wrapper: Mapping[str, Any]
) -> tuple[Document, Document]:
    """Return the members of a wrapper that have standard names, and the others."""
    named: Document = {}
    rest: Document = {}
    for name, inner in value.items():
        field = wrapper.get("properties", {}).get(name, {})
        if _is_wrapper(field) and isinstance(inner, Mapping):
            deeper, left = _unwrapped_record(inner, field)
            named |= deeper
            if left:
                rest[name] = left
        elif "meta:xdmField" in field:
            named[field["meta:xdmField"]] = standard_record(inner, field)
        else:
            rest[name] = standard_record(inner, field)
    return named, rest


class _Writer:
    def __init__(self, base: Mapping[str, Any], library: Library | None) -> None:
        self._base = base
        self._library = library

    def node(self, node: Mapping[str, Any], around: tuple[Mapping[str, Any], ...] = ()) -> Document:
        """Return a node; `around` are the nodes that it is a part of, by ``allOf`` and the like."""
        shown: Document = {}
        for key, value in node.items():
            if key in _BY_NAME and isinstance(value, Mapping):
                shown[key] = {name: self.node(child) for name, child in value.items()}
            elif key in _LISTS and isinstance(value, list):
                shown[key] = [self.node(child, (node, *around)) for child in value]
            elif key in _SINGLE and isinstance(value, Mapping):
                shown[key] = self.node(value)
            elif key == "$ref":
                shown[key] = self._reference(value)
            elif key not in _MEMBERS:
                shown[key] = value
        properties: Document = {}
        required: list[str] = []
        self._members((node, *around), node, (), into=(properties, required))
        if properties or node.get("properties") == {}:
            shown["properties"] = properties
        if required:
            shown["required"] = required
        return shown

    def _members(
        self,
        nodes: tuple[Mapping[str, Any], ...],
        holder: Mapping[str, Any],
        path: Path,
        *,
        into: tuple[Document, list[str]],
    ) -> None:
        """
        Write the members of a holder, which is the first node itself or a wrapper in it.

        What a wrapper holds under a standard name goes to the node; the rest stays inside.
        """
        properties, required = into
        for name, field in holder.get("properties", {}).items():
            if _is_wrapper(field):
                self._members(nodes, field, (*path, name), into=into)
                rest = self._rest(field)
                if rest is not None and not path:
                    properties[name] = rest
            elif "meta:xdmField" in field:
                properties[field["meta:xdmField"]] = self.node(field)
            elif not path:
                properties[name] = self.node(field)
        for name in holder.get("required", ()):
            standard = self._required(nodes, holder, (*path, name))
            if standard is not None and standard not in required:
                required.append(standard)

    def _required(
        self, nodes: tuple[Mapping[str, Any], ...], holder: Mapping[str, Any], path: Path
    ) -> str | None:
        """Return the standard name of a required member; None for what another name implies."""
        field = holder.get("properties", {}).get(path[-1])
        if field is not None:
            if _is_wrapper(field):
                return None if field.get("required") or len(path) > 1 else path[-1]
            if "meta:xdmField" in field:
                return str(field["meta:xdmField"])
            return path[-1] if len(path) == 1 else None
        if len(path) == 1 and (":" in path[0] or path[0].startswith("@")):
            return path[0]  # the raw form of an event schema states it so already
        for node in (*nodes, self._base):
            for declared, name in self._declared(node, self._base, ()):
                if declared == path:
                    return name
        return _constructed(path)

    def _rest(self, wrapper: Mapping[str, Any]) -> Document | None:
        """Return a wrapper with only what has no standard name; None if everything has one."""
        kept: Document = {}
        for name, field in wrapper.get("properties", {}).items():
            if _is_wrapper(field):
                rest = self._rest(field)
                if rest is not None:
                    kept[name] = rest
            elif "meta:xdmField" not in field:
                kept[name] = self.node(field)
        if not kept:
            return None
        shown = {key: value for key, value in wrapper.items() if key not in _MEMBERS}
        needed = [name for name in wrapper.get("required", ()) if name in kept]
        return shown | {"properties": kept} | ({"required": needed} if needed else {})

    def _declared(
        self, node: Mapping[str, Any], base: Mapping[str, Any], trail: tuple[str, ...]
    ) -> Iterator[tuple[Path, str]]:
        """Yield the payload paths and standard names of the fields that a node declares."""
        yield from _own_names(node, ())
        for part in node.get("allOf", ()):
            yield from self._declared(part, base, trail)
        reference = node.get("$ref")
        if isinstance(reference, str) and reference not in trail and len(trail) < _REFERENCES_MAX:
            base_id, _, pointer = reference.partition("#")
            found = self._found(base_id) if base_id else base
            target = found and _led_to(found, pointer)
            if found and target:
                yield from self._declared(target, found, (*trail, reference))

    def _found(self, resource_id: str) -> Mapping[str, Any] | None:
        return self._library.find(resource_id) if self._library is not None else None

    def _reference(self, reference: object) -> object:
        """Return a reference whose pointer names fields as this form shows them."""
        if not isinstance(reference, str) or "/properties/" not in reference:
            return reference
        base_id, _, pointer = reference.partition("#")
        node: Any = self._found(base_id) if base_id else self._base
        shown: list[str] = []
        is_name = False
        for segment in pointer.split("/"):
            child = node.get(segment) if isinstance(node, Mapping) and segment else node
            if is_name and isinstance(child, Mapping):
                if _is_wrapper(child):
                    shown.pop()
                else:
                    shown.append(str(child.get("meta:xdmField", segment)).replace("/", "~1"))
            else:
                shown.append(segment)
            is_name = segment == "properties" and not is_name
            node = child
        return f"{base_id}#{'/'.join(shown)}"


def _is_wrapper(field: object) -> bool:
    return isinstance(field, Mapping) and field.get("meta:xedConverted") is True


def _own_names(node: Mapping[str, Any], path: Path) -> Iterator[tuple[Path, str]]:
    for name, field in node.get("properties", {}).items():
        if _is_wrapper(field):
            yield from _own_names(field, (*path, name))
        elif "meta:xdmField" in field:
            yield (*path, name), field["meta:xdmField"]


def _led_to(document: Mapping[str, Any], pointer: str) -> Mapping[str, Any] | None:
    try:
        node = resolve(document, pointer)
    except Nowhere:
        return None
    return node if isinstance(node, Mapping) else None


def _constructed(path: Path) -> str:
    """Return a standard name that stands at a payload path, for a field that nobody declares."""
    *wrappers, name = path
    if not wrappers:
        return name
    if len(wrappers) == 1:
        return f"{wrappers[0].removeprefix('_')}:{name}"
    return "https://ns.adobe.com/" + "/".join([wrappers[0].removeprefix("_"), *wrappers[1:], name])
