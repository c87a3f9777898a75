"""
What the registry would refuse about descriptors, found before anything is written.

The registry's own rules judge them; only the schema they are about may not be there yet.
"""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from forebay.cli.registry import Document
from forebay.cli.source_files import Place
from forebay.control.schemas import descriptor_rules
from forebay.control.schemas.model import IDENTITY
from forebay.kernel.errors import PlatformError
from forebay.xdm.composition import Library, compose

_IDENTITY_MAP = "identityMap"


class PlacedDescriptor(msgspec.Struct, frozen=True):
    """A descriptor that is wanted, and where a file says so."""

    body: Document
    place: Place
    is_new: bool
    """It would be written; what is kept already is not judged again."""


def descriptor_faults(
    wanted: Sequence[PlacedDescriptor], present: Sequence[Document], library: Library
) -> Iterator[str]:
    """
    Yield why descriptors would be refused: a field that is not there, a second primary identity.

    Args:
        wanted: What files say.
        present: What the sandbox has.
        library: Every resource as it would be.
    """
    composed: dict[str, Document] = {}
    for item in wanted:
        if not item.is_new:
            continue
        schema_id = item.body["xdm:sourceSchema"]
        try:
            content = descriptor_rules.content_of(item.body)
            if schema_id not in composed:
                composed[schema_id] = compose(library.find(schema_id) or {}, library)
            descriptor_rules.check(content, composed[schema_id])
        except PlatformError as error:
            yield f"{item.place}: {error.message} [{error.code}]"
    yield from _second_primaries(wanted, present)


def lacks_identity(
    schema_id: str,
    wanted: Sequence[PlacedDescriptor],
    present: Sequence[Document],
    library: Library,
) -> bool:
    """Say whether a schema has nothing to tell its records apart by, which Profile needs."""
    every = [*(item.body for item in wanted), *present]
    if any(body["xdm:sourceSchema"] == schema_id and _is_primary(body) for body in every):
        return False
    composed = compose(library.find(schema_id) or {}, library)
    return _IDENTITY_MAP not in composed.get("properties", {})


def _second_primaries(
    wanted: Sequence[PlacedDescriptor], present: Sequence[Document]
) -> Iterator[str]:
    said = {_key(item.body) for item in wanted}
    first = {
        body["xdm:sourceSchema"]: body.get("xdm:sourceProperty")
        for body in present
        if _is_primary(body) and _key(body) not in said
    }
    for item in wanted:
        if not _is_primary(item.body):
            continue
        schema_id, path = item.body["xdm:sourceSchema"], item.body.get("xdm:sourceProperty")
        other = first.setdefault(schema_id, path)
        if other != path:
            yield (
                f"{item.place}: {path} would be a second primary identity of {schema_id}, "
                f"which has {other}; a schema has one"
            )


def _key(body: Mapping[str, object]) -> tuple[object, object, str]:
    return body["@type"], body["xdm:sourceSchema"], str(body.get("xdm:sourceProperty"))


def _is_primary(body: Mapping[str, object]) -> bool:
    return body["@type"] == IDENTITY and body.get("xdm:isPrimary") is True
