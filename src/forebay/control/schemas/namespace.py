"""
Where a tenant may put fields, and what it may call them (1.1, 1.9, 1.12).

Custom fields of classes and field groups lie under ``_{tenant}``; data types need no such
nesting, since they are always used inside something else.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from forebay.control.schemas.errors import FieldNameInvalid, FieldNamespaceInvalid

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_WRAPPER = re.compile(r"_[A-Za-z0-9][A-Za-z0-9_-]*")
_LOCAL_REF = "#/definitions/"


def check_names(document: Mapping[str, Any]) -> None:
    """
    Check every field name of a data type.

    Raises:
        FieldNameInvalid: A name has other characters, or begins with an underscore.
    """
    roots = [document, *document.get("definitions", {}).values()]
    for pointer, name, _ in _fields(roots):
        _check_name(pointer, name)


def check_namespace(document: Mapping[str, Any], namespace: str) -> None:
    """
    Check that every custom field of a class or field group lies in its namespace.

    Objects outside the namespace may lead to it (``person`` → ``_acme`` → …): that is how a
    standard object is extended.

    Args:
        document: The resource.
        namespace: ``_`` and the tenant id; of an ad-hoc class the digits of its own id.

    Raises:
        FieldNamespaceInvalid: A field lies outside.
        FieldNameInvalid: A field inside has a name that XDM does not allow.
    """
    for root in _roots(document):
        _check_outside("", root, namespace)


def _roots(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The document and what of its own definitions it is composed of."""
    definitions = document.get("definitions", {})
    yield document
    for part in document.get("allOf", ()):
        ref = part.get("$ref", "")
        if ref.startswith(_LOCAL_REF) and ref.removeprefix(_LOCAL_REF) in definitions:
            yield definitions[ref.removeprefix(_LOCAL_REF)]
        else:
            yield part


def _check_outside(pointer: str, node: Mapping[str, Any], namespace: str) -> None:
    for name, field in node.get("properties", {}).items():
        path = f"{pointer}/{name}"
        if name == namespace:
            for inner_path, inner_name, _ in _fields([field], path):
                _check_name(inner_path, inner_name)
            continue
        if not (_NAME.fullmatch(name) or _WRAPPER.fullmatch(name)):
            raise _bad_name(path, name)
        if not field.get("properties"):
            raise FieldNamespaceInvalid(
                f"The custom field {path} must be defined under the namespace "
                f"{namespace}: {pointer}/{namespace}/{name.lstrip('_')}"
            )
        _check_outside(path, field, namespace)
    for part in node.get("allOf", ()) if pointer else ():
        _check_outside(pointer, part, namespace)


def _fields(
    roots: list[Mapping[str, Any]], pointer: str = ""
) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    pending = [(pointer, root) for root in roots]
    while pending:
        place, node = pending.pop()
        for name, field in node.get("properties", {}).items():
            yield f"{place}/{name}", name, field
            pending.append((f"{place}/{name}", field))
        pending.extend((place, part) for part in node.get("allOf", ()))
        nested = (node.get("items"), node.get("additionalProperties"))
        pending.extend((place, child) for child in nested if isinstance(child, dict))


def _check_name(path: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise _bad_name(path, name)


def _bad_name(path: str, name: str) -> FieldNameInvalid:
    return FieldNameInvalid(
        f"{name!r} ({path}) is not a field name: letters, digits, hyphens and underscores, "
        "beginning with a letter or a digit"
    )
